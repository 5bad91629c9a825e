"""The page after `agentslo hello`: agents, runs, outcomes, why; in a browser without complaint."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_parts import SHIPPED, Service, agentslo, command, get, listening, replayed

from support.wait import until

pytestmark = pytest.mark.xdist_group("page")

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def greeted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that was said hello to, all runs closed."""
    with agentslo(tmp_path_factory.mktemp("service"), listening({})) as service:
        done = command("hello", "--endpoint", service.grpc)
        assert done.returncode == 0, done.stderr
        runs = sum(line["type"] == "run" for line in replayed(SHIPPED))
        until(lambda: len(service.runs()) >= runs and service.settled(), what="runs on the page")
        yield service


def test_every_run_is_listed_with_its_outcome_and_why(greeted: Service) -> None:
    expected = [line for line in replayed(SHIPPED) if line["type"] == "run"]
    runs = greeted.runs()
    shown = Counter((r["agent"], r["outcome"], r["reason"]) for r in runs)
    assert shown == Counter((r["agent"], r["outcome"], r["reason"]) for r in expected)
    page = get(greeted.page)
    assert [r["run_id"] for r in runs if str(r["trace_id"])[:16] not in page] == []
    assert all(str(r["outcome"]) in page and str(r["agent"]) in page for r in runs)


def test_the_api_says_the_same_as_the_page_per_agent(greeted: Service) -> None:
    status = json.loads(get(f"{greeted.page}/api/v1/status"))
    per_agent = {a["agent"]: sum(a["outcomes"].values()) for a in status["agents"]}
    assert per_agent == Counter(str(r["agent"]) for r in greeted.runs())


def test_a_browser_shows_the_page_without_a_complaint(
    greeted: Service, chromium: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "page.png"
    assert complaints(chromium, tmp_path, f"{greeted.page}/", picture) == []
    content = picture.read_bytes()
    assert content.startswith(PNG_MAGIC)
    # A blank page of this size packs into some 5 kB.
    assert len(content) > 20_000


def test_complaints_of_a_page_would_be_seen(chromium: Path, tmp_path: Path) -> None:
    bad = "data:text/html,<script>console.error('here')</script>"
    assert any("here" in line for line in complaints(chromium, tmp_path, bad, tmp_path / "bad.png"))


def complaints(chromium: Path, tmp: Path, url: str, picture: Path) -> list[str]:
    """What the browser wrote to its console while it took a picture of a page."""
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--enable-logging=stderr",
        "--window-size=1200,900",
        f"--user-data-dir={tmp / 'profile'}",
        f"--screenshot={picture}",
    ]
    done = subprocess.run(
        [chromium, *options, url], capture_output=True, text=True, timeout=180, check=True
    )
    return [line for line in done.stderr.splitlines() if "CONSOLE" in line]
