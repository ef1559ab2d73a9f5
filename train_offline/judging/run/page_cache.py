"""Empties the page cache, so that a run starts as on a machine that has just booted."""

from __future__ import annotations

import os
from pathlib import Path

DROP = Path("/proc/sys/vm/drop_caches")


def drop_page_cache() -> str | None:
    """Write back and drop all clean pages; returns the reason where that is not allowed, else None."""
    os.sync()
    try:
        DROP.write_text("1\n")
    except OSError as error:
        return f"the page cache was not dropped ({error.strerror}): only root may, so the disk was warm"
    return None
