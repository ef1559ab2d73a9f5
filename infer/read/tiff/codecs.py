"""Samples of a page by tifffile and imagecodecs: codecs that libtiff does not know, JPEG and CMYK."""

from __future__ import annotations

import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.read.bands import BLACK_IS_ZERO, WHITE_IS_ZERO, YCBCR
from infer.read.tiff.lerc import LERC, read_lerc
from infer.read.tiff.parts import PREDICTED, SEPARATE, dtype_of
from infer.read.tiff.stream_sizes import JPEG, refuse_misfits

_FLOATING_POINT = 3  # a predictor


def samples_of(page: tifffile.TiffPage) -> np.ndarray:
    """Decode [H, W, S] as stored; YCbCr in JPEG and its like as RGB. Changes tags of the page that mislead.

    Raises DecodeError, or whatever a codec raises, for damage.
    """
    if page.compression == LERC:
        return read_lerc(page)[0]
    refuse_misfits(page)
    if page.compression not in PREDICTED:
        page.predictor = 1
    elif page.predictor == _FLOATING_POINT and dtype_of(page).kind != "f":
        raise DecodeError(f"a predictor for floating-point numbers on {page.dtype}")
    if page.compression in JPEG:
        _set_colours_of_jpegs(page)
    return _bands_last(page.asarray(), page.axes)


def _set_colours_of_jpegs(page: tifffile.TiffPage) -> None:
    """Have JPEGs decoded by the page's own colours, not by what libjpeg guesses from the stream."""
    if is_planar(page):
        if page.photometric == YCBCR:
            raise DecodeError("YCbCr of JPEGs in planes")
        page.photometric = tifffile.PHOTOMETRIC.MINISBLACK  # each plane is a grey JPEG of its own
    elif page.samplesperpixel == 3 and page.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO):
        # Decoded as RGB is, three bands stay as they are.
        page.photometric, page.extrasamples = tifffile.PHOTOMETRIC.RGB, ()
        vars(page)["is_jfif"] = False


def is_planar(page: tifffile.TiffPage) -> bool:
    """Tell whether each of several bands is stored by itself."""
    return page.planarconfig == SEPARATE and page.samplesperpixel > 1


def _bands_last(values: np.ndarray, axes: str) -> np.ndarray:
    """Return [H, W, S] of a page whose axes are YX, YXS or SYX."""
    if axes == "YX":
        return values[..., np.newaxis]
    if axes == "SYX":
        return np.moveaxis(values, 0, -1)
    if axes != "YXS":
        raise DecodeError(f"an image with the axes {axes}")
    return values
