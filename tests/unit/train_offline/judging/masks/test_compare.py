"""Masks of one run against those of another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.helpers.judging.judged import SIZES, make_data, random_mask
from train_offline.judging.cases import Case, cases_of
from train_offline.judging.masks.compare import other_masks

Folders = tuple[list[Case], Path, Path]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Three scenes and two folders of the same masks."""
    cases = cases_of(make_data(tmp_path / "data"))
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        for number, size in enumerate(SIZES):
            save(folder, random_mask(number, *size), number)
    return cases, first, second


def save(folder: Path, mask: np.ndarray, number: int = 1) -> None:
    Image.fromarray(mask).save(folder / f"s.{number}.png")


def one_pixel_off() -> np.ndarray:
    mask = random_mask(1, *SIZES[1])
    mask[5, 7] ^= 255
    return mask


def one_pixel_of_ice() -> np.ndarray:
    mask = np.zeros(SIZES[1], np.uint8)
    mask[5, 7] = 255
    return mask


def test_the_same_masks_are_no_finding(folders: Folders) -> None:
    assert other_masks(*folders, agreement=1) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f / "s.1.png").unlink(), "no such file"),
        (lambda f: save(f, random_mask(1, 72, 80)), "is 80x72 pixels"),
        (lambda f: save(f, random_mask(1, *SIZES[1]) // 255), "holds 1 beside"),
        (lambda f: save(f, one_pixel_off()), "differs from the strict run's mask on 1 of 6400 pixels"),
        (lambda f: save(f, np.zeros(SIZES[1], np.uint8)), "is black"),
        (lambda f: (f / "s.1.png").chmod(0o600), "mode 0600"),
    ],
)
def test_a_mask_that_is_another_one_is_named(folders: Folders, change: Callable, words: str) -> None:
    change(folders[2])
    (finding,) = other_masks(*folders, agreement=1)
    assert finding.file == "s.1.png"
    assert words in finding.what


def test_what_both_lack_or_spoil_is_no_difference(folders: Folders) -> None:
    for folder in folders[1:]:
        (folder / "s.0.png").unlink()
        (folder / "s.1.png").write_bytes(b"noise")
        (folder / "log.txt").touch()
    assert other_masks(*folders, agreement=1) == []


def test_pixels_may_differ_within_the_agreement_but_ice_may_not_vanish(folders: Folders) -> None:
    save(folders[2], one_pixel_off())
    assert other_masks(*folders, agreement=0.99) == []
    save(folders[1], one_pixel_of_ice())
    save(folders[2], np.zeros(SIZES[1], np.uint8))
    (finding,) = other_masks(*folders, agreement=0.99)
    assert "is black" in finding.what


def test_many_files_with_one_fault_are_one_finding(folders: Folders) -> None:
    cases, first, second = folders
    for mask in second.iterdir():
        mask.unlink()
    (finding,) = other_masks(cases, first, second, 1)
    assert (finding.file, "3 files, s.0.png for one" in finding.what) == ("", True)
    second.rmdir()
    assert other_masks(cases, first, second, 1) == [finding]


def test_a_file_more_is_named(folders: Folders) -> None:
    (folders[2] / "log.txt").touch()
    (finding,) = other_masks(*folders, agreement=1)
    assert (finding.file, finding.what) == ("log.txt", "should not be there")
