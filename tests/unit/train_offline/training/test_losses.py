"""The losses against their definitions in float64, and the batches that have nothing to say."""

import numpy as np
import pytest
import torch

from train_offline.training.optimisation.boundary_loss import boundary_loss
from train_offline.training.optimisation.losses import LossSettings, SegmentationLoss

ALL = LossSettings(boundary=1.0, lovasz=1.0)


def chances(logits):
    """Softmax over axis 1 in float64."""
    logits = logits.double().numpy()
    exponent = np.exp(logits - logits.max(1, keepdims=True))
    return exponent / exponent.sum(1, keepdims=True)


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


@pytest.mark.parametrize("smoothing", [0.1, 0.3])
def test_smoothed_entropy_equals_its_definition(smoothing):
    logits, labels = batch(6)
    loss = SegmentationLoss(LossSettings(smoothing=smoothing))(logits, labels)
    assert float(loss) == pytest.approx(reference(logits, labels, smoothing), rel=1e-5)


# ---- boundary
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


def disc(radius, shift=0, size=40):
    """Labels [1, size, size] with a disc of ice, and logits that are sure of a disc moved by `shift`."""
    rows, columns = np.mgrid[:size, :size] - size // 2
    labels, said = (np.hypot(rows, columns - s) < radius for s in (0, shift))
    logits = torch.from_numpy(np.where(said, 20.0, -20.0)).float()
    return torch.stack([-logits, logits])[None], torch.from_numpy(labels).long()[None]


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


# ---- all terms
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


# ---- deep supervision
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
    SegmentationLoss(ALL)((outputs[0], outputs[1:]), labels).backward()
    assert all(output.grad.abs().sum() > 0 for output in outputs)
