"""The look of one scene: colours and rendering, drawn wide so that a network cannot lean on any of them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

Colour = np.ndarray  # float32 [3], RGB on 0..255


@dataclass(frozen=True)
class Palette:
    """Colours of the surfaces before atmosphere and sensor."""

    clear: Colour  # clear deep water
    shoal: Colour  # water over a shallow bed
    silt: Colour  # water full of sediment
    thin: Colour  # nilas, thin grey ice
    thick: Colour  # old, snow-covered ice
    plain: Colour  # lowland
    field: Colour  # the other tone of the lowland
    rock: Colour  # mountains in the sun
    shade: Colour  # mountains in the shadow, forest
    snow: Colour
    salt: Colour  # salt ponds, bright sand
    cloud: Colour


def _palette(*rgb: tuple[int, int, int]) -> Palette:
    return Palette(*(np.array(c, np.float32) for c in rgb))


# Written after the mean colours that are published for the target scenes (dark), after one MODIS scene of
# Liaodong Bay (green), and after the usual look of true-colour products (the others).
def _families() -> dict[str, Palette]:
    return {
        "dark": _palette(
            (15, 16, 11), (24, 24, 14), (46, 36, 19), (28, 26, 15), (72, 64, 40), (66, 44, 24),
            (52, 35, 19), (50, 31, 16), (20, 13, 7), (126, 112, 84), (148, 120, 80), (146, 138, 120),
        ),
        "green": _palette(
            (5, 56, 28), (10, 74, 38), (62, 104, 46), (42, 106, 54), (168, 172, 106), (214, 190, 124),
            (186, 142, 70), (186, 130, 54), (104, 44, 18), (236, 236, 200), (250, 244, 200), (240, 242, 226),
        ),
        "blue": _palette(
            (18, 28, 46), (34, 58, 72), (118, 110, 86), (74, 86, 96), (222, 226, 228), (136, 116, 90),
            (110, 98, 72), (116, 96, 76), (52, 46, 40), (240, 242, 246), (226, 222, 208), (246, 247, 249),
        ),
        "grey": _palette(
            (44, 60, 62), (58, 76, 72), (112, 102, 76), (72, 78, 76), (158, 160, 152), (116, 102, 82),
            (98, 90, 68), (94, 80, 64), (48, 42, 34), (196, 198, 196), (190, 182, 164), (216, 218, 218),
        ),
        "brown": _palette(
            (92, 86, 66), (104, 98, 72), (154, 132, 96), (62, 64, 58), (192, 184, 162), (142, 116, 84),
            (122, 100, 70), (120, 92, 66), (64, 48, 34), (220, 216, 206), (216, 202, 172), (232, 230, 224),
        ),
    }  # fmt: skip


FAMILY_WEIGHTS = {"dark": 0.42, "green": 0.17, "blue": 0.13, "grey": 0.16, "brown": 0.12}
STYLES = tuple(FAMILY_WEIGHTS)


@dataclass(frozen=True)
class Style:
    """One scene's palette and the rendering that all its surfaces share."""

    name: str
    palette: Palette
    thin_contrast: float  # how far thin ice stands out from water, 0 is not at all
    relief: float  # strength of the shading of mountains
    grain: float  # strength of fine texture
    least_contrast: float = 0.16  # of thin ice, as a share of the water's brightness
    exposure: float = 1.0  # of the whole scene


def draw_style(rng: np.random.Generator, name: str | None = None) -> Style:
    """Draw a style; `name`, one of STYLES, fixes the family. Raises ValueError for another name."""
    if name is not None and name not in FAMILY_WEIGHTS:
        raise ValueError(f"unknown style {name!r}: choose one of {', '.join(STYLES)}")
    chosen = name or str(rng.choice(STYLES, p=list(FAMILY_WEIGHTS.values())))
    families = _families()
    palette = families[chosen]
    if chosen != "dark" and rng.random() < 0.5:
        other = families[str(rng.choice([s for s in STYLES if s not in ("dark", chosen)]))]
        palette = _mix(palette, other, float(rng.uniform(0.1, 0.5)))
    return Style(
        name=chosen,
        palette=_jitter(rng, palette),
        thin_contrast=float(rng.uniform(0.75, 1.5)),
        relief=float(rng.uniform(0.35, 1.2)),
        grain=float(rng.uniform(0.5, 1.6)),
    )


def make_bleak(rng: np.random.Generator, style: Style) -> Style:
    """Return the style of a bleak day: thin ice that hardly differs from its water but by texture.

    Snow on the ice is grey, turbid water has the colour of thin ice, and scenes differ in exposure.
    """
    palette = style.palette
    thick = _between(palette.thin, palette.thick, float(rng.uniform(0.15, 1.0)))
    silt = _between(palette.silt, palette.thin, float(rng.uniform(0.0, 0.7)))
    return replace(
        style,
        palette=replace(palette, thick=thick, silt=silt),
        thin_contrast=float(rng.uniform(0.1, 0.9)),
        least_contrast=float(rng.uniform(0.03, 0.14)),
        grain=float(rng.uniform(1.1, 2.6)),
        exposure=float(np.exp(rng.uniform(np.log(0.7), np.log(1.9)))),
    )


def _mix(one: Palette, other: Palette, share: float) -> Palette:
    names = [item.name for item in fields(one)]
    return replace(one, **{name: _between(getattr(one, name), getattr(other, name), share) for name in names})


def _between(one: Colour, other: Colour, share: float) -> Colour:
    return ((1 - share) * one + share * other).astype(np.float32)


def _jitter(rng: np.random.Generator, palette: Palette) -> Palette:
    """Change gain, tint, saturation and contrast of all, and by less every colour by itself."""
    gain = np.exp(rng.normal(0, 0.18)) * np.exp(rng.normal(0, 0.045, 3))
    saturation, gamma = rng.uniform(0.7, 1.25), rng.uniform(0.9, 1.2)
    changed = {}
    for item in fields(palette):
        white = item.name in ("thick", "snow", "salt", "cloud")  # snow and cloud are white everywhere
        spread = (0.06, 0.02) if white else (0.11, 0.05)
        own_gain, own_tint = np.exp(rng.normal(0, spread[0])), np.exp(rng.normal(0, spread[1], 3))
        colour = getattr(palette, item.name) * own_gain * own_tint
        grey = colour.mean()
        colour = np.clip(grey + (colour - grey) * saturation, 0, 262)
        changed[item.name] = (255 * (colour / 255) ** gamma * gain).astype(np.float32)
    return Palette(**changed)
