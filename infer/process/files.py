"""Files that appear whole under their name or not at all, and whether a folder takes any."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# Of the names of masks that are being written: what a run that was killed leaves behind is known by them.
DRAFT_PREFIX, DRAFT_SUFFIX = ".mask-", ".part"
LOCK = ".lock"
_locks: dict[Path, BinaryIO] = {}


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a name beside `path` to write to; what lies there becomes `path`, or vanishes on an error.

    Raises OSError where it cannot be renamed, and for a device or a pipe, whose place no file may take.
    """
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise OSError(errno.EEXIST, "is no plain file", str(path))
    draft = draft_of(path, os.getpid())
    try:
        yield draft
        os.replace(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink()


def draft_of(path: Path, pid: int) -> Path:
    """Return where a process of this number writes what whole_file makes `path`."""
    return path.with_name(f".{path.name}.{pid}.part")


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8, whole or not at all; raises OSError."""
    with whole_file(path) as draft:
        draft.write_bytes(content.encode() if isinstance(content, str) else content)


def try_to_write(folder: Path) -> None:
    """Make the folder and a file without a name in it; raises OSError where either cannot be made."""
    folder.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=folder).close()


def scratch_folder(name: str) -> Path:
    """Make a temporary folder that is this process's own, and remove those whose processes are no more.

    Folders of one name are known by a lock, which goes with the process, whatever ends it. Raises OSError.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{name}-*"):
        with suppress(OSError), open(left / LOCK, "rb") as theirs:
            fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    lock = open(folder / "new", "wb")  # noqa: SIM115, open for as long as the process lives
    with suppress(OSError):  # a file system without locks: there nothing is ever removed
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "new").rename(folder / LOCK)  # nobody finds it unlocked
    _locks[folder] = lock
    return folder


def drop_scratch(folder: Path) -> None:
    """Remove what scratch_folder has made, once or more often, whatever threads still write to it.

    Under another name they find it no more.
    """
    gone = folder.with_name(f"{folder.name}.gone")
    with suppress(OSError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)
    if lock := _locks.pop(folder, None):
        lock.close()
