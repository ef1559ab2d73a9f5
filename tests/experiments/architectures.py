"""Which architectures and encoders go the whole way: python -m tests.experiments.architectures WORK_DIR

Every pair of tests/helpers/offline/pairs.py is trained for two steps from random weights, exported, and run
on a scene of 300 x 200 pixels, by the commands that users type. Writes architectures.csv beside this file
and the table in README.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import cv2
from safetensors import safe_open

from infer.network.weights_file import ANY_SMP
from tests.helpers.offline.pairs import PAIRS
from train_offline.commands.synthesize import main as synthesize
from train_offline.judging.run.process import checkout_environment
from train_offline.runtime.code_version import REPOSITORY
from train_offline.runtime.program import Parser, run
from train_offline.scenery.scene import make_scene
from train_offline.scenery.tiff_form import write_scene
from train_offline.training.log.run_log import read_rows, write_rows

TABLE = Path(__file__).with_name("architectures.csv")
README = REPOSITORY / "README.md"
HEAD = "| architecture | encoder | trains | exports | infers | image |"
HEIGHT, WIDTH = 200, 300  # no multiples of a network's stride
FLAGS = {"tu-hrnet_w18_small": "--deep-supervision 0"}  # that an encoder needs with the preset
STEPS = ("trains", "exports", "infers")
TRAIN = "--preset modern --steps 2 --crop 64 --batch 2 --workers 0 --device cpu --no-tensorboard"


def prepare(work: Path) -> None:
    """Draw the scenes to train on, to score and to infer on, where they are not there yet."""
    drawn = ("--count", "4", "--size", "96", "--ice-share", "1")
    for seed, side in enumerate(("train", "val")):
        if not (work / side).is_dir():
            synthesize(["--output", str(work / side), "--seed", str(seed), "--list", f"{side}.csv", *drawn])
    write_scene(work / "scenes", "scene", make_scene(1, HEIGHT, WIDTH, ice=True))


def attempt(module: str, *arguments: object) -> str:
    """Run a command: "yes", or the last line of what it complained."""
    line = [sys.executable, "-m", module, *map(str, arguments)]
    result = subprocess.run(line, capture_output=True, text=True, env=checkout_environment(), check=False)
    return "yes" if result.returncode == 0 else f"no: {result.stderr.strip().splitlines()[-1]}"


def go_the_way(arch: str, encoder: str, work: Path) -> dict[str, str]:
    """The row of one pair."""
    folder = work / f"{arch}-{encoder}"
    run_folder, weights, masks = folder / "run", folder / "w.safetensors", folder / "masks"
    data = ("--data", work / "train", "--val", work / "val", "--cache", work / "cache")
    network = ("--arch", arch, "--encoder", encoder)
    flags = FLAGS.get(encoder, "")
    row = {
        "architecture": arch,
        "encoder": encoder,
        "flags": flags,
        **dict.fromkeys(STEPS, "no"),
        "image": "",
    }
    row["trains"] = attempt(
        "train_offline.commands.train", "--run", run_folder, *data, *network, *TRAIN.split(), *flags.split()
    )
    if row["trains"] != "yes":
        return row
    row["exports"] = attempt("train_offline.commands.export", run_folder / "last.pt", "--output", weights)
    if row["exports"] != "yes":
        return row
    with safe_open(weights, framework="np") as file:
        row["image"] = "full" if file.metadata()["architecture"] == ANY_SMP else "lean"
    scenes = ("--input", work / "scenes" / "image", "--output", masks, "--weights", weights)
    row["infers"] = attempt("infer", *scenes, "--device", "cpu", "--strict", "--quiet")
    if row["infers"] == "yes" and cv2.imread(str(masks / "scene.png"), cv2.IMREAD_UNCHANGED).shape != (
        HEIGHT,
        WIDTH,
    ):
        row["infers"] = "no: a mask of another size"
    return row


def table(rows: list[dict[str, str]]) -> str:
    """Table for README: architectures with the same encoders and verdicts share a line."""
    lines = [HEAD, "| --- | --- | --- | --- | --- | --- |"]
    kinds: dict[tuple[str, ...], list[str]] = {}
    for arch, verdict, encoders in _by_architecture(rows):
        kinds.setdefault((", ".join(encoders), *verdict), []).append(arch)
    for (encoders, *verdict), architectures in kinds.items():
        lines.append(f"| {', '.join(architectures)} | {encoders} | {' | '.join(verdict)} |")
    return "\n".join(lines)


def _by_architecture(rows: list[dict[str, str]]) -> Iterator[tuple[str, tuple[str, ...], list[str]]]:
    def key(row: dict[str, str]) -> tuple[str, ...]:
        verdicts = (row[step].partition(":")[0] for step in STEPS)
        return (row["architecture"], *verdicts, row["image"])

    for (arch, *verdict), group in groupby(rows, key):
        yield arch, tuple(verdict), [_encoder(row) for row in group]


def _encoder(row: dict[str, str]) -> str:
    return row["encoder"] + (f" (`{row['flags']}`)" if row["flags"] else "")


def with_table(readme: str, rows: list[dict[str, str]]) -> str:
    """Put the table in place of the one with the same head."""
    before, head, rest = readme.partition(HEAD)
    return before + table(rows) + rest[rest.index("\n\n") :] if head else readme


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="architectures", description="Try pairs of architecture and encoder.")
    parser.add_argument("work", type=Path, metavar="WORK_DIR", help="for scenes, runs and weights")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="an architecture or encoder; repeatable"
    )

    def work() -> None:
        given = parser.parse_args(argv)
        prepare(given.work)
        rows = {(row["architecture"], row["encoder"]): row for row in read_rows(TABLE)}
        for pair in PAIRS:
            if not given.only or set(pair) & set(given.only):
                rows[pair] = go_the_way(*pair, given.work)
                print(*rows[pair].values(), flush=True)
        write_rows(TABLE, [rows[pair] for pair in PAIRS if pair in rows])
        README.write_text(with_table(README.read_text(), read_rows(TABLE)))

    return run("architectures", work)


if __name__ == "__main__":
    sys.exit(main())
