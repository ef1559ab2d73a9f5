"""Whether this is the submission image, and not a checkout."""

from __future__ import annotations

from pathlib import Path

MARK = Path(__file__).resolve().parents[2] / ".image"  # a file and no variable: callers have those in hand


def in_image() -> bool:
    """Tell whether the file is there that only the Dockerfile makes."""
    return MARK.exists()
