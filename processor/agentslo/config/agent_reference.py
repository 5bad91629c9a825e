"""docs/agent-file.md: a guide, then every key, made from the table that parses.

In: the table of the agent file. Out: Markdown. No state.
`python -m agentslo.config.agent_reference` prints it; a test compares it with the committed page.
"""

import sys

from agentslo.config.agent_schema import AGENT
from agentslo.config.reference import Tables, page

_INTRODUCTION = """\
# Agent files

<!-- Made by `python -m agentslo.config.agent_reference`; edit the tables in the code instead. -->

An agent file says what success is for one agent: its unit of work, what its tools do and may do,
what proves that a run went well, and what is promised of it. The team that owns the agent owns the
file. Without one, an agent is held to three default objectives, and "it ended normally" is all that
can be said of a run.

```sh
agentslo init --from recordings/           # or --live http://127.0.0.1:9465
agentslo check agents/                     # every problem with line and column
agentslo replay --config agentslo.yaml recordings/
```

Put the file into the folder `agents` beside the service file; a running service takes it up on
SIGHUP or `POST /-/reload`, all files or none. Commented files to copy from are in
`examples/agents`, and written by `agentslo init --template NAME`:

| for | template |
|---|---|
| a promise with all its parts | `password-reset` |
| routing, field by field | `ticket-routing` |
| approvals | `refund-approval` |
| escalations | `support-escalation` |
| evaluations by judges and people | `judged-answers`, `rag-assistant` |
| incidents: what is pre-approved, who is called | `incident-response` |
| code, several agents | `coding-agent`, `crew` |

## From nothing to a promise

1. **`agent` and `match`.** The name is the label in all metrics; `match` finds its runs by the
   names the spans carry. `agentslo doctor` lists them.
2. **`task`.** Write down what one run is and when it is over. Objectives count runs, so this comes
   first; `check` refuses an objective without it.
3. **`tools`.** Which of them write, and which need a person's yes. A write the file forbids, or one
   without the approval it needs, is an `unsafe_action`, whatever the run's result. The same write
   twice is `data_corruption`: tell by `idempotency_arguments` what "the same" means.
4. **`expect`.** What a good run leaves behind: a field of a tool's result, or better an attribute
   that a system of record sets. This is what turns `completed` (nobody knows) into `success`.
   Evidence ranks: system of record, person, evaluator, tool result; a span's status is none.
5. **`escalation` on the tool that hands over.** With `reasons` and a `deadline` that hold, handing
   over is as good as solving; too late, to the wrong queue, for nothing or with work half done it
   is `bad_escalation`.
6. **`slos`.** Success, latency, safety and cost, each told apart, and a `composite` for the promise
   as a whole: it is good only where all its parts are good in the same run.

```yaml
agent: password-reset
match: {agents: [helpdesk_agent]}
task: {unit: one reset request}
tools:
  verify_identity: {}
  reset_password:
    effect: write
    permission: confirm
    approval: {tools: [verify_identity]}
expect:
  - {name: reset_accepted, tool_result: {tool: reset_password, field: status}, equals: ok}
slos:
  - {name: resolved, dimension: success, objective: 95%}
  - {name: fast, dimension: latency, limit: 60s, objective: 95%}
```

## How it is read

- **Conditions** are one key beside what they are about: `equals`, `not_equals`, `in`, `matches`,
  `present`, `at_most` or `at_least`. Their operands are typed as they look: `1` is a number, `"1"`
  text, `true` a boolean. Everywhere else the key gives the type.
- **Durations** are seconds (`10`) or `500ms`, `10s`, `5m`, `6h`, `28d`; **objectives** a ratio
  (`0.95`) or percent with its sign (`95%`).
- A single value stands for a list of one. `${env:NAME}` and `${env:NAME:-default}` are read in
  every value. Unknown and repeated keys are problems.
- **Warnings** stop nothing: a tool that writes with no permission stated, a dimension without an
  objective.
- In an editor, `# yaml-language-server: $schema=docs/schema/agent.schema.json` (the path from the
  file) gives completion and checks as you type.
"""


def markdown() -> str:
    """The whole page."""
    return page(AGENT, _INTRODUCTION, Tables(variables=False))


if __name__ == "__main__":
    sys.stdout.write(markdown())
