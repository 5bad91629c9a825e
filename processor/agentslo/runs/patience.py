"""How long a run may stay open: the first of quiet after its end, idle, too old.

In: a run's tree so far and the options. Out: when it is over, and why. Pure. Source: design.md 2
("Closes when ...").
"""

from agentslo.config.options import RunsOptions
from agentslo.model import Role
from agentslo.runs.forest import Tree

S = 1_000_000_000


def over(
    tree: Tree, trace_last_ns: int, options: RunsOptions, resumed_ns: int = 0
) -> tuple[int, str]:
    """When a run is over if nothing more comes, and how it is then said to have closed.

    `trace_last_ns`: the last arrival in its trace; a root that may still turn out to be nested is
    waited for as long as anything of the trace comes. `resumed_ns`: the end of a restart, before
    which senders had nobody to send to.
    """
    last = max(tree.last_arrival_ns, resumed_ns)
    ended = tree.root is not None and tree.settled
    idle_ns = (last if tree.settled else max(trace_last_ns, resumed_ns)) + int(options.idle_s * S)
    age_ns = tree.first_arrival_ns + int(options.max_age_s * S)
    return min(
        *([(last + quiet_ns(tree, options), "root_ended")] if ended else []),
        (idle_ns, "idle_timeout"),
        (age_ns, "max_age"),
    )


def quiet_ns(tree: Tree, options: RunsOptions) -> int:
    """`quiet_single_s` where one process sent the whole run and waits for nobody."""
    instances = {s.resource.instance_id for s in tree.members}
    if len(instances) == 1 and "" not in instances and not _waits_for_child(tree):
        return int(options.quiet_single_s * S)
    return int(options.quiet_s * S)


def _waits_for_child(tree: Tree) -> bool:
    """A client span of an agent or tool call that no child has answered yet."""
    answered = {s.parent_id for s in tree.members}
    return any(
        s.client and s.role in (Role.AGENT, Role.TOOL) and s.span_id not in answered
        for s in tree.members
    )
