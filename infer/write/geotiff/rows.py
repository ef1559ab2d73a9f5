"""Masks as GeoTIFF some rows at a time: for those that are too large to be whole in memory."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from infer.write.geotiff.gdal import environment, load_rasterio
from infer.write.geotiff.georeference import Georeference

if TYPE_CHECKING:
    from infer.write.geotiff.form import GeoTiffForm


class GeoTiffRows:
    """Writes a COG to an open file, from a plain GeoTIFF that grows row by row in a scratch folder.

    The bytes are those of GeoTiffForm.encode for the whole mask.
    """

    def __init__(
        self, form: GeoTiffForm, file: BinaryIO, scratch: Path, place: Georeference, stamp: str | None
    ) -> None:
        self._form, self._file, self._place, self._stamp = form, file, place, stamp
        self._draft, self._cog = scratch / "draft.tif", scratch / "cog.tif"
        self._image: Any = None
        self._rasterio = load_rasterio()

    def begin(self, shape: tuple[int, int]) -> None:
        """Begin a mask of this height and width; what was written of one that failed is forgotten."""
        self.close()
        self._draft.unlink(missing_ok=True)
        with _gdal(self._rasterio):
            self._image = self._form.open_draft(self._draft, shape, self._place, self._stamp)

    def rows(self, y: int, mask: np.ndarray) -> None:
        """Take the next rows, uint8 [h, W] of 0, 255 and nodata, the first of which is row y."""
        window = self._rasterio.windows.Window(0, y, mask.shape[1], len(mask))
        with _gdal(self._rasterio):
            self._image.write(mask, 1, window=window)

    def end(self) -> None:
        """Finish the mask, all rows of which were given."""
        self.close()
        self._cog.unlink(missing_ok=True)
        with _gdal(self._rasterio):
            self._form.copy_draft(self._draft, self._cog)
        self._draft.unlink()
        self._file.seek(0)
        self._file.truncate()
        with open(self._cog, "rb") as cog:
            shutil.copyfileobj(cog, self._file, 2**20)
        self._cog.unlink()

    def close(self) -> None:
        """Let go of the draft."""
        image, self._image = self._image, None
        if image is not None:
            with _gdal(self._rasterio):
                image.close()


class GeoTiffRowsOf:
    """The mask of an open image, of which only the rows that are asked for are in memory."""

    def __init__(self, image: Any) -> None:
        self._image = image
        self.shape: tuple[int, int] = image.shape

    def __getitem__(self, rows: slice) -> np.ndarray:
        """Return rows of the mask, uint8 [h, W]; raises OSError."""
        window = ((rows.start, rows.stop), (0, self.shape[1]))
        with _gdal(load_rasterio()):
            mask: np.ndarray = self._image.read(1, window=window)
        return mask


@contextmanager
def _gdal(rasterio: Any) -> Iterator[None]:
    """Set GDAL up and turn what it raises into OSError."""
    try:
        with environment(rasterio):
            yield
    except (MemoryError, OSError):
        raise
    except Exception as error:
        raise OSError(f"GeoTIFF encoding failed: {error}") from error
