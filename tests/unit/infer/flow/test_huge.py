"""Scenes made by rows have the masks that they have when they are made whole."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import tifffile

from infer.flow.batches import predict_all
from infer.flow.huge import make_huge
from infer.network.weights_file import read_slim
from infer.plan.scenes import Readable, find_scenes, readable
from infer.predict.onnx_engine import OnnxEngine
from infer.predict.predictor import Predictor
from infer.process.progress import Progress
from infer.read.decoder import Decoder
from infer.read.reader import DecodedBatch
from infer.settings import Settings
from infer.write.audit import Pending
from infer.write.form import MaskForm, by_rows_is_whole
from infer.write.geotiff.form import GeoTiffForm
from infer.write.mask_writer import MaskWriter
from infer.write.messages import Told
from infer.write.png_rows import PngRows, RowsInOrder, holds_mask, read_rows, write_empty
from infer.write.sink import MaskSink
from tests.helpers.job.placed import WAYS, write_placed
from tests.helpers.support import WEIGHTS, read_masks, write_tiff
from train_offline.scenery.scene import make_scene

IMAGE = make_scene(4, 333, 410, ice=True).image
CLEAR = np.ones(IMAGE.shape[:2], np.uint8) * 255
CLEAR[:150, :200] = 0
STRIPS: dict[str, Any] = {}
TILES: dict[str, Any] = {"rowsperstrip": None, "tile": (32, 48)}
KINDS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "strips": (IMAGE, STRIPS),
    "one row a strip": (IMAGE, {"rowsperstrip": 1}),
    "tiles": (IMAGE, TILES),
    "deflate": (IMAGE, {**TILES, "compression": "deflate"}),
    "JPEG": (IMAGE, {**TILES, "tile": (32, 32), "compression": "jpeg", "predictor": None}),
    "raw": (IMAGE, {"compression": None, "predictor": None, "rowsperstrip": 333}),
    "big and of the other order": (IMAGE, {**TILES, "bigtiff": True, "byteorder": ">"}),
    "grey": (IMAGE[..., 0], TILES),
    "planes": (np.moveaxis(IMAGE, 2, 0), {**TILES, "planarconfig": "separate", "photometric": "rgb"}),
    "alpha": (np.dstack([IMAGE, CLEAR]), {**TILES, "extrasamples": ["unassalpha"]}),
    "nodata": (IMAGE * (CLEAR > 0)[..., None], {**TILES, "extratags": [(42113, "s", 0, "0", True)]}),
    "16 bits": (IMAGE.astype(np.uint16) * 157 + 900, STRIPS),
    "floats": (np.where(CLEAR[..., None], IMAGE / np.float32(300), np.nan), {**TILES, "predictor": None}),
    "upside down": (IMAGE, {"extratags": [(274, "H", 1, 4, True)]}),
    "mirrored": (IMAGE, {**TILES, "extratags": [(274, "H", 1, 2, True)]}),
}


class Engine(OnnxEngine):
    """fails: errors to raise at the passes of these numbers."""

    def __init__(self, fails: dict[int, Exception] | None = None) -> None:
        super().__init__(read_slim(WEIGHTS))
        self.fails, self.passes = fails or {}, 0

    def forward(self, windows: Any) -> np.ndarray:
        self.passes += 1
        if self.passes in self.fails:
            raise self.fails[self.passes]
        return super().forward(windows)


def scene_of(folder: Path) -> Readable:
    (scene,) = readable(find_scenes(folder))
    return scene


def make(
    scene: Readable,
    out: Path,
    whole: bool,
    tile: int = 128,
    fails: Any = None,
    batch: int = 1,
    form: MaskForm | None = None,
) -> Pending:
    """What becomes of a scene that is made whole, or by rows."""
    out.mkdir()
    engine = Engine(fails)
    predictor = Predictor(engine, Settings(tile=tile, overlap=32, batch=batch), print, lambda: engine)
    with MaskWriter(out, form) as writer:
        writer.stamp = "0" * 32
        sink = MaskSink(writer, Told(Progress(1, quiet=True), print))
        if whole:
            decoded = Decoder(False, 1, print, print).decode([scene])
            predict_all([DecodedBatch([scene], decoded)], predictor, sink)
        else:
            make_huge([scene], predictor, writer, sink)
    (pending,) = sink.pending
    return pending


def assert_same(scene: Readable, tmp_path: Path, **how: Any) -> np.ndarray:
    whole = make(scene, tmp_path / "whole", whole=True, **how)
    rows = make(scene, tmp_path / "rows", whole=False, **how)
    assert (rows.error, rows.notes) == (whole.error, whole.notes)
    assert rows.written
    assert whole.written
    assert rows.written.result() == whole.written.result()
    masks = read_masks(tmp_path / "rows")
    (wanted,) = read_masks(tmp_path / "whole").values()
    np.testing.assert_array_equal(masks[scene.mask_name], wanted)
    return wanted


@pytest.mark.parametrize("kind", KINDS)
def test_a_scene_by_rows_is_the_whole_scene(tmp_path: Path, kind: str) -> None:
    image, options = KINDS[kind]
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "a.tif", image, **options)
    mask = assert_same(scene_of(tmp_path / "in"), tmp_path)
    assert 0 < np.count_nonzero(mask) < mask.size


@pytest.mark.parametrize(("tile", "batch"), [(128, 3), (64, 7), (48, 1), (512, 1), (352, 1)])
def test_nor_do_tiles_and_batches_matter(tmp_path: Path, tile: int, batch: int) -> None:
    (tmp_path / "in").mkdir()
    image, options = KINDS["nodata"]
    write_tiff(tmp_path / "in" / "a.tif", image, **options)
    assert_same(scene_of(tmp_path / "in"), tmp_path, tile=tile, batch=batch)


def test_a_scene_begins_anew_with_smaller_tiles_when_memory_runs_out(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "a.tif", np.kron(IMAGE, np.ones((2, 2, 1), np.uint8)))
    how = {"tile": 512, "fails": {3: MemoryError()}}
    assert_same(scene_of(tmp_path / "in"), tmp_path, **how)


@pytest.mark.parametrize("way", WAYS)
def test_a_geotiff_by_rows_is_that_of_the_whole_scene_byte_by_byte(tmp_path: Path, way: str) -> None:
    (tmp_path / "in").mkdir()
    image = np.kron(IMAGE, np.ones((3, 2, 1), np.uint8))
    image[:200, :300] = 0
    write_placed(tmp_path / "in" / "a.tif", image, nodata=0, **WAYS[way])
    scene, form = scene_of(tmp_path / "in"), GeoTiffForm()
    how = {"tile": 512, "fails": {3: MemoryError()}, "form": form}  # which makes it begin anew
    pending = [make(scene, tmp_path / name, whole=name == "whole", **how) for name in ("whole", "rows")]
    results = [one.written.result() for one in pending if one.written]
    assert (pending[0].error, pending[1].error) == (None, None)
    assert results[0] == results[1]
    assert 0 < (results[0].ice_fraction or 0) < 1
    contents = [(tmp_path / name / scene.mask_name).read_bytes() for name in ("whole", "rows")]
    assert contents[0] == contents[1]
    assert [path.name for path in (tmp_path / "rows").iterdir()] == [scene.mask_name]
    with form.open_rows(tmp_path / "rows" / scene.mask_name, scene.shape) as rows:
        parts = np.concatenate([rows[0:100], rows[100 : scene.shape[0]]])
    with rasterio.open(tmp_path / "rows" / scene.mask_name) as whole:
        np.testing.assert_array_equal(parts, whole.read(1))
    assert set(np.unique(parts)) == {0, 254, 255}


def test_a_broken_part_half_way_gives_a_black_mask(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = write_tiff(tmp_path / "in" / "a.tif", IMAGE, **TILES)
    with tifffile.TiffFile(path) as tiff:
        place = tiff.pages.first.dataoffsets[50]
    content = bytearray(path.read_bytes())
    content[place : place + 400] = b"\xff" * 400
    path.write_bytes(content)
    pending = make(scene_of(tmp_path / "in"), tmp_path / "rows", whole=False)
    assert pending.error
    masks = read_masks(tmp_path / "rows")
    assert list(masks) == ["a.png"]
    assert masks["a.png"].shape == IMAGE.shape[:2]
    assert not masks["a.png"].any()


def test_a_network_that_fails_costs_one_scene(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "a.tif", IMAGE)
    pending = make(scene_of(tmp_path / "in"), tmp_path / "rows", whole=False, fails={2: RuntimeError("odd")})
    assert pending.error == "prediction failed: RuntimeError: odd"
    assert list(read_masks(tmp_path / "rows")) == ["a.png"]


def test_a_disk_that_is_full_is_said_to_be_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "a.tif", IMAGE)

    def rows(self: PngRows, y: int, mask: np.ndarray) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(PngRows, "rows", rows)
    pending = make(scene_of(tmp_path / "in"), tmp_path / "rows", whole=False)
    assert pending.error is None
    assert isinstance(pending.written, Future)
    with pytest.raises(OSError, match="No space left"):
        pending.written.result()
    assert not list((tmp_path / "rows").iterdir())


def test_a_mask_by_rows_is_known_to_be_whole(tmp_path: Path) -> None:
    path, shape, stamp = tmp_path / "a.png", (3000, 7000), "1" * 32
    with open(path, "wb+") as file:
        sink = PngRows(file, stamp)
        sink.begin(shape)
        mask = np.where(np.random.default_rng(0).random(shape) < 0.5, 255, 0).astype(np.uint8)
        sink.rows(0, mask[:1000])
        sink.rows(1000, mask[1000:])
        sink.end()
    np.testing.assert_array_equal(read_masks(tmp_path)["a.png"], mask)
    with open(path, "rb") as file:
        parts = RowsInOrder(shape, read_rows(file, shape))
        got = [parts[start : min(start + 777, 3000)] for start in range(0, 3000, 777)]
        np.testing.assert_array_equal(np.concatenate(got), mask)
    assert by_rows_is_whole(path, shape, stamp)
    content = path.read_bytes()
    for spoilt, wanted in ((content, True), (content[:-1], False), (content[: len(content) // 2], False),
                           (content + b"x", False), (b"", False),
                           (content.replace(b"\x00", b"\x01", 500), False)):  # fmt: skip
        path.write_bytes(spoilt)
        with open(path, "rb") as file:
            assert holds_mask(file, shape, stamp) == wanted
    path.write_bytes(content)
    for other in ((shape, "2" * 32), ((3000, 7001), stamp), ((2999, 7000), stamp)):
        with open(path, "rb") as file:
            assert not holds_mask(file, *other)


def test_other_values_than_0_and_255_are_no_mask(tmp_path: Path) -> None:
    with open(tmp_path / "a.png", "wb+") as file:
        sink = PngRows(file, None)
        write_empty(sink, (100, 200), 0)
        file.flush()
        file.seek(0)
        assert holds_mask(file, (100, 200))
        sink.begin((2, 200))
        sink.rows(0, np.full((2, 200), 7, np.uint8))
        sink.end()
        file.seek(0)
        assert not holds_mask(file, (2, 200))
