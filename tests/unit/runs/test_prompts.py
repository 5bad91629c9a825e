"""A prompt's version, derived from its captured text where the sender names none."""

import json
from pathlib import Path

import pytest

from agentslo.dialects.base import Value
from agentslo.dialects.prompts import DERIVED, derived_version
from agentslo.runs.prompts import DAY_NS, MAX_PROMPTS
from scenarios import tree
from scenarios.runner import frame, replay

DAY_S = DAY_NS / 1e9
TEXT = "You are a support agent."


def run(number: int, prompt: str, at_s: float, **more: Value) -> list[tree.Sent]:
    said = {"gen_ai.system_instructions": json.dumps([{"type": "text", "content": prompt}])}
    chat = {"chat": "m", "at": [at_s, at_s + 1], "finish": "stop", "attributes": {**said, **more}}
    ids = {"trace": f"t{number}", "id": f"r{number}"}
    return tree.spans([{**ids, "agent": "a", "at": [at_s, at_s + 2], "below": [chat]}])


def releases(folder: Path, *runs: list[tree.Sent]) -> list[object]:
    path = folder / "a.otlp"
    path.write_bytes(b"".join(frame(tree.request(r)) for r in runs))
    found = replay("--format", "jsonl", str(path))
    return [line["release"] for line in found if line["type"] == "run"]


@pytest.mark.parametrize(
    "found",
    [
        {"gen_ai.system_instructions": TEXT},
        {"gen_ai.prompt.0.role": "system", "gen_ai.prompt.0.content": TEXT},
        {
            "llm.input_messages.0.message.role": "system",
            "llm.input_messages.0.message.content": TEXT,
        },
    ],
)
def test_a_system_prompt_gives_a_version_wherever_it_stands(found: dict[str, Value]) -> None:
    assert derived_version(found) == derived_version({"gen_ai.system_instructions": TEXT})
    assert derived_version(found).startswith(DERIVED)


@pytest.mark.parametrize(
    "found", [{}, {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": TEXT}]
)
def test_without_a_system_prompt_there_is_no_version(found: dict[str, Value]) -> None:
    assert derived_version(found) == ""


def test_dates_and_ids_are_no_new_version_and_words_are(tmp_path: Path) -> None:
    monday, tuesday, other = (
        derived_version({"gen_ai.system_instructions": f"{TEXT} Today is {day}."})
        for day in ("2026-11-23", "2026-11-24", "a holiday")
    )

    assert monday == tuesday != other


def test_another_prompt_is_another_release(tmp_path: Path) -> None:
    first, again, second = releases(
        tmp_path, run(1, TEXT, 0), run(2, TEXT, 100), run(3, "Be brief.", 200)
    )

    assert first == again != second


def test_a_version_that_is_sent_stands_before_a_derived_one(tmp_path: Path) -> None:
    sent = {"gen_ai.prompt.version": "7"}
    one, other = releases(tmp_path, run(1, TEXT, 0, **sent), run(2, "Be brief.", 100, **sent))

    assert one == other


def test_a_prompt_that_changes_from_run_to_run_is_no_version(tmp_path: Path) -> None:
    names = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"]
    found = releases(
        tmp_path, *(run(i, f"You help {name}.", i * 100) for i, name in enumerate(names))
    )

    assert len(set(found[:MAX_PROMPTS])) == MAX_PROMPTS
    assert len(set(found[MAX_PROMPTS:])) == 1


def test_prompts_that_change_day_by_day_are_versions(tmp_path: Path) -> None:
    names = ["Ada", "Bo", "Cy", "Di", "Ed", "Flo", "Gus", "Hal"]
    runs = (run(i, f"You are {name}.", i * (DAY_S + 60)) for i, name in enumerate(names))

    assert len(set(releases(tmp_path, *runs))) == len(names)
