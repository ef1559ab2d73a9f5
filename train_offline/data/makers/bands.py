"""Scenes in their own bands, read and written without loss, for scenes that are cut into tiles."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tifffile
from tifffile import COMPRESSION, PHOTOMETRIC

from infer.errors import FileError
from infer.process.text import in_short
from train_offline.data.pixels import header_of

ORIENTATION, GDAL_METADATA, GDAL_NODATA = 274, 42112, 42113  # TIFF tags
ROWS_PER_STRIP = 5  # as in the challenge's own scenes


@dataclass(frozen=True)
class StoredBands:
    """pixels: uint8 [H, W] or [H, W, 3 or 4], as in the file.

    is_rgb: False where the file calls its bands grey. extra: TIFF's ExtraSamples. notes: the text of GDAL's
    tags, by their number; they say which band is alpha, and which value stands for no data.
    """

    pixels: np.ndarray
    is_rgb: bool
    extra: tuple[int, ...]
    notes: dict[int, str]


def read_bands(path: Path) -> StoredBands:
    """Read the bands of a scene as they are in the file.

    Raises FileError of kind "unreadable", or "form": palettes, CMYK, inverted grey, turned scenes, masks
    inside of the file, and all that is not 8-bit grey, RGB or RGBA are refused, because `write_bands` could
    not write them.
    """
    header = header_of(path)
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            pixels, odd = page.asarray(), _oddity(page)
            extra, notes = tuple(int(kind) for kind in page.extrasamples), _notes(page)
            is_rgb = page.photometric != PHOTOMETRIC.MINISBLACK
    except Exception as error:  # tifffile and its codecs raise a dozen kinds of error for a broken file
        raise FileError(path, f"cannot be read: {in_short(error)}", kind="unreadable") from error
    if odd is None and (header.page or header.mask_page is not None):
        odd = "holds a mask or a smaller copy, which its tiles would lose"
    if odd:
        raise FileError(path, odd, "; only plain grey and RGB are cut, so save it as that", kind="form")
    if pixels.ndim == 3 and pixels.shape[0] in (3, 4) and pixels.shape[2] not in (3, 4):
        pixels = np.moveaxis(pixels, 0, 2)  # planar file
    plain = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    if pixels.dtype != np.uint8 or not plain:
        reason = f"must be 8-bit grey, RGB or RGBA to be cut, not {pixels.dtype} {pixels.shape}"
        raise FileError(path, reason, kind="form")
    return StoredBands(pixels, is_rgb, extra, notes)


def write_bands(path: Path, bands: StoredBands, window: tuple[slice, slice]) -> None:
    """Write a part of the bands as a TIFF in the challenge's own form: LZW, predictor, strips of five rows.

    Raises OSError where it cannot be written.
    """
    tifffile.imwrite(
        path,
        bands.pixels[window],
        photometric="rgb" if bands.is_rgb else "minisblack",
        planarconfig="contig" if bands.pixels.ndim == 3 else None,
        extrasamples=bands.extra or None,
        compression="lzw",
        predictor=True,
        rowsperstrip=ROWS_PER_STRIP,
        metadata=None,
        extratags=[(tag, "s", 0, text.encode(), True) for tag, text in bands.notes.items()],
    )


def _oddity(page: tifffile.TiffPage) -> str | None:
    """Return what makes a page's numbers differ from what it shows, None for the plain kinds."""
    kind = page.photometric
    if kind == PHOTOMETRIC.YCBCR and page.compression in (COMPRESSION.OJPEG, COMPRESSION.JPEG):
        kind = PHOTOMETRIC.RGB  # as which it is decoded
    if kind not in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB):
        return f"its colours are {PHOTOMETRIC(kind).name}"
    turned = page.tags.valueof(ORIENTATION, 1)
    return None if turned == 1 else f"is stored turned (orientation {turned})"


def _notes(page: tifffile.TiffPage) -> dict[int, str]:
    found = {tag: page.tags.valueof(tag) for tag in (GDAL_METADATA, GDAL_NODATA)}
    return {tag: str(text) for tag, text in found.items() if text is not None}
