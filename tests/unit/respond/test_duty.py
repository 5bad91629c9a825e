"""On-call duty: no order of commands and alerts reaches an illegal state or acts twice."""

import contextlib
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agentslo.respond import incidents
from agentslo.respond.alerts import AlertError, AlertIntake, Handled, read
from agentslo.respond.containment import Effect, RunSeen, Wish, effect
from agentslo.respond.desk import Desk
from agentslo.respond.duty import FLAGS_FILE, Duty
from agentslo.respond.rights import Actor, Refused
from agentslo.store.audit import audit
from agentslo.store.decisions import open_decisions

S = 1_000_000_000
T0 = 1_790_000_000 * S
ANN = Actor(name="ann", roles=("oncall",), verified=True)
WRITTEN = """
incident: "1"
root_cause: the refund tool took an account number out of the ticket's text
contributing_factors: [no test held a ticket with instructions in it]
customer_impact: one customer's refund went to a stranger, 40 USD, paid back
prevention:
  - kind: tool_permission
    change: refunds go to the account on file
    test: refund-7, a ticket with an account in it
    owner: eng
    due: 2026-12-01
"""


class House:
    """A storage directory with everything that works on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.desk = Desk(open_decisions(folder), {}, "rev")
        self.duty = Duty(self.desk, None, folder / FLAGS_FILE, {"shop": ["refund"]})
        self.intake = AlertIntake(self.desk, None, self.duty)

    def open(self) -> str:
        return self.duty.open(
            ANN,
            agent="shop",
            environment="production",
            category="unsafe_action",
            severity="",
            title="refund to a stranger",
            now_ns=T0,
        ).id

    def flags(self) -> dict[str, dict[str, object]]:
        found = json.loads((self.folder / FLAGS_FILE).read_text())
        return dict(found["flags"])

    def kinds(self) -> list[str]:
        return [row.kind for row in self.desk.decisions.rows()]

    def close(self) -> None:
        self.desk.decisions.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.close()


def webhook(
    status: str = "firing",
    *,
    name: str = "AgentUnsafeAction",
    started: int = 0,
    truncated: int = 0,
    **labels: str,
) -> bytes:
    alert = {
        "status": status,
        "labels": {
            "alertname": name,
            "agent": "shop",
            "environment": "production",
            "product": "agent-slo",
            "slo_action": "page",
            **labels,
        },
        "annotations": {"summary": "shop did what it must not"},
        "startsAt": f"2026-09-21T14:13:{20 + started:02}Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": "f" + name,
    }
    return json.dumps(
        {"version": "4", "truncatedAlerts": truncated, "alerts": [alert], "new": 1}
    ).encode()


# ---- incidents


def test_an_incident_goes_from_open_to_closed_with_a_post_mortem(house: House) -> None:
    ident = house.open()
    house.duty.change(ANN, ident, "ack", T0 + S, incidents.acknowledged)
    house.duty.change(ANN, ident, "resolve", T0 + 2 * S, lambda i: incidents.resolved(i, "off"))
    done = house.duty.close(ANN, ident, WRITTEN, T0 + 3 * S)
    assert (done.state, done.owner, done.severity) == ("closed", "ann", "SEV1")
    assert done.post_mortem is not None
    assert done.resolved_ns - done.began_ns == 2 * S


def test_an_incident_is_not_closed_without_a_post_mortem(house: House) -> None:
    ident = house.open()
    house.duty.change(ANN, ident, "resolve", T0, lambda i: incidents.resolved(i, "off"))
    with pytest.raises(Refused, match="has no post-mortem"):
        house.duty.close(ANN, ident, None, T0)
    assert house.duty.incident(ident).state == "resolved"


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("refunds go to the account on file", "warn the operators to look", "no prevention"),
        ("tool_permission", "vigilance", "kind is one of"),
        ("test: refund-7", "tested: no", "test is missing"),
        ("paid back", "TODO", "customer_impact"),
        ('incident: "1"', 'incident: "2"', "not 1"),
        ("root_cause: the refund tool", "root_cause: it", ""),
    ],
)
def test_a_post_mortem_that_changes_nothing_is_refused(
    house: House, old: str, new: str, what: str
) -> None:
    ident = house.open()
    house.duty.change(ANN, ident, "resolve", T0, lambda i: incidents.resolved(i, "off"))
    text = WRITTEN.replace(old, new)
    assert text != WRITTEN
    if not what:
        assert house.duty.close(ANN, ident, text, T0).state == "closed"
        return
    with pytest.raises(Refused, match=what):
        house.duty.close(ANN, ident, text, T0)
    assert house.kinds()[-1] == "refused"


def test_the_advice_is_a_command_that_works(house: House) -> None:
    ident = house.open()
    first = house.duty.advise(ident, T0)[0]
    assert first.command == "agentslo contain do --agent shop --incident 1 --action kill_switch"
    house.duty.contain(ANN, Wish(agent="shop", action="kill_switch", reason="r"), T0)
    assert "took effect" in house.duty.advise(ident, T0)[0].what


# ---- alerts


def test_an_alert_opens_one_incident_however_often_it_comes(house: House) -> None:
    for _ in range(3):
        house.intake.take(webhook(), T0)
    assert house.kinds() == ["incident.opened"]
    (incident,) = house.duty.incidents()
    assert (incident.category, incident.severity, incident.firing) == (
        "unsafe_action",
        "SEV1",
        True,
    )


def test_another_firing_joins_the_open_incident_and_none_is_resolved_while_it_fires(
    house: House,
) -> None:
    house.intake.take(webhook(), T0)
    house.intake.take(webhook(started=5), T0)
    house.intake.take(webhook("resolved"), T0 + S)
    (incident,) = house.duty.incidents()
    assert (len(incident.alerts), incident.firing, incident.state) == (2, True, "open")
    with pytest.raises(Refused, match="still firing"):
        house.duty.change(ANN, "1", "resolve", T0, lambda i: incidents.resolved(i, "x"))


def test_a_kill_switch_mutes_alerts_so_their_end_is_not_waited_for(house: House) -> None:
    house.intake.take(webhook(), T0)
    wish = Wish(agent="shop", action="kill_switch", reason="harm", incident="1")
    house.duty.contain(ANN, wish, T0)
    done = house.duty.change(ANN, "1", "resolve", T0, lambda i: incidents.resolved(i, "off"))
    assert done.state == "resolved"


def test_a_resolved_alert_lifts_no_containment(house: House) -> None:
    house.intake.take(webhook(containment="auto"), T0)
    (held,) = house.duty.containments()
    assert (held.action, held.incident) == ("kill_switch", "1")
    house.intake.take(webhook("resolved", containment="auto"), T0 + S)
    assert house.duty.containments()[0].holds(T0 + 10**6 * S)


@pytest.mark.parametrize(
    "body",
    [
        webhook(),
        webhook(containment="auto", truncated=1),
        webhook(containment="auto", product="other"),
        webhook(containment="auto", slo_action="ticket"),
    ],
)
def test_nothing_is_contained_without_the_label_on_a_whole_page_of_ours(
    house: House, body: bytes
) -> None:
    house.intake.take(body, T0)
    assert house.duty.containments() == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"version":"3","alerts":[]}',
        b'{"version":"4","alerts":[{"labels":{}}]}',
        b"[" * 100_000,
        webhook("melting"),
    ],
)
def test_what_is_no_webhook_is_refused_with_what_was_expected(body: bytes) -> None:
    with pytest.raises(AlertError):
        read(body)


# ---- containment


def test_a_containment_twice_is_one(house: House) -> None:
    wish = Wish(agent="shop", action="disable_tool", tool="refund", reason="harm")
    assert [house.duty.contain(ANN, wish, T0 + n).id for n in range(2)] == ["1", "1"]
    assert house.kinds() == ["containment.done"]


def test_a_lifted_containment_leaves_its_flag_as_normal(house: House) -> None:
    wish = Wish(agent="other", action="disable_tool", tool="pay", reason="harm")
    house.duty.contain(ANN, wish, T0)
    assert house.flags()["agent.other.tool.pay.enabled"]["targeting"]
    house.duty.undo(ANN, "1", "mended", T0 + S)
    flag = house.flags()["agent.other.tool.pay.enabled"]
    assert (flag["defaultVariant"], "targeting" in flag) == ("normal", False)


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        (Wish(agent="shop", action="disable_tool", reason="r"), "--tool"),
        (Wish(agent="shop", action="fallback", tool="x", reason="r"), "--tool"),
        (Wish(agent="shop", action="kill_switch", for_s=60, reason="r"), "does not expire"),
        (Wish(agent="shop", action="fallback", reason=" "), "say why"),
        (Wish(agent="shop", action="reduce_autonomy", value="none", reason="r"), "approve_each"),
        (Wish(agent="shop", action="fallback", for_s=10**7, reason="r"), "at most 7 days"),
        (Wish(agent="shop", action="explode", reason="r"), "is none of"),
        (Wish(agent="shop", action="fallback", reason="r", incident="9"), "there is none"),
    ],
)
def test_a_containment_nobody_could_mean_is_refused(house: House, wish: Wish, why: str) -> None:
    with pytest.raises(Refused, match=why):
        house.duty.contain(ANN, wish, T0)
    assert house.kinds() == ["refused"]


def runs(*starts_s: float, tools: Sequence[str] = ()) -> list[RunSeen]:
    return [
        RunSeen(
            run_id=f"run {at}",
            environment="production",
            version="1",
            start_ns=T0 + int(at * S),
            tools=tools,
        )
        for at in starts_s
    ]


BEFORE = runs(*range(-3_600, 0, 60), tools=("refund",))
TOOL = Wish(agent="shop", action="disable_tool", tool="refund", reason="r")
KILL = Wish(agent="shop", action="kill_switch", reason="r")


@pytest.mark.parametrize(
    ("wish", "after", "at_s", "expected"),
    [
        pytest.param(TOOL, runs(60, tools=("refund",)), 100, False, id="still called"),
        pytest.param(TOOL, runs(5, tools=("refund",)), 100, None, id="before it was read"),
        pytest.param(TOOL, runs(*range(20, 40)), 100, True, id="no longer called"),
        pytest.param(TOOL, runs(30, 40), 100, None, id="too few runs"),
        pytest.param(KILL, runs(60), 100, False, id="a run began"),
        pytest.param(KILL, [], 60, None, id="too early"),
        pytest.param(KILL, [], 400, True, id="no run where six would have come"),
        pytest.param(Wish(agent="shop", action="fallback", reason="r"), [], 9, None, id="unseen"),
    ],
)
def test_whether_runs_obey_is_told_from_runs_or_not_at_all(
    house: House, wish: Wish, after: list[RunSeen], at_s: int, expected: bool | None
) -> None:
    one = house.duty.contain(ANN, wish, T0)
    found = effect(one, [*BEFORE, *after], T0 + at_s * S)
    assert isinstance(found, Effect)
    assert found.effective is expected, found.why


# ---- any order


class AnyOrder(RuleBasedStateMachine):
    """Commands and webhooks in any order; the decisions stay whole and every state legal."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.house = House(Path(self._folder.name))
        self.now_ns = T0
        self.rows = 0

    def _try(self, step: Callable[[], object]) -> None:
        self.now_ns += S
        with contextlib.suppress(Refused):
            step()

    ids = st.sampled_from(["1", "2", "9"])

    @rule()
    def opens(self) -> None:
        self._try(self.house.open)

    @rule(status=st.sampled_from(["firing", "resolved"]), started=st.integers(0, 3))
    def webhook(self, status: str, started: int) -> None:
        body = webhook(status, started=started, containment="auto")
        first: Handled = self.house.intake.take(body, self.now_ns)
        rows = len(self.house.desk.decisions.rows())
        assert self.house.intake.take(body, self.now_ns).incidents == first.incidents
        assert len(self.house.desk.decisions.rows()) == rows

    @rule(
        ident=ids,
        step=st.sampled_from([incidents.acknowledged, incidents.closed]),
    )
    def step(self, ident: str, step: object) -> None:
        self._try(lambda: self.house.duty.change(ANN, ident, "step", self.now_ns, step))

    @rule(ident=ids)
    def resolve(self, ident: str) -> None:
        def rule(one: incidents.Incident) -> object:
            return incidents.resolved(one, "over")

        self._try(lambda: self.house.duty.change(ANN, ident, "resolve", self.now_ns, rule))

    @rule(ident=ids)
    def close(self, ident: str) -> None:
        text = WRITTEN.replace('"1"', f'"{ident}"')
        self._try(lambda: self.house.duty.close(ANN, ident, text, self.now_ns))

    @rule(action=st.sampled_from(["kill_switch", "fallback"]), incident=st.sampled_from(["", "1"]))
    def contain(self, action: str, incident: str) -> None:
        wish = Wish(agent="shop", action=action, reason="r", incident=incident)
        self._try(lambda: self.house.duty.contain(ANN, wish, self.now_ns))

    @rule(ident=ids)
    def undo(self, ident: str) -> None:
        self._try(lambda: self.house.duty.undo(ANN, ident, "over", self.now_ns))

    @invariant()
    def nothing_is_lost_or_done_twice(self) -> None:
        rows = self.house.desk.decisions.rows()
        assert len(rows) >= self.rows
        self.rows = len(rows)
        for one in self.house.duty.incidents():
            assert (one.state == "closed") is bool(one.closed_ns)
            assert one.state != "closed" or (one.post_mortem and one.resolved_ns)
        held = [c for c in self.house.duty.containments() if c.holds(self.now_ns)]
        assert len({(c.action, c.tool) for c in held}) == len(held)
        if held or any(row.kind.startswith("containment.") for row in rows):
            enabled = self.house.flags()["agent.shop.enabled"]["defaultVariant"]
            stopped = any(c.action == "kill_switch" for c in held)
            assert enabled == ("contained" if stopped else "normal")

    def teardown(self) -> None:
        assert audit(self.house.folder, {}).problems == () or not self.rows
        self.house.close()
        self._folder.cleanup()


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=25, stateful_step_count=15, deadline=None)
