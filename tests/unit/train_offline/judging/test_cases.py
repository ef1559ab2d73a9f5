"""Which scenes are judged, and how large their masks must be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from infer.errors import UsageError
from tests.helpers.judging.judged import SIZES
from tests.helpers.support import write_tiff
from train_offline.judging.cases import Case, cases_of, mask_sizes


def test_a_list_chooses_the_scenes_and_may_name_truths_that_are_missing(data: Path) -> None:
    (data / "val.csv").write_text("image,label\nimage/s.2.tif,gt/s.2.png\nimage/s.1.tif,gt/none.png\n")
    first, second = cases_of(data)
    assert (first.name, first.label, first.ignore) == ("s.2", data / "gt" / "s.2.png", None)
    assert (second.name, second.label, second.ignore) == ("s.1", None, data / "ignore" / "s.1.png")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: (d / "val.csv").write_text("image,label\nimage/x.tif,gt/x.png\n"), "x.tif: no such file"),
        (lambda d: (d / "train.csv").write_text("image,label\nimage/s.0.tif,gt/s.0.png\n"), "no val.csv"),
        (lambda d: (d / "image" / "s.0.tiff").write_bytes(b""), "same mask"),
        (lambda d: os.mkfifo(d / "image" / "t.tif"), "t.tif: is no plain file"),
        (lambda d: (d / "image" / "t.tif").symlink_to("nowhere"), "t.tif: is no plain file"),
        (lambda d: (d / "val.csv").write_text("image,label\nimage/s.png,gt/s.0.png\n"), "s.png.*scenes are"),
        (lambda d: [p.unlink() for p in (d / "image").iterdir()], "no .tif"),
    ],
)
def test_a_folder_that_cannot_be_judged_is_named(data: Path, change: Any, words: str) -> None:
    change(data)
    with pytest.raises(UsageError, match=words):
        cases_of(data)


def test_the_size_of_a_mask_comes_from_the_header_or_the_contract(data: Path, tmp_path: Path) -> None:
    case = cases_of(data)[0]
    assert mask_sizes(case) == (SIZES[0],)
    case.image.write_bytes(b"no TIFF")
    assert mask_sizes(case) == ((512, 512), SIZES[0])
    assert mask_sizes(Case(case.image)) == ((512, 512),)
    Image.new("RGB", (30, 20)).save(case.image, format="PNG")
    assert mask_sizes(Case(case.image)) == ((512, 512), (20, 30))
    write_tiff(tmp_path / "f.tif", np.zeros((9, 11), np.float64) + 0.5)  # Pillow does not know it
    assert mask_sizes(Case(tmp_path / "f.tif")) == ((9, 11),)
