"""Crops depend on (seed, epoch, index) only, and are drawn as often as the settings say."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.helpers.offline.data_folder import two_tone
from train_offline.data.crops.crop import CropSettings
from train_offline.data.crops.sampler import Crops, crops_in_epoch
from train_offline.data.folder import LabelledScene
from train_offline.data.sources import Source


def sources() -> list[Source]:
    return [
        Source("x", 3.0, [two_tone(1, 90, 80), two_tone(2, 70, 70)]),
        Source("y", 1.0, [two_tone(3, 64, 99)]),
    ]


def epoch(
    settings: CropSettings, seed: int = 5, number: int = 2, count: int = 12, start: int = 0, workers: int = 0
) -> tuple[torch.Tensor, torch.Tensor]:
    crops = Crops(sources(), settings, seed, number, count, start)
    batches = list(DataLoader(crops, 2, num_workers=workers))
    return torch.cat([image for image, _ in batches]), torch.cat([label for _, label in batches])


@pytest.mark.parametrize("workers", [0, 2])
def test_crops_depend_on_seed_epoch_and_index_only(workers: int) -> None:
    settings = CropSettings(32)
    images, labels = epoch(settings)
    again, labels_again = epoch(settings, workers=workers)
    assert torch.equal(images, again)
    assert torch.equal(labels, labels_again)
    resumed, _ = epoch(settings, start=4, workers=workers)
    assert torch.equal(resumed, images[4:])
    assert not torch.equal(epoch(settings, number=3)[0], images)
    assert not torch.equal(epoch(settings, seed=6)[0], images)


def test_sources_are_drawn_by_weight() -> None:
    def flat(value: int, weight: float) -> Source:
        scene = LabelledScene("s", np.full((40, 40, 3), value, np.uint8), np.zeros((40, 40), np.uint8))
        return Source(str(value), weight, [scene])

    crops = Crops([flat(10, 3.0), flat(200, 1.0)], CropSettings(16, augmentation="none"), 0, 0, 800)
    share = np.mean([int(crops[i][0][0, 0, 0]) == 10 for i in range(800)])
    assert 0.69 < share < 0.81  # 0.75, four standard deviations


def numbered_tiles(count: int, size: int = 16) -> list[Source]:
    """One scene; every pixel of a tile holds the tile's number."""
    numbers = np.arange(1, count + 1, dtype=np.uint8)
    image = np.repeat(np.repeat(numbers[None, :, None], size, 0), size, 1).repeat(3, 2)
    return [Source("s", 1.0, [LabelledScene("s", image, (image[..., 0] % 2).astype(np.uint8))])]


def tile_numbers(epoch: int, count: int, tiles: int = 10, seed: int = 3) -> Iterator[int]:
    settings = CropSettings(16, augmentation="gaofen2021", sampling="tiles")
    crops = Crops(numbered_tiles(tiles), settings, seed, epoch, count)
    for index in range(count):
        image, _ = crops[index]
        assert len(image.unique()) == 1, "a tile is taken as it is"
        yield int(image[0, 0, 0])


def test_an_epoch_takes_every_tile_once_in_another_order_each_time() -> None:
    assert crops_in_epoch(numbered_tiles(10), CropSettings(16, sampling="tiles")) == 10
    first, second = list(tile_numbers(0, 10)), list(tile_numbers(1, 10))
    assert sorted(first) == sorted(second) == list(range(1, 11))
    assert first != second
    assert first != sorted(first)
    assert first != list(tile_numbers(0, 10, seed=4))


def test_no_tile_is_drawn_oftener_where_batches_do_not_divide_the_tiles() -> None:
    """Ten tiles, four in a batch: epochs of twelve."""
    drawn = [number for epoch in range(5) for number in tile_numbers(epoch, 12)]
    assert all(sorted(drawn[i : i + 10]) == list(range(1, 11)) for i in range(0, 60, 10))


def sparse_ice() -> list[Source]:
    """Two scenes, one of them without ice; the other has it in 1 of 36 places."""
    label = np.zeros((192, 192), np.uint8)
    label[100:110, 40:50] = 1
    scenes = [LabelledScene("a", np.full((192, 192, 3), 9, np.uint8), label)]
    return [Source("s", 1.0, [*scenes, LabelledScene("b", scenes[0].image, np.zeros_like(label))])]


def test_ice_crops_is_the_least_share_of_crops_with_ice() -> None:
    def share(ice_crops: float) -> float:
        settings = CropSettings(32, augmentation="geometry", scale=(1.0, 1.0), ice_crops=ice_crops)
        crops = Crops(sparse_ice(), settings, 1, 0, 300)
        return np.mean([bool((crops[i][1] == 1).any()) for i in range(300)])

    assert share(0.0) < 0.08
    some, most = share(0.5), share(1.0)
    assert 0.12 < some < most
    assert most > 0.3, "eight more places, each with a chance of 1 in 16"


def test_a_source_without_ice_gives_crops_all_the_same() -> None:
    scene = LabelledScene("b", np.full((64, 64, 3), 9, np.uint8), np.zeros((64, 64), np.uint8))
    crops = Crops([Source("s", 1.0, [scene])], CropSettings(32, ice_crops=1.0), 1, 0, 4)
    assert all((label != 1).all() for _, label in DataLoader(crops, 2))


@pytest.mark.parametrize("sampling", ["weighted", "tiles"])
def test_crops_with_ice_and_parts_of_others_depend_on_the_index_only(sampling: str) -> None:
    settings = CropSettings(32, sampling=sampling, mix=0.5, ice_crops=0.5)
    images, labels = epoch(settings)
    again, labels_again = epoch(settings, workers=2)
    assert torch.equal(images, again)
    assert torch.equal(labels, labels_again)
    assert torch.equal(epoch(settings, start=4)[0], images[4:])
    assert not torch.equal(epoch(CropSettings(32, sampling=sampling, ice_crops=0.5))[0], images)
