"""Chains of images in one file: each is counted once, however the chain ends."""

from __future__ import annotations

from pathlib import Path

import pytest
import tifffile

from infer.plan.tiff_header import MORE_IMAGES, UNSEEN, read_header
from tests.helpers.support import random_rgb


def test_a_chain_of_images_is_followed_to_its_end_or_said_to_be_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, image = tmp_path / "x.tif", random_rgb(40, 40)
    with tifffile.TiffWriter(path) as writer:
        for _ in range(30):
            writer.write(image[::2, ::2], photometric="rgb", subfiletype=1, metadata=None)
        for _ in range(3):
            writer.write(image, photometric="rgb", metadata=None)
    header = read_header(path)
    assert (header.page, header.others, header.unseen) == (30, 2, False)
    assert header.notes == (MORE_IMAGES,)
    monkeypatch.setattr("infer.plan.tiff_directories.MAX_PAGES", 32)
    assert read_header(path).notes == (MORE_IMAGES, UNSEEN)


def test_a_chain_of_images_that_leads_back_ends(tmp_path: Path) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, random_rgb(40, 40), photometric="rgb", metadata=None)
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        link = page.offset + 2 + 12 * len(page.tags)
    content[link : link + 4] = page.offset.to_bytes(4, "little")
    path.write_bytes(content)
    assert read_header(path).notes == ()
