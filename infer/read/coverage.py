"""Where a TIFF says, beside nodata and alpha, that it has no data: sparse files, masks, LERC streams."""

from __future__ import annotations

import imagecodecs
import numpy as np
import tifffile

from infer.read.codecs import samples_of
from infer.read.errors import DecodeError
from infer.read.parts import chunk, part_shape, pixels_of, refuse_huge_chunks, written_parts
from infer.tiff_header import Header

LERC = 34887


def covered(page: tifffile.TiffPage, written: np.ndarray, header: Header) -> np.ndarray | None:
    """bool [H, W], False where there is no data; None where the whole page has some.

    written: bool [bands, rows, columns] of its strips or tiles.
    """
    signs = []
    if not written.all():
        signs.append(pixels_of(page, written.all(axis=0)))
    if header.mask_page is not None:
        signs.append(_by_mask_page(page.parent.pages[header.mask_page], header))
    if page.compression == LERC:
        signs.append(_by_lerc(page))
    signs = [sign for sign in signs if sign is not None]
    return np.logical_and.reduce(signs) if signs else None


def _by_mask_page(mask: tifffile.TiffPage, header: Header) -> np.ndarray | None:
    """What the mask of an image says, which is none where it has another size."""
    refuse_huge_chunks(mask)
    if mask.shape != (header.height, header.width):
        return None
    written_parts(mask)
    return samples_of(mask)[..., 0] != 0


def _by_lerc(page: tifffile.TiffPage) -> np.ndarray | None:
    """Each LERC stream says which of its pixels are valid; one that is not in one band is not valid.

    libtiff makes NaN or alpha 0 of it where the samples can hold that, and else loses it.
    """
    height, width = chunk(page)
    rows, columns = -(-page.imagelength // height), -(-page.imagewidth // width)
    valid = np.ones((page.imagelength, page.imagewidth), bool)
    for index, (place, count) in enumerate(zip(page.dataoffsets, page.databytecounts, strict=False)):
        if not place or index >= rows * columns * (page.samplesperpixel if page.planarconfig == 2 else 1):
            continue
        page.parent.filehandle.seek(place)
        _, mask = imagecodecs.lerc_decode(page.parent.filehandle.read(count), masks=True)
        if mask is None:
            continue
        mask = mask.reshape(-1, *mask.shape[-2:]).all(axis=0)
        seen = part_shape(page, index)
        if mask.shape[0] < seen[0] or mask.shape[1] < seen[1]:
            raise DecodeError(f"a LERC mask of {mask.shape} pixels for {seen} of the image")
        row, column = divmod(index % (rows * columns), columns)
        window = valid[row * height :, column * width :][: seen[0], : seen[1]]
        window &= mask[: seen[0], : seen[1]]
    return None if valid.all() else valid
