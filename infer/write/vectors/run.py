"""The polygons of a run, drawn from the masks that lie in its output folder at the end."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from infer.plan.scenes import Readable
from infer.process.limits import cpus
from infer.process.text import in_short
from infer.write.form import MaskForm
from infer.write.geotiff.georeference import read_georeference
from infer.write.vectors.ground import ToCrs
from infer.write.vectors.layer import Layer
from infer.write.vectors.placing import placing_of
from infer.write.vectors.polygons import ice_polygons


@dataclass(frozen=True)
class PolygonsDrawn:
    """path: the file; count: of its polygons; without_coordinates: scenes that are not in it.

    error: why polygons are missing, None where none are.
    """

    path: Path
    count: int
    without_coordinates: int
    error: str | None


def draw_run(scenes: Iterable[Readable], output: Path, form: MaskForm, vector: str) -> PolygonsDrawn:
    """Write the polygons of scenes whose masks stand in the folder, in the vector form, as one file."""
    errors: list[str] = []
    with Layer(output, vector) as layer:
        with ThreadPoolExecutor(cpus(), "polygons") as pool:
            errors += filter(None, pool.map(partial(_add, layer, output, form), scenes))
        try:
            layer.finish()
        except OSError as error:
            errors.append(f"cannot write {layer.path.name}: {error.strerror or error}")
        more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
        error_line = errors[0] + more if errors else None
        return PolygonsDrawn(layer.path, layer.count, layer.without_coordinates, error_line)


def _add(layer: Layer, output: Path, form: MaskForm, scene: Readable) -> str | None:
    """Add the polygons of one scene; return why that could not be done."""
    try:
        place, _ = read_georeference(scene.path, scene.header)
        crs: object
        to_crs: ToCrs | object
        crs, to_crs = placing_of(place)
        with form.open_rows(output / scene.mask_name, scene.shape) as mask:
            layer.add(scene.name, ice_polygons(mask, crs, to_crs))
    except Exception as error:  # GDAL, PROJ and GEOS have many kinds, and other scenes have polygons, too
        return f"{scene.name}: no polygons: {in_short(error)}"
    return None
