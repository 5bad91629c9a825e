"""Files of ours are for their owner alone, whatever the umask and whoever was there before."""

import os
from pathlib import Path

import pytest

from agentslo.store.decisions import load_key, open_decisions
from agentslo.store.ledger import Ledger
from agentslo.store.private import NotPrivate, make_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_new_files_and_folders_are_private_under_any_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        folder = tmp_path / "new"
        Ledger(folder / "ledger.sqlite").close()
        load_key(folder, make=True)
        open_decisions(folder).close()
    finally:
        os.umask(old)
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {
        "ledger.sqlite": 0o600,
        "decisions.sqlite": 0o600,
        "decisions.key": 0o600,
    }


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / "file").touch(mode=0o644)
    make_private(tmp_path / "file")
    assert mode(tmp_path / "file") == 0o600


@pytest.mark.parametrize("target", ["elsewhere", "missing"])
def test_a_link_in_the_place_of_a_file_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "elsewhere").write_text("of somebody else")
    (tmp_path / "file").symlink_to(tmp_path / target)
    with pytest.raises(NotPrivate, match="symbolic link"):
        make_private(tmp_path / "file")
    assert (tmp_path / "elsewhere").read_text() == "of somebody else"
    assert not (tmp_path / "missing").exists()


def test_a_folder_where_everybody_may_write_is_refused_but_for_a_sticky_one(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir()
    folder.chmod(0o777)
    with pytest.raises(NotPrivate, match="everybody may write"):
        make_private(folder / "file")
    folder.chmod(0o1777)
    make_private(folder / "file")
    assert mode(folder / "file") == 0o600
