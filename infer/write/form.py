"""The form that masks have on the disk: PNG, as the judge reads them, or another that does the same."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import cv2
import numpy as np

from infer.plan.scenes import Scene
from infer.settings import HUGE_PIXELS, WHOLE_PIXELS
from infer.write.png_rows import MaskRows, PngRows, RowSink, RowsInOrder, holds_mask, read_rows
from infer.write.png_stamp import has_stamp, put_stamp

# A mask is long runs of two values: run-length matching finds them in a fraction of the time.
PNG_OPTIONS = (cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)

Note = Callable[[str], None]


def unheard(_: str) -> None:
    """Let a note go where nobody reads notes."""


class MaskForm(Protocol):
    """What a mask is as a file, and which value stands for pixels without data.

    name: for messages. suffix: of the files, with its dot. nodata: the value of pixels without data.
    when_lost: what the mask of a lost scene is. opens_scenes: whether encoding looks into the scene's file
    once more.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def suffix(self) -> str: ...  # noqa: D102
    @property
    def nodata(self) -> int: ...  # noqa: D102
    @property
    def when_lost(self) -> str: ...  # noqa: D102
    @property
    def opens_scenes(self) -> bool: ...  # noqa: D102

    def encode(self, mask: np.ndarray, scene: Scene | None, stamp: str | None, note: Note = unheard) -> bytes:
        """Return the file of a mask uint8 [H, W] of 0, 255 and nodata.

        scene: whose file may say where on the Earth it lies; None where that file is not to be touched.
        stamp: what the mask was made with, None for none. note: is told what a user should know of it.
        Raises OSError where it cannot be encoded.
        """

    def is_whole_mask(self, path: Path, shape: tuple[int, int], stamp: str | None = None) -> bool:
        """Tell whether a file is a readable mask in this form of that height and width; and has the stamp."""

    def rows(
        self, file: BinaryIO, scratch: Path, scene: Scene | None, stamp: str | None, note: Note = unheard
    ) -> AbstractContextManager[RowSink]:
        """Give what writes a mask into an open file, some rows at a time; the rest is as for encode.

        scratch: a folder for what it needs meanwhile. Raises OSError.
        """

    def open_rows(self, path: Path, shape: tuple[int, int]) -> AbstractContextManager[MaskRows]:
        """Give a mask of this height and width, to be read from the top to the bottom; raises OSError."""

    def ice_fraction(self, mask: np.ndarray) -> float | None:
        """Return the share of ice in a mask uint8 [H, W], 0 to 1; None where nothing can be said of it."""


class PngForm:
    """8-bit grey PNG of 0 and 255; pixels without data are 0."""

    name, suffix, nodata = "PNG", ".png", 0
    when_lost, opens_scenes = "its mask is black", False

    def encode(self, mask: np.ndarray, scene: Scene | None, stamp: str | None, note: Note = unheard) -> bytes:
        """Return the PNG of a mask uint8 [H, W], with the stamp as a text chunk; raises OSError."""
        try:
            _, encoded = cv2.imencode(self.suffix, mask, PNG_OPTIONS)
        except cv2.error as error:
            raise OSError(f"PNG encoding failed: {error.err}") from error
        return put_stamp(encoded, stamp) if stamp else encoded.tobytes()

    @contextmanager
    def rows(
        self, file: BinaryIO, scratch: Path, scene: Scene | None, stamp: str | None, note: Note = unheard
    ) -> Iterator[RowSink]:
        """Give what writes a mask into an open file, some rows at a time."""
        yield PngRows(file, stamp)

    @contextmanager
    def open_rows(self, path: Path, shape: tuple[int, int]) -> Iterator[MaskRows]:
        """Give a mask, of which not all is in memory where it was written by rows; raises OSError."""
        if shape[0] * shape[1] <= HUGE_PIXELS or not by_rows_is_whole(path, shape, None):
            yield _read(path)
            return
        with open(path, "rb") as file:
            yield RowsInOrder(shape, read_rows(file, shape))

    def is_whole_mask(self, path: Path, shape: tuple[int, int], stamp: str | None = None) -> bool:
        """Tell whether a file is a readable mask of that height and width: one 8-bit channel, only 0 and 255.

        `stamp`: and made with that.
        """
        try:
            if not is_plain_file(path):
                return False
            if shape[0] * shape[1] > HUGE_PIXELS and by_rows_is_whole(path, shape, stamp):
                return True
            if shape[0] * shape[1] > WHOLE_PIXELS:
                return False
            content = path.read_bytes()
        except OSError:
            return False
        if not content or (stamp and not has_stamp(content, stamp)):
            return False
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # torn masks are no news here
        mask = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
        if mask is None or mask.dtype != np.uint8 or mask.shape != shape:
            return False
        return bool(((mask == 0) | (mask == 255)).all())

    def ice_fraction(self, mask: np.ndarray) -> float:
        """Return the share of ice among all pixels of a mask uint8 [H, W], 0 to 1."""
        return np.count_nonzero(mask) / mask.size


def _read(path: Path) -> np.ndarray:
    mask = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    if mask is None:
        raise OSError("the mask cannot be read")
    return mask


def is_plain_file(path: Path) -> bool:
    """Tell whether it is one, and no pipe, which would be waited for; raises OSError."""
    return stat.S_ISREG(path.stat().st_mode)


def by_rows_is_whole(path: Path, shape: tuple[int, int], stamp: str | None) -> bool:
    """Tell whether a file is a whole mask as PngForm.rows writes it; raises OSError."""
    with open(path, "rb") as file:
        return holds_mask(file, shape, stamp)
