"""`agentslo init --live`: a running service tells the same as its recordings."""

from pathlib import Path

from service_parts import SHIPPED, agentslo, command, listening, replayed

from support.wait import until


def test_a_live_service_gives_the_files_its_recordings_give(tmp_path: Path) -> None:
    live, recorded = tmp_path / "live", tmp_path / "recorded"
    with agentslo(tmp_path, listening({})) as service:
        assert command("hello", "--endpoint", service.grpc).returncode == 0
        runs = sum(line["type"] == "run" for line in replayed(SHIPPED))
        until(lambda: len(service.runs()) >= runs and service.settled(), what="runs on the page")
        done = command("init", "--live", service.page, "--out", str(live))
    assert done.returncode == 0, done.stderr
    assert command("init", "--from", str(SHIPPED), "--out", str(recorded)).returncode == 0

    names = sorted(path.name for path in live.iterdir())
    assert names == sorted(path.name for path in recorded.iterdir())
    for name in names:
        assert (live / name).read_text() == (recorded / name).read_text()
    assert command("check", str(live)).returncode == 0
