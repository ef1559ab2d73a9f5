"""run.sh: the verbs, the caller's folder and paths, signals, and how .venv comes to be."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
RUN_SH = REPO / "run.sh"

# Stands in place of .venv/bin/python and prints how it was called: what run.sh makes of its words.
TELLER = """#!/usr/bin/env bash
printf '%s\\n' "$$" "$PWD" "${PYTHONPATH%%:*}" "$@"
"""


def run(script: Path, *arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    options = {"env": clean_environment(), "timeout": 120, **options}
    return subprocess.run([str(script), *arguments], capture_output=True, text=True, check=False, **options)


def clean_environment(**more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SEA_ICE", "PYTHON"))}
    return {**kept, **more}


def can_import(checkout: Path, name: str) -> bool:
    """Whether the checkout's .venv has a Python that works and this package."""
    python = checkout / ".venv" / "bin" / "python"
    return subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 0


def wheel_line(folder: Path, digest: str = "") -> str:
    """A line for a lock that asks for a package made here, with its own hash unless another is given."""
    wheel = folder / "nothing-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("nothing.py", "")
        archive.writestr("nothing-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: nothing\nVersion: 1\n")
        form = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        archive.writestr("nothing-1.dist-info/WHEEL", form)
        archive.writestr("nothing-1.dist-info/RECORD", "")
    return f"nothing @ {wheel.as_uri()} --hash=sha256:{digest or hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A checkout, in a folder with a space, that has never been set up; its lock asks for nothing."""
    folder = tmp_path / "check out"
    folder.mkdir()
    shutil.copy(RUN_SH, folder)
    for package in ("infer", "train_offline", "tests"):
        shutil.copytree(REPO / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(REPO / "pyproject.toml", folder)
    (folder / "requirements-dev.lock").write_text("# nothing\n")
    return folder


@pytest.fixture
def checkout(bare: Path) -> Path:
    """The same, set up with a Python that only tells how it was called."""
    python = bare / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(TELLER)
    python.chmod(0o755)
    shutil.copy(bare / "requirements-dev.lock", bare / ".venv" / "made-from.lock")
    return bare


# ---- verbs
@pytest.mark.parametrize(
    ("words", "called"),
    [
        ([], ["-m", "infer"]),
        (["--input", "a b", "--quiet"], ["-m", "infer", "--input", "a b", "--quiet"]),
        (["infer", "--help"], ["-m", "infer", "--help"]),
        (["dry-run", "--data", "x"], ["-m", "train_offline.dry_run", "--data", "x"]),
        (["synthesize"], ["-m", "train_offline.synthesize"]),
        (["split"], ["-m", "train_offline.split"]),
        (["train", ""], ["-m", "train_offline.train", ""]),
        (["export"], ["-m", "train_offline.export"]),
        (["bench", "*"], ["-m", "tests.bench", "*"]),
    ],
)
def test_each_verb_becomes_its_program(checkout: Path, words: list[str], called: list[str]) -> None:
    module = checkout / f"{called[1].replace('.', '/')}.py"
    if not module.exists() and not module.with_suffix("").is_dir():
        module.write_text("")  # the other engineers' programs are not what is tested here
    result = run(checkout / "run.sh", *words)
    assert result.stderr == ""
    assert result.stdout.splitlines()[3:] == called


def test_the_shell_becomes_python_in_the_callers_folder(checkout: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    process = subprocess.Popen(
        [checkout / "run.sh"], cwd=elsewhere, stdout=subprocess.PIPE, text=True, env=clean_environment()
    )
    output, _ = process.communicate(timeout=60)
    assert output.splitlines()[:3] == [str(process.pid), str(elsewhere), str(checkout)]


def test_a_link_to_run_sh_finds_the_checkout(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "one").symlink_to(checkout / "run.sh")
    (tmp_path / "bin" / "two").symlink_to("../one")
    for called in (str(tmp_path / "bin" / "two"), "./two", "two"):
        environment = clean_environment(PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
        result = subprocess.run(
            [called], cwd=tmp_path / "bin", capture_output=True, text=True, env=environment, check=True
        )
        assert result.stdout.splitlines()[2] == str(checkout)


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ([], ["{checkout}/tests"]),
        (["-k", "tiles"], ["-k", "tiles", "{checkout}/tests"]),
        (["mine.py::test_x", "-x"], ["mine.py::test_x", "-x"]),
    ],
)
def test_test_runs_what_is_named_and_everything_otherwise(
    checkout: Path, tmp_path: Path, words: list[str], paths: list[str]
) -> None:
    (tmp_path / "mine.py").write_text("")
    said = run(checkout / "run.sh", "test", *words, cwd=tmp_path).stdout.splitlines()[3:]
    settings = ["-c", f"{checkout}/pyproject.toml", "--rootdir", str(checkout)]
    assert said == ["-m", "pytest", *settings, *(path.format(checkout=checkout) for path in paths)]


@pytest.mark.parametrize("word", ["help", "--help", "-h"])
def test_help_names_every_verb_and_sets_nothing_up(bare: Path, word: str) -> None:
    result = run(bare / "run.sh", word)
    assert result.returncode == 0
    named = {
        line.split()[0] for line in result.stdout.splitlines() if line.startswith("  ") and line[2] != " "
    }
    verbs = {"infer", "dry-run", "synthesize", "split", "train", "export", "test", "bench", "setup", "help"}
    assert verbs <= named
    assert not (bare / ".venv").exists()


@pytest.mark.parametrize("words", [["frobnicate"], [""], ["Infer"]])
def test_an_unknown_verb_is_one_line_and_exit_2(bare: Path, words: list[str]) -> None:
    result = run(bare / "run.sh", *words)
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    assert not (bare / ".venv").exists()


def test_a_verb_without_its_program_is_one_line_and_exit_2(checkout: Path) -> None:
    shutil.rmtree(checkout / "train_offline")
    result = run(checkout / "run.sh", "train")
    assert result.returncode == 2
    assert "not in this checkout" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_in_the_image_its_own_python_is_used_and_the_workbench_is_refused(bare: Path, tmp_path: Path) -> None:
    shutil.rmtree(bare / "train_offline")
    shutil.rmtree(bare / "tests")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").write_text(TELLER)
    (tmp_path / "bin" / "python").chmod(0o755)
    image = clean_environment(SEA_ICE_IMAGE="1", PATH=f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert run(bare / "run.sh", env=image).stdout.splitlines()[3:] == ["-m", "infer"]
    for verb in ("train", "dry-run", "test", "bench"):
        result = run(bare / "run.sh", verb, env=image)
        assert result.returncode == 2
        assert "belongs to a checkout" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert not (bare / ".venv").exists()


# ---- set-up
def test_set_up_happens_once_and_again_when_the_lock_changes(bare: Path) -> None:
    lock, stamp = bare / "requirements-dev.lock", bare / ".venv" / "made-from.lock"
    lock.write_text(wheel_line(bare))
    first = run(bare / "run.sh", "setup")
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    assert "setting up" in first.stderr
    assert stamp.read_text() == lock.read_text()
    assert can_import(bare, "nothing")
    again = run(bare / "run.sh", "setup")
    assert "setting up" not in again.stderr
    assert "anew" not in again.stderr
    lock.write_text("# nothing any more\n")
    # From a shell with .venv activated: what is about to be replaced must not be what replaces it.
    activated = clean_environment(PATH=f"{bare / '.venv' / 'bin'}:{os.environ['PATH']}")
    changed = run(bare / "run.sh", "setup", env=activated)
    assert changed.returncode == 0, changed.stderr
    assert "has changed" in changed.stderr
    assert stamp.read_text() == lock.read_text()
    assert can_import(bare, "pip")
    assert not can_import(bare, "nothing")


def test_a_package_of_another_hash_is_refused_in_one_line_with_a_log(bare: Path) -> None:
    (bare / "requirements-dev.lock").write_text(wheel_line(bare, digest="0" * 64))
    result = run(bare / "run.sh", "setup")
    assert result.returncode == 1
    failure = result.stderr.splitlines()[-1]
    log = Path(failure.split("see ")[1])
    assert "DO NOT MATCH THE HASHES" in log.read_text()
    log.unlink()
    assert not (bare / ".venv").exists()


def test_a_half_made_venv_is_made_anew(bare: Path) -> None:
    (bare / ".venv" / "bin").mkdir(parents=True)
    (bare / ".venv" / "bin" / "python").write_text("#!/bin/false\n")
    (bare / ".venv" / "bin" / "python").chmod(0o755)
    result = run(bare / "run.sh", "setup")
    assert result.returncode == 0
    assert "incomplete" in result.stderr
    assert can_import(bare, "pip")


def test_two_at_once_make_one_venv(bare: Path) -> None:
    both = [
        subprocess.Popen(
            [bare / "run.sh", "setup"], stderr=subprocess.PIPE, text=True, env=clean_environment()
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("setting up .venv" in text or "from requirements-dev.lock" in text for text in said) == 1
    assert sum("waiting" in text for text in said) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_leaves_nothing(bare: Path, tmp_path: Path, number: int) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # A named pipe in place of a package list: pip waits for it until it is told to stop.
    lock = bare / "requirements-dev.lock"
    lock.unlink()
    os.mkfifo(lock)
    process = subprocess.Popen(
        [bare / "run.sh", "setup"],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(TMPDIR=str(scratch)),
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while not (bare / ".venv" / "tmp").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in said.splitlines()[-1]
    assert not (bare / ".venv").exists()
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "not a working Python"),
        ("[[ $2 == *ensurepip* ]] && exit 1 || exit 0", "venv"),
    ],
)
def test_an_unfit_python_is_one_line(bare: Path, tmp_path: Path, script: str, words: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/usr/bin/env bash\n{script}\n")
    python.chmod(0o755)
    result = run(bare / "run.sh", "setup", env=clean_environment(SEA_ICE_PYTHON=str(python)))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert words in line


def test_no_python_at_all_is_one_line(bare: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "env", "cmp", "flock", "readlink"):
        (tools / tool).symlink_to(shutil.which(tool))
    result = run(bare / "run.sh", env=clean_environment(PATH=str(tools)))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "no Python 3.10, 3.11 or 3.12" in line


# ---- the real thing
def test_ctrl_c_reaches_the_program(tmp_path: Path) -> None:
    """With the real .venv of this checkout: the program under test is the one that runs these lines."""
    if not (REPO / ".venv" / "made-from.lock").exists():
        pytest.skip("run.sh has not made a .venv in this checkout")
    test = tmp_path / "test_sleep.py"
    test.write_text("import time\ndef test_sleep():\n    print('asleep', flush=True)\n    time.sleep(60)\n")
    process = subprocess.Popen(
        [RUN_SH, "test", "-s", str(test)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=clean_environment(),
    )  # fmt: skip
    for line in process.stdout:
        if "asleep" in line:
            break
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 2, rest  # pytest's own code for an interrupt
    assert "KeyboardInterrupt" in rest
