"""What a service file, and the environment over it, turn into."""

from pathlib import Path

import pytest

from agentslo.config.checking import check
from agentslo.config.options import DEFAULT_SLOS, ListenOptions, RunsOptions
from agentslo.config.problems import ConfigError
from agentslo.config.service_file import ServiceConfig, load
from agentslo.config.transport import DestinationOptions


def loaded(folder: Path, text: str, **environ: str) -> ServiceConfig:
    path = folder / "agentslo.yaml"
    path.write_text(text)
    return load(path, environ)


def refused(folder: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        loaded(folder, text, **environ)
    return [f"{p.file.rsplit('/')[-1]}:{p.line}:{p.col} {p.path}" for p in caught.value.problems]


def test_without_a_file_everything_has_its_default() -> None:
    config = load(None, {})

    assert config.listen == ListenOptions()
    assert config.runs == RunsOptions()
    assert config.destinations == ()
    assert config.slos == DEFAULT_SLOS
    assert config.environments == ("production", "prod", "unset")


@pytest.mark.parametrize(
    "text", ["", "\n", "# only a comment\n", "---\n", "\ufeff", "runs:\nlog: ~\ndestinations:\n"]
)
def test_a_file_that_says_nothing_is_the_defaults(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == load(None, {})


def test_what_is_written_replaces_the_default_and_nothing_else(tmp_path: Path) -> None:
    config = loaded(tmp_path, "runs: {idle_s: 5m, hold_roots: false}\n")

    assert config.runs == RunsOptions(idle_s=300.0, hold_roots=False)


def test_a_scalar_is_typed_by_its_option_not_by_yaml(tmp_path: Path) -> None:
    config = loaded(tmp_path, "environments: [no, 1:30, 1e3, 007, null]\n")

    assert config.environments == ("no", "1:30", "1e3", "007", "null")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("10", 10.0), ("10s", 10.0), ("5m", 300.0), ("0.5m", 30.0), ("500ms", 0.5), ("'7'", 7.0)],
)
def test_durations_are_seconds(tmp_path: Path, written: str, seconds: float) -> None:
    assert loaded(tmp_path, f"runs: {{quiet_s: {written}}}\n").runs.quiet_s == seconds


@pytest.mark.parametrize(
    ("written", "size"), [("4000000", 4_000_000), ("64MiB", 67_108_864), ("4MB", 4_000_000)]
)
def test_sizes_are_bytes(tmp_path: Path, written: str, size: int) -> None:
    config = loaded(tmp_path, f"listen: {{grpc: {{max_bytes: {written}}}}}\n")

    assert config.listen.grpc.max_bytes == size


def test_a_quiet_time_below_that_of_single_processes_lowers_it_too(tmp_path: Path) -> None:
    assert loaded(tmp_path, "runs: {quiet_s: 1}\n").runs.quiet_single_s == 1.0


def test_a_listener_is_an_address_or_a_mapping(tmp_path: Path) -> None:
    short = loaded(tmp_path, "listen: {grpc: '[::1]:4317'}\n")
    long = loaded(tmp_path, "listen: {grpc: {address: '[::1]:4317'}}\n")

    assert short == long
    assert short.listen.grpc.address == "[::1]:4317"


def test_the_port_offset_moves_every_listener_but_port_0(tmp_path: Path) -> None:
    listen = loaded(tmp_path, "listen: {http: '[::1]:0'}\nport_offset: 10000\n").listen

    assert listen.grpc.address == "127.0.0.1:14317"
    assert listen.http.address == "[::1]:0"
    assert listen.metrics.address == "127.0.0.1:19464"
    assert listen.page.address == "127.0.0.1:19465"


def test_two_listeners_may_both_take_a_free_port(tmp_path: Path) -> None:
    listen = loaded(tmp_path, "listen: {grpc: 'localhost:0', http: 'localhost:0'}\n").listen

    assert listen.grpc.address == listen.http.address == "localhost:0"


def test_two_listeners_share_a_port_on_different_addresses(tmp_path: Path) -> None:
    config = loaded(tmp_path, "listen: {grpc: '10.0.0.1:4000', http: '10.0.0.2:4000'}\n")

    assert config.listen.http.address == "10.0.0.2:4000"


