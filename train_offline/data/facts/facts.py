"""What the rules need to know of a scene without its pixels; kept beside decoded scenes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from train_offline.data.facts.similar import Signature


@dataclass(frozen=True)
class Remark:
    """Something odd that a scene can be used with all the same.

    part: "image", "label" or "ignore", the file of the scene that it is about. fix: what to do about it.
    """

    part: str
    what: str
    fix: str


@dataclass(frozen=True)
class Facts:
    """One scene file.

    size: (height, width). ice, counted: pixels of ice, and all pixels that are not ignored.
    """

    name: str
    size: tuple[int, int]
    ice: int
    counted: int
    signature: Signature
    remarks: tuple[Remark, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values, as from_json takes them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Facts:
        """Make them from plain values; raises ValueError, TypeError or KeyError where these are others."""
        height, width = values["size"]
        remarks = tuple(Remark(**one) for one in values["remarks"])
        looks = Signature(**values["signature"])
        return cls(values["name"], (height, width), values["ice"], values["counted"], looks, remarks)
