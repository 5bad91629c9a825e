"""Secrets and personal data, planted wherever they can come in, come out nowhere but forwarded.

What a sender puts into a span must reach the back end unchanged; nothing of it may be in metrics,
the page, its API, the log, an error, the list of processes, a file, or an attribute of ours.
"""

import json
import os
import sqlite3
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from service_parts import (
    Service,
    Sink,
    agentslo,
    command,
    get,
    listening,
    post,
    send,
    sink,
    to,
    write_config,
)

from scenarios import tree
from support.wait import until

# Each made of a word of its own, so that a finding says where it came in.
IN_SPANS = {
    "prompt": "planted-prompt ssn 078-05-1120",
    "answer": "planted-answer jane.roe@example.org",
    "tool-arguments": "planted-arguments iban GB33BUKB20201555555555",
    "tool-result": "planted-result card 4111 1111 1111 1111",
    "parameters": "planted-parameters sk-live-4eC39HqLyjWDarjtT1zdp7dc",
    "status": "planted-status password=hunter2",
    "exception": "planted-exception Bearer eyJhbGciOi",
    "stack": f"planted-stack /{'home'}/jane/secret.py",
    "event": "planted-event +44 20 7946 0958",
    "link": "planted-link",
    "resource": "planted-resource AKIAIOSFODNN7EXAMPLE",
    "scope": "planted-scope",
    "baggage": "planted-baggage",
    "header": "planted-header Basic cGxhbnRlZA",
    "user": "planted-user@example.org",
    "document": "planted-document",
    "instructions": "planted-instructions",
}
IN_CONFIG = {"header": "planted-config-header", "token": "planted-config-token-0123456789"}


def requests() -> list[bytes]:
    """Runs of every kind that may keep text: GenAI, OpenInference, a failing one."""
    said = IN_SPANS
    message = json.dumps([{"role": "user", "parts": [{"type": "text", "content": said["prompt"]}]}])
    answer = json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": said["answer"]}]}]
    )
    arguments = json.dumps({"to": said["tool-arguments"], "reason": said["tool-arguments"]})
    everywhere = {
        "gen_ai.system_instructions": said["instructions"],
        "baggage.customer": said["baggage"],
        "http.request.header.authorization": said["header"],
        "user.id": said["user"],
        "enduser.id": said["user"],
        "metadata": json.dumps({"nested": json.dumps({"deep": said["user"]})}),
    }
    chat = {
        "chat": "model-x",
        "at": [1, 3],
        "finish": "stop",
        "attributes": {
            "gen_ai.input.messages": message,
            "gen_ai.output.messages": answer,
            "llm.invocation_parameters": json.dumps({"api_key": said["parameters"]}),
        },
        "events": [{"name": "gen_ai.choice", "attributes": {"message": said["event"]}}],
    }
    tool = {"tool": "send_mail", "at": [3, 4], "args": arguments}
    failing = {
        **tool,
        "error": "ValueError",
        "message": said["status"],
        "events": [
            {
                "name": "exception",
                "attributes": {
                    "exception.type": "ValueError",
                    "exception.message": said["exception"],
                    "exception.stacktrace": said["stack"],
                },
            }
        ],
    }
    oi = {
        "oi": "AGENT",
        "at": [0, 5],
        "trace": "oi",
        "attributes": {
            "input.value": said["prompt"],
            "output.value": said["answer"],
            "retrieval.documents.0.document.content": said["document"],
            "llm.input_messages.0.message.content": said["prompt"],
            **everywhere,
        },
    }
    agent = {"agent": "mailer", "at": [0, 6], "attributes": everywhere}
    good = {**agent, "trace": "good", "below": [chat, {**tool, "result": said["tool-result"]}]}
    bad = {**agent, "trace": "bad", "status": "error", "message": said["status"]}
    bad["below"] = [dict(chat, id="c2"), dict(failing, id="t2")]
    return [with_extras(tree.request(tree.spans([row]))) for row in (good, bad, oi)]


