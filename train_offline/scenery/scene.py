"""One scene from a seed: image and exact mask."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from train_offline.scenery.lookalikes.clouds import draw_small_clouds, draw_smoke, draw_thin_cloud
from train_offline.scenery.lookalikes.farmed_valley import draw_valley
from train_offline.scenery.lookalikes.vegetation import draw_farmland, draw_forest
from train_offline.scenery.noise import Array, distance_to
from train_offline.scenery.optics.atmosphere import draw_cloud, draw_haze
from train_offline.scenery.optics.sensor import break_lines, draw_gaps, expose
from train_offline.scenery.style import Style, draw_style, make_bleak
from train_offline.scenery.surfaces.ice import draw_ice
from train_offline.scenery.surfaces.land import draw_coast, draw_land, draw_snow
from train_offline.scenery.surfaces.real_coast import Coast, lay_coast
from train_offline.scenery.surfaces.rivers_and_towns import draw_lakes, draw_ponds, draw_rivers, draw_towns
from train_offline.scenery.surfaces.textures import Textures, lay_ground, lay_ice
from train_offline.scenery.surfaces.water import draw_tidal_flats, draw_water

MIN_SIDE, MAX_SIDE = 64, 2048
TRAINING_ICE_SHARE = 0.6  # more than the challenge's quarter: an empty scene teaches less about the ice edge
ATTEMPTS = 6
LAND_LOOKALIKES = ((0.65, draw_forest), (0.4, draw_farmland), (0.3, draw_valley))  # with their chances
SMALL_CLOUDS, CLOUDS = 0.3, 0.35  # chances of a sky to hold them, with lookalikes: cumulus looks like floes
THIN_CLOUD, MUD = 0.35, 0.5  # chances of a bleak scene to hold them
REAL = 0.5  # chance of a surface to get a real texture, and of a coast to be real, where there are any


@dataclass(frozen=True)
class DrawnScene:
    """image: uint8 [H, W, 3] RGB. mask: uint8 [H, W], 255 is ice and 0 everything else."""

    image: Array
    mask: Array


@dataclass(frozen=True)
class Extras:
    """What the Bohai Sea does not show.

    textures: surfaces of real scenes, for half of the ice and of the grounds. coasts: real ones, for half of
    the scenes, which have their land and water as they are. lookalikes: forest, farmland, valleys, smoke and
    clouds in many of the scenes. bleak: thin ice that only its texture shows, turbid water in its colour,
    tidal mud, thin cloud, any exposure.
    """

    textures: Textures = field(default_factory=Textures)
    coasts: tuple[Coast, ...] = ()
    lookalikes: bool = False
    bleak: bool = False


def make_scene(
    seed: int,
    height: int,
    width: int,
    *,
    ice: bool | None = None,
    style: str | Style | None = None,
    extras: Extras | None = None,
) -> DrawnScene:
    """Draw a Bohai-like scene, the same for the same arguments in every process.

    seed: any integer from 0. height, width: pixels, 64 to 2048; a larger scene shows a larger area.
    ice: True and at least 0.5 % of the pixels are ice; False and none is; None and chance decides. style:
    one of style.STYLES, a style of your own, or None for any. extras: what to draw beside the Bohai Sea's
    own; but for coasts the masks change only where ice lies under those clouds. Raises ValueError for
    another size or style.
    """
    if not (MIN_SIDE <= height <= MAX_SIDE and MIN_SIDE <= width <= MAX_SIDE):
        raise ValueError(
            f"cannot draw a scene of {height}x{width}: sizes go from {MIN_SIDE} to {MAX_SIDE} pixels"
        )
    root = np.random.default_rng([seed, height, width])
    wanted = bool(root.random() < TRAINING_ICE_SHARE) if ice is None else ice
    extras = extras or Extras()
    *attempts, last = root.spawn(ATTEMPTS)
    for rng in attempts:
        scene = _draw(rng, height, width, wanted, style, extras, plain=False)
        if not wanted or np.count_nonzero(scene.mask) >= 0.005 * scene.mask.size:
            return scene
    return _draw(last, height, width, wanted, style, extras, plain=True)


def _draw(
    rng: np.random.Generator,
    height: int,
    width: int,
    ice: bool,
    wanted: str | Style | None,
    extras: Extras,
    plain: bool,
) -> DrawnScene:
    """Make one attempt. Each subject has its own random stream: changing one leaves the others as they were.

    plain: without anything that may hide the ice.
    """
    streams = iter(rng.spawn(16))
    # After the 16 above, so that scenes without extras stay what they were.
    real, wild, bleak = rng.spawn(3)
    looks = next(streams)
    style = wanted if isinstance(wanted, Style) else draw_style(looks, wanted)
    land = draw_coast(next(streams), (height, width), _land_share(next(streams), ice))
    ground, sea, ice_rng, veil = next(streams), next(streams), next(streams), next(streams)
    on_coast = bool(extras.coasts) and not plain and bleak.random() < REAL
    if on_coast:
        image, land, style = lay_coast(bleak, extras.coasts, (height, width), style)
    if extras.bleak:
        style = make_bleak(bleak, style)
    if not on_coast:
        image = _draw_sea(sea, land, style, bleak if extras.bleak else None)
    label = draw_ice(ice_rng, image, land, style) if ice and not land.all() else np.zeros_like(land)
    if extras.textures.ice and label.any() and real.random() < REAL:
        lay_ice(real, image, label, extras.textures.ice)
    if land.any() and not on_coast:
        surface = _draw_ground(ground, land, style, real, extras.textures)
        for chance, draw in LAND_LOOKALIKES if extras.lookalikes else ():
            if wild.random() < chance:
                draw(wild, surface, land, style)
        image[land] = surface[land]
    hidden = np.zeros((height, width), bool)
    if not plain:
        hidden = _draw_sky(veil, image, style, ice)
    if extras.bleak and not plain and bleak.random() < THIN_CLOUD:
        draw_thin_cloud(bleak, image, style)
    if extras.lookalikes and not plain:
        hidden |= _draw_lookalikes(wild, image, land, style)
    pixels = expose(next(streams), image if style.exposure == 1 else image * np.float32(style.exposure))
    if not plain:
        hidden |= _draw_faults(next(streams), pixels)
    mask = _blocky(next(streams), label & ~hidden) & ~land & ~hidden
    return DrawnScene(pixels, mask.astype(np.uint8) * 255)


def _draw_sea(rng: np.random.Generator, land: Array, style: Style, mud: np.random.Generator | None) -> Array:
    """Draw the water, float32 [H, W, 3], with more tidal flats where there is a generator for them."""
    if land.all():
        return np.zeros((*land.shape, 3), np.float32)
    image = draw_water(rng, land, style)
    if mud is not None and land.any() and mud.random() < MUD:
        draw_tidal_flats(mud, image, distance_to(land), style)
    return image


def _land_share(rng: np.random.Generator, ice: bool) -> float:
    """Draw the share of land. Scenes without ice are often land or sea only; with ice they keep some sea."""
    draw = rng.random()
    if ice:
        return 0.0 if draw < 0.25 else float(rng.beta(1.2, 1.6) * 0.85)
    if draw < 0.2:
        return 0.0
    return 1.0 if draw < 0.4 else float(rng.beta(1.0, 1.0))


def _draw_ground(
    rng: np.random.Generator, land: Array, style: Style, real: np.random.Generator, textures: Textures
) -> Array:
    image = draw_land(rng, land, style)
    if textures.ground and real.random() < REAL:
        image = lay_ground(real, image, textures.ground)
    if rng.random() < 0.5:
        draw_towns(rng, image, land, style)
    if rng.random() < 0.35:
        draw_snow(rng, image, land, style)
    if rng.random() < 0.5:
        draw_lakes(rng, image, land, style)
    if rng.random() < 0.6:
        draw_ponds(rng, image, land, style)
    if rng.random() < 0.7:
        draw_rivers(rng, image, land, style)
    return image


def _draw_sky(rng: np.random.Generator, image: Array, style: Style, ice: bool) -> Array:
    """Draw haze and cloud in place; returns what they hide, bool [H, W]."""
    if rng.random() < 0.35:
        draw_haze(rng, image, style)
    if rng.random() < (0.2 if ice else 0.28):
        return draw_cloud(rng, image, style)
    return np.zeros(image.shape[:2], bool)


def _draw_lookalikes(rng: np.random.Generator, image: Array, land: Array, style: Style) -> Array:
    """Draw smoke and clouds in place; returns what the clouds hide, bool [H, W]."""
    if land.any() and rng.random() < 0.35:
        draw_smoke(rng, image, style)
    kind = rng.random()
    if kind < SMALL_CLOUDS:
        return draw_small_clouds(rng, image, style)
    if kind < SMALL_CLOUDS + CLOUDS:
        return draw_cloud(rng, image, style)
    return np.zeros(image.shape[:2], bool)


def _draw_faults(rng: np.random.Generator, pixels: Array) -> Array:
    """Break parts in place (target: about 37 broken scenes in 1,500); returns them, bool [H, W]."""
    lost = np.zeros(pixels.shape[:2], bool)
    if rng.random() < 0.12:
        lost |= draw_gaps(rng, pixels)
    if rng.random() < 0.025:
        lost |= break_lines(rng, pixels)
    return lost


def _blocky(rng: np.random.Generator, label: Array) -> Array:
    """Draw the label on blocks of 2 to 4 pixels by majority, as hand-made labels are: bool [H, W]."""
    block = int(rng.integers(2, 5))
    height, width = label.shape
    rows, cols = -(-height // block), -(-width // block)
    padded = np.pad(label, ((0, rows * block - height), (0, cols * block - width)), mode="edge")
    share = cv2.resize(padded.astype(np.float32), (cols, rows), interpolation=cv2.INTER_AREA)
    coarse = (share > 0.5).astype(np.uint8)
    fine = cv2.resize(coarse, (cols * block, rows * block), interpolation=cv2.INTER_NEAREST)
    return fine[:height, :width] > 0
