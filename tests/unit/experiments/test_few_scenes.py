"""The new look is drawn alike in every process, and README says what the table says."""

from __future__ import annotations

import numpy as np

from tests.experiments.few_scenes import HELD_OUT_SEED, ROWS, TABLE, TRAIN_SEED, draw, table
from tests.helpers.support import REPO
from train_offline.training.log.run_log import read_rows


def test_scenes_have_ice_in_colours_of_no_other_style():
    scene = draw(TRAIN_SEED, ice=True)
    assert np.array_equal(scene.image, draw(TRAIN_SEED, ice=True).image)
    assert not np.array_equal(scene.image, draw(HELD_OUT_SEED, ice=True).image)
    ice = scene.image[scene.mask == 255].mean(axis=0)
    assert ice[0] + 20 < min(ice[1:]), "cyan"
    assert not draw(TRAIN_SEED + 1, ice=False).mask.any()


def test_readme_has_the_table():
    rows = read_rows(TABLE)
    assert {(row["start"], row["scenes"]) for row in rows} >= {(row.start, str(row.scenes)) for row in ROWS}
    assert len({row["steps"] for row in rows if row["steps"] != "0"}) == 1, "as many steps for all"
    assert table(rows) in (REPO / "README.md").read_text()
