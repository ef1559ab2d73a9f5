"""One training per row: what each part of a recipe and each source of data is worth.

    python -m tests.bench.ablation WORK_DIR [--shared DIR] [--steps N] [--only NAME ...]

Every row trains with the same seed and the same number of crops from an encoder that knows ImageNet, as the
shipped weights did. `modern` and `gaofen2021` are the presets; the other rows change what their names say
against `modern` or `plain`. bohai_dev is held out of all of them: its column shows what generalises to
another sensor. Seconds are as good as the machine was quiet, which it was not for most rows. Writes
tests/bench/ablation.csv after each row; rows whose run is finished in WORK_DIR are not trained again. The
rows of one file are comparable with one another, not with a long training.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch

from infer.settings import UsageError
from train_offline import checkpoint
from train_offline.code_version import REPOSITORY
from train_offline.command import Parser, positive, run
from train_offline.empties import make_empties
from train_offline.flops import cost
from train_offline.network import build
from train_offline.run_log import read_rows, write_rows
from train_offline.settings import TrainSettings, from_json
from train_offline.synthesize import embedded_split
from train_offline.synthesize import main as synthesize

TABLE = REPOSITORY / "tests" / "bench" / "ablation.csv"
SOURCES = {"drawn": 3.0, "textured": 2.0, "floes_modis": 0.7, "empty": 0.7}  # and their weights
SEED, BATCH = 3, 8
TILE = 512  # pixels
DRAWN = ("--count", "400", "--size", "512", "--ice-share", "0.6")
CROPS = ("--sampling", "weighted", "--crop", "256")  # so that gaofen2021 sees the pixels that modern sees
PLAIN = ("--boundary", "0", "--deep-supervision", "0", "--recolour", "0.6", "--rescale", "1")


@dataclass(frozen=True)
class Row:
    """One training: flags beside those of COMMON, and the sources that it does without."""

    name: str
    flags: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    preset: str = "plain"  # the preset modern with the flags of PLAIN
    pretrained: bool = True


ROWS = (
    Row("modern", preset="modern"),
    Row("gaofen2021 on weighted crops of 256", CROPS, preset="gaofen2021"),
    Row("modern, no crops at another scale", ("--rescale", "0"), preset="modern"),
    Row("modern, no new colours", ("--recolour", "0"), preset="modern"),
    Row("plain"),
    Row("plain, random first weights", pretrained=False),
    Row("plain, no EMA", ("--ema", "0")),
    Row("plain, no new colours", ("--augment", "geometry")),
    Row("plain, every crop in new colours", ("--recolour", "1")),
    Row("plain, cross entropy alone", ("--dice", "0")),
    Row("plain + boundary loss", ("--boundary", "1")),
    Row("plain + deep supervision", ("--deep-supervision", "0.5")),
    Row("plain + boundary loss and deep supervision", ("--boundary", "1", "--deep-supervision", "0.5")),
    Row("plain + mixing", ("--mix", "0.3")),
    Row("plain, no choice of ice crops", ("--ice-crops", "0")),
    Row("plain, light residual decoder", ("--arch", "light-residual")),
    Row("plain without real floes", without=("floes_modis",)),
    Row("plain without real textures", without=("textured",)),
    Row("plain without real scenes", without=("floes_modis", "textured", "empty")),
    Row("plain without drawn scenes", without=("drawn", "textured")),
)


@dataclass(frozen=True)
class Settings:
    """What all rows share. shared: folder with bohai_dev, floes_modis and amazon_forest."""

    work: Path
    shared: Path
    steps: int
    device: str
    workers: int
    only: tuple[str, ...] = field(default=())


def prepare(settings: Settings) -> dict[str, Path]:
    """The folder of every source and of both validation sets, drawn where they are not there yet."""
    work, shared = settings.work, settings.shared
    floes, empty = shared / "floes_modis", work / "empty"
    if not (empty / "gt").is_dir():
        make_empties([shared / "amazon_forest" / part / "image" for part in ("train", "val")], empty)
    drawn, textured = work / "drawn", work / "textured"
    real = ("--ice-from", str(floes), "--ground-from", str(empty))
    for folder, seed, extra in ((drawn, "660001", ()), (textured, "660002", real)):
        arguments = ["--output", str(folder), "--seed", seed, *DRAWN, *extra]
        if not (folder / "train.csv").is_file() and synthesize(arguments):
            raise UsageError(f"{folder}: could not be drawn")
    return {
        "drawn": drawn,
        "textured": textured,
        "floes_modis": floes,
        "empty": empty,
        "embedded": embedded_split(REPOSITORY / "data" / "embedded"),
        "bohai_dev": shared / "bohai_dev",
    }


def arguments_of(row: Row, settings: Settings, folders: dict[str, Path], folder: Path) -> list[str]:
    """The arguments of the row's training into `folder`."""
    preset, base = ("modern", PLAIN) if row.preset == "plain" else (row.preset, ())
    arguments = ["--run", str(folder), "--preset", preset, "--seed", str(SEED), *base]
    arguments += ["--steps", str(settings.steps), "--epoch-crops", str(settings.steps * BATCH)]
    arguments += ["--batch", str(BATCH), "--device", settings.device, "--workers", str(settings.workers)]
    arguments += ["--no-tensorboard", "--cache", str(settings.work / "cache")]
    arguments += ["--val", str(folders["embedded"]), "--val", str(folders["bohai_dev"])]
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
    code = subprocess.run([sys.executable, "-m", "train_offline.train", *arguments]).returncode
    if code:
        raise UsageError(f"the training of the row {row.name!r} ended with {code}; call this again to go on")
    (folder / "done").touch()
    return folder


