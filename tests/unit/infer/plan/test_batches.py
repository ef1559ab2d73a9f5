"""Which scenes go through the network together."""

from __future__ import annotations

from pathlib import Path

from infer.plan.batches import batches
from infer.plan.scenes import find_scenes, readable
from tests.helpers.support import random_rgb, write_tiff


def test_a_batch_holds_one_shape_and_a_scene_of_many_tiles_runs_alone(tmp_path: Path) -> None:
    for i, size in enumerate([64, 64, 64, 40, 200, 200]):
        write_tiff(tmp_path / f"{i}.tif", random_rgb(size, size))
    found = readable(find_scenes(tmp_path))
    plan = batches(found, tile=128, batch=2, gpu=False)
    assert [scene for batch in plan for scene in batch] == found
    assert [len(batch) for batch in plan] == [1, 1, 2, 1, 1]
    assert all(len({scene.padded_shape for scene in batch}) == 1 for batch in plan)
