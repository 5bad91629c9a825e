"""The fuzz targets on the stored corpus and inputs made from it; the long form is `make fuzz`."""

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FUZZ = Path(__file__).parents[1] / "fuzz"
sys.path.insert(0, str(FUZZ))

from targets import TARGETS  # noqa: E402 - the folder is no package

CORPUS = {name: sorted((FUZZ / "corpus" / name).iterdir()) for name in TARGETS}


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_corpus(name: str) -> None:
    assert CORPUS[name]
    for kept in CORPUS[name]:
        TARGETS[name](kept.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_target_takes_what_is_made_from_its_corpus(name: str, data: st.DataObject) -> None:
    kept = data.draw(st.sampled_from(CORPUS[name])).read_bytes()
    begin = data.draw(st.integers(0, len(kept)))
    end = data.draw(st.integers(begin, len(kept)))
    TARGETS[name](kept[:begin] + data.draw(st.binary(max_size=20)) + kept[end:])
