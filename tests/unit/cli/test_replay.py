"""`agentslo replay`: which files it reads, on which clock, what it prints, how it ends."""

import gzip
import json
import resource
from pathlib import Path

import pytest

from agentslo.cli.main import main
from scenarios import tree
from scenarios.runner import frame, otlp_json, replay
from scenarios.tree import Sent

DAY_S = 86_400


def agent(trace: str = "t", at: tuple[float, float] = (0, 5), **more: object) -> list[Sent]:
    model = {"chat": "m", "id": f"model {trace}", "at": list(at), "finish": "stop"}
    row = {"agent": "support", "id": f"root {trace}", "trace": trace, "at": list(at)}
    return tree.spans([{**row, "below": [model], **more}])


def tick(at_s: float) -> list[Sent]:
    return tree.spans([{"name": "tick", "id": f"tick {at_s}", "trace": "tick", "at": [at_s, at_s]}])


def write(path: Path, *requests: list[Sent]) -> Path:
    path.write_bytes(b"".join(frame(tree.request(r)) for r in requests))
    return path


def write_logs(path: Path, *rows: dict[str, object]) -> Path:
    path.write_bytes(b"".join(frame(tree.log_request(row)) for row in rows))
    return path


def lines(*arguments: object, kind: str = "run") -> list[dict[str, object]]:
    found = replay("--format", "jsonl", *map(str, arguments))
    return [line for line in found if line["type"] == kind]


def test_a_truncated_last_frame_is_a_counted_warning(tmp_path: Path) -> None:
    path = write(tmp_path / "a.otlp", agent(), agent("u"))
    path.write_bytes(path.read_bytes()[:-3])
    assert len(lines(path)) == 1
    (summary,) = lines(path, kind="summary")
    assert summary["warnings"] == [f"{path}: the last frame is truncated"]


def test_a_truncated_gzip_stream_is_a_counted_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.otlp.gz"
    frames = [frame(tree.request(agent(str(n)))) for n in range(400)]
    path.write_bytes(gzip.compress(b"".join(frames))[:-40])
    (summary,) = lines(path, kind="summary")
    assert summary["runs"] in range(1, 401)
    assert len(summary["warnings"]) == 1  # type: ignore[arg-type]  # a list


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.otlp", b"", id="an empty file"),
        pytest.param("a.otlp", b"\x05ab", id="one frame that is truncated"),
        pytest.param("a.otlp", b"\x03\xff\xff\xff", id="one frame that is no request"),
        pytest.param("a.otlp", b"\xff" * 20, id="a length that is no varint"),
        pytest.param("a.otlp.gz", b"\x1f\x8b\x08broken", id="broken gzip"),
        pytest.param("a.jsonl", b'{"resourceSpans": [', id="JSON that does not close"),
        pytest.param("a.jsonl", b'{"resourceMetrics": []}', id="JSON without traces or logs"),
        pytest.param("a.otlp-logs", b"\x03\xff\xff\xff", id="logs that are none"),
    ],
)
def test_a_file_with_no_readable_message_ends_with_1_and_is_named(
    name: str, content: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["replay", str(tmp_path)]) == 1
    assert name in capsys.readouterr().err


def test_a_path_that_is_not_there_ends_with_1_and_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["replay", str(tmp_path / "nothing.otlp")]) == 1
    assert "nothing.otlp" in capsys.readouterr().err


def test_a_broken_configuration_ends_with_1_before_anything_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "agentslo.yaml"
    config.write_text("runs: {quiet: 1}\n", encoding="utf-8")
    path = write(tmp_path / "a.otlp", agent())
    assert main(["replay", "--config", str(config), str(path)]) == 1
    shown = capsys.readouterr()
    assert "agentslo.yaml:1:" in shown.err
    assert shown.out == ""


def test_a_file_with_nothing_readable_ends_its_own_stream_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.otlp", agent())
    empty = tmp_path / "b.otlp"
    empty.write_bytes(b"")
    write(tmp_path / "c.otlp", agent("u"))
    assert main(["replay", "--each-file", "--format", "jsonl", str(tmp_path)]) == 1
    said = capsys.readouterr()
    found = [json.loads(line) for line in said.out.splitlines()]
    assert [line["type"] for line in found] == ["run", "run", "summary"]
    assert found[-1]["warnings"] == [f"{empty}: holds no OTLP message"]
    assert str(empty) in said.err


