"""`./run.sh bench`: our job and its peers as whole processes, taking turns on the same scenes and weights.

Writes results.csv and results.png into the output folder and prints how many times our seconds each peer
takes. The peers' packages are installed on first use, into the work folder. `--crossover` is a bench of its
own.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infer.errors import FileError
from tests.bench.growth import crossover
from tests.bench.harness import table
from tests.bench.harness.contestants import (
    ANYWHERE,
    CONTESTANTS,
    OURS,
    Contestant,
    apart,
    environment,
    peers_packages,
)
from tests.bench.harness.measure import Failed, TimedRun, agreement, fresh, medians, run, score
from tests.bench.harness.scenarios import SCENARIOS, make
from tests.helpers.support import REPO
from train_offline.data.folder import pairs_in
from train_offline.judging.cases import Case, mask_sizes
from train_offline.judging.report.environment import environment as machine
from train_offline.runtime import program as command
from train_offline.runtime.arguments import COUNT

HERE = REPO / "tests" / "bench"
QUICK = (("one", 3), ("split", 1))
QUICK_PEERS = ("ours", "onnxruntime")
MAX_WHOLE = 4096  # pixels of a side that a contestant which cannot cut is given


@dataclass(frozen=True)
class BenchSettings:
    """repeat: timed runs of each contestant, after one that warms the disk. installed: the peers get
    what this Python has.
    """

    scenario: Sequence[str]
    contestant: Sequence[str]
    repeat: int
    work: Path
    output: Path
    quick: bool
    installed: bool


def make_parser() -> command.Parser:
    """The arguments of the bench."""
    parser = command.Parser(prog="bench", allow_abbrev=False, description=(__doc__ or "").split("\n\n")[0])
    add = parser.add_argument
    add("--scenario", action="append", choices=SCENARIOS, help="repeatable (one and split)")
    add(
        "--contestant",
        action="append",
        choices=[c.name for c in CONTESTANTS],
        help="repeatable (those that run anywhere)",
    )
    add("--repeat", type=COUNT, default=3, metavar="N", help="timed runs (%(default)s)")
    add("--work", type=Path, default=REPO / "runs" / "bench", metavar="DIR", help="scenes, models, packages")
    add("--output", type=Path, default=HERE, metavar="DIR", help="for results.csv and .png (%(default)s)")
    add("--quick", action="store_true", help="minutes: the ratios beside those of the committed results.csv")
    add("--installed", action="store_true", help="peers with the packages that this Python has")
    add("--crossover", action="store_true", help="instead, our job on CPU and GPU; see --crossover --help")
    return parser


def parse(parser: command.Parser, argv: list[str] | None) -> BenchSettings:
    """Settings of a command line; scenarios and contestants that it does not name are the usual ones."""
    given = vars(parser.parse_args(argv))
    given["scenario"] = given["scenario"] or ["one", "split"]
    given["contestant"] = given["contestant"] or [c.name for c in ANYWHERE]
    del given["crossover"]
    return BenchSettings(**given)


def bench(settings: BenchSettings) -> int:
    """All scenarios; returns the exit code."""
    packages = None if settings.installed else peers_packages(settings.work)
    models = settings.work / "models"
    apart(packages, "models", models, make("split", settings.work))
    plan = QUICK if settings.quick else [(name, settings.repeat) for name in settings.scenario]
    wanted = QUICK_PEERS if settings.quick else settings.contestant
    chosen = [c for c in CONTESTANTS if c.name in wanted]
    rows: list[dict[str, Any]] = []
    for name, repeat in plan:
        rows += scenario(name, chosen, models, settings.work, repeat, packages)
    if settings.quick:
        print("\n".join(["now:", *table.ratios(rows, OURS.name)]))
        committed = [row for row in table.read(HERE / "results.csv") if row["contestant"] in QUICK_PEERS]
        committed = [row for row in committed if row["scenario"] in dict(QUICK)]
        print("\n".join(["committed:", *table.ratios(committed, OURS.name)]))
        return 0
    table.write(settings.output / "results.csv", rows)
    table.plot(rows, settings.output / "results.png")
    print("\n".join(table.ratios(rows, OURS.name)))
    return 0


def scenario(
    name: str,
    contestants: Sequence[Contestant],
    models: Path,
    work: Path,
    repeat: int,
    packages: Path | None,
) -> list[dict[str, Any]]:
    """A row for each contestant, who take turns so that a noisy machine disturbs all alike."""
    data = make(name, work)
    sizes = [mask_sizes(Case(pair.image))[0] for pair in pairs_in(data)]
    reference = work / "reference" / name
    apart(packages, "reference", data, models, reference)
    masks = {c.name: work / "masks" / name / c.name.replace(" ", "-") for c in contestants}
    notes = {c.name: "" for c in contestants}
    for c in contestants:
        if c.whole_scenes and max(map(max, sizes)) > MAX_WHOLE:
            notes[c.name] = "takes whole scenes only"
    runs: dict[str, list[TimedRun]] = {c.name: [] for c in contestants}
    for turn in range(repeat + 1):
        for c in contestants:
            if notes[c.name]:
                continue
            line = c.command(data / "image", fresh(masks[c.name]), models)
            try:
                took = run(line, environment(None if c.ours else packages))
            except Failed as failure:
                notes[c.name] = str(failure)
                continue
            print(f"bench: {name}, turn {turn}, {c.name}: {took.wall:.2f} s", file=sys.stderr)
            if turn:  # the first one warms the disk
                runs[c.name].append(took)
    megapixels = sum(height * width for height, width in sizes) / 1e6
    about = _machine() | {"scenario": name, "scenes": len(sizes), "megapixels": megapixels}
    rows = []
    for c in contestants:
        row = about | {"contestant": c.name, "note": notes[c.name]}
        if runs[c.name] and not notes[c.name]:
            row |= _figures(runs[c.name], megapixels, masks[c.name], reference, data)
        rows.append(row)
    return rows


def _machine() -> dict[str, Any]:
    facts = machine(in_container=False)
    return {"machine": facts["processor"], "cores": facts["cores"], "gpu": " + ".join(facts["gpus"])}


def _figures(
    runs: list[TimedRun], megapixels: float, masks: Path, reference: Path, data: Path
) -> dict[str, Any]:
    figures = medians(runs)
    return figures | {
        "megapixels_per_second": megapixels / figures["seconds"],
        "agreement": agreement(masks, reference),
        "fwiou": score(masks, data),
    }


def main(argv: list[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    if "--crossover" in argv:
        return crossover.main([argument for argument in argv if argument != "--crossover"])
    parser = make_parser()

    def work() -> int:
        settings = parse(parser, argv)
        try:
            settings.work.mkdir(parents=True, exist_ok=True)
            settings.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FileError(Path(error.filename), f"cannot be made ({error.strerror})") from error
        return bench(settings)

    return command.run("bench", work, parser)


if __name__ == "__main__":
    sys.exit(main())
