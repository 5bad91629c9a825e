"""Runs every example in an environment of its own against a scripted model, and asks a real
agentslo what it saw. Exit code 1 where that is not what the example did.

    .venv/bin/python examples/frameworks/run.py [--write] [NAME ...]

Environments are made once in the user's cache (`make examples` needs a package index the first
time). While an example runs, every way out of this machine is closed to it by a dead proxy.
"""

import argparse
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from scripted_model import TOKENS_IN, TOKENS_OUT

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "agentslo" / "examples"
AGENT_FILE = """\
agent: order-helper
match: {services: [orders]}
task: {unit: one question about an order}
tools: {find_order: {}, final_answer: {}}
expect:
  - {name: told, tool_result: {tool: find_order, field: status}, equals: sent}
slos:
  - {name: answered, dimension: success, objective: 95%}
"""
SEEN = ("outcome", "llm_calls", "tool_calls", "tool_errors", "tokens_in", "tokens_out")
DONE = {
    "outcome": "success",
    "llm_calls": 2,
    "tool_calls": 1,
    "tool_errors": 0,
    "tokens_in": 2 * TOKENS_IN,
    "tokens_out": 2 * TOKENS_OUT,
}
WAIT_S = 60.0


@dataclass
class Example:
    """One folder; `differs`: what its spans tell otherwise, and `why`."""

    name: str
    differs: dict[str, object] = field(default_factory=dict)
    why: str = ""

    @property
    def versions(self) -> str:
        """The pinned packages."""
        text = (HERE / self.name / "requirements.txt").read_text()
        return ", ".join(re.sub(r"\[.*\]", "", line) for line in text.split() if "==" in line)


EXAMPLES = (
    Example("pydantic-ai"),
    Example("openai-agents"),
    Example("langgraph"),
    Example("llama-index", {"llm_calls": 4}, "its spans tell a model call twice"),
    Example("smolagents", {"tool_calls": 2}, "it answers by a tool, `final_answer`"),
    Example("strands"),
    Example("agno"),
    Example("google-adk"),
    Example("haystack"),
    Example("autogen"),
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def environment(example: Example) -> Path:
    """The example's own interpreter, made where it is missing."""
    wanted = HERE / example.name / "requirements.txt"
    key = hashlib.sha256(wanted.read_bytes()).hexdigest()[:10]
    folder = CACHE / f"{example.name}-{key}"
    python = folder / "bin" / "python"
    if not (folder / "whole").exists():
        print(f"{example.name}: installing", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "-r", wanted]
        subprocess.run(install, check=True)
        (folder / "whole").touch()
    return python


def status(page: str) -> list[dict]:
    with urllib.request.urlopen(f"{page}/api/v1/status", timeout=10) as reply:
        return json.load(reply)["runs"]


def until(ready: Callable[[], object], what: str) -> object:
    deadline_s = time.monotonic() + WAIT_S
    while time.monotonic() < deadline_s:
        try:
            found = ready()
        except OSError:
            found = None
        if found:
            return found
        time.sleep(0.2)
    raise TimeoutError(f"waited for {what}")


def started(stack: ExitStack, command: list, log: Path) -> None:
    with log.open("w") as out:
        process = subprocess.Popen([str(c) for c in command], stdout=out, stderr=out)
    stack.callback(process.wait)
    stack.callback(process.terminate)


def service(stack: ExitStack, folder: Path) -> tuple[str, str]:
    """A fresh agentslo; where it takes spans, and its page."""
    ports = {name: free_port() for name in ("grpc", "http", "metrics", "page")}
    (folder / "agents").mkdir()
    (folder / "agents" / "order-helper.yaml").write_text(AGENT_FILE)
    listen = {name: {"address": f"127.0.0.1:{port}"} for name, port in ports.items()}
    (folder / "agentslo.yaml").write_text(json.dumps({"listen": listen}))
    command = [
        sys.executable,
        "-m",
        "agentslo.cli.main",
        "run",
        "--config",
        folder / "agentslo.yaml",
    ]
    started(stack, command, folder / "agentslo.log")
    page = f"http://127.0.0.1:{ports['page']}"
    try:
        until(lambda: status(page) == [], "agentslo")
    except TimeoutError as error:
        raise RuntimeError((folder / "agentslo.log").read_text()[-2000:]) from error
    return f"http://127.0.0.1:{ports['http']}", page


def play(example: Example) -> tuple[dict, str]:
    """The run agentslo saw, and what the example printed."""
    python, model = environment(example), free_port()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        started(stack, [sys.executable, HERE / "scripted_model.py", model], folder / "model.log")
        otlp, page = service(stack, folder)
        env = {
            "PATH": os.environ["PATH"],
            "HOME": name,
            "OPENAI_BASE_URL": f"http://127.0.0.1:{model}/v1",
            "OPENAI_API_KEY": "none",
            "OTEL_SERVICE_NAME": "orders",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=production,"
            "service.instance.id=example",
            "OTEL_EXPORTER_OTLP_ENDPOINT": otlp,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9"),
            "NO_PROXY": "127.0.0.1,localhost",
        }
        done = subprocess.run(
            [python, HERE / example.name / "agent.py"],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(done.stderr[-3000:])
        until(lambda: status(page), "the run")
        time.sleep(3)  # a second run would be a fault, and must have time to show
        runs = status(page)
        if len(runs) != 1:
            raise RuntimeError(f"{len(runs)} runs in place of one")
        return runs[0], done.stdout.strip()


def row(example: Example, seen: dict, verdict: str) -> str:
    cells = [example.name, example.versions, *(str(seen.get(key, "-")) for key in SEEN)]
    return f"| {' | '.join([*cells, verdict])} |"


def main() -> int:
    """Plays the examples; 0 all as expected."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    arguments = parser.parse_args()
    rows, failed = [], []
    for example in EXAMPLES:
        if arguments.names and example.name not in arguments.names:
            continue
        try:
            seen, said = play(example)
            wrong = {k: v for k, v in (DONE | example.differs).items() if seen[k] != v}
            verdict = f"not as expected: {wrong}" if wrong else (example.why or "as it did")
        except (RuntimeError, TimeoutError, subprocess.SubprocessError) as error:
            seen, said, wrong = {}, "", {"error": str(error)}
            verdict = f"failed: {str(error).strip().splitlines()[-1]}"
            print(error, file=sys.stderr)
        failed += [example.name] if wrong else []
        rows.append(row(example, seen, verdict))
        print(rows[-1], f"<!-- {said[-60:]} -->", flush=True)
    if arguments.write:
        written(rows)
    print(f"{len(rows) - len(failed)} of {len(rows)} as expected", file=sys.stderr)
    return 1 if failed else 0


def written(rows: list[str]) -> None:
    """Puts the table and the day into README.md."""
    page = HERE / "README.md"
    head = f"| example | versions | {' | '.join(SEEN)} | |"
    table = [f"{time.strftime('%Y-%m-%d')}:", "", head, "|---" * (len(SEEN) + 3) + "|", *rows]
    text = re.sub(
        r"(<!-- results -->\n).*?(<!-- end -->)",
        lambda found: found[1] + "\n".join(table) + "\n\n" + found[2],
        page.read_text(),
        flags=re.DOTALL,
    )
    page.write_text(text)


if __name__ == "__main__":
    sys.exit(main())
