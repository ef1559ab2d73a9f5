"""The image does what the checkout does, under the judge's restrictions, and leaves quietly when told to."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from safetensors.torch import save_file

from infer.network.weights_file import ANY_SMP, CLASSES, FORMAT
from tests.docker.judge import GROUP, USER, Judge, docker
from tests.helpers.support import SHARED, random_rgb, read_masks, run_infer, without_progress, write_tiff
from train_offline.commands.synthesize import main as synthesize
from train_offline.judging.release.sbom import write_sbom

pytestmark = pytest.mark.docker

REAL = ["bohai_dev", "floes_modis"]
START_ON_CUDA = """
from infer.network.weights_file import read_slim
from infer.predict.ort_cuda_engine import OrtCudaEngine
from infer.settings import WEIGHTS
OrtCudaEngine(read_slim(WEIGHTS))
"""


@pytest.fixture(scope="session")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn scenes, one of them too large for one tile, and a file that is no TIFF at all."""
    folder = tmp_path_factory.mktemp("drawn") / "data"
    drawn = ["--output", str(folder), "--count", "3", "--size", "512,1024", "--seed", "5", "--ice-share", "1"]
    assert synthesize([*drawn, "--workers", "1"]) == 0
    write_tiff(folder / "image" / "large.tif", random_rgb(600, 2400, 3))
    (folder / "image" / "broken.tif").write_bytes(b"no TIFF")
    return folder / "image"


@pytest.fixture(params=[*REAL, "synthesised"])
def scenes(request: pytest.FixtureRequest) -> Path:
    if request.param == "synthesised":
        return request.getfixturevalue("synthesised")
    folder = SHARED / "data" / request.param / "image"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set SEA_ICE_SHARED)")
    return folder


def test_every_mask_is_that_of_the_checkout(judge: Judge, scenes: Path, masks: Path, tmp_path: Path) -> None:
    host = tmp_path / "host"
    assert run_infer("--input", scenes, "--output", host, "--device", "cpu").returncode == 0
    result = judge.run(scenes=scenes, masks=masks)
    assert result.returncode == 0, result.stderr
    (summary,) = result.stdout.splitlines()
    assert summary.startswith(f"{len(list(scenes.iterdir()))} scenes")
    names = sorted(path.name for path in host.iterdir())
    assert sorted(path.name for path in masks.iterdir()) == names
    for name in names:
        ours, theirs = (cv2.imread(str(folder / name), cv2.IMREAD_UNCHANGED) for folder in (masks, host))
        assert ours.shape == theirs.shape, name
        assert np.array_equal(ours, theirs), f"{name}: {np.count_nonzero(ours != theirs)} pixels differ"
        assert ((masks / name).stat().st_uid, (masks / name).stat().st_gid) == (USER, GROUP)


