"""One picture in every type of sample, with places that hold no data and without; what must come of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from infer.read.rgb import HIGH, LOW
from tests.helpers.support import random_rgb

PICTURE = random_rgb(52, 76, 3)  # no multiple of a strip or a tile, and nowhere 0
HOLE = np.zeros(PICTURE.shape[:2], bool)
HOLE[5:21, 30:60] = HOLE[40:, :9] = True
DTYPES = ("uint8", "uint16", "float32")
NODATA = {"uint8": 0, "uint16": 3, "float32": -9999.0}


@dataclass(frozen=True)
class Form:
    """dtype: of the samples. validity: how a file says where nothing is: none, alpha, nodata, mask or nan."""

    dtype: str
    validity: str

    @property
    def samples(self) -> np.ndarray:
        """[H, W, 3 or 4], as written; with numbers that would spoil a stretch where there is no data."""
        wide = {
            "uint8": PICTURE,
            "uint16": PICTURE.astype(np.uint16) * 157 + 900,
            "float32": PICTURE.astype(np.float32) / 300 - 0.2,
        }[self.dtype].copy()
        if self.validity == "none":
            return wide
        wide[HOLE] = {"nodata": NODATA[self.dtype], "nan": np.nan}.get(self.validity, wide.max())
        if self.validity != "alpha":
            return wide
        solid = np.dtype(self.dtype).type(1 if self.dtype == "float32" else np.iinfo(self.dtype).max)
        return np.dstack([wide, np.where(HOLE, wide.dtype.type(0), solid)])

    @property
    def valid(self) -> np.ndarray | None:
        return None if self.validity == "none" else ~HOLE

    @property
    def pixels(self) -> np.ndarray:
        """float64 [H, W, 3]: 8-bit colours as they are, wider ones by the documented line."""
        if self.dtype == "uint8":
            return PICTURE.astype(float)
        wide = self.samples[..., :3].astype(np.float64)
        low, high = np.percentile(wide if self.valid is None else wide[self.valid], (LOW, HIGH))
        line: np.ndarray = np.rint(np.clip((np.nan_to_num(wide) - low) * 255 / (high - low), 0, 255))
        return line


def forms() -> list[Form]:
    kinds = [Form(dtype, validity) for dtype in DTYPES for validity in ("none", "alpha", "nodata", "mask")]
    return [*kinds, Form("float32", "nan")]
