"""Phrases of alert texts: Go templates that look something up when the alert fires.

In: the scope of an alert and the extra labels. Out: template text. No state. A template that finds
nothing prints "unknown" or nothing, so a missing series never breaks a page. Source:
prometheus-grafana.md 11 (who, value, normal value, budget left, first action).
"""

from dataclasses import dataclass

from agentslo.bundle.rule import Board, Scope, labels_of

LIVE_URL = "http://127.0.0.1:9465"
"""Where the service's page is unless told otherwise (design.md 7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Where runbooks and dashboards are. The runbooks' default is their place in the repository."""

    runbooks: str = "alert-rules/runbooks"
    dashboards: str = "http://127.0.0.1:3000"

    def runbook(self, alert: str) -> str:
        """The runbook of an alert."""
        return f"{self.runbooks.rstrip('/')}/{alert}.md"

    def dashboard(self, board: Board, scope: Scope, extra: tuple[str, ...]) -> str:
        """The board that shows what the alert is about, on the last day."""
        names = labels_of(scope, extra)
        chosen = "".join(f"&var-{n}={{{{ urlquery $labels.{n} }}}}" for n in names)
        return f"{self.dashboards.rstrip('/')}/d/{board}?from=now-24h&to=now{chosen}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The placeholders `[name]` of texts, for one scope."""

    scope: Scope
    extra: tuple[str, ...] = ()

    def fill(self, text: str) -> str:
        """The text with every `[name]` written out."""
        for name, phrase in self._phrases().items():
            text = text.replace(f"[{name}]", phrase)
        return text

    def _phrases(self) -> dict[str, str]:
        runs = "sum by ({}) (increase(agent_slo_runs_total{{SEL}}[1h]))"
        return {
            "who": "{{ $labels.agent }} ({{ $labels.environment }})",
            "objective": self._number("agent_slo:objective:ratio", "humanizePercentage"),
            "budget": self._number("agent_slo:error_budget:ratio", "humanizePercentage"),
            "left": self._number("agent_slo:error_budget_remaining:ratio", "humanizePercentage")
            + " ("
            + self._number("agent_slo:error_budget_remaining:runs", 'printf "%.0f"')
            + " bad runs)",
            "outcomes": self._list(runs.format("outcome"), "outcome", 4),
            "releases": self._list(runs.format("release"), "release", 3),
            "live": LIVE_URL,
        }

    def _number(self, series: str, form: str) -> str:
        names = self._names()
        asked = self._printf(f"{series}{{SEL}}", names)
        return (
            f"{{{{ with query ({asked}) }}}}{{{{ . | first | value | {form} }}}}"
            "{{ else }}unknown{{ end }}"
        )

    def _list(self, expr: str, label: str, most: int) -> str:
        names = tuple(n for n in self._names() if n != "slo")
        asked = self._printf(f"topk({most}, {expr} > 0)", names)
        item = f'{{{{ $row.Labels.{label} }}}} {{{{ printf "%.0f" $row.Value }}}}'
        start = f"{{{{ range $i, $row := query ({asked}) }}}}{{{{ if $i }}}}, {{{{ end }}}}"
        return f"{start}{item}{{{{ else }}}}none{{{{ end }}}}"

    def _names(self) -> tuple[str, ...]:
        return labels_of(self.scope, self.extra)

    def _printf(self, expr: str, names: tuple[str, ...]) -> str:
        """The query with the alert's labels quoted into its selector."""
        selector = ",".join(f"{name}=%q" for name in names)
        values = " ".join(f"$labels.{name}" for name in names)
        return f"printf `{expr.replace('SEL', selector)}` {values}"
