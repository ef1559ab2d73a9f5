"""The settings of one training run."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from infer.errors import UsageError
from train_offline.data.crops.crop import CropSettings
from train_offline.models.build import STRIDE, NetworkSettings
from train_offline.training.optimisation.losses import LossSettings

OPTIMISERS = ("adam", "adamw")


@dataclass(frozen=True)
class TrainSettings:
    """Everything that one training run depends on. The command line starts from a preset (presets.py).

    The defaults are no recipe: neutral values, and what checkpoints of earlier versions are resumed with.

    The first of `epochs`, `steps` and `time_limit` to be reached ends the run, and the learning rate follows
    the share of it that has passed.
    """

    run: Path
    preset: str | None = None  # only a name: the fields below say what it means; None: not known
    data: tuple[tuple[Path, float], ...] = ()  # folders to train on, with their weights
    val: tuple[Path, ...] = ()
    fold: int | None = None  # whose lists are used, train-<fold>.csv and val-<fold>.csv
    epochs: int | None = None
    steps: int | None = None
    time_limit: float | None = None  # minutes of training, validation included
    epoch_crops: int | None = None  # None: as many as cover all scenes once
    patience: int | None = None  # validations without a better FWIoU after which the run ends
    arch: str = NetworkSettings.arch
    encoder: str = NetworkSettings.encoder_name
    encoder_weights: str | None = None  # of the hub: "imagenet"; of a package: "imagenet-lite2"
    deep_supervision: float = 0.0  # weight of each auxiliary head's loss; 0: no such heads
    entropy: float = 1.0  # weights of the losses
    dice: float = 1.0
    boundary: float = 0.0
    lovasz: float = 0.0
    smoothing: float = 0.0  # of the labels in cross entropy
    sampling: str = "weighted"
    crop: int = 256  # pixels
    batch: int = 8
    ice_crops: float = 0.0  # share of the crops that must hold ice
    mix: float = 0.0  # share of the crops with a part of another one
    augment: str = "strong"
    recolour: float = CropSettings.recolour  # share of the crops
    rescale: float = CropSettings.rescale  # share of the crops
    optimiser: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.01
    schedule: str = "cosine"
    warm_up: float = 0.05  # share of the run
    clip: float = 1.0  # largest norm of the gradient; 0: as it is
    ema: float = 0.998  # averages the last few hundred steps
    seed: int = 0
    precision: str = "auto"
    device: str = "auto"
    devices: int = 1
    workers: int = 1
    cache: Path | None = None  # where decoded scenes are kept; None: the user's cache folder
    tensorboard: bool = True
    save_every: float = 5.0  # minutes
    val_every: int = 1  # epochs
    init: Path | None = None  # checkpoint to take the first weights from
    resume: bool = False

    @property
    def network(self) -> NetworkSettings:
        """The network without its first weights."""
        return NetworkSettings(arch=self.arch, encoder_name=self.encoder)

    @property
    def loss(self) -> LossSettings:
        return LossSettings(
            self.entropy, self.dice, self.boundary, self.lovasz, self.deep_supervision, self.smoothing
        )

    @property
    def crops(self) -> CropSettings:
        return CropSettings(
            self.crop,
            augmentation=self.augment,
            recolour=self.recolour,
            rescale=self.rescale,
            sampling=self.sampling,
            ice_crops=self.ice_crops,
            mix=self.mix,
        )

    def to_json(self) -> dict[str, Any]:
        """The settings as plain values that JSON and a checkpoint can hold; paths are made absolute."""
        plain = {key: _plain(value) for key, value in asdict(self).items()}
        return {**plain, "data": [[_plain(p), w] for p, w in self.data], "val": [_plain(p) for p in self.val]}


def from_json(plain: dict[str, Any]) -> dict[str, Any]:
    """Fields of TrainSettings from what to_json wrote; names that this version does not know are left out."""
    known = {key: value for key, value in plain.items() if key in {f.name for f in fields(TrainSettings)}}
    paths = {key: Path(known[key]) for key in ("run", "init", "cache") if known.get(key)}
    data, val = tuple((Path(p), w) for p, w in plain["data"]), tuple(Path(p) for p in plain["val"])
    return {**known, **paths, "data": data, "val": val}


def _plain(value: Any) -> Any:
    return str(value.absolute()) if isinstance(value, Path) else value


def check(settings: TrainSettings) -> TrainSettings:
    """The settings themselves; raises UsageError for those that no run can use."""
    if not settings.data:
        raise UsageError("nothing to train on; give --data DIR")
    if settings.epochs is None and settings.steps is None and settings.time_limit is None:
        raise UsageError("no end given; say --epochs N, --steps N or --time-limit MINUTES")
    if settings.crop % STRIDE:
        raise UsageError(f"--crop must be a multiple of {STRIDE}, not {settings.crop}")
    if settings.init and settings.encoder_weights and not settings.resume:
        raise UsageError("--init and --encoder-weights both say where to start; leave one of them out")
    if settings.batch < 2:
        raise UsageError("--batch must be at least 2, BatchNorm has no statistics of one crop")
    if not (settings.entropy or settings.dice or settings.boundary or settings.lovasz):
        raise UsageError("no loss is left; give --entropy, --dice, --boundary or --lovasz a weight")
    if settings.patience and not settings.val:
        raise UsageError("--patience looks at the validation; give --val DIR")
    if settings.sampling == "tiles" and len({weight for _, weight in settings.data}) > 1:
        raise UsageError(
            "--sampling tiles takes every tile once; weights (DIR:WEIGHT) need --sampling weighted"
        )
    if settings.sampling == "tiles" and settings.ice_crops:
        raise UsageError("--sampling tiles takes every tile once; --ice-crops needs --sampling weighted")
    return settings
