"""Everything that a wrong call may name, in one folder; and how the commands are called."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.checkpoints import write_checkpoint
from tests.helpers.support import WEIGHTS

# A client of Docker whose engine answers, but has no image.
NO_IMAGES = """#!/bin/sh
[ "$1" = version ] && echo 27.0 && exit 0
echo "Error response from daemon: No such image" >&2
exit 1
"""


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Named as what is wrong with each: data folders, checkpoints, weights files, runs."""
    folder = tmp_path_factory.mktemp("there")
    for name, scenes in (("data", range(3)), ("val", range(8, 10))):
        for number in scenes:
            write_scene(folder / name, str(number), number, 64, 64)
    for name in ("empty", "no_checkpoint", "no_scenes/image", "full", "no_docker", "no_images"):
        (folder / name).mkdir(parents=True)
    (folder / "file").write_text("a file")
    (folder / "full" / "file").write_text("a file")
    _data_folders(folder)
    _weights(folder)
    (folder / "no_images" / "docker").write_text(NO_IMAGES)
    (folder / "no_images" / "docker").chmod(0o755)
    return folder


def _data_folders(folder: Path) -> None:
    data = folder / "data"
    shutil.copytree(data / "image", folder / "no_masks" / "image")
    for name in ("list_is_folder", "empty_row", "broken_scene", "broken_mask"):
        shutil.copytree(data, folder / name)
    (folder / "list_is_folder" / "train.csv").mkdir()
    (folder / "empty_row" / "train.csv").write_text("image,label\nimage/0.tif,gt/0.png\nimage/1.tif,\n")
    (folder / "broken_scene" / "image" / "0.tif").write_bytes(b"")
    (folder / "broken_mask" / "gt" / "0.png").write_bytes(b"")


def _weights(folder: Path) -> None:
    (folder / "run").mkdir()
    write_checkpoint(folder / "run" / "last.pt", val=(folder / "val",))
    write_checkpoint(folder / "fpn.pt", arch="fpn", encoder="resnet18")
    write_checkpoint(folder / "resnet.pt", encoder="resnet18")
    write_checkpoint(folder / "moved.pt", val=(folder / "moved away",))
    write_checkpoint(folder / "alone.pt", data=((folder / "moved away", 1.0),))
    whole = (folder / "run" / "last.pt").read_bytes()
    (folder / "cut.pt").write_bytes(whole[: len(whole) // 2])
    (folder / "text.pt").write_text("a text")
    (folder / "foreign.pt").write_bytes(pickle.dumps({"call": os.path.join}))
    torch.save({"state_dict": {"a": torch.ones(2)}}, folder / "other.pt")
    (folder / "run_is_file").write_text("a file")
    shutil.copy(WEIGHTS, folder / "whole.safetensors")
    (folder / "cut.safetensors").write_bytes(WEIGHTS.read_bytes()[:99999])
    (folder / "text.safetensors").write_text("a text")
