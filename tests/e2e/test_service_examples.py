"""The Collector configurations that ship with the project are ones a Collector takes."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from service_parts import EXAMPLES, agentslo, command

from support import tools


@pytest.mark.parametrize("name", sorted(p.name for p in EXAMPLES.glob("*.yaml")))
def test_the_collector_finds_the_example_valid(otelcol: Path, name: str) -> None:
    done = subprocess.run(
        [otelcol, "validate", "--config", EXAMPLES / name],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_collector_finds_a_misspelt_example_wanting(otelcol: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text((EXAMPLES / "tap.yaml").read_text().replace("block_on_overflow", "block"))
    done = subprocess.run(
        [otelcol, "validate", "--config", broken], capture_output=True, check=False
    )
    assert done.returncode != 0


def test_every_collector_file_in_the_page_on_collectors_is_valid(
    otelcol: Path, tmp_path: Path
) -> None:
    page = (tools.PROJECT_ROOT / "docs" / "collector.md").read_text()
    snippets = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    sampler = yaml.safe_load((EXAMPLES / "after.yaml").read_text())

    assert snippets
    for snippet in snippets:
        config = tmp_path / "snippet.yaml"
        config.write_text(
            yaml.safe_dump(
                {**sampler, "processors": {**sampler["processors"], **snippet["processors"]}}
            )
        )
        done = subprocess.run(
            [otelcol, "validate", "--config", config], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, ""), config.read_text()


def test_the_service_files_of_both_roles_are_valid() -> None:
    files = sorted((EXAMPLES.parent / "scale-out").glob("*.yaml"))
    assert [f.stem for f in files] == ["evaluator", "processor"]
    done = command("check", *files)
    assert done.returncode == 0, done.stderr


def test_there_is_an_example_for_tap_and_for_in_line() -> None:
    assert {"tap.yaml", "in-line.yaml"} <= {p.name for p in EXAMPLES.glob("*.yaml")}


def test_the_exporter_that_the_banner_suggests_is_valid(otelcol: Path, tmp_path: Path) -> None:
    with agentslo(tmp_path, {"port_offset": 0, **_anywhere()}) as service:
        banner = service.process.text()
    snippet = banner[banner.index("  exporters:\n") : banner.index("In-line:")]
    config = tmp_path / "snippet.yaml"
    config.write_text(
        "\n".join(line.removeprefix("  ") for line in snippet.splitlines())
        .replace(
            "exporters:\n",
            "receivers: {otlp: {protocols: {grpc: {}}}}\nexporters:\n  debug: {}\n",
            1,
        )
        .replace("YOUR_BACK_END", "debug")
        .replace("      exporters: [debug", "      receivers: [otlp]\n      exporters: [debug")
    )
    done = subprocess.run(
        [otelcol, "validate", "--config", config], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), config.read_text()


def _anywhere() -> dict[str, object]:
    return {
        "listen": {name: {"address": "127.0.0.1:0"} for name in ("grpc", "http", "metrics", "page")}
    }


def test_the_service_file_among_the_examples_is_valid() -> None:
    example = tools.PROJECT_ROOT / "examples" / "agentslo.yaml"
    done = command("check", example)
    assert (done.returncode, done.stderr) == (0, "")
