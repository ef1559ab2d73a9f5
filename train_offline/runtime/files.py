"""Folders that are filled whole or not at all, and whether a place can be written to, said in one line."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from infer.errors import FileError
from infer.process.files import try_to_write, whole_file, write_whole

LOCK = ".lock"
PID_BYTES = 32
__all__ = ["new_folder", "only_user", "real_path", "whole_file", "writable_folder", "write_whole"]


def real_path(path: Path) -> Path:
    """Return what a path is without its links; a link in a loop stays, where Path.resolve may raise."""
    return Path(os.path.realpath(path))


def writable_folder(folder: Path, setting: str) -> Path:
    """Return the folder, made if need be; raises FileError where nothing can be written into it."""
    try:
        try_to_write(folder)
    except OSError as error:
        reason = f"cannot be written to ({error.strerror})"
        raise FileError(folder, reason, kind="unwritable", setting=setting) from error
    return folder


@contextmanager
def only_user(folder: Path, setting: str) -> Iterator[None]:
    """Keep other processes that ask for it out of a folder; where there are no locks nobody is kept out.

    A lock of fcntl(2), which ends with the process however that ends, and which its children do not hold:
    they may outlive it for some seconds. Raises FileError that names the process which has the folder.
    """
    path = folder / LOCK
    file = _locked(path, folder, setting)
    try:
        yield
    finally:
        if file is not None:
            with file:  # whoever has opened the file before it is gone sees that it is
                path.unlink(missing_ok=True)


def _locked(path: Path, folder: Path, setting: str) -> BinaryIO | None:
    """Return the open file with the lock, None where there are no locks."""
    while True:
        try:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+b")
        except OSError:
            return None
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not path.exists() or not os.path.samestat(os.fstat(file.fileno()), path.stat()):
                file.close()
                continue
        except (BlockingIOError, PermissionError) as error:
            with file:
                user = file.read(PID_BYTES).decode("ascii", "replace").strip()
            remedy = "; wait for it, or choose another {" + setting + "} folder"
            raise FileError(folder, f"is in use by process {user or '?'}", remedy, setting=setting) from error
        except OSError:
            file.close()
            path.unlink(missing_ok=True)
            return None
        file.truncate()
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        return file


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
