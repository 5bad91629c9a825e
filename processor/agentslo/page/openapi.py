"""The description of `/api/v1`, served at `/api/v1/openapi.json`.

In: nothing. Out: an OpenAPI 3.1 document as plain values. No state. A test holds it to the routes
and to what they answer.
"""

from typing import Any, Final

from agentslo import __version__
from agentslo.model import Outcome

Json = dict[str, Any]

_TEXT: Final[Json] = {"type": "string"}
_COUNT: Final[Json] = {"type": "integer", "minimum": 0}
_RATIO: Final[Json] = {"type": ["number", "null"]}
_OPEN: Final[Json] = {"type": "object"}
_STATE: Final[Json] = {"enum": ["yes", "no", "cannot tell"]}


def _object(**properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _list(of: Json) -> Json:
    return {"type": "array", "items": of}


_SLO: Final = _object(
    objective_ratio=_RATIO,
    good=_COUNT,
    bad=_COUNT,
    unknown=_COUNT,
    budget_left_ratio=_RATIO,
)
_AGENT: Final = _object(
    agent=_TEXT,
    environment=_TEXT,
    outcomes={
        "type": "object",
        "propertyNames": {"enum": [outcome.value for outcome in Outcome]},
        "additionalProperties": _COUNT,
    },
    safe_to_run=_STATE,
    safe_to_run_reasons=_list(_TEXT),
    within_slo=_STATE,
    error_budget_state={
        "enum": ["normal", "caution", "frozen", "unknown", None],
        "description": "As the release gate found it last; null where it was never asked.",
    },
    slos={"type": "object", "additionalProperties": _SLO},
)
_RUN: Final = _object(
    run_id=_TEXT,
    trace_id=_TEXT,
    agent=_TEXT,
    environment=_TEXT,
    release=_TEXT,
    end=_TEXT,
    duration_s={"type": "number"},
    outcome={"enum": [outcome.value for outcome in Outcome]},
    reason=_TEXT,
    evidence=_TEXT,
    slos={
        "type": "object",
        "additionalProperties": {"enum": ["good", "bad", "unknown", "excluded"]},
    },
)
_STATUS: Final = _object(version=_TEXT, agents=_list(_AGENT), runs=_list(_RUN))
_EXPLAINED: Final = _object(run=_RUN, findings=_list(_OPEN), spans=_list(_OPEN))
_ERROR: Final = _object(error=_TEXT)


def _answer(text: str, schema: Json) -> Json:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _get(name: str, text: str, schema: Json, *parameters: Json, missing: str = "") -> Json:
    answers = {"200": _answer(text, schema)}
    if missing:
        answers["404"] = _answer(missing, _ERROR)
    # With tokens set, each path asks for one (docs/configuration.md, `listen.page.tokens`).
    refused = {code: _answer("No token, or not the right one.", _ERROR) for code in ("401", "403")}
    operation = {"operationId": name, "summary": text, "parameters": list(parameters)}
    return {"get": {**operation, "responses": answers | refused}}


_ENVIRONMENT: Final[Json] = {
    "name": "environment",
    "in": "query",
    "required": False,
    "schema": _TEXT,
    "description": "Only agents of this environment.",
}
_RUN_ID: Final[Json] = {"name": "run_id", "in": "path", "required": True, "schema": _TEXT}

OPENAPI: Final[Json] = {
    "openapi": "3.1.0",
    "info": {"title": "agentslo", "version": __version__, "license": {"name": "Apache-2.0"}},
    "paths": {
        "/api/v1/status": _get("status", "Agents and the newest runs.", _STATUS, _ENVIRONMENT),
        "/api/v1/doctor": _get(
            "doctor",
            "What the spans seen lack, and the switch that sends it.",
            _object(agents=_list(_OPEN), shared_names=_OPEN | {"type": ["object", "array"]}),
        ),
        "/api/v1/seen": _get(
            "seen",
            "What each agent was seen to do, for a first agent file.",
            _object(agents=_list(_OPEN)),
        ),
        "/api/v1/drift": _get(
            "drift",
            "How every agent drifts; `tested` is null before the first test.",
            _object(time=_TEXT, agents=_list(_OPEN)),
        ),
        "/api/v1/runs/{run_id}/explain": _get(
            "explain",
            "Why a recent run got its outcome.",
            _EXPLAINED,
            _RUN_ID,
            missing="The run is not among the newest.",
        ),
        "/api/v1/openapi.json": _get("openapi", "This document.", _OPEN),
    },
}