def test_a_broken_scene_is_named_and_gets_its_mask(judge: Judge, synthesised: Path, masks: Path) -> None:
    result = judge.run("--strict", scenes=synthesised, masks=masks)
    assert result.returncode == 3
    assert "broken.tif" in result.stderr
    assert cv2.imread(str(masks / "broken.png"), cv2.IMREAD_UNCHANGED).shape == (512, 512)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--frobnicate"], "--frobnicate"),
        (["frobnicate"], "frobnicate"),
        (["--weights", "/nowhere"], "/nowhere"),
        (["train"], "checkout"),
        (["dry-run"], "checkout"),
        (["test"], "checkout"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(
    judge: Judge, tmp_path: Path, masks: Path, arguments: list[str], words: str
) -> None:
    scenes = tmp_path / "scenes"  # tmp_path itself is closed to other users
    scenes.mkdir()
    write_tiff(scenes / "scene.tif", random_rgb(64, 64, 6))
    result = judge.run(*arguments, scenes=scenes, masks=masks)
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert words in line
    assert not list(masks.iterdir())


def test_forgotten_mounts_are_one_line_and_exit_2(judge: Judge, synthesised: Path, masks: Path) -> None:
    for result, missing in (
        (judge.run(masks=masks), "/input"),
        (judge.run(scenes=synthesised), "/output"),
    ):
        assert result.returncode == 2, result.stdout
        (line,) = result.stderr.splitlines()
        assert missing in line


def test_help_is_printed_without_any_folder(judge: Judge) -> None:
    result = judge.run("help")
    assert result.returncode == 0
    assert "usage" in result.stdout


@pytest.mark.parametrize(("signal", "code"), [("TERM", 143), ("INT", 130)])
def test_a_signal_ends_the_run_with_whole_masks_only(
    detached: Callable[[Path, Path], str], tmp_path: Path, masks: Path, signal: str, code: int
) -> None:
    many = tmp_path / "many"
    many.mkdir()
    first = write_tiff(many / "0000.tif", random_rgb(512, 512, 4))
    for number in range(1, 1000):
        (many / f"{number:04d}.tif").hardlink_to(first)
    container = detached(many, masks)
    deadline = time.monotonic() + 120
    while not list(masks.glob("*.png")):
        assert time.monotonic() < deadline, docker("logs", container).stderr
        time.sleep(0.1)
    if signal == "TERM":
        docker("stop", "--time", "60", container)
    else:
        docker("kill", "--signal", signal, container)
    assert docker("wait", container).stdout.strip() == str(code)
    written = sorted(masks.iterdir())
    assert 0 < len(written) < 1000
    for path in written:
        assert path.suffix == ".png"
        assert cv2.imread(str(path), cv2.IMREAD_UNCHANGED).shape == (512, 512)
    (line,) = without_progress(docker("logs", container).stderr).splitlines()
    assert "stopped" in line


@pytest.fixture
def other_network(tmp_path: Path) -> Path:
    """Weights of an architecture that only smp has."""
    folder = tmp_path / "weights"
    folder.mkdir()
    folder.chmod(0o755)
    torch.manual_seed(3)
    config = {"arch": "FPN", "encoder_name": "resnet18", "classes": 2}
    state = smp.create_model(**config, encoder_weights=None).state_dict()
    scaling = {"mean": [127.5] * 3, "std": [31.875] * 3}
    facts = {
        name: json.dumps(value) for name, value in {"config": config, "classes": CLASSES, **scaling}.items()
    }
    save_file(state, folder / "fpn.safetensors", {"format": FORMAT, "architecture": ANY_SMP, **facts})
    (folder / "fpn.safetensors").chmod(0o644)
    return folder / "fpn.safetensors"


def test_other_networks_need_the_full_image_and_say_so(
    judge: Judge, synthesised: Path, masks: Path, other_network: Path, tmp_path: Path
) -> None:
    given = ["--volume", f"{other_network.parent}:/weights:ro"]
    result = judge.run("--weights", "/weights/fpn.safetensors", scenes=synthesised, masks=masks, flags=given)
    assert result.returncode == 2
    (line,) = result.stderr.splitlines()
    assert "--target full" in line
    full = os.environ.get("SEA_ICE_DOCKER_FULL")
    if not full:
        pytest.skip("SEA_ICE_DOCKER_FULL names no image of the target full (.ci/run builds one)")
    result = Judge(full).run(
        "--weights", "/weights/fpn.safetensors", scenes=synthesised, masks=masks, flags=given
    )
    assert result.returncode == 0, result.stderr
    host = ["--input", synthesised, "--output", tmp_path / "host", "--weights", other_network]
    assert run_infer(*host, "--device", "cpu").returncode == 0
    for path in (tmp_path / "host").iterdir():
        ours, theirs = (cv2.imread(str(folder / path.name), 0) for folder in (masks, tmp_path / "host"))
        assert np.mean(ours == theirs) > 0.9999


def test_onnxruntime_for_a_gpu_makes_the_same_masks_on_a_cpu_and_loads_cuda(
    judge: Judge, drawn_scenes: Path, plain_masks: dict[str, np.ndarray], masks: Path
) -> None:
    image = os.environ.get("SEA_ICE_DOCKER_ORT_CUDA")
    if not image:
        pytest.skip("SEA_ICE_DOCKER_ORT_CUDA names no image of the target ort-cuda (.ci/run builds one)")
    with_cuda = Judge(image)
    result = with_cuda.run("--engine", "ort-cuda", scenes=drawn_scenes, masks=masks)
    assert result.returncode == 0, result.stderr
    made = read_masks(masks)
    assert made.keys() == plain_masks.keys()
    assert all(np.array_equal(made[name], mask) for name, mask in plain_masks.items())
    started = with_cuda.run("-c", START_ON_CUDA, python=True)
    assert "CUDA failure 35" in started.stderr, started.stderr  # no driver; its own libraries are all there


def test_the_image_holds_the_job_compiled_and_nothing_of_the_workbench(judge: Judge) -> None:
    look = (
        "import importlib.util as u, json, pathlib, infer;"
        "app = pathlib.Path('/app');"
        "sources = [*app.rglob('*.py'), u.find_spec('torch').origin, u.find_spec('cv2').origin];"
        "print(json.dumps({"
        "'found': [m for m in ('train_offline', 'tests', 'pytest', 'pip') if u.find_spec(m)],"
        "'bare': [str(s) for s in sources if not pathlib.Path(u.cache_from_source(s)).exists()],"
        "'weights': [w.name for w in (app / 'weights').glob('*.safetensors')]}))"
    )
    result = judge.run("-c", look, python=True)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == {"found": [], "bare": [], "weights": ["seaice.safetensors"]}


def test_the_bill_of_materials_names_what_the_lock_names(judge: Judge, tmp_path: Path) -> None:
    count = write_sbom(judge.image, tmp_path / "x.cdx.json", "1")
    text = (tmp_path / "x.cdx.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    named = {item["purl"].partition("@")[0] for item in json.loads(text)["components"]}
    assert len(named) == count > 100
    assert not named & {"pkg:pypi/triton", "pkg:pypi/sympy", "pkg:pypi/networkx", "pkg:pypi/huggingface-hub"}
    assert {"pkg:pypi/torch", "pkg:pypi/nvidia-dali-cuda120", "pkg:deb/debian/libc6"} <= named


def test_under_a_judge_who_gives_little(judge: Judge, synthesised: Path, masks: Path, tmp_path: Path) -> None:
    little = ["--cpus", "1", "--memory", "2g", "--memory-swap", "2g", "--tmpfs", "/tmp:ro"]
    little += ["--env", "LC_ALL=C", "--env", "HOME="]
    result = judge.run(scenes=synthesised, masks=masks, flags=little)
    assert result.returncode == 0, result.stderr
    assert len(list(masks.iterdir())) == len(list(synthesised.iterdir()))
    assert " 1 degraded" in result.stdout  # the file that is no TIFF


def test_the_image_says_who_it_runs_as_and_that_it_wants_a_gpu(judge: Judge) -> None:
    (facts,) = json.loads(docker("image", "inspect", judge.image).stdout)
    config = facts["Config"]
    assert config["User"] == "0:0"  # to become /output's owner; see test_situations
    assert config["Entrypoint"][-1] == "/app/run.sh"
    assert "NVIDIA_VISIBLE_DEVICES=all" in config["Env"]
    assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in config["Env"]
    assert config["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert set(config["Labels"]) >= {f"org.opencontainers.image.{name}" for name in ("revision", "version")}
    assert facts["Size"] < 7.7e9
    assert not [variable for variable in config["Env"] if variable.startswith("SEA_ICE")]
