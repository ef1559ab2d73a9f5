"""Images judged: ours as a process would be, strangers' with their faults, and what passes is saved."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

from tests.docker.judge import Judge, docker
from tests.e2e.test_judging import SCHEMA
from tests.judged import make_data
from tests.submission import mask_of
from tests.support import REPO
from train_offline import dry_run, pack
from train_offline.judging.container import TITLE
from train_offline.synthesize import main as synthesize

pytestmark = pytest.mark.docker

BASE_VARIABLE = "SEA_ICE_DOCKER_BASE"
STRANGER = """FROM {image}
LABEL org.opencontainers.image.title={title}
VOLUME /scratch
COPY submission.py /submission.py
ENTRYPOINT ["python", "/submission.py", "/input", "/output", "{fault}"]
"""
COPIES = """FROM {base}
COPY masks /masks
CMD ["cp", "-r", "/masks/.", "/output/"]
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_data(tmp_path / "my data")


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
def stranger(judge: Judge, build: Callable[..., str]) -> Callable[[str], str]:
    def make(fault: str, title: str = "stranger") -> str:
        dockerfile = STRANGER.format(image=judge.image, fault=fault, title=title)
        name = fault.replace(" ", "-") or "good"
        return build(name, dockerfile, submission=REPO / "tests" / "submission.py")

    return make


