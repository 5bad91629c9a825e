"""Conditions: one key of `equals`, `in`, `matches` and the like beside what they are about.

In: the values of a group. Out: the same with a `Condition` in their place. No state. Source:
requirements.md S4.
"""

from agentslo.config.agent_options import Condition, Operator, Scalar
from agentslo.config.agent_sections.words import Pattern
from agentslo.config.fields import Field, Key
from agentslo.config.kinds import Boolean, Number
from agentslo.config.operands import Operand, OperandList
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Values

_BOUND = Number(-1e15, 1e15)

CONDITION_FIELDS: tuple[Field, ...] = (
    Operand("equals", "Holds where the value is this; `'1'` in quotes is text, `1` a number."),
    Operand("not_equals", "Holds where the value is another."),
    OperandList("in", "Holds where the value is one of these."),
    Key("matches", Pattern(), "Holds where the text matches."),
    Key(
        "present",
        Boolean(),
        "`true`: holds where there is any value. `false`, under `expect`: where there is none.",
    ),
    Key("at_most", _BOUND, "Holds where the number is this or less."),
    Key("at_least", _BOUND, "Holds where the number is this or more."),
)

_OPERATORS: tuple[Operator, ...] = (
    *("equals", "not_equals", "in", "matches", "present", "at_most", "at_least"),
)


def folded(values: Values, path: OptionPath, reading: Reading, *, needed: bool) -> Values:
    """`values` with the one condition among them as `condition`.

    `needed`: a group without one is a problem; the keys it may have stand in its own table.
    """
    written: list[Operator] = [name for name in _OPERATORS if reading.is_written((*path, name))]
    rest = {key: value for key, value in values.items() if key not in _OPERATORS}
    for extra in written[1:]:
        what = f"{written[0]} is given already"
        reading.note((*path, extra), what, "keep one condition; write a second assertion")
    if not written:
        if needed and reading.is_sound(*path):
            fix = f"add one of {', '.join(_OPERATORS)}"
            reading.note(path, "says nothing of the value", fix)
        return rest
    operator = written[0]
    if operator not in values:
        return rest
    condition = Condition(operator=operator, value=_operand(values[operator]))
    return {**rest, "condition": condition}


def folded_of_span(
    values: Values, path: OptionPath, reading: Reading, *, needed: bool = True
) -> Values:
    """`folded` for what is asked of one span's attribute, where the lack of it means nothing: most
    spans of a run carry none.
    """
    values = folded(values, path, reading, needed=needed)
    condition = values.get("condition")
    if isinstance(condition, Condition) and condition.is_absence:
        fix = "write 'present: true', or the condition that must not hold"
        reading.note((*path, "present"), "false has no meaning here", fix)
    return values


def _operand(value: object) -> Scalar | tuple[Scalar, ...] | None:
    return value if isinstance(value, str | bool | int | float | tuple) else None


def unfolded(condition: Condition) -> Values:
    """The key a condition is written with."""
    return {condition.operator: condition.value}
