"""A file that others write by its name: it appears whole or not at all."""

from __future__ import annotations

import errno
import fcntl
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from infer.process.files import DRAFT_PREFIX, DRAFT_SUFFIX

_drafts: set[Path] = set()


@contextmanager
def draft_of(path: Path) -> Iterator[Path]:
    """Give the name of an empty file beside `path`; at the end it becomes `path`, or vanishes on an error.

    The name is that of unfinished masks, and the file is locked as they are (see mask_writer): other runs
    leave it alone, and the next one removes what one that was killed has left. Who replaces the file locks it
    again. Raises OSError, also where a folder or a device has the place of `path`.
    """
    if os.path.lexists(path) and not path.is_file():
        raise OSError(errno.EEXIST, "is no plain file", str(path))
    draft = path.with_name(f"{DRAFT_PREFIX}{uuid.uuid4().hex}{DRAFT_SUFFIX}")
    _drafts.add(draft)
    try:
        open(draft, "xb").close()
        with locked(draft):
            yield draft
            os.replace(draft, path)
    finally:
        with suppress(OSError):
            draft.unlink()
        _drafts.discard(draft)


def discard_drafts() -> None:
    """Remove what is half written, for a process that leaves without waiting."""
    for draft in list(_drafts):
        with suppress(OSError):
            draft.unlink()


@contextmanager
def locked(draft: Path) -> Iterator[None]:
    """Show other runs that somebody writes this file; raises OSError where it is not there."""
    with open(draft, "rb") as file:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(file, fcntl.LOCK_SH)
        yield