def measure(row: Row, folder: Path) -> dict[str, str]:
    """The row of the table, from the run's last checkpoint."""
    saved = checkpoint.load(folder / "last.pt")
    trained = TrainSettings(**from_json(saved.settings))
    counted = cost(trained.network, TILE)
    network = build(trained.network).eval().requires_grad_(False)
    figures = {
        "name": row.name,
        "crops": saved.step * trained.batch,
        "crop": trained.crop,
        "parameters": counted.parameters,
        "gflop_per_tile": f"{counted.flop / 1e9:.2f}",
        "seconds_per_tile": f"{seconds_per_tile(network):.4f}",
        "training_seconds": f"{saved.seconds:.0f}",
    }
    for source in ("embedded", "bohai_dev"):
        for score in ("fwiou", "ice_iou", "boundary_f1"):
            figures[f"{source}_{score}"] = f"{saved.scores[f'{source}/{score}']:.4f}"
    return {name: str(value) for name, value in figures.items()}


@torch.inference_mode()
def seconds_per_tile(network: torch.nn.Module, repeats: int = 7) -> float:
    """Median seconds of one 512 x 512 tile on this machine's CPU, channels last, in bf16, not folded."""
    network = network.to(memory_format=torch.channels_last)
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
        figures = measure(row, train_row(row, settings, folders))
        table = {old["name"]: old for old in read_rows(TABLE)} | {row.name: figures}
        write_rows(TABLE, [table[r.name] for r in ROWS if r.name in table])
        print(json.dumps(figures))


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="ablation", description="Train each row of tests/bench/ablation.csv.")
    parser.add_argument("work", type=Path, metavar="WORK_DIR", help="for drawn scenes, runs and cache")
    shared = REPOSITORY.parent / "shared" / "data"
    parser.add_argument("--shared", type=Path, default=shared, metavar="DIR",
                        help="holds bohai_dev, floes_modis and amazon_forest (%(default)s)")  # fmt: skip
    parser.add_argument("--steps", type=positive(int), default=500, metavar="N", help="(%(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=positive(int), default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="NAME", help="this row; repeatable")

    def work() -> None:
        given = vars(parser.parse_args(argv))
        ablate(Settings(**{**given, "only": tuple(given["only"])}))

    return run("ablation", work)


if __name__ == "__main__":
    sys.exit(main())
