"""Who is let in where: tokens for each listener and purpose, and what strangers are told."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from service_parts import FREE, Service, agentslo, command, get, listening, post, write_config
from test_service_guards import a_run

from agentslo.otlp.answer import Signal
from agentslo.respond.delivery import signature

ANY = "0.0.0.0:0"
JSON = {"Content-Type": "application/json"}
NAMES = ("otlp", "scrape", "page", "api", "feedback", "webhooks", "reload", "signing")
FEEDBACK = json.dumps({"run_id": "r", "kind": "thumbs_down"}).encode()


def token(name: str) -> str:
    return f"token-for-{name}-0123456789abcdef"


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(name)}"}


def with_tokens(folder: Path, address: str) -> dict[str, object]:
    """A configuration in which everything asks for a token of its own."""
    for name in NAMES:
        (folder / name).write_text(token(name) + "\n")
    otlp = {"address": address, "token_file": "otlp"}
    return listening(
        {
            "listen": {
                "grpc": otlp,
                "http": otlp,
                "metrics": {"address": address, "token_file": "scrape"},
                "page": {"address": address, "tokens": {name: name for name in NAMES[2:]}},
            }
        }
    )


@contextmanager
def running(folder: Path, config: Mapping[str, object]) -> Iterator[Service]:
    """The service, asked over loopback whatever it listens on."""
    with agentslo(folder, config) as service:
        yield Service(
            process=service.process,
            **{
                name: getattr(service, name).replace("0.0.0.0", "127.0.0.1")
                for name in ("grpc", "http", "metrics", "page")
            },
        )


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("guarded")
    with running(folder, with_tokens(folder, ANY)) as service:
        yield service


def ask(
    url: str, headers: Mapping[str, str], body: bytes | None = None
) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer."""
    request = urllib.request.Request(url, data=body, headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, dict(reply.headers), reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read().decode()


def status(url: str, headers: Mapping[str, str], body: bytes | None = None) -> int:
    return ask(url, headers, body)[0]


def others(purpose: str) -> list[str]:
    """Some purposes whose tokens are wrong here; few, because wrong tokens are limited."""
    place = NAMES.index(purpose)
    return [NAMES[place - 1], NAMES[place - 2]]


READ = {
    "page": "/",
    "api": "/api/v1/status",
}
DECIDE = {"feedback": "/v1/feedback", "reload": "/-/reload"}


@pytest.mark.parametrize("purpose", READ)
def test_what_is_read_asks_for_its_own_token_and_takes_no_other(
    guarded: Service, purpose: str
) -> None:
    url = guarded.page + READ[purpose]
    assert status(url, bearer(purpose)) == 200
    assert {status(url, bearer(name)) for name in others(purpose)} == {401}
    assert status(f"{url}?token={token(purpose)}&access_token={token(purpose)}", {}) == 401


@pytest.mark.parametrize("purpose", DECIDE)
def test_what_decides_asks_for_its_own_token_and_takes_no_other(
    guarded: Service, purpose: str
) -> None:
    url = guarded.page + DECIDE[purpose]
    wrong = {status(url, {**JSON, **bearer(name)}, FEEDBACK) for name in others(purpose)}
    assert wrong == {401}
    assert status(url, {**JSON, **bearer(purpose)}, FEEDBACK) in (200, 202)
    twice = urllib.request.Request(url, data=FEEDBACK, headers=JSON)
    twice.add_header("Authorization", f"Bearer {token(purpose)}, Bearer {token(purpose)}")
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(twice, timeout=30)


def test_what_is_signed_passes_without_a_token_once_and_as_it_was_signed(guarded: Service) -> None:
    stamp = str(int(time.time()))
    signs = {
        **JSON,
        "webhook-id": "w1",
        "webhook-timestamp": stamp,
        "webhook-signature": signature(token("signing"), "w1", stamp, FEEDBACK),
    }
    url = f"{guarded.page}/v1/feedback"
    assert status(url, signs, FEEDBACK + b" ") == 401
    assert status(url, signs, FEEDBACK) == 202
    assert status(url, signs, FEEDBACK) == 401, "sent again"
    assert status(f"{guarded.page}/-/reload", {**signs, "webhook-id": "w2"}, FEEDBACK) == 401


def test_metrics_ask_for_a_token_and_health_says_only_whether(guarded: Service) -> None:
    assert status(f"{guarded.metrics}/metrics", {}) == 401
    assert status(f"{guarded.metrics}/metrics", bearer("otlp")) == 401
    shown = get(f"{guarded.metrics}/metrics", bearer("scrape"))
    assert 'agent_slo_processor_access_denied_total{listener="metrics",reason="wrong"}' in shown
    assert get(f"{guarded.metrics}/healthz") == "ok\n"
    assert json.loads(get(f"{guarded.metrics}/readyz")) == {"ready": True}
    assert "forwards" in json.loads(get(f"{guarded.metrics}/readyz", bearer("scrape")))


def test_otlp_over_http_asks_before_it_looks_at_path_or_body(guarded: Service) -> None:
    protobuf = {"Content-Type": "application/x-protobuf"}
    for path in ("/v1/traces", "/v1/nothing", "/"):
        answer = ask(guarded.http + path, protobuf, a_run("a"))
        assert (answer[0], answer[1]["WWW-Authenticate"]) == (401, "Bearer")
        assert status(guarded.http + path, {**protobuf, **bearer("page")}, a_run("a")) == 401
    assert status(f"{guarded.http}/v1/traces", {**protobuf, **bearer("otlp")}, a_run("a")) == 200
    assert status(f"{guarded.http}/v1/nothing", {**protobuf, **bearer("otlp")}, b"") == 404


@pytest.mark.parametrize("shown", ["", "Bearer wrong", f"Bearer {token('page')}"])
def test_otlp_over_grpc_refuses_for_good_without_the_token(guarded: Service, shown: str) -> None:
    metadata = (("authorization", shown),) if shown else ()
    with grpc.insecure_channel(guarded.grpc) as channel:
        export = channel.unary_unary(Signal.TRACES.grpc_method)
        with pytest.raises(grpc.RpcError) as caught:
            export(a_run("b"), timeout=20, metadata=metadata)
        assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert token("otlp") not in str(caught.value)
        good = (("authorization", f"Bearer {token('otlp')}"),)
        assert export(a_run("b"), timeout=20, metadata=good) == b""


def test_without_a_token_every_path_gives_the_same_and_nothing(guarded: Service) -> None:
    paths = (
        "/",
        "/api/v1/status",
        "/api/v1/doctor",
        "/api/v1/seen",
        "/v1/feedback",
        "/.git/config",
    )
    answers = [ask(guarded.page + path, {}) for path in paths]
    answers += [ask(guarded.page + path, JSON, b"{}") for path in (*paths, "/-/reload", "/debug")]
    assert {(code, body) for code, _, body in answers} == {
        (401, '{"error": "a bearer token is needed"}')
    }
    for _, headers, _ in answers:
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in headers


def test_commands_show_the_token_of_the_environment(guarded: Service) -> None:
    with_token = {"AGENTSLO_TOKEN": token("api")}
    assert command("doctor", "--live", guarded.page, env=with_token).returncode != 1
    without = command("doctor", "--live", guarded.page)
    assert (without.returncode, "a bearer token is needed" in without.stderr) == (1, True)
    sent = command("hello", "--endpoint", guarded.grpc, env={"AGENTSLO_TOKEN": token("otlp")})
    assert sent.returncode == 0, sent.stderr


def test_wrong_tokens_are_limited_and_told_when_to_come_back(tmp_path: Path) -> None:
    with running(tmp_path, with_tokens(tmp_path, FREE)) as service:
        url = f"{service.page}/api/v1/status"
        codes = [status(url, {"Authorization": f"Bearer guess{n}"}) for n in range(40)]
        assert codes[:20] == [401] * 20
        assert 429 in codes[20:]
        code, headers, _ = ask(url, {"Authorization": "Bearer guess"})
        assert (code, headers.get("Retry-After")) in ((429, "5"), (401, None))
        denied = get(f"{service.metrics}/metrics", bearer("scrape"))
        assert 'access_denied_total{listener="page",reason="limited"}' in denied
        assert "guess" not in service.process.text()


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Host": "rebound.evil.example"}, 421),
        ({"Host": "localhost:1"}, 202),
        ({"Sec-Fetch-Site": "same-origin"}, 202),
    ],
)
def test_a_browser_decides_nothing_for_another_page(
    local: Service, headers: dict[str, str], code: int
) -> None:
    assert status(f"{local.page}/v1/feedback", {**JSON, **headers}, FEEDBACK) == code


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with agentslo(tmp_path_factory.mktemp("local"), listening({})) as service:
        yield service


