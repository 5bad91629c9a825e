"""The stories of examples/stories, told on real parts: what `make story-...` shows."""

import os
import sys
from pathlib import Path

import pytest

from support.tools import PROJECT_ROOT

sys.path.append(str(PROJECT_ROOT / "examples" / "stories"))

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(400)]


def test_an_agent_that_does_harm_is_stopped_by_one_command_and_the_incident_ends_in_a_change(
    prometheus: Path, alertmanager: Path, tmp_path: Path
) -> None:
    pytest.importorskip("pydantic_ai", reason="pydantic-ai-slim is not installed")
    pytest.importorskip("openfeature.contrib.provider.flagd", reason="no flagd provider")
    import incident  # noqa: PLC0415 - it needs what is asked for above

    story = incident.tell(tmp_path)
    order = [
        "order notes begin to instruct the model",
        "first unsafe span ended",
        "AgentUnsafeAction fires",
        "contained by one command",
        "the agent stands still",
        "spans prove that it works",
        "closed, with a post-mortem",
        "the agent serves customers again",
        "the record of decisions is whole",
    ]
    times = [story.at[what] for what in order if what != "the agent stands still"]
    assert times == sorted(times)
    # No run began while the switch held: the last unsafe run is older than the containment.
    assert "works: no run began" in story.proof


@pytest.mark.skipif("AGENTSLO_LONG" not in os.environ, reason="five minutes: set AGENTSLO_LONG=1")
def test_drift_asks_for_retraining_a_bad_canary_goes_back_and_a_good_one_stays(
    prometheus: Path, alertmanager: Path, tmp_path: Path
) -> None:
    import retraining  # noqa: PLC0415 - its folder is on the path only here

    story = retraining.tell(tmp_path / "story")
    said = "\n".join(story.told)
    assert "1.1: worse" in said and "1.2: not_worse" in said
    assert "rolled back by one command" in said and "1.2 is promoted" in said
