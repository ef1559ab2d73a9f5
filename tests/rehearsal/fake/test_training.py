"""That a training never waits for its GPU within a step, and keeps to the one that it was given."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from tests.rehearsal.fake.backward import walk_backward

Facts = dict[str, Any]
GIVEN = "cuda:1"
TYPES = {"fp32": ["torch.float32"], "bf16": ["torch.bfloat16"]}


def of(run: Facts) -> str:
    return f"{run['preset']} in {run['precision']}"


def test_no_step_waits_for_the_gpu(training: Facts) -> None:
    """Neither for a number nor for a copy; each line that does is named. Lovasz, in no recipe, would."""
    for run in training["runs"]:
        for step in run["steps"]:
            assert step["reads"] == [], of(run)
            assert step["waits"] == [], of(run)
            assert step["to_host"] == [], of(run)


def test_a_step_is_that_of_a_gpu(training: Facts) -> None:
    """All of it was seen: forward, backward, and the optimiser and the average for many tensors at once."""
    for run in training["runs"]:
        first, second = (set(step["names"]) for step in run["steps"])
        assert {"aten.convolution.default", "aten.convolution_backward.default"} <= first & second, of(run)
        assert {"aten._foreach_addcdiv_.ScalarList", "aten._foreach_copy_.default"} <= first & second, of(run)
        assert "aten._foreach_lerp_.Scalar" in second, of(run)
        assert run["updates"] == len(run["steps"]), of(run)


def test_nothing_lands_on_another_gpu(training: Facts) -> None:
    for run in training["runs"]:
        assert run["lies"] == [GIVEN], of(run)
        assert run["moments"] > 100, of(run)
        for part in (*run["steps"], run["mean_loss"], run["is_finite"], run["scene"]):
            assert part["devices"] == [GIVEN], of(run)
            assert part["mixed"] == [], of(run)


def test_between_steps_one_number_is_waited_for(training: Facts) -> None:
    for run in training["runs"]:
        for part in ("mean_loss", "is_finite"):
            assert len(run[part]["reads"]) == 1, (of(run), part, run[part]["reads"])
            assert run[part]["to_host"] == [], (of(run), part)


def test_a_scene_to_score_is_copied_back_once(training: Facts) -> None:
    for run in training["runs"]:
        assert run["scene"]["mask"] == [50, 60], of(run)
        assert run["scene"]["to_host"] == ["float32 [50, 60] cpu"], of(run)
        assert run["scene"]["reads"] == [], of(run)


def test_convolutions_are_in_the_precision_and_channels_last(training: Facts) -> None:
    """Of bf16 only the type: torch asks the GPU whether cuDNN can have it, and without one does as if not."""
    for run in training["runs"]:
        for part in (*run["steps"], run["scene"]):
            assert part["types"] == TYPES[run["precision"]], of(run)
            assert run["precision"] == "bf16" or part["strided"] == [], of(run)


def test_walked_backward_gives_the_engines_gradients() -> None:
    """With real numbers, on a network whose parts are used twice."""
    torch.manual_seed(0)
    inner = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU6())
    network = nn.ModuleDict({"first": nn.Conv2d(3, 4, 1), "inner": inner, "unused": nn.Conv2d(3, 4, 1)})
    other, images = copy.deepcopy(network), torch.randn(2, 3, 8, 8)

    def loss(part: nn.ModuleDict) -> torch.Tensor:
        x = part["first"](images)
        low, high = (part["inner"](part["inner"](x)) + x).softmax(1).chunk(2, dim=1)
        return (low * high).square().mean() + low.amax()

    loss(network).backward()
    walk_backward(loss(other))
    found = dict(other.named_parameters())
    for name, parameter in network.named_parameters():
        if name.startswith("unused"):
            assert found[name].grad is None
        else:
            assert parameter.grad.abs().sum() > 0, name
            torch.testing.assert_close(found[name].grad, parameter.grad)
