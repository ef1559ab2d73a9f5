"""The way of a checkpoint to the weights file of infer: made, compared on whole scenes, then put in place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from infer.errors import FileError, UsageError
from infer.network.architecture import STRIDE
from infer.network.padded_smp import USUAL_STRIDE
from infer.network.weights_file import ANY_SMP
from infer.settings import WEIGHTS
from train_offline.data.folder import list_name
from train_offline.export import model_card
from train_offline.export.verification import verify
from train_offline.export.weights_file import architecture_of, exported_state, metadata_of, to_bytes
from train_offline.models.build import build
from train_offline.models.deep_supervision import without_heads
from train_offline.runtime.files import whole_file
from train_offline.training import checkpoint
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings, from_json


@dataclass(frozen=True)
class ExportSettings:
    """agreement: share of the pixels on which the exported file must give the checkpoint's class."""

    checkpoint: Path
    output: Path = WEIGHTS
    verify: tuple[Path, ...] = ()  # data folders; none: those that the training was validated on
    agreement: float = 0.9999
    card: Path | None = None  # None: MODEL_CARD.md beside the output, where it is


def trained_network(saved: Checkpoint, settings: TrainSettings, path: Path) -> nn.Module:
    """Make the network with the averaged weights, for evaluation.

    Raises FileError, naming `path`, where a weight is not finite.
    """
    network = build(settings.network.without_weights()).eval().requires_grad_(False)
    network.load_state_dict(without_heads(saved.ema))
    _require_finite(network.state_dict(), path)
    return network


def export(settings: ExportSettings) -> None:
    """Write, verify, then move the file to its place. Raises UsageError and leaves the place as it was."""
    saved = checkpoint.load(settings.checkpoint)
    trained = TrainSettings.of(from_json(saved.settings))
    network = trained_network(saved, trained, settings.checkpoint)
    folders = _folders(settings, trained)
    if settings.output.is_dir() or not settings.output.name:
        raise FileError(settings.output, "is a folder", "; name a file", setting="output")
    card = settings.card or _own_card(settings.output)
    text = model_card.read_card(card) if card else None
    stride = USUAL_STRIDE if architecture_of(trained.network) == ANY_SMP else STRIDE
    val_list = list_name("val", None if settings.verify else trained.data.fold)
    data = to_bytes(exported_state(network, trained.network), metadata_of(saved, trained))
    try:
        settings.output.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(settings.output) as draft:
            draft.write_bytes(data)
            draft.chmod(0o644)  # the image runs as any user
            print("\n".join(verify(network, draft, folders, settings.agreement, stride, val_list)))
        digest = hashlib.sha256(data).hexdigest()
        print(f"{settings.output}: {len(data) / 1e6:.2f} MB, sha256 {digest}")
        if card and text:
            model_card.write_card(card, text, digest)
            print(f"{card}: names that sha256 now; its figures are still those that were there")
    except OSError as error:
        place = Path(error.filename or settings.output)
        raise FileError(place, f"cannot be written: {error.strerror}", kind="unwritable") from error


def _own_card(output: Path) -> Path | None:
    """Return the card that speaks of the shipped weights, where it is these that are replaced."""
    card = WEIGHTS.with_name(model_card.NAME)
    return card if output.resolve() == WEIGHTS.resolve() and card.is_file() else None


def _folders(settings: ExportSettings, trained: TrainSettings) -> tuple[Path, ...]:
    """Return where to compare masks: the given folders, else the training's own to score, if still there."""
    folders = settings.verify or trained.data.val
    if not folders:
        remedy = "; give {verify} DIR, a folder of labelled scenes"
        raise UsageError("nothing to verify the weights on", remedy)
    for folder in folders:
        if not settings.verify and not folder.is_dir():
            reason = f"{folder}, which the training was validated on, is not here"
            raise UsageError(reason, "; give {verify} DIR", folder)
    return folders


def _require_finite(state: dict[str, Tensor], path: Path) -> None:
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise FileError(
                path, f"{name} holds values that are not finite", "; export an earlier checkpoint"
            )
