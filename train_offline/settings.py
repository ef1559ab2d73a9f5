"""The settings of one training run, and the arguments that fill them."""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from infer.settings import UsageError
from train_offline.command import Parser, positive
from train_offline.dataset import AUGMENTATIONS, CropSettings
from train_offline.network import STRIDE, NetworkSettings


@dataclass(frozen=True)
class TrainSettings:
    """Everything that one training run depends on; the defaults suit a CPU with two cores.

    The first of `epochs`, `steps` and `time_limit` to be reached ends the run, and the learning rate follows
    the share of it that has passed.
    """

    run: Path
    data: tuple[tuple[Path, float], ...] = ()  # folders to train on, with their weights
    val: tuple[Path, ...] = ()
    epochs: int | None = None
    steps: int | None = None
    time_limit: float | None = None  # minutes of training, validation included
    epoch_crops: int | None = None  # None: as many as cover all scenes once
    arch: str = NetworkSettings.arch
    encoder: str = NetworkSettings.encoder_name
    crop: int = 256  # pixels
    batch: int = 8
    lr: float = 1e-3
    weight_decay: float = 0.01
    warm_up: float = 0.05  # share of the run
    clip: float = 1.0  # largest norm of the gradient
    ema: float = 0.998  # averages the last few hundred steps
    augment: str = "strong"
    recolour: float = (
        CropSettings.recolour
    )  # share of the crops; more is slower to learn and generalises further
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    devices: int = 1
    workers: int = 1
    save_every: float = 5.0  # minutes
    val_every: int = 1  # epochs
    init: Path | None = None  # checkpoint to take the first weights from
    resume: bool = False

    @property
    def network(self) -> NetworkSettings:
        return NetworkSettings(arch=self.arch, encoder_name=self.encoder)

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values that JSON and a checkpoint can hold."""
        plain = {key: str(value) if isinstance(value, Path) else value for key, value in asdict(self).items()}
        return {**plain, "data": [[str(p), w] for p, w in self.data], "val": [str(p) for p in self.val]}


def from_json(plain: dict[str, Any]) -> dict[str, Any]:
    """Fields of TrainSettings from what to_json wrote; names that this version does not know are left out."""
    known = {key: value for key, value in plain.items() if key in {f.name for f in fields(TrainSettings)}}
    return known | {
        "run": Path(plain["run"]),
        "data": tuple((Path(p), w) for p, w in plain["data"]),
        "val": tuple(Path(p) for p in plain["val"]),
        "init": Path(plain["init"]) if plain["init"] else None,
    }


def parse(argv: list[str] | None = None) -> dict[str, Any]:
    """The fields of TrainSettings that the command line gives; the others keep their default.

    Absent is not the same as default: with --resume the checkpoint's settings come between the two.
    """
    given = vars(_parser().parse_args(argv))
    for name in ("data", "val"):
        if name in given:
            given[name] = tuple(given[name])
    return given


def check(settings: TrainSettings) -> TrainSettings:
    """The settings themselves; raises UsageError for those that no run can use."""
    if not settings.data:
        raise UsageError("nothing to train on; give --data DIR")
    if settings.epochs is None and settings.steps is None and settings.time_limit is None:
        raise UsageError("no end given; say --epochs N, --steps N or --time-limit MINUTES")
    if settings.crop % STRIDE:
        raise UsageError(f"--crop must be a multiple of {STRIDE}, not {settings.crop}")
    if settings.batch < 2:
        raise UsageError("--batch must be at least 2, BatchNorm has no statistics of one crop")
    return settings


def _weighted_folder(text: str) -> tuple[Path, float]:
    """`DIR` or `DIR:WEIGHT`."""
    folder, colon, weight = text.rpartition(":")
    if not colon or Path(text).is_dir():
        return Path(text), 1.0
    return Path(folder), positive(float)(weight)


def _fraction(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, not {text!r}")
    return number


def _share(text: str) -> float:
    return 1.0 if text in ("1", "1.0") else _fraction(text)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)


def _parser() -> Parser:
    parser = Parser(
        prog="train",
        description="Train the sea-ice network on data folders (image/, gt/, optional ignore/).",
        argument_default=argparse.SUPPRESS,
    )
    default, count, number = TrainSettings(run=Path()), positive(int), positive(float)
    add = parser.add_argument
    add("--run", type=Path, required=True, metavar="DIR", help="folder for checkpoint, history and settings")
    add("--data", type=_weighted_folder, action="append", metavar="DIR[:WEIGHT]",
        help="scenes to train on (those of DIR/train.csv where there is one); repeat for several folders, "
        "crops are drawn from each in proportion to its weight (1)")  # fmt: skip
    add("--val", type=Path, action="append", metavar="DIR",
        help="scenes to score (those of DIR/val.csv where there is one); may be repeated")  # fmt: skip
    add("--epochs", type=count, metavar="N", help="end after N epochs")
    add("--steps", type=count, metavar="N", help="end after N batches")
    add(
        "--time-limit", type=number, metavar="MINUTES", help="end after so long; the schedule is fitted to it"
    )
    add("--epoch-crops", type=count, metavar="N", help="crops in an epoch (as many as cover all scenes once)")
    add("--arch", metavar="NAME", help=f"architecture of smp ({default.arch})")
    add("--encoder", metavar="NAME", help=f"encoder of smp or timm ({default.encoder})")
    add("--crop", type=count, metavar="N", help=f"side of a crop in pixels ({default.crop})")
    add("--batch", type=count, metavar="N", help=f"crops in a batch, of each device ({default.batch})")
    add("--lr", type=number, metavar="F", help=f"highest learning rate ({default.lr})")
    add("--weight-decay", type=_fraction, metavar="F", help=f"of AdamW ({default.weight_decay})")
    add(
        "--warm-up",
        type=_fraction,
        metavar="F",
        help=f"share of the run with rising rate ({default.warm_up})",
    )
    add("--clip", type=number, metavar="F", help=f"largest norm of the gradient ({default.clip})")
    add("--ema", type=_fraction, metavar="F", help=f"decay of the averaged weights, 0 = none ({default.ema})")
    add("--augment", choices=AUGMENTATIONS, help=f"changes of the crops ({default.augment})")
    add(
        "--recolour",
        type=_share,
        metavar="F",
        help=f"share of crops that strong recolours ({default.recolour})",
    )
    add("--seed", type=_seed, metavar="N", help=f"of crops and first weights ({default.seed})")
    add("--precision", choices=("auto", "bf16", "fp32"), help="auto is bf16 where the processor has it")
    add("--device", choices=("auto", "cpu", "cuda"), help=f"({default.device})")
    add("--devices", type=count, metavar="N", help=f"how many of them ({default.devices})")
    add("--workers", type=_seed, metavar="N", help=f"processes that draw crops ({default.workers})")
    add("--save-every", type=number, metavar="MINUTES", help=f"between checkpoints ({default.save_every})")
    add("--val-every", type=count, metavar="N", help=f"epochs between validations ({default.val_every})")
    add(
        "--init",
        type=Path,
        metavar="FILE",
        help="start from the averaged weights of another run's checkpoint",
    )
    add("--resume", action="store_true", help="go on from RUN/last.pt, with its settings unless given anew")
    return parser
