"""Which scenes are made by rows, and which claims are not believed."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from infer.plan.by_rows import is_huge, refusal
from infer.plan.scenes import Broken, Readable, find_scenes
from infer.plan.tiff_header import Header
from infer.settings import HUGE_PIXELS, SceneLimits

TILES = Header(40_000, 40_000, samples=3, bits=8, sample_format=1, compression=8, photometric=2, planar=1,
               orientation=1, tile=512 * 512, part_height=512)  # fmt: skip


def test_huge_scenes_are_made_by_rows_and_small_ones_are_not() -> None:
    assert is_huge(TILES)
    assert refusal(TILES, SceneLimits()) is None
    assert not is_huge(replace(TILES, height=3000))
    assert is_huge(replace(TILES, height=3000), huge=1000)
    assert not is_huge(replace(TILES, height=HUGE_PIXELS // 40_000))


@pytest.mark.parametrize(
    ("change", "why"),
    [({"compression": 6}, "codec"), ({"is_picture": True}, "a picture"),
     ({"orientation": 6}, "stored as columns"), ({"tile": 16}, "strips or tiles"),
     ({"tile": 0, "part_height": 40_000}, "a row of its strips"), ({"width": 200_000}, "wider than")],
)  # fmt: skip
def test_what_can_only_be_decoded_whole_keeps_its_limits(change: dict[str, int], why: str) -> None:
    odd = replace(TILES, **change)  # type: ignore[arg-type]
    assert not is_huge(odd)
    assert why in (refusal(odd, SceneLimits()) or "")
    assert refusal(replace(odd, height=2000), SceneLimits()) is None
    assert "--max-pixels 1000" in (refusal(odd, SceneLimits(pixels=1000)) or "")


def test_strips_that_are_not_compressed_may_be_of_any_height() -> None:
    assert is_huge(replace(TILES, compression=1, tile=0, part_height=40_000))


@pytest.mark.parametrize(
    ("size", "kind", "shape"), [(1000, Broken, (512, 512)), (70_000, Readable, (90_000, 90_000))]
)
def test_a_claim_is_believed_of_a_file_that_may_hold_it(
    tmp_path: Path, size: int, kind: type, shape: tuple[int, int]
) -> None:
    facts = {256: 90_000, 257: 90_000, 259: 8, 262: 2, 277: 3, 258: 8, 322: 512, 323: 512}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in sorted(facts.items()))
    content = b"II*\0" + struct.pack("<IH", 8, len(facts)) + entries + bytes(4)
    (tmp_path / "a.tif").write_bytes(content.ljust(size, b"\0"))
    (scene,) = find_scenes(tmp_path)
    assert isinstance(scene, kind)
    assert scene.shape == shape
