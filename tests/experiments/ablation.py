"""One training per row: what each part of a recipe and each source of data is worth.

    python -m tests.experiments.ablation WORK_DIR [--shared DIR] [--steps N] [--only NAME ...]

Every row trains with the same seed and the same number of crops from an encoder that knows ImageNet, as the
shipped weights did, unless its name says otherwise: `modern` and `gaofen2021` are the presets, the other rows
change one thing about `modern`. The row of another seed tells what a difference is worth. bohai_dev is held
out of all of them: its column shows what generalises to another sensor. drawn_val is 120 more drawn scenes:
two of the 20 embedded ones held most of the error. Seconds are as good as the machine was quiet, which it was
not for most rows. Writes ablation.csv beside this file after each row; rows whose run is finished in WORK_DIR
are not trained again, but scored. Rows of one file are comparable with one another, not with a long training.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from infer.errors import UsageError
from infer.predict.hardware import cpu_is_fast_at_bf16
from train_offline.commands.synthesize import main as synthesize
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.data.makers.negatives import make_empties
from train_offline.export.program import trained_network
from train_offline.models.flops import cost
from train_offline.runtime.arguments import COUNT
from train_offline.runtime.code_version import REPOSITORY
from train_offline.runtime.program import Parser, run
from train_offline.scenery.embedded import embedded_split
from train_offline.scoring.evaluate import counts_of
from train_offline.scoring.score import score
from train_offline.training import checkpoint
from train_offline.training.config.settings import TrainSettings, from_json
from train_offline.training.log.run_log import read_rows, write_rows

TABLE = Path(__file__).with_name("ablation.csv")
SOURCES = {"drawn": 3.0, "textured": 2.0, "floes_modis": 0.7, "empty": 0.7}  # and their weights
SEED, BATCH = 3, 8
TILE = 512  # pixels
DRAWN = ("--size", "512", "--ice-share", "0.6")
VALIDATION = ("embedded", "drawn_val", "bohai_dev")
SCORES = ("fwiou", "ice_iou", "boundary_f1")
CROPS = ("--sampling", "weighted", "--crop", "256")  # so that gaofen2021 sees the pixels that modern sees


@dataclass(frozen=True)
class Row:
    """One training: flags after those of every row, and the sources that it does without.

    times: how many times --steps. minutes: the end instead of steps; such rows are to be run at once, each by
    a call of its own.
    """

    name: str
    flags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    preset: str = "modern"
    pretrained: bool = True
    times: int = 1
    minutes: int = 0


ROWS = (
    Row("modern"),
    Row("modern, another seed", ("--seed", "4")),
    Row("modern, three times the crops", times=3),
    Row("gaofen2021 on weighted crops of 256", CROPS, preset="gaofen2021"),
    Row("gaofen2021 on weighted crops of 256, another seed", (*CROPS, "--seed", "4"), preset="gaofen2021"),
    Row("gaofen2021 on weighted crops of 256, three times the crops", CROPS, preset="gaofen2021", times=3),
    Row("modern, eight minutes", minutes=8),
    Row("gaofen2021 on weighted crops of 256, eight minutes", CROPS, preset="gaofen2021", minutes=8),
    Row("modern, no crops at another scale", ("--rescale", "0")),
    Row("modern, every crop at another scale", ("--rescale", "1")),
    Row("modern, no new colours", ("--augment", "geometry")),
    Row("modern, every crop in new colours", ("--recolour", "1")),
    Row("modern, colours and scales as they are", ("--augment", "geometry", "--rescale", "0")),
    Row("modern, no choice of ice crops", ("--ice-crops", "0")),
    Row("modern, no EMA", ("--ema", "0")),
    Row("modern, no boundary loss", ("--boundary", "0")),
    Row("modern, no deep supervision", ("--deep-supervision", "0")),
    Row("modern, no Dice loss", ("--dice", "0")),
    Row("modern + mixing", ("--mix", "0.3")),
    Row("modern, light residual decoder", ("--arch", "light-residual")),
    Row("modern, random first weights", pretrained=False),
    Row("modern without real floes", without=("floes_modis",)),
    Row("modern without real textures", without=("textured",)),
    Row("modern without real scenes", without=("floes_modis", "textured", "empty")),
    Row("modern without drawn scenes", without=("drawn", "textured")),
)


@dataclass(frozen=True)
class Settings:
    """What all rows share. shared: folder with bohai_dev, floes_modis and amazon_forest."""

    work: Path
    shared: Path
    steps: int
    device: str
    workers: int
    only: tuple[str, ...] = ()


def prepare(settings: Settings) -> dict[str, Path]:
    """The folder of every source and validation set, drawn where it is not there yet."""
    work, shared = settings.work, settings.shared
    floes, empty = shared / "floes_modis", work / "empty"
    if not (empty / "gt").is_dir():
        make_empties([shared / "amazon_forest" / part / "image" for part in ("train", "val")], empty)
    real = ("--ice-from", str(floes), "--ground-from", str(empty))
    for name, seed, count, extra in (
        ("drawn", "660001", "400", ()),
        ("textured", "660002", "400", real),
        ("drawn_val", "660003", "120", ()),
    ):
        arguments = ["--output", str(work / name), "--seed", seed, "--count", count, *DRAWN, *extra]
        if not (work / name / "train.csv").is_file() and synthesize(arguments):
            raise UsageError(f"{work / name}: could not be drawn")
    return {
        "drawn": work / "drawn",
        "textured": work / "textured",
        "floes_modis": floes,
        "empty": empty,
        "embedded": embedded_split(REPOSITORY / "data" / "embedded"),
        "drawn_val": work / "drawn_val",
        "bohai_dev": shared / "bohai_dev",
    }


def arguments_of(row: Row, settings: Settings, folders: dict[str, Path], folder: Path) -> list[str]:
    """The arguments of the row's training into `folder`."""
    steps = settings.steps * row.times
    arguments = ["--run", str(folder), "--preset", row.preset, "--seed", str(SEED)]
    arguments += ["--time-limit", str(row.minutes)] if row.minutes else ["--steps", str(steps)]
    arguments += ["--epoch-crops", str(steps * BATCH), "--batch", str(BATCH), "--device", settings.device]
    arguments += ["--workers", str(settings.workers)]
    arguments += ["--no-tensorboard", "--cache", str(settings.work / "cache")]
    arguments += ["--val", str(folders["bohai_dev"])]
    for name, weight in SOURCES.items():
        if name not in row.without:
            arguments += ["--data", f"{folders[name]}:{weight}"]
    if row.pretrained:
        arguments += ["--encoder-weights", "imagenet-lite2"]
    return [*arguments, *row.flags]


