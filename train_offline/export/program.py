"""The way of a checkpoint to the weights file of infer: made, compared on whole scenes, then put in place."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from infer.errors import FileError
from infer.network.architecture import STRIDE
from infer.network.padded_smp import USUAL_STRIDE
from infer.network.torch_model import load_model
from infer.network.weights_file import ANY_SMP
from infer.settings import WEIGHTS
from train_offline.export import model_card
from train_offline.export.scenes import Compared, scenes_to_compare
from train_offline.export.verification import Agreement, compare
from train_offline.export.weights_file import architecture_of, exported_state, halved, metadata_of, to_bytes
from train_offline.models.build import build
from train_offline.models.deep_supervision import without_heads
from train_offline.runtime.files import whole_file
from train_offline.training import checkpoint
from train_offline.training.checkpoint import Checkpoint
from train_offline.training.config.settings import TrainSettings, from_json


@dataclass(frozen=True)
class ExportSettings:
    """agreement: share of the pixels on which the exported file must give the checkpoint's class.

    See verification for what counts.
    """

    checkpoint: Path
    output: Path = WEIGHTS
    verify: tuple[Path, ...] = ()  # folders of scenes; none: the training's own (scenes_to_compare)
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
    compared = scenes_to_compare(settings.verify, trained.data)
    if settings.output.is_dir():
        raise FileError(settings.output, "is a folder", "; name a file", setting="output")
    card = settings.card or _own_card(settings.output)
    text = model_card.read_card(card) if card else None
    try:
        settings.output.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(settings.output) as draft:
            data = _write_alike(network, draft, saved, trained, compared, settings.agreement)
        digest = hashlib.sha256(data).hexdigest()
        print(f"{settings.output}: {len(data) / 1e6:.2f} MB, sha256 {digest}")
        if card and text:
            model_card.write_card(card, text, digest)
            print(f"{card}: names that sha256 now; its figures are still those that were there")
    except OSError as error:
        place = Path(error.filename or settings.output)
        raise FileError(place, f"cannot be written: {error.strerror}", kind="unwritable") from error


def _write_alike(
    network: nn.Module,
    draft: Path,
    saved: Checkpoint,
    trained: TrainSettings,
    compared: list[Compared],
    least: float,
) -> bytes:
    """Write the file, in fp16 if that gives the network's masks, else in fp32; returns what it holds.

    Raises UsageError where neither does.
    """
    fast = architecture_of(trained.network) != ANY_SMP
    full, metadata = exported_state(network, trained.network), metadata_of(saved, trained)
    states = [halved(full), full] if fast else [full]
    for state in states:
        data = to_bytes(state, metadata)
        draft.write_bytes(data)
        draft.chmod(0o644)  # the image runs as any user
        agreements = _agreements(network, draft, compared, least, STRIDE if fast else USUAL_STRIDE)
        if agreements[-1].is_enough(least):
            break
        if state is not full:
            print(f"fp16 would change {agreements[-1].lost}: written in fp32")
    else:
        raise agreements[-1].refusal(least)
    print("\n".join(map(str, agreements)))
    return data


def _agreements(
    network: nn.Module, exported: Path, compared: list[Compared], least: float, stride: int
) -> list[Agreement]:
    """Compare folder by folder, up to the first on which the two do not agree enough."""
    model, found = load_model(exported), list[Agreement]()
    for part in compared:
        found.append(compare(network, model.network, part, stride))
        if not found[-1].is_enough(least):
            break
    return found


def _own_card(output: Path) -> Path | None:
    """Return the card that speaks of the shipped weights, where it is these that are replaced."""
    card = WEIGHTS.with_name(model_card.NAME)
    return card if output.resolve() == WEIGHTS.resolve() and card.is_file() else None


def _require_finite(state: dict[str, Tensor], path: Path) -> None:
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise FileError(
                path, f"{name} holds values that are not finite", "; export an earlier checkpoint"
            )
