"""The catalogue holds the contract of names and labels, and is itself in order."""

from itertools import pairwise

from agentslo.measure import names
from agentslo.measure.catalogue import CATALOGUE, RUN_BUCKETS_S, TOOL_BUCKETS_S
from agentslo.measure.family import CAPS, Family, Kind
from agentslo.model import Evidence, Outcome

CONTRACT = """
agent_slo_runs_total{agent,environment,release,task_type,outcome}
agent_slo_run_reasons_total{agent,environment,outcome,reason,evidence}
agent_slo_runs_waiting{agent,environment}
agent_slo_safe_to_run_reason{agent,environment,reason}
agent_slo_incidents_open{agent,environment,severity}
agent_slo_incidents_repeated{agent,environment,category}
agent_slo_incident_duration_seconds{agent,environment,stage}
agent_slo_error_budget_state{agent,environment}
agent_slo_release_verdict{agent,environment,stable,canary}
agent_slo_retraining_requests{agent,environment,state}
agent_slo_rollbacks{agent,environment,result}
agent_slo_evaluation_pass_ratio{agent,environment,stratum}
agent_slo_training_disputed_labels_ratio{agent,environment}
agent_slo_retraining_stage_seconds{agent,environment,stage}
agent_slo_containment_expiry_timestamp_seconds{agent,action}
agent_slo_drift_bin_total{agent,environment,feature,bin}
agent_slo_drift_baseline_runs{agent,environment,feature,bin}
agent_slo_drift_zscore{agent,environment,feature}
agent_slo_drift_samples{agent,environment,feature}
agent_slo_drift_state{agent,environment,feature}
agent_slo_drift_attribution_info{agent,environment,feature,bin,segment,cause,reversible_by}
agent_slo_events_total{agent,environment,slo,release,segment,result}
agent_slo_excluded_events_total{agent,environment,slo}
agent_slo_corrections_total{agent,environment,slo,from,to,source}
agent_slo_outcome_corrections_total{agent,environment,from,to,source}
agent_slo_objective_ratio{agent,environment,slo}
agent_slo_window_seconds{agent,environment,slo}
agent_slo_info{agent,environment,slo,tier,owner,source,revision}
agent_slo_release_info{agent,environment,release,agent_version,prompt_version,model,tools_version,policy_version}
agent_slo_run_duration_seconds{agent,environment}
agent_slo_tool_call_duration_seconds{agent,environment,tool}
agent_slo_run_cost_usd_total{agent,environment,release,source}
agent_slo_unpriced_tokens_total{model}
agent_slo_tool_calls_total{agent,environment,tool,result,error_type}
agent_slo_retrievals_total{agent,environment,source,result}
agent_slo_escalations_total{agent,environment,reason,correct}
agent_slo_policy_violations_total{agent,environment,policy}
agent_slo_policy_blocks_total{agent,environment,policy}
agent_slo_injection_signals_total{agent,environment,signal}
agent_slo_actions_total{agent,environment,tool,state}
agent_slo_config_last_reload_successful{}
agent_slo_evaluator_last_success_timestamp_seconds{}
"""


def signature(family: Family) -> str:
    return f"{family.name}{{{','.join(family.label_names)}}}"


def test_families_about_agents_are_exactly_those_of_the_contract() -> None:
    found = {signature(family) for family in CATALOGUE.values() if not family.own}

    assert found == set(CONTRACT.split())


def test_every_family_has_exactly_one_constant() -> None:
    constants = [value for value in vars(names).values() if isinstance(value, Family)]

    assert sorted(family.name for family in constants) == sorted(CATALOGUE)


def test_names_say_kind_and_unit() -> None:
    for family in CATALOGUE.values():
        assert family.name.endswith("_total") is (family.kind is Kind.COUNTER), family.name
        assert family.name.removesuffix("_total").endswith(family.unit), family.name


def test_help_is_one_plain_sentence() -> None:
    for family in CATALOGUE.values():
        assert family.help.endswith("."), family.name
        assert not set(family.help) & set('\n\\"'), family.name


def test_no_label_can_name_a_person_a_run_or_a_text() -> None:
    forbidden = {"user", "run_id", "trace_id", "span_id", "conversation_id", "prompt", "le"}

    assert not forbidden & {name for f in CATALOGUE.values() for name in f.label_names}


def test_every_label_of_an_agent_family_is_bounded_or_comes_from_the_agent_file() -> None:
    from_files = {"slo", "tier", "owner", "source", "revision"}
    for family in CATALOGUE.values():
        for label in family.labels:
            bounded = label.values or label.cap in CAPS or label.follows in family.label_names
            assert bounded or family.own or label.name in from_files, (family.name, label.name)


def test_the_agent_comes_before_what_is_counted_per_agent() -> None:
    for family in CATALOGUE.values():
        assert family.index("agent") <= 0, family.name


def test_closed_values_are_those_of_the_model() -> None:
    reasons = names.RUN_REASONS
    outcomes = reasons.labels[reasons.index("outcome")].values
    evidences = reasons.labels[reasons.index("evidence")].values

    assert set(outcomes) == {outcome.value for outcome in Outcome}
    assert set(evidences) == {evidence.label for evidence in Evidence}


def test_buckets_double_and_runs_reach_an_hour() -> None:
    doubled = (*RUN_BUCKETS_S[:-1], *TOOL_BUCKETS_S)
    ratios = {round(high / low, 6) for low, high in pairwise(doubled)}

    assert ratios == {2.0, round(0.01 / 1638.4, 6)}
    assert (RUN_BUCKETS_S[0], RUN_BUCKETS_S[-1]) == (0.1, 3600.0)
    assert (TOOL_BUCKETS_S[0], TOOL_BUCKETS_S[-1]) == (0.01, 81.92)