def with_extras(body: bytes) -> bytes:
    """The request with a link, and secrets beside the resource's and scope's own names."""
    request = ExportTraceServiceRequest.FromString(body)
    for group in request.resource_spans:
        group.resource.attributes.append(attribute("process.command_line", IN_SPANS["resource"]))
        for holder in group.scope_spans:
            holder.scope.attributes.append(attribute("build.key", IN_SPANS["scope"]))
            link = holder.spans[0].links.add(trace_id=b"\1" * 16, span_id=b"\2" * 8)
            link.attributes.append(attribute("reason", IN_SPANS["link"]))
    return request.SerializeToString()


def attribute(key: str, text: str) -> KeyValue:
    found = KeyValue(key=key)
    found.value.string_value = text
    return found


@pytest.fixture(scope="module")
def back_end() -> Iterator[Sink]:
    with sink() as kept:
        yield kept


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, back_end: Sink) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("planted")
    (folder / "token").write_text(IN_CONFIG["token"])
    old = os.umask(0)
    config = listening(
        {
            "destinations": [
                to(back_end.address, headers={"x-api-key": "${env:PLANTED_HEADER}"}),
            ],
            "storage": {"directory": "data"},
            "metrics": {"zero_hold_s": 0},
            "log": {"level": "debug"},
        }
    )
    config["listen"]["page"] = {  # type: ignore[index]  # as made
        "address": "127.0.0.1:0",
        "tokens": {"reload": "token"},
    }
    with agentslo(folder, config, env={"PLANTED_HEADER": IN_CONFIG["header"]}) as running:
        os.umask(old)
        sent = requests()
        send(running.grpc, sent)
        until(lambda: len(running.runs()) >= len(sent) and running.settled(), what="runs")
        for run in running.runs():
            said = {"run_id": run["run_id"], "kind": "thumbs_down", "comment": IN_SPANS["prompt"]}
            assert post(f"{running.page}/v1/feedback", json.dumps(said).encode(), JSON)[0] == 202
        until(lambda: ledger_rows(folder) >= len(sent), what="rows of the ledger")
        yield running


JSON = "application/json"


def folder_of(service: Service) -> Path:
    return service.process.log.parent


def ledger_rows(folder: Path) -> int:
    with sqlite3.connect(f"file:{folder / 'data' / 'ledger.sqlite'}?mode=ro", uri=True) as db:
        (count,) = db.execute("SELECT count(*) FROM runs").fetchone()
    return int(count)


def found_in(text: str) -> list[str]:
    """Which planted texts a piece of output holds."""
    planted = {**IN_SPANS, **{f"config {k}": v for k, v in IN_CONFIG.items()}}
    words = {word for value in planted.values() for word in value.split() if len(word) > 6}
    return sorted(word for word in words if word in text)


def test_a_planted_text_would_be_found(service: Service, back_end: Sink) -> None:
    forwarded = b"".join(back_end.bodies).decode("utf-8", "replace")
    missing = [value for value in IN_SPANS.values() if value not in forwarded]
    # A body over feedback alone is not forwarded; all else is, byte for byte.
    assert missing == []
    assert found_in(forwarded)


def test_nothing_of_it_is_in_metrics_page_or_api(service: Service) -> None:
    runs = [str(run["run_id"]) for run in service.runs()]
    urls = [f"{service.metrics}/{path}" for path in ("metrics", "readyz", "healthz")]
    api = ["", "api/v1/status", "api/v1/doctor", "api/v1/seen"]
    api += [f"api/v1/runs/{run}/explain" for run in runs]
    urls += [f"{service.page}/{path}" for path in api]
    assert [url for url in urls if found_in(get(url))] == []
    openmetrics = {"Accept": "application/openmetrics-text"}
    assert found_in(get(f"{service.metrics}/metrics", openmetrics)) == []


