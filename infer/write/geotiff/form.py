"""Masks as cloud-optimised GeoTIFF (COG): any part and any coarser copy can be read without the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from infer.plan.scenes import Broken, Readable, Scene
from infer.settings import DEFAULT_NODATA
from infer.write.form import Note, is_plain_file, unheard
from infer.write.geotiff.gdal import environment, load_rasterio
from infer.write.geotiff.georeference import OTHER_SIZE, Georeference, read_georeference
from infer.write.geotiff.rows import GeoTiffRows, GeoTiffRowsOf
from infer.write.png_rows import MaskRows, RowSink

STAMP_TAG = "SEAICE_RUN"  # an item of GDAL's metadata: what the mask was made with
NOT_WRITTEN = "its georeference cannot be written: its mask has none"
ICE = 255
BLOCK = 512  # pixels
DRAFT = {"driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK,
         "compress": "deflate", "zlevel": 1, "BIGTIFF": "IF_SAFER"}  # fmt: skip
COG = {
    "driver": "COG",
    "COMPRESS": "DEFLATE",
    "LEVEL": 6,  # 9 is slower and larger
    "BLOCKSIZE": BLOCK,
    "OVERVIEW_RESAMPLING": "MODE",  # others would mix ice with water, or with no data
    "BIGTIFF": "IF_SAFER",
    "NUM_THREADS": 1,
}


@dataclass(frozen=True)
class GeoTiffForm:
    """One band uint8: 0, 255 for ice, nodata where the scene has no data or is lost; DEFLATE, blocks of 512.

    nodata: 1 to 254. Making one raises UsageError where rasterio is missing.
    """

    nodata: int = DEFAULT_NODATA
    name: str = field(default="GeoTIFF", init=False)
    suffix: str = field(default=".tif", init=False)
    when_lost: str = field(default="its mask has no data", init=False)
    opens_scenes: bool = field(default=True, init=False)

    def __post_init__(self) -> None:
        load_rasterio()

    def encode(self, mask: np.ndarray, scene: Scene | None, stamp: str | None, note: Note = unheard) -> bytes:
        """Return the COG of a mask uint8 [H, W]; equal masks of equal scenes give equal bytes.

        scene: whose place on the Earth it gets, None for none. Raises OSError where GDAL fails.
        """
        place, notes = _place_of(scene, mask.shape)
        for line in notes:
            note(line)
        try:
            return self.encode_placed(mask, place, stamp)
        except Exception:
            if not place.is_placed:
                raise
        note(NOT_WRITTEN)
        return self.encode_placed(mask, Georeference(), stamp)

    def encode_placed(self, mask: np.ndarray, place: Georeference, stamp: str | None) -> bytes:
        """Return the COG of a mask uint8 [H, W] that lies at a place; raises OSError where GDAL fails."""
        rasterio = load_rasterio()
        try:
            with environment(rasterio):
                return self._encoded(rasterio, mask, place, stamp)
        except MemoryError:
            raise
        except Exception as error:
            raise OSError(f"GeoTIFF encoding failed: {error}") from error

    def _encoded(self, rasterio: Any, mask: np.ndarray, place: Georeference, stamp: str | None) -> bytes:
        with rasterio.io.MemoryFile() as draft, rasterio.io.MemoryFile() as whole:
            with self.open_draft(draft.name, mask.shape, place, stamp) as image:
                image.write(mask, 1)
            self.copy_draft(draft.name, whole.name)
            return bytes(whole.getbuffer())

    def open_draft(
        self, path: str | Path, shape: tuple[int, ...], place: Georeference, stamp: str | None
    ) -> Any:
        """Return a new plain GeoTIFF for a mask of this height and width, open for writing, to be copied."""
        size = {"height": shape[0], "width": shape[1], "count": 1, "dtype": "uint8"}
        image = load_rasterio().open(path, "w", **DRAFT, **size, nodata=self.nodata, **place.profile)
        if stamp:  # now: a tag that is added later would move the parts of a COG
            image.update_tags(**{STAMP_TAG: stamp})
        return image

    def copy_draft(self, draft: str | Path, cog: str | Path) -> None:
        """Make a COG of a plain GeoTIFF."""
        rasterio = load_rasterio()
        with rasterio.open(draft, driver="GTiff") as image:
            rasterio.shutil.copy(image, cog, **COG)

    @contextmanager
    def rows(
        self, file: BinaryIO, scratch: Path, scene: Scene | None, stamp: str | None, note: Note = unheard
    ) -> Iterator[RowSink]:
        """Give what writes a mask into an open file, some rows at a time; see MaskForm."""
        place, notes = _place_of(scene, scene.shape) if scene else (Georeference(), ())
        try:  # of one pixel: an error at the end would cost all that was done before it
            self.encode_placed(np.zeros((1, 1), np.uint8), place, stamp)
        except OSError:
            place, notes = Georeference(), (*notes, NOT_WRITTEN)
        for line in notes:
            note(line)
        sink = GeoTiffRows(self, file, scratch, place, stamp)
        try:
            yield sink
        finally:
            sink.close()

    @contextmanager
    def open_rows(self, path: Path, shape: tuple[int, int]) -> Iterator[MaskRows]:
        """Give the mask of a GeoTIFF, of which not all is in memory; raises OSError."""
        rasterio = load_rasterio()
        with environment(rasterio), rasterio.open(path.absolute(), driver="GTiff") as image:
            yield GeoTiffRowsOf(image)

    def is_whole_mask(self, path: Path, shape: tuple[int, int], stamp: str | None = None) -> bool:
        """Tell whether a file is a readable mask of that height and width: one band uint8, 0, 255 and nodata.

        `stamp`: and made with that.
        """
        rasterio = load_rasterio()
        try:
            if not is_plain_file(path):
                return False
            with environment(rasterio), rasterio.open(path.absolute(), driver="GTiff") as image:
                if (image.count, image.dtypes[0], image.shape) != (1, "uint8", shape):
                    return False
                if image.nodata != self.nodata or (stamp and image.tags().get(STAMP_TAG) != stamp):
                    return False
                return all(self._is_part(image.read(1, window=part)) for _, part in image.block_windows(1))
        except Exception:  # whatever is wrong with it, it is made again
            return False

    def _is_part(self, values: np.ndarray) -> bool:
        return bool(np.isin(values, (0, ICE, self.nodata)).all())

    def ice_fraction(self, mask: np.ndarray) -> float | None:
        """Return the share of ice among the pixels with data of a mask uint8 [H, W]; None without any."""
        with_data = np.count_nonzero(mask != self.nodata)
        return np.count_nonzero(mask == ICE) / with_data if with_data else None


def _place_of(scene: Scene | None, shape: tuple[int, ...]) -> tuple[Georeference, tuple[str, ...]]:
    header = scene.header if isinstance(scene, (Readable, Broken)) else None
    if scene is None or header is None:
        return Georeference(), ()
    if header.shape != shape:
        return Georeference(), (OTHER_SIZE,)
    return read_georeference(scene.path, header)
