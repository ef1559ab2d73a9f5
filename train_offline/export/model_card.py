"""The line of a model card that names the weights file it speaks of."""

from __future__ import annotations

import re
from pathlib import Path

from infer.errors import FileError
from train_offline.runtime.files import whole_file

NAME = "MODEL_CARD.md"
_LINE = re.compile(r"^([ \t]*sha256[ \t]+)[0-9a-f]{64}(?=[ \t]*$)", re.MULTILINE)


def read_card(path: Path) -> str:
    """Read a card that has the line; raises FileError for any other file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FileError(path, f"cannot be read: {reason}", kind="unreadable", setting="card") from error
    if len(_LINE.findall(text)) != 1:
        reason = "needs one line `sha256` with 64 hexadecimal digits"
        raise FileError(path, reason, "; add it first", kind="form", setting="card")
    return text


def write_card(path: Path, text: str, sha256: str) -> None:
    """Put the digest into the line and the text in the place of the card; raises OSError."""
    with whole_file(path) as draft:
        draft.write_text(_LINE.sub(rf"\g<1>{sha256}", text), encoding="utf-8")
        draft.chmod(path.stat().st_mode)
