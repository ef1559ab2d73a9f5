"""Where a TIFF says, beside nodata and alpha, that it has no data: sparse files and masks."""

from __future__ import annotations

import numpy as np
import tifffile

from infer.plan.tiff_header import Header
from infer.read.tiff.codecs import samples_of
from infer.read.tiff.parts import pixels_of, refuse_huge_chunks, written_parts


def covered(page: tifffile.TiffPage, written: np.ndarray, header: Header) -> np.ndarray | None:
    """bool [H, W], False where there is no data; None where the whole page has some.

    written: bool [bands, rows, columns] of its strips or tiles.
    """
    signs = []
    if not written.all():
        signs.append(pixels_of(page, written.all(axis=0)))
    if header.mask_page is not None:
        signs.append(_by_mask_page(page.parent.pages[header.mask_page], header))
    signs = [sign for sign in signs if sign is not None]
    return np.logical_and.reduce(signs) if signs else None


def _by_mask_page(mask: tifffile.TiffPage, header: Header) -> np.ndarray | None:
    """What the mask of an image says, which is none where it has another size."""
    refuse_huge_chunks(mask)
    if mask.shape != (header.height, header.width):
        return None
    if not any(mask.dataoffsets):  # a mask of which nothing was written says that there is nothing
        return np.zeros(mask.shape, bool)
    written_parts(mask)
    return samples_of(mask)[..., 0] != 0
