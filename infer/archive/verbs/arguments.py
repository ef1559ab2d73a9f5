"""The arguments of `./run.sh archive`: its own, and those of the job that change a mask."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, NoReturn

from infer.archive.record.identity import ArchiveRun
from infer.archive.record.manifest import PER_UNIT
from infer.archive.units.work import Shard
from infer.archive.wire.facts import DEGRADED, FAILED, MapperSettings
from infer.errors import UsageError
from infer.settings import GEOJSON, GEOPARQUET, GEOTIFF, GPKG, Settings
from infer.settings import parse as parse_job

STORE_SECONDS = 600.0
MIN_PAUSE, MAX_PAUSE = 0.1, 86_400  # seconds between two looks at a run that is watched
JOB_FLAGS = (
    "weights", "device", "engine", "tile", "overlap", "batch", "threshold", "format", "nodata",
    "max_pixels", "max_bytes",
)  # fmt: skip
# Where an array job says which of its members this is, and how many there are if it says that.
ARRAYS = (
    ("JOB_COMPLETION_INDEX", ""),  # Kubernetes
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT"),
    ("AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"),
)


class Box(NamedTuple):
    """Degrees of longitude and latitude; west is greater than east where it crosses 180 degrees."""

    west: float
    south: float
    east: float
    north: float

    @property
    def parts(self) -> list[Box]:
        """One box, or the two on either side of 180 degrees."""
        if self.west <= self.east:
            return [self]
        return [self._replace(east=180.0), self._replace(west=-180.0)]


class ArchiveArguments(NamedTuple):
    """own: of the verb; job: those of the job; given: names of the settings among them that were named."""

    own: argparse.Namespace
    job: Settings
    given: frozenset[str]

    def settings(self, run: ArchiveRun | None = None) -> MapperSettings:
        """Return what masks are made with: what was named, else what the run has, else the defaults."""
        values = {name: getattr(self.job, name) for name in JOB_FLAGS}
        if run:
            planned = {name: getattr(run, name) for name in JOB_FLAGS if hasattr(run, name)}
            planned["weights"] = self.job.weights  # the run has their hash
            planned["engine"] = self.job.engine  # of a GPU; the run has that which was chosen
            planned["nodata"] = run.nodata if run.format == GEOTIFF else None
            values |= {name: value for name, value in planned.items() if name not in self.given}
        return MapperSettings(**values)


def parse(argv: list[str] | None = None) -> ArchiveArguments:
    """Return the arguments of a command line; raises UsageError for a wrong call."""
    own = _parser().parse_args(_with_boxes_joined(sys.argv[1:] if argv is None else argv))
    named = {name: value for name in JOB_FLAGS if (value := getattr(own, name, None)) is not None}
    flags = [part for name, value in {"format": GEOTIFF, **named}.items() for part in (_flag(name), value)]
    return ArchiveArguments(own, parse_job(flags), frozenset(named))


def _with_boxes_joined(argv: list[str]) -> list[str]:
    """Join --bbox and its box: argparse takes what begins with a minus for a flag."""
    joined: list[str] = []
    for text in argv:
        if joined and joined[-1] == "--bbox":
            joined[-1] = f"--bbox={text}"
        else:
            joined.append(text)
    return joined


def _flag(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def shard_of(text: str, environment: Mapping[str, str] = os.environ) -> Shard:
    """Return the shard that "I/N" names, I from 0, or "auto", "auto/N" by the variables of an array job.

    Raises ValueError where it names none.
    """
    index, _, count = text.partition("/")
    if index == "auto":
        found = [(environment[i], environment.get(n)) for i, n in ARRAYS if environment.get(i)]
        if not found:
            raise ValueError("no array job says here which of its members this is: give I/N")
        index, known = found[0]
        count = count or known or ""
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise ValueError(f"must be I/N with I from 0 to N - 1, auto or auto/N, not {text!r}")
    return Shard(int(index), int(count))


class _ArchiveParser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message} (see --help)")


def _shard(text: str) -> Shard:
    try:
        return shard_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _states(text: str) -> frozenset[str]:
    states = frozenset(text.split(","))
    if not states <= {DEGRADED, FAILED}:
        raise argparse.ArgumentTypeError(f"must be {DEGRADED}, {FAILED} or both with a comma, not {text!r}")
    return states


def _named(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def _box(text: str) -> Box:
    try:
        box = Box(*map(float, text.split(",")))
    except (TypeError, ValueError):
        box = Box(0, 1, 0, 0)
    if not (-180 <= box.west <= 180 and -180 <= box.east <= 180 and -90 <= box.south <= box.north <= 90):
        raise argparse.ArgumentTypeError(f"must be W,S,E,N in degrees, not {text!r}")
    return box


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, not {text!r}")
    return int(text)


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, not {text!r}")
    return number


def _pause(text: str) -> float:
    seconds = _amount(text)
    if not MIN_PAUSE <= seconds <= MAX_PAUSE:  # each status asks the store for lists, which may cost money
        raise argparse.ArgumentTypeError(f"must lie between {MIN_PAUSE} and {MAX_PAUSE} seconds, not {text}")
    return seconds


def place_url(text: str) -> str:
    """Return a URL as it is, a path as an absolute one; raises UsageError for nothing at all."""
    if not text:
        raise UsageError("a place is empty", ": give a folder or a URL")
    return text if "://" in text else str(Path(text).absolute())


def _parser() -> argparse.ArgumentParser:
    parser = _ArchiveParser(
        prog="archive",
        allow_abbrev=False,
        description="Map the scenes of a folder or an object store, unit by unit, none of them twice.",
        epilog="Places are folders, s3://, gs:// or az:// URLs. Exit code: 0 every scene has a mask, 2 wrong "
        "call, 4 a scene has none, 7 a store does not answer, 130 and 143 stopped.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, what in (
        ("plan", "freeze which scenes a run has, and what its masks depend on"),
        ("run", "make the masks that are not there yet; with a SOURCE plan the run first"),
        ("status", "say how far a run is"),
        ("retry", "have units done again that hold scenes of a state; then run"),
        ("verify", "compare the masks in the store with their receipts"),
        ("map", "draw a run as one HTML page, which opens from disk"),
        ("export", "write the polygons of a run as one file"),
    ):
        verb = verbs.add_parser(name, help=what, description=what, allow_abbrev=False)
        add = verb.add_argument
        if name in ("plan", "run"):
            _add_planning(verb, name == "plan")
        add("--output", required=True, metavar="RUN", help="where masks and receipts go")
        waits = "for so long a store that does not answer is waited for (%(default)g)"
        add("--store-timeout", type=_amount, default=STORE_SECONDS, metavar="SECONDS", help=waits)
        if name == "run":
            part = "of N machines the one of number I, from 0; auto: as an array job says"
            add("--shard", type=_shard, default=Shard(), metavar="I/N", help=part)
            workers = "workers on Ray, one for each machine or GPU; without an address on this machine"
            add("--workers", type=_positive, default=None, metavar="N", help=workers)
            add("--no-pictures", dest="pictures", action="store_false", help="make none for the map")
            add("--quiet", action="store_true", help="no progress")
        if name == "retry":
            states = f"{DEGRADED}, {FAILED} or both with a comma ({FAILED})"
            add("--status", type=_states, default=frozenset({FAILED}), metavar="STATE", help=states)
        if name == "verify":
            add("--sizes-only", action="store_true", help="do not read the masks")
            add("--redo", action="store_true", help="let the next run do the units of wrong masks again")
        if name == "map":
            add("--to", type=Path, required=True, metavar="FILE", help="the page, a local file")
        if name == "export":
            add("--to", type=Path, required=True, metavar="FILE", help="a local file")
            forms, box = (GPKG, GEOPARQUET, GEOJSON), "of longitudes and latitudes that polygons must touch"
            add("--format", dest="form", choices=forms, required=True, help="of the file")
            add("--bbox", type=_box, default=None, metavar="W,S,E,N", help=box)
            add("--quiet", action="store_true", help="no line at the end")
        if name == "status":
            price, watch = "of one worker, for the cost", "until the run is done, every so often (%(const)g)"
            add("--price-per-hour", type=_amount, default=None, metavar="X", help=price)
            add("--watch", type=_pause, nargs="?", const=10.0, metavar="SECONDS", help=watch)
            add("--json", action="store_true", help="print JSON")
    return parser


def _add_planning(verb: argparse.ArgumentParser, must_have_source: bool) -> None:
    """Add what a run is planned by, and who computes."""
    add = verb.add_argument
    optional = None if must_have_source else "?"
    where = "a folder or prefix with scenes, or a .parquet that lists them: key, etag, size, or STAC"
    add("source", metavar="SOURCE", nargs=optional, help=where)
    add("--base", default=None, metavar="PLACE", help="of a list's keys (the list's own folder)")
    add("--asset", default=None, metavar="NAME", help="of a STAC list's items (the first TIFF)")
    scenes = "scenes that are done together (%(default)s)"
    for flag in JOB_FLAGS:  # their values are the job's to judge
        add(_flag(flag), dest=flag, metavar="X", help="as of infer; fixed by the plan")
    vector = "also the ice as polygons, a GeoParquet for each unit; fixed by the plan"
    add("--vector", action="store_true", help=vector)
    stac = "also STAC items, a stac-geoparquet for each unit; fixed by the plan"
    add("--stac", action="store_true", help=stac)
    add("--unit-scenes", type=_positive, default=PER_UNIT, metavar="N", help=scenes)
    cluster = "of a Ray cluster whose workers compute: auto, HOST:PORT, ray://HOST:PORT"
    add("--address", type=_named, default=None, metavar="ADDRESS", help=cluster)
    gpus = "GPUs of a worker on Ray, 0.25 for four on one (%(default)g)"
    add("--gpus-per-worker", type=_amount, default=0.0, metavar="F", help=gpus)
    verb.set_defaults(workers=None)
