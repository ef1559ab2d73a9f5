"""What is wrong with one scene of a data folder and its masks, each with the way to put it right."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile

from infer.errors import UsageError
from train_offline.data.check.stripes import find_stripes
from train_offline.data.folder import IGNORED
from train_offline.data.pixels import as_rgb, read_bands, read_mask

BLACK_SHARE = 0.2  # of the pixels that count; a little black is shadow or the darkest water
VALUES_SHOWN = 4
MOVE_OUT = "move the scene and its mask out of image/ and gt/"


@dataclass(frozen=True)
class Finding:
    """file: within the data folder. stops: `train` or `split` would refuse the folder for it."""

    file: str
    what: str
    fix: str
    stops: bool = False


@dataclass(frozen=True)
class Inspected:
    """One scene as it was found.

    size: (height, width), bands and dtype of the file, as far as its header can be read. image: uint8
    [H, W, 3] and label: uint8 [H, W] (0, 1 ice, 255 ignored), None where they cannot be used.
    """

    file: str
    size: tuple[int, int] | None
    bands: int | None
    dtype: str
    image: np.ndarray | None
    label: np.ndarray | None
    findings: list[Finding]


def inspect(folder: Path, path: Path) -> Inspected:
    """Read DIR/image/x.tif with its masks; never raises for what is wrong with them."""
    file = path.relative_to(folder).as_posix()
    size, bands, dtype = _header(path)
    findings: list[Finding] = []
    image = None
    try:
        image = as_rgb(read_bands(path))
        size = image.shape[:2]
    except UsageError as error:
        what = _reason(error, path)
        fix = "save it as 8-bit RGB" if what.startswith("must be") else f"get the file again, or {MOVE_OUT}"
        findings.append(Finding(file, what, fix, stops=True))
    label = None
    if size is not None:
        label, of_masks = _label(folder, path.stem, size)
        findings += of_masks
    if image is not None:
        findings += _broken(file, image, np.zeros(size, np.uint8) if label is None else label)
    return Inspected(file, size, bands, dtype, image, label, findings)


def _header(path: Path) -> tuple[tuple[int, int] | None, int | None, str]:
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            return (page.imagelength, page.imagewidth), page.samplesperpixel, str(page.dtype)
    except (
        Exception
    ):  # tifffile raises a dozen kinds of error; that the scene is broken is found by reading it
        return None, None, ""


def _label(folder: Path, name: str, size: tuple[int, int]) -> tuple[np.ndarray | None, list[Finding]]:
    """As LabelledScene.label, None where gt/ has no usable mask; and what is wrong with both masks."""
    ice, findings = _mask(folder, f"gt/{name}.png", size, "ice")
    if ice is None and not findings:
        fix = f"draw gt/{name}.png (255 = ice, 0 = all else), or move the scene out of image/"
        findings.append(
            Finding(f"gt/{name}.png", "no such mask, but image/ holds the scene", fix, stops=True)
        )
    ignore, of_ignore = _mask(folder, f"ignore/{name}.png", size, "ignored")
    findings += of_ignore
    if ice is None:
        return None, findings
    label = (ice != 0).astype(np.uint8)
    if ignore is not None:
        label[ignore != 0] = IGNORED
        if (label == IGNORED).all():
            what = "leaves out every pixel of its scene"
            findings.append(Finding(f"ignore/{name}.png", what, f"leave out fewer, or {MOVE_OUT}"))
    return label, findings


def _mask(
    folder: Path, file: str, size: tuple[int, int], meaning: str
) -> tuple[np.ndarray | None, list[Finding]]:
    """uint8 [H, W] and what is wrong with it; (None, []) where there is no such file."""
    path = folder / file
    if not os.path.isfile(path):  # unlike Path.is_file, False for what may not be looked at
        return None, []
    try:
        mask = read_mask(path, size)
    except UsageError as error:
        what = _reason(error, path)
        fix = (
            "draw it again on the pixels of its own scene"
            if "its scene is" in what
            else "save it as 8-bit PNG"
        )
        return None, [Finding(file, what, fix, stops=True)]
    odd = mask[(mask != 0) & (mask != 255)]
    if not odd.size:
        return mask, []
    values = np.unique(odd)
    shown = ", ".join(map(str, values[:VALUES_SHOWN])) + (" ..." if len(values) > VALUES_SHOWN else "")
    what = f"holds {shown} beside 0 and 255, on {odd.size} pixels; they count as {meaning}"
    return mask, [Finding(file, what, "save it with 0 and 255 only, as PNG and without smoothing")]


def _broken(file: str, image: np.ndarray, label: np.ndarray) -> list[Finding]:
    """One value only, no data, stripes; image uint8 [H, W, 3], label uint8 [H, W]."""
    if (image == image[0, 0]).all():
        return [Finding(file, f"has the value {tuple(image[0, 0].tolist())} on every pixel", MOVE_OUT)]
    findings = []
    black = ~image.any(axis=2)
    share = np.count_nonzero(black & (label != IGNORED)) / black.size
    paint = f"paint 255 there in ignore/{Path(file).stem}.png, or {MOVE_OUT}"
    if share >= BLACK_SHARE:
        with_ice = np.count_nonzero(black & (label == 1))
        told = f", and its mask calls {with_ice} of them ice" if with_ice else ""
        fix = paint if with_ice else f"nothing if no data is background to you; else {paint}"
        findings.append(Finding(file, f"is black (no data) on {share:.0%} of its pixels{told}", fix))
    stripes = find_stripes(image)
    if stripes is not None:
        ignored = cv2.reduce(
            (label == IGNORED).astype(np.float32), int(stripes.along == "rows"), cv2.REDUCE_AVG
        )
        if any(ignored.ravel()[line] < 1 for line in stripes.lines):
            findings.append(Finding(file, f"is striped: {stripes}", paint))
    return findings


def _reason(error: UsageError, path: Path) -> str:
    return str(error).removeprefix(f"{path}: ")
