"""Rows of a list that name a scene twice, or another scene's mask, are found by their names alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from train_offline.data.folder import Pair
from train_offline.data.rules.finding import Side
from train_offline.data.rules.rows import of_rows, once

ROOT = Path("/data")


def side(*rows: str) -> Side:
    """Each row: a scene and its mask, within the folder, without suffix."""
    files = [row.split() for row in rows]
    return Side(ROOT, "val.csv", [Pair(ROOT / f"{i}.tif", ROOT / f"{label}.png", None) for i, label in files])


def told(found: Side, scored: bool = True) -> list[tuple[str, bool]]:
    assert all(finding.file == "val.csv" and finding.fix for finding in of_rows(found, scored))
    return [(finding.what, finding.stops) for finding in of_rows(found, scored)]


@pytest.mark.parametrize(
    "rows",
    [
        ("image/a gt/a", "image/b gt/b"),
        ("image/a label/a_mask", "image/b label/b_mask"),
        ("image/scene-1 gt/mask-1", "image/scene-2 gt/mask-2"),
        ("image/img_01 gt/GT_01", "image/img_02 gt/GT_02"),
        ("x/A.image y/a.label", "x/B.image y/b.label"),
    ],
)
def test_masks_named_after_their_scenes_are_fine(rows: tuple[str, ...]) -> None:
    assert told(side(*rows)) == []


@pytest.mark.parametrize(
    ("rows", "what"),
    [
        (("image/a gt/b", "image/b gt/a", "image/c gt/c"), "pairs 2 of 3 scenes with masks of other names, "
         "image/a.tif with gt/b.png, which is named after another scene"),
        (("image/a l/b_mask", "image/b l/b_mask"), "pairs 1 of 2 scenes with masks of other names, "
         "image/a.tif with l/b_mask.png, which is named after another scene"),
        (("image/a gt/17", "image/b gt/18"), "pairs 2 of 2 scenes with masks of other names, "
         "image/a.tif with gt/17.png"),
    ],
)  # fmt: skip
def test_a_mask_of_another_name_is_told(rows: tuple[str, ...], what: str) -> None:
    assert told(side(*rows)) == [(what, False)]


def test_a_scene_listed_again_is_told() -> None:
    again = side("image/a gt/a", "image/b gt/b", "image/a gt/a", "image/a gt/a")
    assert told(again) == [("lists image/a.tif 3 times; it is scored once", False)]
    assert told(again, scored=False) == [("lists image/a.tif 3 times", False)]
    assert [pair.name for pair in once([*again.pairs])] == ["a", "b"]


def test_one_scene_with_two_masks_is_told() -> None:
    two = side("image/a gt/a", "image/a other/a")
    assert told(two) == [("lists image/a.tif 2 times, with different masks", False)]
    assert len(once([*two.pairs])) == 2


def test_two_scenes_of_one_name_cannot_be_scored() -> None:
    ((what, stops),) = told(side("image/a gt/a", "more/a gt/a"))
    assert what == "2 of its scenes have the name a, and so the same mask"
    assert stops
    assert told(side("image/a gt/a", "more/a gt/a"), scored=False) == []
