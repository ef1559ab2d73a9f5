"""Which scenes there are, what their headers say, and in which order and company they run."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from infer.errors import HeaderError, UsageError
from infer.network.architecture import STRIDE
from infer.network.padding import padded
from infer.plan.tiff_header import Header, read_header
from infer.predict.hardware import batch_size
from infer.process.image import in_image
from infer.settings import Limits

MAX_SHAPES = 64  # of padded scenes in a folder above which an engine that prepares for each is given fewer
COARSE = 64  # pixels: what they are then padded to
SUFFIXES = (".tif", ".tiff")
MAX_SEEN, MAX_FOLDERS = 10_000, 3  # entries and folders below the input folder: enough to say what is wrong
UNKNOWN_SIZE = 512  # the contract's size for the mask of a scene whose header cannot be read


@dataclass(frozen=True)
class Scene:
    """One input file. error says why it cannot be predicted; header is None where it cannot be read.

    owns_mask is False where another scene's mask has its name already: a.tif and a.tiff both ask for a.png.
    """

    path: Path
    mask_name: str
    header: Header | None = None
    error: str | None = None
    owns_mask: bool = True

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of its mask, in pixels."""
        return self.header.shape if self.header else (UNKNOWN_SIZE, UNKNOWN_SIZE)

    @property
    def padded_shape(self) -> tuple[int, int]:
        height, width = self.shape
        return padded(height), padded(width)


def find_scenes(folder: Path, limits: Limits | None = None) -> list[Scene]:
    """Every .tif and .tiff directly in the folder, in the order in which they run: equal shapes together,
    the largest first, so that the run drains on small ones. A scene beyond the limits is an error, found
    before any memory is taken for it. Raises UsageError for an unusable folder.
    """
    try:
        with os.scandir(folder) as entries:
            files = sorted(entry.name for entry in entries if _is_scene_file(entry))
    except FileNotFoundError:
        how = f"mount it: -v SCENES:{folder}" if in_image() else "give it with --input"
        raise UsageError(f"no input folder {folder}: {how}") from None
    except NotADirectoryError:
        raise UsageError(
            f"the input {folder} is not a folder: give the folder that holds the scenes"
        ) from None
    except OSError as error:
        reason = f"cannot read the input folder {folder} as user {os.geteuid()}: {error.strerror}"
        raise UsageError(f"{reason}: chmod -R a+rX it") from None
    scenes = _give_each_mask_one_owner([_look_at(folder / name, limits or Limits()) for name in files])
    return sorted(scenes, key=_by_shape, reverse=True)


def not_looked_at(folder: Path, found: bool) -> list[str]:
    """Lines about scenes below the folder, which are not made, and about a folder without any.

    found: whether there are scenes directly in the folder.
    """
    below = _scenes_below(folder)
    if not below:
        return [] if found else [f"no .tif or .tiff in {folder}: give the folder that holds the scenes"]
    total = sum(below.values())
    where = ", ".join(f"{count} scene{'s' * (count > 1)} in {path}" for path, count in below.items())
    return [f"{where} {'are' if total > 1 else 'is'} not looked at: mount that folder"]


def _scenes_below(folder: Path) -> dict[Path, int]:
    """How many scenes lie in each folder below, links not followed; as far as MAX_SEEN and MAX_FOLDERS go."""
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


def pad_multiple(scenes: list[Scene], tile: int) -> int:
    """What scenes are padded to for an engine that prepares for each shape: COARSE where there are many.

    scenes: all of the folder, so that a mask does not depend on which of them are left to do.
    """
    shapes = {scene.padded_shape for scene in scenes if not scene.error and max(scene.shape) <= tile}
    return COARSE if len(shapes) > MAX_SHAPES else STRIDE


def _by_shape(scene: Scene) -> tuple:
    coarse = tuple(padded(side, COARSE) for side in scene.shape)
    return coarse, scene.padded_shape, scene.name


def batches(scenes: list[Scene], tile: int, batch: int | None, gpu: bool) -> list[list[Scene]]:
    """Neighbours of one padded shape, as many as go through the network at once (batch, or what suits).

    A scene that is larger than a tile runs alone.
    """
    grouped = []
    for shape, members in groupby(scenes, key=lambda scene: scene.padded_shape):
        same = list(members)
        size = 1 if max(shape) > tile else batch or batch_size(shape, gpu)
        grouped += [same[i : i + size] for i in range(0, len(same), size)]
    return grouped


def _is_scene_file(entry: os.DirEntry) -> bool:
    if not entry.name.lower().endswith(SUFFIXES):
        return False
    try:
        return not entry.is_dir()
    except OSError:  # a link that leads to itself: no folder, and _look_at says what is wrong
        return True


def _look_at(path: Path, limits: Limits) -> Scene:
    mask_name = path.name[: path.name.rindex(".")] + ".png"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe would wait for ever
            return Scene(path, mask_name, error="not a regular file")
        header = read_header(path)
        return Scene(path, mask_name, header, _beyond(limits, header))
    except PermissionError as error:
        return Scene(path, mask_name, error=f"{error.strerror} for user {os.geteuid()}, chmod a+r it")
    except OSError as error:
        return Scene(path, mask_name, error=error.strerror)
    except HeaderError as error:
        return Scene(path, mask_name, error=str(error))


def _beyond(limits: Limits, header: Header) -> str | None:
    pixels = header.height * header.width
    if pixels > limits.pixels:
        return f"{pixels} pixels, more than --max-pixels {limits.pixels}"
    if header.bytes > limits.bytes:
        return f"{header.bytes} bytes of samples, more than --max-bytes {limits.bytes}"
    return None


def _give_each_mask_one_owner(scenes: list[Scene]) -> list[Scene]:
    owners: dict[str, str] = {}
    owned = []
    for scene in scenes:
        owner = owners.setdefault(scene.mask_name, scene.name)
        if owner != scene.name:
            scene = replace(scene, error=f"its mask {scene.mask_name} belongs to {owner}", owns_mask=False)
        owned.append(scene)
    return owned
