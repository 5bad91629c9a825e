"""Values as YAML: block text for expressions of several lines, keys in the order given.

In: mappings, sequences, texts, numbers. Out: text, the same for the same values. No state.
"""

from typing import Final

import yaml

HEADER: Final = "# Made by `agentslo bundle`: do not edit; change the tables and run it again.\n"


class _Dumper(yaml.SafeDumper):
    """Writes sequences indented, as people do, and never an alias."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002  # yaml's signature
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # yaml's signature
        super().increase_indent(flow, indentless=False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def dump(value: object, header: str = HEADER) -> str:
    """The value as a YAML document under a header."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=10_000, allow_unicode=True)
    return header + text
