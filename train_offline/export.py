"""From a training checkpoint to the weights file of infer: python -m train_offline.export RUN/last.pt

The averaged weights, BatchNorm folded and unused parts cut for the fast network, in fp16. The file takes its
place only after its masks were compared with the checkpoint's on whole scenes.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from infer.any_size import USUAL_STRIDE
from infer.settings import WEIGHTS, UsageError
from infer.weights import ANY_SMP, CLASSES, FAST, FORMAT, load_model
from train_offline import checkpoint
from train_offline.checkpoint import Checkpoint
from train_offline.command import Parser, positive, run
from train_offline.evaluate import predict, score
from train_offline.fold import FAST_CONFIG, slim_state_dict
from train_offline.folder import IGNORED, listed_pairs, read_scene
from train_offline.metrics import confusion
from train_offline.network import MEAN, STD, NetworkSettings, build
from train_offline.settings import TrainSettings, from_json
from train_offline.train_run import CHECKPOINT


@dataclass(frozen=True)
class ExportSettings:
    """agreement: share of the pixels on which the exported file must give the checkpoint's class."""

    checkpoint: Path
    output: Path = WEIGHTS
    verify: tuple[Path, ...] = ()  # data folders; none: those that the training was validated on
    agreement: float = 0.999


def trained_network(saved: Checkpoint, settings: TrainSettings, path: Path) -> nn.Module:
    """smp's network with the averaged weights, for evaluation; UsageError where one of them is not finite."""
    network = build(settings.network).eval().requires_grad_(False)
    network.load_state_dict(saved.ema)
    _require_finite(network.state_dict(), path)
    return network


def exported_state(network: nn.Module, settings: NetworkSettings) -> dict[str, Tensor]:
    """The tensors of the weights file: slim for the fast network, as they are for any other."""
    state = slim_state_dict(network) if is_fast(settings) else network.state_dict()
    return {name: _halved(tensor).contiguous().clone() for name, tensor in state.items()}


def is_fast(settings: NetworkSettings) -> bool:
    """Whether infer.network computes this network."""
    mine = settings.arguments()
    return {**mine, "arch": mine["arch"].lower()} == {**FAST_CONFIG, "arch": FAST_CONFIG["arch"].lower()}


def metadata_of(saved: Checkpoint, settings: TrainSettings) -> dict[str, str]:
    """What a safetensors header says about the weights: every value a string, most of them JSON."""
    fast = is_fast(settings.network)
    facts = {
        "mean": [MEAN] * 3,
        "std": [STD] * 3,
        "classes": CLASSES,
        "scores": saved.scores,
        "data": {
            "train": {folder.name: weight for folder, weight in settings.data},
            "val": [folder.name for folder in settings.val],
            "crops": saved.step * settings.batch,
            "crop": settings.crop,
            "seed": settings.seed,
        },
        **({} if fast else {"config": settings.network.arguments()}),
    }
    header = {"format": FORMAT, "architecture": FAST if fast else ANY_SMP}
    return header | {name: json.dumps(value) for name, value in facts.items()}


def export(settings: ExportSettings) -> None:
    """Write, verify, then move the file to its place. Raises UsageError and leaves the place as it was."""
    saved = checkpoint.load(settings.checkpoint)
    trained = TrainSettings(**from_json(saved.settings))
    network = trained_network(saved, trained, settings.checkpoint)
    folders = settings.verify or trained.val
    if not folders:
        raise UsageError("nothing to verify the weights on; give --verify DIR, a folder of labelled scenes")
    if settings.output.is_dir() or not settings.output.name:
        raise UsageError(f"--output {settings.output}: is a folder; name a file")
    partial = settings.output.with_name(f".{settings.output.name}.part")
    try:
        settings.output.parent.mkdir(parents=True, exist_ok=True)
        save_file(exported_state(network, trained.network), partial, metadata_of(saved, trained))
        partial.chmod(0o644)  # safetensors lets nobody else read it, but the image runs as any user
        print("\n".join(verify(network, partial, folders, settings.agreement)))
        digest = hashlib.sha256(partial.read_bytes()).hexdigest()
        os.replace(partial, settings.output)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{settings.output}: cannot be written: {reason}") from error
    finally:
        with suppress(OSError):
            partial.unlink()
    megabytes = settings.output.stat().st_size / 1e6
    print(f"{settings.output}: {megabytes:.2f} MB, sha256 {digest}")


def verify(network: nn.Module, exported: Path, folders: tuple[Path, ...], least: float) -> list[str]:
    """Compare the masks of both, in fp32 on the CPU; one line of agreement and scores for each folder.

    Raises UsageError when they agree on fewer than the share `least` of a folder's pixels.
    """
    model = load_model(exported)
    lines = []
    for folder in folders:
        total, same, pixels = np.zeros((2, 2), np.int64), 0, 0
        for pair in listed_pairs(folder, "val.csv"):
            scene = read_scene(pair)
            expected, found = (
                predict(n, scene.image, torch.device("cpu"), bf16=False, stride=USUAL_STRIDE)
                for n in (network, model.network)
            )
            same, pixels = same + np.count_nonzero(expected == found), pixels + found.size
            total += confusion(scene.label == 1, found, scene.label == IGNORED)
        if not same >= least * pixels:
            raise UsageError(
                f"the exported weights give another class than the checkpoint on {1 - same / pixels:.4%} of "
                f"the pixels of {folder}, more than {1 - least:.4%}; nothing was written"
            )
        lines.append(f"{score(folder.name, total)}; same class as the checkpoint on {same / pixels:.4%}")
    return lines


def _require_finite(state: dict[str, Tensor], path: Path) -> None:
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise UsageError(f"{path}: {name} holds values that are not finite; export an earlier checkpoint")


def _halved(tensor: Tensor) -> Tensor:
    """fp16 where its range holds the values; whole numbers and larger values stay as they are."""
    half = tensor.half()
    return half if tensor.is_floating_point() and torch.isfinite(half).all() else tensor


def _parse(argv: list[str] | None) -> ExportSettings:
    default = ExportSettings(Path())
    parser = Parser(prog="export", description="Write the weights file of infer from a training checkpoint.")
    add = parser.add_argument
    add(
        "checkpoint", type=Path, metavar="CHECKPOINT", help=f"a {CHECKPOINT}, or the run folder that holds it"
    )
    add("--output", type=Path, default=default.output, metavar="FILE", help="safetensors file (%(default)s)")
    add("--verify", type=Path, action="append", default=[], metavar="DIR",
        help="labelled scenes to compare masks on (the training's --val folders)")  # fmt: skip
    add("--agreement", type=positive(float), default=default.agreement, metavar="F",
        help="share of pixels that must keep their class (%(default)s)")  # fmt: skip
    given = vars(parser.parse_args(argv))
    path = given["checkpoint"]
    return ExportSettings(
        **given
        | {"checkpoint": path / CHECKPOINT if path.is_dir() else path, "verify": tuple(given["verify"])}
    )


def main(argv: list[str] | None = None) -> int:
    return run("export", lambda: export(_parse(argv)))


if __name__ == "__main__":
    sys.exit(main())
