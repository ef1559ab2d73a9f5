"""The settings of one run, and the arguments that fill them."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from infer.errors import UsageError
from infer.network.architecture import STRIDE

MAX_PIXELS = 2**33  # 92,681 x 92,681; a header that claims more is taken for a lie
HUGE_PIXELS = 2**27  # 11,585 x 11,585; a scene of more goes through memory some rows at a time where it can
WHOLE_PIXELS, WHOLE_BYTES = 2**29, 2**33  # what may be decoded whole, whatever the limits of the user
TORCH, ORT_CUDA = ENGINES = (
    "torch",
    "ort-cuda",
)  # of a GPU; those of a CPU are chosen by its kind and the size of the job
PNG, GEOTIFF = FORMATS = ("png", "geotiff")  # of masks
GPKG, GEOPARQUET, GEOJSON = VECTORS = ("gpkg", "geoparquet", "geojson")  # of polygons
DEFAULT_NODATA = 254  # in a GeoTIFF mask; 0 is water and 255 is ice
DEFAULT_THRESHOLD = 0.5  # as trained: the more probable class
STOPPED = "infer: stopped: the masks so far are whole; --resume makes the rest"
MIN_TILE = 256  # pixels; below that a tile is mostly margin
WEIGHTS = Path(__file__).resolve().parents[1] / "weights" / "seaice.safetensors"


@dataclass(frozen=True)
class SceneLimits:
    """What a scene may have at most, by its header: pixels, and bytes of its samples as they are decoded."""

    pixels: int = MAX_PIXELS
    bytes: int = 2**36  # MAX_PIXELS of four bands of 16 bits

    def exceeded_by(self, pixels: int, size: int) -> str | None:
        """Return why a scene of so many pixels and bytes is refused; None where it is not."""
        if pixels > self.pixels:
            return f"{pixels} pixels, more than --max-pixels {self.pixels}"
        if size > self.bytes:
            return f"{size} bytes of samples, more than --max-bytes {self.bytes}"
        return None


@dataclass(frozen=True)
class Settings:
    """Everything that one run depends on.

    tile and overlap are in pixels; batch is in tiles, None leaves it to the predictor.
    nodata is the value of pixels without data in a GeoTIFF mask, None for the default; a PNG has 0 there.
    vector is the form of the polygons, None for none. threshold is the probability above which a pixel is
    ice.
    """

    input: Path = Path("/input")
    output: Path = Path("/output")
    weights: Path = WEIGHTS
    device: str = "auto"
    engine: str = TORCH
    tile: int = 2048  # the largest scene of the challenge: nothing there has a seam
    overlap: int = 128
    batch: int | None = None
    threshold: float = DEFAULT_THRESHOLD
    format: str = PNG
    nodata: int | None = None
    vector: str | None = None
    report: Path | None = None
    resume: bool = False
    strict: bool = False
    quiet: bool = False
    max_pixels: int = SceneLimits.pixels
    max_bytes: int = SceneLimits.bytes

    @property
    def limits(self) -> SceneLimits:
        """What a scene may have at most."""
        return SceneLimits(self.max_pixels, self.max_bytes)


def half_tile(tile: int) -> int:
    """Return the next smaller tile where memory is short: half of it, in steps of the smallest."""
    return max(MIN_TILE, tile // 2 // MIN_TILE * MIN_TILE)


def smaller_tile(tile: int) -> int | None:
    """Return half_tile, None where `tile` is the smallest already."""
    return half_tile(tile) if tile > MIN_TILE else None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see --help)")


def _path(text: str) -> Path:
    if not text:  # as from a shell variable that is not set; Path("") would be the current folder
        raise argparse.ArgumentTypeError("is empty")
    return Path(text)


def _tile_size(text: str) -> int:
    return _whole_number(text, at_least=STRIDE, multiple=STRIDE)


def _overlap_size(text: str) -> int:
    return _whole_number(text, at_least=0, multiple=STRIDE)


def _positive(text: str) -> int:
    return _whole_number(text, at_least=1, multiple=1)


def _probability(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a number between 0 and 1, not {text!r}") from None
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, both excluded, not {text}")
    return number


def _max_pixels(text: str) -> int:
    number = _whole_number(text, at_least=1, multiple=1)
    if number > MAX_PIXELS:
        raise argparse.ArgumentTypeError(f"must be at most {MAX_PIXELS}, not {number}")
    return number


def _nodata_value(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 254):
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 to 254, not {text!r}")
    return int(text)


def _whole_number(text: str, at_least: int, multiple: int) -> int:
    hint = f"must be a whole number of at least {at_least}"
    if multiple > 1:
        hint += f", a multiple of {multiple}"
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{hint}, not {text!r}") from None
    if number < at_least or number % multiple:
        raise argparse.ArgumentTypeError(f"{hint}, not {number}")
    return number


def _parser() -> _Parser:
    default = Settings()
    parser = _Parser(
        prog="infer",
        allow_abbrev=False,
        description="Write one sea-ice mask (0 and 255) for every .tif or .tiff of a folder.",
        epilog="Exit code: 0 every scene has a mask, 2 wrong call, 3 a degraded scene with --strict, "
        "4 a mask could not be written, 5 no scene found, 6 no scene could be read.",
    )
    add = parser.add_argument
    add("--input", type=_path, default=default.input, metavar="DIR", help="folder of scenes (%(default)s)")
    add("--output", type=_path, default=default.output, metavar="DIR", help="folder for masks (%(default)s)")
    add("--weights", type=_path, default=default.weights, metavar="FILE", help="slim state dict, safetensors")
    add("--device", choices=("auto", "cuda", "cpu"), default=default.device, help="(%(default)s)")
    engine = "on a GPU (%(default)s); ort-cuda needs onnxruntime-gpu, as in the image's target ort-cuda"
    add("--engine", choices=ENGINES, default=default.engine, help=engine)
    tiles = "scenes larger than N pixels are cut into tiles (%(default)s)"
    add("--tile", type=_tile_size, default=default.tile, metavar="N", help=tiles)
    overlap = "pixels shared by neighbouring tiles (%(default)s)"
    add("--overlap", type=_overlap_size, default=default.overlap, metavar="N", help=overlap)
    batch = "tiles in one forward pass (auto)"
    add("--batch", type=_positive, default=default.batch, metavar="N", help=batch)
    form = "of the masks (%(default)s); geotiff keeps coordinates, and needs the image's target archive"
    threshold = f"probability above which a pixel is ice ({DEFAULT_THRESHOLD}, as trained); more is stricter"
    add("--threshold", type=_probability, default=default.threshold, metavar="P", help=threshold)
    add("--format", choices=FORMATS, default=default.format, help=form)
    vector = "write the ice of all scenes as polygons, too, into ice.gpkg, ice.parquet or ice.geojson"
    add("--vector", choices=VECTORS, default=default.vector, help=vector)
    nodata = f"value of pixels without data in a GeoTIFF mask, 1 to 254 ({DEFAULT_NODATA})"
    add("--nodata", type=_nodata_value, default=default.nodata, metavar="N", help=nodata)
    add("--report", type=_path, default=None, metavar="FILE", help="write a JSON report of the run")
    add("--resume", action="store_true", help="keep the whole masks that are already there")
    add("--strict", action="store_true", help="exit with 3 when a scene was degraded")
    pixels = "a scene of more pixels gets a black mask (%(default)s)"
    add("--max-pixels", type=_max_pixels, default=default.max_pixels, metavar="N", help=pixels)
    size = "and so does one with more bytes of samples when decoded (%(default)s); what cannot be read some "
    size += f"rows at a time has {WHOLE_PIXELS} pixels and {WHOLE_BYTES} bytes at most"
    add("--max-bytes", type=_positive, default=default.max_bytes, metavar="N", help=size)
    add("--quiet", action="store_true", help="no progress bar and no summary")
    return parser


def parse(argv: list[str] | None = None) -> Settings:
    """Return the settings that command-line arguments give; raises UsageError for a wrong call."""
    settings = Settings(**vars(_parser().parse_args(argv)))
    if settings.overlap >= settings.tile:
        raise UsageError(f"--overlap {settings.overlap} must be smaller than --tile {settings.tile}")
    if settings.nodata is not None and settings.format != GEOTIFF:
        raise UsageError("--nodata is of GeoTIFF masks: add --format geotiff, or leave it out")
    return settings
