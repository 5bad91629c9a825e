"""A string that does not show itself in logs, tracebacks or messages.

In: a credential from the service file. Out: the same, only through `reveal`. No other state.
"""

from typing import Final


class Secret:
    """Holds a credential; `str`, `repr` and formatting give asterisks."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """Wraps `value`."""
        self._value: Final = value

    def reveal(self) -> str:
        """The credential itself; call it only where it is sent."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
