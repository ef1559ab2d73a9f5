"""What DALI decodes with on the way to a GPU, and that damage never passes for a picture."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from infer.process.environment import FOLDER_OF_CODECS, prepare_environment
from infer.read.dali import DaliReader
from tests.helpers.support import REPO, random_rgb, write_tiff

DECODE = """
import sys
import numpy
from infer.process.environment import prepare_environment
prepare_environment()
from infer.read.dali import DaliReader
DaliReader(1, gpu=False).read([numpy.fromfile(sys.argv[1], numpy.uint8)])
"""


def test_one_decoder_is_registered(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "x.tif", random_rgb(40, 48))
    loud = {**os.environ, "DALI_NVIMGCODEC_LOG_LEVEL": "5", "PYTHONPATH": str(REPO)}
    said = subprocess.run(
        [sys.executable, "-c", DECODE, path], env=loud, capture_output=True, text=True, check=True
    )
    found = re.findall(r"registering decoder \(id:(\w+)", said.stdout + said.stderr)
    assert set(found) == {"libtiff_decoder"}


@pytest.fixture(scope="module")
def whole() -> DaliReader:
    prepare_environment()
    reader = DaliReader(4, gpu=False)
    assert not Path(os.environ[FOLDER_OF_CODECS]).exists()
    return reader


def test_a_batch_of_whole_files_is_what_was_written(whole: DaliReader, tmp_path: Path) -> None:
    images = [random_rgb(40 + 8 * i, 48, i) for i in range(4)]
    files = [write_tiff(tmp_path / f"{i}.tif", image) for i, image in enumerate(images)]
    for read, image in zip(whole.read([np.fromfile(f, np.uint8) for f in files]), images, strict=True):
        np.testing.assert_array_equal(read, image)


@pytest.mark.parametrize("compression", ["lzw", "deflate", None])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.99])
def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, compression: str | None, keep: float) -> None:
    options = {"compression": compression, "predictor": compression is not None}
    path = write_tiff(tmp_path / "x.tif", random_rgb(128, 128), **options)
    content = np.fromfile(path, np.uint8)
    prepare_environment()
    with pytest.raises(Exception, match="decode"):
        DaliReader(1, gpu=False).read([content[: int(len(content) * keep)]])


@pytest.mark.parametrize("compression", ["lzw", "deflate"])
@pytest.mark.parametrize("start", [0.2, 0.5, 0.8])
def test_noise_in_the_middle_is_refused_or_changes_nothing_before_it(
    tmp_path: Path, compression: str, start: float
) -> None:
    image = random_rgb(128, 128)
    content = np.fromfile(write_tiff(tmp_path / "x.tif", image, compression=compression), np.uint8)
    place = int(len(content) * start)
    content[place : place + 2000] = 0xFF
    prepare_environment()
    with pytest.raises(Exception, match="decode"):
        DaliReader(1, gpu=False).read([content])
