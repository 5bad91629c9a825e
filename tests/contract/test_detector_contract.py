"""The contract of detectors: the built-in test keeps it, and it tells what breaks it."""

import importlib.util
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest

from agentslo.testing import check_detector
from agentslo.watch import plugins, windows
from agentslo.watch.counts import Counts, shift_z
from agentslo.watch.features import Feature
from agentslo.watch.plugins import Detectors, load
from agentslo.watch.slices import Tally
from support.tools import PROJECT_ROOT

EXAMPLE = PROJECT_ROOT / "examples" / "detector-plugin"


class Own:
    """The built-in window test as a plug-in."""

    name = "g"

    def takes(self, feature: Feature) -> bool:
        return bool(feature.name)

    def deviate(self, window: Counts, baseline: Counts) -> float:
        return shift_z(window, baseline)


class Shouting(Own):
    def deviate(self, window: Counts, baseline: Counts) -> float:
        return 3 * shift_z(window, baseline)


class Blind(Own):
    def deviate(self, window: Counts, baseline: Counts) -> float:
        return float(0 * (window.sum() + baseline.sum()))


class Breaking(Own):
    def deviate(self, window: Counts, baseline: Counts) -> float:
        return float((window / baseline.sum()).sum()) / 0


@pytest.fixture
def acme(monkeypatch: pytest.MonkeyPatch) -> None:
    place = EXAMPLE / "src" / "acme_detectors" / "__init__.py"
    spec = importlib.util.spec_from_file_location("acme_detectors", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(sys.modules, "acme_detectors", module)


def test_the_built_in_test_keeps_the_contract() -> None:
    check_detector(Own())


@pytest.mark.parametrize(
    ("detector", "told"),
    [(Shouting(), "quiet windows"), (Blind(), "sees no change"), (Breaking(), "raises")],
)
def test_what_breaks_the_contract_is_told(detector: Own, told: str) -> None:
    with pytest.raises(AssertionError, match=told), np.errstate(all="ignore"):
        check_detector(detector)


@pytest.mark.usefixtures("acme")
def test_the_example_is_found_by_its_entry_point_and_passes_its_own_tests() -> None:
    found = load([EntryPoint("acme", "acme_detectors:DETECTOR", plugins.GROUP)])

    assert [one.name for one in found.detectors] == ["takeover"]
    space: dict[str, object] = {}
    exec((EXAMPLE / "tests" / "test_acme.py").read_text(), space)  # as pytest would import it
    tests = [v for k, v in space.items() if k.startswith("test_") and callable(v)]
    assert len(tests) == 2
    for test in tests:
        test()


@pytest.mark.parametrize("value", ["agentslo.nothing:here", "agentslo.watch.features:YES"])
def test_what_is_no_detector_is_left_out_and_said(value: str) -> None:
    found = load([EntryPoint("odd", value, plugins.GROUP)])

    assert found.detectors == ()
    assert "'odd' is left out" in found.problems[0]


def test_the_larger_deviate_counts_and_a_failure_is_counted() -> None:
    window, baseline = Tally(), Tally()
    for label, few, many in (("a", 100, 1_000), ("b", 80, 1_000)):
        for tally, count in ((window, few), (baseline, many)):
            for _ in range(count):
                tally.count("task_type", label)
    own = windows.deviates(window, baseline, 100)
    others = Detectors(detectors=(Shouting(), Breaking()))
    with np.errstate(all="ignore"):
        found = windows.deviates(window, baseline, 100, others)

    assert found["task_type"][0] == max(own["task_type"][0], 3 * own["task_type"][0])
    assert others.failures == {"g": 1}
