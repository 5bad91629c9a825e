"""How a problem is shown."""

import dataclasses

from agentslo.config.problems import ConfigError, Problem, as_json, render

PROBLEM = Problem(
    file="a.yaml", line=2, col=10, path="log.level", what="is wrong", fix="mend it",
    source="  level: loud",
)  # fmt: skip


def test_a_problem_is_one_line_with_the_source_and_a_caret_below() -> None:
    assert render(PROBLEM) == (
        "a.yaml:2:10: log.level: is wrong; mend it\n"
        "      level: loud\n"
        "             ^"
    )  # fmt: skip


def test_the_short_form_is_the_line_alone() -> None:
    assert render(PROBLEM, short=True) == "a.yaml:2:10: log.level: is wrong; mend it"


def test_a_problem_of_no_option_has_no_path() -> None:
    assert render(dataclasses.replace(PROBLEM, path=""), short=True) == (
        "a.yaml:2:10: is wrong; mend it"
    )


def test_of_a_long_line_only_the_part_around_the_caret_is_shown() -> None:
    source = "x" * 5_000 + "HERE" + "x" * 5_000
    _, excerpt, caret = render(dataclasses.replace(PROBLEM, source=source, col=5_001)).split("\n")

    assert excerpt[caret.index("^") :].startswith("HERE")
    assert len(excerpt) <= 104


def test_control_characters_never_reach_the_terminal() -> None:
    shown = render(dataclasses.replace(PROBLEM, source="level: \x1b[31m\u202e loud"))

    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_an_error_says_every_problem() -> None:
    error = ConfigError([PROBLEM, dataclasses.replace(PROBLEM, line=3)])

    assert len(error.problems) == 2
    assert str(error).count("is wrong; mend it") == 2


def test_the_json_form_leaves_the_source_line_out() -> None:
    assert as_json(PROBLEM) == {
        "file": "a.yaml",
        "line": 2,
        "col": 10,
        "path": "log.level",
        "what": "is wrong",
        "fix": "mend it",
        "severity": "error",
    }
