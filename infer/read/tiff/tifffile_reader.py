"""Any TIFF that is not plain RGB: tifffile reads its tags, libtiff or imagecodecs' codecs its samples."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import imagecodecs
import numpy as np
import tifffile

from infer.errors import DecodeError
from infer.plan.tiff_header import Header
from infer.read import libtiff, rgb
from infer.read.bands import (
    BLACK_IS_ZERO,
    CMYK,
    PALETTE,
    RGB,
    UNSTATED,
    YCBCR,
    Bands,
    bands_of,
    declared_roles,
)
from infer.read.rgb import Samples, to_rgb
from infer.read.tiff.codecs import is_planar, samples_of
from infer.read.tiff.coverage import covered
from infer.read.tiff.lerc import LERC, read_lerc
from infer.read.tiff.parts import lend_places, page_of, refuse_huge_chunks, states_counts, written_parts
from infer.read.tiff.stream_sizes import JPEG, OLD_JPEG, is_whole_jpeg
from infer.read.tiff.ycbcr import read_ycbcr, to_rgb_of_ycbcr

COLORMAP, GDAL_METADATA, GDAL_NODATA = 320, 42112, 42113
FEWER_BANDS = "only three of its bands are used"
NO_DATA, NO_ALPHA = "it has no data anywhere: no ice", "its alpha is 0 everywhere: no ice"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?")
WEBP = 34927, 50001  # an old number and the one in use


# Pixels uint8 [H, W, 3] RGB, upright; bool [H, W], False where there is no data, None: all is; notes.
Encoded = Callable[[], np.ndarray]
OddScene = tuple[np.ndarray, np.ndarray | None, tuple[str, ...]]


def read_odd_scene(path: Path, header: Header) -> OddScene:
    """Read the scene that the header speaks of.

    Raises DecodeError for a damaged file, colours that cannot be made RGB, and an image whose size is another
    than the header's.
    """
    with all_damage_as_one_kind():
        read = _read_picture(path, header) if header.is_picture else _read_tiff(path, header)
    shape = read[0].shape[:2]
    if shape != header.shape:
        raise DecodeError(f"decoded to {shape} pixels, the header says {header.shape}")
    return read


@contextmanager
def all_damage_as_one_kind() -> Iterator[None]:
    """Raise DecodeError for what decoders raise, of dozens of kinds: to the run they mean one lost scene."""
    try:
        yield
    except (DecodeError, MemoryError):
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        raise DecodeError(f"damaged, or of a kind that is not known ({reason})") from error


def _read_tiff(path: Path, header: Header) -> OddScene:
    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # it logs what we report in one line ourselves
    with tifffile.TiffFile(path) as tiff:
        page = page_of(tiff, header.page)
        if page.photometric in rgb.LAB:
            from infer.read.tiff.pillow import read_rgb  # seldom needed

            return read_rgb(path, header.page), None, header.notes
        stored = _stored(path, page, header)
    pixels, valid = to_rgb(stored)
    upright = np.ascontiguousarray(turned(pixels, header.orientation))
    valid = None if valid is None else turned(valid, header.orientation)
    return upright, valid, (*_notes(stored, valid), *header.notes)


def _notes(stored: Samples, valid: np.ndarray | None) -> list[str]:
    nowhere = valid is not None and not valid.any()
    return notes_of(stored.bands, nowhere, nowhere and is_clear(stored))


def notes_of(bands: Bands, nowhere: bool, clear: bool) -> list[str]:
    """Return notes on a scene of these bands. nowhere: it has no data. clear: its alpha is 0 everywhere."""
    notes = [FEWER_BANDS] if bands.left_out and len(bands.colours) > 1 else []
    return [*notes, NO_ALPHA if clear else NO_DATA] if nowhere else notes


def is_clear(samples: Samples) -> bool:
    """Tell whether they have an alpha that is 0 everywhere."""
    alpha = samples.bands.alpha
    return alpha is not None and not samples.values[..., alpha].any()


def _stored(path: Path, page: tifffile.TiffPage, header: Header) -> Samples:
    """Return samples as they are stored and what they mean; raises DecodeError."""
    refuse_what_would_be_misread(page, header)
    refuse_huge_chunks(page)
    written = written_parts(page)
    there = covered(page, written, header)

    def encoded() -> np.ndarray:
        file = libtiff.encoded(path, header)
        if not written.all():
            lend_places(file, page, written)
        return file

    return samples_in(page, header, there, encoded if states_counts(page) else None)


def samples_in(
    page: tifffile.TiffPage, header: Header, there: np.ndarray | None, encoded: Encoded | None
) -> Samples:
    """Decode a page's samples, as they are stored, and say what they mean.

    there: bool [H, W] as in Samples. encoded: gives the file, uint8 [N], as libtiff is to have it; None where
    it does not say how many bytes its parts have.
    """
    metadata = page.tags.valueof(GDAL_METADATA, "")
    declared = declared_roles(metadata) if isinstance(metadata, str) else {}
    extra = [int(kind) for kind in page.extrasamples]
    if page.compression == LERC:
        values, by_lerc = read_lerc(page)
        there = by_lerc if there is None else there if by_lerc is None else there & by_lerc
    else:
        values = _values(page, header, encoded)
    if header.photometric == YCBCR and page.compression in (LERC, *WEBP):
        values = to_rgb_of_ycbcr(page, values)
    return Samples(
        values,
        int(np.max(page.bitspersample)),
        bands_of(_photometric(page, header), values.shape[2], extra, declared),
        None if page.colormap is None else np.asarray(page.colormap),
        _nodata(page),
        there,
    )


def _values(page: tifffile.TiffPage, header: Header, encoded: Encoded | None) -> np.ndarray:
    """Decode [H, W, S], as stored; YCbCr as RGB."""
    if header.photometric == YCBCR and page.compression not in (OLD_JPEG, *JPEG, *WEBP):
        return read_ycbcr(page, header)
    known = page.compression in libtiff.CODECS and page.bitspersample in libtiff.BITS
    if encoded is None or not known or header.photometric in (CMYK, YCBCR):
        return samples_of(page)
    try:
        return libtiff.decode(encoded(), header.page, planar=is_planar(page))
    except libtiff.NotForLibtiff:
        return samples_of(page)


def refuse_what_would_be_misread(page: tifffile.TiffPage, header: Header) -> None:
    """Raise DecodeError for colours and samples that no reader here knows."""
    if header.photometric not in (UNSTATED, *rgb.KNOWN):
        name = getattr(page.photometric, "name", page.photometric)
        raise DecodeError(f"colours are stored as {name}, not RGB, grey, a palette, CMYK, YCbCr or CIELAB")
    if page.dtype is None:
        raise DecodeError(f"samples of {page.bitspersample} bits and format {page.sampleformat}")
    inks = page.tags.get("InkSet")
    if header.photometric == CMYK and inks is not None and inks.value != 1:
        raise DecodeError("inks other than CMYK")


def _photometric(page: tifffile.TiffPage, header: Header) -> int:
    """Return the header's; a page that says nothing but has a colour map has a palette, as for libtiff."""
    return PALETTE if header.photometric == UNSTATED and COLORMAP in page.tags else header.photometric


