"""Masks of the mapper are those of the plain job, byte for byte, whatever is asked for beside them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import tifffile

from infer.archive.child import Child
from infer.archive.wire.facts import LocalScene, MapperSettings
from tests.helpers.support import random_rgb, run_infer, write_tiff
from train_offline.scenery.scene import make_scene

SHAPES = [(160, 176), (97, 131), (300, 310), (300, 310), (512, 512), (70, 700), (401, 65)]
SETTINGS = MapperSettings(device="cpu", tile=512, overlap=64, threshold=0.35)
# The plain job then chooses its engine as a large one does, and as the mapper always does.
LARGE_JOB = {"infer.predict.choose": "WORTH_BF16 = 0"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scenes with ice of many sizes, one larger than the tile, and broken ones."""
    folder = tmp_path_factory.mktemp("scenes")
    for i, (height, width) in enumerate(SHAPES):
        write_tiff(folder / f"s{i}.tif", make_scene(i, height, width, ice=True).image)
    cut = write_tiff(folder / "cut.tif", random_rgb(90, 80))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    (folder / "no.tif").write_bytes(b"no TIFF at all")
    tifffile.imwrite(folder / "complex.tif", random_rgb(40, 50)[..., 0].astype("complex64"))
    return folder


@pytest.fixture(scope="module")
def plain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files that the plain job makes, by the stem of the scene."""
    masks = tmp_path_factory.mktemp("plain")
    result = run_infer(
        "--input",
        folder,
        "--output",
        masks,
        "--device",
        "cpu",
        "--tile",
        512,
        "--overlap",
        64,
        "--threshold",
        0.35,
        patches=LARGE_JOB,
    )
    assert result.returncode == 0, result.stderr
    return {path.stem: path.read_bytes() for path in masks.iterdir()}


@pytest.fixture(scope="module")
def child() -> Iterator[Child]:
    with Child(SETTINGS) as child:
        yield child


def locals_of(folder: Path, masks: Path) -> list[LocalScene]:
    masks.mkdir(exist_ok=True)
    paths = sorted(folder.iterdir())
    return [LocalScene(f"deep/{path.name}", path, masks / f"{path.stem}.png") for path in paths]


def test_masks_are_the_plain_jobs_in_any_order_together_and_alone(
    folder: Path, plain: dict[str, bytes], child: Child, tmp_path: Path
) -> None:
    scenes = locals_of(folder, tmp_path / "masks")
    for seed in (1, 2):
        random.Random(seed).shuffle(scenes)
        mapped = child.map(scenes)
        assert [one.key for one in mapped] == [scene.key for scene in scenes]
        assert {scene.mask.stem: scene.mask.read_bytes() for scene in scenes} == plain
    for scene in scenes:
        scene.mask.unlink()
        child.map([scene])
        assert scene.mask.read_bytes() == plain[scene.mask.stem]
    assert any(0 < (one.ice_fraction or 0) < 1 for one in mapped)
    assert sorted(path.name for path in scenes[0].mask.parent.iterdir()) == sorted(
        scene.mask.name for scene in scenes
    )


def test_many_sizes_in_one_request_change_no_mask(
    folder: Path, plain: dict[str, bytes], child: Child, tmp_path: Path
) -> None:
    """A folder of more than 64 sizes is padded to another multiple by the plain job; a request never is."""
    many = tmp_path / "many"
    many.mkdir()
    for i in range(70):
        write_tiff(many / f"m{i}.tif", random_rgb(16 + 16 * (i % 10), 16 + 16 * (i // 10), i))
    others = locals_of(many, tmp_path / "other masks")
    scenes = locals_of(folder, tmp_path / "masks")
    child.map([*others, *scenes])
    assert {scene.mask.stem: scene.mask.read_bytes() for scene in scenes} == plain


def test_files_of_one_name_are_two_scenes(child: Child, tmp_path: Path) -> None:
    scenes = []
    for folder, ice in (("a", True), ("b", False)):
        (tmp_path / folder).mkdir()
        path = write_tiff(tmp_path / folder / "1.tif", make_scene(3, 128, 128, ice=ice).image)
        scenes.append(LocalScene(f"{folder}/1.tif", path, tmp_path / folder / "1.png"))
    first, second = child.map(scenes)
    assert first.sha256 != second.sha256
    assert first.ice_fraction
    with pytest.raises(ValueError, match="two scenes"):
        child.map([scenes[0], scenes[0]])


def test_broken_scenes_are_degraded_with_the_plain_jobs_words(
    folder: Path, child: Child, tmp_path: Path
) -> None:
    scenes = [scene for scene in locals_of(folder, tmp_path / "masks") if not scene.mask.stem.startswith("s")]
    scenes.append(LocalScene("gone.tif", tmp_path / "gone.tif", tmp_path / "masks" / "gone.png"))
    said = run_infer("--input", folder, "--output", tmp_path / "plain", "--device", "cpu").stderr
    by_key = {one.key: one for one in child.map(scenes)}
    assert {one.status for one in by_key.values()} == {"degraded"}
    for scene in scenes[:-1]:
        assert f"infer: {scene.path.name}: {by_key[scene.key].error}: its mask is black" in said
    assert (by_key["deep/cut.tif"].height, by_key["deep/cut.tif"].width) == (90, 80)
    assert (by_key["deep/no.tif"].height, by_key["deep/no.tif"].width) == (512, 512)
    assert by_key["gone.tif"].error == "No such file or directory"
    assert by_key["deep/no.tif"].ice_fraction is None


def test_it_says_what_it_computes_with_and_what_it_wrote(child: Child, folder: Path, tmp_path: Path) -> None:
    import hashlib

    from infer.network.weights_file import sha256_of

    ready = child.start()
    assert (ready.device, ready.weights_sha256) == ("cpu", sha256_of(SETTINGS.weights))
    assert ready.engine in ("openvino", "onnxruntime")
    scene = next(scene for scene in locals_of(folder, tmp_path / "masks") if scene.mask.stem == "s0")
    (one,) = child.map([scene])
    content = scene.mask.read_bytes()
    assert (one.bytes, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert (one.status, one.height, one.width, one.made_by) == ("ok", *SHAPES[0], ready.made_by)
