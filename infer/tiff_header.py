"""The facts of a TIFF's first full image, read from its tags without touching a pixel.

TIFF 6.0 (Adobe, 1992) and BigTIFF. Neither NumPy nor a TIFF library is imported: this runs first of all, for
every scene, on files that nobody has checked.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from infer.settings import MAX_PIXELS

if TYPE_CHECKING:
    from PIL import Image

MAX_SIDE = 1_000_000  # of a PNG, by libpng's own limit
MAX_TAGS = 4096
MAX_SMALL_IMAGES = 16  # thumbnails before the first full image
_REDUCED = 1  # in a directory's kind: a smaller copy of another image
_MASK = 4  # and: says which pixels of another image are there
_PNG, _JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"

_KIND, _NODATA = 254, 42113
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_ORIENTATION, _SAMPLES, _PLANAR, _SAMPLE_FORMAT = 274, 277, 284, 339
# The tags behind the fields of Header, in their order, and what an absent tag stands for (TIFF 6.0)
_FACTS = {
    _SAMPLES: 1,
    _BITS: 1,
    _SAMPLE_FORMAT: 1,
    _COMPRESSION: 1,
    _PHOTOMETRIC: -1,
    _PLANAR: 1,
    _ORIENTATION: 1,
}
_FOLLOWED = {_KIND, _WIDTH, _HEIGHT, *_FACTS}  # other tags may point anywhere
_TYPES = {1: "B", 3: "H", 4: "I", 16: "Q"}  # BYTE, SHORT, LONG, LONG8: what these tags are stored as


class HeaderError(ValueError):
    """The header cannot be read; the message says why."""


@dataclass(frozen=True)
class Header:
    """Size in pixels as stored, and how the samples are stored (TIFF's own code numbers).

    has_nodata: a value or a mask page says where nothing is, in GDAL's way. page: which of the file's images
    this is.
    is_picture: the file is a PNG or JPEG under a TIFF's name.
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
    is_picture: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the upright image."""
        if self.orientation in (5, 6, 7, 8):
            return self.width, self.height
        return self.height, self.width

    @property
    def bytes(self) -> int:
        """Of all samples, decoded, before they become 8-bit RGB."""
        return self.height * self.width * self.samples * (-(-self.bits // 8))

    @property
    def is_plain_rgb(self) -> bool:
        """8-bit interleaved RGB and no more, not as JPEG: every decoder gives the same pixels."""
        return (
            (self.bits, self.sample_format, self.photometric, self.planar) == (8, 1, 2, 1)
            and self.samples == 3
            and self.compression in (1, 5, 8, 32946)  # none, LZW, Deflate
            and self.orientation == 1
            and not (self.has_nodata or self.page or self.is_picture)
        )


def read_header(path: Path) -> Header:
    """Header of the first full image in a TIFF file, or of a PNG or JPEG that is called one.

    Raises HeaderError when there is none to be read.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(8)
            if start == _PNG or start.startswith(_JPEG):
                return _of_picture(path)
            file.seek(0)
            tags, page, masked = _first_full_image(file)
    except OSError as error:
        raise HeaderError(error.strerror or str(error)) from error
    except struct.error:
        raise HeaderError("the TIFF header is cut short") from None
    if _WIDTH not in tags or _HEIGHT not in tags:
        raise HeaderError("the TIFF header gives no size")
    height, width = tags[_HEIGHT], tags[_WIDTH]
    _check_size(height, width)
    facts = (tags.get(tag, default) for tag, default in _FACTS.items())
    return Header(height, width, *facts, has_nodata=masked or _NODATA in tags, page=page)


def _check_size(height: int, width: int) -> None:
    if not 0 < height * width <= MAX_PIXELS or max(height, width) > MAX_SIDE:
        raise HeaderError(f"the TIFF header claims {height}x{width} pixels")


def _of_picture(path: Path) -> Header:
    from PIL import Image  # seldom needed

    Image.MAX_IMAGE_PIXELS = None  # the limits are ours
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            _check_size(height, width)
            # Of a PNG, Pillow would decode all pixels to find one; OpenCV does not turn these either.
            turned = _orientation(picture) if picture.format in ("JPEG", "MPO") else 1
    except HeaderError:
        raise
    except (OSError, ValueError, SyntaxError) as error:
        raise HeaderError(f"a picture that cannot be read: {error}".splitlines()[0]) from None
    return Header(height, width, 3, 8, 1, 1, 2, 1, turned, is_picture=True)


def _orientation(picture: Image.Image) -> int:
    """TIFF's code number, from a JPEG's EXIF or XMP; 1 where that is damaged."""
    try:
        turned = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow has many kinds, and the pixels may be fine
        return 1
    return turned if turned in range(1, 9) else 1


def _first_full_image(file: BinaryIO) -> tuple[dict[int, int], int, bool]:
    """The tags of the first image that is no smaller copy of another, which image of the file it is, and
    whether a mask page follows it.
    """
    form, directory = _read_start(file)
    first = tags = None
    seen = set()
    for page in range(MAX_SMALL_IMAGES):
        seen.add(directory)
        try:
            tags, following = _read_directory(file, form, directory)
        except (HeaderError, OSError, struct.error):
            if first is None:
                raise
            break
        first = tags if first is None else first
        if not tags.get(_KIND, 0) & _REDUCED:
            return tags, page, _has_mask(file, form, following)
        if not following or following in seen:
            break
        directory = following
    return first or {}, 0, False


def _has_mask(file: BinaryIO, form: _Form, directory: int) -> bool:
    """Whether one of the next images is a mask; a broken directory ends the search."""
    for _ in range(MAX_SMALL_IMAGES):
        if not directory:
            return False
        try:
            tags, directory = _read_directory(file, form, directory)
        except (HeaderError, OSError, struct.error):
            return False
        if tags.get(_KIND, 0) & _MASK:
            return True
    return False


@dataclass(frozen=True)
class _Form:
    """How a file's directories are written: byte order, and struct's formats of a count, an entry, a link."""

    order: str
    count: str
    entry: str
    link: str


def _read_start(file: BinaryIO) -> tuple[_Form, int]:
    """The form of the directories and the place of the first one."""
    order = {b"II": "<", b"MM": ">"}.get(file.read(2))
    if order is None:
        raise HeaderError("not a TIFF file")
    (magic,) = _unpack(file, order + "H")
    if magic == 42:
        form = _Form(order, "H", "HHI4s", "I")
        (directory,) = _unpack(file, order + "I")
    elif magic == 43:  # BigTIFF: 64-bit offsets
        form = _Form(order, "Q", "HHQ8s", "Q")
        _, _, directory = _unpack(file, order + "HHQ")
    else:
        raise HeaderError("not a TIFF file")
    return form, directory


def _read_directory(file: BinaryIO, form: _Form, directory: int) -> tuple[dict[int, int], int]:
    """First value of each tag of _FOLLOWED (of _NODATA, which holds text: 1); the next directory's place."""
    order = form.order
    file.seek(min(directory, 2**62))
    (count,) = _unpack(file, order + form.count)
    if count > MAX_TAGS:
        raise HeaderError(f"the TIFF header claims {count} tags")
    size = struct.calcsize(order + form.entry)
    entries = file.read(size * count)
    link = file.read(struct.calcsize(order + form.link))
    tags = {}
    for tag, kind, number, value in struct.iter_unpack(
        order + form.entry, entries[: len(entries) // size * size]
    ):
        if tag in _FOLLOWED and kind in _TYPES and number and tag not in tags:
            tags[tag] = _first_value(file, order, _TYPES[kind], number, value)
        elif tag == _NODATA:
            tags[tag] = 1
    whole = len(link) == struct.calcsize(order + form.link)
    return tags, struct.unpack(order + form.link, link)[0] if whole else 0


def _first_value(file: BinaryIO, order: str, kind: str, number: int, value: bytes) -> int:
    """First of a tag's values: in the entry itself, or where the entry points when they do not fit there."""
    size = struct.calcsize(order + kind)
    if size * number > len(value):
        (offset,) = struct.unpack(order + ("I" if len(value) == 4 else "Q"), value)
        file.seek(min(offset, 2**62))
        value = file.read(size)
    return struct.unpack(order + kind, value[:size])[0]


def _unpack(file: BinaryIO, form: str) -> tuple:
    return struct.unpack(form, file.read(struct.calcsize(form)))