def test_a_listener_knows_which_option_set_its_address(tmp_path: Path) -> None:
    variable = {"AGENTSLO_LISTEN_GRPC_ADDRESS": "127.0.0.1:5000"}
    listen = loaded(tmp_path, "listen: {http: '127.0.0.1:5001'}\n", **variable).listen

    assert listen.grpc.option == "AGENTSLO_LISTEN_GRPC_ADDRESS"
    assert listen.http.option == "listen.http.address"
    assert listen.page.option == "listen.page.address"


def test_the_only_destination_is_primary_by_itself(tmp_path: Path) -> None:
    config = loaded(tmp_path, "destinations: [{name: a, endpoint: 'tempo:4317'}]\n")

    expected = DestinationOptions(name="a", endpoint="tempo:4317", primary=True)
    assert config.destinations == (expected,)


def test_of_several_destinations_the_one_that_says_so_is_primary(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        """
destinations:
  - {name: a, endpoint: "tempo:4317"}
  - {name: b, endpoint: "https://back.end/otlp", protocol: http, primary: true}
""",
    )

    assert [(item.name, item.primary) for item in config.destinations] == [
        ("a", False),
        ("b", True),
    ]


def test_a_header_is_sent_as_written_and_never_shown(tmp_path: Path) -> None:
    config = loaded(
        tmp_path,
        "destinations: [{name: a, endpoint: 'b:1', headers: {X-Key: '${env:KEY}'}}]\n",
        KEY="sesame",
    )

    (name, value), *_ = config.destinations[0].headers
    assert (name, value.encode()) == ("x-key", b"sesame")
    assert "sesame" not in repr(config)
    assert "sesame" not in repr(dict(config.destinations[0].headers))


@pytest.mark.parametrize(
    ("written", "environ", "level"),
    [
        pytest.param("${env:LEVEL}", {"LEVEL": "debug"}, "debug", id="set"),
        pytest.param("${env:LEVEL:-error}", {"LEVEL": "debug"}, "debug", id="default not needed"),
        pytest.param("${env:LEVEL:-error}", {}, "error", id="default"),
        pytest.param("${env:LEVEL:-error}", {"LEVEL": ""}, "error", id="default of an empty one"),
        pytest.param("${env:A}${env:B}", {"A": "de", "B": "bug"}, "debug", id="two"),
    ],
)
def test_references_take_their_value_from_the_environment(
    tmp_path: Path, written: str, environ: dict[str, str], level: str
) -> None:
    assert loaded(tmp_path, f"log: {{level: '{written}'}}\n", **environ).log.level == level


def test_a_reference_cannot_add_keys(tmp_path: Path) -> None:
    text = "log:\n  level: ${env:LEVEL}\n"

    assert refused(tmp_path, text, LEVEL="info\n  format: json") == ["agentslo.yaml:2:10 log.level"]


def test_two_dollars_stand_for_the_characters_of_a_reference(tmp_path: Path) -> None:
    config = loaded(tmp_path, "page: {trace_url: 'http://g/$${env:A}/{trace_id}'}\n", A="x")

    assert config.page.trace_url == "http://g/${env:A}/{trace_id}"


def test_a_variable_wins_over_the_file_and_leaves_its_neighbours(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "runs: {quiet_s: 20, idle_s: 60}\n", AGENTSLO_RUNS_QUIET_S="30", OTHER="x"
    )

    assert (config.runs.quiet_s, config.runs.idle_s) == (30.0, 60.0)


def test_variables_alone_make_a_destination() -> None:
    config = load(
        None,
        {
            "AGENTSLO_DESTINATIONS_0_NAME": "a",
            "AGENTSLO_DESTINATIONS_0_ENDPOINT": "tempo:4317",
            "AGENTSLO_DESTINATIONS_0_QUEUE_BYTES": "8MiB",
        },
    )

    assert [(item.name, item.queue_bytes) for item in config.destinations] == [("a", 8 * 1024**2)]


def test_a_variable_changes_one_item_of_a_list(tmp_path: Path) -> None:
    text = "destinations: [{name: a, endpoint: 'a:1', primary: true}, {name: b, endpoint: 'b:1'}]\n"
    config = loaded(tmp_path, text, AGENTSLO_DESTINATIONS_1_ENDPOINT="c:1")

    assert [item.endpoint for item in config.destinations] == ["a:1", "c:1"]


