"""What each technique is worth: python -m tests.bench.ladder [--only NAME ...]

Runs the job as a whole process as it is and with one thing changed, taking turns, and writes ladder.csv: for
each technique the seconds before and after, and how many pixels agree with smp's network in fp32. A technique
that is kept was taken out to get its "before"; one that is not kept was put in to get its "after". `--on gpu`
has the techniques of a GPU.
"""

from __future__ import annotations

import csv
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from infer.errors import UsageError
from tests.bench.harness.contestants import apart, environment, peers_packages
from tests.bench.harness.measure import Failed, agreement, fresh, run
from tests.bench.harness.scenarios import SCENARIOS, make
from tests.bench.ladder.gpu_rungs import GPU_RUNGS
from tests.bench.ladder.rungs import RUNGS, Rung
from tests.helpers.support import PATCHED_JOB, REPO
from train_offline.judging.report.environment import environment as machine
from train_offline.runtime import program as command
from train_offline.runtime.arguments import COUNT

HERE = REPO / "tests" / "bench" / "ladder"
COLUMNS = (
    "machine", "cores", "gpu", "scenario", "technique", "kept", "runs", "seconds_before", "seconds_after",
    "speed_up", "agreement_before", "agreement_after",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """Where a scenario's scenes, the weights, the reference and the masks lie."""

    scenes: Path
    models: Path
    reference: Path
    work: Path
    device: str


def climb(rung: Rung, place: Place, repeat: int) -> dict[str, float]:
    """Medians of the job as it is and with the rung's change, and the agreement of both."""
    seconds: dict[bool, list[float]] = {False: [], True: []}
    masks = {changed: place.work / "ladder" / f"masks-{changed}" for changed in seconds}
    for turn in range(repeat + 1):
        for changed, taken in seconds.items():
            line = command_line(rung if changed else None, place, fresh(masks[changed]))
            with tempfile.TemporaryDirectory() as empty:
                variables = environment(None)
                if changed:
                    variables |= {name: value.format(empty=empty) for name, value in rung.environment.items()}
                took = run(line, variables)
            if turn:  # the first one warms the disk
                taken.append(took.wall)
    figures = {changed: statistics.median(taken) for changed, taken in seconds.items()}
    agrees = {changed: agreement(masks[changed], place.reference) for changed in seconds}
    before, after = (True, False) if rung.kept else (False, True)
    return {
        "seconds_before": figures[before],
        "seconds_after": figures[after],
        "speed_up": figures[before] / figures[after],
        "agreement_before": agrees[before],
        "agreement_after": agrees[after],
    }


def command_line(rung: Rung | None, place: Place, masks: Path) -> list[str]:
    program = PATCHED_JOB.format(patches=dict(rung.patches) if rung else {})
    line = [sys.executable, "-c", program, "--input", str(place.scenes), "--output", str(masks)]
    line += ["--weights", str(place.models / "weights.safetensors"), "--device", place.device, "--quiet"]
    return [*line, *(rung.arguments if rung else ())]


def ladder(
    rungs: Sequence[Rung], work: Path, repeat: int, output: Path, device: str, packages: Path | None
) -> None:
    """All rungs into ladder.csv; rows of other rungs stay."""
    models = work / "models"
    apart(packages, "models", models, make("split", work))
    facts = machine(in_container=False)
    about = (facts["processor"], facts["cores"], " + ".join(facts["gpus"]))
    for rung in rungs:
        data, reference = make(rung.scenario, work), work / "reference" / rung.scenario
        apart(packages, "reference", data, models, reference)
        figures = climb(rung, Place(data / "image", models, reference, work, device), repeat)
        texts = [f"{v:.6f}" if "agreement" in k else f"{v:.3f}" for k, v in figures.items()]
        row = (*about, rung.scenario, rung.name, "yes" if rung.kept else "no", repeat, *texts)
        _write(output / "ladder.csv", [str(item) for item in row])
        print("{4} ({3}): {7} s -> {8} s".format(*row))


def _write(path: Path, row: list[str]) -> None:
    old = list(csv.reader(path.open(encoding="utf-8")))[1:] if path.is_file() else []
    same = [i for i, other in enumerate(old) if other[3:5] == row[3:5]]
    for i in same:
        old[i] = row
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *old, *([] if same else [row])])


def main(argv: list[str] | None = None) -> int:
    parser = command.Parser(prog="ladder", description=(__doc__ or "").split("\n\n")[0])
    add = parser.add_argument
    names = sorted({rung.name for rung in (*RUNGS, *GPU_RUNGS)})
    add("--only", action="append", choices=names, metavar="NAME", help="this technique; repeatable")
    add("--on", choices=("cpu", "gpu"), default="cpu", help="whose techniques (%(default)s)")
    add("--device", choices=("auto", "cpu", "cuda"), help="of the job (auto, or cuda for those of a GPU)")
    add("--scenario", choices=SCENARIOS, help="in place of each technique's own")
    add("--installed", action="store_true", help="install nothing: the packages that this Python has")
    add("--repeat", type=COUNT, default=3, metavar="N", help="timed runs (%(default)s)")
    add("--work", type=Path, default=REPO / "runs" / "bench", metavar="DIR", help="scenes, weights, packages")
    add("--output", type=Path, default=HERE, metavar="DIR", help="for ladder.csv")

    def work() -> None:
        given = parser.parse_args(argv)
        on_gpu = given.on == "gpu"
        rungs = [r for r in (GPU_RUNGS if on_gpu else RUNGS) if not given.only or r.name in given.only]
        if given.scenario:
            rungs = [replace(rung, scenario=given.scenario) for rung in rungs]
        device = given.device or ("cuda" if on_gpu else "auto")
        packages = None if given.installed else peers_packages(given.work)
        given.output.mkdir(parents=True, exist_ok=True)
        try:
            ladder(rungs, given.work, given.repeat, given.output, device, packages)
        except Failed as failure:
            raise UsageError(f"the job failed: {failure}") from failure

    return command.run("ladder", work, parser)


if __name__ == "__main__":
    sys.exit(main())
