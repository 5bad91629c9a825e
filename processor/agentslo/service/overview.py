"""What the page and `/api/v1/status` show, gathered from the parts that know it.

In: what was seen lately, agent files, what people decided. Out: a `View`, and the same as JSON-able
values. No state.
"""

from collections.abc import Iterator
from dataclasses import replace

from agentslo import __version__
from agentslo.config.agent_options import AgentFile
from agentslo.page.answers import safe_to_run, within_slo
from agentslo.page.values import Agent, Drift, Release, Slo, View
from agentslo.service.operations import Picture
from agentslo.service.recent import Recent
from agentslo.service.tally import AgentRow
from agentslo.service.verdicts import Verdicts
from agentslo.watch.monitor import Monitor
from agentslo.watch.state import DriftState


def agents(
    recent: Recent, verdicts: Verdicts, picture: Picture, now_ns: int, one: str = ""
) -> tuple[Agent, ...]:
    """Every agent seen, by name and environment, in short; or `one` alone, with its releases, the
    course of its budgets, its drift and its bad runs.
    """
    if verdicts.apart:
        # Nobody here knows of incidents, corrections and drift: the evaluator answers for agents.
        return ()
    named = verdicts.directory.named
    found = {
        where: _agent(*where, row, named(where[0]), recent, picture, now_ns)
        for where, row in sorted(recent.agents.items())
        if one in ("", where[0])
    }
    if not one:
        return tuple(found.values())
    monitors = verdicts.watch.monitors if verdicts.watch else {}
    return tuple(
        replace(
            _in_full(agent, recent.agents[where], recent),
            drifts=tuple(_drifts(monitors.get(where))),
        )
        for where, agent in found.items()
    )


def _in_full(agent: Agent, row: AgentRow, recent: Recent) -> Agent:
    return replace(
        agent,
        slos=tuple(
            replace(slo, tiles=tuple((at, good, bad) for at, (good, bad) in sorted(tiles.items())))
            if (tiles := row.tiles.get(slo.name))
            else slo
            for slo in agent.slos
        ),
        releases=tuple(
            Release(
                release=name,
                versions=one.versions,
                first_ns=one.first_ns,
                last_ns=one.last_ns,
                runs=one.runs,
                failed=one.failed,
            )
            for name, one in reversed(row.releases.items())
        ),
        bad_runs=tuple(recent.bad_runs(row)),
    )


def _agent(
    agent: str,
    environment: str,
    row: AgentRow,
    file: AgentFile,
    recent: Recent,
    picture: Picture,
    now_ns: int,
) -> Agent:
    held = [
        one
        for one in picture.containments
        if one.agent == agent and one.environment in ("", environment) and one.holds(now_ns)
    ]
    owners = file.owners
    return Agent(
        agent=agent,
        environment=environment,
        outcomes={name: count for name, count in row.outcomes.items() if count},
        slos=_slos(row, file),
        last_end_ns=row.last_end_ns,
        last_harm_ns=row.last_harm_ns,
        declared=not file.is_default,
        owners={
            "product": owners.product,
            "engineering": owners.engineering,
            "operations": owners.operations,
        },
        budget_policy=file.error_budget_policy,
        contained=tuple(f"{one.action} {one.tool}".strip() for one in held),
        switched_off=any(one.action == "kill_switch" for one in held),
        incidents=tuple(
            f"{one.id} ({one.severity})"
            for one in picture.incidents
            if (one.agent, one.environment) == (agent, environment) and one.state != "closed"
        ),
        gate=picture.gates.get((agent, environment), ""),
        sampled_ratio=recent.coverage.sampled_ratio.get(agent),
    )


def _drifts(monitor: Monitor | None) -> Iterator[Drift]:
    """What changed, what has drifted before what is only watched."""
    found = sorted(monitor.standings.items(), key=lambda item: -item[1].z) if monitor else []
    for state in (DriftState.DRIFT, DriftState.WATCH):
        for feature, standing in found:
            if standing.state is state and (finding := standing.finding) is not None:
                yield Drift(
                    feature=feature,
                    drifted=state is DriftState.DRIFT,
                    z=standing.z,
                    bin=finding.bin,
                    segment=finding.segment,
                    cause=finding.attribution.cause,
                    reversible_by=finding.attribution.reversible_by,
                    since_ns=finding.since_ns,
                )


def _slos(row: AgentRow, file: AgentFile) -> tuple[Slo, ...]:
    declared = {slo.name: slo for slo in file.slos}
    return tuple(
        Slo(
            name=name,
            dimension=declared[name].dimension if name in declared else "",
            objective_ratio=declared[name].objective_ratio if name in declared else None,
            good=counts["good"],
            bad=counts["bad"],
            unknown=counts["unknown"],
        )
        for name, counts in row.slos.items()
    )


def as_json(view: View) -> dict[str, object]:
    """The content of `/api/v1/status`."""
    return {
        "version": __version__,
        "agents": [_agent_json(agent, view.now_ns) for agent in view.chosen],
        "runs": list(view.runs),
    }


def _agent_json(agent: Agent, now_ns: int) -> dict[str, object]:
    safe = safe_to_run(agent, now_ns)
    return {
        "agent": agent.agent,
        "environment": agent.environment,
        "outcomes": dict(agent.outcomes),
        "safe_to_run": safe.state,
        "safe_to_run_reasons": list(safe.reasons),
        "within_slo": within_slo(agent).state,
        "error_budget_state": agent.gate or None,
        "slos": {
            slo.name: {
                "objective_ratio": slo.objective_ratio,
                "good": slo.good,
                "bad": slo.bad,
                "unknown": slo.unknown,
                "budget_left_ratio": slo.budget_left_ratio,
            }
            for slo in agent.slos
        },
    }
