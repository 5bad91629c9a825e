"""Every dialect keeps the contract that packages of others are held to, and so does the example."""

import importlib.util
import json
import sys
import tomllib
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from agentslo.dialects.base import Dialect, SpanView
from agentslo.dialects.registry import BUILT_IN
from agentslo.model import Role
from agentslo.testing import check_dialect, span
from support import recorded
from support.tools import PROJECT_ROOT

EXAMPLE = PROJECT_ROOT / "examples" / "dialect-plugin"


def examples(dialect: Dialect) -> list[SpanView]:
    """The recorded spans to which the dialect gives a role."""
    names = sorted(path.stem for path in recorded.FOLDER.glob("*.json"))
    return [view for name in names for view in recorded.views(name) if dialect.role(view)]


@pytest.mark.parametrize("dialect", BUILT_IN, ids=lambda d: f"{BUILT_IN.index(d)}-{d.name}")
def test_built_in_dialects_keep_the_contract(dialect: Dialect) -> None:
    check_dialect(dialect, examples(dialect))


def test_every_recording_says_what_it_was_made_with() -> None:
    for path in recorded.FOLDER.glob("*.json"):
        assert json.loads(path.read_text())["made_with"].strip(), path.name


@pytest.fixture
def acme() -> ModuleType:
    place = EXAMPLE / "src" / "acme_agentslo" / "__init__.py"
    spec = importlib.util.spec_from_file_location("acme_agentslo", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_plug_in_is_found_by_its_entry_point(acme, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "acme_agentslo", acme)
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    (value,) = project["entry-points"]["agentslo.dialects"].values()

    loaded = EntryPoint("acme", value, "agentslo.dialects").load()

    assert isinstance(loaded, Dialect)


def test_the_example_plug_in_passes_its_own_tests(acme, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "acme_agentslo", acme)
    space: dict[str, object] = {}
    exec((EXAMPLE / "tests" / "test_acme.py").read_text(), space)  # as pytest would import it

    tests = [value for name, value in space.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test()


# ---- the contract itself notices what it is there to notice


def role_of(view: SpanView) -> Role | None:
    return Role.TOOL if "acme.kind" in view.attributes else None


OWN = span("act", {"acme.kind": "act"})


@pytest.mark.parametrize(
    ("dialect", "complaint"),
    [
        (Dialect(name="", role=role_of), "name must be"),
        (Dialect(name="x", role=role_of, keys={"agnt": ("a",)}), "no concept 'agnt'"),
        (Dialect(name="x", role=role_of, keys={"agent": "a"}), "must be a tuple"),
        (Dialect(name="x", role=role_of, markers=(b"a",)), "at least 4 bytes"),
        (Dialect(name="x", role=role_of, scopes=("",)), "beginning of a scope"),
        (Dialect(name="x", role=role_of), "never shown to it"),
        (Dialect(name="x", role=lambda v: v.attributes["kind"]), "raises KeyError"),
        (Dialect(name="x", role=lambda _: Role.STEP), "takes the foreign span"),
        (Dialect(name="x", role=lambda _: "tool"), "neither a Role nor None"),
        (Dialect(name="x", role=lambda _: None), "does not know its own span"),
        (Dialect(name="x", role=lambda _: object()), "changes from call to call"),
    ],
)
def test_a_broken_rule_is_named(dialect: Dialect, complaint: str) -> None:
    with pytest.raises(AssertionError, match="dialect") as found:
        check_dialect(dialect, (OWN,))

    assert complaint in str(found.value)


def test_a_role_that_searches_is_too_slow() -> None:
    def slow(view: SpanView) -> Role | None:
        text = repr(sorted(view.attributes.items())) * 50
        return Role.TOOL if "acme.kind" in text else None

    dialect = Dialect(name="x", role=slow, markers=(b"acme.kind",))

    with pytest.raises(AssertionError, match="us on a foreign span"):
        check_dialect(dialect, (OWN,))