def test_a_strangers_name_that_points_here_reads_nothing(local: Service) -> None:
    rebound = {"Host": "rebound.evil.example:9465"}
    for path in ("/", "/api/v1/status"):
        assert status(local.page + path, rebound) == 421
        assert status(local.page + path, {}) == 200


def test_a_page_on_the_network_does_not_start_where_anybody_could_decide(tmp_path: Path) -> None:
    path = write_config(tmp_path, {"listen": {"page": ANY}})
    for subcommand in (("run", "--config", path), ("check", path)):
        done = command(*subcommand)
        assert done.returncode == 1
        assert "feedback, webhooks, reload" in done.stdout + done.stderr


def test_other_listeners_on_the_network_warn_in_the_log_and_in_a_metric(tmp_path: Path) -> None:
    config = listening({"listen": {n: {"address": ANY} for n in ("grpc", "http", "metrics")}})
    config["listen"]["page"] = FREE  # type: ignore[index]  # as made
    with running(tmp_path, config) as service:
        log = service.process.text()
        assert log.count("is open to whoever reaches it; add token_file") == 3
        found = service.families()["agent_slo_processor_listener_open"]
        assert {labels[0][1]: value for labels, value in found.items()} == {
            "grpc": 1.0,
            "http": 1.0,
            "metrics": 1.0,
            "page": 0.0,
        }
        # Health alone, where whoever asks: no names of destinations.
        assert json.loads(get(f"{service.metrics}/readyz")) == {"ready": True}


def test_localhost_is_not_asked_of_a_resolver(tmp_path: Path) -> None:
    local = {name: {"address": "localhost:0"} for name in ("grpc", "http", "metrics", "page")}
    with agentslo(tmp_path, listening({"listen": local})) as service:
        assert "is open to whoever" not in service.process.text()
        assert post(service.http.replace("localhost", "127.0.0.1") + "/v1/traces", b"")[0] == 200


def test_a_token_file_that_is_no_good_is_named_and_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "weak").write_text("hunter2\n")
    page = {"address": ANY, "tokens": dict.fromkeys(("feedback", "webhooks", "reload"), "weak")}
    grpc_options = {"address": ANY, "token_file": "absent"}
    path = write_config(tmp_path, {"listen": {"page": page, "grpc": grpc_options}})
    done = command("check", path)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert said.count("shorter than 22 characters") == 3 and "cannot be read" in said
    assert "hunter2" not in said
