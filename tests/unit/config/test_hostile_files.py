"""Whatever a file holds, it is read, or answered with problems; nothing else is raised."""

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agentslo.config.checking import check
from agentslo.config.problems import ConfigError, render
from agentslo.config.service_file import load

EXAMPLE = (Path(__file__).parents[3] / "examples" / "agentslo.yaml").read_bytes()

WORDS = """
    runs listen destinations slos name endpoint grpc quiet_s tls log environments page headers level
    port_offset { } [ ] ' # ~ null 10s 64MiB 0.95 true no 127.0.0.1:4317 [::1]:4317 http://a:1/b?c
    ${env:A} ${env:B:-c} ${ $${ *a << " : - , ? &a |
"""
FRAGMENTS = st.sampled_from(
    [
        *WORDS.split(),
        *("&a ", "!!int ", "!x ", "? ", ": ", "- ", ", ", "|\n", ">-\n", "---\n", "...\n", "\\"),
        *("%YAML 1.1\n", "%TAG ! x\n", "\n", "\n  ", "\n    ", "\t", "\r"),
        *('"\\UFFFFFFFF"', '"\\ud800"', "\x85", "\u2028", "\ufeff"),
    ]
)
YAML_LIKE = st.lists(FRAGMENTS | st.text(max_size=3), max_size=60).map("".join)
EDITS = st.lists(
    st.tuples(
        st.integers(0, len(EXAMPLE)),
        st.integers(0, 40),
        st.binary(max_size=4) | FRAGMENTS.map(str.encode),
    ),
    min_size=1,
    max_size=6,
)
OPTIONS = """
    RUNS_QUIET_S DESTINATIONS_0_NAME DESTINATIONS_1_ENDPOINT LISTEN_GRPC_ADDRESS SLOS_2_WINDOW
    LISTEN_GRPC_TLS_CERT_FILE ENVIRONMENTS PORT_OFFSET X_9_Y
"""
VARIABLES = st.dictionaries(
    st.sampled_from(OPTIONS.split()).map("AGENTSLO_{}".format), st.text(max_size=12), max_size=4
)


def survives(path: Path, content: bytes, environ: dict[str, str]) -> None:
    """Loads the content; a refusal must name at least one problem that can be shown."""
    path.write_bytes(content)
    try:
        load(path, environ)
    except ConfigError as error:
        assert error.problems
        for problem in error.problems:
            render(problem).encode()
            assert problem.line >= 1
            assert problem.col >= 1


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(text=YAML_LIKE, environ=VARIABLES)
def test_yaml_like_text_is_read_or_refused(
    tmp_path: Path, text: str, environ: dict[str, str]
) -> None:
    survives(tmp_path / "a.yaml", text.encode(errors="surrogatepass"), environ)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(edits=EDITS, environ=VARIABLES)
def test_the_example_with_random_edits_is_read_or_refused(
    tmp_path: Path, edits: list[tuple[int, int, bytes]], environ: dict[str, str]
) -> None:
    content = EXAMPLE
    for start, length, inserted in edits:
        content = content[:start] + inserted + content[start + length :]

    survives(tmp_path / "a.yaml", content, environ)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=200))
def test_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    survives(tmp_path / "a.yaml", content, {})


def exponential() -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[" * 500_000, id="deep flow"),
        pytest.param("- " * 500_000, id="deep block"),
        pytest.param(exponential(), id="aliases of aliases"),
        pytest.param("a: &a x\nb: [" + "*a, " * 200_000 + "]", id="many aliases"),
        pytest.param("x: 1\n" * 200_000, id="many repeated keys"),
        pytest.param("".join(f"k{n}: 1\n" for n in range(90_000)), id="many unknown keys"),
        pytest.param("x" * 1_000_000, id="one long word"),
        pytest.param("x: '" + "y" * 1_000_000 + "'", id="one long value"),
        pytest.param('x: "' + "\\n" * 400_000 + '"', id="many escapes"),
    ],
)
def test_a_bomb_is_refused_in_bounded_time(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(content)
    start_s = time.monotonic()

    problems = check([path], {})

    assert problems
    assert time.monotonic() - start_s < 20
