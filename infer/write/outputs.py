"""What a run writes for each scene, by its settings."""

from __future__ import annotations

from infer.settings import DEFAULT_NODATA, GEOTIFF, Settings
from infer.write.form import MaskForm, PngForm


def form_of(settings: Settings) -> MaskForm:
    """Return the form of the masks; raises UsageError where a package is missing that it needs."""
    if settings.format != GEOTIFF:
        return PngForm()
    from infer.write.geotiff.form import GeoTiffForm  # its packages are not in every image

    return GeoTiffForm(DEFAULT_NODATA if settings.nodata is None else settings.nodata)
