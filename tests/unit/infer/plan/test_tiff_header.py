"""Header facts against tifffile's, on real odd files and on damaged ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import tifffile

from infer.errors import HeaderError
from infer.plan.tiff_header import Header, read_header
from tests.helpers.support import random_rgb, shared, write_tiff


def _by_tifffile(path: Path) -> Header:
    with tifffile.TiffFile(path) as file:
        first_page, *further = (page.aspage() for page in file.pages)
        tags = first_page.tags
        masks = [page.index for page in further if int(page.subfiletype) == 4]
        same_size = [page for page in further if page.shape[:2] == first_page.shape[:2]]

        def first(name: str, default: int) -> int:
            value = tags[name].value if name in tags else default
            return int(value[0] if isinstance(value, tuple) else value)

        return Header(
            first("ImageLength", 0), first("ImageWidth", 0), first("SamplesPerPixel", 1),
            first("BitsPerSample", 1), first("SampleFormat", 1), first("Compression", 1),
            first("PhotometricInterpretation", -1), first("PlanarConfiguration", 1), first("Orientation", 1),
            has_nodata="GDAL_NODATA" in tags or bool(masks),
            mask_page=masks[0] if masks else None,
            has_roles="COLORINTERP" in str(tags.valueof("GDAL_METADATA")),
            tile=first("TileWidth", 0) * first("TileLength", 0),
            others=sum(not int(page.subfiletype) & 5 for page in same_size),
            part_height=min(first_page.tilelength or first_page.rowsperstrip, first_page.imagelength),
        )  # fmt: skip


def test_real_odd_files_read_as_tifffile_reads_them() -> None:
    files = sorted(shared("data/odd_tiffs").glob("*.tif*"))
    assert len(files) >= 20
    for path in files:
        assert read_header(path) == _by_tifffile(path), path.name


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("bigtiff", [False, True])
def test_byte_orders_and_bigtiff(tmp_path: Path, byteorder: Literal["<", ">"], bigtiff: bool) -> None:
    path = tmp_path / "x.tif"
    tifffile.imwrite(path, random_rgb(33, 57), photometric="rgb", byteorder=byteorder, bigtiff=bigtiff)
    header = read_header(path)
    assert (header.height, header.width, header.samples, header.bits) == (33, 57, 3, 8)
    assert header.is_plain_rgb


@pytest.mark.parametrize(
    ("image", "options"),
    [
        (random_rgb(40, 40)[..., 0], {}),
        (random_rgb(40, 40).astype(np.uint16), {}),
        (np.moveaxis(random_rgb(40, 40), -1, 0), {"planarconfig": "separate", "photometric": "rgb"}),
        (random_rgb(48, 48), {"extratags": [(274, 3, 1, 6, True)]}),
        (random_rgb(48, 48), {"compression": "jpeg", "predictor": None, "rowsperstrip": 48}),
    ],
    ids=["grey", "16 bit", "planar", "turned", "jpeg"],
)
def test_what_decoders_may_read_differently_is_not_plain(
    tmp_path: Path, image: np.ndarray, options: dict[str, Any]
) -> None:
    assert not read_header(write_tiff(tmp_path / "x.tif", image, **options)).is_plain_rgb


def test_a_header_is_read_from_a_file_whose_pixels_are_missing(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "x.tif", random_rgb(64, 80))
    path.write_bytes(path.read_bytes()[:600])
    assert (read_header(path).height, read_header(path).width) == (64, 80)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not a TIFF"),
        (b"II", "cut short"),
        (b"II*\0\xff\xff\xff\xff", "cut short"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 64, "picture that cannot be read"),
        (b"II*\0\x08\0\0\0\xff\xff" + b"x" * 64, "tags"),
        (b"II*\0\x08\0\0\0\0\0", "no size"),
    ],
)
def test_what_is_no_header_is_refused(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    with pytest.raises(HeaderError, match=reason):
        read_header(path)


def test_absurd_sizes_are_refused(tmp_path: Path) -> None:
    entry = b"\x03\0\x04\0\x01\0\0\0"
    size = b"\xff\xff\xff\x7f"
    content = b"II*\0\x08\0\0\0\x02\0" + (256).to_bytes(2, "little") + entry[2:] + size
    content += (257).to_bytes(2, "little") + entry[2:] + size
    (tmp_path / "x.tif").write_bytes(content)
    with pytest.raises(HeaderError, match="claims"):
        read_header(tmp_path / "x.tif")
