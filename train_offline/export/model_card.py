"""The line of a model card that names the weights file it speaks of."""

from __future__ import annotations

import os
import re
from pathlib import Path

from infer.errors import UsageError

NAME = "MODEL_CARD.md"
_LINE = re.compile(r"^([ \t]*sha256[ \t]+)[0-9a-f]{64}(?=[ \t]*$)", re.MULTILINE)


def read_card(path: Path) -> str:
    """The text of a card that has the line; raises UsageError for any other file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"--card {path}: cannot be read: {reason}") from error
    if len(_LINE.findall(text)) != 1:
        raise UsageError(f"--card {path}: needs one line `sha256` with 64 hexadecimal digits; add it first")
    return text


def write_card(path: Path, text: str, sha256: str) -> None:
    """Put the digest into the line and the text in the place of the card; raises OSError."""
    partial = path.with_name(f".{path.name}.part")
    partial.write_text(_LINE.sub(rf"\g<1>{sha256}", text), encoding="utf-8")
    partial.chmod(path.stat().st_mode)
    os.replace(partial, path)
