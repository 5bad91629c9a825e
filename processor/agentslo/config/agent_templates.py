"""Ready agent files to start from, the same as in `examples/agents`.

In: a name. Out: the file's text. No state. The files are part of the package.
"""

from importlib.resources import files

_FOLDER = files("agentslo.config") / "templates"
_SUFFIX = ".yaml"


def template_names() -> tuple[str, ...]:
    """All templates, by name."""
    found = (file.name for file in _FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in found if name.endswith(_SUFFIX)))


def template(name: str) -> str:
    """The file's text."""
    return (_FOLDER / f"{name}{_SUFFIX}").read_text(encoding="utf-8")
