"""The facts of a TIFF's first full image, read from its tags without touching a pixel.

TIFF 6.0 (Adobe, 1992) and BigTIFF. Neither NumPy nor a TIFF library is imported: this runs first of all, for
every scene, on files that nobody has checked.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infer.errors import HeaderError
from infer.plan.tiff_directories import (
    FACTS,
    HEIGHT,
    METADATA,
    NODATA,
    ORIENTATION,
    STRIP_HEIGHT,
    TILE_HEIGHT,
    TILE_WIDTH,
    WIDTH,
    Directories,
    Directory,
    read_start,
)
from infer.process.text import first_line
from infer.settings import MAX_PIXELS, WHOLE_PIXELS

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 1_000_000  # of a PNG, by libpng's own limit
MAX_PADDING = 2**24  # pixels by which a tile may be larger than four times its image
MAX_SPARSE = 2**17  # pixels for each byte of a file that claims more than WHOLE_PIXELS: most tiles absent
MORE_IMAGES = "it holds further images of its size, which are not looked at"
UNSEEN = "it has more images than are looked at: a mask behind them would not be seen"
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


@dataclass(frozen=True)
class Header:
    """Size in pixels as stored, and how the samples are stored (TIFF's own code numbers).

    photometric: -1 where the file does not say. has_nodata: a value or a mask page says where nothing is, in
    GDAL's way. page: which of the file's images this is; mask_page: which one is its mask, None for none.
    has_roles: GDAL's metadata say what its bands are. tile: pixels of a tile, 0 for strips. others: further
    images of its size. unseen: the file has more images than were looked at.
    is_picture: the file is a PNG or JPEG under a TIFF's name. part_height: rows of a strip or tile.
    """

    height: int
    width: int
    samples: int
    bits: int
    sample_format: int
    compression: int
    photometric: int
    planar: int
    orientation: int
    has_nodata: bool = False
    page: int = 0
    mask_page: int | None = None
    has_roles: bool = False
    tile: int = 0
    others: int = 0
    unseen: bool = False
    is_picture: bool = False
    part_height: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the upright image."""
        if self.orientation in (5, 6, 7, 8):
            return self.width, self.height
        return self.height, self.width

    @property
    def bytes(self) -> int:
        """Of all samples, decoded, before they become 8-bit RGB."""
        return self.height * self.width * max(1, self.samples) * max(1, -(-self.bits // 8))

    @property
    def notes(self) -> tuple[str, ...]:
        """What a user should know of the file, in words that are the same for each scene of the kind."""
        return (MORE_IMAGES,) * bool(self.others) + (UNSEEN,) * self.unseen

    @property
    def is_plain_rgb(self) -> bool:
        """8-bit interleaved RGB and no more, not as JPEG: every decoder gives the same pixels."""
        return (
            (self.bits, self.sample_format, self.photometric, self.planar) == (8, 1, 2, 1)
            and self.samples == 3
            and self.compression in (1, 5, 8, 32946)  # none, LZW, Deflate
            and self.orientation == 1
            and self.tile <= MAX_PADDING + 4 * self.height * self.width
            and not (self.has_nodata or self.page or self.has_roles or self.is_picture)
        )


def read_header(path: Path) -> Header:
    """Read the header of the first full image in a TIFF file, or of a PNG or JPEG that is called one.

    Raises HeaderError, with the path, when there is none to be read.
    """
    try:
        return _read(path)
    except HeaderError as error:
        error.path = path
        raise


def _read(path: Path) -> Header:
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            if start == _PNG or start.startswith(_JPEG):
                return _of_picture(path)
            file.seek(0)
            form, directory = read_start(file)
            directories = Directories(file, form, directory)
            first = _first_full_image(directories)
            mask, others = _what_follows(directories, first)
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise HeaderError(error.strerror or str(error)) from error
    except struct.error:
        raise HeaderError("the TIFF header is cut short") from None
    tags = first.tags
    if WIDTH not in tags or HEIGHT not in tags:
        raise HeaderError("the TIFF header gives no size")
    height, width = tags[HEIGHT], tags[WIDTH]
    _check_size(height, width, size)
    samples, bits, sample_format, compression, photometric, planar, orientation = (
        tags.get(tag, default) for tag, default in FACTS.items()
    )
    return Header(
        height,
        width,
        samples,
        bits,
        sample_format,
        compression,
        photometric,
        planar,
        orientation,
        has_nodata=mask is not None or NODATA in tags,
        page=first.number,
        mask_page=mask,
        has_roles=METADATA in tags,
        tile=tags.get(TILE_HEIGHT, 0) * tags.get(TILE_WIDTH, 0),
        others=others,
        unseen=directories.unseen,
        part_height=min(height, tags.get(TILE_HEIGHT) or tags.get(STRIP_HEIGHT) or height),
    )


def _check_size(height: int, width: int, size: int) -> None:
    """Raise HeaderError for sizes that no file has, and such as a file of `size` bytes can hardly have."""
    pixels = height * width
    most = MAX_PIXELS if size * MAX_SPARSE >= pixels else WHOLE_PIXELS
    if min(height, width) < 1 or pixels > most or max(height, width) > MAX_SIDE:
        raise HeaderError(f"the TIFF header claims {height}x{width} pixels")


def _of_picture(path: Path) -> Header:
    from PIL import Image  # seldom needed

    Image.MAX_IMAGE_PIXELS = None  # the limits are ours
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            _check_size(height, width, path.stat().st_size)
            # Of a PNG, Pillow would decode all pixels to find one; OpenCV does not turn these either.
            turned = _orientation(picture) if picture.format in ("JPEG", "MPO") else 1
    except HeaderError:
        raise
    except (OSError, ValueError, SyntaxError) as error:
        raise HeaderError(first_line(f"a picture that cannot be read: {error}")) from None
    return Header(height, width, 3, 8, 1, 1, 2, 1, turned, is_picture=True)


def _orientation(picture: Image.Image) -> int:
    """Return TIFF's code number, from a JPEG's EXIF or XMP; 1 where that is damaged."""
    try:
        turned = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # Pillow has many kinds, and the pixels may be fine
        return 1
    return turned if turned in range(1, 9) else 1


def _first_full_image(directories: Directories) -> Directory:
    """Return the first image that is no smaller copy or mask of another; if there is none, the very first."""
    first = None
    for directory in directories:
        if directory.is_full:
            return directory
        first = first or directory
    return first or Directory(0, {})


def _what_follows(directories: Directories, image: Directory) -> tuple[int | None, int]:
    """Find which of the further images is the mask of one, None for none; count the others of its size."""
    mask, others = None, 0
    for directory in directories:
        if not directory.has_size_of(image):
            continue
        if directory.is_mask and mask is None:
            mask = directory.number
        others += directory.is_full
    return mask, others
