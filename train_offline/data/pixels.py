"""The pixels of one scene or mask file; a file that cannot be used is named in one line."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import cv2
import numpy as np

from infer.errors import DecodeError, FileError, HeaderError
from infer.plan.tiff_header import Header, read_header
from infer.read.scene import Read, read_scene

VALUES_SHOWN = 4


def read_image(path: Path) -> Read:
    """Read a scene exactly as the job does: uint8 [H, W, 3] RGB, and where there is no data.

    Raises FileError of kind "unreadable".
    """
    return read_with_header(path, header_of(path))


def header_of(path: Path) -> Header:
    """Return the facts of a scene's header; raises FileError of kind "unreadable"."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
            raise FileError(path, "cannot be read: not a regular file", "; move it away", kind="unreadable")
        return read_header(path)
    except OSError as error:
        reason, remedy = f"cannot be read: {error.strerror}", "; change its mode, or leave the scene out"
        raise FileError(path, reason, remedy, kind="unreadable") from error
    except HeaderError as error:
        raise _unreadable(path, error) from error


def read_with_header(path: Path, header: Header) -> Read:
    """Read a scene whose header is known, as `read_image` does."""
    try:
        return read_scene(path, header)
    except DecodeError as error:
        raise _unreadable(path, error) from error


def read_mask(path: Path, size: tuple[int, int]) -> np.ndarray:
    """Read a PNG mask, uint8 [H, W], of a scene whose upright size is (height, width).

    Raises FileError of kind "unreadable", "form" or "size". A mask of 16 bits is refused: reduced to 8 bits,
    a small value that means ice would become 0. So is one with pixels of different transparency: the ice may
    be drawn there, and all else is one colour.
    """
    mask = _decoded(path)
    if mask is not None and mask.dtype == np.uint8 and mask.ndim == 3:
        if mask.shape[2] == 4 and (mask[..., 3] != mask[0, 0, 3]).any():
            reason, remedy = (
                "has an alpha channel with something drawn in it",
                "; save it without one, 255 = ice",
            )
            raise FileError(path, reason, remedy, kind="form")
        mask = _in_grey(mask)
    if mask is None:
        raise FileError(path, "cannot be read as an image", "; save it as 8-bit PNG", kind="unreadable")
    if mask.dtype != np.uint8:
        raise FileError(path, f"holds {mask.dtype} pixels", "; save it with 8 bits, 255 = ice", kind="form")
    if mask.shape != size:
        (height, width), (rows, columns) = size, mask.shape
        reason = f"is {columns}x{rows} pixels, but its scene is {width}x{height}"
        raise FileError(path, reason, "; draw it again on the pixels of its own scene", kind="size")
    return mask


def between(mask: np.ndarray) -> str:
    """Say which values a mask, uint8 [H, W], holds beside 0 and 255, on how many pixels; empty for none."""
    odd = mask[(mask != 0) & (mask != 255)]
    if not odd.size:
        return ""
    values = np.unique(odd)
    shown = ", ".join(map(str, values[:VALUES_SHOWN])) + (" ..." if len(values) > VALUES_SHOWN else "")
    return f"holds {shown} beside 0 and 255, on {odd.size} pixels"


def _decoded(path: Path) -> np.ndarray | None:
    """Return the pixels as they are in the file, None where it is no picture; its name may be no UTF-8."""
    try:
        content = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise FileError(path, f"cannot be read: {error.strerror}", kind="unreadable") from error
    return cv2.imdecode(content, cv2.IMREAD_UNCHANGED) if content.size else None


def _in_grey(mask: np.ndarray) -> np.ndarray:
    """Return a mask in colours, uint8 [H, W, 3 or 4] BGR, in grey; what is a colour is neither 0 nor 255.

    A dark one, as a number of a class in the red channel is, would be 0 and lost.
    """
    colours = mask[..., :3]
    grey: np.ndarray = cv2.cvtColor(np.ascontiguousarray(colours), cv2.COLOR_BGR2GRAY)
    coloured = (colours != colours[..., :1]).any(axis=2)
    grey[coloured] = np.clip(grey[coloured], 1, 254)
    return grey


def doubts_of(path: Path, mask: np.ndarray | None, meaning: str) -> list[str]:
    """Return why a score by a mask is doubtful: a line, or none; meaning: of what is not 0 in it."""
    odd = "" if mask is None else between(mask)
    return [f"{path.parent.name}/{path.name} {odd}, which count as {meaning}"] if odd else []


def in_one_line(doubts: list[str]) -> list[str]:
    """Return the first of many doubts and their number: a line, or none."""
    if not doubts:
        return []
    more = f" (and {len(doubts) - 1} more such masks)" * (len(doubts) > 1)
    return [f"the score is doubtful: {doubts[0]}{more}"]


def _unreadable(path: Path, error: HeaderError | DecodeError) -> FileError:
    remedy = "; get the file again, save it as 8-bit RGB, or leave the scene out"
    return FileError(path, f"cannot be read: {error.reason}", remedy, kind="unreadable")
