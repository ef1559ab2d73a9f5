"""run.sh: .venv is made once, from the lock, by hash, whole or not at all."""

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

from tests.helpers.support import heed_signals
from tests.run_sh.calls import REPO, clean_environment, run


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
    digest = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
    return f"nothing @ {wheel.as_uri()} --hash=sha256:{digest}\n"


def test_set_up_happens_once_and_again_when_the_lock_changes(bare_checkout: Path) -> None:
    lock, stamp = bare_checkout / "requirements-dev.lock", bare_checkout / ".venv" / "made-from.lock"
    lock.write_text(wheel_line(bare_checkout))
    first = run(bare_checkout / "run.sh", "setup")
    assert first.returncode == 0, first.stderr
    assert first.stdout == ""
    assert "setting up" in first.stderr
    assert stamp.read_text() == lock.read_text()
    assert can_import(bare_checkout, "nothing")
    again = run(bare_checkout / "run.sh", "setup")
    assert "setting up" not in again.stderr
    assert "anew" not in again.stderr
    lock.write_text("# nothing any more\n")
    # From a shell with .venv activated: what is about to be replaced must not be what replaces it.
    activated = clean_environment(PATH=f"{bare_checkout / '.venv' / 'bin'}:{os.environ['PATH']}")
    changed = run(bare_checkout / "run.sh", "setup", env=activated)
    assert changed.returncode == 0, changed.stderr
    assert "has changed" in changed.stderr
    assert stamp.read_text() == lock.read_text()
    assert can_import(bare_checkout, "pip")
    assert not can_import(bare_checkout, "nothing")


def test_a_package_of_another_hash_is_refused_in_one_line_with_a_log(bare_checkout: Path) -> None:
    (bare_checkout / "requirements-dev.lock").write_text(wheel_line(bare_checkout, digest="0" * 64))
    result = run(bare_checkout / "run.sh", "setup")
    assert result.returncode == 1
    failure = result.stderr.splitlines()[-1]
    assert failure.startswith("run.sh: pip could not install the packages: THESE PACKAGES DO NOT MATCH")
    log = Path(failure.split("see ")[1])
    assert "DO NOT MATCH THE HASHES" in log.read_text()
    log.unlink()
    assert not (bare_checkout / ".venv").exists()


def test_a_disk_that_is_too_small_is_one_line_before_anything_is_fetched(bare_checkout: Path) -> None:
    options = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(bare_checkout / "disk")]
    (bare_checkout / "disk").mkdir()
    mounted = subprocess.run(options, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"cannot mount a file system here: {mounted.stderr.strip()}")
    try:
        for name in ("run.sh", "requirements-dev.lock"):
            shutil.copy(REPO / name, bare_checkout / "disk")
        result = run(bare_checkout / "disk" / "run.sh", "setup")
    finally:
        subprocess.run(["umount", bare_checkout / "disk"], check=True)
    assert result.returncode == 1
    failure = result.stderr.splitlines()[-1]
    assert "about 13 GB" in failure
    assert "make room" in failure


def test_a_half_made_venv_is_made_anew(bare_checkout: Path) -> None:
    (bare_checkout / ".venv" / "bin").mkdir(parents=True)
    (bare_checkout / ".venv" / "bin" / "python").write_text("#!/bin/false\n")
    (bare_checkout / ".venv" / "bin" / "python").chmod(0o755)
    result = run(bare_checkout / "run.sh", "setup")
    assert result.returncode == 0
    assert "incomplete" in result.stderr
    assert can_import(bare_checkout, "pip")


def test_two_at_once_make_one_venv(bare_checkout: Path) -> None:
    both = [
        subprocess.Popen(
            [bare_checkout / "run.sh", "setup"], stderr=subprocess.PIPE, text=True, env=clean_environment()
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sum("setting up .venv" in text or "from requirements-dev.lock" in text for text in said) == 1
    assert sum("waiting" in text for text in said) == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_leaves_nothing(bare_checkout: Path, tmp_path: Path, number: int) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    # A named pipe in place of a further list: pip waits for it until it is told to stop.
    os.mkfifo(tmp_path / "list")
    (bare_checkout / "requirements-dev.lock").write_text(f"-r {tmp_path / 'list'}\n")
    process = subprocess.Popen(
        [bare_checkout / "run.sh", "setup"],
        stderr=subprocess.PIPE,
        text=True,
        env=clean_environment(TMPDIR=str(scratch)),
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    deadline = time.monotonic() + 60
    while not (bare_checkout / ".venv" / "tmp").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, number)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "interrupted" in said.splitlines()[-1]
    assert not (bare_checkout / ".venv").exists()
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("exit 1", "not a working Python"),
        ("[[ $2 == *ensurepip* ]] && exit 1 || exit 0", "venv"),
    ],
)
def test_an_unfit_python_is_one_line(bare_checkout: Path, tmp_path: Path, script: str, words: str) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/usr/bin/env bash\n{script}\n")
    python.chmod(0o755)
    result = run(bare_checkout / "run.sh", "setup", env=clean_environment(SEA_ICE_PYTHON=str(python)))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert words in line


def test_no_python_at_all_is_one_line(bare_checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "env", "cmp", "flock", "readlink"):
        (tools / tool).symlink_to(shutil.which(tool) or tool)
    result = run(bare_checkout / "run.sh", env=clean_environment(PATH=str(tools)))
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "no Python 3.10, 3.11 or 3.12" in line


def test_a_python_that_has_gone_is_no_changed_lock(bare_checkout: Path, tmp_path: Path) -> None:
    """As after an upgrade of the system: hours of packages are not thrown away for it."""
    assert run(bare_checkout / "run.sh", "setup").returncode == 0
    python = bare_checkout / ".venv" / "bin" / "python"
    target = python.resolve()
    python.unlink()
    python.symlink_to(tmp_path / "gone")
    result = run(bare_checkout / "run.sh", "infer")
    assert result.returncode == 1
    (line,) = result.stderr.splitlines()
    assert "cannot be run" in line
    assert str(tmp_path / "gone") in line
    assert (bare_checkout / ".venv" / "made-from.lock").exists()
    python.unlink()
    python.symlink_to(target)
    assert "nothing to do" in run(bare_checkout / "run.sh", "setup").stderr


def test_a_python_that_does_not_start_is_named(ready_checkout: Path) -> None:
    python = ready_checkout / ".venv" / "bin" / "python"
    python.write_text("#!/nowhere/ld.so\n")
    result = run(ready_checkout / "run.sh", "infer")
    assert result.returncode == 1
    assert "cannot be run here" in result.stderr.splitlines()[-1]
    assert python.exists()
