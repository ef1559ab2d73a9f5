"""What passes is saved, under the names that the judge loads; what does not pass is not."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docker.judge import Judge, docker
from tests.helpers.offline.tutorial import commands, copy_checkout, type_in, verb
from train_offline.commands.pack import main as pack
from train_offline.judging.release import pack as packing
from train_offline.runtime.code_version import revision

pytestmark = pytest.mark.docker

Copies = Callable[..., str]


def packed(data: Path, report_dir: Path, out: Path, *arguments: str) -> int:
    folders = {"--data": data, "--report-dir": report_dir, "--output": out}
    return pack([*arguments, *(str(part) for pair in folders.items() for part in pair)])


def scenes_of(data: Path) -> list[Path]:
    return sorted((data / "image").iterdir())


def test_what_passes_is_saved_with_its_report(copies: Copies, data: Path, tmp_path: Path) -> None:
    image = copies("copies", scenes_of(data))
    out = tmp_path / "out"
    assert packed(data, tmp_path / "r", out, "--image", image) == 0
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


def test_our_image_is_loaded_under_both_its_names(
    copies: Copies,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture,
) -> None:
    image, out = copies("ours", scenes_of(data)), tmp_path / "out"
    monkeypatch.setattr(packing, "build", lambda log: image)  # the real one takes minutes to judge and save
    monkeypatch.setattr(packing, "write_sbom", lambda *_: None)  # there is no Python in this one
    monkeypatch.setattr(packing, "NAME", "sea-ice-test/ours")
    names = ["sea-ice-test/ours:latest", f"sea-ice-test/ours:{revision(12)}"]
    try:
        assert packed(data, tmp_path / "r", out) == 0
        (archive,) = out.glob("*.tar.gz")
        assert revision(12) in archive.name
        docker("image", "rm", "--force", *names, image)
        loaded = docker("load", "--input", archive).stdout
        assert [name in loaded for name in names] == [True, True]
    finally:
        docker("image", "rm", "--force", *names)
    said = dict(line.split(maxsplit=1) for line in capfd.readouterr().out.splitlines() if " " in line)
    assert said["load"] == f"docker load --input {archive.name}"
    assert said["check"] == f"sha256sum --check {archive.name}.sha256"
    assert said["run"].endswith(f'-v "$PWD/out":/output {names[0]}')
    assert "GB in" in said["archive"]


def test_what_does_not_pass_is_not_saved(
    copies: Copies, data: Path, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    out = tmp_path / "out"
    image = copies("copies-one", scenes_of(data)[:1])
    assert packed(data, tmp_path / "r", out, "--image", image) == 1
    assert list(out.iterdir()) == []
    assert "nothing is saved" in capfd.readouterr().err


def test_pack_is_the_last_command_of_the_tutorial_and_saves_what_the_others_made(
    judge: Judge, tmp_path: Path
) -> None:
    """With the weights as shipped: tests/e2e/training/test_tutorial.py trains others."""
    checkout = copy_checkout(tmp_path)
    for command in commands():
        if verb(command) in ("synthesize", "split", "pack"):
            result = type_in(command, checkout)
            assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
    assert list((checkout / "submissions").glob("sea-ice-*.tar.gz"))
