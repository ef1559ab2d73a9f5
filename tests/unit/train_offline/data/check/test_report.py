"""The contact sheet shows every scene, and the table is for other programs."""

from __future__ import annotations

import base64
import csv
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile

from tests.helpers.offline.data_folder import write_mask
from tests.helpers.offline.scene_faults import broken_scene, other_values
from tests.helpers.support import write_tiff
from train_offline.commands.check import main


class Page(HTMLParser):
    """Collects what a browser would load, and the pictures and paths that are inside."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.paths: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.sources += [attributes[key] for key in ("src", "href") if key in attributes]
        if tag == "path":
            self.paths.setdefault(attributes["class"], []).append(attributes["d"])


def test_contact_sheet_shows_every_scene_with_its_outline(folder: Path, tmp_path: Path) -> None:
    (folder / "image" / "<i>&.txt").write_text("x")
    broken_scene(folder)
    report = tmp_path / "new" / "report"
    assert main([str(folder), "--report", str(report)]) == 1
    text = (report / "check.html").read_text(encoding="utf-8")
    page = Page(text)
    assert len(page.sources) == 5, "five pictures, and nothing from elsewhere"
    for name, source in zip("bcdef", page.sources, strict=True):
        head, _, picture = source.partition(",")
        assert head == "data:image/jpeg;base64"
        pixels = cv2.imdecode(np.frombuffer(base64.b64decode(picture), np.uint8), cv2.IMREAD_COLOR_RGB)
        original = tifffile.imread(folder / "image" / f"{name}.tif")
        assert pixels.shape == original.shape
        assert np.corrcoef(pixels.ravel(), original.ravel())[0, 1] > 0.97
    assert [bool(path) for path in page.paths["ice"]] == [True, False, True, True, True]
    numbers = np.array(re.findall(r"(\d+) (\d+)", page.paths["ice"][0]), int)
    assert (numbers.min(axis=0).tolist(), numbers.max(axis=0).tolist()) == ([0, 0], [39, 89])
    assert [bool(path) for path in page.paths["ignored"]] == [True, False, False, False, False]
    assert "&lt;i&gt;&amp;.txt" in text
    assert "<i>&" not in text
    assert not re.search(r"https?://", text)
    assert "prefers-color-scheme: dark" in text


def test_table_for_other_programs(folder: Path, tmp_path: Path) -> None:
    other_values(folder)
    shutil.copy(folder / "gt" / "a.png", folder / "gt" / "g.png")
    assert main([str(folder), "--report", str(tmp_path)]) == 0
    with (tmp_path / "check.csv").open(newline="") as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert [*rows] == [*(f"image/{name}.tif" for name in "abcdef"), "gt/g.png"]
    b = rows["image/b.tif"]
    assert [b[key] for key in ("height", "width", "bands", "type", "lists")] == [
        "90",
        "120",
        "3",
        "uint8",
        "train",
    ]
    assert float(b["ice"]) == 1
    assert float(b["ignored"]) == pytest.approx(2 / 3, abs=1e-5)
    assert rows["image/a.tif"]["findings"].startswith("gt/a.png: holds 1, 128")
    assert rows["gt/g.png"]["findings"] == "gt/g.png: no scene image/g.tif"


def test_contact_sheet_of_200_scenes_is_below_30_mb(folder: Path, tmp_path: Path) -> None:
    """The worst case: noise, which JPEG cannot pack, and a mask of specks."""
    rng = np.random.default_rng(0)
    for name in "abcdef":
        write_tiff(folder / "image" / f"{name}.tif", rng.integers(1, 256, (600, 600, 3), dtype=np.uint8))
        specks = cv2.resize(rng.random((150, 150)), (600, 600)) > 0.5
        write_mask(folder / "gt" / f"{name}.png", np.where(specks, 255, 0).astype(np.uint8))
    (folder / "ignore" / "b.png").unlink()
    main([str(folder), "--report", str(tmp_path)])
    assert (tmp_path / "check.html").stat().st_size / 6 * 200 < 30e6
