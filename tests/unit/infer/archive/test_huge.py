"""The mapper makes huge scenes some rows at a time; here every scene counts as one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import rasterio

from infer.archive.child import Child
from infer.archive.wire.facts import LocalScene, Mapped, MapperSettings
from infer.settings import GEOTIFF
from tests.helpers.job.placed import UTM, write_placed
from tests.helpers.support import run_infer
from train_offline.scenery.scene import make_scene

SETTINGS = MapperSettings(device="cpu", tile=512, overlap=64, format=GEOTIFF)
LARGE_JOB = {"infer.predict.choose": "WORTH_BF16 = 0"}  # so that it chooses its engine as the mapper does
SITE = "import infer.settings\ninfer.settings.HUGE_PIXELS = 1000\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "scenes"
    folder.mkdir()
    for name, shape in (("a.tif", (1100, 900)), ("b.tif", (300, 700))):
        write_placed(folder / name, make_scene(5, *shape, ice=True).image, **UTM)
    cut = write_placed(folder / "cut.tif", make_scene(6, 400, 400, ice=True).image, **UTM)
    cut.write_bytes(cut.read_bytes()[:200_000])
    return folder


@pytest.fixture
def mapped(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Mapped]:
    site, masks = tmp_path / "site", tmp_path / "masks"
    site.mkdir()
    masks.mkdir()
    (site / "sitecustomize.py").write_text(SITE)
    monkeypatch.setenv("PYTHONPATH", str(site))
    scenes = [
        LocalScene(path.name, path, masks / path.name, masks / f"{path.stem}.jpg")
        for path in sorted(folder.iterdir())
    ]
    with Child(SETTINGS) as child:
        return {one.key: one for one in child.map(scenes)}


def test_masks_are_the_plain_jobs_and_memory_holds_no_whole_one(
    folder: Path, mapped: dict[str, Mapped], tmp_path: Path
) -> None:
    arguments = ("--input", folder, "--output", tmp_path / "plain", "--device", "cpu", "--tile", 512)
    result = run_infer(*arguments, "--overlap", 64, "--format", "geotiff", patches=LARGE_JOB)
    assert result.returncode == 0, result.stderr
    for name in ("a.tif", "b.tif"):
        content, one = (tmp_path / "masks" / name).read_bytes(), mapped[name]
        digest = hashlib.sha256(content).hexdigest()
        assert content == (tmp_path / "plain" / name).read_bytes()
        assert (one.status, one.bytes, one.sha256) == ("ok", len(content), digest)
        assert not one.has_picture  # which would take the whole scene: so it was made by rows
        assert one.bounds
        with rasterio.open(tmp_path / "masks" / name) as image:
            mask = image.read(1)
        assert one.ice_fraction == np.count_nonzero(mask == 255) / np.count_nonzero(mask != 254)
    assert {path.name for path in (tmp_path / "masks").iterdir()} == {"a.tif", "b.tif", "cut.tif"}


def test_a_broken_one_has_a_mask_without_data(mapped: dict[str, Mapped], tmp_path: Path) -> None:
    one = mapped["cut.tif"]
    assert (one.status, one.height, one.width, one.ice_fraction) == ("degraded", 400, 400, None)
    with rasterio.open(tmp_path / "masks" / "cut.tif") as image:
        assert (image.read(1) == 254).all()
        assert image.crs == "EPSG:32633"
