"""What exception classes and finish reasons of all frameworks mean."""

import pytest

from agentslo.dialects.faults import of_class, of_message, safe_type
from agentslo.dialects.finish import normalise
from agentslo.model import Fault, Finish


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("langgraph.errors.ParentCommand", Fault.HANDOFF),
        ("GraphInterrupt", Fault.PAUSED),
        ("NodeInterrupt", Fault.PAUSED),
        ("pydantic_ai.exceptions.ApprovalRequired", Fault.PAUSED),
        ("CallDeferred", Fault.PAUSED),
        ("asyncio.exceptions.CancelledError", Fault.CANCELLED),
        ("GeneratorExit", Fault.CANCELLED),
        ("pydantic_ai.exceptions.UsageLimitExceeded", Fault.LIMIT),
        ("agents.exceptions.MaxTurnsExceeded", Fault.LIMIT),
        ("langgraph.errors.GraphRecursionError", Fault.LIMIT),
        ("google.adk.LlmCallsLimitExceededError", Fault.LIMIT),
        ("agents.exceptions.InputGuardrailTripwireTriggered", Fault.GUARDRAIL),
        ("ContentFilterFinishReasonError", Fault.REFUSAL),
        ("openai.RateLimitError", Fault.OTHER),
        ("ContextWindowExceededError", Fault.OTHER),
        ("TimeoutError", Fault.OTHER),
        ("ValueError", Fault.OTHER),
        ("", Fault.OTHER),
    ],
)
def test_an_exception_class_tells_what_it_means_for_the_run(name: str, fault: Fault) -> None:
    assert of_class(name) is fault


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        ("Max turns (6) exceeded", Fault.LIMIT),
        ("{'message': 'Max turns exceeded', 'data': {'max_turns': 6}}", Fault.LIMIT),
        ("Guardrail tripwire triggered", Fault.GUARDRAIL),
        ("Recursion limit of 12 reached without hitting a stop condition", Fault.LIMIT),
        ("ParentCommand(Command(graph='x', goto='billing'))", Fault.HANDOFF),
        ("the guardrail at the road was hit; max turns of the wheel", Fault.OTHER),
        ("ValueError: recursion in the document", Fault.OTHER),
    ],
)
def test_only_the_sentences_of_an_sdk_are_read_from_a_message(message: str, fault: Fault) -> None:
    assert of_message(message)[0] is fault


@pytest.mark.parametrize(
    ("name", "label"),
    [("a.b.C_1", "a.b.C_1"), ("", ""), ("no spaces please", "_OTHER"), ("x" * 81, "_OTHER")],
)
def test_an_error_type_is_fit_for_a_label(name: str, label: str) -> None:
    assert safe_type(name) == label


@pytest.mark.parametrize(
    ("value", "finish"),
    [
        ("stop", Finish.STOP),
        (["stop"], Finish.STOP),
        ('["length"]', Finish.LENGTH),
        (["end_turn"], Finish.STOP),
        ("tool-calls", Finish.TOOL_CALL),
        (["tool_use"], Finish.TOOL_CALL),
        ("FinishReason.MAX_TOKENS", Finish.LENGTH),
        ("SAFETY", Finish.CONTENT_FILTER),
        ("guardrail_intervened", Finish.CONTENT_FILTER),
        ("refusal", Finish.REFUSAL),
        ("MALFORMED_FUNCTION_CALL", Finish.ERROR),
        ("canceled", Finish.CANCELLED),
        ("FINISH_REASON_UNSPECIFIED", None),
        ("[broken", None),
        ([], None),
        (None, None),
        ({"a": 1}, None),
        ([7, "stop", "unheard"], Finish.STOP),
    ],
)
def test_finish_reasons_of_all_providers_are_one_vocabulary(
    value: object, finish: Finish | None
) -> None:
    assert normalise(value) is finish  # type: ignore[arg-type]  # any attribute value
