"""The `evaluator` section: where `agentslo run --role processor` finds its evaluator.

In: nodes. Out: `EvaluatorOptions`. No state. Source: design.md 1, "Roles".
"""

from agentslo.config.evaluator_options import EvaluatorOptions
from agentslo.config.fields import Key, SecretMap
from agentslo.config.kinds import ByteSize, Duration, Endpoint
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group
from agentslo.config.sections.destinations import HeaderName, HeaderValue
from agentslo.config.sections.tls import DESTINATION_TLS
from agentslo.config.transport import MIB


def _finish(options: EvaluatorOptions, path: OptionPath, reading: Reading) -> EvaluatorOptions:
    if options.endpoint and "://" not in options.endpoint and reading.is_sound(*path):
        fix = f"write http://{options.endpoint} or https://{options.endpoint}"
        reading.note((*path, "endpoint"), "the evaluator is reached over HTTP", fix)
    return options


EVALUATOR = Group(
    name="evaluator",
    doc="Where processors (`--role processor`) send closed runs and what is said of runs "
    "(docs/scale-out.md).",
    make=EvaluatorOptions,
    start=EvaluatorOptions(),
    finish=_finish,
    fields=(
        Key("endpoint", Endpoint(), "URL of the evaluator's page listener."),
        SecretMap(
            "headers",
            HeaderName(),
            HeaderValue(),
            "Sent with every request: `authorization: Bearer ${env:NAME}` with a token the "
            "evaluator has in both `listen.page.tokens.records` and `api`.",
        ),
        DESTINATION_TLS,
        Key(
            "queue_bytes",
            ByteSize(MIB, 65_536 * MIB),
            "Records held in memory; beyond it they go to disk where there is storage, else they "
            "are dropped and counted.",
        ),
        Key("drift_s", Duration(1, 300), "How often `/api/v1/drift` is asked."),
    ),
)
