"""Every scenario file in `cases/`, played in every order its spans may come in."""

from pathlib import Path

import pytest

from scenarios.runner import Scenario, differences, explained, load, play, series

FILES = sorted((Path(__file__).parent / "cases").rglob("*.yaml"))


def _orders() -> list[object]:
    return [
        pytest.param(
            scenario,
            order,
            id=f"{scenario.path.stem}: {order}",
            marks=[pytest.mark.xfail(reason=scenario.pending)] if scenario.pending else [],
        )
        for scenario in map(load, FILES)
        for order in scenario.orders
    ]


@pytest.mark.parametrize(("scenario", "order"), _orders())
def test_a_scenario_gives_the_runs_it_says(scenario: Scenario, order: str, tmp_path: Path) -> None:
    found = differences(scenario, play(scenario, order, tmp_path))
    if found:
        pytest.fail("\n".join([f"{scenario.title} ({scenario.why})", *found]), pytrace=False)


def _that_expect(key: str) -> list[object]:
    return [pytest.param(s, id=s.path.stem) for s in map(load, FILES) if s.expect.get(key)]


@pytest.mark.parametrize("scenario", _that_expect("explained"))
def test_a_scenario_is_explained_as_it_says(scenario: Scenario, tmp_path: Path) -> None:
    play(scenario, scenario.orders[0], tmp_path)
    said = " ".join(explained(tmp_path).split())

    assert [piece for piece in scenario.expect["explained"] if piece not in said] == [], said


@pytest.mark.parametrize("scenario", _that_expect("series"))
def test_a_scenario_counts_what_it_says(scenario: Scenario, tmp_path: Path) -> None:
    play(scenario, scenario.orders[0], tmp_path)
    found = series(tmp_path)

    assert {name: found.get(name) for name in scenario.expect["series"]} == scenario.expect[
        "series"
    ]


@pytest.mark.parametrize(
    "scenario",
    [pytest.param(s, id=s.path.stem) for s in map(load, FILES) if len(s.orders) > 1],
)
def test_a_scenario_prints_the_same_lines_in_every_order(
    scenario: Scenario, tmp_path: Path
) -> None:
    printed = {}
    for number, order in enumerate(scenario.orders):
        folder = tmp_path / str(number)
        folder.mkdir()
        lines = play(scenario, order, folder)
        printed[order] = sorted((_comparable(line) for line in lines[:-1]), key=repr)
    first, *others = printed
    for order in others:
        assert printed[order] == printed[first], order


def _comparable(line: dict[str, object]) -> dict[str, object]:
    # Requests apart let a run close while the stream goes on, together only at its end. The file
    # and the clock at a correction follow from how the spans were written down.
    untold = ("source", "time", "finalized_by")
    kept = {key: value for key, value in line.items() if key not in untold}
    return {**kept, "source": line["source"]} if line["type"] == "correction" else kept
