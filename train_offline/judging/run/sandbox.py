"""The folders of a dry run: what the judge would mount at /input, and the place for the masks."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from train_offline.judging.cases import Case
from train_offline.judging.finding import Finding


def lay_out(cases: Iterable[Case], folder: Path, real_files: bool = False) -> Path:
    """Make a folder with every scene and nothing else.

    real_files: hard links or copies that any user may read, for a container, which cannot follow a link to
    the outside; else symbolic links.
    """
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    for case in cases:
        target = folder / case.image.name
        if real_files:
            _put(case.image.resolve(), target)
        else:
            target.symlink_to(case.image.resolve())
    return folder


def open_folder(path: Path) -> Path:
    """Make a folder that any user may write to, as a mounted output folder must be."""
    path.mkdir()
    path.chmod(0o777)
    return path


def _put(source: Path, target: Path) -> None:
    if source.stat().st_mode & stat.S_IROTH:
        with suppress(OSError):  # another file system, or one without links
            os.link(source, target)
            return
    shutil.copyfile(source, target)
    target.chmod(0o644)


class Surroundings:
    """Notices what a job writes or changes outside of its output folder, as far as its own folders go."""

    def __init__(self, scratch: Path, scenes: Path, cases: list[Case]) -> None:
        """scratch: holds the folders of the run. scenes: what lay_out made of the cases."""
        self._scratch, self._scenes, self._cases = scratch, scenes, cases
        self._entries, self._stamps = self._list(), self._stamp()

    def changes(self) -> list[Finding]:
        """Return what was written, changed or removed since this was made, each as a finding."""
        fix = "write nothing but masks, and them into the output folder"
        entries = self._list()
        new, gone = sorted(entries - self._entries), sorted(self._entries - entries)
        findings = [Finding("outside", name, "was written outside of the output folder", fix) for name in new]
        scenes = {str((self._scenes / case.image.name).relative_to(self._scratch)) for case in self._cases}
        findings += [Finding("outside", name, "was removed", fix) for name in gone if name not in scenes]
        now = self._stamp()
        changed = [name for name, stamp in self._stamps.items() if now[name] != stamp]
        what, fix = "was changed or removed: it is the judge's scene", "leave the input as it is"
        return findings + [Finding("outside", name, what, fix) for name in changed]

    def _list(self) -> set[str]:
        """List what lies in the scratch folder, in the job's working folder and in the input folder."""
        found = set()
        for place in (self._scratch, self._scenes, self._scratch / "work"):
            with suppress(OSError):  # a job can remove even these
                found |= {str(path.relative_to(self._scratch)) for path in place.iterdir()}
        return found

    def _stamp(self) -> dict[str, tuple[int, int] | None]:
        """Return size and time of change of every scene, None for one that is gone."""
        stamps: dict[str, tuple[int, int] | None] = {}
        for case in self._cases:
            stamps[case.image.name] = None
            with suppress(OSError):
                facts = (self._scenes / case.image.name).stat()
                stamps[case.image.name] = (facts.st_size, facts.st_mtime_ns)
        return stamps
