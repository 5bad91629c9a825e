"""`${env:NAME}` and `${env:NAME:-default}` in the text of a scalar.

In: a scalar's text and the environment. Out: the text with references replaced, or a `Fault`. No
state. Runs after YAML is parsed, so a value cannot add keys; what it gives is typed by the option.
Source: design.md 7, OpenTelemetry declarative configuration (environment variable substitution).
"""

import re
from collections.abc import Mapping

from agentslo.config.kinds import Fault
from agentslo.config.problems import quoted

_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<body>[^}]*)\}|\$\{")
_BODY = re.compile(r"env:(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?::-(?P<default>.*))?", re.DOTALL)
_BARE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def substitute(text: str, environ: Mapping[str, str]) -> str:
    """Replaces every reference; `$${` stands for `${` itself."""
    return _REFERENCE.sub(lambda match: _value(match, environ), text) if "${" in text else text


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    if match.group() == "$${":
        return "${"
    body = match["body"]
    if body is None:
        raise Fault("${ is never closed", "write ${env:NAME}, or $${ for the characters themselves")
    reference = _BODY.fullmatch(body)
    if reference is None:
        name = body if _BARE_NAME.fullmatch(body) else "NAME"
        fix = f"write ${{env:{name}}}, or $${{ for the characters themselves"
        raise Fault(f"{quoted(match.group())} is not a reference", fix)
    name, default = reference["name"], reference["default"]
    value = environ.get(name)
    if default is not None:
        return value or default
    if value is None:
        fix = f"export {name}, or write ${{env:{name}:-default}}"
        raise Fault(f"environment variable {name} is not set", fix)
    return value
