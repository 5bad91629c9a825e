"""`agentslo check`, from its arguments to its exit code."""

import argparse
import json
from pathlib import Path

import pytest

from agentslo.cli import check


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("AGENTSLO_LOG_LEVEL", "AGENTSLO_PORT_OFFSET"):
        monkeypatch.delenv(name, raising=False)


def invoked(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    check.add_parser(parser.add_subparsers())
    parsed = parser.parse_args(["check", *arguments])
    code = parsed.func(parsed)
    assert isinstance(code, int)
    return code


def test_a_sound_file_passes(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("log: {level: debug}\n")

    assert invoked("a.yaml") == 0
    assert capsys.readouterr().out == "checked a.yaml, and AGENTSLO_* variables: no problem\n"


def test_every_problem_is_printed_and_summed_up(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("log: {level: loud, format: xml}\n")
    Path("b.yaml").write_text("logs: {}\n")

    assert invoked("a.yaml", "b.yaml") == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(" ")[0] for line in lines[:-1:3]] == [
        "a.yaml:1:14:",
        "a.yaml:1:28:",
        "b.yaml:1:1:",
    ]
    assert lines[-1] == "checked a.yaml, b.yaml, and AGENTSLO_* variables: 3 problems"


def test_without_arguments_the_file_of_the_folder_is_checked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("agentslo.yaml").write_text("logs: {}\n")

    assert check.run([]) == 1
    assert "checked agentslo.yaml, and AGENTSLO_* variables: 1 problem\n" in capsys.readouterr().out


def test_without_any_file_the_variables_are_checked(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert check.run([]) == 0
    assert "no ./agentslo.yaml here, so the defaults" in capsys.readouterr().out

    monkeypatch.setenv("AGENTSLO_LOG_LEVEL", "loud")

    assert check.run([]) == 1
    assert "AGENTSLO_LOG_LEVEL:1:1: log.level:" in capsys.readouterr().out


def test_a_variable_that_is_wrong_is_named_once_however_many_files(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENTSLO_LOG_LEVEL", "loud")
    Path("a.yaml").touch()
    Path("b.yaml").touch()

    assert check.run(["a.yaml", "b.yaml"]) == 1
    assert capsys.readouterr().out.count("log.level") == 1


def test_problems_are_json_on_request(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").write_text("log: {level: loud}\n")

    assert invoked("--json", "a.yaml") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["checked"] == ["a.yaml"]
    assert [(p["file"], p["line"], p["col"], p["path"]) for p in report["problems"]] == [
        ("a.yaml", 1, 14, "log.level")
    ]


def test_the_json_report_of_a_sound_file_is_empty(capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.yaml").touch()

    assert invoked("--json", "a.yaml") == 0
    assert json.loads(capsys.readouterr().out) == {"checked": ["a.yaml"], "problems": []}
