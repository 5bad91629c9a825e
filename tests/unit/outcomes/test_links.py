"""What a run's spans link to is recorded, for `explain`."""

import json
from pathlib import Path

import pytest

from agentslo.cli.main import main
from scenarios import tree
from scenarios.runner import frame


def test_links_to_other_traces_are_recorded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {"trace": "before", "id": "paused"}
    chat = {"chat": "m", "id": "chat", "at": [0, 1], "finish": "stop"}
    own = {"trace": "t", "id": "chat"}
    spans = tree.spans([{"agent": "a", "at": [0, 2], "links": [before, own], "below": [chat]}])
    path = tmp_path / "a.otlp"
    path.write_bytes(frame(tree.request(spans)))

    assert main(["explain", "--json", str(path)]) == 0

    (found,) = json.loads(capsys.readouterr().out)
    linked = f"{tree.trace_id('before').hex()}:{tree.span_id('paused').hex()}"
    assert found["details"]["links"] == [linked]
