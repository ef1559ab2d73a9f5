"""The run folder says what the weights were made from."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from tests.helpers.offline.blobs import write_scene
from tests.helpers.offline.training import train
from train_offline.training import checkpoint


def test_run_folder_tells_what_the_weights_were_made_from(folders: Path) -> None:
    assert train(folders, "run", "--steps", 1, "--no-tensorboard") == 0
    facts = json.loads((folders / "run" / "settings.json").read_text())["facts"]
    assert facts == checkpoint.load(folders / "run" / "last.pt").facts
    assert facts["versions"]["torch"] == torch.__version__.partition("+")[0]
    assert [source["scenes"] for source in facts["data"]] == [3]
    write_scene(folders / "data", "1", 99)
    assert train(folders, "other", "--steps", 1, "--no-tensorboard") == 0
    other = json.loads((folders / "other" / "settings.json").read_text())["facts"]
    assert other["data_sha256"] != facts["data_sha256"]
    assert other["val"] == facts["val"]
    assert not (folders / "run" / "tensorboard").exists()
