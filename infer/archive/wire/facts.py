"""What a mapper is asked for and what it answers, as dataclasses and as lines of JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from infer.settings import TORCH, WEIGHTS, SceneLimits, Settings

OK, DEGRADED, FAILED = "ok", "degraded", "failed"


@dataclass(frozen=True)
class MapperSettings:
    """What a mapper is started with; tile and overlap in pixels, batch in tiles, None for what suits.

    device: "auto", "cpu" or "cuda"; with that nothing is ever made on a CPU instead. format: of the masks.
    nodata: the value of pixels without data in formats that have one.
    """

    weights: Path = WEIGHTS
    device: str = "auto"
    engine: str = TORCH
    tile: int = Settings.tile
    overlap: int = Settings.overlap
    batch: int | None = None
    threshold: float = Settings.threshold
    max_pixels: int = SceneLimits.pixels
    max_bytes: int = SceneLimits.bytes
    format: str = "png"
    nodata: int | None = None

    def job(self) -> Settings:
        """Return them as those of the plain job, for all that it shares with the mapper."""
        return Settings(
            weights=self.weights,
            device=self.device,
            engine=self.engine,
            tile=self.tile,
            overlap=self.overlap,
            batch=self.batch,
            threshold=self.threshold,
            max_pixels=self.max_pixels,
            max_bytes=self.max_bytes,
            format=self.format,
            nodata=self.nodata,
        )

    def line(self) -> dict[str, Any]:
        """Return what from_line takes; the path of the weights absolute."""
        return {**asdict(self), "weights": str(self.weights.absolute())}

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> MapperSettings:
        """Return the settings that `line` gave."""
        return cls(**{**line, "weights": Path(line["weights"])})


@dataclass(frozen=True)
class LocalScene:
    """A scene as a local file. key: its name in the archive, one of a kind in a request.

    path: a file whose name has a suffix. mask: where its mask is to be written, in a folder that exists.
    picture, polygons: where a small picture of it, and the polygons of its ice, are to be written, if
    anywhere. placed: whether it is to be told where the scene lies.
    """

    key: str
    path: Path
    mask: Path
    picture: Path | None = None
    polygons: Path | None = None
    placed: bool = False

    def line(self) -> dict[str, Any]:
        """Return what from_line takes, with absolute paths."""
        paths = {name: getattr(self, name) for name in ("path", "mask", "picture", "polygons")}
        told = {name: path and str(path.absolute()) for name, path in paths.items()}
        return {"key": self.key, "placed": self.placed, **told}

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> LocalScene:
        """Return the scene that `line` gave."""
        path, mask, picture, polygons = (
            line[name] and Path(line[name]) for name in ("path", "mask", "picture", "polygons")
        )
        return cls(line["key"], path, mask, picture, polygons, line["placed"])


@dataclass(frozen=True)
class Mapped:
    """What became of one scene: ok; degraded (a black mask, error says why); failed (no mask, likewise).

    height and width of the mask, in pixels. ice_fraction: 0 to 1, None where nothing was predicted. notes:
    what a user should know of how it was read and predicted. bytes and sha256: of the mask's file. bounds:
    west, south, east, north in degrees of WGS84, None where they are not known. made_by: device, engine and
    precision of a predicted mask, as of Ready: after a GPU has failed they are not those that were expected.
    has_picture, has_polygons: whether what was asked for stands. ice_m2: the area of its polygons. place:
    what archive.stac's ScenePlace is made of, where that was asked for.
    """

    key: str
    status: str
    error: str | None = None
    height: int = 0
    width: int = 0
    ice_fraction: float | None = None
    notes: tuple[str, ...] = ()
    bytes: int = 0
    sha256: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    made_by: str | None = None
    has_picture: bool = False
    has_polygons: bool = False
    ice_m2: float | None = None
    place: dict[str, Any] | None = None

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> Mapped:
        """Return what asdict() has made a line of."""
        bounds = line["bounds"] and tuple(line["bounds"])
        return cls(**{**line, "notes": tuple(line["notes"]), "bounds": bounds})


@dataclass(frozen=True)
class Ready:
    """What a mapper computes with: masks of another device, engine or precision may differ in some pixels."""

    device: str
    engine: str
    precision: str
    weights_sha256: str

    @property
    def made_by(self) -> str:
        """Device, engine and precision in one line."""
        return made_by(self.device, self.engine, self.precision)


def made_by(device: str, engine: str, precision: str) -> str:
    """Return in one line what made a mask."""
    return f"{device} {engine} {precision}"
