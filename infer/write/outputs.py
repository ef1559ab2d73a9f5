"""What a run writes beside its report, by its settings: masks of a form, and polygons."""

from __future__ import annotations

from infer.plan.scenes import Scene, readable
from infer.process.progress import tell
from infer.settings import DEFAULT_NODATA, GEOTIFF, PNG, Settings
from infer.write.form import MaskForm, PngForm
from infer.write.report import RunReport


def form_of(settings: Settings) -> MaskForm:
    """Return the form of the masks.

    Raises UsageError where packages are missing that it needs, or the polygons that are to be drawn.
    """
    if settings.vector:
        from infer.write.geotiff.gdal import load_rasterio
        from infer.write.vectors.polygons import check_packages

        check_packages()
        load_rasterio()
    if settings.format == PNG:
        return PngForm()
    assert settings.format == GEOTIFF, settings.format
    from infer.write.geotiff.form import GeoTiffForm  # its packages are not in every image

    return GeoTiffForm(DEFAULT_NODATA if settings.nodata is None else settings.nodata)


def draw_polygons(report: RunReport, scenes: list[Scene], settings: Settings, form: MaskForm) -> None:
    """Write the polygons that the settings ask for, of the scenes whose masks say where ice is."""
    if not settings.vector:
        return
    from infer.write.vectors.run import draw_run

    drawn_from = {scene.name for scene in report.scenes if scene.status in ("ok", "kept")}
    some = [scene for scene in readable(scenes) if scene.name in drawn_from]
    drawn = draw_run(some, settings.output, form, settings.vector)
    report.polygons, report.polygons_error = drawn.count, drawn.error
    if drawn.without_coordinates:
        count = drawn.without_coordinates
        have = "scene has" if count == 1 else "scenes have"
        tell(f"infer: {count} {have} no coordinates and no polygons in {drawn.path.name}")
