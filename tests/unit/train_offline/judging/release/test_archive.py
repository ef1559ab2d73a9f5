"""What is saved is gzip with the right hash; a full disk and a slow engine are told."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import time
from pathlib import Path

import pytest

from infer.errors import UsageError
from train_offline.judging.release.archive import CHUNK, compress, require_space
from train_offline.judging.release.byte_progress import ByteProgress
from train_offline.runtime.code_version import commit_of, revision


class Slow(io.BytesIO):
    """Gives nothing for a while, like an engine that gathers layers."""

    def read(self, count: int = -1) -> bytes:
        time.sleep(0.3)
        return super().read(count)


@pytest.mark.parametrize("size", [0, 1, CHUNK, 3 * CHUNK + 5])
def test_any_gzip_reads_what_was_compressed(size: int) -> None:
    data, packed = os.urandom(size // 2) + bytes(size - size // 2), io.BytesIO()
    with ByteProgress("save", size) as progress:
        digest = compress(io.BytesIO(data), packed, progress)
    assert gzip.decompress(packed.getvalue()) == data
    assert hashlib.sha256(packed.getvalue()).hexdigest() == digest
    assert packed.getvalue()[4:8] == bytes(4)  # no time stamp


@pytest.mark.parametrize("chunks", [1, 40])
def test_a_full_disk_is_an_error_and_no_hang(chunks: int) -> None:
    data = io.BytesIO(os.urandom(CHUNK) * chunks)

    def fill() -> None:
        with open("/dev/full", "wb") as full, ByteProgress("save", 1) as progress:
            compress(data, full, progress)

    with pytest.raises(OSError, match="No space left"):
        fill()


def test_without_a_terminal_lines_tell_how_far_it_is(capsys: pytest.CaptureFixture) -> None:
    with ByteProgress("save", 2 * CHUNK, line_seconds=0.1) as progress:
        compress(Slow(bytes(2 * CHUNK)), io.BytesIO(), progress)
    lines = capsys.readouterr().err.splitlines()
    assert "gathers the layers" in lines[0]
    assert "of about 0.01 GB" in lines[-1]
    assert lines[-1].endswith("MB/s")


def test_too_little_space_is_told_before_anything_is_built(tmp_path: Path) -> None:
    require_space(tmp_path, 1)
    with pytest.raises(UsageError, match="make room"):
        require_space(tmp_path, 10**18)


def test_a_revision_is_the_commit_and_whether_it_is_changed() -> None:
    code = commit_of()
    if code["commit"] is None:
        assert revision(12) == "no-commit"
    else:
        assert revision(12).removesuffix("-changed") == code["commit"][:12]
        assert revision().endswith("-changed") == code["dirty"]
