"""The loss against its definition in float64, and the batches that have nothing to say."""

import numpy as np
import pytest
import torch

from train_offline.losses import SegmentationLoss


def reference(logits, labels):
    """Mean cross entropy + mean over classes of (1 - Dice), pixel by pixel in float64."""
    logits, labels = logits.double().numpy(), labels.numpy()
    kept = labels != 255
    exponent = np.exp(logits - logits.max(1, keepdims=True))
    chance = exponent / exponent.sum(1, keepdims=True)  # [B, 2, H, W]
    entropy, dice = [], []
    for c in (0, 1):
        true, p = (labels == c) & kept, chance[:, c]
        entropy.append(-np.log(p[true]).sum())
        dice.append(1 - 2 * p[true].sum() / (p[kept].sum() + true.sum()) if true.any() else 0.0)
    return sum(entropy) / kept.sum() + np.mean(dice)


def batch(seed, ice=0.3, ignored=0.2):
    rng = np.random.default_rng(seed)
    labels = (rng.random((3, 8, 6)) < ice).astype(np.int64)
    labels[rng.random(labels.shape) < ignored] = 255
    return torch.from_numpy(rng.normal(0, 3, (3, 2, 8, 6)).astype(np.float32)), torch.from_numpy(labels)


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
