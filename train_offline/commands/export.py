"""From a training checkpoint to the weights file of infer: ./run.sh export RUN/best.pt

The averaged weights; for the fast networks BatchNorm folded, unused parts cut, nearly all in fp16. The file
takes its place only after its masks were compared with the checkpoint's on whole scenes, and the model card
beside it gets its sha256.
"""

from __future__ import annotations

if __name__ == "__main__":  # before the imports, which take seconds
    from train_offline.runtime.signals import leave_at_once

    leave_at_once("export")

import hashlib
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from infer.errors import UsageError
from infer.network.padded_smp import USUAL_STRIDE
from infer.network.torch_model import load_model
from infer.network.weights_file import ANY_SMP
from infer.settings import WEIGHTS
from train_offline.data.folder import IGNORED, list_name, listed_pairs, read_labelled
from train_offline.export import model_card
from train_offline.export.weights_file import architecture_of, exported_state, metadata_of, to_bytes
from train_offline.models.build import STRIDE, build
from train_offline.models.deep_supervision import without_heads
from train_offline.runtime.arguments import POSITIVE
from train_offline.runtime.program import Parser, run
from train_offline.scoring.evaluate import predict, score
from train_offline.scoring.score import counts
from train_offline.training import checkpoint
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings, from_json
from train_offline.training.loop import BEST, LAST


@dataclass(frozen=True)
class ExportSettings:
    """agreement: share of the pixels on which the exported file must give the checkpoint's class."""

    checkpoint: Path
    output: Path = WEIGHTS
    verify: tuple[Path, ...] = ()  # data folders; none: those that the training was validated on
    agreement: float = 0.9999
    card: Path | None = None  # None: MODEL_CARD.md beside the output, where it is


def trained_network(saved: Checkpoint, settings: TrainSettings, path: Path) -> nn.Module:
    """The network with the averaged weights, for evaluation; UsageError where one of them is not finite."""
    network = build(settings.network).eval().requires_grad_(False)
    network.load_state_dict(without_heads(saved.ema))
    _require_finite(network.state_dict(), path)
    return network


def export(settings: ExportSettings) -> None:
    """Write, verify, then move the file to its place. Raises UsageError and leaves the place as it was."""
    saved = checkpoint.load(settings.checkpoint)
    trained = TrainSettings(**from_json(saved.settings))
    network = trained_network(saved, trained, settings.checkpoint)
    folders = _folders(settings, trained)
    if settings.output.is_dir() or not settings.output.name:
        raise UsageError(f"--output {settings.output}: is a folder; name a file")
    card = settings.card or _own_card(settings.output)
    text = model_card.read_card(card) if card else None
    stride = USUAL_STRIDE if architecture_of(trained.network) == ANY_SMP else STRIDE
    data = to_bytes(exported_state(network, trained.network), metadata_of(saved, trained))
    partial = settings.output.with_name(f".{settings.output.name}.part")
    try:
        settings.output.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.chmod(0o644)  # the image runs as any user
        val_list = list_name("val", None if settings.verify else trained.fold)
        print("\n".join(verify(network, partial, folders, settings.agreement, stride, val_list)))
        os.replace(partial, settings.output)
        digest = hashlib.sha256(data).hexdigest()
        print(f"{settings.output}: {len(data) / 1e6:.2f} MB, sha256 {digest}")
        if card and text:
            model_card.write_card(card, text, digest)
            print(f"{card}: names that sha256 now; its figures are still those that were there")
    except OSError as error:
        place = error.filename or settings.output
        raise UsageError(f"{place}: cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            partial.unlink()


def _own_card(output: Path) -> Path | None:
    """The card that speaks of the shipped weights, where it is these that are replaced."""
    card = WEIGHTS.with_name(model_card.NAME)
    return card if output.resolve() == WEIGHTS.resolve() and card.is_file() else None


def _folders(settings: ExportSettings, trained: TrainSettings) -> tuple[Path, ...]:
    """Where to compare masks: --verify, else the training's own validation folders, which may be gone."""
    folders = settings.verify or trained.val
    if not folders:
        raise UsageError("nothing to verify the weights on; give --verify DIR, a folder of labelled scenes")
    for folder in folders:
        if not settings.verify and not folder.is_dir():
            raise UsageError(f"{folder}, which the training was validated on, is not here; give --verify DIR")
    return folders


def verify(
    network: nn.Module,
    exported: Path,
    folders: tuple[Path, ...],
    least: float,
    stride: int,
    val_list: str = "val.csv",
) -> list[str]:
    """Compare the masks of both, in fp32 on the CPU; one line of agreement and scores for each folder.

    The scenes are those of `val_list`, padded to a multiple of `stride` pixels. Raises UsageError when the
    two agree on fewer than the share `least` of a folder's pixels.
    """
    model = load_model(exported)
    lines = []
    for folder in folders:
        total, same, pixels = np.zeros((2, 2, 2), np.int64), 0, 0
        for pair in listed_pairs(folder, val_list):
            scene = read_labelled(pair)
            expected, found = (
                predict(n, scene.image, torch.device("cpu"), bf16=False, stride=stride)
                for n in (network, model.network)
            )
            same, pixels = same + np.count_nonzero(expected == found), pixels + found.size
            total += counts(scene.label == 1, found, scene.label == IGNORED)
        if not same >= least * pixels:
            raise UsageError(
                f"the exported weights give another class than the checkpoint on {1 - same / pixels:.4%} of "
                f"the pixels of {folder}, more than {1 - least:.4%}; nothing was written"
            )
        lines.append(f"{score(folder.name, *total)}; same class as the checkpoint on {same / pixels:.4%}")
    return lines


def _require_finite(state: dict[str, Tensor], path: Path) -> None:
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise UsageError(f"{path}: {name} holds values that are not finite; export an earlier checkpoint")


def _parse(argv: list[str] | None) -> ExportSettings:
    default = ExportSettings(Path())
    parser = Parser(prog="export", description="Write the weights file of infer from a training checkpoint.")
    add = parser.add_argument
    add("checkpoint", type=Path, metavar="CHECKPOINT",
        help=f"a checkpoint, or a run folder: its {BEST}, else its {LAST}")  # fmt: skip
    add("--output", type=Path, default=default.output, metavar="FILE", help="safetensors file (%(default)s)")
    add("--verify", type=Path, action="append", default=[], metavar="DIR",
        help="labelled scenes to compare masks on (the training's --val folders)")  # fmt: skip
    add("--agreement", type=POSITIVE, default=default.agreement, metavar="F",
        help="share of pixels that must keep their class (%(default)s)")  # fmt: skip
    add("--card", type=Path, metavar="FILE",
        help="card whose sha256 line is renewed (that of the shipped weights for them)")  # fmt: skip
    given = vars(parser.parse_args(argv))
    path = given["checkpoint"]
    if path.is_dir():
        path = path / (BEST if (path / BEST).is_file() else LAST)
        print(f"export: {path}")
    return ExportSettings(**given | {"checkpoint": path, "verify": tuple(given["verify"])})


def main(argv: list[str] | None = None) -> int:
    return run("export", lambda: export(_parse(argv)))


if __name__ == "__main__":
    sys.exit(main())
