"""Fine-tuning on few scenes of a new look, beside training from nothing.

    python -m tests.experiments.few_scenes WORK_DIR [--steps N] [--only START:SCENES ...]

The look is a false-colour composite (ice and snow cyan) under haze and with half the contrast: no scene that
the shipped weights were trained on was drawn in these colours. Every row trains for as many steps with the
preset modern, and is scored by its last weights on the same 30 scenes, which nothing was chosen on: learning
rates were tried on 30 others (`--tune`). Writes few_scenes.csv beside this file after each row; rows whose
run is finished in WORK_DIR are not trained again, but scored.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from infer.errors import UsageError
from infer.network.torch_model import load_model
from infer.settings import WEIGHTS
from train_offline.data.folder import pairs_in, read_labelled
from train_offline.data.list_file import HEADER
from train_offline.export.program import trained_network
from train_offline.judging.showcase.example import PREDICTION, TRUTH, outlined
from train_offline.runtime.arguments import COUNT, POSITIVE
from train_offline.runtime.files import new_folder
from train_offline.runtime.program import Parser, run
from train_offline.scenery.optics.atmosphere import draw_haze
from train_offline.scenery.scene import DrawnScene, make_scene
from train_offline.scenery.style import Palette, Style, draw_style
from train_offline.scenery.tiff_form import write_scene
from train_offline.scoring.evaluate import counts_of, predict
from train_offline.scoring.score import score
from train_offline.training import checkpoint
from train_offline.training.config.settings import TrainSettings, from_json
from train_offline.training.log.run_log import read_rows, write_rows

TABLE = Path(__file__).with_name("few_scenes.csv")
SIDE = 256  # pixels
NUMBERS = (5, 20, 100)  # of scenes to train on; the smaller sets are parts of the larger ones
TRAIN_SEED, HELD_OUT_SEED, TUNING_SEED = 990_000_000, 991_000_000, 992_000_000
HELD_OUT = 30  # scenes
SHOWN = slice(5, 8)  # of them in the picture, whatever they look like: the second five begin with ice
BATCH = 8
RECIPE = f"--preset modern --crop 128 --batch {BATCH} --seed 7 --workers 0 --no-tensorboard --device cpu"
STARTS = {"shipped": ("--init", str(WEIGHTS)), "nothing": ()}
LR = {"shipped": 3e-4, "nothing": 1e-3}
UNTRAINED = "shipped, as they are"
# Before haze and contrast, in the order of Palette: clear, shoal, silt, thin, thick, plain, field, rock,
# shade, snow, salt, cloud.
COLOURS = (
    (6, 10, 22), (10, 22, 44), (24, 44, 92), (14, 66, 84), (40, 186, 200), (150, 140, 96),
    (96, 160, 70), (168, 112, 92), (70, 52, 48), (44, 214, 226), (206, 176, 150), (232, 232, 228),
)  # fmt: skip


@dataclass(frozen=True)
class Training:
    """One row: the first weights, the number of scenes, the highest learning rate."""

    start: str
    scenes: int
    lr: float

    @property
    def name(self) -> str:
        return f"{self.start}:{self.scenes}"


ROWS = tuple(Training(start, scenes, LR[start]) for start in STARTS for scenes in NUMBERS)


def new_look(rng: np.random.Generator) -> Style:
    """Draw a style in false colours, its rendering as wide as that of the others."""
    gain = np.exp(rng.normal(0, 0.1))
    jitter = np.exp(rng.normal(0, 0.06, (len(COLOURS), 1)) + rng.normal(0, 0.03, (len(COLOURS), 3)))
    colours = (np.array(COLOURS) * gain * jitter).astype(np.float32)
    palette = Palette(**{field.name: colour for field, colour in zip(fields(Palette), colours, strict=True)})
    return replace(draw_style(rng), name="false colours", palette=palette)


def draw(seed: int, ice: bool) -> DrawnScene:
    """Draw a scene of the new look, the same for the same arguments."""
    rng = np.random.default_rng([seed, 0xF15])
    style = new_look(rng)
    scene = make_scene(seed, SIDE, SIDE, ice=ice, style=style)
    light = scene.image.astype(np.float32)
    draw_haze(rng, light, style)
    return replace(scene, image=np.clip(np.rint(60 + 0.5 * light), 0, 255).astype(np.uint8))


def drawn(folder: Path, seed: int, count: int, list_name: str = "train.csv") -> Path:
    """The data folder of `count` scenes, three of five with ice, drawn where it is not there yet."""
    if not folder.is_dir():
        with new_folder(folder) as draft:
            stems = [f"s{seed + number}" for number in range(count)]
            for number, stem in enumerate(stems):
                write_scene(draft, stem, draw(seed + number, ice=number % 5 < 3))
            with (draft / list_name).open("w", newline="") as file:
                rows = [[f"image/{stem}.tif", f"gt/{stem}.png"] for stem in stems]
                csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])
    return folder


def train(row: Training, steps: int, work: Path) -> Path:
    """Train a row to its end, as `./run.sh train` would, unless that is done; returns its last checkpoint."""
    folder = work / f"runs-of-{steps}-steps" / f"{row.start}-{row.scenes}-{row.lr:g}"
    if not (folder / "done").is_file():
        data = drawn(work / f"{row.scenes}-scenes", TRAIN_SEED, row.scenes)
        flags = [*RECIPE.split(), *STARTS[row.start], "--lr", str(row.lr)]
        flags += ["--steps", str(steps), "--epoch-crops", str(steps * BATCH), "--cache", str(work / "cache")]
        line = ["-m", "train_offline.commands.train", "--run", str(folder), "--data", str(data), *flags]
        if code := subprocess.run([sys.executable, *line]).returncode:
            raise UsageError(
                f"the training {row.name} ended with {code}: remove {folder}, then call this again"
            )
        (folder / "done").touch()
    return folder / "last.pt"


def scores(network: torch.nn.Module, data: Path) -> dict[str, str]:
    """The scores of a network in evaluation mode, in fp32."""
    total = counts_of(network, map(read_labelled, pairs_in(data)), torch.device("cpu"), bf16=False)
    figures = score(data.name, *total).figures()
    return {name: f"{figures[name]:.4f}" for name in ("ice_iou", "fwiou", "boundary_f1")}


def measure(row: Training, path: Path, data: Path) -> dict[str, str]:
    """The row of the table, from a run's checkpoint."""
    saved = checkpoint.load(path)
    figures = {"start": row.start, "scenes": row.scenes, "steps": saved.step, "lr": row.lr}
    figures["seconds"] = f"{saved.seconds:.0f}"
    return {name: str(value) for name, value in figures.items()} | scores(network_of(path), data)


