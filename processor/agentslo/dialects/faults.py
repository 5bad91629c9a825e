"""What an exception, error mark or status message says of a run, by class name.

In: a span as sent. Out: (`Fault` or None, sanitised error type). No state.
Frameworks raise control flow (hand-off, pause, cancellation) through the same channel as failures
(FINDINGS 1.9), and name limits, guardrails and refusals in the class (FINDINGS 1.10, 1.11).
Class names are read; words inside messages are not, but for the literal sentences by which an SDK
that sends no class names its own exceptions.
"""

import re

from agentslo.dialects.base import STATUS_ERROR, STATUS_OK, SpanView, text
from agentslo.model import CONTROL_FLOW, Fault

_CLASSES: tuple[tuple[Fault, re.Pattern[str]], ...] = (
    (Fault.HANDOFF, re.compile(r"^(ParentCommand|Command|GraphBubbleUp|Handoff\w*)$")),
    (
        Fault.PAUSED,
        re.compile(
            r"^((?!Keyboard)\w*Interrupt|ApprovalRequired|CallDeferred|\w*Paused|Pause\w*)$"
        ),
    ),
    (
        Fault.CANCELLED,
        re.compile(
            r"^(\w*Cancell?ed(Error|Exception)?|GeneratorExit|KeyboardInterrupt|AbortError"
            r"|\w*Abandoned)$"
        ),
    ),
    (
        Fault.REFUSAL,
        re.compile(r"(ContentFilter|Refus(al|ed)|ResponsibleAIPolicy|SafetyBlock|PromptBlocked)"),
    ),
    (
        Fault.GUARDRAIL,
        re.compile(r"(Guardrail|Tripwire|GuardTriggered|PolicyViolation)"),
    ),
    (
        Fault.LIMIT,
        re.compile(
            r"(?!.*(RateLimit|Context|Window|Token\w*Length|Connection))"
            r"(Max[A-Z]\w*(Exceeded|Reached|Error)|\w*Limit\w*(Exceeded|Reached)\w*|\w*Recursion"
            r"\w*|\w*Iteration\w*(Error|Exceeded)|\w*Budget\w*(Exceeded|Error)|WorkflowTimeout\w*"
            r"|TooMany\w*(Steps|Turns|Calls))"
        ),
    ),
)

# Sentences an SDK writes where it sends no class: openai-agents (`exceptions.py`), Pregel-style
# workflow runners. Anchored at the start of the message, or of its `'message': '...'` field.
_SENTENCES: tuple[tuple[Fault, re.Pattern[str]], ...] = (
    (
        Fault.LIMIT,
        re.compile(r"^Max(imum)? (number of )?(turns|iterations|steps)\b.*", re.IGNORECASE),
    ),
    (Fault.LIMIT, re.compile(r"^Recursion limit of \d+ reached")),
    (Fault.GUARDRAIL, re.compile(r"^Guardrail (tripwire )?triggered", re.IGNORECASE)),
    (Fault.REFUSAL, re.compile(r"^Model refused to produce output")),
    (Fault.CANCELLED, re.compile(r"^(abandoned stream|GeneratorExit)\b", re.IGNORECASE)),
    (Fault.PAUSED, re.compile(r"^\(?Interrupt\(")),
    (Fault.HANDOFF, re.compile(r"^(Parent)?Command\(")),
    # OpenAI's SDK writes a response it could not finish as its `IncompleteDetails`.
    (Fault.REFUSAL, re.compile(r"IncompleteDetails\(reason='content_filter'\)")),
    (Fault.LIMIT, re.compile(r"IncompleteDetails\(reason='max_output_tokens'\)")),
)
_WRAPPED = re.compile(r"""^\{?["']?(?:message|error)["']?\s*:\s*["']""")
_NESTED = re.compile(r"""["']error["']\s*:\s*["']""")
_CLASS_PREFIX = re.compile(
    r"^([A-Za-z_][\w.]*(?:Error|Exception|Exceeded|Exit|Interrupt|Warning))\b"
)
_SAFE = re.compile(r"[A-Za-z0-9_.]{1,80}")
OTHER_TYPE = "_OTHER"
CLASS_CHARS = 100


def safe_type(name: str) -> str:
    """An error type fit for a label: the name itself where it is a short identifier."""
    if not name:
        return ""
    return name if _SAFE.fullmatch(name) else OTHER_TYPE


def of_class(name: str) -> Fault:
    """The fault a (dotted) exception class name stands for; OTHER where it says nothing more."""
    last = name.rsplit(".", 1)[-1]
    if len(last) > CLASS_CHARS:
        # No class is named so; the expressions below take the cube of the length.
        return Fault.OTHER
    for fault, pattern in _CLASSES:
        if pattern.search(last):
            return fault
    return Fault.OTHER


def of_message(message: str) -> tuple[Fault, str]:
    """(fault, class name) read from a status message that may hold only a sentence."""
    head = _WRAPPED.sub("", message[:300])
    found = _CLASS_PREFIX.match(head)
    name = found.group(1) if found else ""
    if name and (fault := of_class(name)) is not Fault.OTHER:
        return fault, name
    nested = _NESTED.search(head)
    for candidate in (
        head,
        head[nested.end() :] if nested else "",
        head[found.end() + 2 :] if found else "",
    ):
        for fault, pattern in _SENTENCES:
            if candidate and pattern.search(candidate):
                return fault, name
    return Fault.OTHER, name


def read(view: SpanView) -> tuple[Fault | None, str]:
    """(fault, error type) of a span.

    A span without ERROR status and without `error.type` has no failure, but control flow shown by
    an exception event on it still counts: instrumentation leaves hand-offs and pauses OK.
    """
    raised = [
        text(e.attributes.get("exception.type")) for e in view.events if e.name == "exception"
    ]
    marked = text(view.attributes.get("error.type"))
    names = [n for n in (marked, *raised) if n and n != OTHER_TYPE]
    failed = view.status == STATUS_ERROR or bool(marked)
    kinds = [of_class(n) for n in names]
    special = next((k for k in kinds if k is not Fault.OTHER), None)
    if not failed:
        # A span that says OK was not cut short: a generator closes with GeneratorExit all the same.
        closed = special is Fault.CANCELLED and view.status == STATUS_OK
        control = special in CONTROL_FLOW and not closed
        return (special, safe_type(names[0])) if control else (None, "")
    if special is not None:
        return special, safe_type(names[kinds.index(special)])
    fault, prefix = of_message(view.message) if view.message else (Fault.OTHER, "")
    return fault, safe_type(next(iter(names), prefix)) or OTHER_TYPE
