"""What is wrong with one scene of a data folder and its masks, each with the way to put it right."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import FileError
from infer.plan.tiff_header import Header
from train_offline.data.check.stripes import find_stripes
from train_offline.data.folder import IGNORED, label_of
from train_offline.data.pixels import between, header_of, read_mask, read_with_header

BLACK_SHARE = 0.2  # of the pixels that count; a little black is shadow or the darkest water
MOVE_OUT = "move the scene and its mask out of image/ and gt/"
NUMBERS = {1: "uint", 2: "int", 3: "float", 5: "complex int", 6: "complex"}  # by TIFF's SampleFormat


@dataclass(frozen=True)
class DataFinding:
    """file: within the data folder. stops: `train` or `split` would refuse the folder for it."""

    file: str
    what: str
    fix: str
    stops: bool = False


@dataclass(frozen=True)
class Inspected:
    """One scene as it was found.

    size: (height, width) upright, bands and dtype as the header says, as far as it can be read. image: uint8
    [H, W, 3] and label: uint8 [H, W] (0, 1 ice, 255 ignored), None where they cannot be used.
    """

    file: str
    size: tuple[int, int] | None
    bands: int | None
    dtype: str
    image: np.ndarray | None
    label: np.ndarray | None
    findings: list[DataFinding]


def inspect(folder: Path, path: Path) -> Inspected:
    """Read DIR/image/x.tif with its masks; never raises for what is wrong with them."""
    file = path.relative_to(folder).as_posix()
    findings: list[DataFinding] = []
    header = image = label = valid = None
    try:
        header = header_of(path)
        read = read_with_header(path, header)
        image, valid = read.pixels, read.valid
    except FileError as error:
        fix = f"get the file again, or save it as 8-bit RGB, or {MOVE_OUT}"
        findings.append(DataFinding(file, error.reason, fix, stops=True))
    if header is None:
        return Inspected(file, None, None, "", None, None, findings)
    label, of_masks = _label(folder, path.stem, header.shape, valid)
    findings += of_masks
    if image is not None:
        findings += _broken(file, image, _no_ice(header.shape, valid) if label is None else label)
    return Inspected(file, header.shape, header.samples, _dtype(header), image, label, findings)


def _dtype(header: Header) -> str:
    return f"{NUMBERS.get(header.sample_format, 'uint')}{header.bits}"


def _no_ice(size: tuple[int, int], valid: np.ndarray | None) -> np.ndarray:
    return label_of(np.zeros(size, np.uint8), None, valid)


def _label(
    folder: Path, name: str, size: tuple[int, int], valid: np.ndarray | None
) -> tuple[np.ndarray | None, list[DataFinding]]:
    """Return LabelledScene.label, None where gt/ has no usable mask; and what is wrong with both masks."""
    ice, findings = _mask(folder, f"gt/{name}.png", size, "ice")
    if ice is None and not findings:
        what = "no such mask, but image/ holds the scene"
        fix = f"draw gt/{name}.png (255 = ice, 0 = all else), or move the scene out of image/"
        findings.append(DataFinding(f"gt/{name}.png", what, fix, stops=True))
    ignore, of_ignore = _mask(folder, f"ignore/{name}.png", size, "ignored")
    findings += of_ignore
    if ice is None:
        return None, findings
    label = label_of(ice, ignore, valid)
    if ignore is not None and (label == IGNORED).all():
        what = "leaves out every pixel of its scene"
        findings.append(DataFinding(f"ignore/{name}.png", what, f"leave out fewer, or {MOVE_OUT}"))
    return label, findings


def _mask(
    folder: Path, file: str, size: tuple[int, int], meaning: str
) -> tuple[np.ndarray | None, list[DataFinding]]:
    """Return uint8 [H, W] and what is wrong with it; (None, []) where there is no such file."""
    path = folder / file
    if not os.path.isfile(path):  # unlike Path.is_file, False for what may not be looked at
        return None, []
    try:
        mask = read_mask(path, size)
    except FileError as error:
        fix = error.remedy.strip("; ") or "save it as 8-bit PNG"
        if error.kind == "size":
            fix = "draw it again on the pixels of its own scene"
        return None, [DataFinding(file, error.reason, fix, stops=True)]
    odd = between(mask)
    if not odd:
        return mask, []
    what, fix = f"{odd}; they count as {meaning}", "save it with 0 and 255 only, as PNG and without smoothing"
    return mask, [DataFinding(file, what, fix)]


def _broken(file: str, image: np.ndarray, label: np.ndarray) -> list[DataFinding]:
    """Find one value only, no data, stripes; image uint8 [H, W, 3], label uint8 [H, W]."""
    if (image == image[0, 0]).all():
        value = tuple(image[0, 0].tolist())
        return [DataFinding(file, f"has the value {value} on every pixel", MOVE_OUT)]
    findings = []
    black = ~image.any(axis=2)
    share = np.count_nonzero(black & (label != IGNORED)) / black.size
    paint = f"paint 255 there in ignore/{Path(file).stem}.png, or {MOVE_OUT}"
    if share >= BLACK_SHARE:
        with_ice = np.count_nonzero(black & (label == 1))
        told = f", and its mask calls {with_ice} of them ice" if with_ice else ""
        fix = paint if with_ice else f"nothing if no data is background to you; else {paint}"
        findings.append(DataFinding(file, f"is black (no data) on {share:.0%} of its pixels{told}", fix))
    stripes = find_stripes(image)
    if stripes is not None:
        ignored = (label == IGNORED).mean(axis=int(stripes.along == "rows"))
        if any(ignored[line] < 1 for line in stripes.lines):
            findings.append(DataFinding(file, f"is striped: {stripes}", paint))
    return findings
