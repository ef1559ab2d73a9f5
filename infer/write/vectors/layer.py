"""The polygons of all scenes of a folder, in one file."""

from __future__ import annotations

import errno
import tempfile
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from infer.errors import UsageError
from infer.settings import GEOJSON, GEOPARQUET, GPKG
from infer.write.vectors.draft import draft_of
from infer.write.vectors.formats import Summary, write_geojson, write_geoparquet, write_gpkg
from infer.write.vectors.polygons import Polygons, check_packages

FILES = {GPKG: "ice.gpkg", GEOPARQUET: "ice.parquet", GEOJSON: "ice.geojson"}
MAX_ROWS = 50_000  # polygons of one scene that are held at once while the file is written


class Layer:
    """Collects polygons in a `with` block, from any thread, and writes them by scene at its `finish`.

    Until then they lie in a file without a name in `folder`: memory holds but the names of the scenes.
    Columns: scene (its name), area_m2 (null where unknown), area_px, and the geometry in EPSG:4326.
    Raises UsageError for an unknown form and where packages are missing, OSError where it cannot write.
    """

    def __init__(self, folder: Path, form: str, path: Path | None = None) -> None:
        """path: of the file, in that folder or another; ice.gpkg and the like in the folder by default."""
        if form not in FILES:
            raise UsageError(f'"{form}" is no form of polygons', f"; {{vector}} takes {', '.join(FILES)}")
        check_packages()
        self.path = path or folder / FILES[form]
        self._form = form
        self._spill: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115, closed by the block
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._summaries: dict[str, Summary] = {}
        self._without: set[str] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> Layer:
        return self

    def __exit__(self, *_: object) -> None:
        self._spill.close()

    @property
    def without_coordinates(self) -> int:
        """The number of scenes that are not in the file, because nothing says where they lie."""
        return len(self._without)

    @property
    def count(self) -> int:
        """The number of polygons in the file."""
        return sum(summary.number for summary in self._summaries.values())

    def add(self, scene: str, polygons: Polygons) -> None:
        """Take the polygons of a scene, instead of those that were given for it before; raises OSError."""
        self.add_batches(scene, batches_of(scene, polygons))
        if polygons.wgs84 is None:
            with self._lock:
                self._without.add(scene)

    def add_batches(self, scene: str, batches: Iterable[Any]) -> None:
        """Do the same with pyarrow.RecordBatch as batches_of gives them, one after the other."""
        summaries, places = [], []
        for batch in batches:
            wkb = np.asarray(batch["geometry"].to_pylist(), object)
            summaries.append(Summary.of(_from_wkb(wkb)))
            with self._lock:
                places.append(self._put(_serialized(batch)))
        with self._lock:
            self._without.discard(scene)
            self._summaries[scene], self._places[scene] = Summary.union(summaries), places

    def finish(self) -> Path:
        """Write the file, whole or not at all, scenes by name; without polygons it is an empty layer.

        Raises OSError.
        """
        write = {GPKG: write_gpkg, GEOPARQUET: write_geoparquet, GEOJSON: write_geojson}[self._form]
        with self._lock, draft_of(self.path) as draft:
            write(draft, self._batches(), Summary.union(self._summaries.values()))
        return self.path

    def _put(self, batch: bytes) -> tuple[int, int]:
        start = self._spill.seek(0, 2)
        self._spill.write(batch)
        return start, len(batch)

    def _batches(self) -> Iterator[Any]:
        """Read back, one by one, pyarrow.RecordBatch of scene, area_m2, area_px and WKB."""
        import pyarrow

        for scene in sorted(self._places):
            for start, size in self._places[scene]:
                self._spill.seek(start)
                batch = self._spill.read(size)
                if len(batch) < size:
                    raise OSError(errno.EIO, "what was put aside is cut short", str(self.path))
                yield pyarrow.ipc.open_stream(batch).read_next_batch()


def batches_of(scene: str, polygons: Polygons) -> Iterator[Any]:
    """Yield pyarrow.RecordBatch of scene, area_m2, area_px and WKB in EPSG:4326; none without a place."""
    import pyarrow
    import shapely

    if polygons.wgs84 is None or polygons.area_m2 is None:
        return
    there = np.flatnonzero([geometry is not None for geometry in polygons.wgs84])
    for start in range(0, len(there), MAX_ROWS):
        rows = there[start : start + MAX_ROWS]
        areas = polygons.area_m2[rows]
        columns = {
            "scene": pyarrow.array([scene] * len(rows), pyarrow.string()),
            "area_m2": pyarrow.array(areas, pyarrow.float64(), mask=~np.isfinite(areas)),
            "area_px": pyarrow.array(polygons.area_px[rows], pyarrow.int64()),
            "geometry": pyarrow.array(shapely.to_wkb(polygons.wgs84[rows], byte_order=1), pyarrow.binary()),
        }
        yield pyarrow.RecordBatch.from_pydict(columns)


def _from_wkb(wkb: np.ndarray) -> np.ndarray:
    import shapely

    geometries: np.ndarray = shapely.from_wkb(wkb)
    return geometries


def _serialized(batch: Any) -> bytes:
    import pyarrow

    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    return bytes(sink.getvalue())
