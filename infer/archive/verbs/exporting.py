"""export: the polygons of a run, or those in a box, as one file that others read."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infer.archive.record.identity import read_run
from infer.archive.record.receipts import read_receipts
from infer.archive.store import Place
from infer.archive.verbs.arguments import ArchiveArguments, Box
from infer.archive.verbs.places import DONE, run_place
from infer.errors import MissingError, UsageError
from infer.process.files import drop_scratch, scratch_folder
from infer.process.progress import say
from infer.process.signals import leave_on_signals
from infer.process.text import in_short, one_line
from infer.write.vectors.draft import discard_drafts
from infer.write.vectors.layer import Layer

COLUMNS = ("scene", "area_m2", "area_px", "geometry", "bbox")


def export(arguments: ArchiveArguments) -> int:
    """Write the polygons of all units that are done."""
    own, run = arguments.own, run_place(arguments)
    if not read_run(run).vector:
        raise UsageError(f"{run} has no polygons", ": plan a run with {vector}")
    to: Path = own.to.absolute()
    scratch = scratch_folder("sea-ice-archive")

    def clean_up() -> None:
        discard_drafts()
        drop_scratch(scratch)

    leave_on_signals("archive: stopped: nothing was exported", clean_up)
    try:
        count = _export(run, scratch, to, own.form, own.bbox)
    finally:
        clean_up()
    if not own.quiet:
        say(f"{count} polygons in {one_line(str(to))}")
    return DONE


def _export(run: Place, scratch: Path, to: Path, form: str, box: Box | None) -> int:
    """Write the file and return the number of its polygons."""
    with Layer(scratch, form, to) as layer:
        for receipt in read_receipts(run):
            if extra := receipt.get("vectors"):
                table = _table(run, extra["key"], box)
                try:
                    _add(layer, table)
                except OSError as error:
                    reason = f"the temporary folder {scratch} takes no more: {error.strerror or error}"
                    raise UsageError(reason, ": make room there, or set TMPDIR to another") from error
        try:
            layer.finish()
        except OSError as error:
            reason = f"cannot write {to}: {error.strerror or error}"
            raise UsageError(reason, ": give another with {to}", to) from error
        return layer.count


def _table(run: Place, key: str, box: Box | None) -> Any:
    """Return the polygons of a unit, all or those whose own box meets the one that is asked for."""
    import pyarrow
    import pyarrow.parquet

    anew = ": have its unit made anew with verify and its redo, then run"
    try:
        table = pyarrow.parquet.read_table(io.BytesIO(run.read(key)), columns=list(COLUMNS))
    except MissingError:
        raise UsageError(f"{run} has lost {key}", anew) from None
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{run}/{key} cannot be read: {in_short(error)}", anew) from error
    if box:
        table = table.filter(_meets(table["bbox"], box))
    return table.drop_columns(["bbox"])


def _add(layer: Layer, table: Any) -> None:
    """Add the polygons of a unit, scene by scene; raises OSError of the temporary folder."""
    for scene in table["scene"].combine_chunks().unique().to_pylist():
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
