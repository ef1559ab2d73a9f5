"""The boundary loss against its definition, pixel by pixel in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.helpers.job.logits import batch, chances, disc
from train_offline.training.optimisation.boundary_loss import boundary_loss


def around(b, y, x, shape, reach):
    """The pixels within `reach` rows and columns of one, those outside the tile left out."""
    rows = range(max(0, y - reach), min(shape[1], y + reach + 1))
    columns = range(max(0, x - reach), min(shape[2], x + reach + 1))
    return [(b, row, column) for row in rows for column in columns]


def edges(member, kept, reach=1):
    """How far each kept pixel is in the class while a kept pixel beside it is not; 0 elsewhere."""
    edge = np.zeros(member.shape)
    for pixel in zip(*np.nonzero(kept), strict=True):
        outside = max(1 - member[q] for q in around(*pixel, member.shape, reach) if kept[q])
        edge[pixel] = outside - (1 - member[pixel])
    return edge


def boundary_reference(logits, labels):
    """Mean over classes of 1 - F1 of the boundaries, pixel by pixel in float64."""
    chance, labels = chances(logits), labels.numpy()
    kept, losses = labels != 255, []
    for c in (0, 1):
        true, said = edges((labels == c).astype(float), kept), edges(chance[:, c], kept)
        found = right = 0.0
        for pixel in zip(*np.nonzero(kept), strict=True):
            near = around(*pixel, labels.shape, 2)
            right += said[pixel] * max(true[q] for q in near)
            found += true[pixel] * max(said[q] for q in near)
        precision, recall = right / max(1, said.sum()), found / max(1, true.sum())
        losses.append(1 - 2 * precision * recall / (precision + recall) if true.any() else 0.0)
    return np.mean(losses)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ice", [0.02, 0.3, 0.9])
@pytest.mark.parametrize("ignored", [0.0, 0.2, 0.6])
def test_boundary_loss_equals_its_definition(seed, ice, ignored):
    logits, labels = batch(seed, ice, ignored)
    assert float(boundary_loss(logits, labels)) == pytest.approx(boundary_reference(logits, labels), abs=1e-5)


def test_boundary_loss_with_and_without_a_gradient_is_the_same():
    logits, labels = batch(7)
    with_gradient = boundary_loss(logits.clone().requires_grad_(), labels)
    assert float(with_gradient.detach()) == pytest.approx(float(boundary_loss(logits, labels)), abs=1e-6)


def test_boundary_gradient_equals_differences_of_the_definition():
    logits, labels = batch(8)
    logits.requires_grad_()
    boundary_loss(logits, labels).backward()
    for pixel in [(0, 1, 2, 3), (1, 0, 4, 4), (2, 1, 7, 5)]:
        step = torch.zeros_like(logits, dtype=torch.float64)
        step[pixel] = 1e-5
        higher, lower = (boundary_reference(logits.detach().double() + d, labels) for d in (step, -step))
        assert float(logits.grad[pixel]) == pytest.approx((higher - lower) / 2e-5, abs=1e-5)


def test_boundary_within_two_pixels_is_right_and_beyond_is_not():
    losses = [float(boundary_loss(*disc(12, shift))) for shift in (0, 1, 2, 3, 6, 12)]
    assert losses[:3] == pytest.approx([0, 0, 0], abs=1e-6)
    assert losses[2] + 0.01 < losses[3] < losses[4] < losses[5] <= 1


def test_a_tile_edge_and_the_edge_of_the_ignored_are_no_boundary():
    logits, labels = disc(50)  # ice everywhere
    assert float(boundary_loss(-logits, labels)) == 0
    labels[:, 10:20] = 255
    assert float(boundary_loss(-logits, labels)) == 0


def test_false_boundaries_in_an_empty_tile_cost_precision():
    logits, labels = (torch.cat([part, part]) for part in disc(12))
    labels[1] = 0
    right = torch.cat([logits[:1], torch.stack([logits[:1, 1] * 0 + 20, logits[:1, 1] * 0 - 20], 1)])
    assert float(boundary_loss(right, labels)) < 1e-6
    assert float(boundary_loss(logits, labels)) == pytest.approx(1 - 2 * 0.5 / 1.5, abs=1e-3)
