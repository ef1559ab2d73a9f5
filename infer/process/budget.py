"""How much may wait between threads, counted in bytes: one large scene or many small ones."""

from __future__ import annotations

import threading


class Budget:
    """Lets things be held as long as they have no more than `limit` bytes together, and always one."""

    def __init__(self, limit: int) -> None:
        self._limit, self._held = limit, 0
        self._changed = threading.Condition()

    def take(self, size: int, seconds: float | None = None) -> bool:
        """Wait until there is room for `size` bytes and take it; False where `seconds` pass before."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: not self._held or self._held + size <= self._limit, seconds
            ):
                return False
            self._held += size
            return True

    def give_back(self, size: int) -> None:
        """Return what was taken."""
        with self._changed:
            self._held -= size
            self._changed.notify_all()
