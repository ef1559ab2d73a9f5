"""Where a TIFF says, beside nodata and alpha, that it has no data: sparse files and masks."""

from __future__ import annotations

import numpy as np
import tifffile

from infer.plan.tiff_header import Header
from infer.read.tiff.codecs import samples_of
from infer.read.tiff.parts import page_of, pixels_of, refuse_huge_chunks, written_parts


def covered(page: tifffile.TiffPage, written: np.ndarray, header: Header) -> np.ndarray | None:
    """Return bool [H, W], False where there is no data; None where the whole page has some.

    written: bool [bands, rows, columns] of its strips or tiles.
    """
    signs: list[np.ndarray] = []
    if not written.all():
        signs.append(pixels_of(page, np.logical_and.reduce(written, axis=0)))
    if header.mask_page is not None:
        by_mask = _by_mask_page(page_of(page.parent, header.mask_page), header)
        signs += [] if by_mask is None else [by_mask]
    covering: np.ndarray | None = np.logical_and.reduce(signs) if signs else None
    return covering


def _by_mask_page(mask: tifffile.TiffPage, header: Header) -> np.ndarray | None:
    """Return what the mask of an image says; None where it has another size."""
    refuse_huge_chunks(mask)
    if mask.shape != (header.height, header.width):
        return None
    if not any(mask.dataoffsets):  # a mask of which nothing was written says that there is nothing
        return np.zeros(mask.shape, bool)
    written_parts(mask)
    there: np.ndarray = samples_of(mask)[..., 0] != 0
    return there
