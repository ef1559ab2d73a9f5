"""Which scene a file is of, by its name."""

from __future__ import annotations

import re

# `12_3` is tile 3 of scene `12`, `12` is scene `12`; more digits are a date, as in `bohai_20210103`
SCENE_NAME = r"(.+?)(?:_\d{1,5})?"


def scene_of(name: str, pattern: str = SCENE_NAME) -> str:
    """Return the scene that a file belongs to by its name: group 1 of the pattern, else all of it."""
    match = re.fullmatch(pattern, name)
    return (match[1] if match else None) or name
