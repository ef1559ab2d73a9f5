"""What --report writes: the contract's fields, what was done again, what is odd."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.helpers.support import REPO, random_rgb, read_masks, run_infer, write_tiff


def test_the_report_has_the_contracts_fields(three_scenes: Path, tmp_path: Path) -> None:
    (three_scenes / "bad.tif").write_text("no")
    report_file = tmp_path / "deep" / "report.json"
    result = run_infer("--input", three_scenes, "--output", tmp_path / "o", "--report", report_file)
    assert result.returncode == 0
    report = json.loads(report_file.read_text())
    assert report["device"] in ("cpu", "cuda")
    assert report["precision"] in ("fp16", "bf16", "fp32")
    assert re.fullmatch(r"\d+\.\d+\.\d+", report["version"])
    assert report["weights_sha256"] in (REPO / "weights" / "MODEL_CARD.md").read_text()
    by_name = {scene.pop("name"): scene for scene in report["scenes"]}
    assert set(by_name) == {"a.b.tif", "odd.TIFF", "plain.Tif", "bad.tif"}
    bad = {
        "height": 512,
        "width": 512,
        "status": "degraded",
        "error": "not a TIFF file",
        "ice_fraction": 0,
        "notes": [],
    }
    assert by_name["bad.tif"] == bad
    masks = read_masks(tmp_path / "o")
    odd = by_name["odd.TIFF"]
    assert (odd["height"], odd["width"], odd["status"], odd["error"]) == (97, 131, "ok", None)
    assert odd["ice_fraction"] == pytest.approx((masks["odd.png"] == 255).mean())
    seconds = report["seconds"]
    parts = {"imports", "weights", "device"}
    assert (
        set(seconds)
        == {"start", "setup", "first_mask", "predicted", "read", "predict", "write", "retries", "total"}
        | parts
    )
    assert all((value > 0) == (name != "retries") for name, value in seconds.items())
    assert seconds["first_mask"] <= seconds["total"]
    assert sum(seconds[part] for part in parts) <= seconds["setup"]
    assert seconds["start"] + seconds["setup"] + seconds["predict"] <= seconds["total"]
    assert report["peak_rss_bytes"] > 50e6
    assert report["peak_gpu_bytes"] >= 0


def test_what_was_done_again_and_what_is_odd_stands_in_the_report(tmp_path: Path) -> None:
    folder, facts = tmp_path / "in", tmp_path / "report.json"
    folder.mkdir()
    image, nothing = random_rgb(60, 44), np.zeros((60, 44), np.uint8)
    for name in ("a", "b"):
        write_tiff(folder / f"{name} alpha.tif", np.dstack([image, nothing]), extrasamples=["unassalpha"])
    empty = [(42113, "s", 0, "9", True)]
    write_tiff(folder / "empty.tif", np.full((60, 44), 9, np.uint8), extratags=empty)
    with tifffile.TiffWriter(folder / "pages.tif") as writer:
        for band in range(3):
            writer.write(image[..., band], photometric="minisblack", metadata=None)
    with tifffile.TiffWriter(folder / "plain pages.tif") as writer:
        for _ in range(2):
            writer.write(image, photometric="rgb", metadata=None)
    write_tiff(folder / "plain.tif", image)
    result = run_infer("--input", folder, "--output", tmp_path / "o", "--report", facts, "--strict")
    assert result.returncode == 0, "odd, not degraded"
    report = json.loads(facts.read_text())
    assert report["redone"] == []
    assert {scene["status"] for scene in report["scenes"]} == {"ok"}
    notes = {scene["name"]: " ".join(scene["notes"]) for scene in report["scenes"]}
    assert "alpha is 0 everywhere" in notes["a alpha.tif"]
    assert notes["b alpha.tif"] == notes["a alpha.tif"]
    assert "no data anywhere" in notes["empty.tif"]
    assert "further images of its size" in notes["pages.tif"]
    assert notes["plain pages.tif"] == notes["pages.tif"]
    assert notes["plain.tif"] == ""
    assert len(result.stderr.splitlines()) == 3, "each kind once"
    masks = read_masks(tmp_path / "o")
    assert not any(masks[name].any() for name in ("a alpha.png", "b alpha.png", "empty.png"))


def test_a_part_that_was_never_written_is_read_in_another_way_and_named(tmp_path: Path) -> None:
    folder, facts = tmp_path / "in", tmp_path / "report.json"
    folder.mkdir()
    path = write_tiff(folder / "sparse.tif", random_rgb(64, 64), rowsperstrip=16)
    with tifffile.TiffFile(path, mode="r+") as file:
        for name in ("StripOffsets", "StripByteCounts"):
            tag = file.pages.first.tags[name]
            tag.overwrite([0 if index == 1 else value for index, value in enumerate(tag.value)])
    assert run_infer("--input", folder, "--output", tmp_path / "o", "--report", facts).returncode == 0
    (redone,) = json.loads(facts.read_text())["redone"]
    assert (redone["stage"], redone["scenes"]) == ("decode", ["sparse.tif"])
    assert "libtiff" in redone["reason"]