def train_row(row: Row, settings: Settings, folders: dict[str, Path]) -> Path:
    """Train a row to its end, as `./run.sh train` would, unless that is done; returns its run folder."""
    name = "".join(c if c.isalnum() else "-" for c in row.name)
    folder = settings.work / f"runs-of-{settings.steps}-steps" / name
    if (folder / "done").is_file():
        return folder
    if (folder / "last.pt").is_file():
        arguments = ["--run", str(folder), "--resume"]
    else:
        arguments = arguments_of(row, settings, folders, folder)
    code = subprocess.run([sys.executable, "-m", "train_offline.commands.train", *arguments]).returncode
    if code:
        raise UsageError(f"the training of the row {row.name!r} ended with {code}; call this again to go on")
    (folder / "done").touch()
    return folder


def measure(row: Row, folder: Path, folders: dict[str, Path]) -> dict[str, str]:
    """The row of the table, from the run's last checkpoint."""
    path = folder / "last.pt"
    saved = checkpoint.load(path)
    trained = TrainSettings.of(from_json(saved.settings))
    network = trained_network(saved, trained, path).to(memory_format=torch.channels_last)
    counted = cost(trained.network.without_weights(), TILE)
    figures = {
        "name": row.name,
        "crops": saved.step * trained.optimisation.batch,
        "crop": trained.crops.size,
        "parameters": counted.parameters,
        "gflop_per_tile": f"{counted.flop / 1e9:.2f}",
        "seconds_per_tile": f"{seconds_per_tile(network):.4f}",
        "training_seconds": f"{saved.seconds:.0f}",
    }
    for source in VALIDATION:
        scenes = map(read_labelled, pairs_in(folders[source]))
        total = counts_of(network, scenes, torch.device("cpu"), bf16=cpu_is_fast_at_bf16())
        scores = score(source, *total).figures()
        figures |= {f"{source}_{name}": f"{scores[name]:.4f}" for name in SCORES}
    return {name: str(value) for name, value in figures.items()}


@torch.inference_mode()
def seconds_per_tile(network: torch.nn.Module, repeats: int = 7) -> float:
    """Median seconds of one 512 x 512 tile on this machine's CPU, in bf16, BatchNorm not folded."""
    tile = torch.randn(1, 3, TILE, TILE).contiguous(memory_format=torch.channels_last)
    seconds = []
    for _ in range(repeats + 2):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16):
            network(tile)
        seconds.append(time.perf_counter() - started)
    return sorted(seconds[2:])[repeats // 2]


def ablate(settings: Settings) -> None:
    """All rows, or those that --only names, into the table; other rows of the table stay."""
    unknown = set(settings.only) - {row.name for row in ROWS}
    if unknown:
        raise UsageError(f"no row {', '.join(sorted(unknown))}; there are: {'; '.join(r.name for r in ROWS)}")
    folders = prepare(settings)
    for row in ROWS:
        if settings.only and row.name not in settings.only:
            continue
        figures = measure(row, train_row(row, settings, folders), folders)
        table = {old["name"]: old for old in read_rows(TABLE)} | {row.name: figures}
        write_rows(TABLE, [table[r.name] for r in ROWS if r.name in table])
        print(json.dumps(figures))


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="ablation", description="Train each row of tests/experiments/ablation.csv.")
    parser.add_argument("work", type=Path, metavar="WORK_DIR", help="for drawn scenes, runs and cache")
    shared = REPOSITORY.parent / "shared" / "data"
    parser.add_argument("--shared", type=Path, default=shared, metavar="DIR",
                        help="holds bohai_dev, floes_modis and amazon_forest (%(default)s)")  # fmt: skip
    parser.add_argument("--steps", type=COUNT, default=500, metavar="N", help="(%(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=COUNT, default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this row; repeatable")

    def work() -> None:
        given = vars(parser.parse_args(argv))
        ablate(Settings(**{**given, "only": tuple(given["only"])}))

    return run("ablation", work)


if __name__ == "__main__":
    sys.exit(main())
