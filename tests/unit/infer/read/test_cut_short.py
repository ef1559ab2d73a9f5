"""No kind of file, and no kind of stream in one, is half read: it is refused, or gives all of its pixels."""

from __future__ import annotations

from pathlib import Path

import imagecodecs
import numpy as np
import pytest

from infer.errors import DecodeError, HeaderError
from infer.plan.tiff_header import read_header
from infer.read.scene import read_scene
from tests.fuzz.seeds import generated
from tests.matrix.like_gdal import GREY, JPEG, WEBP, H, W
from tests.matrix.raw import SHORT, raw
from tests.matrix.test_streams import BOMBS

KEPT = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.99)  # shares of a file or stream
FILES = generated()
JXR = 34934
STREAMS = {name: form for name, form in BOMBS.items() if form[0] in (34933, 34712, 50002, JXR, JPEG, WEBP)}
STREAMS["JPEG XR with alpha"] = JXR, lambda image: imagecodecs.jpegxr_encode(np.dstack([image] * 4))


def pixels(path: Path) -> np.ndarray | None:
    """uint8 [H, W, 3], None where it is refused."""
    try:
        return read_scene(path, read_header(path)).pixels
    except (HeaderError, DecodeError):
        return None


def assert_refused_or_whole(path: Path, whole: np.ndarray, about: str) -> None:
    found = pixels(path)
    assert found is None or np.array_equal(found, whole), f"half read: {about}"


@pytest.mark.parametrize("kind", FILES)
def test_a_file_that_is_cut_short(kind: str, tmp_path: Path) -> None:
    path, content = tmp_path / "x.tif", FILES[kind]
    path.write_bytes(content)
    whole = pixels(path)
    assert whole is not None
    for size in {*(int(len(content) * share) for share in KEPT), *range(len(content) - 12, len(content))}:
        path.write_bytes(content[:size])
        assert_refused_or_whole(path, whole, f"{size} of {len(content)} bytes")


@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_that_is_cut_short_in_a_whole_file(kind: str, tmp_path: Path) -> None:
    codec, encode = STREAMS[kind]
    stream = bytes(encode(GREY))
    samples = 4 if "alpha" in kind else 3 if codec == WEBP else 1
    form = {259: (SHORT, [codec]), 262: (SHORT, [2 if samples > 1 else 1])}
    if samples == 4:
        form[338] = (SHORT, [2])
    raw(tmp_path / "whole.tif", (H, W, samples), [stream], form)
    whole = pixels(tmp_path / "whole.tif")
    assert whole is not None
    for size in {*(int(len(stream) * share) for share in KEPT), *range(len(stream) - 12, len(stream))}:
        raw(tmp_path / "x.tif", (H, W, samples), [stream[:size]], form)
        assert_refused_or_whole(tmp_path / "x.tif", whole, f"{size} of {len(stream)} bytes")
