"""Users' own keys and role values, from the service file: a dialect without code.

In: the mapping of the service file. Out: a `Dialect` for its roles, and keys per concept that are
tried after the built-in ones. No state. A role attribute of the user's stands before every
convention, because nobody writes one by accident.
"""

from collections.abc import Mapping

from agentslo.dialects.base import Dialect, SpanView
from agentslo.model import Role

DECLARED = "agent_slo.declared.span_role"


def by_attribute(name: str, attribute: str, values: Mapping[str, Role]) -> Dialect:
    """A dialect whose roles are the values of one attribute."""

    def role(view: SpanView) -> Role | None:
        value = view.attributes.get(attribute)
        return values.get(value) if isinstance(value, str) else None

    return Dialect(name=name, role=role, markers=(attribute.encode(),))


def dialect(attribute: str, values: Mapping[str, str]) -> Dialect | None:
    """The dialect of a mapping's roles; None where it names no attribute or no value."""
    if not attribute or not values:
        return None
    return by_attribute("mapping", attribute, {k: Role(v) for k, v in values.items()})


DECLARED_ROLES = by_attribute("declared", DECLARED, {role.value: role for role in Role})
"""What an application says of its own span, in its own word (conventions.md 1 rule 1)."""
