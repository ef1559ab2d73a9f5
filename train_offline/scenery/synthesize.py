"""Draw a whole data folder, there whole or not at all: as many scenes as wanted, or the embedded split."""

from __future__ import annotations

from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from infer.errors import UsageError
from train_offline.runtime.files import new_folder
from train_offline.scenery.batch import Beside, plan, write_orders
from train_offline.scenery.embedded import draw_split


@dataclass(frozen=True)
class SynthesizeSettings:
    """What one run draws."""

    output: Path
    count: int  # scenes
    sizes: tuple[int, ...]  # pixels, taken in turn
    seed: int
    ice_share: float  # share of scenes that hold ice
    list_name: str  # the CSV that names the scenes
    embedded: bool  # the fixed validation split instead of all the above
    workers: int | None  # processes, None for one per core
    beside: Beside


def synthesize(settings: SynthesizeSettings) -> None:
    """Draw into a new folder, which is not there before all of it is; raises UsageError."""
    if settings.embedded and settings.beside != Beside():
        raise UsageError("the embedded split is drawn as it is", ": leave out what is to be drawn beside it")
    settings.beside.extras()  # complains before anything is made
    with new_folder(settings.output) as folder:
        try:
            if settings.embedded:
                draw_split(folder, settings.workers)
            else:
                orders = plan(settings.count, settings.sizes, settings.seed, settings.ice_share)
                write_orders(folder, orders, settings.list_name, settings.workers, settings.beside)
        except BrokenProcessPool as error:
            raise UsageError(f"a process that draws has died: {error}") from error