def test_nothing_of_it_is_in_answers_to_faulty_requests(service: Service) -> None:
    broken = json.dumps({"resourceSpans": IN_SPANS["prompt"]}).encode()
    faulty = [
        post(f"{service.http}/v1/traces", IN_SPANS["prompt"].encode()),
        post(f"{service.http}/v1/traces", broken, JSON),
        post(f"{service.page}/v1/feedback", broken, JSON),
        post(f"{service.page}/-/reload", b"{}", JSON),
    ]
    for url in (f"{service.page}/api/v1/runs/none/explain", f"{service.page}/nothing"):
        try:
            urllib.request.urlopen(url, timeout=30)
        except urllib.error.HTTPError as error:
            faulty.append((error.code, {}, error.read()))
    assert {answer[0] for answer in faulty} == {400, 401, 404}
    assert [found_in(answer[2].decode("utf-8", "replace")) for answer in faulty] == [[]] * 6


def test_nothing_of_it_is_in_the_log_or_the_list_of_processes(service: Service) -> None:
    assert found_in(service.process.text()) == []
    pid = service.process.process.pid
    assert found_in(Path(f"/proc/{pid}/cmdline").read_text()) == []


def test_nothing_of_it_is_in_a_file_and_files_are_for_their_owner_alone(service: Service) -> None:
    data = folder_of(service) / "data"
    folders = [data, *(path for path in data.rglob("*") if path.is_dir())]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}
    for file in (path for path in data.rglob("*") if path.is_file()):
        # Flags are for agents to read, and say nothing but their names.
        assert file.stat().st_mode & 0o777 == (0o644 if file.name == "flags.json" else 0o600)
        # What waits to be forwarded is kept as it came, in these two alone.
        if not file.name.startswith("journal") and data / "spill" not in file.parents:
            assert found_in(file.read_bytes().decode("utf-8", "replace")) == []
    with sqlite3.connect(f"file:{data / 'ledger.sqlite'}?mode=ro", uri=True) as db:
        rows = list(db.execute("SELECT * FROM runs"))
    texts = [part for row in rows for part in row if isinstance(part, str)]
    texts += [zlib.decompress(p).decode() for row in rows for p in row if isinstance(p, bytes)]
    assert len(texts) > 3 * len(rows)
    assert found_in("\n".join(texts)) == []


def test_nothing_of_it_is_in_attributes_of_ours(service: Service, back_end: Sink) -> None:
    ours = []
    for body in back_end.bodies:
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            for holder in group.scope_spans:
                for span in holder.spans:
                    own = holder.scope.name == "agentslo"
                    kept = [a for a in span.attributes if own or a.key.startswith("agent_slo.")]
                    ours += [str(a) for a in kept] + ([span.status.message] if own else [])
    assert len(ours) > 10
    assert found_in("\n".join(ours)) == []


def test_nothing_of_it_is_in_what_commands_print(service: Service) -> None:
    folder = folder_of(service)
    environment = {"PLANTED_HEADER": IN_CONFIG["header"]}
    ledger = ("--ledger", folder / "data" / "ledger.sqlite")
    run = str(service.runs()[0]["run_id"])
    said = [
        command("check", folder / "agentslo.yaml", env=environment),
        command("runs", "list", *ledger, "--json"),
        command("runs", "show", run, *ledger),
        command("runs", "export", run, *ledger),
        command("doctor", "--live", service.page),
        command("explain", run, *ledger),
    ]
    assert [found_in(done.stdout + done.stderr) for done in said] == [[]] * len(said)


def test_a_fault_beside_a_secret_is_told_without_it(tmp_path: Path) -> None:
    config = {"destinations": [to("h:1", headers={"x-key": "planted-config-header\x01"})]}
    path = write_config(tmp_path, config)
    for words in (("check", path), ("run", "--config", path)):
        done = command(*words)
        assert done.returncode == 1
        assert found_in(done.stdout + done.stderr) == []