@pytest.mark.parametrize("broken", [b'{"resourceSpans": [{"sco', b"\xff\xfe", b"null]"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_line_that_cannot_be_read_does_not_end_its_file(
    broken: bytes, place: int, tmp_path: Path
) -> None:
    good = [otlp_json(tree.request(agent(name))).encode() for name in ("t", "u")]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([*good[:place], broken, *good[place:]]) + b"\n")
    assert len(lines(path)) == 2
    (summary,) = lines(path, kind="summary")
    assert summary["warnings"] == [
        f"{path}: 1 of its lines cannot be read as OTLP/JSON, the first is {place + 1}"
    ]


def test_folders_are_read_recursively_and_other_names_are_listed(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    write(tmp_path / "b" / "c" / "z.otlp.pb", agent())
    write(tmp_path / "b" / "a.otlp", agent("u"))
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    (summary,) = lines(tmp_path, kind="summary")
    assert (summary["files"], summary["runs"]) == (2, 2)
    assert summary["skipped"] == [str(tmp_path / "notes.txt")]
    assert summary["outcomes"] == {"completed": 2}


def test_gzip_is_told_by_its_first_bytes_whatever_the_name(tmp_path: Path) -> None:
    body = frame(tree.request(agent()))
    (tmp_path / "plain.otlp.gz").write_bytes(body)
    (tmp_path / "zipped.otlp").write_bytes(gzip.compress(frame(tree.request(agent("u")))))
    assert len(lines(tmp_path)) == 2


def test_json_is_read_a_line_a_request_and_as_one_document(tmp_path: Path) -> None:
    one, two = (otlp_json(tree.request(agent(trace))) for trace in "tu")
    (tmp_path / "lines.jsonl").write_text(f"{one}\n\n{two}\n", encoding="utf-8")
    pretty = json.dumps(json.loads(otlp_json(tree.request(agent("v")))), indent=2)
    (tmp_path / "pretty.json").write_text(pretty, encoding="utf-8")
    assert len(lines(tmp_path)) == 3


def test_files_are_one_stream_unless_each_is_asked_for(tmp_path: Path) -> None:
    root, model = agent()
    write(tmp_path / "root.otlp", [root])
    write(tmp_path / "model.otlp", [model])
    (together,) = lines(tmp_path)
    assert (together["outcome"], together["source"]) == ("completed", str(tmp_path / "root.otlp"))
    apart = lines("--each-file", tmp_path)
    assert sorted(str(run["outcome"]) for run in apart) == ["limit", "unknown"]


def test_no_evaluation_passes_from_file_to_file_where_each_is_a_stream(tmp_path: Path) -> None:
    write(tmp_path / "a.otlp", agent())
    row = {"at": 3, "evaluation": "correctness", "about": "root t", "label": "pass"}
    write_logs(tmp_path / "b.otlp-logs", row)
    assert [run["outcome"] for run in lines(tmp_path)] == ["success"]
    assert [run["outcome"] for run in lines("--each-file", tmp_path)] == ["completed"]


def test_all_files_together_are_merged_by_time(tmp_path: Path) -> None:
    # The orphan of a.otlp would close before its root came, were the files read one by one.
    root, model = agent()
    write(tmp_path / "a.otlp", [model], tick(2_000))
    write(tmp_path / "b.otlp", [root])
    (run,) = lines(tmp_path)
    assert (run["outcome"], run["finalized_by"]) == ("completed", "root_ended")


def test_more_files_are_merged_than_a_process_may_open(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for number in range(300):
        write(tmp_path / f"{number}.otlp", agent(str(number)))
    resource.setrlimit(resource.RLIMIT_NOFILE, (250, hard))
    try:
        assert len(lines(tmp_path)) == 300
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def corrected_at(tmp_path: Path, *evaluations_at_s: float) -> list[str]:
    write(tmp_path / "a.otlp", agent(), tick(30))
    rows = [
        {"at": at, "evaluation": "correctness", "about": "root t", "label": label}
        for at, label in zip(evaluations_at_s, ("pass", "fail"), strict=False)
    ]
    write_logs(tmp_path / "b.otlp-logs", *rows)
    return [str(c["time"]) for c in lines(tmp_path, kind="correction")]


def test_the_clock_is_the_highest_time_seen(tmp_path: Path) -> None:
    assert corrected_at(tmp_path, 60) == ["2026-01-01T00:01:00.000000Z"]


def test_the_clock_never_goes_back(tmp_path: Path) -> None:
    # In one file the later log comes first.
    assert corrected_at(tmp_path, 90, 60) == ["2026-01-01T00:01:30.000000Z"] * 2


def test_one_message_moves_the_clock_by_at_most_the_maximum_run_age(tmp_path: Path) -> None:
    assert corrected_at(tmp_path, 3_650 * DAY_S) == ["2026-01-01T06:00:30.000000Z"]


def test_runs_left_open_say_how_they_closed(tmp_path: Path) -> None:
    root, _ = agent()
    _, orphan = agent("u")
    orphan.span.flags = tree.REMOTE_KNOWN
    write(tmp_path / "a.otlp", [root, orphan])
    found = {run["trace_id"]: run["finalized_by"] for run in lines(tmp_path)}
    assert sorted(map(str, found.values())) == ["end_of_input", "root_ended"]


def test_every_line_is_json_and_the_summary_is_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.otlp", agent())
    assert main(["replay", "--json", str(tmp_path)]) == 0
    shown = capsys.readouterr()
    types = [json.loads(line)["type"] for line in shown.out.splitlines()]
    assert types == ["run", "summary"]


def test_a_run_line_holds_every_key_of_the_contract(tmp_path: Path) -> None:
    (run,) = lines(write(tmp_path / "a.otlp", agent()))
    keys = (
        "type source run_id trace_id trace_ids root_span_id agent agent_version service environment"
        " release conversation_id task_type start end duration_s human_wait_s outcome reason"
        " evidence finalized_by slos tokens_in tokens_out tokens_missing cost_usd cost_known_usd"
        " llm_calls tool_calls tool_errors retrievals escalated escalation_reason policy_violation"
        " loop duplicate_actions confidence sub_agents"
    )
    assert set(keys.split()) <= set(run)


def test_the_table_has_a_row_a_run_and_ends_in_a_summary(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.otlp", agent(), tick(30))
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    row = {"at": 60, "evaluation": "correctness", "about": "root t", "label": "pass"}
    write_logs(tmp_path / "b.otlp-logs", row)
    assert main(["replay", str(tmp_path)]) == 0
    header, run, correction, total, skipped = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["end", "agent", "outcome"]
    assert run.split()[:3] == ["2026-01-01T00:00:05.000000Z", "shop/support", "completed"]
    assert correction.split()[1:5] == ["correction", "completed", "->", "success"]
    assert total == "1 runs: 1 completed"
    assert "1 file" in skipped
