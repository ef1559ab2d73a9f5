"""What is wrong with a folder of masks: names, files that should not be there, single masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.judging.judged import random_mask
from train_offline.judging.masks.audit import audit_mask, audit_names


def test_stray_files_are_told_apart(tmp_path: Path) -> None:
    for name in ("a.png", "B.PNG", "c_mask.png", ".d.png.part", "readme.md", "scne-5.png"):
        (tmp_path / name).touch()
    findings = {f.file: f for f in audit_names({"a", "b", "c", "d", "scene-5"}, tmp_path)}
    kinds = {file: finding.kind for file, finding in findings.items()}
    assert kinds == {
        "d.png": "missing",
        "B.PNG": "stem",
        "c_mask.png": "stem",
        "scne-5.png": "stem",
        ".d.png.part": "partial",
        "readme.md": "extra",
    }
    assert "name it scene-5.png" in findings["scne-5.png"].fix


def test_a_name_that_only_begins_alike_is_no_misspelling(tmp_path: Path) -> None:
    (tmp_path / "12.png").touch()
    assert [f.kind for f in audit_names({"1"}, tmp_path)] == ["missing", "extra"]


def test_a_folder_that_was_never_made_misses_every_mask(tmp_path: Path) -> None:
    (finding,) = audit_names({"a"}, tmp_path / "none")
    assert (finding.kind, finding.file) == ("missing", "a.png")


def test_a_mask_in_order_gives_its_pixels(tmp_path: Path) -> None:
    mask = random_mask(1, 48, 56)
    Image.fromarray(mask).save(tmp_path / "a.png")
    findings, pixels = audit_mask(tmp_path / "a.png", ((48, 56),), (tmp_path / "a.png").stat().st_uid)
    assert findings == []
    assert np.array_equal(pixels, mask)


def test_a_large_mask_is_no_reason_for_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    mask = np.zeros((13_500, 13_500), np.uint8)  # above Pillow's limit of 179 megapixels
    mask[4000:, :10] = 255
    Image.fromarray(mask).save(tmp_path / "big.png")
    assert audit_mask(tmp_path / "big.png", (mask.shape,), None)[0] == []
    assert not recwarn.list
