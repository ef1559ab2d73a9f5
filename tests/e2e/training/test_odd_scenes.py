"""Training, check and dry run read what the job reads: whatever gets a mask of its own can be trained on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile

from infer.errors import FileError
from tests.helpers.job.odd_tiffs import GREY, PICTURE, WIDE
from tests.helpers.offline.data_folder import write_mask
from tests.helpers.offline.training import TINY, history
from tests.helpers.support import shared
from train_offline.commands import check, dry_run, train
from train_offline.data.pixels import read_image

RAMP = np.tile(np.arange(0, 2**16, 257, dtype=np.uint16), (3, 1))
NODATA = [(42113, "s", 0, "0", True)]
PIXELS = 1_500_000
FORMS = {
    "lzw in strips of five rows": (PICTURE, {"photometric": "rgb", "compression": "lzw", "rowsperstrip": 5}),
    "16 bits": (WIDE, {"photometric": "rgb"}),
    "16 bits of one band": (WIDE[..., 0], {"photometric": "minisblack"}),
    "float": (PICTURE.astype(np.float32) / 7, {"photometric": "rgb"}),
    "palette": (GREY, {"photometric": "palette", "colormap": RAMP}),
    "white is zero": (GREY, {"photometric": "miniswhite"}),
    "cmyk": (np.dstack([255 - PICTURE, GREY // 9]), {"photometric": "separated"}),
    "nodata": (PICTURE * (GREY > 90)[..., None], {"photometric": "rgb", "extratags": NODATA}),
    "alpha": (np.dstack([PICTURE, (GREY > 90) * np.uint8(255)]),
              {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "infrared": (np.dstack([PICTURE, GREY]), {"photometric": "rgb", "extrasamples": ["unspecified"]}),
    "turned": (PICTURE, {"photometric": "rgb", "extratags": [(274, "H", 1, 6, True)]}),
    "tiled": (PICTURE, {"photometric": "rgb", "tile": (32, 16), "compression": "deflate"}),
    "planes": (np.moveaxis(PICTURE, 2, 0), {"photometric": "rgb", "planarconfig": "separate"}),
    "big-endian": (PICTURE, {"photometric": "rgb", "byteorder": ">"}),
    "BigTIFF": (PICTURE, {"photometric": "rgb", "bigtiff": True}),
}  # fmt: skip


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    scenes = tmp_path / "drawn"
    scenes.mkdir()
    for name, (image, options) in FORMS.items():
        tifffile.imwrite(scenes / f"{name}.tif", image, **options)
    return scenes


def labelled(scenes: Path, folder: Path) -> list[str]:
    """Make a data folder of the scenes that can be read, ice on the left half of each; returns their names.

    Larger ones than PIXELS, which take minutes to score, are left out.
    """
    for part in ("image", "gt"):
        (folder / part).mkdir(parents=True)
    names = []
    for path in sorted(scenes.glob("*.tif*")):
        try:
            height, width = read_image(path).pixels.shape[:2]
        except FileError:
            continue
        if height * width > PIXELS:
            continue
        mask = np.zeros((height, width), np.uint8)
        mask[:, : width // 2] = 255
        write_mask(folder / "gt" / f"{path.stem}.png", mask)
        shutil.copy(path, folder / "image" / path.name)
        names.append(path.stem)
    return sorted(names)


def assert_usable(folder: Path, names: list[str], work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of it, by the users' own commands: crops of 32 pixels, and whole scenes where they are scored."""
    assert check.main([str(folder)]) == 0
    where = ["--data", folder, "--val", folder, "--run", work / "run", "--cache", work / "kept"]
    assert train.main([*map(str, where), *TINY.split(), "--steps", "2", "--no-tensorboard"]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert f"{len(names)} scenes x 1" in said.out
    assert float(history(work / "run")[-1]["ice_iou"]) >= 0
    report = work / "report"
    assert dry_run.main(["--data", str(folder), "--report-dir", str(report), "--device", "cpu"]) == 0
    content = json.loads((report / "report.json").read_text())
    assert sorted(scene["name"] for scene in content["scenes"]) == sorted(names)
    assert content["data"]["scored"] == len(names)


def test_drawn_scenes_of_every_kind(drawn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = labelled(drawn, tmp_path / "data")
    assert names == sorted(FORMS)
    assert_usable(tmp_path / "data", names, tmp_path, capsys)


@pytest.mark.parametrize(("part", "least"), [("odd_tiffs", 20), ("reported_tiffs", 1)])
def test_real_scenes(part: str, least: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = labelled(shared(f"data/{part}"), tmp_path / "data")
    assert len(names) >= least
    assert_usable(tmp_path / "data", names, tmp_path, capsys)
