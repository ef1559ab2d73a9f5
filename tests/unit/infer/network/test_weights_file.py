"""Weights that can be used, and the one line for those that cannot."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import segmentation_models_pytorch as smp
import torch
from safetensors.torch import save_file

from infer.errors import UsageError
from infer.network.torch_model import load_model
from infer.network.unet_lite3 import UNetLite3
from infer.network.weights_file import read_slim
from infer.predict.choose import WORTH_BF16, start_on_cpu
from infer.predict.predictor import Predictor
from infer.settings import Settings
from tests.helpers.support import random_rgb

METADATA = {
    "format": "seaice-slim/1",
    "architecture": "unet-lite3",
    "mean": "[127.5, 127.5, 127.5]",
    "std": "[31.875, 31.875, 31.875]",
    "classes": '["background", "ice"]',
}


def _fast_state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: tensor.half() for name, tensor in UNetLite3().state_dict().items()}


def _save(path: Path, state: dict[str, torch.Tensor], **changes: str) -> Path:
    save_file(state, path, metadata={**METADATA, **changes})
    return path


def test_fast_weights_load_in_full_precision(tmp_path: Path) -> None:
    state = _fast_state()
    model = load_model(_save(tmp_path / "w.safetensors", state))
    assert isinstance(model.network, UNetLite3)
    assert model.mean == (127.5, 127.5, 127.5)
    for name, tensor in model.network.state_dict().items():
        assert tensor.dtype == torch.float32
        assert torch.equal(tensor, state[name].float())


@pytest.mark.parametrize(
    "config",
    [
        {"arch": "Unet", "encoder_name": "tu-tf_efficientnet_lite0", "encoder_depth": 4,
         "decoder_channels": [32, 16, 16, 8], "classes": 2},
        {"arch": "FPN", "encoder_name": "resnet18", "classes": 2},
    ],
    ids=lambda config: config["arch"],
)  # fmt: skip
def test_any_smp_architecture_runs(tmp_path: Path, config: dict[str, Any]) -> None:
    torch.manual_seed(1)
    reference = smp.create_model(**config, encoder_weights=None).eval()
    path = _save(
        tmp_path / "w.safetensors", reference.state_dict(), architecture="smp", config=json.dumps(config)
    )
    engine = start_on_cpu(read_slim(path), 0, print)
    predictor = Predictor(engine, Settings(device="cpu"), print, lambda: engine)
    image = random_rgb(112, 90)  # 112 is a multiple of 16 but not of 32, which a five-stage encoder wants
    (mask,) = predictor.predict([image])
    assert mask.shape == (112, 90)
    assert set(mask.flat) <= {0, 255}
    pixels = torch.nn.functional.pad(torch.as_tensor(image).permute(2, 0, 1)[None].float(), (0, 38, 0, 16))
    with torch.inference_mode():
        logits = reference((pixels - 127.5) / 31.875)[0, :, :48, :40]  # far from the padding
    assert ((mask[:48, :40] == 255) == (logits[1] > logits[0]).numpy()).mean() > 0.9


def _refused(path: Path, reason: str, load: Callable[[Path], object] = load_model) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        load(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_absent(tmp_path: Path) -> None:
    _refused(tmp_path / "none.safetensors", "No such file")


def test_truncated(tmp_path: Path) -> None:
    path = _save(tmp_path / "w.safetensors", _fast_state())
    path.write_bytes(path.read_bytes()[:100_000])
    _refused(path, "not a whole safetensors file")


class _Bomb:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("executed"),)


def test_a_pickle_is_refused_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "w.safetensors"
    path.write_bytes(pickle.dumps(_Bomb()))
    _refused(path, "not a whole safetensors file")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": "other"}, "format"),
        ({"architecture": "transformer"}, "architecture"),
        ({"architecture": "smp"}, "config"),
        ({"architecture": "smp", "config": '{"arch": "Nonesuch", "classes": 2}'}, "smp cannot make"),
        ({"mean": "[1, 2]"}, "mean"),
        ({"std": "[0, 1, 1]"}, "std"),
        ({"std": "none"}, "std"),
        ({"std": "[1, NaN, 1]"}, "std"),
        ({"mean": "[Infinity, 1, 1]"}, "mean"),
        ({"mean": "[true, 1, 1]"}, "mean"),
        ({"mean": "[1" + 400 * "0" + ", 1, 1]"}, "mean"),
        ({"mean": "[" * 100_000}, "mean"),
        ({"std": "[1e-300, 1, 1]"}, "std"),
        ({"classes": '["ice", "background"]'}, "classes"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_wrong_metadata(tmp_path: Path, changes: dict[str, str], reason: str) -> None:
    _refused(_save(tmp_path / "w.safetensors", _fast_state(), **changes), reason)


def test_a_network_of_one_class_is_refused(tmp_path: Path) -> None:
    config = {"arch": "FPN", "encoder_name": "resnet18", "classes": 1}
    state = smp.create_model(**config, encoder_weights=None).state_dict()
    path = _save(tmp_path / "w.safetensors", state, architecture="smp", config=json.dumps(config))
    _refused(path, "not two classes")


def load_for_cpu(path: Path) -> object:
    return start_on_cpu(read_slim(path), 0, print)


def load_for_a_large_job(path: Path) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infer.predict.choose.cpu_is_fast_at_bf16", lambda: True)
        return start_on_cpu(read_slim(path), WORTH_BF16, print)


@pytest.mark.parametrize("load", [load_model, load_for_cpu, load_for_a_large_job])
def test_missing_misshapen_and_unknown_tensors(tmp_path: Path, load: Callable[[Path], object]) -> None:
    state = _fast_state()
    state["head.weight"] = state["head.weight"][:1].contiguous()
    _refused(_save(tmp_path / "w.safetensors", state), "head.weight", load)
    del state["head.weight"]
    _refused(_save(tmp_path / "v.safetensors", state), "head.weight", load)
    more = _fast_state() | {"head.more": torch.zeros(3)}
    _refused(_save(tmp_path / "u.safetensors", more), "head.more", load)


def test_numbers_of_a_type_that_numpy_does_not_know(tmp_path: Path) -> None:
    state = {name: tensor.bfloat16() for name, tensor in _fast_state().items()}
    _refused(_save(tmp_path / "w.safetensors", state), "of a type unknown here")


def test_values_that_float32_cannot_hold(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    state = {name: tensor.double() for name, tensor in _fast_state().items()}
    state["stem.bias"][3] = 1e300
    _refused(_save(tmp_path / "w.safetensors", state), "stem.bias")
    assert not recwarn.list


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    with path.open("wb") as file:
        file.truncate(2**34)
    _refused(path, "more than")


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    state = _fast_state()
    state["stem.bias"][3] = float("nan")
    _refused(_save(tmp_path / "w.safetensors", state), "stem.bias")