def _nodata(page: tifffile.TiffPage) -> float | None:
    """Return what GDAL reads in the text: a number at its start, 0 where there is none."""
    text = str(page.tags.valueof(GDAL_NODATA, "")).strip(" \0").lower()
    if not text or text in ("nan", "inf", "+inf", "-inf"):
        return float(text) if text else None
    number = _NUMBER.match(text.replace(",", "."))
    return float(number[0]) if number else 0.0


def _read_picture(path: Path, header: Header) -> OddScene:
    """Read a PNG or JPEG under a TIFF's name."""
    encoded = path.read_bytes()
    is_jpeg = encoded[:2] == b"\xff\xd8"
    if is_jpeg and not is_whole_jpeg(encoded):
        raise DecodeError("the picture is cut short")
    image: np.ndarray | None = (imagecodecs.jpeg8_decode if is_jpeg else imagecodecs.png_decode)(encoded)
    if is_jpeg and image is not None and image.shape[2:] == (4,):  # CMYK, in more ways than one
        flag = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), flag)
    if image is None:
        raise DecodeError("a damaged picture")
    values = np.atleast_3d(image)
    photometric = RGB if values.shape[2] > 2 else BLACK_IS_ZERO
    bands = bands_of(photometric, values.shape[2], [2] if values.shape[2] in (2, 4) else [], {})
    pixels, valid = to_rgb(Samples(values, 8 * values.itemsize, bands))
    return np.ascontiguousarray(turned(pixels, header.orientation)), valid, ()


def turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """Turn upright by TIFF's code number, 1 to 8, which says where the first row and column belong."""
    if orientation in (5, 6, 7, 8):
        image = np.swapaxes(image, 0, 1)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return image
