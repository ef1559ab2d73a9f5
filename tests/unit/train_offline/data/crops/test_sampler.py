"""Reading a data folder, and crops that depend on (seed, epoch, index) only."""

import cv2
import numpy as np
import pytest
import tifffile
import torch
from torch.utils.data import DataLoader

from infer.errors import UsageError
from train_offline.data.crops.crop import AUGMENTATIONS, CropSettings, draw_crop, mixed, tiles_of
from train_offline.data.crops.sampler import Crops, crops_in_epoch
from train_offline.data.folder import IGNORED, LabelledScene, Pair, listed_pairs, pairs_in, read_labelled
from train_offline.data.sources import Source, load_source


def noise(seed, *shape):
    return np.random.default_rng(seed).integers(1, 256, shape, dtype=np.uint8)


def scene_of(seed, height, width):
    """A scene whose label can be told from its pixels: the red channel is 40 off the ice and 220 on it."""
    image = cv2.resize(noise(seed, 8, 8, 3), (width, height), interpolation=cv2.INTER_NEAREST)
    image[..., 0] = np.where(image[..., 0] > 127, 220, 40)
    return LabelledScene(str(seed), image, (image[..., 0] > 127).astype(np.uint8))


@pytest.fixture
def folder(tmp_path):
    for part in ("image", "gt", "ignore"):
        (tmp_path / part).mkdir()
    for name in ("a", "b.c"):
        tifffile.imwrite(tmp_path / "image" / f"{name}.tif", noise(1, 20, 30, 4), photometric="rgb")
        cv2.imwrite(
            str(tmp_path / "gt" / f"{name}.png"), np.where(noise(2, 20, 30) > 99, 255, 0).astype(np.uint8)
        )
    cv2.imwrite(str(tmp_path / "ignore" / "a.png"), np.where(noise(3, 20, 30) > 200, 255, 0).astype(np.uint8))
    return tmp_path


def test_scene_is_read_as_rgb_with_ignored_pixels(folder):
    first, second = (read_labelled(pair) for pair in pairs_in(folder))
    np.testing.assert_array_equal(first.image, noise(1, 20, 30, 4)[..., :3])
    ignored = noise(3, 20, 30) > 200
    np.testing.assert_array_equal(first.label, np.where(ignored, IGNORED, noise(2, 20, 30) > 99))
    assert second.name == "b.c"
    np.testing.assert_array_equal(second.label, noise(2, 20, 30) > 99)


@pytest.mark.parametrize("layout", ["lzw strips", "planar", "grey"])
def test_file_forms(tmp_path, layout):
    pixels = noise(4, 21, 17) if layout == "grey" else noise(4, 21, 17, 3)
    extra = {
        "lzw strips": {"compression": "lzw", "predictor": 2, "rowsperstrip": 5},
        "planar": {},
        "grey": {},
    }
    planar = layout == "planar"
    tifffile.imwrite(
        tmp_path / "s.tif",
        np.moveaxis(pixels, 2, 0) if planar else pixels,
        photometric="minisblack" if layout == "grey" else "rgb",
        planarconfig="separate" if planar else None,
        **extra[layout],
    )
    cv2.imwrite(str(tmp_path / "s.png"), np.zeros((21, 17), np.uint8))
    image = read_labelled(Pair(tmp_path / "s.tif", tmp_path / "s.png", None)).image
    np.testing.assert_array_equal(image, pixels if pixels.ndim == 3 else np.dstack([pixels] * 3))


def test_lists_choose_the_scenes(folder):
    (folder / "val.csv").write_text("image,label\nimage/b.c.tif,gt/b.c.png\n")
    assert [pair.name for pair in listed_pairs(folder, "val.csv")] == ["b.c"]
    with pytest.raises(UsageError, match=r"holds val\.csv but no train\.csv"):
        listed_pairs(folder, "train.csv")
    (folder / "val.csv").unlink()
    assert [pair.name for pair in listed_pairs(folder, "train.csv")] == ["a", "b.c"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "first line"),
        ("file,mask\nimage/a.tif,gt/a.png\n", "first line"),
        ("image,label\n", "every line"),
        ("image,label\nimage/a.tif\n", "every line"),
        ("image,label\nimage/z.tif,gt/a.png\n", "z.tif: no such file"),
    ],
)
def test_bad_list_is_named(folder, content, reason):
    (folder / "train.csv").write_text(content)
    with pytest.raises(UsageError, match=reason):
        load_source(folder, 1.0, "train.csv", folder / "cache")


