"""The one reader of scenes on a CPU, for the job, for training and for judging: any TIFF to 8-bit RGB."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

from infer.errors import DecodeError
from infer.plan.tiff_header import Header
from infer.settings import WHOLE_PIXELS


class Read(NamedTuple):  # made in a tenth of a dataclass's time, which counts in the start
    """pixels: uint8 [H, W, 3] RGB, upright. valid: bool [H, W], False where there is no data, None: all is.

    notes: what a user should know of how it was read, in words that are the same for each scene of the kind.
    refused: why the usual reader did not take it, None where it did or was not asked.
    """

    pixels: np.ndarray
    valid: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    refused: str | None = None


def read_scene(path: Path, header: Header) -> Read:
    """Read the scene that the header speaks of: by libtiff where it is plain RGB, else by tifffile.

    Raises DecodeError for a damaged file, colours that cannot be made RGB, an image whose size is not the
    header's, and where there is no memory for it; its path is the scene's.
    """
    refused = None
    if header.height * header.width > WHOLE_PIXELS:
        raise DecodeError("too many pixels to be decoded whole", path)
    try:
        if header.is_plain_rgb:
            from infer.read.libtiff import read_plain  # slow to import: beside the engine

            try:
                return Read(read_plain(path, header), notes=header.notes)
            except DecodeError as error:
                refused = error.reason
        from infer.read.tiff.tifffile_reader import read_odd_scene  # and not always needed

        pixels, valid, notes = read_odd_scene(path, header)
    except DecodeError as error:
        error.path = path
        raise
    except MemoryError:
        raise DecodeError("no memory to decode it", path) from None
    return Read(pixels, valid, notes, refused)
