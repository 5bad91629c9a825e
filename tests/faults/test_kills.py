"""`kill -9` at random moments under load: nothing acknowledged is lost, each run counts once."""

import os
import sys
from pathlib import Path

import pytest

from faults.life import live

COMMAND = Path(sys.executable).with_name("agentslo")
KILLS = int(os.environ.get("FAULTS_KILLS", "3"))
SEED = int(os.environ.get("FAULTS_SEED", "20261123"))
RATE = float(os.environ.get("FAULTS_RATE", "20"))


@pytest.mark.timeout(60 + 30 * KILLS)
def test_kills_lose_nothing_that_was_acknowledged_and_count_no_run_twice(tmp_path: Path) -> None:
    result = live(COMMAND, tmp_path, KILLS, SEED, RATE)
    sys.stdout.write(f"{result}\n")
    result.assert_sound()


@pytest.mark.timeout(90 + 30 * KILLS)
def test_kills_while_the_back_end_comes_and_goes_lose_nothing(tmp_path: Path) -> None:
    result = live(COMMAND, tmp_path, KILLS, SEED, RATE, outages=True)
    sys.stdout.write(f"{result}\n")
    result.assert_sound()
    assert result.refused_by_back_end > 0