def other_size(folder):
    cv2.imwrite(str(folder / "gt" / "a.png"), noise(5, 30, 20))
    return r"gt/a\.png: is 20x30 pixels, but its scene is 30x20"


def broken_image(folder):
    (folder / "image" / "a.tif").write_bytes(b"II*\0nonsense")
    return r"image/a\.tif: cannot be read"


def broken_mask(folder):
    (folder / "gt" / "a.png").write_bytes(b"nonsense")
    return r"gt/a\.png: cannot be read"


def sixteen_bits(folder):
    tifffile.imwrite(folder / "image" / "a.tif", noise(1, 20, 30, 3).astype(np.uint16), photometric="rgb")
    return r"image/a\.tif: must be 8-bit"


@pytest.mark.parametrize("spoil", [other_size, broken_image, broken_mask, sixteen_bits])
def test_unusable_file_is_named_in_one_line(folder, spoil):
    with pytest.raises(UsageError, match=spoil(folder)) as caught:
        load_source(folder, 1.0, "train.csv", folder / "cache")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("augmentation", AUGMENTATIONS)
@pytest.mark.parametrize(("height", "width"), [(200, 150), (64, 64), (20, 90), (300, 64)])
def test_crop_has_its_size_whatever_the_scene(augmentation, height, width):
    scene = scene_of(1, height, width)
    for seed in range(8):
        image, label = draw_crop(
            scene, CropSettings(64, augmentation=augmentation), np.random.default_rng(seed)
        )
        assert image.shape == (64, 64, 3)
        assert label.shape == (64, 64)
        assert image.dtype == label.dtype == np.uint8
        assert set(np.unique(label)) <= {0, 1, IGNORED}
        assert (label != IGNORED).any()


def test_plain_crop_is_a_window_of_the_scene():
    image = np.arange(90 * 80 * 3).reshape(90, 80, 3).astype(np.uint8)
    image[..., 0], image[..., 1] = np.arange(90)[:, None], np.arange(80)[None]
    scene = LabelledScene("s", image, (image[..., 2] % 2).astype(np.uint8))
    corners = set()
    for seed in range(20):
        crop, label = draw_crop(scene, CropSettings(32, augmentation="none"), np.random.default_rng(seed))
        top, left = int(crop[0, 0, 0]), int(crop[0, 0, 1])
        np.testing.assert_array_equal(crop, image[top : top + 32, left : left + 32])
        np.testing.assert_array_equal(label, scene.label[top : top + 32, left : left + 32])
        corners.add((top, left))
    assert len(corners) > 15


def test_label_stays_on_its_pixels_through_scale_and_turns():
    scene = scene_of(7, 256, 256)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        image, label = draw_crop(scene, CropSettings(128, augmentation="geometry"), rng)
        inside = cv2.erode(label, np.ones((7, 7))) == cv2.dilate(label, np.ones((7, 7)))
        agree = (image[..., 0] > 127) == label.astype(bool)
        assert inside.mean() > 0.2
        assert agree[inside].mean() > 0.99


def test_padding_is_ignored_and_the_rest_kept():
    scene = scene_of(3, 16, 40)
    crop, label = draw_crop(scene, CropSettings(32, augmentation="none"), np.random.default_rng(0))
    assert (label[:16] != IGNORED).all()
    assert (label[16:] == IGNORED).all()
    assert crop[16:].any()


def sources():
    return [
        Source("x", 3.0, [scene_of(1, 90, 80), scene_of(2, 70, 70)]),
        Source("y", 1.0, [scene_of(3, 64, 99)]),
    ]


def epoch(settings, seed=5, number=2, count=12, start=0, workers=0):
    crops = Crops(sources(), settings, seed, number, count, start)
    batches = list(DataLoader(crops, 2, num_workers=workers))
    return torch.cat([image for image, _ in batches]), torch.cat([label for _, label in batches])


@pytest.mark.parametrize("workers", [0, 2])
def test_crops_depend_on_seed_epoch_and_index_only(workers):
    settings = CropSettings(32)
    images, labels = epoch(settings)
    again, labels_again = epoch(settings, workers=workers)
    assert torch.equal(images, again)
    assert torch.equal(labels, labels_again)
    resumed, _ = epoch(settings, start=4, workers=workers)
    assert torch.equal(resumed, images[4:])
    assert not torch.equal(epoch(settings, number=3)[0], images)
    assert not torch.equal(epoch(settings, seed=6)[0], images)


