"""The `dialects` section: users' own keys and role values, in place or in a file of their own.

In: nodes. Out: `DialectOptions`. No state. A mapping file holds `keys` and `roles` as the section
does; what stands in the section goes first. Source: conventions.md 1, 4, 5.
"""

from dataclasses import replace

from agentslo.config.dialect_options import (
    ConceptKeys,
    DialectOptions,
    MappingFile,
    RoleValues,
)
from agentslo.config.fields import Faulty, Key, TextList, WordMap
from agentslo.config.kinds import Boolean, Choice, Text
from agentslo.config.reading import OptionPath, Reading
from agentslo.config.schema import Group
from agentslo.config.yaml_reader import read_file
from agentslo.model import Role

_KEY = Text(r"[^\s,]{1,200}", "an attribute key")
_DOCS: dict[str, str] = {
    "agent": "Name of the agent.",
    "agent_version": "Its version.",
    "workflow": "Name of the workflow around agents.",
    "tool": "Name of a tool.",
    "tool_args": "What a tool was called with.",
    "tool_result": "What it gave back.",
    "model": "Name of the model.",
    "provider": "Who serves the model.",
    "conversation_id": "What the runs of one conversation share.",
    "task_type": "Kind of task.",
    "finish": "Why the model stopped.",
    "response_id": "Id of a model's response.",
    "usage_in": "Input tokens, cached ones among them.",
    "usage_out": "Output tokens.",
    "usage_cached": "Input tokens read from a cache.",
    "usage_cache_written": "Input tokens written to a cache.",
    "cost_usd": "Cost in US dollars.",
    "documents": "Retrieved documents: a list, or how many.",
    "triggered": "Whether a guardrail stopped something: `true` or `false`.",
    "output": "A model's answer as JSON: tool calls, finish reasons and refusals are read from it.",
    "call_id": "Id of a tool call, as the model that asked for it gave it.",
    "input": "What a model was given, as JSON messages: results of tools are read from it.",
    "max_steps": "How many model calls an agent may make before it has to answer.",
    "ttft_s": "Seconds to the first token.",
    "ttft_ms": "The same in milliseconds.",
    "prompt_version": "Version of the prompt.",
    "tool_definitions": "Tools offered to the model, as sent to it: their hash is a version.",
    "arm": "Arm of an experiment.",
}


def _finish_roles(roles: RoleValues, path: OptionPath, reading: Reading) -> RoleValues:
    for given, other in (("attribute", "values"), ("values", "attribute")):
        if getattr(roles, given) and not getattr(roles, other) and reading.is_sound(*path):
            what = f"has no meaning without {other}"
            reading.note((*path, given), what, f"add '{other}:' beside it")
    return roles


_KEYS = Group(
    name="keys",
    doc="Attribute keys of your own, tried after those of the conventions.",
    make=ConceptKeys,
    start=ConceptKeys(),
    fields=tuple(TextList(concept, _KEY, doc) for concept, doc in _DOCS.items()),
)
_ROLES = Group(
    name="roles",
    doc="An attribute of your own that says what a span does; stands before every convention.",
    make=RoleValues,
    start=RoleValues(),
    finish=_finish_roles,
    fields=(
        Key("attribute", _KEY, "Key of the attribute."),
        WordMap(
            "values",
            Text(r".{1,200}", "a value of the attribute"),
            Choice(tuple(role.value for role in Role)),
            "Its values, each with a role.",
        ),
    ),
)
MAPPING = Group(
    name="mapping",
    doc="A mapping file.",
    make=MappingFile,
    start=MappingFile(),
    fields=(_KEYS, _ROLES),
)


def _finish(options: DialectOptions, path: OptionPath, reading: Reading) -> DialectOptions:
    if not options.mapping_file or not reading.is_sound(*path, "mapping_file"):
        return options
    file = reading.base / options.mapping_file
    document, _ = read_file(file)
    reading.add_source(str(file), document.lines)
    reading.note_all(document.problems)
    if document.is_broken or document.root is None:
        return options
    found = MAPPING.read(document.root, (*path, "mapping_file"), reading)
    if isinstance(found, Faulty):
        return options
    roles = options.roles if options.roles.attribute else found.roles
    return replace(options, keys=options.keys.joined(found.keys), roles=roles)


DIALECTS = Group(
    name="dialects",
    doc="What spans are read by, beyond the conventions in docs/frameworks.md.",
    make=DialectOptions,
    start=DialectOptions(),
    finish=_finish,
    fields=(
        Key("plugins", Boolean(), "Load installed plug-ins (entry points `agentslo.dialects`)."),
        Key(
            "mapping_file",
            Text(r"[^\0]{1,4096}", "a file"),
            "A file that holds `keys` and `roles` as here, which stand before it.",
        ),
        _KEYS,
        _ROLES,
    ),
)
