"""status, retry, verify and map: they read what a run has written, and load no network."""

from __future__ import annotations

import json
import time
from datetime import datetime, timezone

from infer.archive.map.write import MapFacts, write_map
from infer.archive.record.checks import bad_files, redo
from infer.archive.record.identity import read_run
from infer.archive.record.manifest import planned_of
from infer.archive.record.receipts import drop, glance_at_receipts, read_receipts
from infer.archive.record.status import Progressed, lines_of
from infer.archive.verbs.arguments import ArchiveArguments
from infer.archive.verbs.places import DONE, FAILED_SCENES, run_place
from infer.errors import UsageError
from infer.process.progress import say, tell
from infer.write.messages import MAX_LINES


def status(arguments: ArchiveArguments) -> int:
    """Print how far a run is; again and again where it is watched, JSON then on one line each time."""
    own, run = arguments.own, run_place(arguments)
    while True:
        progressed = Progressed.of(glance_at_receipts(run), planned_of(run))
        facts, indent = progressed.facts(own.price_per_hour), None if own.watch is not None else 1
        heard = say(json.dumps(facts, indent=indent) if own.json else "\n".join(lines_of(facts)))
        if own.watch is None or progressed.is_done or not heard:
            return DONE
        time.sleep(own.watch)
        if not own.json:
            say("")


def retry(arguments: ArchiveArguments) -> int:
    """Have units done again; the next run makes them."""
    run = run_place(arguments)
    planned_of(run)
    units = redo(run, read_receipts(run), arguments.own.status)
    tell(f"archive: {units} units are to be done again: archive run --output {run}")
    return DONE


def verify(arguments: ArchiveArguments) -> int:
    """Name the files that are not those of their receipts."""
    own, run = arguments.own, run_place(arguments)
    planned_of(run)
    bad = list(bad_files(run, read_receipts(run), own.sizes_only))
    for mask in bad[:MAX_LINES]:
        tell(f"archive: {mask.key}: {mask.why}")
    if len(bad) > MAX_LINES:
        tell(f"archive: and {len(bad) - MAX_LINES} more")
    if own.redo:
        drop(run, sorted({mask.unit for mask in bad}))
    say(f"{len(bad)} wrong files" + (", whose units are to be done again" if own.redo and bad else ""))
    return FAILED_SCENES if bad else DONE


def map_page(arguments: ArchiveArguments) -> int:
    """Draw what the receipts say as a page."""
    own, run = arguments.own, run_place(arguments)
    facts, planned = read_run(run), planned_of(run)
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    about = MapFacts(now, run.url, facts.source, facts.weights, facts.code)
    entries = (entry for receipt in read_receipts(run) for entry in receipt["scenes"])
    try:
        write_map(entries, planned.scenes, own.to, f"Sea ice: {run.url}", about)
    except OSError as error:
        reason = f"cannot write the map {own.to}: {error.strerror or error}"
        raise UsageError(reason, ": give another with {to}", own.to) from error
    return DONE
