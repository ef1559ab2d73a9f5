"""Any TIFF that is not plain RGB: tifffile reads its tags, libtiff or imagecodecs' codecs its samples."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import tifffile

from infer.read import libtiff, rgb
from infer.read.bands import CMYK, UNSTATED, YCBCR, Bands, bands_of, declared_roles
from infer.read.errors import DecodeError
from infer.read.rgb import Samples, to_rgb
from infer.read.tiff.codecs import is_planar, samples_of
from infer.read.tiff.coverage import covered
from infer.read.tiff.lerc import LERC, read_lerc
from infer.read.tiff.parts import lend_places, refuse_huge_chunks, stated_counts, written_parts
from infer.read.tiff.streams import JPEG, OLD_JPEG
from infer.tiff_header import Header

GDAL_METADATA, GDAL_NODATA = 42112, 42113
FEWER_BANDS = "only three of its bands are used"
NO_DATA, NO_ALPHA = "it has no data anywhere: no ice", "its alpha is 0 everywhere: no ice"
_JPEG_LIKE = (OLD_JPEG, *JPEG, 50001, 34933, 34934)  # their decoders give RGB for YCbCr


@dataclass(frozen=True)
class Read:
    """pixels: uint8 [H, W, 3] RGB, upright. valid: bool [H, W], False where there is no data, None: all is.

    notes: what a user should know of how it was read, in words that are the same for each scene of the kind.
    """

    pixels: np.ndarray
    valid: np.ndarray | None = None
    notes: tuple[str, ...] = ()


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
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[header.page] if header.page else tiff.pages.first
        if page.photometric in rgb.LAB:
            from infer.read.tiff.pillow import read_rgb  # seldom needed

            return Read(read_rgb(path, header.page), notes=header.notes)
        stored = _stored(path, page, header)
    pixels, valid = to_rgb(stored)
    upright = np.ascontiguousarray(_turned(pixels, header.orientation))
    valid = None if valid is None else _turned(valid, header.orientation)
    return Read(upright, valid, (*_notes(stored, valid), *header.notes))


def _notes(stored: Samples, valid: np.ndarray | None) -> list[str]:
    notes = [FEWER_BANDS] if stored.bands.left_out and len(stored.bands.colours) > 1 else []
    if valid is not None and not valid.any():
        alpha = stored.bands.alpha
        by_alpha = alpha is not None and not stored.values[..., alpha].any()
        notes.append(NO_ALPHA if by_alpha else NO_DATA)
    return notes


def _stored(path: Path, page: tifffile.TiffPage, header: Header) -> Samples:
    """Samples as they are stored and what they mean; raises DecodeError."""
    _refuse_what_would_be_misread(page, header)
    refuse_huge_chunks(page)
    written = written_parts(page)
    there = covered(page, written, header)
    if page.compression == LERC:
        values, by_lerc = read_lerc(page)
        there = by_lerc if there is None else there if by_lerc is None else there & by_lerc
    else:
        values = _values(path, page, written, header)
    return Samples(
        values,
        int(np.max(page.bitspersample)),
        _bands(page, header.photometric, values.shape[2]),
        None if page.colormap is None else np.asarray(page.colormap),
        _nodata(page),
        there,
    )


def _values(path: Path, page: tifffile.TiffPage, written: np.ndarray, header: Header) -> np.ndarray:
    """[H, W, S], as stored; YCbCr as RGB."""
    if header.photometric == YCBCR and page.compression not in _JPEG_LIKE:
        from infer.read.tiff.ycbcr import read_ycbcr  # seldom needed

        return read_ycbcr(page, header)
    known = page.compression in libtiff.CODECS and page.bitspersample in libtiff.BITS
    has_counts = bool(stated_counts(page)) or written.size == 1
    if not known or header.photometric in (CMYK, YCBCR) or not has_counts:
        return samples_of(page)
    file = libtiff.encoded(path, header)
    if not written.all():
        lend_places(file, page, written)
    try:
        return libtiff.decode(file, header.page, planar=is_planar(page))
    except libtiff.NotForLibtiff:
        return samples_of(page)


def _refuse_what_would_be_misread(page: tifffile.TiffPage, header: Header) -> None:
    if header.photometric not in (UNSTATED, *rgb.KNOWN):
        name = getattr(page.photometric, "name", page.photometric)
        raise DecodeError(f"colours are stored as {name}, not RGB, grey, a palette, CMYK, YCbCr or CIELAB")
    if page.dtype is None:
        raise DecodeError(f"samples of {page.bitspersample} bits and format {page.sampleformat}")
    inks = page.tags.get("InkSet")
    if header.photometric == CMYK and inks is not None and inks.value != 1:
        raise DecodeError("inks other than CMYK")


def _bands(page: tifffile.TiffPage, photometric: int, samples: int) -> Bands:
    metadata = page.tags.valueof(GDAL_METADATA, "")
    extra = [int(kind) for kind in page.extrasamples]
    return bands_of(
        photometric, samples, extra, declared_roles(metadata) if isinstance(metadata, str) else {}
    )


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
    bands = bands_of(UNSTATED, values.shape[2], [2] if values.shape[2] == 4 else [], {})
    pixels, valid = to_rgb(Samples(values, 8 * values.itemsize, bands))
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
