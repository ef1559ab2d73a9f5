"""The settings of one training run: groups of options, one flat object of JSON on disk."""

# ruff: noqa: RUF009 - option() and group() return fields of a dataclass

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from infer.errors import UsageError
from infer.network.architecture import STRIDE
from train_offline.data.crops.crop import CropSettings
from train_offline.models.build import NetworkSettings
from train_offline.runtime.options import flat, group, nested, options_of
from train_offline.training.config.groups import (
    DataSettings,
    EndSettings,
    MachineSettings,
    OptimisationSettings,
    ReportSettings,
    RunSettings,
)
from train_offline.training.optimisation.losses import LossSettings

S = TypeVar("S", bound="TrainSettings")


@dataclass(frozen=True)
class TrainSettings:
    """Everything that one training run depends on. The command line starts from a preset (presets.py).

    An option is declared once, as a field of its group; flags (arguments.py) and JSON follow from it. The
    defaults are no recipe: neutral values, and what checkpoints of earlier versions are resumed with.
    """

    run: RunSettings = group("run", RunSettings)
    data: DataSettings = group("data", DataSettings)
    end: EndSettings = group("end of the run", EndSettings)
    crops: CropSettings = group("crops", CropSettings)
    network: NetworkSettings = group("network", NetworkSettings)
    loss: LossSettings = group("losses", LossSettings)
    optimisation: OptimisationSettings = group("optimisation", OptimisationSettings)
    machine: MachineSettings = group("machine", MachineSettings)
    reports: ReportSettings = group("reports", ReportSettings)

    @classmethod
    def of(cls: type[S], values: Mapping[str, Any]) -> S:
        """Make settings of options by key; TypeError for an unknown key, or where `run` is missing."""
        return nested(cls, values)

    def to_json(self) -> dict[str, Any]:
        """Return all options as plain values for JSON or a checkpoint, by key; paths are made absolute."""
        return {key: _plain(value) for key, value in flat(self).items()}


def from_json(plain: Mapping[str, Any], kind: type[TrainSettings] = TrainSettings) -> dict[str, Any]:
    """Return options by key from what to_json wrote; keys that this version does not know are left out."""
    return {one.key: one.load(plain[one.key]) for one in options_of(kind) if one.key in plain}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def check(settings: TrainSettings) -> TrainSettings:
    """Return the settings themselves; raises UsageError for those that no run can use."""
    end, run, loss = settings.end, settings.run, settings.loss
    if not settings.data.train:
        raise UsageError("nothing to train on; give --data DIR")
    if end.epochs is None and end.steps is None and end.time_limit is None:
        raise UsageError("no end given; say --epochs N, --steps N or --time-limit MINUTES")
    if settings.crops.size % STRIDE:
        raise UsageError(f"--crop must be a multiple of {STRIDE}, not {settings.crops.size}")
    if run.init and settings.network.encoder_weights and not run.resume:
        raise UsageError("--init and --encoder-weights both say where to start; leave one of them out")
    if settings.optimisation.batch < 2:
        raise UsageError("--batch must be at least 2, BatchNorm has no statistics of one crop")
    if not (loss.entropy or loss.dice or loss.boundary or loss.lovasz):
        raise UsageError("no loss is left; give --entropy, --dice, --boundary or --lovasz a weight")
    if end.patience and not settings.data.val:
        raise UsageError("--patience looks at the validation; give --val DIR")
    if settings.crops.sampling == "tiles":
        _check_tiles(settings)
    return settings


def _check_tiles(settings: TrainSettings) -> None:
    every = "--sampling tiles takes every tile once"
    if len({weight for _, weight in settings.data.train}) > 1:
        raise UsageError(f"{every}; weights (DIR:WEIGHT) need --sampling weighted")
    if settings.crops.ice_crops:
        raise UsageError(f"{every}; --ice-crops needs --sampling weighted")
