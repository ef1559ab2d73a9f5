"""Text that goes to a terminal or into a report: one line, of a length that can be read."""

from __future__ import annotations

MAX_LENGTH = 200  # characters of what another library says


def one_line(message: str) -> str:
    """Escape what could forge another line or steer a terminal, say in a file name."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in message)


def first_line(text: object) -> str:
    """Return the first line of a text, or of what an exception says."""
    return (str(text).strip().splitlines() or [""])[0]


def in_short(error: BaseException, max_length: int = MAX_LENGTH) -> str:
    """Return what an exception of another library says in one line; its type's name where that is nothing."""
    text = " ".join(str(error).split())
    return (text if len(text) <= max_length else f"{text[:max_length]} …") or type(error).__name__
