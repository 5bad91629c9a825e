"""Where a retrained release came from: an in-toto statement with SLSA provenance.

In: a request with its decisions. Out: the statement as JSON values. Pure. Subject is what was made,
by digest; every input, the report and every decision stand in it, so that anybody can later tell
whether better examples, a changed prompt or a leak moved the behaviour. Sources: in-toto
Attestation Framework (Statement v1), SLSA Provenance v1; requirements.md R8, R9.
"""

from collections.abc import Mapping
from typing import Any

from agentslo import __version__
from agentslo.respond.delivery import moment
from agentslo.respond.retraining import Request
from agentslo.respond.rights import Refused
from agentslo.store.decisions import Decision

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:agentslo:retraining:v1"


def statement(request: Request) -> dict[str, Any]:
    """The statement; raises `Refused` where nothing was evaluated yet."""
    evaluation = request.evaluation
    if evaluation is None or evaluation["result"] != "pass":
        raise Refused(f"retrain/{request.id} has no report that passed")
    candidate = evaluation["candidate"]
    first, last = request.timeline[0], request.timeline[-1]
    return {
        "_type": STATEMENT,
        "subject": [{"name": candidate["release"], "digest": _sha256(candidate["sha256"])}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "agent": request.agent,
                    "environment": request.environment,
                    "trigger": first.body["trigger"],
                    "versions": first.body["versions"],
                },
                "resolvedDependencies": _inputs(request, evaluation),
            },
            "runDetails": {
                "builder": {"id": "urn:agentslo", "version": {"agentslo": __version__}},
                "metadata": {
                    "invocationId": f"retrain/{request.id}",
                    "startedOn": moment(first.time_ns),
                    "finishedOn": moment(last.time_ns),
                },
                "byproducts": [_decision(row) for row in request.timeline],
            },
        },
    }


def _inputs(request: Request, evaluation: Mapping[str, Any]) -> list[dict[str, Any]]:
    stages = sorted(evaluation["stages"].items())
    return [
        {"name": f"evidence/{request.bundle}", "digest": _sha256(request.bundle_sha256)},
        {"name": "evaluation report", "digest": _sha256(evaluation["report_sha256"])},
        *({"name": f"stage {name}", "digest": _sha256(digest)} for name, digest in stages),
        *({"name": "index source", "digest": _sha256(d)} for d in evaluation["lineage"]),
    ]


def _decision(row: Decision) -> dict[str, Any]:
    return {
        "name": f"decision {row.seq}: {row.kind} by {row.actor} as {row.role}",
        "digest": {"hmac-sha256": row.digest},
        "annotations": {"time": moment(row.time_ns), "rights": row.rights},
    }


def _sha256(digest: str) -> dict[str, str]:
    return {"sha256": digest.removeprefix("sha256:")}
