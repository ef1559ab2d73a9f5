"""The image under test, and the folders, containers and small images that a test needs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.docker.judge import Judge, docker
from tests.helpers.judging.judged import make_data
from tests.helpers.judging.submission import mask_of
from tests.helpers.support import random_rgb, read_masks, run_infer, write_tiff
from train_offline.commands.synthesize import main as synthesize

IMAGE_VARIABLE = "SEA_ICE_DOCKER_IMAGE"
BASE_VARIABLE = "SEA_ICE_DOCKER_BASE"
COPIES = """FROM {base}
COPY masks /masks
{more}
CMD {command}
"""


@pytest.fixture(scope="session")
def judge() -> Judge:
    image = os.environ.get(IMAGE_VARIABLE)
    if not image:
        pytest.skip(f"{IMAGE_VARIABLE} names no image (.ci/run builds one)")
    if not shutil.which("docker"):
        pytest.skip("no docker client")
    seen = docker("image", "inspect", image)
    assert seen.returncode == 0, f"{IMAGE_VARIABLE}={image}, but: {seen.stderr.strip()}"
    return Judge(image)


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """An empty folder that the container's user may write to."""
    folder = tmp_path / "masks of the container"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


@pytest.fixture
def detached(judge: Judge) -> Iterator[Callable[[Path, Path], str]]:
    """Starts a container in the background and returns its id; removes it at the end."""
    started = []

    def start(scenes: Path, masks: Path) -> str:
        result = docker("run", "--detach", *judge.options(scenes, masks), judge.image)
        assert result.returncode == 0, result.stderr
        started.append(result.stdout.strip())
        return started[-1]

    yield start
    for container in started:
        docker("rm", "--force", container)


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """Builds an image from a Dockerfile's text and files; removes it at the end."""
    built = []

    def make(name: str, dockerfile: str, **files: Path) -> str:
        context = tmp_path / f"context-{name}"
        context.mkdir()
        (context / "Dockerfile").write_text(dockerfile)
        for target, source in files.items():
            if source.is_dir():
                shutil.copytree(source, context / target)
            else:
                shutil.copy(source, context / source.name)
        tag = f"sea-ice-test/{name}:latest"
        result = docker("build", "--tag", tag, context)
        assert result.returncode == 0, result.stderr
        built.append(tag)
        return tag

    yield make
    for tag in built:
        docker("image", "rm", "--force", tag)


@pytest.fixture
def base(judge: Judge) -> str:
    name = os.environ.get(BASE_VARIABLE)
    if not name:
        pytest.skip(f"{BASE_VARIABLE} names no small image (.ci/run does)")
    return name


@pytest.fixture
def copies(base: str, build: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """Builds a small image that copies baked masks of the given scenes to /output.

    command: of the shell, before the copying. more: lines of its Dockerfile.
    """

    def make(name: str, scenes: list[Path], command: str = "true", more: str = "") -> str:
        masks = tmp_path / f"masks of {name}"
        masks.mkdir()
        for scene in scenes:
            mask_of(scene).save(masks / f"{scene.stem}.png")
        line = json.dumps(["sh", "-c", f"{command} && cp -r /masks/. /output/"])
        return build(name, COPIES.format(base=base, more=more, command=line), masks=masks)

    return make


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder of three small scenes, in a folder whose name has a space."""
    return make_data(tmp_path / "my data")


@pytest.fixture(scope="session")
def drawn_scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three drawn ones with ice; c is cut to an odd shape."""
    folder = tmp_path_factory.mktemp("scenes")
    drawn = ["--count", "3", "--size", "256", "--seed", "5", "--ice-share", "1", "--workers", "1"]
    assert synthesize(["--output", str(folder / "data"), *drawn]) == 0
    made = folder / "image"
    made.mkdir()
    for name, path in zip("abc", sorted((folder / "data" / "image").iterdir()), strict=True):
        image = tifffile.imread(path)
        write_tiff(made / f"{name}.tif", image[:199, :130] if name == "c" else image)
    return made


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn scenes, one of them too large for one tile, and a file that is no TIFF at all."""
    folder = tmp_path_factory.mktemp("drawn") / "data"
    drawn = ["--output", str(folder), "--count", "3", "--size", "512,1024", "--seed", "5", "--ice-share", "1"]
    assert synthesize([*drawn, "--workers", "1"]) == 0
    write_tiff(folder / "image" / "large.tif", random_rgb(600, 2400, 3))
    (folder / "image" / "broken.tif").write_bytes(b"no TIFF")
    return folder / "image"


@pytest.fixture(scope="session")
def plain_masks(drawn_scenes: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The masks that the checkout makes of them."""
    output = tmp_path_factory.mktemp("plain")
    assert run_infer("--input", drawn_scenes, "--output", output, "--device", "cpu").returncode == 0
    masks = read_masks(output)
    assert sum(mask.any() for mask in masks.values()) > 1, "black masks would tell nothing"
    return masks


@pytest.fixture(scope="session")
def hostile_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a caller's folders may hold, by chance or not: each of these ends whoever loads it."""
    made = tmp_path_factory.mktemp("evil")
    made.chmod(0o755)
    for name in ("sitecustomize", "usercustomize", "numpy", "infer", "json", "torch"):
        (made / f"{name}.py").write_text("raise SystemExit('hostile')\n")
    (made / "shell").write_text("exit 99\n")
    for name in ("libz.so.1", "libstdc++.so.6"):
        (made / name).write_text("no library")
    return made