def table(rows: list[dict[str, str]]) -> str:
    """Table for README: IoU of ice by number of scenes."""
    iou = {(row["start"], row["scenes"]): f"{float(row['ice_iou']):.3f}" for row in rows}
    lines = [f"| first weights | none | {' | '.join(map(str, NUMBERS))} |", "| --- |" + " --- |" * 4]
    for start, before in (("shipped", iou[UNTRAINED, "0"]), ("nothing", "")):
        lines.append(f"| {start} | {' | '.join([before, *(iou[start, str(n)] for n in NUMBERS)])} |")
    return "\n".join(lines)


def network_of(path: Path) -> torch.nn.Module:
    """The averaged weights of a checkpoint."""
    saved = checkpoint.load(path)
    return trained_network(saved, TrainSettings.of(from_json(saved.settings)), path)


def picture(work: Path, steps: int, scenes: int = 5) -> None:
    """Draw lines of held-out scenes: the true ice, then that of the shipped weights and of each start."""
    rows = [row for row in ROWS if row.scenes == scenes]
    networks = [load_model(WEIGHTS).network, *(network_of(train(row, steps, work)) for row in rows)]
    lines = []
    for pair in pairs_in(work / "held_out")[SHOWN]:
        scene = read_labelled(pair)
        panels = [outlined(scene.image, (scene.label == 1).astype(np.uint8), TRUTH)]
        for network in networks:
            mask = predict(network, scene.image, torch.device("cpu"), bf16=False)
            panels.append(outlined(scene.image, mask.astype(np.uint8), PREDICTION))
        lines.append(np.hstack(panels))
    cv2.imwrite(str(TABLE.with_suffix(".jpg")), np.vstack(lines)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 85])


def compare(work: Path, steps: int, only: list[str], tune: list[float]) -> None:
    """All rows, or those of --only, into the table; tune: learning rates, tried on other scenes instead."""
    rows = [row for row in ROWS if not only or row.name in only]
    if not rows:
        raise UsageError(f"no such row; there are: {', '.join(row.name for row in ROWS)}")
    if tune:
        data = drawn(work / "tuning", TUNING_SEED, HELD_OUT)
        for row in (replace(row, lr=lr) for row in rows for lr in tune):
            print(json.dumps(measure(row, train(row, steps, work), data)), flush=True)
        return
    data = drawn(work / "held_out", HELD_OUT_SEED, HELD_OUT)
    before = {"start": UNTRAINED, "scenes": "0", "steps": "0", "lr": "", "seconds": ""} | scores(
        load_model(WEIGHTS).network, data
    )
    table = {(old["start"], old["scenes"]): old for old in read_rows(TABLE)}
    table[before["start"], "0"] = before
    for row in rows:
        table[row.start, str(row.scenes)] = measure(row, train(row, steps, work), data)
        order = [(UNTRAINED, "0"), *((r.start, str(r.scenes)) for r in ROWS)]
        write_rows(TABLE, [table[key] for key in order if key in table])
        print(json.dumps(table[row.start, str(row.scenes)]), flush=True)
    if not only:
        picture(work, steps)


def main(argv: list[str] | None = None) -> int:
    parser = Parser(prog="few_scenes", description="Train each row of tests/experiments/few_scenes.csv.")
    parser.add_argument("work", type=Path, metavar="WORK_DIR", help="for drawn scenes, runs and cache")
    parser.add_argument("--steps", type=COUNT, default=160, metavar="N", help="(%(default)s)")
    parser.add_argument("--only", action="append", default=[], metavar="START:SCENES", help="repeatable")
    parser.add_argument("--tune", type=POSITIVE, action="append", default=[], metavar="LR", help="repeatable")

    def work() -> None:
        compare(**vars(parser.parse_args(argv)))

    return run("few_scenes", work)


if __name__ == "__main__":
    sys.exit(main())
