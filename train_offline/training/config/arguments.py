"""The command line of the training program."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from train_offline.data.crops.crop import AUGMENTATIONS, SAMPLINGS
from train_offline.runtime.arguments import COUNT, POSITIVE
from train_offline.runtime.program import Parser
from train_offline.training.config.presets import DEFAULT_PRESET, PRESETS
from train_offline.training.config.settings import OPTIMISERS, TrainSettings
from train_offline.training.optimisation.schedule import SCHEDULES


def parse(argv: list[str] | None = None) -> dict[str, Any]:
    """The fields of TrainSettings that the command line gives; the others are left out.

    Absent is not the same as default: the preset, or with --resume the checkpoint, comes between the two.
    """
    given = vars(_parser().parse_args(argv))
    for name in ("data", "val"):
        if name in given:
            given[name] = tuple(given[name])
    return given


def _parser() -> Parser:
    parser = Parser(
        prog="train",
        description="Train the sea-ice network on data folders (image/, gt/, optional ignore/).",
        epilog="Defaults: " + "; ".join(map(_preset_line, PRESETS)) + "; else those in brackets, if any.",
        argument_default=argparse.SUPPRESS,
    )
    add_to = {title: parser.add_argument_group(title).add_argument for title in _GROUPS}
    for title, add_group in _GROUPS.items():
        add_group(add_to[title])
    return parser


def _preset_line(name: str) -> str:
    return f"{name}: " + " ".join(
        f"--{key.replace('_', '-')} {value}" for key, value in PRESETS[name].items()
    )


Add = Callable[..., object]
_DEFAULT = TrainSettings(run=Path())
_COUNT, _NUMBER = COUNT, POSITIVE
LARGEST_SEED = 2**32 - 1  # that numpy's old generator takes


def _run(add: Add) -> None:
    add("--run", "--run-folder", type=Path, required=True, metavar="DIR", dest="run",
        help="folder for checkpoints, history, curves; torchrun takes --run for its own --run-path, so there "
        "say --run-folder")  # fmt: skip
    add("--preset", choices=tuple(PRESETS), help=f"the recipe ({DEFAULT_PRESET}); other flags change it")
    add("--resume", action="store_true", help="go on from RUN/last.pt, with its settings unless given anew")
    add("--init", type=Path, metavar="FILE",
        help="start from the averaged weights of a checkpoint, or from a weights file of infer")  # fmt: skip
    add("--seed", type=_seed, metavar="N", help=f"of crops and first weights ({_DEFAULT.seed})")


def _data(add: Add) -> None:
    add("--data", type=_weighted_folder, action="append", metavar="DIR[:WEIGHT]",
        help="scenes to train on (those of DIR/train.csv where there is one); repeat for several folders, "
        "crops are drawn from each in proportion to its weight (1)")  # fmt: skip
    add("--val", type=Path, action="append", metavar="DIR",
        help="scenes to score (those of DIR/val.csv where there is one); may be repeated")  # fmt: skip
    add("--fold", type=_at_least_zero, metavar="K",
        help="the lists are DIR/train-K.csv and DIR/val-K.csv, which split --folds writes")  # fmt: skip
    add("--cache", type=Path, metavar="DIR", help="where decoded scenes are kept (the user's cache folder)")
    add("--workers", type=_at_least_zero, metavar="N", help=f"processes that draw crops ({_DEFAULT.workers})")


def _end(add: Add) -> None:
    add("--epochs", type=_COUNT, metavar="N", help="end after N epochs")
    add("--steps", type=_COUNT, metavar="N", help="end after N batches")
    add("--time-limit", type=_NUMBER, metavar="MINUTES",
        help="end after so long; the schedule is fitted to it")  # fmt: skip
    add("--epoch-crops", type=_COUNT, metavar="N",
        help="crops in an epoch (as many as cover all scenes once)")  # fmt: skip
    add("--patience", type=_COUNT, metavar="N", help="end after N validations without a better FWIoU")


def _crops(add: Add) -> None:
    add("--sampling", choices=SAMPLINGS, help="every tile in turn, or crops at random places by weight")
    add("--crop", type=_COUNT, metavar="N", help="side of a crop or tile in pixels")
    add("--batch", type=_COUNT, metavar="N", help="crops in a batch, of each device")
    add("--augment", choices=AUGMENTATIONS, help="changes of the crops")
    add("--recolour", type=_share, metavar="F",
        help=f"share of crops that strong recolours ({_DEFAULT.recolour})")  # fmt: skip
    add("--rescale", type=_share, metavar="F",
        help=f"share of crops that strong and geometry rescale ({_DEFAULT.rescale})")  # fmt: skip
    add("--ice-crops", type=_share, metavar="F", help="share of crops that must hold ice")
    add("--mix", type=_share, metavar="F", help="share of crops with a part of another one (CutMix)")


def _network(add: Add) -> None:
    add("--arch", metavar="NAME", help=f"unet, light-residual or another one of smp ({_DEFAULT.arch})")
    add("--encoder", metavar="NAME", help=f"encoder of smp or timm ({_DEFAULT.encoder})")
    add("--encoder-weights", metavar="NAME",
        help="start the encoder from the hub's weights, e.g. imagenet, or from imagenet-lite2, which needs "
        "no network")  # fmt: skip
    add("--deep-supervision", type=_amount, metavar="F",
        help="weight of the losses of two heads on inner decoder stages, 0 = no heads; "
        "a preset's own holds where --arch can have them")  # fmt: skip


def _losses(add: Add) -> None:
    add("--entropy", type=_amount, metavar="F", help="weight of cross entropy")
    add("--dice", type=_amount, metavar="F", help="weight of classwise Dice")
    add("--boundary", type=_amount, metavar="F", help="weight of the boundary loss")
    add("--lovasz", type=_amount, metavar="F", help="weight of Lovasz-softmax")
    add("--smoothing", type=_fraction, metavar="F", help="of the labels in cross entropy")


def _optimisation(add: Add) -> None:
    add("--optimiser", choices=OPTIMISERS)
    add("--lr", type=_NUMBER, metavar="F", help="highest learning rate")
    add("--weight-decay", type=_fraction, metavar="F", help="of the convolutions' weights")
    add("--schedule", choices=SCHEDULES, help="how the learning rate falls")
    add("--warm-up", type=_fraction, metavar="F", help="share of the run with rising rate")
    add("--clip", type=_amount, metavar="F", help="largest norm of the gradient, 0 = any")
    add("--ema", type=_fraction, metavar="F", help="decay of the averaged weights, 0 = none")


def _machine(add: Add) -> None:
    add(
        "--precision", choices=("auto", "bf16", "fp32"), help="auto is bf16 where the processor is fast at it"
    )
    add("--device", choices=("auto", "cpu", "cuda"), help=f"({_DEFAULT.device})")
    add("--devices", type=_COUNT, metavar="N", help=f"how many; torchrun says it itself ({_DEFAULT.devices})")


def _reports(add: Add) -> None:
    add("--save-every", type=_NUMBER, metavar="MINUTES",
        help=f"between checkpoints within an epoch ({_DEFAULT.save_every})")  # fmt: skip
    add("--val-every", type=_COUNT, metavar="N", help=f"epochs between validations ({_DEFAULT.val_every})")
    add("--no-tensorboard", dest="tensorboard", action="store_false", help="leave out RUN/tensorboard")


_GROUPS: dict[str, Callable[[Add], None]] = {
    "run": _run,
    "data": _data,
    "end of the run": _end,
    "crops": _crops,
    "network": _network,
    "losses": _losses,
    "optimisation": _optimisation,
    "machine": _machine,
    "reports": _reports,
}


def _weighted_folder(text: str) -> tuple[Path, float]:
    """`DIR` or `DIR:WEIGHT`."""
    folder, colon, weight = text.rpartition(":")
    if not colon or os.path.isdir(text):
        return Path(text), 1.0
    return Path(folder), _NUMBER(weight)


def _amount(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number of at least 0, not {text!r}")
    return number


def _fraction(text: str) -> float:
    if not _amount(text) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 0 and below 1, not {text!r}")
    return float(text)


def _share(text: str) -> float:
    if not _amount(text) <= 1:
        raise argparse.ArgumentTypeError(f"must be between 0 and 1, not {text!r}")
    return float(text)


def _seed(text: str) -> int:
    if not _at_least_zero(text) <= LARGEST_SEED:
        raise argparse.ArgumentTypeError(f"must be at most {LARGEST_SEED}, not {text!r}")
    return int(text)


def _at_least_zero(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, not {text!r}")
    return int(text)
