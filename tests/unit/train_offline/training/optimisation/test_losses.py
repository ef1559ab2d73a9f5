"""The losses against their definitions in float64, and the batches that have nothing to say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.helpers.job.logits import batch, chances, disc
from train_offline.training.optimisation.losses import LossSettings, SegmentationLoss

ALL = LossSettings(boundary=1.0, lovasz=1.0)


def reference(logits, labels, smoothing=0.0):
    """Mean cross entropy + mean over classes of (1 - Dice), pixel by pixel in float64."""
    chance, labels = chances(logits), labels.numpy()  # [B, 2, H, W]
    kept = labels != 255
    entropy, dice = 0.0, []
    for c in (0, 1):
        true, p = (labels == c) & kept, chance[:, c]
        entropy -= (1 - smoothing) * np.log(p[true]).sum() + smoothing / 2 * np.log(p[kept]).sum()
        dice.append(1 - 2 * p[true].sum() / (p[kept].sum() + true.sum()) if true.any() else 0.0)
    return entropy / kept.sum() + np.mean(dice)


@pytest.mark.parametrize("ice", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("ignored", [0.0, 0.5])
def test_loss_equals_its_definition(ice, ignored):
    logits, labels = batch(1, ice, ignored)
    assert float(SegmentationLoss()(logits, labels)) == pytest.approx(reference(logits, labels), rel=1e-5)


def test_ignored_pixels_have_no_say():
    logits, labels = batch(2)
    logits.requires_grad_()
    SegmentationLoss()(logits, labels).backward()
    ignored = (labels == 255)[:, None].expand_as(logits)
    assert (logits.grad[ignored] == 0).all()
    assert (logits.grad[~ignored] != 0).any()


def test_batch_without_a_counted_pixel_is_zero_and_harmless():
    logits, labels = batch(3, ignored=1.1)
    logits.requires_grad_()
    loss = SegmentationLoss()(logits, labels)
    loss.backward()
    assert loss.item() == 0
    assert (logits.grad == 0).all()


def test_right_answers_cost_nothing_and_wrong_ones_much():
    _, labels = batch(4, ignored=0)
    right = torch.stack([labels == 0, labels == 1], 1).float() * 40 - 20
    assert float(SegmentationLoss()(right, labels)) < 1e-4
    assert float(SegmentationLoss()(-right, labels)) > 20


def test_half_precision_logits_are_computed_in_single():
    logits, labels = batch(5)
    loss = SegmentationLoss()(logits.bfloat16(), labels)
    assert loss.dtype == torch.float32
    assert float(loss) == pytest.approx(reference(logits.bfloat16().float(), labels), rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.1, 0.3])
def test_smoothed_entropy_equals_its_definition(smoothing):
    logits, labels = batch(6)
    loss = SegmentationLoss(LossSettings(smoothing=smoothing))(logits, labels)
    assert float(loss) == pytest.approx(reference(logits, labels, smoothing), rel=1e-5)


@pytest.mark.parametrize("settings", [LossSettings(), ALL, LossSettings(entropy=0, dice=0, boundary=1)])
@pytest.mark.parametrize(("ice", "ignored"), [(0.0, 0.0), (1.0, 0.0), (0.3, 1.1), (0.0, 0.5), (0.01, 0.0)])
@pytest.mark.parametrize("sureness", [0.0, 3.0, 200.0])  # 200: the softmax is 0 or 1 to the last bit
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_and_gradient_are_finite_on_any_batch(settings, ice, ignored, sureness, dtype):
    logits, labels = batch(9, ice, ignored)
    logits = (logits * sureness).to(dtype).requires_grad_()
    loss = SegmentationLoss(settings)(logits, labels)
    loss.backward()
    assert loss.dtype == torch.float32
    assert loss.isfinite()
    assert logits.grad.isfinite().all()
    assert logits.grad.abs().max() < 10
    ignored_pixels = (labels == 255)[:, None].expand_as(logits)
    assert (logits.grad[ignored_pixels] == 0).all()


@pytest.mark.parametrize("name", ["entropy", "dice", "boundary", "lovasz"])
def test_each_term_is_weighted(name):
    logits, labels = batch(10)
    nothing = {"entropy": 0, "dice": 0, "boundary": 0, "lovasz": 0}
    one, two = (SegmentationLoss(LossSettings(**nothing | {name: w}))(logits, labels) for w in (1.0, 2.5))
    assert float(one) > 0
    assert float(two) == pytest.approx(2.5 * float(one))


@pytest.mark.parametrize("settings", [ALL, LossSettings(entropy=0, dice=0, boundary=1)])
def test_gradient_descent_finds_the_mask(settings):
    _, labels = disc(9, size=32)
    logits = torch.zeros(1, 2, 32, 32).normal_(generator=torch.Generator().manual_seed(0)).requires_grad_()
    optimiser, loss = torch.optim.Adam([logits], 0.1), SegmentationLoss(settings)
    before = float(loss(logits, labels).detach())
    for _ in range(150):
        optimiser.zero_grad()
        loss(logits, labels).backward()
        optimiser.step()
    assert float(loss(logits, labels).detach()) < 0.1 * before


def test_auxiliary_outputs_add_their_loss_on_shrunk_labels():
    logits, labels = batch(11)
    auxiliary = [logits[..., ::2, ::2] + 1, logits[..., ::4, ::3] - 1]
    settings = LossSettings(boundary=1.0, deep=0.3)
    loss = SegmentationLoss(settings)
    expected = float(loss(logits, labels))
    expected += 0.3 * float(loss(auxiliary[0], labels[:, ::2, ::2]))
    expected += 0.3 * float(loss(auxiliary[1], labels[:, ::4, ::3]))
    assert float(loss((logits, auxiliary), labels)) == pytest.approx(expected, rel=1e-6)
    alone = SegmentationLoss(LossSettings(deep=0.0))
    assert float(alone((logits, auxiliary), labels)) == float(alone(logits, labels))


def test_every_output_gets_a_gradient():
    logits, labels = batch(12)
    outputs = [logits, logits[..., ::2, ::2].clone(), logits[..., ::4, ::3].clone()]
    for output in outputs:
        output.requires_grad_()
    SegmentationLoss(replace(ALL, deep=0.5))((outputs[0], outputs[1:]), labels).backward()
    assert all(output.grad.abs().sum() > 0 for output in outputs)
