"""The page after `agentslo hello`: agents, runs, outcomes, why; in a browser without complaint."""

import json
import subprocess
import urllib.error
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from service_parts import SHIPPED, Service, agentslo, command, get, listening, replayed

from agentslo.page.openapi import OPENAPI
from agentslo.service import web
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


def agent_page(service: Service) -> str:
    """The address of the page of the agent that was said hello to."""
    status = json.loads(get(f"{service.page}/api/v1/status"))
    asked = {name: status["agents"][0][name] for name in ("agent", "environment")}
    return f"{service.page}/agent?{urllib.parse.urlencode(asked)}"


def test_an_agent_s_page_shows_its_bad_runs_and_why(greeted: Service) -> None:
    page = get(agent_page(greeted))
    bad = [r for r in greeted.runs() if r["outcome"] in {"error", "limit", "tool_failure"}]
    assert len(bad) >= 3
    assert [r for r in bad if str(r["run_id"]) not in page] == []
    assert [r for r in bad if str(r["reason"]).replace("_", " ") not in page] == []


def test_a_browser_shows_an_agent_s_page_without_a_complaint(
    greeted: Service, chromium: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "agent.png"
    assert complaints(chromium, tmp_path, agent_page(greeted), picture) == []
    assert len(picture.read_bytes()) > 20_000


def test_an_agent_nobody_saw_is_not_found(greeted: Service) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        get(f"{greeted.page}/agent?agent=%3Cb%3E&environment=prod")
    with error.value as answer:
        assert answer.code == 404
        body = answer.read().decode()
    assert "was not seen" in body and "<b>" not in body


def test_the_page_can_be_filtered_by_environment(greeted: Service) -> None:
    assert "No agent was seen in" in get(f"{greeted.page}/?environment=nowhere")
    status = json.loads(get(f"{greeted.page}/api/v1/status?environment=nowhere"))
    assert status["agents"] == []


def test_the_api_describes_every_path_it_has(greeted: Service) -> None:
    described = json.loads(get(f"{greeted.page}/api/v1/openapi.json"))
    assert described == OPENAPI
    nothing: Any = None  # routes are only listed, none is asked
    routes = {found.canonical for found in web.page_app(nothing, nothing).router.resources()}
    assert {path for path in routes if path.startswith("/api/v1/")} == set(described["paths"])


@pytest.mark.parametrize("path", sorted(OPENAPI["paths"]))
def test_no_request_the_description_allows_or_forbids_breaks_the_api(
    greeted: Service, path: str
) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="install the development group")
    described = schemathesis.openapi.from_url(f"{greeted.page}/api/v1/openapi.json")

    @settings(max_examples=10, deadline=None, derandomize=True, database=None)
    @given(case=described[path]["GET"].as_strategy())
    def asked(case: Any) -> None:
        case.call_and_validate(base_url=greeted.page)

    asked()


@pytest.mark.parametrize("path", sorted(OPENAPI["paths"]))
def test_the_api_answers_as_it_is_described(greeted: Service, path: str) -> None:
    asked = path.replace("{run_id}", urllib.parse.quote(str(greeted.runs()[0]["run_id"])))
    answers = OPENAPI["paths"][path]["get"]["responses"]
    schema = answers["200"]["content"]["application/json"]["schema"]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(get(f"{greeted.page}{asked}")), schema)


def test_a_run_nobody_remembers_is_told_as_described(greeted: Service) -> None:
    with pytest.raises(urllib.error.HTTPError) as error:
        get(f"{greeted.page}/api/v1/runs/none/explain")
    answers = OPENAPI["paths"]["/api/v1/runs/{run_id}/explain"]["get"]["responses"]
    with error.value as answer:
        assert answer.code == 404
        schema = answers["404"]["content"]["application/json"]["schema"]
        jsonschema.validate(json.load(answer), schema)


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
