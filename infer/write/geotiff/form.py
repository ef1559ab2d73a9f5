"""Masks as cloud-optimised GeoTIFF (COG): any part and any coarser copy can be read without the rest."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from infer.plan.scenes import Broken, Readable, Scene
from infer.settings import DEFAULT_NODATA
from infer.write.form import Note, is_plain_file, unheard
from infer.write.geotiff.gdal import environment, load_rasterio
from infer.write.geotiff.georeference import OTHER_SIZE, Georeference, read_georeference

STAMP_TAG = "SEAICE_RUN"  # an item of GDAL's metadata: what the mask was made with
ICE = 255
BLOCK = 512  # pixels
DRAFT = {"driver": "GTiff", "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK,
         "compress": "deflate", "zlevel": 1}  # fmt: skip
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
        note("its georeference cannot be written: its mask has none")
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
        height, width = mask.shape
        size = {"height": height, "width": width, "count": 1, "dtype": "uint8"}
        with rasterio.io.MemoryFile() as draft, rasterio.io.MemoryFile() as whole:
            with draft.open(**DRAFT, **size, nodata=self.nodata, **place.profile) as image:
                image.write(mask, 1)
                if stamp:  # now: a tag that is added later would move the parts of a COG
                    image.update_tags(**{STAMP_TAG: stamp})
            with draft.open() as image:
                rasterio.shutil.copy(image, whole.name, **COG)
            return bytes(whole.getbuffer())

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

    def read(self, path: Path) -> np.ndarray:
        """Return the mask uint8 [H, W] of a GeoTIFF; raises OSError."""
        rasterio = load_rasterio()
        with environment(rasterio), rasterio.open(path.absolute(), driver="GTiff") as image:
            mask: np.ndarray = image.read(1)
            return mask

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
