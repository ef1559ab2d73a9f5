"""Folders that are filled whole or not at all, and whether a place can be written to, said in one line."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infer.errors import FileError
from infer.process.files import try_to_write, whole_file, write_whole

__all__ = ["new_folder", "whole_file", "writable_folder", "write_whole"]


def writable_folder(folder: Path, setting: str) -> Path:
    """Return the folder, made if need be; raises FileError where nothing can be written into it."""
    try:
        try_to_write(folder)
    except OSError as error:
        reason = f"cannot be written to ({error.strerror})"
        raise FileError(folder, reason, kind="unwritable", setting=setting) from error
    return folder


@contextmanager
def new_folder(path: Path, setting: str | None = "output") -> Iterator[Path]:
    """Make a folder to fill, which becomes `path` when all goes well and vanishes otherwise.

    setting: that named the path, None for none. Raises FileError when `path` is there and not an empty
    folder, when it cannot be made, and for an OSError while it is filled.
    """
    try:
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise FileError(path, "is already there", "; name a new or empty folder", setting=setting)
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise FileError(path, f"cannot be made: {error.strerror}", setting=setting) from error
    try:
        yield draft
        mask = os.umask(0)
        os.umask(mask)
        draft.chmod(0o777 & ~mask)  # mkdtemp makes it ours alone
        draft.rename(path)
    except OSError as error:
        raise FileError(path, f"cannot be written: {error.strerror or error}", setting=setting) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
