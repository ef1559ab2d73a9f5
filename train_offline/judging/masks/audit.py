"""What a judge's script would say about a folder of masks, file by file, each fault with its remedy."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path

import numpy as np

from train_offline.data.pixels import between
from train_offline.judging.finding import Finding
from train_offline.judging.masks.png import FlawError, read_png

PARTIAL = (".part", ".tmp", ".temp", ".partial", ".swp", "~")
ALIKE = 0.9  # similarity from which a stray name is taken for a misspelt one
MAX_COMPARED = 300  # missing masks; among more of them anything resembles something
WRITE_WHOLE = "write under a temporary name in the same folder, rename at the end, and wait for the last one"
READABLE = "give it mode 0644, folders 0755: the judge is another user"
AS_PNG = "save it as PNG, 8 bits, one channel"
FIXES = {
    "partial": WRITE_WHOLE,
    "size": "crop what was padded and resize nothing",
    "mode": AS_PNG,
    "unreadable": AS_PNG,
}


def audit_names(stems: set[str], folder: Path) -> list[Finding]:
    """Find masks that are missing, misnamed or half written, and all else that should not be there."""
    wanted = {f"{stem}.png" for stem in stems}
    if folder.is_symlink():
        what = f"the output folder was replaced by a link to {os.readlink(folder)}"
        return [Finding("outside", "", what, "write into the folder that is there")]
    try:
        found = set(os.listdir(folder))
    except (FileNotFoundError, NotADirectoryError):
        found = set()
    except OSError as error:
        what = f"the output folder cannot be read any more ({error.strerror})"
        return [Finding("permissions", "", what, READABLE)]
    lost, stray = wanted - found, sorted(found - wanted)
    findings = []
    for name in stray:
        finding, meant = _stray(name, lost)
        findings.append(finding)
        lost.discard(meant)
    return [*(missing(name) for name in sorted(lost)), *findings]


def missing(name: str) -> Finding:
    """Say that there is no mask of this name."""
    fix = "write a mask for every scene, black at worst"
    return Finding("missing", name, "no such file in the output folder", fix)


def audit_mask(
    path: Path, sizes: tuple[tuple[int, int], ...], owner: int | None
) -> tuple[list[Finding], np.ndarray | None]:
    """Return what is wrong with one mask, and its pixels uint8 [H, W] where they fit a truth.

    Args:
        path: a mask that is there. Links are not followed, and nothing but a plain file is opened: it is a
            stranger's.
        sizes: the (height, width) that it may have.
        owner: the user that the job ran as; None where that cannot be compared.
    """
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode):
        return [_no_file(path, facts.st_mode)], None
    findings = _rights(path, facts, owner)
    fault, pixels = _content(path, sizes)
    return [*findings, *([fault] if fault else [])], pixels


def _stray(name: str, missing: set[str]) -> tuple[Finding, str]:
    """Say what a file is that is no scene's mask, and which missing mask it is, or an empty string."""
    if name.endswith(PARTIAL) or name.startswith("."):
        return Finding("partial", name, "is the rest of a file that was being written", WRITE_WHOLE), ""
    meant = _meant(name, missing)
    if meant:
        return Finding("stem", name, "is named after no scene", f"name it {meant}, after its scene"), meant
    fix = "write nothing but the masks into the output folder"
    return Finding("extra", name, "should not be there", fix), ""


def _meant(name: str, missing: set[str]) -> str:
    """Return the missing mask that a stray file most likely is, else an empty string."""
    stem = os.path.splitext(name)[0].lower()
    for candidate in sorted(missing, key=len, reverse=True):
        wanted = candidate.removesuffix(".png").lower()
        if stem.startswith(wanted) and not stem[len(wanted) :][:1].isalnum():
            return candidate
    if len(missing) > MAX_COMPARED or not name.lower().endswith(".png"):
        return ""
    stems = {candidate.removesuffix(".png"): candidate for candidate in missing}
    close = difflib.get_close_matches(os.path.splitext(name)[0], stems, 1, ALIKE)
    return stems[close[0]] if close else ""


def _no_file(path: Path, mode: int) -> Finding:
    if stat.S_ISLNK(mode):
        what = f"is a link to {os.readlink(path)}"
        return Finding("outside", path.name, what, "write the file itself into the output folder")
    what = "is a folder" if stat.S_ISDIR(mode) else "is no plain file"
    return Finding("unreadable", path.name, what, "write an 8-bit PNG under this name")


def _rights(path: Path, facts: os.stat_result, owner: int | None) -> list[Finding]:
    findings = []
    if owner is not None and facts.st_uid != owner:
        what = f"belongs to user {facts.st_uid}, the job ran as {owner}"
        findings.append(Finding("owner", path.name, what, "write as the user that the job is started as"))
    if not facts.st_mode & stat.S_IROTH:
        what = f"cannot be read by other users (mode {stat.S_IMODE(facts.st_mode):04o})"
        findings.append(Finding("permissions", path.name, what, READABLE))
    return findings


def _content(path: Path, sizes: tuple[tuple[int, int], ...]) -> tuple[Finding | None, np.ndarray | None]:
    try:
        pixels = read_png(path, sizes)
    except FlawError as flaw:
        return Finding(flaw.kind, path.name, flaw.what, FIXES[flaw.kind]), None
    except OSError as error:
        return Finding("permissions", path.name, f"cannot be opened ({error.strerror})", READABLE), None
    if odd := between(pixels):
        return Finding("values", path.name, odd, "write 255 for ice and 0 for everything else"), pixels
    return None, pixels
