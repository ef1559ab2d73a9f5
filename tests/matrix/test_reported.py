"""Files that people have reported, one by one, and pictures that are damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from infer.plan.scenes import find_scenes, readable
from tests.helpers.support import SHARED
from tests.matrix.like_gdal import (
    assert_like_gdal,
    decode,
)
from tests.matrix.picture import PICTURE

# The files that were reported, one by one: refused by the reason given, or read as GDAL reads them.
REFUSED = {
    "11_": "a LERC of 40000x40000",
    "11b": "WebP blob dimension",
    "11c": "a JPEG XL of 8000x8000",
    "16_": "Predictor",
}
REPORTED = SHARED / "data" / "reported_tiffs"
FILES = sorted(REPORTED.glob("*.tif"))


@pytest.mark.parametrize("name", [path.name for path in FILES])
def test_reported_files(name: str, tmp_path: Path) -> None:
    (tmp_path / name).symlink_to(REPORTED / name)
    reason = next((text for start, text in REFUSED.items() if name.startswith(start)), None)
    if reason:
        assert reason in (decode(tmp_path).error or "")
    elif not name.startswith("12_"):  # too large to be compared here: see unit/infer/read/test_rgb.py
        assert_like_gdal(tmp_path)


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
def test_damaged_pictures_print_nothing_by_themselves(
    form: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(PICTURE).save(tmp_path / "whole", form)
    content = (tmp_path / "whole").read_bytes()
    for number in range(40):
        damaged = bytearray(content[: len(content) - number * 40])
        damaged[(200 + 31 * number) % len(damaged)] ^= 1 << number % 8
        (tmp_path / "x.tif").write_bytes(damaged)
        if readable(find_scenes(tmp_path)):
            decode(tmp_path)
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")
