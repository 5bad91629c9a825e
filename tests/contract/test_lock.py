"""The lock of what runs in production: hashes for all, the versions tests pass with, no more."""

import re

from support.tools import PROJECT_ROOT

LINES = (PROJECT_ROOT / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", LINES, re.MULTILINE))
TESTED = dict(
    re.findall(
        r"^([A-Za-z0-9._-]+)==(\S+)", (PROJECT_ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
)


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_package_has_hashes() -> None:
    blocks = re.split(r"^(?=[A-Za-z0-9._-]+==)", LINES, flags=re.MULTILINE)[1:]
    assert [b.split()[0] for b in blocks if "--hash=sha256:" not in b] == []
    assert len(blocks) == len(LOCKED) > 10


def test_they_are_the_versions_tests_pass_with() -> None:
    tested = {plain(name): version for name, version in TESTED.items()}
    assert {n: v for n, v in LOCKED.items() if tested.get(plain(n), v) != v} == {}


def test_it_names_no_place_packages_come_from() -> None:
    assert not re.search(r"^--|://", LINES, re.MULTILINE)
