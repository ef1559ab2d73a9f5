"""What a judge's script would say about a folder of masks, file by file, each fault with its remedy."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path

import numpy as np

from train_offline.judging.cases import open_image
from train_offline.judging.finding import Finding

SIGNATURE, TRAILER = b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"
PARTIAL = (".part", ".tmp", ".temp", ".partial", ".swp", "~")
ALIKE = 0.75  # similarity from which a stray name is taken for a misspelt one
VALUES_SHOWN = 4
WRITE_WHOLE = "write under a temporary name in the same folder, rename at the end, and wait for the last one"


def audit_names(stems: set[str], folder: Path) -> list[Finding]:
    """Masks that are missing, misnamed or half written, and everything else that should not be there."""
    wanted = {f"{stem}.png" for stem in stems}
    found = set(os.listdir(folder)) if folder.is_dir() else set()
    missing, stray = wanted - found, sorted(found - wanted)
    findings = []
    for name in stray:
        finding, meant = _stray(name, missing)
        findings.append(finding)
        missing.discard(meant)
    lost = (
        Finding(
            "missing",
            name,
            "no such file in the output folder",
            "write a mask for every scene, black at worst",
        )
        for name in sorted(missing)
    )
    return [*lost, *findings]


def audit_mask(
    path: Path, sizes: tuple[tuple[int, int], ...], owner: int | None
) -> tuple[list[Finding], np.ndarray | None]:
    """What is wrong with one mask, and its pixels uint8 [H, W] where they can be compared with a truth.

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
    """What to say of a file that is no scene's mask, and the missing mask that it is, or an empty string."""
    if name.endswith(PARTIAL) or name.startswith("."):
        return Finding("partial", name, "is the rest of a file that was being written", WRITE_WHOLE), ""
    meant = _meant(name, missing)
    if meant:
        return Finding("stem", name, "is named after no scene", f"name it {meant}, after its scene"), meant
    return Finding(
        "extra", name, "should not be there", "write nothing but the masks into the output folder"
    ), ""


def _meant(name: str, missing: set[str]) -> str:
    """The missing mask that a stray file most likely is, else an empty string."""
    stem = os.path.splitext(name)[0].lower()
    for candidate in sorted(missing, key=len, reverse=True):
        if stem.startswith(candidate.removesuffix(".png").lower()):
            return candidate
    close = difflib.get_close_matches(name, missing, 1, ALIKE) if name.lower().endswith(".png") else []
    return close[0] if close else ""


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
        what = f"can be read by its owner only (mode {stat.S_IMODE(facts.st_mode):04o})"
        findings.append(Finding("permissions", path.name, what, "give it mode 0644 for other users"))
    return findings


def _content(path: Path, sizes: tuple[tuple[int, int], ...]) -> tuple[Finding | None, np.ndarray | None]:
    def fault(kind: str, what: str, fix: str) -> Finding:
        return Finding(kind, path.name, what, fix)

    as_png = "save it as PNG, 8 bits, one channel"
    try:
        with open_image(path) as image:
            size = image.height, image.width
            if image.format != "PNG":
                return fault("unreadable", f"is a {image.format} file", as_png), None
            if size not in sizes:
                allowed = " or ".join(f"{width}x{height}" for height, width in sizes)
                what = f"is {size[1]}x{size[0]} pixels, its scene is {allowed}"
                return fault("size", what, "crop what was padded and resize nothing"), None
            if image.mode != "L":  # 1 bit is "1", 16 bit "I;16", a palette "P", colour "RGB"
                return fault("mode", f"has pixels of mode {image.mode}, not 8-bit grey (L)", as_png), None
            pixels = np.asarray(image)
    except Exception as error:  # a damaged file fails in many ways; each of them is the finding
        if _is_cut(path):
            return fault("partial", "ends in the middle of the image", WRITE_WHOLE), None
        return fault("unreadable", f"cannot be read ({' '.join(str(error).split())[:120]})", as_png), None
    odd = pixels[(pixels != 0) & (pixels != 255)]
    if odd.size:
        values = np.unique(odd)
        shown = ", ".join(map(str, values[:VALUES_SHOWN])) + (" ..." if len(values) > VALUES_SHOWN else "")
        what = f"holds {shown} beside 0 and 255, on {odd.size} pixels"
        return fault("values", what, "write 255 for ice and 0 for everything else"), pixels
    return None, pixels


def _is_cut(path: Path) -> bool:
    """Whether a file is empty or begins as a PNG and does not end as one."""
    try:
        with path.open("rb") as file:
            head = file.read(len(SIGNATURE))
            file.seek(max(0, path.stat().st_size - len(TRAILER)))
            return not head or (head == SIGNATURE and file.read() != TRAILER)
    except OSError:
        return False
