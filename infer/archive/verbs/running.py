"""run: makes the masks that have no receipt yet; with a source it plans the run first."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from threading import Lock

from infer.archive.record.identity import read_run, require_same
from infer.archive.record.manifest import Unit, planned_of, read_units
from infer.archive.record.receipts import done_units
from infer.archive.units.unit import Entry, Yard
from infer.archive.units.work import left
from infer.archive.verbs.arguments import ArchiveArguments
from infer.archive.verbs.hands import STOPPED, Ended, Hands, Say, hands_of
from infer.archive.verbs.places import DONE, FAILED_SCENES, opened, run_place
from infer.archive.verbs.planning import checked, freeze, identity_of
from infer.archive.verbs.sources import source_of
from infer.archive.verbs.stac import item_facts
from infer.archive.wire.facts import DEGRADED, FAILED, OK
from infer.process.progress import Progress, say
from infer.write.messages import Told
from infer.write.outputs import form_of

__all__ = ["STOPPED", "run"]


def run(arguments: ArchiveArguments) -> int:
    """Make the masks of a run that are not there yet."""
    if arguments.own.source:
        with source_of(arguments) as source:
            place = checked(arguments, source)
            with hands_of(arguments, arguments.settings()) as hands:  # the run's, or freeze refuses them
                freeze(arguments, source, place, hands.ready)
                return _run(arguments, hands)
    place = run_place(arguments)
    facts = read_run(place)
    planned_of(place)  # before anything starts
    with hands_of(arguments, arguments.settings(facts)) as hands:
        return _run(arguments, hands)


def _run(arguments: ArchiveArguments, hands: Hands) -> int:
    own, place = arguments.own, run_place(arguments)
    facts, planned = read_run(place), planned_of(place)
    source, settings = opened(arguments, facts.source), arguments.settings(facts)
    require_same(place, identity_of(settings, source, hands.ready, facts.vector, facts.stac))
    units = list(left(read_units(place, planned), done_units(place), own.shard))
    random.shuffle(units)  # machines that start together should not all want the same one
    suffix, stac = form_of(settings.job()).suffix, item_facts(place, facts) if facts.stac else None
    yard = Yard(source, place, suffix, own.pictures, facts.vector, stac)
    return _work(units, own.quiet, partial(hands.work, yard, units))


def _work(units: list[Unit], quiet: bool, work: Callable[[Say, Ended], None]) -> int:
    """Have units worked through, with what a user sees of it."""
    counts: Counter[str] = Counter()
    with Progress(sum(len(unit.scenes) for unit in units), quiet) as progress:
        told, lock = Told(progress, lambda _: None, "the map names them all"), Lock()

        def ended(entries: list[Entry]) -> None:
            with lock:
                counts.update(entry["status"] for entry in entries)
                for entry in entries:
                    if entry["status"] == OK:
                        progress.update(1)
                    else:
                        told.degraded(f"archive: {entry['key']}: {entry['status']}: {entry['error']}")

        work(progress.say, ended)
        told.say_how_many_more()
    if not quiet:
        states = ", ".join(f"{counts[state]} {state}" for state in (OK, DEGRADED, FAILED))
        say(f"{counts.total()} scenes in {len(units)} units: {states}")
    return FAILED_SCENES if counts[FAILED] else DONE
