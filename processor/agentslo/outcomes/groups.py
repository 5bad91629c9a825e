"""What outcomes have in common: which went well, ended, did harm, failed, or were not judged.

Values as they stand in metrics and the ledger, in the order of `Outcome`. Every outcome is in one
group. No state. Source: design.md 3.
"""

from typing import Final

from agentslo.model import Outcome

HARM: Final = (Outcome.UNSAFE_ACTION.value, Outcome.DATA_CORRUPTION.value)
"""What a person must look at before an agent counts as safe again."""
BAD: Final = (
    *HARM,
    *(Outcome.HALLUCINATION.value, Outcome.TOOL_FAILURE.value, Outcome.LIMIT.value),
    *(Outcome.ERROR.value, Outcome.WRONG_RESULT.value, Outcome.BAD_ESCALATION.value),
    Outcome.REFUSED.value,
)
"""What objectives of success count as bad, harm among it."""
GOOD: Final = (Outcome.SUCCESS.value, Outcome.SAFE_ESCALATION.value)
"""What went well, with evidence."""
ENDED: Final = (Outcome.COMPLETED.value,)
"""What ended without a sign of failure; nothing verified it."""
NOT_JUDGED: Final = (
    *(Outcome.EXCLUDED.value, Outcome.BLOCKED.value, Outcome.CANCELLED.value),
    *(Outcome.WAITING.value, Outcome.UNKNOWN.value),
)
"""What is left out of objectives, or cannot be told."""
