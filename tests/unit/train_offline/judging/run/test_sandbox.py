"""The folders that a submission is given."""

from __future__ import annotations

from pathlib import Path

from train_offline.judging.cases import cases_of
from train_offline.judging.run.sandbox import lay_out


def test_scenes_are_linked_or_become_real_files(data: Path, tmp_path: Path) -> None:
    cases = cases_of(data)
    cases[1].image.chmod(0o600)
    links, files = lay_out(cases, tmp_path / "links"), lay_out(cases, tmp_path / "files", real_files=True)
    for case in cases:
        link, file = links / case.image.name, files / case.image.name
        assert link.is_symlink()
        assert not file.is_symlink()
        assert link.read_bytes() == file.read_bytes() == case.image.read_bytes()
        assert file.stat().st_mode & 0o004
    assert cases[1].image.stat().st_mode & 0o777 == 0o600
