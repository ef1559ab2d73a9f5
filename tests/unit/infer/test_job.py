"""The pass itself, where a batch goes wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from infer.flow.batches import predict_all
from infer.network.torch_model import Model
from infer.plan.scenes import find_scenes, readable
from infer.predict.predictor import Predictor
from infer.predict.torch_engine import TorchEngine
from infer.process.journal import Redone
from infer.process.progress import Progress
from infer.read.decoder import Decoded
from infer.read.reader import DecodedBatch
from infer.settings import Settings
from infer.write.mask_writer import MaskWriter
from infer.write.messages import Told
from infer.write.sink import MaskSink
from tests.helpers.support import random_rgb, read_masks, write_tiff


def test_a_prediction_that_fails_is_said_and_its_masks_are_black(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        write_tiff(tmp_path / "in" / f"{name}.tif", random_rgb(32, 40))
    scenes = readable(find_scenes(tmp_path / "in"))
    wrong = torch.nn.Conv2d(5, 2, 1)  # wants five bands and is given three
    engine = TorchEngine(Model(wrong, (0.0,) * 3, (1.0,) * 3, ""), "cpu")
    predictor = Predictor(engine, Settings(device="cpu"), print, lambda: engine)
    whole = Decoded(random_rgb(32, 40))
    batch = DecodedBatch(scenes, [whole, Decoded(error="cut short"), whole])
    redone: list[Redone] = []
    (tmp_path / "out").mkdir()
    with MaskWriter(tmp_path / "out") as writer:
        sink = MaskSink(writer, Told(Progress(3, quiet=True), redone.append))
        predict_all([batch], predictor, sink)
    pending = sink.pending
    assert [item.scene for item in pending] == scenes
    assert pending[1].error == "cut short"
    assert all("prediction failed: RuntimeError" in (item.error or "") for item in (pending[0], pending[2]))
    masks = read_masks(tmp_path / "out")
    assert {name: mask.shape for name, mask in masks.items()} == dict.fromkeys(
        ("a.png", "b.png", "c.png"), (32, 40)
    )
    assert not any(mask.any() for mask in masks.values())
    assert len(capsys.readouterr().err.splitlines()) == 4
    assert [(one.stage, len(one.scenes)) for one in redone] == [("predict", 2)]


class _Broken(torch.nn.Module):
    """Ice everywhere, but no number for an image whose first pixel is black."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        logits = torch.stack((torch.zeros_like(x[:, 0]), torch.ones_like(x[:, 0])), 1)
        return torch.where(x[:, :1, :1, :1] == 0, torch.nan, logits)


def test_a_scene_without_a_finite_answer_costs_no_other_of_its_batch(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b", "c"):
        write_tiff(tmp_path / "in" / f"{name}.tif", random_rgb(32, 40))
    scenes = readable(find_scenes(tmp_path / "in"))
    images = [random_rgb(32, 40, seed) for seed in range(3)]
    images[1][0, 0] = 0
    engine = TorchEngine(Model(_Broken(), (0.0,) * 3, (1.0,) * 3, ""), "cpu")
    predictor = Predictor(engine, Settings(device="cpu"), print, lambda: engine)
    (tmp_path / "out").mkdir()
    with MaskWriter(tmp_path / "out") as writer:
        batch = DecodedBatch(scenes, [Decoded(image) for image in images])
        sink = MaskSink(writer, Told(Progress(3, quiet=True), print))
        predict_all([batch], predictor, sink)
    pending = sink.pending
    assert [bool(item.error) for item in pending] == [False, True, False]
    assert "not finite" in (pending[1].error or "")
    names = [scene.mask_name for scene in scenes]
    assert [read_masks(tmp_path / "out")[name].min() for name in names] == [255, 0, 255]


def test_where_there_is_no_data_there_is_no_ice(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("a", "b"):
        write_tiff(tmp_path / "in" / f"{name}.tif", random_rgb(32, 40))
    scenes = readable(find_scenes(tmp_path / "in"))
    icy = torch.nn.Conv2d(3, 2, 1)
    icy.weight.data.zero_()
    assert icy.bias is not None
    icy.bias.data = torch.tensor([0.0, 1.0])
    engine = TorchEngine(Model(icy, (0.0,) * 3, (1.0,) * 3, ""), "cpu")
    predictor = Predictor(engine, Settings(device="cpu"), print, lambda: engine)
    valid = np.zeros((32, 40), bool)
    valid[5:9, 7:30] = True
    batch = DecodedBatch(scenes, [Decoded(random_rgb(32, 40), valid=sign) for sign in (valid, None)])
    (tmp_path / "out").mkdir()
    with MaskWriter(tmp_path / "out") as writer:
        predict_all([batch], predictor, MaskSink(writer, Told(Progress(2, quiet=True), print)))
    masks = read_masks(tmp_path / "out")
    np.testing.assert_array_equal(masks[scenes[0].mask_name], np.where(valid, 255, 0))
    assert (masks[scenes[1].mask_name] == 255).all()
