"""The archive's packages, imported only when asked for: `infer` starts without them."""

from __future__ import annotations

from types import ModuleType

from infer.errors import UsageError


def pystac() -> ModuleType:
    """Return pystac; raises UsageError where the image or the environment is without it."""
    try:
        import pystac
    except ImportError:
        raise _missing() from None
    return pystac


def stac_arrow() -> ModuleType:
    """Return stac_geoparquet.arrow; raises UsageError where it is missing."""
    try:
        import stac_geoparquet.arrow
    except ImportError:
        raise _missing() from None
    return stac_geoparquet.arrow


def _missing() -> UsageError:
    return UsageError('STAC needs the packages of the image\'s target "archive" (or .venv: ./run.sh setup)')
