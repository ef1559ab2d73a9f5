"""The second reader, tifffile with imagecodecs, for the files that DALI refuses or fails on."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import tifffile

from infer.decode import DecodeError


def read_tiff(path: Path, shape: tuple[int, int]) -> np.ndarray:
    """First image of a TIFF as uint8 [H, W, 3] RGB: grey is repeated, bands after the third are dropped.

    Raises DecodeError for a damaged file, samples that are not 8 bits wide, palettes and colour spaces other
    than grey, RGB and YCbCr, and an image whose size is not `shape` (height, width).
    """
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what we report in one line ourselves
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            _refuse_what_would_be_misread(page)
            _refuse_missing_strips(page)
            pixels = page.asarray()
    except DecodeError:
        raise
    except Exception as error:  # the decoders raise dozens of kinds; to the run they all mean one lost scene
        raise DecodeError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
    if page.planarconfig == tifffile.PLANARCONFIG.SEPARATE and pixels.ndim == 3:
        pixels = np.moveaxis(pixels, 0, -1)
    if pixels.ndim == 2:
        pixels = pixels[..., np.newaxis]
    if pixels.shape[:2] != shape:
        raise DecodeError(f"decoded to {pixels.shape[:2]} pixels, the header says {shape}")
    bands = (0, 0, 0) if pixels.shape[2] < 3 else (0, 1, 2)
    return np.ascontiguousarray(pixels[..., bands])


def _refuse_what_would_be_misread(page: tifffile.TiffPage) -> None:
    if page.dtype != np.uint8 or page.bitspersample != 8:
        kind = page.dtype or f"{page.bitspersample} bits"
        raise DecodeError(f"samples are {kind}, not 8-bit whole numbers")
    readable = (tifffile.PHOTOMETRIC.MINISBLACK, tifffile.PHOTOMETRIC.RGB, tifffile.PHOTOMETRIC.YCBCR)
    if page.photometric not in readable:
        raise DecodeError(f"colours are stored as {page.photometric.name}, not RGB or grey")


def _refuse_missing_strips(page: tifffile.TiffPage) -> None:
    """tifffile fills absent strips with zeros; that would pass for open water."""
    size = page.parent.filehandle.size
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=False):
        if not offset or not count or offset + count > size:
            raise DecodeError("the file is cut short: part of the image is missing")
