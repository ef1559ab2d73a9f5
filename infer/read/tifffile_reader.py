"""The second reader, tifffile with imagecodecs: what DALI is not for, or fails on."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile

from infer.read import rgb
from infer.read.coverage import covered, refuse_huge_chunks
from infer.read.decoder import DecodeError
from infer.read.rgb import Samples, to_rgb
from infer.tiff_header import Header

GDAL_NODATA = 42113
_JPEG = 7, 34892  # in whole streams with a size of their own
_JPEG_LIKE = (6, 7, 34892, 50001, 34933, 34934)  # their decoders give RGB for YCbCr


@dataclass(frozen=True)
class Read:
    """pixels: uint8 [H, W, 3] RGB, upright. valid: bool [H, W], False where there is no data, None: all is.

    left_out: bands that were there beside the three (alpha is none of them).
    """

    pixels: np.ndarray
    valid: np.ndarray | None = None
    left_out: int = 0


def read_scene(path: Path, header: Header) -> Read:
    """The scene that the header speaks of. Raises DecodeError for a damaged file, colours that cannot be made
    RGB, and an image whose size is another than the header's.
    """
    try:
        read = _read_picture(path, header) if header.is_picture else _read_tiff(path, header)
    except (DecodeError, MemoryError):
        raise
    except Exception as error:  # the decoders raise dozens of kinds; to the run they all mean one lost scene
        raise DecodeError(f"{type(error).__name__}: {error}".splitlines()[0]) from error
    if read.pixels.shape[:2] != header.shape:
        raise DecodeError(f"decoded to {read.pixels.shape[:2]} pixels, the header says {header.shape}")
    return read


def _read_tiff(path: Path, header: Header) -> Read:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what we report in one line ourselves
    with tifffile.TiffFile(path) as file:
        page = file.pages[header.page] if header.page else file.pages.first
        if _is_for_pillow(page):
            from infer.read.pillow import read_rgb  # seldom needed

            return Read(read_rgb(path, header.page))
        _refuse_what_would_be_misread(page)
        refuse_huge_chunks(page)
        there = covered(page)
        if page.compression in _JPEG:
            from infer.read.jpeg_strips import refuse_misfit_jpegs  # seldom needed

            refuse_misfit_jpegs(page)
        values = _bands_last(page.asarray(), page.axes)
        stored = Samples(
            values,
            int(np.max(page.bitspersample)),
            int(page.photometric),
            None if page.colormap is None else np.asarray(page.colormap),
            _alpha(page, values.shape[2]),
            _nodata(page),
            there,
        )
    pixels, valid = to_rgb(stored)
    colours = values.shape[2] - (stored.alpha is not None)
    wanted = 4 if stored.photometric == rgb.CMYK else 3
    upright = np.ascontiguousarray(_turned(pixels, header.orientation))
    return Read(
        upright,
        None if valid is None else _turned(valid, header.orientation),
        max(0, colours - wanted) if colours > 1 else 0,
    )


def _is_for_pillow(page: tifffile.TiffPage) -> bool:
    if page.photometric == rgb.YCBCR:
        return page.compression not in _JPEG_LIKE
    return page.photometric in rgb.LAB


def _refuse_what_would_be_misread(page: tifffile.TiffPage) -> None:
    if page.photometric not in rgb.KNOWN:
        name = getattr(page.photometric, "name", page.photometric)
        raise DecodeError(f"colours are stored as {name}, not RGB, grey, a palette, CMYK, YCbCr or CIELAB")
    if page.dtype is None:
        raise DecodeError(f"samples of {page.bitspersample} bits and format {page.sampleformat}")
    inks = page.tags.get("InkSet")
    if page.photometric == rgb.CMYK and inks is not None and inks.value != 1:
        raise DecodeError("inks other than CMYK")


def _bands_last(values: np.ndarray, axes: str) -> np.ndarray:
    """[H, W, S] of a page whose axes are YX, YXS or SYX."""
    if axes == "YX":
        return values[..., np.newaxis]
    if axes == "SYX":
        return np.moveaxis(values, 0, -1)
    if axes != "YXS":
        raise DecodeError(f"an image with the axes {axes}")
    return values


def _alpha(page: tifffile.TiffPage, bands: int) -> int | None:
    kinds = [int(kind) for kind in page.extrasamples]
    first = bands - len(kinds)
    return next((first + i for i, kind in enumerate(kinds) if kind in (1, 2) and first + i > 0), None)


def _nodata(page: tifffile.TiffPage) -> float | None:
    tag = page.tags.get(GDAL_NODATA)
    with suppress(ValueError):  # text that is no number: GDAL ignores it too
        return None if tag is None else float(str(tag.value).strip(" \0"))
    return None


def _read_picture(path: Path, header: Header) -> Read:
    """A PNG or JPEG under a TIFF's name."""
    encoded = np.fromfile(path, np.uint8)
    is_jpeg = encoded[:2].tobytes() == b"\xff\xd8"
    flag = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION if is_jpeg else cv2.IMREAD_UNCHANGED
    image = cv2.imdecode(encoded, flag)
    if image is None:
        raise DecodeError("a damaged picture")
    values = image[..., np.newaxis] if image.ndim == 2 else image[..., [2, 1, 0, 3][: image.shape[2]]]
    photometric = rgb.RGB if values.shape[2] > 2 else rgb.BLACK_IS_ZERO
    alpha = 3 if values.shape[2] == 4 else None
    pixels, valid = to_rgb(Samples(values, 8 * values.itemsize, photometric, alpha=alpha))
    return Read(np.ascontiguousarray(_turned(pixels, header.orientation)), valid)


def _turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """Upright by TIFF's code number, 1 to 8, which says where the first row and column belong."""
    if orientation in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image
