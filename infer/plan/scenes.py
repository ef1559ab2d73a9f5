"""Which scenes there are, what their headers say, and in which order they run."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from infer.errors import HeaderError, UsageError
from infer.network.padding import padded
from infer.plan.by_rows import is_huge, refusal
from infer.plan.tiff_header import Header, read_header
from infer.process.image import in_image
from infer.settings import HUGE_PIXELS, SceneLimits

COARSE = 64  # pixels: scenes that are alike when padded to this run one after the other
SUFFIXES = (".tif", ".tiff")
MASK_SUFFIX = ".png"
MAX_SEEN, MAX_FOLDERS = 10_000, 3  # entries and folders below the input folder: enough to say what is wrong
UNKNOWN_SIZE = 512  # the contract's size for the mask of a scene whose header cannot be read

Shape = tuple[int, int]  # height and width, in pixels


class Scene:
    """One input file; mask_name is that of its mask. It is either Readable or Broken."""

    path: Path
    mask_name: str

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    @property
    def shape(self) -> Shape:
        """Height and width of its mask, in pixels."""
        raise NotImplementedError

    @property
    def padded_shape(self) -> Shape:
        """Height and width, rounded up to the network's stride."""
        height, width = self.shape
        return padded(height), padded(width)


@dataclass(frozen=True)
class Readable(Scene):
    """A scene that can be predicted, as far as its header tells."""

    path: Path
    mask_name: str
    header: Header

    @property
    def shape(self) -> Shape:
        """Height and width of the upright image, in pixels."""
        return self.header.shape


@dataclass(frozen=True)
class Broken(Scene):
    """A scene that cannot be predicted. error says why; header is None where it cannot be read.

    owns_mask is False where another scene's mask has its name already: a.tif and a.tiff both ask for a.png.
    """

    path: Path
    mask_name: str
    error: str
    header: Header | None = None
    owns_mask: bool = True

    @property
    def shape(self) -> Shape:
        """Height and width of its black mask, in pixels."""
        return self.header.shape if self.header else (UNKNOWN_SIZE, UNKNOWN_SIZE)


def break_scene(scene: Scene, error: str) -> Broken:
    """Return the scene as one that cannot be predicted; what was wrong with it before stays what is wrong."""
    if isinstance(scene, Broken):
        return scene
    return Broken(scene.path, scene.mask_name, error, _header(scene))


def readable(scenes: list[Scene]) -> list[Readable]:
    """Return those of the scenes that can be predicted, in their order."""
    return [scene for scene in scenes if isinstance(scene, Readable)]


def part_huge(scenes: list[Readable], huge: int = HUGE_PIXELS) -> tuple[list[Readable], list[Readable]]:
    """Part those that are decoded whole from those that are made by rows, both in their order."""
    by_rows = [is_huge(scene.header, huge) for scene in scenes]
    usual = [scene for scene, rows in zip(scenes, by_rows, strict=True) if not rows]
    return usual, [scene for scene, rows in zip(scenes, by_rows, strict=True) if rows]


def broken(scenes: list[Scene]) -> list[Broken]:
    """Return those of the scenes that cannot be predicted, in their order."""
    return [scene for scene in scenes if isinstance(scene, Broken)]


def find_scenes(folder: Path, limits: SceneLimits | None = None, suffix: str = MASK_SUFFIX) -> list[Scene]:
    """List every .tif and .tiff directly in the folder, in the order in which they run.

    Equal shapes come together, the largest first, so that the run drains on small ones. A scene beyond the
    limits is Broken before any memory is taken for it. suffix: of the masks' names, with its dot. Raises
    UsageError for an unusable folder.
    """
    try:
        with os.scandir(folder) as entries:
            files = sorted(entry.name for entry in entries if _is_scene_file(entry))
    except FileNotFoundError:
        if in_image():
            raise UsageError(f"no input folder {folder}: mount it: -v SCENES:{folder}", path=folder) from None
        raise UsageError(f"no input folder {folder}", ": give it with {input}", folder) from None
    except NotADirectoryError:
        reason = f"the input {folder} is not a folder: give the folder that holds the scenes"
        raise UsageError(reason, path=folder) from None
    except OSError as error:
        reason = f"cannot read the input folder {folder} as user {os.geteuid()}: {error.strerror}"
        raise UsageError(f"{reason}: chmod -R a+rX it", path=folder) from None
    limits = limits or SceneLimits()
    scenes = _give_each_mask_one_owner([look_at(folder / name, limits, suffix) for name in files])
    return sorted(scenes, key=_by_shape, reverse=True)


def not_looked_at(folder: Path, found: bool) -> list[str]:
    """Return lines about scenes below the folder, which are not made, and about a folder without any.

    found: whether there are scenes directly in the folder.
    """
    below = _scenes_below(folder)
    if not below:
        return [] if found else [f"no .tif or .tiff in {folder}: give the folder that holds the scenes"]
    total = sum(below.values())
    where = ", ".join(f"{count} scene{'s' * (count > 1)} in {path}" for path, count in below.items())
    return [f"{where} {'are' if total > 1 else 'is'} not looked at: mount that folder"]


def _scenes_below(folder: Path) -> dict[Path, int]:
    """Count the scenes of each folder below, links not followed, as far as MAX_SEEN and MAX_FOLDERS go."""
    counts: dict[Path, int] = {}
    seen = 0
    with suppress(OSError), os.scandir(folder) as entries:
        tops = sorted(entry.path for entry in entries if entry.is_dir(follow_symlinks=False))
        for top in tops:
            for where, _, names in os.walk(top):
                seen += len(names)
                count = sum(name.lower().endswith(SUFFIXES) for name in names)
                if count:
                    counts[Path(where)] = count
                if seen > MAX_SEEN or len(counts) >= MAX_FOLDERS:
                    return counts
    return counts


def _by_shape(scene: Scene) -> tuple[tuple[int, ...], Shape, str]:
    coarse = tuple(padded(side, COARSE) for side in scene.shape)
    return coarse, scene.padded_shape, scene.name


def _is_scene_file(entry: os.DirEntry[str]) -> bool:
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    try:
        return not entry.is_dir()
    except OSError:  # a link that leads to itself: no folder, and look_at says what is wrong
        return True


def look_at(path: Path, limits: SceneLimits, suffix: str = MASK_SUFFIX) -> Scene:
    """Return a scene file, whose name has a suffix, as Readable or Broken by its header; raises nothing.

    suffix: of its mask's name.
    """
    mask_name = path.name[: path.name.rindex(".")] + suffix
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
            return Broken(path, mask_name, "not a regular file")
        header = read_header(path)
    except PermissionError as error:
        return Broken(path, mask_name, f"{error.strerror} for user {os.geteuid()}, chmod a+r it")
    except OSError as error:
        return Broken(path, mask_name, error.strerror or str(error))
    except HeaderError as error:
        return Broken(path, mask_name, error.reason)
    beyond = refusal(header, limits)
    return Broken(path, mask_name, beyond, header) if beyond else Readable(path, mask_name, header)


def _give_each_mask_one_owner(scenes: list[Scene]) -> list[Scene]:
    owners: dict[str, str] = {}
    owned = []
    for scene in scenes:
        owner = owners.setdefault(scene.mask_name, scene.name)
        if owner != scene.name:
            error = f"its mask {scene.mask_name} belongs to {owner}"
            scene = Broken(scene.path, scene.mask_name, error, _header(scene), owns_mask=False)
        owned.append(scene)
    return owned


def _header(scene: Scene) -> Header | None:
    return scene.header if isinstance(scene, (Readable, Broken)) else None