def test_a_variable_reaches_into_a_listener_written_as_an_address(tmp_path: Path) -> None:
    config = loaded(
        tmp_path, "listen: {grpc: '127.0.0.1:5000'}\n", AGENTSLO_LISTEN_GRPC_TRUST="false"
    )

    assert config.listen.grpc.address == "127.0.0.1:5000"
    assert config.listen.grpc.trust is False


@pytest.mark.parametrize(
    ("text", "variable", "place"),
    [
        pytest.param("runs: fast\n", "AGENTSLO_RUNS_QUIET_S", "agentslo.yaml:1:7 runs", id="word"),
        pytest.param(
            "destinations: {name: a}\n",
            "AGENTSLO_DESTINATIONS_0_QUEUE_BYTES",
            "agentslo.yaml:1:15 destinations",
            id="mapping for a list",
        ),
    ],
)
def test_a_variable_does_not_hide_that_the_file_has_another_shape(
    tmp_path: Path, text: str, variable: str, place: str
) -> None:
    assert refused(tmp_path, text, **{variable: "5"}) == [place]


def test_a_variable_fills_a_section_whose_keys_are_commented_out(tmp_path: Path) -> None:
    config = loaded(tmp_path, "runs:\n  # quiet_s: 5\n", AGENTSLO_RUNS_QUIET_S="7")

    assert config.runs.quiet_s == 7.0


@pytest.mark.parametrize(
    "address", ["127.0.0.1", ":4317", "a b:1", "[::1:1", "[:::]:1", "host:", "host:-1", "::1:4317"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ConfigError):
        load(None, {"AGENTSLO_LISTEN_GRPC_ADDRESS": address})


@pytest.mark.parametrize(
    "endpoint",
    ["host", "http://", "http://[::1", "http://a:b", "ftp://a:1", "a:1?b", "http://a:1#b", "a:0"],
)
def test_what_is_no_endpoint_is_refused(endpoint: str) -> None:
    with pytest.raises(ConfigError):
        load(
            None,
            {"AGENTSLO_DESTINATIONS_0_NAME": "a", "AGENTSLO_DESTINATIONS_0_ENDPOINT": endpoint},
        )


@pytest.mark.parametrize(
    ("endpoint", "protocol", "loops"),
    [
        ("localhost:4317", "grpc", True),
        ("[::1]:4317", "grpc", True),
        ("https://127.0.0.2", "grpc", True),
        ("http://LOCALHOST:4318/base", "http", True),
        ("http://127.0.0.1:9464", "http", True),
        ("http://localhost", "http", False),
        ("127.0.0.1:14317", "grpc", False),
        ("collector:4317", "grpc", False),
        ("10.0.0.1:4317", "grpc", False),
    ],
)
def test_a_destination_on_our_own_listener_is_a_loop(
    endpoint: str, protocol: str, loops: bool
) -> None:
    environ = {
        "AGENTSLO_DESTINATIONS_0_NAME": "a",
        "AGENTSLO_DESTINATIONS_0_ENDPOINT": endpoint,
        "AGENTSLO_DESTINATIONS_0_PROTOCOL": protocol,
    }
    try:
        load(None, environ)
    except ConfigError as error:
        assert loops, error
        assert "our own listener" in error.problems[0].what
    else:
        assert not loops


def test_a_variable_gives_a_list_with_commas() -> None:
    config = load(None, {"AGENTSLO_ENVIRONMENTS": "live, unset"})

    assert config.environments == ("live", "unset")


def test_an_empty_variable_counts_as_absent() -> None:
    assert load(None, {"AGENTSLO_LOG_LEVEL": ""}) == load(None, {})


def test_a_variable_is_taken_literally() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, {"AGENTSLO_LOG_LEVEL": "${env:LEVEL}", "LEVEL": "info"})

    assert caught.value.problems[0].file == "AGENTSLO_LOG_LEVEL"


@pytest.mark.parametrize(
    "name",
    [
        "AGENTSLO_SERVICE_HOST",
        "AGENTSLO_SERVICE_PORT",
        "AGENTSLO_SERVICE_PORT_OTLP_GRPC",
        "AGENTSLO_PORT",
        "AGENTSLO_PORT_4317_TCP",
        "AGENTSLO_PORT_4317_TCP_ADDR",
        "AGENTSLO_EVALUATOR_SERVICE_HOST",
        "AGENTSLO_EVALUATOR_PORT_9465_TCP_PROTO",
        "AGENTSLO_CONFIG",
        "AGENTSLO_SHARED",
        "AGENTSLO_REQUIRE_TOOLS",
        "AGENTSLO_TOKEN",
        "AGENTSLO_TOOLS_DIR",
    ],
)
def test_variables_of_kubernetes_services_and_of_our_tools_are_none_of_ours(name: str) -> None:
    assert load(None, {name: "tcp://10.0.0.1:4317"}) == load(None, {})


