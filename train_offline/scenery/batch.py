"""Many scenes at once: a plan, a pool of processes, and the list that goes with the files."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import NoReturn

import cv2
import numpy as np
from tqdm import tqdm

from train_offline.data.list_file import write_list
from train_offline.scenery.scene import Extras, make_scene
from train_offline.scenery.surfaces.real_coast import read_coasts
from train_offline.scenery.surfaces.textures import RealScenes, read_textures
from train_offline.scenery.tiff_form import write_scene


@dataclass(frozen=True)
class SceneOrder:
    """One scene to draw. size: height and width in pixels."""

    stem: str
    seed: int
    size: int
    ice: bool


@dataclass(frozen=True)
class Beside:
    """What to draw beside the Bohai Sea's own, as plain values; scene.Extras says what they do."""

    real: RealScenes = field(default_factory=RealScenes)
    coasts: tuple[Path, ...] = ()  # data folders
    lookalikes: bool = False
    bleak: bool = False

    def extras(self) -> Extras:
        """Read what they name, once in each process: patches are too many to send with every scene."""
        return Extras(read_textures(self.real), read_coasts(self.coasts), self.lookalikes, self.bleak)


def plan(count: int, sizes: Sequence[int], seed: int, ice_share: float) -> list[SceneOrder]:
    """Plan `count` scenes, sizes in turn, ice in `ice_share` of them (rounded, spread by chance)."""
    rng = np.random.default_rng([seed, 0x0DE])
    ice = np.arange(count) < round(count * ice_share)
    rng.shuffle(ice)
    seeds = rng.integers(0, 2**48, count)
    digits = max(5, len(str(count)))
    return [
        SceneOrder(f"s{seed}-{i:0{digits}d}", int(seeds[i]), sizes[i % len(sizes)], bool(ice[i]))
        for i in range(count)
    ]


def write_orders(
    folder: Path,
    orders: Sequence[SceneOrder],
    list_name: str,
    workers: int | None = None,
    beside: Beside | None = None,
) -> Path:
    """Draw and write all orders into folder/image and folder/gt and list them in folder/<list_name>.

    beside: what to draw beside the Bohai Sea's own. workers: processes, None for one per core, 1 for
    none besides this one. Returns the path of the list, which is written last. Raises OSError where a file
    cannot be written.
    """
    beside = beside or Beside()
    workers = min(workers or len(os.sched_getaffinity(0)), len(orders))
    bar = tqdm(total=len(orders), unit="scene", desc="draw", disable=None)
    with bar:
        if workers <= 1:
            for order in orders:
                _write(folder, order, beside)
                bar.update()
        else:
            _write_in_pool(folder, orders, workers, bar, beside)
    path = folder / list_name
    write_list(path, [(f"image/{order.stem}.tif", f"gt/{order.stem}.png") for order in orders])
    return path


def _write_in_pool(
    folder: Path, orders: Sequence[SceneOrder], workers: int, bar: tqdm[NoReturn], beside: Beside
) -> None:
    # Spawned, not forked: threads that OpenCV may have started do not survive a fork.
    others = set(active_children())
    pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_start_worker)
    try:
        for _ in pool.map(_write, [folder] * len(orders), orders, [beside] * len(orders)):
            bar.update()
    except BaseException:
        # Without workers the pool ends at once, even if a second Ctrl-C interrupts the clean-up.
        for worker in set(active_children()) - others:
            worker.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then ends the pool


def _write(folder: Path, order: SceneOrder, beside: Beside) -> None:
    scene = make_scene(order.seed, order.size, order.size, ice=order.ice, extras=beside.extras())
    write_scene(folder, order.stem, scene)