def test_sources_are_drawn_by_weight():
    def flat(value, weight):
        scene = LabelledScene("s", np.full((40, 40, 3), value, np.uint8), np.zeros((40, 40), np.uint8))
        return Source(str(value), weight, [scene])

    crops = Crops([flat(10, 3.0), flat(200, 1.0)], CropSettings(16, augmentation="none"), 0, 0, 800)
    share = np.mean([int(crops[i][0][0, 0, 0]) == 10 for i in range(800)])
    assert 0.69 < share < 0.81  # 0.75, four standard deviations


def test_recolour_is_the_share_of_crops_with_new_colours():
    scene = LabelledScene("s", np.full((64, 64, 3), 77, np.uint8), np.zeros((64, 64), np.uint8))

    def share(recolour):
        settings = CropSettings(16, recolour=recolour)
        crops = (draw_crop(scene, settings, np.random.default_rng(seed))[0] for seed in range(200))
        return np.mean([(crop != 77).any() for crop in crops])

    assert share(0.0) == 0
    assert 0.36 < share(0.5) < 0.64  # four standard deviations
    assert share(1.0) > 0.97


@pytest.mark.parametrize("augmentation", ["geometry", "strong"])
def test_rescale_is_the_share_of_crops_at_another_scale(augmentation):
    ramp = np.repeat(
        np.arange(128, dtype=np.uint8)[:, None], 128, 1
    )  # the label tells how far rows are apart
    scene = LabelledScene("s", np.repeat(ramp[..., None], 3, 2), ramp)

    def share(rescale):
        settings = CropSettings(16, augmentation=augmentation, rescale=rescale)
        labels = (draw_crop(scene, settings, np.random.default_rng(seed))[1] for seed in range(200))
        return np.mean([len(np.unique(label)) != 16 or np.ptp(label) != 15 for label in labels])

    assert share(0.0) == 0
    assert 0.34 < share(0.5) < 0.62  # four standard deviations; some scales are nearly 1
    assert share(1.0) > 0.9


def test_augmentation_leaves_the_scene_in_memory_alone():
    scene = scene_of(1, 80, 80)
    before = scene.image.copy(), scene.label.copy()
    for seed in range(10):
        image, label = draw_crop(scene, CropSettings(32), np.random.default_rng(seed))
        image[:], label[:] = 0, 0
    np.testing.assert_array_equal(scene.image, before[0])
    np.testing.assert_array_equal(scene.label, before[1])


@pytest.mark.parametrize(("height", "width"), [(64, 64), (128, 64), (70, 150), (20, 90), (10, 10)])
def test_tiles_cover_a_scene_and_stay_inside_it(height, width):
    covered = np.zeros((height, width), int)
    for top, left, side in tiles_of(scene_of(1, height, width), 64):
        assert side == 64
        assert top == 0 or top + side <= height
        assert left == 0 or left + side <= width
        covered[top : top + side, left : left + side] += 1
    assert covered.all()
    if height % 64 == width % 64 == 0:
        assert (covered == 1).all()


def numbered_tiles(count, size=16):
    """One scene; every pixel of a tile holds the tile's number."""
    numbers = np.arange(1, count + 1, dtype=np.uint8)
    image = np.repeat(np.repeat(numbers[None, :, None], size, 0), size, 1).repeat(3, 2)
    return [Source("s", 1.0, [LabelledScene("s", image, (image[..., 0] % 2).astype(np.uint8))])]


def tile_numbers(epoch, count, tiles=10, seed=3):
    settings = CropSettings(16, augmentation="gaofen2021", sampling="tiles")
    crops = Crops(numbered_tiles(tiles), settings, seed, epoch, count)
    for index in range(count):
        image, _ = crops[index]
        assert len(image.unique()) == 1, "a tile is taken as it is"
        yield int(image[0, 0, 0])


def test_an_epoch_takes_every_tile_once_in_another_order_each_time():
    assert crops_in_epoch(numbered_tiles(10), CropSettings(16, sampling="tiles")) == 10
    first, second = list(tile_numbers(0, 10)), list(tile_numbers(1, 10))
    assert sorted(first) == sorted(second) == list(range(1, 11))
    assert first != second
    assert first != sorted(first)
    assert first != list(tile_numbers(0, 10, seed=4))