def judged(data: Path, report_dir: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    code = dry_run.main(["--data", str(data), "--report-dir", str(report_dir), *arguments])
    report = json.loads((report_dir / "report.json").read_text())
    jsonschema.validate(report, SCHEMA)
    return code, report


def test_our_image_and_our_process_have_the_same_masks_and_scores(judge: Judge, tmp_path: Path) -> None:
    data = tmp_path / "drawn"
    assert synthesize(["--output", str(data), "--count", "3", "--seed", "11", "--ice-share", "1"]) == 0
    (data / "train.csv").unlink()
    code, contained = judged(data, tmp_path / "r", "--image", judge.image, "--device", "cpu")
    assert code == 0, contained["findings"]
    code, plain = judged(data, tmp_path / "r", "--device", "cpu")
    assert code == 0, plain["findings"]
    assert contained["score"] == plain["score"]
    for ours, theirs in zip(plain["scenes"], contained["scenes"], strict=True):
        assert ours["mask_sha256"] == theirs["mask_sha256"]
    assert (plain["comparison"]["same"], plain["comparison"]["seconds"]) == (3, None)
    wall = contained["seconds"]["wall"]["median"]
    parts = {part["name"]: part["seconds"] for part in contained["seconds"]["parts"]}
    assert abs(sum(parts.values()) - wall) < 0.05 * wall
    assert parts["start"] > 0.02
    assert parts["imports"] > 0
    cost = contained["cost"]
    assert (cost["peak_is_of"], cost["limit_bytes"]) == ("control group", 8 * 2**30)
    assert 200e6 < cost["peak_bytes"] <= cost["limit_bytes"]
    assert max(cost["samples"]["group"]) <= cost["peak_bytes"]
    assert contained["submission"]["packages"]["numpy"]
    assert contained["cost"]["cpu_seconds"] > 0.5
    assert contained["submission"]["image"] == judge.image


def test_the_checkout_is_built_and_judged_scene_by_scene(judge: Judge, data: Path, tmp_path: Path) -> None:
    code, report = judged(data, tmp_path / "r", "--docker", "--per-scene", "--device", "cpu")
    assert code == 0, report["findings"]
    assert all(scene["seconds"] > 0.1 for scene in report["scenes"])
    assert {scene["status"] for scene in report["scenes"]} == {"ok"}


@pytest.mark.parametrize(
    ("fault", "kind", "file"),
    [
        ("missing", "missing", "s.1.png"),
        ("rgb", "mode", "s.1.png"),
        ("values", "values", "s.1.png"),
        ("size", "size", "s.1.png"),
        ("rights", "permissions", "s.1.png"),
        ("crash", "exit", ""),
        ("outside", "exit", ""),  # the root file system is read-only
        ("input", "exit", ""),  # and so is the input
    ],
)
def test_a_faulty_image_is_found_out(
    stranger: Callable[[str], str], data: Path, tmp_path: Path, fault: str, kind: str, file: str
) -> None:
    code, report = judged(data, tmp_path / "r", "--image", stranger(fault))
    assert code == 1
    assert (kind, file) in {(finding["kind"], finding["file"]) for finding in report["findings"]}


def test_an_image_of_a_stranger_that_is_in_order_passes(
    stranger: Callable[[str], str], data: Path, tmp_path: Path
) -> None:
    volumes = docker("volume", "ls", "--quiet").stdout
    code, report = judged(data, tmp_path / "r", "--image", stranger(""), "--repeat", "2")
    assert code == 0, report["findings"]
    assert docker("volume", "ls", "--quiet").stdout == volumes
    assert [part["name"] for part in report["seconds"]["parts"]] == ["start", "job"]
    assert report["submission"]["packages"] is None
    assert (report["data"]["scored"], report["notes"]) == (3, [])


def test_an_image_that_hangs_is_killed_and_removed(
    stranger: Callable[[str], str], data: Path, tmp_path: Path
) -> None:
    code, report = judged(data, tmp_path / "r", "--image", stranger("hang"), "--time-limit", "4")
    assert code == 1
    assert report["findings"][0]["kind"] == "time"
    assert "still waiting for the network" in report["findings"][0]["what"]
    assert "sea-ice-judge" not in docker("ps", "--all", "--format", "{{.Names}}").stdout


def test_an_image_that_only_calls_itself_ours_is_judged_all_the_same(
    stranger: Callable[..., str], data: Path, tmp_path: Path
) -> None:
    image = stranger("pipe for a report", title=TITLE)
    code, report = judged(data, tmp_path / "r", "--image", image)
    assert code == 0, report["findings"]
    assert report["submission"]["device"] is None


def test_a_temporary_folder_of_any_name_can_be_mounted(
    stranger: Callable[..., str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / 'a:b,c "d"'
    odd.mkdir()
    for folder in (*tmp_path.parents, tmp_path):
        if folder.stat().st_uid == os.getuid() and folder.is_relative_to(tempfile.gettempdir()):
            folder.chmod(folder.stat().st_mode | 0o055)  # the container is another user
    monkeypatch.setattr(tempfile, "tempdir", str(odd))
    code, report = judged(data, tmp_path / "r", "--image", stranger(""))
    assert code == 0, report["findings"]


def test_an_image_that_is_not_there_is_a_wrong_call(
    judge: Judge, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    arguments = ["--data", str(data), "--report-dir", str(tmp_path / "r"), "--image", "no/such:image"]
    assert dry_run.main(arguments) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "no/such:image" in line


@pytest.fixture
def base(judge: Judge) -> str:
    name = os.environ.get(BASE_VARIABLE)
    if not name:
        pytest.skip(f"{BASE_VARIABLE} names no small image (.ci/run does)")
    return name


def packed(data: Path, report_dir: Path, out: Path, image: str) -> int:
    folders = {"--data": data, "--report-dir": report_dir, "--output": out}
    return pack.main(["--image", image, *(str(part) for pair in folders.items() for part in pair)])


def test_what_passes_is_saved_with_its_report(
    base: str, build: Callable[..., str], data: Path, tmp_path: Path
) -> None:
    masks = tmp_path / "baked masks"
    masks.mkdir()
    for scene in (data / "image").iterdir():
        mask_of(scene).save(masks / f"{scene.stem}.png")
    image = build("copies", COPIES.format(base=base), masks=masks)
    out = tmp_path / "out"
    assert packed(data, tmp_path / "r", out, image) == 0
    names = {path.name.partition(".")[2]: path for path in out.iterdir()}
    assert set(names) == {"tar.gz", "tar.gz.sha256", "report.html", "report.json"}
    archive = names["tar.gz"]
    digest, name = names["tar.gz.sha256"].read_text().split()
    assert (digest, name) == (hashlib.sha256(archive.read_bytes()).hexdigest(), archive.name)
    assert json.loads(names["report.json"].read_text())["passed"] is True
    with gzip.open(archive) as file:
        assert file.read(1)
    docker("image", "rm", "--force", image)
    assert docker("load", "--input", archive).returncode == 0
    assert docker("image", "inspect", image).returncode == 0


def test_what_does_not_pass_is_not_saved(
    base: str, build: Callable[..., str], data: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    masks = tmp_path / "baked masks"
    masks.mkdir()
    Image.new("L", (96, 64)).save(masks / "s.0.png")
    image = build("copies-one", COPIES.format(base=base), masks=masks)
    out = tmp_path / "out"
    assert packed(data, tmp_path / "r", out, image) == 1
    assert list(out.iterdir()) == []
    assert "nothing is saved" in capfd.readouterr().err
