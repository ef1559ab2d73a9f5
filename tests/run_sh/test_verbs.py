"""run.sh: each verb becomes its program, in the caller's folder, with the caller's words and signals."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.helpers.support import heed_signals
from tests.run_sh.calls import REPO, RUN_SH, clean_environment, run


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ([], ["-m", "infer"]),
        (["--input", "a b", "--quiet"], ["-m", "infer", "--input", "a b", "--quiet"]),
        (["infer", "--help"], ["-m", "infer", "--help"]),
        (["dry-run", "--data", "x"], ["-m", "train_offline.commands.dry_run", "--data", "x"]),
        (["pack"], ["-m", "train_offline.commands.pack"]),
        (["synthesize"], ["-m", "train_offline.commands.synthesize"]),
        (["check", "x"], ["-m", "train_offline.commands.check", "x"]),
        (["split"], ["-m", "train_offline.commands.split"]),
        (["train", ""], ["-m", "train_offline.commands.train", ""]),
        (["export"], ["-m", "train_offline.commands.export"]),
        (["bench", "*"], ["-m", "tests.bench", "*"]),
    ],
)
def test_each_verb_becomes_its_program(ready_checkout: Path, words: list[str], called: list[str]) -> None:
    module = ready_checkout / f"{called[1].replace('.', '/')}.py"
    if not module.exists() and not module.with_suffix("").is_dir():
        module.write_text("")  # the other engineers' programs are not what is tested here
    result = run(ready_checkout / "run.sh", *words)
    assert result.stderr == ""
    assert result.stdout.splitlines()[3:] == called


def test_the_shell_becomes_python_in_the_callers_folder(ready_checkout: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    process = subprocess.Popen(
        [ready_checkout / "run.sh"], cwd=elsewhere, stdout=subprocess.PIPE, text=True, env=clean_environment()
    )
    output, _ = process.communicate(timeout=60)
    assert output.splitlines()[:3] == [str(process.pid), str(elsewhere), str(ready_checkout)]


def test_a_link_to_run_sh_finds_the_checkout(ready_checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "one").symlink_to(ready_checkout / "run.sh")
    (tmp_path / "bin" / "two").symlink_to("../one")
    for called in (str(tmp_path / "bin" / "two"), "./two", "two"):
        environment = clean_environment(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        result = subprocess.run(
            [called], cwd=tmp_path / "bin", capture_output=True, text=True, env=environment, check=True
        )
        assert result.stdout.splitlines()[2] == str(ready_checkout)


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ([], ["-n", "logical", "--maxprocesses", "4", "--dist", "loadfile", "{checkout}/tests"]),
        (["-k", "tiles"], ["-k", "tiles", "{checkout}/tests"]),
        (["mine.py::test_x", "-x"], ["mine.py::test_x", "-x"]),
    ],
)
def test_test_runs_what_is_named_and_everything_otherwise(
    ready_checkout: Path, tmp_path: Path, words: list[str], paths: list[str]
) -> None:
    (tmp_path / "mine.py").write_text("")
    said = run(ready_checkout / "run.sh", "test", *words, cwd=tmp_path).stdout.splitlines()[3:]
    settings = ["-c", f"{ready_checkout}/pyproject.toml", "--rootdir", str(ready_checkout)]
    assert said == ["-m", "pytest", *settings, *(path.format(checkout=ready_checkout) for path in paths)]


@pytest.mark.parametrize("word", ["help", "--help", "-h"])
def test_help_names_every_verb_and_sets_nothing_up(bare_checkout: Path, word: str) -> None:
    result = run(bare_checkout / "run.sh", word)
    assert result.returncode == 0
    named = {
        line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ") and line[2] != " "
    }
    verbs = {"infer", "dry-run", "pack", "synthesize", "check", "split", "train", "export"}
    assert verbs | {"test", "bench", "setup", "help"} <= named
    assert not (bare_checkout / ".venv").exists()


@pytest.mark.parametrize("words", [["frobnicate"], [""], ["Infer"]])
def test_an_unknown_verb_is_one_line_and_exit_2(bare_checkout: Path, words: list[str]) -> None:
    result = run(bare_checkout / "run.sh", *words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert not (bare_checkout / ".venv").exists()


def test_a_verb_without_its_program_is_one_line_and_exit_2(ready_checkout: Path) -> None:
    shutil.rmtree(ready_checkout / "train_offline")
    result = run(ready_checkout / "run.sh", "train")
    assert result.returncode == 2
    assert "not in this checkout" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_the_image_is_known_from_a_file_and_no_variable(bare_checkout: Path) -> None:
    """What the image then does is tested in it: tests/docker/test_situations.py."""
    pretended = clean_environment(SEA_ICE_IMAGE="1")
    assert "belongs to a checkout" not in run(bare_checkout / "run.sh", "frobnicate", env=pretended).stderr
    (bare_checkout / ".image").touch()
    result = run(bare_checkout / "run.sh", "train")
    assert (result.returncode, len(result.stderr.splitlines())) == (2, 1)
    assert "belongs to a checkout" in result.stderr
    assert "docker run" in run(bare_checkout / "run.sh", "--help").stdout
    assert not (bare_checkout / ".venv").exists()


def test_ctrl_c_reaches_the_program(tmp_path: Path) -> None:
    """With the real .venv of this checkout: the program under test is the one that runs these lines."""
    if not (REPO / ".venv" / "made-from.lock").exists():
        pytest.skip("run.sh has not made a .venv in this checkout")
    test = tmp_path / "test_sleep.py"
    test.write_text("import time\ndef test_sleep():\n    print('asleep', flush=True)\n    time.sleep(60)\n")
    process = subprocess.Popen(
        [RUN_SH, "test", "-s", str(test)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment(),
        preexec_fn=heed_signals,
    )  # fmt: skip
    assert process.stdout
    for line in process.stdout:
        if "asleep" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 2, rest  # pytest's own code for an interrupt
    assert "KeyboardInterrupt" in rest
