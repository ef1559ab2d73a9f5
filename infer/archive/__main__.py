"""`./run.sh archive VERB`: plan, run and status; one line for every mistake."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from infer.archive.arguments import ArchiveArguments, parse, place_url
from infer.archive.child import Child
from infer.archive.record.identity import ArchiveRun, code_version, create_run, read_run, require_same
from infer.archive.record.manifest import Unit, plan, planned_of, read_units
from infer.archive.record.receipts import done_units, read_receipts
from infer.archive.record.status import Progressed, lines_of
from infer.archive.store import Place, open_place
from infer.archive.unit import Entry, Yard
from infer.archive.wire.facts import FAILED, OK, MapperSettings
from infer.archive.work import Work, left
from infer.errors import StoreDownError, UsageError
from infer.network.architecture import STRIDE
from infer.process.environment import prepare_environment
from infer.process.progress import Progress, tell
from infer.process.signals import leave_on_signals
from infer.write.geotiff.gdal import load_rasterio
from infer.write.messages import Told
from infer.write.outputs import form_of

DONE, WRONG_CALL, FAILED_SCENES, STORE_DOWN = 0, 2, 4, 7
STOPPED = "archive: stopped: what has a receipt is done; the same call makes the rest"


def main(argv: list[str] | None = None) -> int:
    """Do what the arguments ask for and return the exit code."""
    try:
        arguments = parse(argv)
        prepare_environment()
        verbs: dict[str, Callable[[ArchiveArguments], int]] = {"plan": _plan, "run": _run, "status": _status}
        return verbs[arguments.own.verb](arguments)
    except UsageError as error:
        tell(f"archive: {error}")
        return WRONG_CALL
    except StoreDownError as error:
        tell(f"archive: {error}")
        return STORE_DOWN


def _plan(arguments: ArchiveArguments) -> int:
    """Freeze which scenes a run has and what its masks depend on."""
    own = arguments.own
    source, run = _opened(own.source, own.store_timeout), _opened(own.output, own.store_timeout)
    _check(source, run)
    with Child(arguments.settings()) as child:
        identity = _identity(child, arguments.settings(), source)
    if not create_run(run, identity):
        require_same(run, identity)
    planned = plan(source.list(), source, run, own.unit_scenes)
    refused = f"; {planned.refused} get no mask" if planned.refused else ""
    tell(f"archive: {planned.scenes} scenes in {planned.units} units{refused}")
    return DONE


def _check(source: Place, run: Place) -> None:
    """Find what is wrong with the places before anything is written."""
    if "://" not in source.url and not Path(source.url).is_dir():
        raise UsageError(f"no folder {source}", ": give the folder or prefix that holds the scenes")
    if f"{run.url}/".startswith(f"{source.url}/"):
        reason = f"{run} lies in {source}: its masks would be taken for scenes"
        raise UsageError(reason, ": give another with {output}")
    source.check()
    run.check()


def _identity(child: Child, settings: MapperSettings, source: Place) -> ArchiveRun:
    """Return what masks made here depend on."""
    ready, job = child.start(), settings.job()
    return ArchiveRun(
        weights=ready.weights_sha256,
        code=code_version(),
        gdal=load_rasterio().__gdal_version__,
        device=ready.device,
        engine=ready.engine,
        precision=ready.precision,
        tile=job.tile,
        overlap=job.overlap,
        multiple=STRIDE,
        format=job.format,
        nodata=form_of(job).nodata,
        max_pixels=job.max_pixels,
        max_bytes=job.max_bytes,
        source=source.url,
        nonce=uuid.uuid4().hex,
        created=time.time(),
    )


def _run(arguments: ArchiveArguments) -> int:
    """Make the masks that have no receipt yet; with a source plan the run first."""
    own = arguments.own
    if own.source:
        _plan(arguments)
    run = _opened(own.output, own.store_timeout)
    facts, planned = read_run(run), planned_of(run)
    source, settings = _opened(facts.source, own.store_timeout), arguments.settings(facts)
    with Child(settings) as child:
        require_same(run, _identity(child, settings, source))
        units = list(left(read_units(run, planned), done_units(run), own.shard))
        return _work(Yard(source, run, form_of(settings.job()).suffix), child, units, own.quiet)


def _work(yard: Yard, child: Child, units: list[Unit], quiet: bool) -> int:
    root = Path(tempfile.mkdtemp(prefix="sea-ice-archive-"))
    clean_up = partial(_remove, root)
    leave_on_signals(STOPPED, clean_up)
    failed = 0
    try:
        with Progress(sum(len(unit.scenes) for unit in units), quiet) as progress:
            told = Told(progress, lambda _: None)

            def ended(entries: list[Entry]) -> None:
                nonlocal failed
                for entry in entries:
                    failed += entry["status"] == FAILED
                    if entry["status"] == OK:
                        progress.update(1)
                    else:
                        told.degraded(f"archive: {entry['key']}: {entry['status']}: {entry['error']}")

            Work(yard, child, root, progress.say, ended).all(units)
            told.say_how_many_more()
    finally:
        clean_up()
    return FAILED_SCENES if failed else DONE


def _remove(root: Path) -> None:
    """Remove a folder that threads may still write to: under another name they find it no more."""
    gone = root.with_name(f"{root.name}.gone")
    with suppress(OSError):
        root.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def _status(arguments: ArchiveArguments) -> int:
    """Print how far a run is."""
    own = arguments.own
    run = _opened(own.output, own.store_timeout)
    facts = Progressed.of(read_receipts(run), planned_of(run)).facts(own.price_per_hour)
    print(json.dumps(facts, indent=1) if own.json else "\n".join(lines_of(facts)))
    return DONE


def _opened(url: str, timeout_s: float) -> Place:
    return open_place(place_url(url), timeout_s, tell)


if __name__ == "__main__":
    leave_on_signals(STOPPED, lambda: None)
    sys.exit(main())
