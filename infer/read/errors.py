"""What goes wrong while a scene is read."""

from __future__ import annotations


class DecodeError(Exception):
    """A scene cannot be decoded; the message says why."""