def test_the_port_offset_is_a_variable_too() -> None:
    assert load(None, {"AGENTSLO_PORT_OFFSET": "100"}).listen.grpc.address == "127.0.0.1:4417"


def test_files_are_looked_up_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "a.crt").touch()
    (tmp_path / "a.key").touch()
    text = "listen: {grpc: {tls: {cert_file: a.crt, key_file: a.key, client_ca_file: a.crt}}}\n"
    tls = loaded(tmp_path, text).listen.grpc.tls

    assert tls is not None
    assert (tls.cert_file, tls.ca_file) == (str(tmp_path / "a.crt"), str(tmp_path / "a.crt"))


def test_slos_replace_the_defaults_all_of_them(tmp_path: Path) -> None:
    text = (
        "slos: [{name: fast, dimension: latency, objective_ratio: .9, limit_s: 1m, window: 7d}]\n"
    )
    (slo,) = loaded(tmp_path, text).slos

    assert (slo.name, slo.objective_ratio, slo.limit_s, slo.window_s) == ("fast", 0.9, 60, 604_800)
    assert loaded(tmp_path, "slos: []\n").slos == ()


def test_an_alias_repeats_a_value(tmp_path: Path) -> None:
    text = """
listen:
  grpc: {address: "127.0.0.1:1", max_bytes: &size 1MiB}
  http: {address: "127.0.0.1:2", max_bytes: *size}
"""
    assert loaded(tmp_path, text).listen.http.max_bytes == 1024**2


def test_every_problem_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    text = "rums: {}\nruns: {quiet_s: soon, scope: all}\nlog: {level: loud}\nlog: {}\n"

    assert refused(tmp_path, text, AGENTSLO_LOG_FORMAT="xml") == [
        "agentslo.yaml:1:1 ",
        "agentslo.yaml:2:17 runs.quiet_s",
        "agentslo.yaml:2:30 runs.scope",
        "agentslo.yaml:3:14 log.level",
        "agentslo.yaml:4:1 ",
        "AGENTSLO_LOG_FORMAT:1:1 log.format",
    ]


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    problems = check([tmp_path / "none.yaml", tmp_path], {})

    assert [problem.what for problem in problems] == [
        "the folder holds no *.yaml file",
        "cannot be read: No such file or directory",
    ]


def test_a_file_beyond_one_mebibyte_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "agentslo.yaml"
    path.write_text("# " + "x" * 1024**2)

    assert [problem.what for problem in check([path], {})] == [
        "the file is larger than 1048576 bytes"
    ]


def test_the_revision_follows_the_content_and_tells_nothing_of_credentials(tmp_path: Path) -> None:
    text = "destinations: [{name: a, endpoint: 'b:1', headers: {k: '${env:KEY}'}}]\n"
    first = loaded(tmp_path, text, KEY="one").revision

    assert first == loaded(tmp_path, f"# a comment\n{text}", KEY="two").revision
    assert first != loaded(tmp_path, text.replace("b:1", "b:2"), KEY="one").revision
    assert len(first) == 12


def test_rules_of_redaction_say_what_they_lack(tmp_path: Path) -> None:
    start = "destinations:\n  - name: a\n    endpoint: h:1\n    redact:\n"
    assert refused(tmp_path, start + "      - {action: drop}\n") == [
        "agentslo.yaml:5:9 destinations[0].redact[0]"
    ]
    for rule in ("{detect: email, action: hash}", "{keys: k, action: hash, key_file: none}"):
        assert len(refused(tmp_path, start + f"      - {rule}\n")) == 1
    assert refused(tmp_path, start + "      - keys: ['*a*b*c*d*']\n")
    (tmp_path / "secret").write_text("0123456789abcdef")
    rule = "{detect: [email, card], action: hash, key_file: secret}"
    (read,) = loaded(tmp_path, start + f"      - {rule}\n").destinations[0].redact
    assert (read.detect, read.key_file) == (("email", "card"), str(tmp_path / "secret"))
