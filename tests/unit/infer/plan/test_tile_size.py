"""A tile that fits into the memory that there is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infer.plan.scenes import Readable
from infer.plan.tiff_header import Header
from infer.plan.tile_size import BYTES_PER_PIXEL, tile_that_fits

MIB = 2**20


def scene(height: int, width: int) -> Readable:
    header = Header(height, width, samples=3, bits=8, sample_format=1, compression=1, photometric=2, planar=1,
                    orientation=1)  # fmt: skip
    return Readable(Path("a.tif"), "a.png", header)


@pytest.mark.parametrize(
    ("megabytes", "sides", "tile"),
    [(None, [2048], 2048), (4000, [2048], 2048), (768, [2048], 1024), (430, [2048], 512), (100, [2048], 256),
     (768, [1024], 2048), (768, [512] * 9, 2048), (430, [512] * 9, 512), (430, [512], 2048),
     (4000, [], 2048)],
)  # fmt: skip
def test_the_tile_fits_the_memory(
    monkeypatch: pytest.MonkeyPatch, megabytes: int | None, sides: list[int], tile: int
) -> None:
    monkeypatch.setattr("infer.plan.tile_size.resident", lambda: 150 * MIB)
    limit = None if megabytes is None else megabytes * MIB
    chosen = tile_that_fits(2048, [scene(side, side) for side in sides], limit)
    assert chosen == tile
    if limit and sides and chosen > 256:
        assert min(chosen, max(sides)) ** 2 * BYTES_PER_PIXEL < limit


def huge_scene(side: int) -> Readable:
    header = replace(scene(side, side).header, tile=512 * 512, part_height=512)
    return Readable(Path("a.tif"), "a.png", header)


@pytest.mark.parametrize(("megabytes", "tile"), [(2384, 2048), (1600, 1024), (800, 512)])
def test_a_scene_that_is_made_by_rows_takes_no_more_than_these(
    monkeypatch: pytest.MonkeyPatch, megabytes: int, tile: int
) -> None:
    monkeypatch.setattr("infer.plan.tile_size.resident", lambda: 200 * MIB)
    assert tile_that_fits(2048, [huge_scene(40_000)], megabytes * MIB) == tile
    assert tile_that_fits(2048, [huge_scene(20_000)], megabytes * MIB, huge=2**33) == 256