def test_no_tile_is_drawn_oftener_where_batches_do_not_divide_the_tiles():
    """Ten tiles, four in a batch: epochs of twelve."""
    drawn = [number for epoch in range(5) for number in tile_numbers(epoch, 12)]
    assert all(sorted(drawn[i : i + 10]) == list(range(1, 11)) for i in range(0, 60, 10))


def test_the_recipe_flips_half_and_turns_three_eighths_of_the_crops():
    """RandomRotate90 draws one of four turns for half of the crops: a quarter of these stays as it is."""
    image = np.arange(16 * 16 * 3).reshape(16, 16, 3).astype(np.uint8)
    image[..., 0], image[..., 1] = np.arange(16)[:, None], np.arange(16)[None]
    scene = LabelledScene("s", image, (image[..., 1] > 7).astype(np.uint8))
    settings = CropSettings(16, augmentation="gaofen2021")
    seen = {}
    for seed in range(800):
        crop, label = draw_crop(scene, settings, np.random.default_rng(seed))
        np.testing.assert_array_equal(label, crop[..., 1] > 7)
        seen[crop.tobytes()] = seen.get(crop.tobytes(), 0) + 1
    assert len(seen) == 8
    flipped = seen[np.ascontiguousarray(image[:, ::-1]).tobytes()]
    assert 0.26 < seen[image.tobytes()] / 800 < 0.37  # 5/16, four standard deviations
    assert 0.25 < flipped / 800 < 0.38
    rest = [n for crop, n in seen.items() if crop not in (image.tobytes(), image[:, ::-1].tobytes())]
    assert 0.03 < min(rest) / 800 < max(rest) / 800 < 0.10  # 1/16 each


def sparse_ice():
    """Two scenes, one of them without ice; the other has it in 1 of 36 places."""
    label = np.zeros((192, 192), np.uint8)
    label[100:110, 40:50] = 1
    scenes = [LabelledScene("a", np.full((192, 192, 3), 9, np.uint8), label)]
    return [Source("s", 1.0, [*scenes, LabelledScene("b", scenes[0].image, np.zeros_like(label))])]


def test_ice_crops_is_the_least_share_of_crops_with_ice():
    def share(ice_crops):
        settings = CropSettings(32, augmentation="geometry", scale=(1.0, 1.0), ice_crops=ice_crops)
        crops = Crops(sparse_ice(), settings, 1, 0, 300)
        return np.mean([bool((crops[i][1] == 1).any()) for i in range(300)])

    assert share(0.0) < 0.08
    some, most = share(0.5), share(1.0)
    assert 0.12 < some < most
    assert most > 0.3, "eight more places, each with a chance of 1 in 16"


def test_a_source_without_ice_gives_crops_all_the_same():
    scene = LabelledScene("b", np.full((64, 64, 3), 9, np.uint8), np.zeros((64, 64), np.uint8))
    crops = Crops([Source("s", 1.0, [scene])], CropSettings(32, ice_crops=1.0), 1, 0, 4)
    assert all((label != 1).all() for _, label in DataLoader(crops, 2))


@pytest.mark.parametrize("sampling", ["weighted", "tiles"])
def test_crops_with_ice_and_parts_of_others_depend_on_the_index_only(sampling):
    settings = CropSettings(32, sampling=sampling, mix=0.5, ice_crops=0.5)
    images, labels = epoch(settings)
    again, labels_again = epoch(settings, workers=2)
    assert torch.equal(images, again)
    assert torch.equal(labels, labels_again)
    assert torch.equal(epoch(settings, start=4)[0], images[4:])
    assert not torch.equal(epoch(CropSettings(32, sampling=sampling, ice_crops=0.5))[0], images)


def test_mixed_puts_a_rectangle_of_the_other_crop_with_its_labels_into_the_first():
    shares = []
    for seed in range(50):
        rng = np.random.default_rng(seed)
        one = np.full((32, 32, 3), 10, np.uint8), np.zeros((32, 32), np.uint8)
        other = np.full((32, 32, 3), 200, np.uint8), np.ones((32, 32), np.uint8)
        image, label = mixed(one, other, rng)
        np.testing.assert_array_equal(image[..., 0] == 200, label == 1)
        rows, columns = np.nonzero(label.any(1))[0], np.nonzero(label.any(0))[0]
        assert label.sum() == len(rows) * len(columns), "a full rectangle"
        shares.append(label.mean())
    assert 0.02 < min(shares) < 0.15
    assert 0.4 < max(shares) < 0.56
