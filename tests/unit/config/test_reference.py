"""The reference page, the example and the options say the same as the table that parses."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from agentslo.config.reference import markdown
from agentslo.config.schema import Group, GroupList, leaves
from agentslo.config.service_file import ROOT, ServiceConfig, load

REPOSITORY = Path(__file__).parents[3]
EXAMPLE = REPOSITORY / "examples" / "agentslo.yaml"

# Set by the code that reads, not by whoever writes the file.
NOT_WRITTEN = {
    "ServiceConfig": {"revision", "agents", "warnings"},
    "ListenerOptions": {"name", "protocol", "option"},
    "MetricsListener": {"name", "option"},
    "PageListener": {"name", "option"},
    "TlsOptions": {"ca_file", "server_name", "insecure_skip_verify"},
}


def groups(field: object) -> Iterator[Group[ServiceConfig]]:
    if isinstance(field, GroupList):
        yield from groups(field.item)
    elif isinstance(field, Group):
        yield field
        for child in field.fields:
            yield from groups(child)


def test_the_reference_page_is_fresh() -> None:
    page = REPOSITORY / "docs" / "configuration.md"

    assert page.read_text() == markdown(), "run: python -m agentslo.config.reference > " + str(page)


def test_the_reference_page_is_made_without_a_trailing_blank() -> None:
    assert all(line == line.rstrip() for line in markdown().split("\n"))


def test_every_option_of_the_dataclasses_has_a_key() -> None:
    for group in groups(ROOT):
        fields = {field.name for field in dataclasses.fields(group.make)}
        keys = {field.attribute for field in group.fields}
        spared = NOT_WRITTEN.get(group.make.__name__, set())
        if group.make.__name__ == "ListenerOptions" and group.name == "grpc":
            spared = spared | {"buffer_bytes", "read_timeout_s"}

        assert keys <= fields, group.name
        assert fields - keys <= spared, group.name


OTLP = ("grpc", "http")


def test_the_example_passes_and_shows_the_defaults() -> None:
    config = load(EXAMPLE, {})
    bare = load(None, {})

    assert [item.name for item in config.destinations] == ["backend"]
    assert config.storage == dataclasses.replace(bare.storage, directory="agentslo-data")
    assert config.listen.grpc.ack == config.listen.http.ack == "stored"
    assert [price.name for price in config.prices.models] == ["my-own-model*"]
    own = ("page", "storage", "prices", "agents", "warnings", "revision")
    spared = {name: getattr(bare, name) for name in own}
    acks = {n: dataclasses.replace(getattr(config.listen, n), ack="forwarded") for n in OTLP}
    spared["listen"] = dataclasses.replace(config.listen, **acks)
    assert dataclasses.replace(config, destinations=(), **spared) == bare


def test_the_example_mentions_every_key() -> None:
    words = {line.strip(" #-").split(":")[0] for line in EXAMPLE.read_text().splitlines()}

    assert {path[-1] for path, _ in leaves(ROOT)} <= words
