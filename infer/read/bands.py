"""Which of a page's bands are its colours and which is alpha: by what is declared, else by their order.

The roles that GDAL's metadata declare (COLORINTERP) come first, then ExtraSamples, then TIFF 6.0's order.
Where three or more bands have no such roles, the first three are taken for red, green and blue.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

UNSTATED, WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = -1, 0, 1, 2, 3, 5, 6
ALPHA_KINDS = (1, 2, 999)  # of ExtraSamples: associated, unassociated, and unassociated as Corel has it
_FIRST_ROLES = {
    RGB: ("red", "green", "blue"),
    YCBCR: ("red", "green", "blue"),  # RGB by the time that roles matter
    PALETTE: ("palette",),
    CMYK: ("cyan", "magenta", "yellow", "black"),
}
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_ITEM = re.compile(r"<Item\b([^>]*)>([^<]*)</Item>")
_SAMPLE = re.compile(r"""\bsample\s*=\s*["'](\d{1,5})["']""")
_ROLE = re.compile(r"""\brole\s*=\s*["']colorinterp["']""", re.IGNORECASE)


@dataclass(frozen=True)
class Bands:
    """photometric: TIFF's code number, never UNSTATED. colours: indices of one band, three or four, in order.

    alpha: index of a band, None for none. left_out: how many bands are neither.
    """

    photometric: int
    colours: tuple[int, ...]
    alpha: int | None
    left_out: int


def bands_of(photometric: int, samples: int, extra: Sequence[int], declared: Mapping[int, str]) -> Bands:
    """Bands of a page of so many samples; extra: TIFF's ExtraSamples; declared: roles in lower case by band.

    The number of colours may be less than the photometric needs: there are no more bands.
    """
    roles = _roles(photometric, samples, extra)
    fixed = len(_FIRST_ROLES[photometric]) if photometric in (PALETTE, CMYK, YCBCR) else 0
    declared = {band: role for band, role in declared.items() if fixed <= band < samples}
    roles.update(declared)
    alpha = next((band for band in range(samples) if roles.get(band) == "alpha"), None)
    others = [band for band in range(samples) if band != alpha]
    if photometric == UNSTATED:
        photometric = RGB if len(others) >= 3 else BLACK_IS_ZERO
    if photometric == RGB and len(others) < 3:  # as declared
        photometric = BLACK_IS_ZERO
    if photometric == WHITE_IS_ZERO and {"gray", "red", "green", "blue"} & set(declared.values()):
        photometric = BLACK_IS_ZERO  # what has a colour of its own needs no table of inverted ones
    colours = _colours(photometric, others, roles, declared)
    return Bands(photometric, colours, alpha, max(0, len(others) - len(colours)))


def declared_roles(metadata: str) -> dict[int, str]:
    """Roles of bands in lower case, out of GDAL's metadata (TIFF tag 42112)."""
    roles = {}
    for attributes, role in _ITEM.findall(_COMMENT.sub("", metadata)):
        sample = _SAMPLE.search(attributes)
        if sample and _ROLE.search(attributes):
            roles[int(sample[1])] = role.lower()
    return roles


def _roles(photometric: int, samples: int, extra: Sequence[int]) -> dict[int, str]:
    first = _FIRST_ROLES.get(photometric, ("grey",))
    roles = dict(enumerate(first[:samples]))
    # Behind the colours, as libtiff has it; where too many are listed, the last bands.
    start = min(len(first), samples - len(extra))
    for band, kind in enumerate(extra, start):
        if band >= len(first) and kind in ALPHA_KINDS:
            roles[band] = "alpha"
    return roles


def _colours(
    photometric: int, others: list[int], roles: Mapping[int, str], declared: Mapping[int, str]
) -> tuple[int, ...]:
    if photometric == PALETTE:
        return tuple(others[:1])
    if photometric == CMYK:
        return tuple(others[:4])
    by_role = {role: band for band, role in reversed(list(roles.items()))}  # the first of each role
    named = [by_role[role] for role in ("red", "green", "blue") if role in by_role]
    if len(named) == 3:
        return tuple(named)
    grey = [band for band in others if declared.get(band) == "gray"]
    if grey and photometric not in (RGB, YCBCR):
        return (grey[0],)
    return tuple(others[:3]) if len(others) >= 3 or photometric in (RGB, YCBCR) else tuple(others[:1])
