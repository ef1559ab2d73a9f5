"""Scores against a per-pixel float64 reference, hand-computed values and the degenerate cases."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_confusion_matrix,
    multiclass_f1_score,
    multiclass_jaccard_index,
)

from train_offline.scoring.confusion import confusion, f1, fwiou, iou, overall_accuracy


def reference(truth, predicted, ignore):
    """Every score from its definition, pixel by pixel."""
    pairs = [
        (int(t != 0), int(p != 0))
        for t, p, i in zip(truth.ravel(), predicted.ravel(), ignore.ravel(), strict=True)
        if i == 0
    ]
    conf = [[pairs.count((t, p)) for p in (0, 1)] for t in (0, 1)]
    ious, f1s, frequency_weighted = [], [], 0.0
    for c in (0, 1):
        true, said = (
            {k for k, (t, _) in enumerate(pairs) if t == c},
            {k for k, (_, p) in enumerate(pairs) if p == c},
        )
        ious.append(len(true & said) / len(true | said) if true | said else float("nan"))
        f1s.append(2 * len(true & said) / (len(true) + len(said)) if true or said else float("nan"))
        frequency_weighted += len(true) / len(pairs) * ious[c] if true else 0.0
    return conf, ious, f1s, frequency_weighted, sum(t == p for t, p in pairs) / len(pairs)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([0.0, 0.3, 1.0]))
def test_scores_equal_the_definition(seed, ice, said):
    rng = np.random.default_rng(seed)
    truth = (rng.random((9, 7)) < ice).astype(np.uint8) * 255
    predicted = rng.random((9, 7)) < said
    ignore = (rng.random((9, 7)) < 0.2).astype(np.uint8) * 255
    conf, ious, f1s, weighted, accuracy = reference(truth, predicted, ignore)

    found = confusion(truth, predicted, ignore)

    assert found.dtype == np.int64
    assert found.tolist() == conf
    np.testing.assert_allclose(iou(found), ious, rtol=0, atol=1e-15)
    np.testing.assert_allclose(f1(found), f1s, rtol=0, atol=1e-15)
    assert fwiou(found) == pytest.approx(weighted, abs=1e-15)
    assert overall_accuracy(found) == pytest.approx(accuracy, abs=1e-15)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([0.0, 0.3, 1.0]))
def test_scores_equal_those_of_torchmetrics(seed, ice, said):
    rng = np.random.default_rng(seed)
    truth, predicted, ignore = (rng.random((31, 17)) < share for share in (ice, said, 0.2))
    target = torch.from_numpy(np.where(ignore, 255, truth)).long()
    options = {"num_classes": 2, "ignore_index": 255}

    def theirs(metric, average):
        return metric(torch.from_numpy(predicted).long(), target, average=average, **options).double()

    found = confusion(truth, predicted, ignore)

    their_confusion = multiclass_confusion_matrix(torch.from_numpy(predicted).long(), target, **options)
    assert found.tolist() == their_confusion.tolist()
    # A class that is nowhere has no score here, nan, and a score of 0 there.
    assert np.nan_to_num(iou(found)) == pytest.approx(theirs(multiclass_jaccard_index, "none"), abs=1e-6)
    assert np.nan_to_num(f1(found)) == pytest.approx(theirs(multiclass_f1_score, "none"), abs=1e-6)
    assert fwiou(found) == pytest.approx(float(theirs(multiclass_jaccard_index, "weighted")), abs=1e-6)
    assert overall_accuracy(found) == pytest.approx(float(theirs(multiclass_accuracy, "micro")), abs=1e-6)


def test_known_values():
    conf = np.array([[70, 10], [5, 15]])
    assert iou(conf) == pytest.approx([70 / 85, 15 / 30])
    assert f1(conf) == pytest.approx([140 / 155, 30 / 45])
    assert fwiou(conf) == pytest.approx(0.8 * 70 / 85 + 0.2 * 0.5)
    assert overall_accuracy(conf) == pytest.approx(0.85)


def test_scenes_are_summed_before_dividing():
    full, empty = np.array([[0, 0], [0, 50]]), np.array([[150, 0], [0, 0]])
    assert fwiou(full + empty) == 1.0
    assert iou(empty)[0] == 1.0
    assert np.isnan(iou(empty)[1])
    assert iou(np.array([[90, 10], [0, 0]]))[1] == 0.0, (
        "false ice where there is none is an IoU of 0, not nan"
    )


def test_large_scene_does_not_overflow():
    conf = np.array([[2**40, 0], [2**40, 0]], dtype=np.int64)
    assert fwiou(conf) == pytest.approx(0.25)


def test_nothing_to_score_is_nan():
    nothing = confusion(np.ones((2, 2)), np.ones((2, 2)), ignore=np.ones((2, 2)))
    assert nothing.sum() == 0
    assert np.isnan(fwiou(nothing))
    assert np.isnan(overall_accuracy(nothing))


def test_masks_of_different_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        confusion(np.ones((3, 2)), np.ones((2, 3)))
