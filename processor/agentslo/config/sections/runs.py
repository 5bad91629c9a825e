"""The `runs` section: how spans become runs, and when a run is over.

In: nodes. Out: `RunsOptions`. No state. Source: design.md 2.
"""

from dataclasses import replace

from agentslo.config.fields import Key
from agentslo.config.kinds import Boolean, ByteSize, Duration, Integer, Number, choice_of
from agentslo.config.options import RunsOptions, Scope, VerdictSpans
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group

_MIB = 1024 * 1024

# Each is at most the next.
_ORDERED = (("quiet_single_s", "quiet_s"), ("quiet_s", "idle_s"), ("idle_s", "max_age_s"))


def _finish(options: RunsOptions, path: OptionPath, reading: Reading) -> RunsOptions:
    if not reading.is_written((*path, "quiet_single_s")):
        options = replace(options, quiet_single_s=min(options.quiet_single_s, options.quiet_s))
    for lower, upper in _ORDERED:
        low_s, high_s = getattr(options, lower), getattr(options, upper)
        if low_s > high_s and reading.is_sound(*path, lower) and reading.is_sound(*path, upper):
            where = lower if reading.is_written((*path, lower)) else upper
            what = f"{lower} ({low_s:g} s) is above {upper} ({high_s:g} s)"
            reading.note((*path, where), what, f"keep {lower} at most {upper}")
    return options


RUNS = Group(
    name="runs",
    doc="How spans become runs, and when a run is over.",
    make=RunsOptions,
    start=RunsOptions(),
    finish=_finish,
    fields=(
        Key(
            "quiet_s",
            Duration(0, 600),
            "A run whose root has ended closes after this long without a span.",
        ),
        Key(
            "quiet_single_s",
            Duration(0, 600),
            "The same where one process sent all its spans; not above `quiet_s`.",
        ),
        Key("idle_s", Duration(0.1, 86_400), "A run without its root closes after this long."),
        Key("max_age_s", Duration(0.1, 30 * 86_400), "A run closes at this age whatever comes."),
        Key("hold_max_s", Duration(0, 300), "Longest time a run root is held for its outcome."),
        Key(
            "hold_roots",
            Boolean(),
            "Whether roots are held; without, outcomes are on verdict spans.",
        ),
        Key(
            "scope",
            choice_of(Scope),
            "What one run is: the agents below one workflow, each agent, or a conversation.",
        ),
        Key(
            "verdict_span",
            choice_of(VerdictSpans),
            "When a verdict span is sent: the root is lost or its outcome changed, always, never.",
        ),
        Key(
            "verify_ratio",
            Number(0, 1),
            "Share of requests whose spans are also read in full, to compare.",
        ),
        Key("max_open_runs", Integer(1, 10_000_000), "Runs open at once; the oldest then close."),
        Key("max_steps_per_trace", Integer(1, 1_000_000), "Steps kept of one trace."),
        Key("max_state_bytes", ByteSize(_MIB, 1024 * 1024 * _MIB), "Memory of open runs."),
        Key(
            "ack_timeout_s",
            Duration(0.1, 60),
            "Longest wait for the primary before a retryable refusal; below the sender's timeout.",
        ),
    ),
)
