"""Masks on disk: whole or not at all, in the form that the judge reads."""

from __future__ import annotations

import fcntl
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from infer.predict.hardware import batch_size
from infer.settings import Settings
from infer.write.form import PngForm
from infer.write.mask_writer import MAX_WAITING, OVERHEAD, MaskWriter
from infer.write.png_stamp import stamp_of


def _mask(height: int, width: int, seed: int = 0) -> np.ndarray:
    blocks = np.random.default_rng(seed).integers(0, 2, (height // 7 + 1, width // 7 + 1), dtype=np.uint8)
    return np.kron(blocks, np.full((7, 7), 255, np.uint8))[:height, :width].copy()


@pytest.mark.parametrize("shape", [(1, 1), (512, 512), (97, 131)])
def test_png_has_one_eight_bit_channel_and_the_same_pixels(tmp_path: Path, shape: tuple[int, int]) -> None:
    mask = _mask(*shape)
    mask[0, 0] = 255
    with MaskWriter(tmp_path) as writer:
        share = writer.put("a.b.png", mask).result().ice_fraction
    image = Image.open(tmp_path / "a.b.png")
    assert image.mode == "L"
    np.testing.assert_array_equal(np.asarray(image), mask)
    assert share == pytest.approx((mask == 255).mean())
    assert os.listdir(tmp_path) == ["a.b.png"]
    assert (tmp_path / "a.b.png").stat().st_mode & 0o444 == 0o444


def test_no_reader_ever_sees_a_part_of_a_mask(tmp_path: Path) -> None:
    masks = [_mask(600, 800, seed) for seed in range(30)]
    done = threading.Event()

    def look() -> int:
        looks = 0
        while not done.is_set():
            assert PngForm().is_whole_mask(tmp_path / "x.png", (600, 800))
            looks += 1
        return looks

    with MaskWriter(tmp_path) as writer, ThreadPoolExecutor(1) as pool:
        writer.put("x.png", masks[0]).result()
        watching = pool.submit(look)
        try:
            for written in [writer.put("x.png", mask) for mask in masks]:
                written.result()
        finally:
            done.set()
        assert watching.result() > 0


def test_what_is_half_written_can_be_discarded(tmp_path: Path) -> None:
    with MaskWriter(tmp_path) as writer:
        half = tmp_path / ".mask-0.part"
        half.write_bytes(b"half")
        writer._unfinished.add(half)
        writer.discard_unfinished()
    assert os.listdir(tmp_path) == []


def test_a_failed_write_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "taken.png").mkdir()
    with MaskWriter(tmp_path) as writer:
        failed, fine = writer.put("taken.png", _mask(9, 9)), writer.put("fine.png", _mask(9, 9))
        with pytest.raises(IsADirectoryError):
            failed.result()
        fine.result()
    assert sorted(os.listdir(tmp_path)) == ["fine.png", "taken.png"]


def test_what_killed_runs_left_is_removed_and_what_others_write_is_not(tmp_path: Path) -> None:
    (tmp_path / ".mask-dead.part").write_bytes(b"half")
    with open(tmp_path / ".mask-alive.part", "wb") as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        with MaskWriter(tmp_path) as writer:
            writer.put("m.png", _mask(9, 9)).result()
        assert sorted(os.listdir(tmp_path)) == [".mask-alive.part", "m.png"]


def test_only_a_predicted_mask_carries_the_stamp(tmp_path: Path) -> None:
    stamp = stamp_of("a" * 64, Settings())
    with MaskWriter(tmp_path) as writer:
        writer.stamp = stamp
        writer.put("lost.png", _mask(20, 30)).result()
        writer.put("m.png", _mask(20, 30), predicted=True).result()
    assert PngForm().is_whole_mask(tmp_path / "m.png", (20, 30), stamp)
    assert not PngForm().is_whole_mask(tmp_path / "lost.png", (20, 30), stamp)
    for other in (stamp_of("b" * 64, Settings()), stamp_of("a" * 64, Settings(tile=512))):
        assert not PngForm().is_whole_mask(tmp_path / "m.png", (20, 30), other)
    assert stamp_of("a" * 64, Settings(batch=3)) == stamp  # which changes no mask
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "m.png")), _mask(20, 30))


def test_what_is_no_whole_mask(tmp_path: Path) -> None:
    path = tmp_path / "m.png"
    assert not PngForm().is_whole_mask(path, (20, 30))
    Image.fromarray(_mask(20, 30)).save(path)
    assert PngForm().is_whole_mask(path, (20, 30))
    assert not PngForm().is_whole_mask(path, (30, 20))
    path.write_bytes(path.read_bytes()[:-20])
    assert not PngForm().is_whole_mask(path, (20, 30))
    Image.fromarray(_mask(20, 30) // 255).save(path)
    assert not PngForm().is_whole_mask(path, (20, 30))
    Image.fromarray(_mask(20, 30)).convert("RGB").save(path)
    assert not PngForm().is_whole_mask(path, (20, 30))


def test_two_batches_of_a_gpu_may_wait_to_be_written() -> None:
    assert 2 * batch_size((512, 512), gpu=True) * (512 * 512 + OVERHEAD) <= MAX_WAITING
