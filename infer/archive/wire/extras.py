"""What is drawn and told of a scene beside its mask, once that stands: polygons of its ice, and its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from infer.archive.wire.facts import FAILED, OK, LocalScene, Mapped
from infer.plan.scenes import Readable, Scene
from infer.process.files import whole_file
from infer.process.text import in_short
from infer.write.form import MaskForm

if TYPE_CHECKING:
    from infer.write.geotiff.georeference import Georeference

NO_PLACE = "it has no coordinates, and so no polygons"


def with_extras(mapped: Mapped, form: MaskForm, local: LocalScene, scene: Scene) -> Mapped:
    """Return it with what was asked for of a scene whose mask stands; what cannot be had is noted.

    Nothing here may cost the mask: whatever is raised becomes a note.
    """
    if not (local.polygons or local.placed) or mapped.status == FAILED or not isinstance(scene, Readable):
        return mapped
    from infer.write.geotiff.georeference import read_georeference

    place, _ = read_georeference(scene.path, scene.header)
    if local.placed:
        mapped = _told(mapped, scene, place)
    if local.polygons and mapped.status == OK:
        mapped = _drawn(mapped, form, local, scene, place)
    return mapped


def _drawn(mapped: Mapped, form: MaskForm, local: LocalScene, scene: Readable, place: Georeference) -> Mapped:
    """Write the polygons of a scene's ice as an Arrow stream."""
    import pyarrow

    from infer.write.vectors.layer import batches_of
    from infer.write.vectors.placing import placing_of
    from infer.write.vectors.polygons import ice_polygons

    assert local.polygons
    try:
        crs, to_crs = placing_of(place)
        if to_crs is None:
            return _noted(mapped, NO_PLACE)
        with form.open_rows(local.mask, scene.shape) as mask:
            polygons = ice_polygons(mask, crs, to_crs)
        batches = list(batches_of(local.key, polygons))
        with whole_file(local.polygons) as draft, open(draft, "wb") as file:
            if batches:
                with pyarrow.ipc.new_stream(file, batches[0].schema) as stream:
                    for batch in batches:
                        stream.write_batch(batch)
    except Exception as error:  # GDAL, PROJ and GEOS have many kinds
        return _noted(mapped, f"no polygons: {in_short(error)}")
    area = None if polygons.area_m2 is None else float(polygons.area_m2.sum())
    return replace(mapped, has_polygons=bool(batches), ice_m2=area if area == area else None)


def _told(mapped: Mapped, scene: Readable, place: Georeference) -> Mapped:
    try:
        return replace(mapped, place=place_facts(scene, place))
    except Exception as error:  # GDAL, PROJ and GEOS have many kinds
        return _noted(mapped, f"nothing can be told of its place: {in_short(error)}")


def place_facts(scene: Readable, place: Georeference) -> dict[str, Any]:
    """Return where a scene lies and when it was taken, as JSON's own types: see archive.stac's ScenePlace."""
    import numpy as np
    import shapely

    from infer.write.geotiff.gdal import environment, load_rasterio
    from infer.write.vectors.placing import placing_of
    from infer.write.vectors.polygons import located

    rasterio = load_rasterio()
    with environment(rasterio), rasterio.open(scene.path.absolute()) as image:
        told: dict[str, Any] = {"footprint": None, "tag": image.tags().get("TIFFTAG_DATETIME")}
    crs, to_crs = placing_of(place)
    if to_crs is None:
        return told
    height, width = scene.shape
    frame = np.array([shapely.box(0, 0, width, height)], object)
    outline = located(frame, scene.shape, crs, to_crs).wgs84
    if outline is not None and outline[0] is not None:
        told["footprint"] = shapely.geometry.mapping(outline[0])
    if place.transform is not None and place.crs is not None:
        corners = [place.transform @ corner for corner in ((0, 0), (width, 0), (0, height), (width, height))]
        xs, ys = zip(*corners, strict=True)
        told["transform"] = list(place.transform)[:6]
        told["bounds"] = [min(xs), min(ys), max(xs), max(ys)]
        told |= _named(place.crs)
    return told


def _named(crs: Any) -> dict[str, str]:
    from pyproj import CRS

    known = CRS.from_user_input(crs.to_wkt())
    authority = known.to_authority()
    return {"code": ":".join(authority)} if authority else {"wkt2": known.to_wkt()}


def _noted(mapped: Mapped, note: str) -> Mapped:
    return replace(mapped, notes=(*mapped.notes, note))
