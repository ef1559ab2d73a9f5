"""Whether the places that a run writes to and reads from will do, before any time is spent on scenes."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterable
from pathlib import Path

from infer.errors import UsageError
from infer.process.files import DRAFT_PREFIX, DRAFT_SUFFIX, try_to_write
from infer.process.image import in_image
from infer.settings import PNG, Settings


def check_places(settings: Settings, masks: Iterable[str] = ()) -> None:
    """Make the output folder and the report's; raises UsageError for a place that cannot be used.

    masks: names in the output folder that are to be written; there may be some of an earlier run.
    """
    _check_folder(settings.output, "output folder", "output")
    if settings.format != PNG:
        _check_apart(settings.input, settings.output)
    if not settings.resume:
        _check_replaceable(settings.output, masks)
    if not settings.weights.is_file():
        raise UsageError(f"no weights file {settings.weights}", ": give one with {weights}", settings.weights)
    report = settings.report
    if report is None:
        return
    if report.is_dir():
        raise UsageError(f"the report {report} is a folder", ": give a file with {report}", report)
    _check_folder(report.parent, "folder of the report", "report")
    if report.exists() and not os.access(report, os.W_OK):
        raise UsageError(f"cannot write the report {report}", ": give another with {report}", report)


def _check_folder(folder: Path, what: str, setting: str) -> None:
    try:
        try_to_write(folder)
    except (FileExistsError, NotADirectoryError):
        remedy = f": give another with {{{setting}}}"
        raise UsageError(f"the {what} {folder} is not a folder", remedy, folder) from None
    except OSError as error:
        reason = f"cannot write to the {what} {folder}"
        raise UsageError(f"{reason}{_who()}: {error.strerror}", _remedy(error, setting), folder) from None


def _check_apart(scenes: Path, masks: Path) -> None:
    """Refuse one folder for both: the mask of a.tif is called a.tif, and would take its place."""
    if masks.samefile(scenes):
        reason = f"masks in {masks} would replace the scenes there, as both are called .tif"
        raise UsageError(reason, ": give another folder with {output}", masks)


def _check_replaceable(folder: Path, masks: Iterable[str]) -> None:
    """Try on a mask of each other owner whether it can be replaced: in a sticky folder nobody may.

    Such a mask is replaced by a copy of itself, as the run would replace it, so nothing is ever missing.
    """
    owners = {os.geteuid()}
    for name in masks:
        path = folder / name
        try:
            owner = path.lstat().st_uid
        except OSError:
            continue
        if owner not in owners and path.is_file():
            owners.add(owner)
            _replace_by_itself(path, owner)


def _replace_by_itself(path: Path, owner: int) -> None:
    if not os.access(path, os.R_OK) and not _is_kept_by_sticky_bit(path, owner):
        return  # it cannot be copied, but it can be replaced
    copy = path.with_name(f"{DRAFT_PREFIX}{os.getpid()}{DRAFT_SUFFIX}")
    try:
        shutil.copyfile(path, copy)
        copy.replace(path)
    except OSError as error:
        reason = f"cannot replace the mask {path} of user {owner}{_who()}: {error.strerror}"
        raise UsageError(f"{reason}: remove the old masks, or run as their owner") from None
    finally:
        copy.unlink(missing_ok=True)


def _is_kept_by_sticky_bit(path: Path, owner: int) -> bool:
    """Tell whether only its owner, or the folder's, may replace a file (man 7 inode)."""
    folder = path.parent.stat()
    return bool(folder.st_mode & stat.S_ISVTX) and os.geteuid() not in (owner, folder.st_uid)


def _who() -> str:
    return f" as user {os.geteuid()}" if in_image() else ""


def _remedy(error: OSError, setting: str) -> str:
    """Whoever reads it in a container starts the container, and /output is what was mounted."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ": make room there"
    if error.errno == errno.EROFS and in_image():
        return ": mount a folder there, without :ro"
    if not in_image():
        return f": give another with {{{setting}}}"
    return ': mount a folder that this user may write to (chmod a+rwx), or add --user "$(id -u):$(id -g)"'
