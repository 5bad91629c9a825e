"""The Dockerfile without an engine: its steps replayed in a clean folder, its service started."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.process import Running
from support.tools import PROJECT_ROOT

DOCKERFILE = (PROJECT_ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
STEPS = [line.split(None, 1) for line in DOCKERFILE.splitlines() if line and line[0] != "#"]


def of(kind: str) -> list[str]:
    return [rest for step, rest in STEPS if step == kind]


def context(folder: Path) -> Path:
    """What the engine would be sent: the files .dockerignore lets through."""
    lines = (PROJECT_ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    for line in lines:
        if line.startswith("!"):
            source = PROJECT_ROOT / line[1:]
            ignore = shutil.ignore_patterns("__pycache__")
            if source.is_dir():
                shutil.copytree(source, folder / line[1:], ignore=ignore)
            else:
                shutil.copy(source, folder / line[1:])
    return folder


def replayed(step: str, target: Path) -> str:
    """The step in another folder, with what pip has downloaded before."""
    return step.replace("/opt/agentslo", str(target)).replace("--no-cache-dir", "")


def test_every_file_it_copies_is_sent_to_the_engine(tmp_path: Path) -> None:
    folder = context(tmp_path)
    for step in of("COPY"):
        *sources, _ = [word for word in step.split() if not word.startswith("--")]
        if "--from" not in step:
            assert [s for s in sources if not (folder / s).exists()] == []


def test_it_runs_as_a_user_without_rights() -> None:
    assert [re.fullmatch(r"[1-9]\d+:[1-9]\d+", user) is not None for user in of("USER")] == [True]
    assert len(of("FROM")) == 2
    assert all(re.match(r"python:\d+\.\d+\.\d+-", image) for image in of("FROM"))


@pytest.mark.xdist_group("image")
def test_its_steps_make_a_service_that_starts(tmp_path: Path) -> None:
    source, target = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    context(source)
    (build,) = [step for step in of("RUN") if "pip install" in step]
    steps = build.split("&&")
    assert "--require-hashes" in steps[0]
    subprocess.run([sys.executable, "-m", "venv", target], check=True, timeout=120)
    for step in steps:
        done = subprocess.run(
            ["bash", "-c", replayed(step, target)],
            cwd=source,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    shutil.rmtree(source)
    (entry,) = of("ENTRYPOINT")
    program = target / "bin" / entry.strip('[]"')
    with Running(
        [program, "run"], log=tmp_path / "log", env={"AGENTSLO_PORT_OFFSET": "21000"}, cwd=tmp_path
    ) as process:
        process.await_ready(lambda: " is up" in process.text())
    assert "stopped: drained=True" in process.text()
