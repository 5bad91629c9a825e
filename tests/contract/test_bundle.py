"""What `agentslo bundle` writes, checks and refuses."""

import shutil
from pathlib import Path

import pytest
import yaml

from agentslo.cli.main import main
from support.tools import PROJECT_ROOT


def bundle(*arguments: str | Path) -> int:
    return main(["bundle", *map(str, arguments)])


def test_check_names_stale_and_missing_files_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert bundle("--out", tmp_path) == 0
    assert bundle("--check", "--out", tmp_path) == 0
    (tmp_path / "alert-rules" / "alerts.rules.yml").write_text("groups: []\n")
    (tmp_path / "docs" / "alerts.md").unlink()
    capsys.readouterr()
    assert bundle("--check", "--out", tmp_path) == 2
    told = capsys.readouterr().out
    assert "alerts.rules.yml" in told and "docs/alerts.md" in told and "recording" not in told
    assert not (tmp_path / "docs" / "alerts.md").exists()


def test_two_bundles_are_byte_equal_and_the_second_changes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert bundle("--out", one) == bundle("--out", two) == 0
    for path in (p for p in one.rglob("*") if p.is_file()):
        assert path.read_bytes() == (two / path.relative_to(one)).read_bytes()
    capsys.readouterr()
    assert bundle("--out", one) == 0
    assert capsys.readouterr().out.strip().endswith(" 0 changed")


@pytest.mark.parametrize("labels", ["agent", "slo,cluster", "my-label", "1st"])
def test_labels_rules_have_anyway_or_nobody_can_have_are_refused(labels: str, capsys) -> None:
    with pytest.raises(SystemExit) as stopped:
        bundle("--extra-labels", labels)
    assert stopped.value.code == 1
    assert "label" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_exits_1(tmp_path: Path, capsys) -> None:
    (tmp_path / "alert-rules").write_text("in the way")
    assert bundle("--out", tmp_path) == 1
    assert "alert-rules" in capsys.readouterr().err


def test_links_point_where_they_are_told_to(tmp_path: Path) -> None:
    where = ("--runbooks-url", "https://wiki.example/rb/", "--dashboards-url", "https://g.example")
    assert bundle("--out", tmp_path, *where) == 0
    text = (tmp_path / "alert-rules" / "alerts.rules.yml").read_text()
    assert "https://wiki.example/rb/AgentUnsafeAction.md" in text
    assert "https://g.example/d/agent-slo-detail?" in text


def test_operator_resources_hold_the_same_rules(tmp_path: Path) -> None:
    assert bundle("--out", tmp_path, "--format", "prometheusrule") == 0
    for stem in ("recording", "alerts"):
        path = tmp_path / "alert-rules" / f"prometheusrule-{stem}.yaml"
        found = yaml.safe_load(path.read_text())
        assert (found["apiVersion"], found["kind"]) == (
            "monitoring.coreos.com/v1",
            "PrometheusRule",
        )
        plain = yaml.safe_load((PROJECT_ROOT / "alert-rules" / f"{stem}.rules.yml").read_text())
        assert found["spec"] == plain
        for group in found["spec"]["groups"]:
            assert set(group) <= {"name", "interval", "rules"}
            for rule in group["rules"]:
                allowed = {"alert", "annotations", "expr", "for", "keep_firing_for", "labels"}
                assert set(rule) <= allowed | {"record"}
                assert all(isinstance(value, str) for value in rule.get("labels", {}).values())


def test_the_operators_route_says_what_the_plain_one_says(tmp_path: Path) -> None:
    assert bundle("--out", tmp_path, "--format", "prometheusrule") == 0
    text = (tmp_path / "alert-rules" / "alertmanagerconfig.yaml").read_text()
    spec = yaml.safe_load(text)["spec"]
    plain = yaml.safe_load((PROJECT_ROOT / "alert-rules" / "alertmanager-route.yml").read_text())
    assert [r["receiver"] for r in spec["route"]["routes"]] == [
        r["receiver"] for r in plain["route"]["routes"]
    ]
    assert len(spec["inhibitRules"]) == len(plain["inhibit_rules"])
    matchers = [
        m for rule in spec["inhibitRules"] for m in (*rule["sourceMatch"], *rule["targetMatch"])
    ]
    assert all(set(m) == {"name", "matchType", "value"} for m in matchers)
    assert {m["matchType"] for m in matchers} == {"=", "=~"}


def test_openslo_holds_the_default_objectives(tmp_path: Path) -> None:
    assert bundle("--out", tmp_path, "--format", "openslo") == 0
    text = (tmp_path / "alert-rules" / "openslo.yaml").read_text()
    documents = list(yaml.safe_load_all(text))
    kinds = [document["kind"] for document in documents]
    assert kinds == ["DataSource", "Service", "SLO", "SLO", "SLO"]
    targets = [d["spec"]["objectives"][0]["target"] for d in documents if d["kind"] == "SLO"]
    assert targets == [0.9, 0.95, 0.999]


def test_openslo_holds_declared_objectives(tmp_path: Path) -> None:
    shutil.copytree(PROJECT_ROOT / "examples", tmp_path / "examples")
    config = tmp_path / "examples" / "agentslo.yaml"
    assert bundle("--out", tmp_path, "--format", "openslo", "--config", config) == 0
    documents = list(yaml.safe_load_all((tmp_path / "alert-rules" / "openslo.yaml").read_text()))
    assert {d["apiVersion"] for d in documents} == {"openslo/v1"}


def test_a_configuration_with_problems_exits_1_and_names_them(tmp_path: Path, capsys) -> None:
    config = tmp_path / "agentslo.yaml"
    config.write_text("slos: 3\n")
    assert bundle("--out", tmp_path, "--format", "openslo", "--config", config) == 1
    assert "slos" in capsys.readouterr().err
