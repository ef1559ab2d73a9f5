"""One training crop: where in a scene it lies, and its pixels, resampled, padded and augmented."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from infer.network.padding import reflect
from train_offline.data.crops import augment
from train_offline.data.crops.tiling import tile_corners
from train_offline.data.folder import IGNORED, LabelledScene
from train_offline.runtime.arguments import COUNT, SHARE
from train_offline.runtime.options import option

AUGMENTATIONS = ("none", "gaofen2021", "geometry", "jitter", "strong")
SAMPLINGS = ("tiles", "weighted")
TRIES = 8  # places that are looked at for ice


@dataclass(frozen=True)
class CropSettings:
    """size: side of a crop in pixels. scale: the range of resampling factors, drawn log-uniformly.

    augmentation: "none"; "gaofen2021" = a flip and a turn, each for half of the crops; "geometry" = scale,
    flips and turns; "jitter" = flips, turns and slightly other colours, at the scene's own scale; "strong" =
    scale, flips, turns and new colours for the share `recolour` of the crops; the others keep the network in
    touch with the colours as they are. rescale: likewise the share of the crops that get another scale.
    sampling: "weighted" = sources by weight, scenes by size, any place; "tiles" = every tile of every scene
    in turn, at its own scale. ice_crops: share of the weighted crops that must hold ice. mix: share of the
    crops that get a part of another one.
    """

    size: int = option(256, "side of a crop or tile in pixels", key="crop", type=COUNT, metavar="N")
    scale: tuple[float, float] = (0.5, 2.0)
    augmentation: str = option("strong", "changes of the crops", key="augment", choices=AUGMENTATIONS)
    recolour: float = option(1.0, "share of crops that strong recolours", type=SHARE, metavar="F")
    rescale: float = option(1.0, "share of crops that strong and geometry rescale", type=SHARE, metavar="F")
    sampling: str = option(
        "weighted", "every tile in turn, or crops at random places by weight", choices=SAMPLINGS
    )
    ice_crops: float = option(0.0, "share of crops that must hold ice", type=SHARE, metavar="F")
    mix: float = option(0.0, "share of crops with a part of another one (CutMix)", type=SHARE, metavar="F")


class Window(NamedTuple):
    """A square of a scene in pixels; it may reach beyond the lower and right border."""

    top: int
    left: int
    side: int


def draw_crop(
    scene: LabelledScene, settings: CropSettings, rng: np.random.Generator, with_ice: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a window of the scene, resample it to size x size (labels by nearest neighbour), augment it.

    A scene too small for the drawn scale is enlarged as far as the largest scale allows; what is still
    missing is padded as the network pads, by reflection, with label 255. `with_ice`: another window is drawn
    while there is no ice in it, a few times at most.

    Returns image uint8 [size, size, 3] and label uint8 [size, size].
    """
    window = _draw_window(scene, settings, rng)
    for _ in range(TRIES if with_ice else 0):
        if _holds_ice(scene, window):
            break
        window = _draw_window(scene, settings, rng)
    return crop_at(scene, window, settings, rng)


def crop_at(
    scene: LabelledScene, window: Window, settings: CropSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the crop of a given window; shapes as for draw_crop."""
    size, (top, left, side) = settings.size, window
    image = scene.image[top : top + side, left : left + side]
    label = scene.label[top : top + side, left : left + side]
    image, label = _pad(image, label, side)
    if side != size:
        how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
        image = cv2.resize(image, (size, size), interpolation=how)
        label = cv2.resize(label, (size, size), interpolation=cv2.INTER_NEAREST_EXACT)
    if settings.augmentation == "gaofen2021":
        image, label = augment.flip_or_turn(image, label, rng)
    elif settings.augmentation != "none":
        image, label = augment.turn(image, label, rng)
    if settings.augmentation == "jitter":
        image = augment.jitter(image, rng)
    if settings.augmentation == "strong" and rng.random() < settings.recolour:
        image = augment.randomise(image, rng)
    return np.array(image), np.array(label)  # copies: nothing a caller does may reach the scene in memory


def tiles_of(scene: LabelledScene, side: int) -> list[Window]:
    """Return the windows of `side` pixels that cover a scene, row by row, as `tiling` lays them."""
    height, width = scene.label.shape
    return [Window(top, left, side) for top, left in tile_corners((height, width), side)]


def mixed(
    crop: tuple[np.ndarray, np.ndarray], other: tuple[np.ndarray, np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Put a rectangle of the other crop with its labels into this one (CutMix: Yun et al. 2019, 1905.04899).

    The rectangle covers up to half of the crop, so that most of it stays in its own surroundings.
    """
    (image, label), size = crop, crop[1].shape[0]
    area, slimness = rng.uniform(0.05, 0.5), np.exp(rng.uniform(-0.7, 0.7))
    height = min(size, max(1, round(size * np.sqrt(area * slimness))))
    width = min(size, max(1, round(size * np.sqrt(area / slimness))))
    top, left = (int(rng.integers(size - side + 1)) for side in (height, width))
    box = np.s_[top : top + height, left : left + width]
    image[box], label[box] = other[0][box], other[1][box]
    return image, label


def _draw_window(scene: LabelledScene, settings: CropSettings, rng: np.random.Generator) -> Window:
    low, high = settings.scale
    as_it_is = settings.augmentation in ("none", "gaofen2021", "jitter")
    if as_it_is or (settings.rescale < 1 and rng.random() >= settings.rescale):
        low = high = 1.0
    smaller_side = min(scene.label.shape)
    scale = max(np.exp(rng.uniform(np.log(low), np.log(high))), min(high, settings.size / smaller_side))
    side = round(settings.size / scale)
    top, left = (int(rng.integers(max(0, length - side) + 1)) for length in scene.label.shape)
    return Window(top, left, side)


def _holds_ice(scene: LabelledScene, window: Window) -> bool:
    top, left, side = window
    return bool((scene.label[top : top + side, left : left + side] == 1).any())


def _pad(image: np.ndarray, label: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """Pad below and to the right to window x window, where one side is shorter: reflected, ignored."""
    height, width = label.shape
    if min(height, width) < window:
        image = image[np.ix_(reflect(0, window, height), reflect(0, window, width))]
        label = np.pad(label, ((0, window - height), (0, window - width)), constant_values=IGNORED)
    return image, label
