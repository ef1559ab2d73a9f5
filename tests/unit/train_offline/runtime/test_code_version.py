"""The commit of a checkout, and whether its code differs from it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from train_offline.runtime.code_version import commit_of


def test_commit_and_dirty_flag(tmp_path: Path) -> None:
    assert commit_of(tmp_path) == {"commit": None, "dirty": None}
    git = ["git", "-C", tmp_path, "-c", "user.name=n", "-c", "user.email=e"]
    (tmp_path / "a").write_text("a")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "m"]):
        subprocess.run([*git, *arguments], check=True)
    clean = commit_of(tmp_path)
    assert len(clean["commit"]) == 40
    assert clean["dirty"] is False
    (tmp_path / "a").write_text("b")
    assert commit_of(tmp_path) == {**clean, "dirty": True}
    (tmp_path / "inside").mkdir()
    assert commit_of(tmp_path / "inside")["commit"] is None, "another repository's commit says nothing"
