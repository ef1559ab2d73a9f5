"""The image does what the checkout does, under the judge's restrictions, and leaves quietly when told to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tests.docker.judge import GROUP, USER, Judge, docker
from tests.helpers.support import SHARED, random_rgb, run_infer, without_progress, write_tiff
from train_offline.judging.release.sbom import write_sbom

pytestmark = pytest.mark.docker

REAL = ["bohai_dev", "floes_modis"]


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
