"""Ways to skip governance: each is refused with a reason, and what was decided is recorded.

Every way starts from a house in which all is in order: the launch gate passes.
"""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from agentslo.store.decisions import DECISIONS_FILE
from support.house import CARED, DAY_NS, VOUCHED, House, states
from support.ledgers import a_run

Way = Callable[[House], int]
MISSING, UNTOLD, REFUSED, USAGE = 2, 3, 4, 1
ATTEST = ("checklist", "attest", "--agent", CARED, "--item", "privacy", "--evidence")
LINK = "https://example.org/1"


def runs(house: House, tool: str = "get_order", version: str = "1.0", days: float = 1) -> None:
    since_ns = house.now_ns - int(days * DAY_NS)
    rows = []
    for number in range(40):
        run = a_run(f"{tool}{number}", since_ns + number, "good", agent=CARED, slo="settled")
        run.body["run"]["agent_version"] = version
        object.__setattr__(run, "path", tool)
        rows.append(run)
    house.ran(rows)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> House:
    with pytest.MonkeyPatch.context() as patch:
        made = House(tmp_path_factory.mktemp("built"), patch)
        runs(made)
        made.ready()
        return made


@pytest.fixture
def house(built: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return built.copy(tmp_path / "copy", monkeypatch)


def launch(house: House) -> int:
    return house.does("mia", "gate", "launch", "--agent", CARED, "--json")


def test_where_all_is_in_order_the_launch_gate_passes(house: House) -> None:
    assert launch(house) == 0


# ---- vouching for what one may not, with nothing, for ever

WORDS: dict[str, tuple[str, tuple[str, ...], int]] = {
    "attest without a token": ("", (*ATTEST, LINK), REFUSED),
    "attest with a stranger's token": ("mallory", (*ATTEST, LINK), REFUSED),
    "attest in a role that may not": ("ann", (*ATTEST, LINK), REFUSED),
    "attest without evidence": ("bob", (*ATTEST, "ok"), REFUSED),
    "attest with blanks as evidence": ("bob", (*ATTEST, " " * 30), REFUSED),
    "attest for longer than a year": ("bob", (*ATTEST, LINK, "--days", "9999"), REFUSED),
    "attest into the past": ("bob", (*ATTEST, LINK, "--days", "-1"), REFUSED),
    "attest for no number of days": ("bob", (*ATTEST, LINK, "--days", "nan"), REFUSED),
    "attest for ever": ("bob", (*ATTEST, LINK, "--days", "inf"), REFUSED),
    "attest an item nobody asks for": (
        "bob",
        ("checklist", "attest", "--agent", CARED, "--item", "vibes", "--evidence", LINK),
        USAGE,
    ),
    "attest what is seen by a probe": (
        "bob",
        ("checklist", "attest", "--agent", CARED, "--item", "audit", "--evidence", LINK),
        USAGE,
    ),
    "except the gate in a role that may not": (
        "ann",
        ("gate", "except", "--agent", CARED, "--covers", "budget", "--reason", "hurry"),
        REFUSED,
    ),
    "except the gate without a token": (
        "",
        ("gate", "except", "--agent", CARED, "--covers", "budget", "--reason", "hurry"),
        REFUSED,
    ),
    "except the gate for a month": (
        "mia",
        ("gate", "except", "--agent", CARED, "--covers", "budget", "--reason", "x", "--for", "31d"),
        USAGE,
    ),
    "except the gate without a reason": (
        "mia",
        ("gate", "except", "--agent", CARED, "--covers", "budget", "--reason", ""),
        REFUSED,
    ),
    "except what no exception covers": (
        "mia",
        ("gate", "except", "--agent", CARED, "--covers", "data", "--reason", "hurry"),
        USAGE,
    ),
    "end an exception there is none of": (
        "mia",
        ("gate", "end", "--agent", CARED, "--number", "77"),
        REFUSED,
    ),
    "contain as product": (
        "mia",
        ("contain", "do", "--agent", CARED, "--action", "fallback", "--reason", "x"),
        REFUSED,
    ),
    "contain without a reason": (
        "ann",
        ("contain", "do", "--agent", CARED, "--action", "fallback"),
        REFUSED,
    ),
    "contain longer than a week": (
        "ann",
        ("contain", "do", "--agent", CARED, "--action", "fallback", "--reason", "x", "--for", "8d"),
        USAGE,
    ),
    "drill with a kill switch": (
        "ann",
        ("contain", "drill", "--agent", CARED, "--action", "kill_switch", "--reason", "x"),
        REFUSED,
    ),
    "lift a containment without a reason": (
        "ann",
        ("contain", "undo", "1", "--reason", " "),
        REFUSED,
    ),
    "lift a containment as engineering": (
        "bob",
        ("contain", "undo", "1", "--reason", "all fine"),
        REFUSED,
    ),
    "retrain by the calendar": (
        "ann",
        ("retrain", "propose", "--agent", CARED, "--trigger", "calendar", "--source", "cron"),
        USAGE,
    ),
    "approve a retraining nobody asked for": ("bob", ("retrain", "approve", "9"), REFUSED),
    "close an incident there is none of": ("ann", ("incident", "close", "9"), REFUSED),
    "open an incident as engineering": (
        "bob",
        ("incident", "open", "--agent", CARED, "it is broken"),
        REFUSED,
    ),
}


NOTHING_THERE = {
    "approve a retraining nobody asked for",
    "close an incident there is none of",
    "drill with a kill switch",
}
"""Turned away before anything was asked of the record: there is nothing to decide on."""


@pytest.mark.parametrize("way", WORDS)
def test_a_command_that_would_skip_it_is_refused(
    house: House, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    who, words, code = WORDS[way]
    before = refusals(house)
    capsys.readouterr()

    assert house.does(who, *words) == code

    said = capsys.readouterr().err
    assert len(said.strip()) > 20, "a reason is given"
    # What argparse turns away was never asked of anybody; every refused decision is recorded.
    assert refusals(house) == before + (code == REFUSED and way not in NOTHING_THERE)
    assert launch(house) == 0, "and nothing was decided by it"


def refusals(house: House) -> int:
    db = sqlite3.connect(house.storage / DECISIONS_FILE)
    try:
        (count,) = db.execute("SELECT count(*) FROM decisions WHERE kind = 'refused'").fetchone()
    finally:
        db.close()
    return int(count)


# ---- launching with something missing, stale, or not true of the runs


def _lacks(item: str) -> Way:
    def way(house: House) -> int:
        bare = House(house.folder / "bare", house._monkeypatch)
        bare.now_ns = house.now_ns
        runs(bare)
        for other in VOUCHED:
            if other != item:
                assert bare.attests("bob", CARED, other) == 0
        drill = ("contain", "drill", "--agent", CARED, "--action", "fallback", "--reason", "x")
        assert bare.does("ann", *drill) == 0
        return launch(bare)

    return way


def _file(**changes: object) -> Way:
    def way(house: House) -> int:
        house.agent_file(**changes)
        return launch(house)

    return way


def _stale(days: float) -> Way:
    def way(house: House) -> int:
        house.passes(days)
        runs(house)
        return launch(house)

    return way


def _no_runs(house: House) -> int:
    house.passes(40)
    return launch(house)


def _unversioned(house: House) -> int:
    runs(house, tool="hand_to_payments_team", version="")
    return launch(house)


def _strange_tool(house: House) -> int:
    runs(house, tool="rm_rf")
    return launch(house)


def _other_agent(house: House) -> int:
    return house.does("mia", "gate", "launch", "--agent", "somebody-else", "--json")


LAUNCHES: dict[str, tuple[Way, int, str]] = {
    **{f"launch without {item}": (_lacks(item), MISSING, item) for item in VOUCHED},
    "launch on a red team of last season": (_stale(91), MISSING, "red_team"),
    "launch on a drill of last season": (_stale(91), MISSING, "fallback"),
    "launch with any other tool allowed": (_file(unlisted_tools="allow"), MISSING, "boundary"),
    "launch an agent nobody declared": (_other_agent, MISSING, "boundary"),
    "launch with a tool nobody declared": (_strange_tool, MISSING, "tools"),
    "launch without versions on runs": (_unversioned, MISSING, "versions"),
    "launch without any run": (_no_runs, UNTOLD, "tools"),
}


@pytest.mark.parametrize("way", LAUNCHES)
def test_a_launch_that_lacks_something_is_held_back(
    house: House, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tried, code, item = LAUNCHES[way]
    capsys.readouterr()

    assert tried(house) == code

    found = states(_last_json(capsys.readouterr().out))
    assert found[item] == ("missing" if code == MISSING else "unknown")


FILES: list[dict[str, object]] = [{"slos": None}, {"error_budget_policy": None}, {"owners": None}]


@pytest.mark.parametrize("changes", FILES, ids=str)
def test_a_critical_agent_whose_file_says_too_little_stops_every_command(
    house: House, changes: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    house.agent_file(**changes)
    capsys.readouterr()

    assert launch(house) == USAGE

    assert f"{CARED}.yaml:" in capsys.readouterr().err


# ---- a record that was worked on by hand

EDITS = {
    "change who vouched": "UPDATE decisions SET actor = 'mia' WHERE seq = 2",
    "change in which role": "UPDATE decisions SET role = 'security' WHERE seq = 3",
    "change what was vouched for": "UPDATE decisions SET body = replace(body, 'red_team', 'b')",
    "change until when it holds": "UPDATE decisions SET time_ns = time_ns + 1 WHERE seq = 4",
    "take a refusal out": "DELETE FROM decisions WHERE seq = 5",
    "put an attestation in": (
        "INSERT INTO decisions SELECT (SELECT max(seq) + 1 FROM decisions), "
        "{columns} FROM decisions WHERE seq = 1"
    ),
    "swap two decisions": (
        "UPDATE decisions SET seq = -1 WHERE seq = 2; UPDATE decisions SET seq = 2 WHERE seq = 3; "
        "UPDATE decisions SET seq = 3 WHERE seq = -1"
    ),
}


@pytest.mark.parametrize("way", EDITS)
def test_a_record_worked_on_by_hand_holds_the_launch_back(
    house: House, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    db = sqlite3.connect(house.storage / DECISIONS_FILE)
    names = [row[1] for row in db.execute("PRAGMA table_info(decisions)")]
    triggers = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    drops = "".join(f"DROP TRIGGER {name};" for name in triggers)
    others = ", ".join(name for name in names if name != "seq")
    db.executescript(drops + EDITS[way].format(columns=others))
    db.commit()
    db.close()
    capsys.readouterr()

    assert launch(house) == MISSING

    assert states(_last_json(capsys.readouterr().out))["audit"] == "missing"


def test_the_end_of_the_record_cut_off_is_seen_by_whoever_has_its_published_head(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert house.does("ops", "audit", "verify", "--json") == 0
    head = json.loads(capsys.readouterr().out)["head"]
    db = sqlite3.connect(house.storage / DECISIONS_FILE)
    triggers = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    db.executescript(
        "".join(f"DROP TRIGGER {name};" for name in triggers)
        + "DELETE FROM decisions WHERE seq = (SELECT max(seq) FROM decisions)"
    )
    db.close()

    assert house.does("ops", "audit", "verify", "--head", head) == MISSING


# ---- incidents and retraining, step by step


def test_an_incident_is_not_closed_by_words_alone(house: House, tmp_path: Path) -> None:
    opened = ("incident", "open", "--agent", CARED, "--category", "unsafe_action", "paid twice")
    assert house.does("ann", *opened) == 0
    assert house.does("ann", "incident", "close", "1") == REFUSED, "it is not resolved"
    assert house.does("ann", "incident", "ack", "1") == 0
    assert house.does("ann", "incident", "resolve", "1", "switched off") == 0
    assert house.does("ann", "incident", "close", "1") == REFUSED, "no post-mortem"
    empty = tmp_path / "draft.yaml"
    empty.write_text("root_cause: TODO\n")
    closing = ("incident", "close", "1", "--with", str(empty))
    assert house.does("ann", *closing) == REFUSED, "the draft as it was given"
    empty.write_text(
        "root_cause: the same order was sent twice after a time-out\n"
        "contributing_factors: [no key on the call]\n"
        "customer_impact: two customers were paid twice\n"
        "prevention: [{kind: prompt_or_policy, change: warn the operators, test: t, owner: o, "
        "due: 2026-12-01}]\n"
    )
    assert house.does("ann", *closing) == REFUSED, "a warning changes nothing"
    assert house.does("bob", *closing) == REFUSED, "engineering closes no incident"
    assert refusals(house) == 5


def test_a_retraining_skips_no_step(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENTSLO_WEBHOOK_SECRET", "a secret of the pipeline")
    house.ran(
        a_run(f"b{n}", house.now_ns - n * 1_000_000_000, "bad", agent=CARED, slo="settled")
        for n in range(30)
    )
    asks = ("retrain", "propose", "--agent", CARED, "--trigger", "policy", "--source", "law")
    assert house.does("ann", *asks) == 0
    assert house.does("ann", *asks) == REFUSED, "the same need again"
    assert house.does("ann", "retrain", "approve", "1") == REFUSED, "on-call approves nothing"
    assert house.does("bob", "retrain", "dispatch", "1", "--to", "https://127.0.0.1:1") == REFUSED
    assert house.does("bob", "retrain", "approve", "1") == 0
    assert house.does("bob", "retrain", "approve", "1") == REFUSED, "two different people"
    assert house.does("eve", "retrain", "approve", "1") == 0
    canary = ("retrain", "canary", "1", "--stable", "a", "--release", "b", "--share", "0.1")
    assert house.does("mia", *canary) == REFUSED, "nothing was evaluated"
    assert house.does("mia", "retrain", "promote", "1") == REFUSED, "nothing was compared"
    (bundle,) = (house.storage / "evidence").iterdir()
    with (bundle / "failed.jsonl").open("a") as file:
        file.write("{}\n")
    dispatch = ("retrain", "dispatch", "1", "--to", "https://127.0.0.1:1")
    assert house.does("bob", *dispatch) == REFUSED, "the evidence was changed"
    house.passes(15)
    assert house.does("bob", *dispatch) == REFUSED, "nobody moved it for two weeks"


# ---- releasing on a spent budget, on nothing, at the wrong time


def release(house: House, *more: str) -> int:
    return house.does("mia", "gate", "release", "--agent", CARED, *more)


def spent(house: House) -> None:
    house.ran(
        a_run(f"s{n}", house.now_ns - n * 1_000_000_000, "bad", agent=CARED, slo="settled")
        for n in range(60)
    )


def test_a_release_is_held_back_by_what_is_spent_missing_stale_or_closed(house: House) -> None:
    assert release(house) == UNTOLD, "not every objective was measured"
    spent(house)
    assert release(house) in (MISSING, UNTOLD)
    assert release(house, "--change", "feature") != 0
    assert release(house, "--min-runs", "0") != 0
    given = ("gate", "except", "--agent", CARED, "--covers", "budget", "--reason", "fix", "--for")
    assert house.does("mia", *given, "2h", "--release", "r9") == 0
    assert release(house, "--release", "r1") != 0, "the exception is for another release"
    house.passes(1)
    assert release(house, "--release", "r9") != 0, "the exception has expired"
    assert release(house, "--change", "rollback") == 0, "a rollback is never held back"


def _last_json(text: str) -> str:
    return text[text.rindex('{\n  "agent"') :]


def test_there_are_fifty_ways_at_least() -> None:
    # The steps of incidents, retraining and releases above come on top.
    assert len(WORDS) + len(LAUNCHES) + len(FILES) + len(EDITS) >= 50
