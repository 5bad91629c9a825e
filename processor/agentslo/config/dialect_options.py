"""How spans are read beyond the conventions agentslo knows: users' keys, users' roles, plug-ins.

In: nothing. Out: frozen dataclasses, filled by `sections/dialects.py`, read by the dialects. The
fields of `ConceptKeys` are the list of concepts: whatever a dialect may give keys for. No state.
"""

from dataclasses import dataclass, fields

Keys = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptKeys:
    """Attribute keys per concept of an agent run, the first present wins."""

    agent: Keys = ()
    agent_version: Keys = ()
    workflow: Keys = ()
    tool: Keys = ()
    tool_args: Keys = ()
    tool_result: Keys = ()
    model: Keys = ()
    provider: Keys = ()
    conversation_id: Keys = ()
    task_type: Keys = ()
    finish: Keys = ()
    response_id: Keys = ()
    usage_in: Keys = ()
    usage_out: Keys = ()
    usage_cached: Keys = ()
    usage_cache_written: Keys = ()
    cost_usd: Keys = ()
    documents: Keys = ()
    triggered: Keys = ()
    output: Keys = ()
    ttft_s: Keys = ()
    ttft_ms: Keys = ()
    prompt_version: Keys = ()
    tool_definitions: Keys = ()
    arm: Keys = ()
    call_id: Keys = ()
    input: Keys = ()
    max_steps: Keys = ()

    def joined(self, later: "ConceptKeys") -> "ConceptKeys":
        """These keys, then those of `later`."""
        return ConceptKeys(
            **{c: tuple(dict.fromkeys(getattr(self, c) + getattr(later, c))) for c in CONCEPTS}
        )

    def given(self) -> dict[str, Keys]:
        """The concepts that have keys."""
        return {concept: keys for concept in CONCEPTS if (keys := getattr(self, concept))}


CONCEPTS: tuple[str, ...] = tuple(field.name for field in fields(ConceptKeys))


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleValues:
    """Which values of a span attribute stand for which role; an empty `attribute` for none."""

    attribute: str = ""
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingFile:
    """What a mapping file holds."""

    keys: ConceptKeys = ConceptKeys()
    roles: RoleValues = RoleValues()


@dataclass(frozen=True, slots=True, kw_only=True)
class DialectOptions:
    """The mapping in force, its file already read into it, and whether plug-ins are loaded."""

    plugins: bool = True
    mapping_file: str = ""
    keys: ConceptKeys = ConceptKeys()
    roles: RoleValues = RoleValues()
