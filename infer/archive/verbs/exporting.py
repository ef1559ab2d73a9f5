"""export: the polygons of a run, or those in a box, as one file that others read."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infer.archive.record.identity import read_run
from infer.archive.record.receipts import read_receipts
from infer.archive.store import Place
from infer.archive.verbs.arguments import ArchiveArguments, Box
from infer.archive.verbs.places import DONE, run_place
from infer.errors import MissingError, UsageError
from infer.process.text import in_short
from infer.write.vectors.layer import Layer

COLUMNS = ("scene", "area_m2", "area_px", "geometry", "bbox")


def export(arguments: ArchiveArguments) -> int:
    """Write the polygons of all units that are done."""
    own, run = arguments.own, run_place(arguments)
    if not read_run(run).vector:
        raise UsageError(f"{run} has no polygons", ": plan a run with {vector}")
    to: Path = own.to.absolute()
    try:
        with tempfile.TemporaryDirectory() as folder, Layer(Path(folder), own.form, to) as layer:
            for key in _keys(run):
                _add(layer, run, key, own.bbox)
            layer.finish()
            count = layer.count
    except OSError as error:
        reason = f"cannot write {to}: {error.strerror or error}"
        raise UsageError(reason, ": give another with {to}", to) from error
    if not own.quiet:
        print(f"{count} polygons in {to}", flush=True)
    return DONE


def _keys(run: Place) -> Iterator[str]:
    return (receipt["vectors"] for receipt in read_receipts(run) if receipt.get("vectors"))


def _add(layer: Layer, run: Place, key: str, box: Box | None) -> None:
    """Add the polygons of a unit, all or those whose own box meets the one that is asked for."""
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(io.BytesIO(run.read(key)), columns=list(COLUMNS))
    except MissingError:
        reason = f"{run} has lost {key}"
        raise UsageError(reason, ": have its unit done again with verify, then run") from None
    except pyarrow.ArrowException as error:
        reason = f"{run}/{key} cannot be read: {in_short(error)}"
        raise UsageError(reason, ": have its unit done again, then run") from error
    if box:
        table = table.filter(_meets(table["bbox"], box))
    table = table.drop_columns(["bbox"])
    scenes = table["scene"].combine_chunks()
    for scene in scenes.unique().to_pylist():
        layer.add_batches(scene, _of_scene(table, scene))


def _of_scene(table: Any, scene: str) -> Iterator[Any]:
    import pyarrow.compute as pc

    yield from (batch for batch in table.filter(pc.equal(table["scene"], scene)).to_batches() if len(batch))


def _meets(bbox: Any, box: Box) -> Any:
    """Return for each polygon whether its box meets one of the parts of the box."""
    import pyarrow.compute as pc

    sides = {side: pc.struct_field(bbox, side) for side in ("xmin", "ymin", "xmax", "ymax")}
    found = None
    for part in box.parts:
        across = pc.and_(pc.less_equal(sides["xmin"], part.east), pc.greater_equal(sides["xmax"], part.west))
        along = pc.and_(pc.less_equal(sides["ymin"], part.north), pc.greater_equal(sides["ymax"], part.south))
        both = pc.and_(across, along)
        found = both if found is None else pc.or_(found, both)
    return found
