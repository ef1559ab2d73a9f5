"""Every row of the contract, on the real program with the shipped weights, as a process of its own."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from infer.predict.hardware import cpu_is_fast_at_bf16
from tests.helpers.support import REPO, WEIGHTS, random_rgb, read_masks, run_infer, shared, write_tiff
from train_offline.scenery.scene import make_scene


def test_each_tiff_gets_one_mask_and_nothing_else_is_written(scenes: Path, tmp_path: Path) -> None:
    before = sorted(os.listdir(scenes))
    result = run_infer("--input", scenes, "--output", tmp_path / "masks out")
    assert result.returncode == 0, result.stderr
    shapes = {name: mask.shape for name, mask in read_masks(tmp_path / "masks out").items()}
    assert shapes == {"a.b.png": (160, 176), "odd.png": (97, 131), "plain.png": (160, 170)}
    assert sorted(os.listdir(scenes)) == before


def test_the_summary_is_one_line_on_stdout_and_stderr_is_silent(scenes: Path, tmp_path: Path) -> None:
    result = run_infer("--input", scenes, "--output", tmp_path / "o")
    assert re.fullmatch(r"3 scenes 0 degraded \d+\.\d\d s \d+\.\d MP/s \(\w+, \w+\)\n", result.stdout)
    assert result.stderr == ""


def test_quiet_says_nothing(scenes: Path, tmp_path: Path) -> None:
    result = run_infer("--input", scenes, "--output", tmp_path / "o", "--quiet")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert len(read_masks(tmp_path / "o")) == 3


@pytest.fixture
def broken(scenes: Path) -> Path:
    """The three scenes and four that cannot be read, in different ways."""
    (scenes / "empty.tif").touch()
    (scenes / "text.tiff").write_text("this is no picture")
    cut = write_tiff(scenes / "cut.tif", random_rgb(200, 120))
    cut.write_bytes(cut.read_bytes()[:9000])
    noise = write_tiff(scenes / "noise.tif", random_rgb(160, 176))
    content = noise.read_bytes()
    noise.write_bytes(content[:5000] + b"\xff" * (len(content) - 5000))
    return scenes


def test_a_scene_that_cannot_be_read_costs_only_itself(broken: Path, tmp_path: Path) -> None:
    result = run_infer("--input", broken, "--output", tmp_path / "o", "--report", tmp_path / "r.json")
    assert result.returncode == 0
    assert result.stdout.startswith("7 scenes 4 degraded")
    masks = read_masks(tmp_path / "o")
    shapes = {"empty": (512, 512), "text": (512, 512), "cut": (200, 120), "noise": (160, 176)}
    for stem, shape in shapes.items():
        assert masks[f"{stem}.png"].shape == shape
        assert not masks[f"{stem}.png"].any()
        (line,) = [line for line in result.stderr.splitlines() if line.startswith(f"infer: {stem}.ti")]
        assert len(line.split(": ")) >= 3
    assert "Traceback" not in result.stderr
    for path in broken.iterdir():
        if path.stem in shapes:
            path.unlink()
    assert run_infer("--input", broken, "--output", tmp_path / "alone").returncode == 0
    for name, mask in read_masks(tmp_path / "alone").items():
        np.testing.assert_array_equal(mask, masks[name])


def test_strict_makes_a_degraded_scene_an_exit_code(broken: Path, tmp_path: Path) -> None:
    result = run_infer("--input", broken, "--output", tmp_path / "o", "--strict")
    assert result.returncode == 3
    assert len(read_masks(tmp_path / "o")) == 7


def test_two_names_for_one_mask_are_said_and_the_first_keeps_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    write_tiff(tmp_path / "in" / "x.tif", random_rgb(40, 50))
    write_tiff(tmp_path / "in" / "x.tiff", random_rgb(60, 50))
    for extra in ([], ["--resume"]):
        result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "o", *extra)
        assert result.stdout.startswith("2 scenes 1 degraded")
        assert "infer: x.tiff: its mask x.png belongs to x.tif" in result.stderr
        masks = read_masks(tmp_path / "o")
        assert {name: mask.shape for name, mask in masks.items()} == {"x.png": (40, 50)}


def test_resume_says_again_which_scenes_have_no_header(scenes: Path, tmp_path: Path) -> None:
    (scenes / "bad.tif").write_text("no")
    for extra in ([], ["--resume"]):
        result = run_infer("--input", scenes, "--output", tmp_path / "o", "--strict", *extra)
        assert result.returncode == 3
        assert "infer: bad.tif: not a TIFF file" in result.stderr


def test_a_name_cannot_forge_a_line(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a\ninfer: b.tif: fake.tif").write_text("no")
    result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "o")
    assert len(result.stderr.splitlines()) == 1
    assert (tmp_path / "o" / "a\ninfer: b.tif: fake.png").exists()


def test_the_report_has_the_contracts_fields(scenes: Path, tmp_path: Path) -> None:
    (scenes / "bad.tif").write_text("no")
    report_file = tmp_path / "deep" / "report.json"
    result = run_infer("--input", scenes, "--output", tmp_path / "o", "--report", report_file)
    assert result.returncode == 0
    report = json.loads(report_file.read_text())
    assert report["device"] in ("cpu", "cuda")
    assert report["precision"] in ("fp16", "bf16", "fp32")
    assert re.fullmatch(r"\d+\.\d+\.\d+", report["version"])
    assert report["weights_sha256"] in (REPO / "weights" / "MODEL_CARD.md").read_text()
    by_name = {scene.pop("name"): scene for scene in report["scenes"]}
    assert set(by_name) == {"a.b.tif", "odd.TIFF", "plain.Tif", "bad.tif"}
    bad = {
        "height": 512,
        "width": 512,
        "status": "degraded",
        "error": "not a TIFF file",
        "ice_fraction": 0,
        "notes": [],
    }
    assert by_name["bad.tif"] == bad
    masks = read_masks(tmp_path / "o")
    odd = by_name["odd.TIFF"]
    assert (odd["height"], odd["width"], odd["status"], odd["error"]) == (97, 131, "ok", None)
    assert odd["ice_fraction"] == pytest.approx((masks["odd.png"] == 255).mean())
    seconds = report["seconds"]
    parts = {"imports", "weights", "device"}
    assert (
        set(seconds)
        == {"start", "setup", "first_mask", "predicted", "read", "predict", "write", "retries", "total"}
        | parts
    )
    assert all((value > 0) == (name != "retries") for name, value in seconds.items())
    assert seconds["first_mask"] <= seconds["total"]
    assert sum(seconds[part] for part in parts) <= seconds["setup"]
    assert seconds["start"] + seconds["setup"] + seconds["predict"] <= seconds["total"]
    assert report["peak_rss_bytes"] > 50e6
    assert report["peak_gpu_bytes"] >= 0


def test_resume_keeps_whole_masks_and_makes_the_others(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    assert run_infer("--input", scenes, "--output", out).returncode == 0
    first = read_masks(out)
    (out / "odd.png").write_bytes((out / "odd.png").read_bytes()[:60])
    (out / "plain.png").unlink()
    kept = (out / "a.b.png").stat().st_mtime_ns
    result = run_infer("--input", scenes, "--output", out, "--resume")
    assert "1 kept" in result.stdout
    assert (out / "a.b.png").stat().st_mtime_ns == kept
    second = read_masks(out)
    assert first.keys() == second.keys()
    assert all((first[name] == second[name]).all() for name in first)


def test_what_is_left_of_a_large_job_is_computed_as_the_whole_was(tmp_path: Path) -> None:
    folder, out, facts = tmp_path / "in", tmp_path / "out", tmp_path / "report.json"
    folder.mkdir()
    for i in range(3):
        write_tiff(folder / f"{i}.tif", make_scene(i, 1024, 1024, ice=True).image)
    masks, precisions = [], []
    for _ in range(2):
        result = run_infer(
            "--input", folder, "--output", out, "--resume", "--report", facts, "--device", "cpu"
        )
        assert (result.returncode, result.stderr) == (0, "")
        masks.append(read_masks(out))
        precisions.append(json.loads(facts.read_text())["precision"])
        (out / "1.png").unlink()
    assert precisions[0] == precisions[1] == ("bf16" if cpu_is_fast_at_bf16() else "fp32")
    assert all(np.array_equal(masks[0][name], masks[1][name]) for name in masks[0])


def test_tiles_and_batches_change_the_work_not_the_masks(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for seed in range(3):
        write_tiff(tmp_path / "in" / f"{seed}.tif", make_scene(seed, 500, 530, ice=True).image)
    run_infer("--input", tmp_path / "in", "--output", tmp_path / "whole")
    tiled = run_infer("--input", tmp_path / "in", "--output", tmp_path / "tiled",
                      "--tile", 384, "--overlap", 192, "--batch", 3)  # fmt: skip
    assert tiled.returncode == 0, tiled.stderr
    whole, pieces = read_masks(tmp_path / "whole"), read_masks(tmp_path / "tiled")
    assert whole.keys() == pieces.keys()
    assert any(mask.any() for mask in whole.values())
    # Small tiles show the network less: uncertain pixels change, more of them in one scene than in another.
    equal = [np.mean(mask == pieces[name]) for name, mask in whole.items()]
    assert min(equal) > 0.9
    assert np.mean(equal) > 0.95


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--input", "{tmp}/nowhere"], "no input folder"),
        (["--input", "{file}"], "is not a folder"),
        (["--input", "{scenes}", "--frobnicate"], "--frobnicate"),
        (["--input", "{scenes}", "--tile", "100"], "multiple of 16"),
        (["--input", "{scenes}", "--tile", "64", "--overlap", "64"], "--overlap"),
        (["--input", "{scenes}", "--batch", "0"], "--batch"),
        (["--input", "{scenes}", "--device", "tpu"], "--device"),
        (["--input", "{scenes}", "--weights", "{tmp}/none.safetensors"], "weights"),
        (["--input", "{scenes}", "--weights", "{file}"], "weights"),
        (["--input", "{scenes}", "--output", "{file}"], "output folder"),
        (["--input", "{scenes}", "--output", "/proc/nowhere"], "output folder"),
        (["--input", "{scenes}", "--report", "/proc/nowhere/r.json"], "report"),
        (["--input", "{scenes}", "--report", "{tmp}"], "is a folder"),
        (["--input", "{scenes}", "--report", "{file}/r.json"], "is not a folder"),
        (["--input", ""], "is empty"),
    ],
)
def test_a_wrong_call_is_one_line_and_exit_2(
    arguments: list[str], reason: str, scenes: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("x")
    places = {"tmp": tmp_path, "file": tmp_path / "file", "scenes": scenes}
    filled = [argument.format(**places) for argument in arguments]
    if "--output" not in filled:
        filled += ["--output", str(tmp_path / "o")]
    result = run_infer(*filled)
    assert result.returncode == 2, result.stderr
    assert not list((tmp_path / "o").glob("*"))
    (line,) = result.stderr.splitlines()
    assert line.startswith("infer: ")
    assert reason in line


def test_an_empty_folder_is_exit_5_and_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    result = run_infer("--input", tmp_path / "in", "--output", tmp_path / "o")
    assert result.returncode == 5
    assert result.stdout.startswith("0 scenes 0 degraded")
    (line,) = result.stderr.splitlines()
    assert f"no .tif or .tiff in {tmp_path / 'in'}" in line
    assert os.listdir(tmp_path / "o") == []


def test_scenes_in_subfolders_are_counted_and_not_made(scenes: Path, tmp_path: Path) -> None:
    above = tmp_path / "above"
    above.mkdir()
    scenes.rename(above / "images")
    (above / "images" / "notes.txt").touch()
    result = run_infer("--input", above, "--output", tmp_path / "o")
    assert result.returncode == 5
    (line,) = result.stderr.splitlines()
    assert f"3 scenes in {above / 'images'} are not looked at: mount that folder" in line
    write_tiff(above / "x.tif", random_rgb(32, 48))
    result = run_infer("--input", above, "--output", tmp_path / "o")
    assert (result.returncode, os.listdir(tmp_path / "o")) == (0, ["x.png"])
    (line,) = result.stderr.splitlines()
    assert "3 scenes in" in line


@pytest.mark.parametrize("strict", [[], ["--strict"]])
def test_a_folder_of_which_nothing_can_be_read_is_exit_6(tmp_path: Path, strict: list[str]) -> None:
    (tmp_path / "in").mkdir()
    for i in range(25):
        (tmp_path / "in" / f"{i:02}.tif").write_bytes(b"no TIFF")
    command = ["--input", tmp_path / "in", "--output", tmp_path / "o", "--report", tmp_path / "r.json"]
    result = run_infer(*command, *strict)
    assert result.returncode == 6
    assert len(read_masks(tmp_path / "o")) == 25
    *named, rest = result.stderr.splitlines()
    assert [line.split(":")[1].strip() for line in named] == [f"{i:02}.tif" for i in reversed(range(5, 25))]
    assert rest == "infer: and 5 more degraded scenes; --report names them all"
    told = json.loads((tmp_path / "r.json").read_text())["scenes"]
    assert [scene["status"] for scene in told] == ["degraded"] * 25


def test_a_mask_that_cannot_be_written_is_exit_4(scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    (out / "odd.png").mkdir(parents=True)
    result = run_infer("--input", scenes, "--output", out)
    assert result.returncode == 4
    assert "infer: odd.TIFF: cannot write odd.png" in result.stderr
    assert "1 failed" in result.stdout
    assert sorted(os.listdir(out)) == ["a.b.png", "odd.png", "plain.png"]


def test_real_scenes_have_masks_of_their_own_size(tmp_path: Path) -> None:
    for part in ("data/bohai_dev/image", "data/floes_modis/image"):
        folder = shared(part)
        out = tmp_path / Path(part).parts[1]
        assert run_infer("--input", folder, "--output", out).returncode == 0
        masks = read_masks(out)
        for path in folder.iterdir():
            with Image.open(path) as image:
                assert masks[path.stem + ".png"].shape == (image.height, image.width)
        assert len(masks) == len(list(folder.iterdir()))
    assert read_masks(tmp_path / "bohai_dev")["bohai_term1.png"].any()


def test_nothing_is_written_outside_the_output_folder(scenes: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    out = tmp_path / "o"
    result = run_infer("--input", scenes, "--output", out, cwd=home, env={"HOME": str(home)})
    assert result.returncode == 0
    assert list(home.rglob("*")) == []
    assert WEIGHTS.is_file()


@pytest.mark.gpu
@pytest.mark.parametrize("part", ["data/bohai_dev/image", "data/floes_modis/image"])
def test_masks_of_the_gpu_agree_with_the_cpus(tmp_path: Path, part: str) -> None:
    if not os.path.exists("/dev/nvidiactl"):
        pytest.skip("no NVIDIA device")
    folder = shared(part)
    for device in ("cuda", "cpu"):
        result = run_infer("--input", folder, "--output", tmp_path / device, "--device", device)
        assert result.returncode == 0, result.stderr
        assert f"({device}, " in result.stdout
    on_gpu, on_cpu = read_masks(tmp_path / "cuda"), read_masks(tmp_path / "cpu")
    assert on_gpu.keys() == on_cpu.keys()
    for name, mask in on_gpu.items():
        assert (mask == on_cpu[name]).mean() >= 0.999


def test_what_was_done_again_and_what_is_odd_stands_in_the_report(tmp_path: Path) -> None:
    folder, facts = tmp_path / "in", tmp_path / "report.json"
    folder.mkdir()
    image, nothing = random_rgb(60, 44), np.zeros((60, 44), np.uint8)
    for name in ("a", "b"):
        write_tiff(folder / f"{name} alpha.tif", np.dstack([image, nothing]), extrasamples=["unassalpha"])
    empty = [(42113, "s", 0, "9", True)]
    write_tiff(folder / "empty.tif", np.full((60, 44), 9, np.uint8), extratags=empty)
    with tifffile.TiffWriter(folder / "pages.tif") as writer:
        for band in range(3):
            writer.write(image[..., band], photometric="minisblack", metadata=None)
    with tifffile.TiffWriter(folder / "plain pages.tif") as writer:
        for _ in range(2):
            writer.write(image, photometric="rgb", metadata=None)
    write_tiff(folder / "plain.tif", image)
    result = run_infer("--input", folder, "--output", tmp_path / "o", "--report", facts, "--strict")
    assert result.returncode == 0, "odd, not degraded"
    report = json.loads(facts.read_text())
    assert report["redone"] == []
    assert {scene["status"] for scene in report["scenes"]} == {"ok"}
    notes = {scene["name"]: " ".join(scene["notes"]) for scene in report["scenes"]}
    assert "alpha is 0 everywhere" in notes["a alpha.tif"]
    assert notes["b alpha.tif"] == notes["a alpha.tif"]
    assert "no data anywhere" in notes["empty.tif"]
    assert "further images of its size" in notes["pages.tif"]
    assert notes["plain pages.tif"] == notes["pages.tif"]
    assert notes["plain.tif"] == ""
    assert len(result.stderr.splitlines()) == 3, "each kind once"
    masks = read_masks(tmp_path / "o")
    assert not any(masks[name].any() for name in ("a alpha.png", "b alpha.png", "empty.png"))


def test_a_part_that_was_never_written_is_read_in_another_way_and_named(tmp_path: Path) -> None:
    folder, facts = tmp_path / "in", tmp_path / "report.json"
    folder.mkdir()
    path = write_tiff(folder / "sparse.tif", random_rgb(64, 64), rowsperstrip=16)
    with tifffile.TiffFile(path, mode="r+b") as file:
        for name in ("StripOffsets", "StripByteCounts"):
            tag = file.pages.first.tags[name]
            tag.overwrite([0 if index == 1 else value for index, value in enumerate(tag.value)])
    assert run_infer("--input", folder, "--output", tmp_path / "o", "--report", facts).returncode == 0
    (redone,) = json.loads(facts.read_text())["redone"]
    assert (redone["stage"], redone["scenes"]) == ("decode", ["sparse.tif"])
    assert "libtiff" in redone["reason"]
