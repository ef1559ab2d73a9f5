"""One scene of a data folder with its masks, read once: pixels, facts, and all that is wrong with it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from infer.errors import FileError
from infer.plan.tiff_header import Header
from train_offline.data.facts.facts import Facts, Remark
from train_offline.data.facts.similar import Signature, is_of_one_value, signature, with_data
from train_offline.data.facts.stripes import find_stripes
from train_offline.data.folder import IGNORED, LabelledScene, Pair, label_of, missing_file
from train_offline.data.pixels import between, header_of, read_mask, read_with_header

BLACK_SHARE = 0.2  # of the pixels that count; a little black is shadow or the darkest water
MOVE_OUT = "move the scene and its mask out of image/ and gt/"


@dataclass(frozen=True)
class Inspected:
    """One scene as it was found.

    header: None where it cannot be read. image: uint8 [H, W, 3], label: uint8 [H, W] (0, 1 ice, 255 ignored),
    None where they cannot be used. facts: None where one of both cannot. errors: why, in the order of
    Pair.files; remarks: what is odd in what can be used.
    """

    pair: Pair
    header: Header | None
    image: np.ndarray | None
    label: np.ndarray | None
    facts: Facts | None
    errors: list[FileError]
    remarks: list[Remark]

    def scene(self) -> tuple[LabelledScene, Facts]:
        """Return what can be trained on; raises the first of the errors."""
        if self.image is None or self.label is None or self.facts is None or self.errors:
            raise self.errors[0]
        return LabelledScene(self.pair.name, self.image, self.label), self.facts


def inspect(pair: Pair, hashed: bool = True) -> Inspected:
    """Read a scene and its masks; never raises for what is wrong with them.

    hashed: False saves the time of the scene's signature, and facts have an empty one.
    """
    errors: list[FileError] = []
    header = image = valid = None
    try:
        header = header_of(pair.image)
        read = read_with_header(pair.image, header)
        image, valid = read.pixels, read.valid
    except FileError as error:
        errors.append(error)
    if header is None:
        return Inspected(pair, None, None, None, None, errors, [])
    ice = _mask(pair.label, header.shape, errors)
    ignore = None if pair.ignore is None else _mask(pair.ignore, header.shape, errors)
    label = None if ice is None else label_of(ice, ignore, valid)
    remarks = [*_of_mask("label", ice, "ice"), *_of_mask("ignore", ignore, "ignored")]
    if ignore is not None and label is not None and (label == IGNORED).all():
        remarks.append(
            Remark("ignore", "leaves out every pixel of its scene", f"leave out fewer, or {MOVE_OUT}")
        )
    if image is not None:
        shown = label_of(np.zeros(header.shape, np.uint8), None, valid) if label is None else label
        remarks += _of_image(pair.name, image, shown)
    facts = None
    if image is not None and label is not None and not errors:
        looks = signature(image) if hashed else Signature(None, None)
        ice_pixels, ignored = int((label == 1).sum()), int((label == IGNORED).sum())
        facts = Facts(pair.name, header.shape, ice_pixels, label.size - ignored, looks, tuple(remarks))
    return Inspected(pair, header, image, label, facts, errors, remarks)


def _mask(path: Path, size: tuple[int, int], errors: list[FileError]) -> np.ndarray | None:
    """Return uint8 [H, W], None where it cannot be used."""
    if not os.path.isfile(path):  # unlike Path.is_file, False for what may not be looked at
        errors.append(_absent(path))
        return None
    try:
        return read_mask(path, size)
    except FileError as error:
        errors.append(error)
        return None


def _of_mask(part: str, mask: np.ndarray | None, meaning: str) -> list[Remark]:
    odd = "" if mask is None else between(mask)
    if not odd:
        return []
    fix = "save it with 0 and 255 only, as PNG and without smoothing"
    return [Remark(part, f"{odd}; they count as {meaning}", fix)]


def _of_image(name: str, image: np.ndarray, label: np.ndarray) -> list[Remark]:
    """Find one value only, no data, stripes; image uint8 [H, W, 3], label uint8 [H, W]."""
    if is_of_one_value(image):
        value = tuple(image[0, 0].tolist())
        return [Remark("image", f"has the value {value} on every pixel", MOVE_OUT)]
    remarks = []
    black = ~with_data(image)
    share = np.count_nonzero(black & (label != IGNORED)) / black.size
    paint = f"paint 255 there in ignore/{name}.png, or {MOVE_OUT}"
    if share >= BLACK_SHARE:
        with_ice = np.count_nonzero(black & (label == 1))
        told = f", and its mask calls {with_ice} of them ice" if with_ice else ""
        fix = paint if with_ice else f"nothing if no data is background to you; else {paint}"
        remarks.append(Remark("image", f"is black (no data) on {share:.0%} of its pixels{told}", fix))
    stripes = find_stripes(image)
    if stripes is not None:
        ignored = (label == IGNORED).mean(axis=int(stripes.along == "rows"))
        if any(ignored[line] < 1 for line in stripes.lines):
            remarks.append(Remark("image", f"is striped: {stripes}", paint))
    return remarks


def _absent(path: Path) -> FileError:
    if not os.path.lexists(path):
        return missing_file(path)
    return FileError(
        path, "is no file, or a link to nowhere", "; put the mask there, or move it away", kind="missing"
    )
