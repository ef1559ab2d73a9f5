"""GDAL, as rasterio gives it: asked for only where masks with coordinates are, and kept silent."""

from __future__ import annotations

import importlib
import logging
import warnings
from contextlib import AbstractContextManager
from typing import Any

from infer.errors import UsageError

CACHE = 64 * 2**20  # bytes of blocks that GDAL keeps; by default it takes a twentieth of the machine's memory
# A scene has hundreds of neighbours: looked for by name, files beside it cost no listing of the whole folder.
OPTIONS = {"GDAL_CACHEMAX": CACHE, "GDAL_DISABLE_READDIR_ON_OPEN": "YES", "GDAL_NUM_THREADS": "1"}


def load_rasterio() -> Any:
    """Return rasterio, its complaints silenced: we make our own; raises UsageError where it is missing."""
    try:
        rasterio = importlib.import_module("rasterio")
        errors = importlib.import_module("rasterio.errors")
        for part in ("control", "crs", "io", "rpc", "shutil", "transform", "warp"):
            importlib.import_module(f"rasterio.{part}")
    except ImportError:
        reason = 'GeoTIFF masks need the packages of the image\'s target "archive"'
        raise UsageError(reason, " (or .venv: ./run.sh setup)") from None
    logging.getLogger("rasterio").setLevel(logging.CRITICAL + 1)
    warnings.filterwarnings("ignore", category=errors.NotGeoreferencedWarning)
    return rasterio


def environment(rasterio: Any) -> AbstractContextManager[Any]:
    """Return GDAL's settings for what a thread does within a `with` block."""
    surroundings: AbstractContextManager[Any] = rasterio.Env(**OPTIONS)
    return surroundings
