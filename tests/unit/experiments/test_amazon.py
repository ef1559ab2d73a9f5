"""The scores of the published table: their definitions, their files, and what is laid out for the run."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import (
    multiclass_accuracy,
    multiclass_jaccard_index,
    multiclass_precision,
    multiclass_recall,
)

from infer.errors import UsageError
from tests.experiments.amazon import PUBLISHED, main, mean_scores, per_image, score, stage, table
from tests.helpers.support import random_rgb
from train_offline.data.folder import listed_pairs, read_labelled
from train_offline.scoring.confusion import confusion


def random_masks(seed: int, true: float, said: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((23, 17)) < true, rng.random((23, 17)) < said


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.1, 0.6, 1.0]), st.sampled_from([0.0, 0.3, 1.0]))
def test_scores_of_an_image_equal_those_of_torchmetrics(seed, true, said):
    truth, predicted = random_masks(seed, true, said)
    scores = per_image(confusion(truth, predicted))
    masks = torch.from_numpy(predicted).long(), torch.from_numpy(truth).long()
    weighted = {"num_classes": 2, "average": "weighted"}
    assert scores["accuracy"] == pytest.approx(float(multiclass_accuracy(*masks, 2, average="micro")))
    assert scores["accuracy"] == pytest.approx(float(multiclass_recall(*masks, **weighted)))
    assert scores["precision"] == pytest.approx(float(multiclass_precision(*masks, **weighted)))
    assert scores["weighted_iou"] == pytest.approx(float(multiclass_jaccard_index(*masks, **weighted)))


@pytest.mark.parametrize(("true", "said"), [(0.4, 0.5), (0.0, 0.2), (1.0, 0.0), (0.0, 0.0)])
def test_scores_of_an_image_equal_those_of_scikit_learn(true, said):
    sklearn = pytest.importorskip("sklearn.metrics")
    truth, predicted = (mask.ravel() for mask in random_masks(1, true, said))
    scores = per_image(confusion(truth[None], predicted[None]))
    options = {"average": "weighted", "zero_division": 0}
    assert scores["accuracy"] == pytest.approx(sklearn.accuracy_score(truth, predicted))
    assert scores["precision"] == pytest.approx(sklearn.precision_score(truth, predicted, **options))
    assert scores["weighted_iou"] == pytest.approx(sklearn.jaccard_score(truth, predicted, **options))


@pytest.mark.parametrize(
    ("row", "precision", "recall"),
    [
        (0, 0.957118635854769, 0.9473068237304687),
        (1, 0.9574032348251127, 0.9526313781738281),
        (2, 0.9519391163230152, 0.9470283508300781),
    ],
)
def test_f1_of_the_table_is_that_of_its_authors_means(row, precision, recall):
    images = [
        {"accuracy": recall + d, "precision": precision - d, "weighted_iou": 0.9 + d} for d in (-0.04, 0.04)
    ]
    means = mean_scores(images)
    _, accuracy, f1, _ = PUBLISHED[row]
    assert means["accuracy"] == pytest.approx(accuracy, abs=5e-5)
    assert means["f1"] == pytest.approx(f1, abs=5e-5)
    assert means["weighted_iou"] == pytest.approx(0.9)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """DATA_DIR with two scenes to train on, one of them no TIFF, and two to score, of odd sizes."""
    folder = tmp_path / "data"
    for side, names in (("train", ("a.tiff_1.tif", "b.tiff_2.png")), ("val", ("c.tif", "d.TIFF"))):
        for number, name in enumerate(names):
            image = random_rgb(33 + number, 47, number)
            path = folder / side / "image" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            (folder / side / "gt").mkdir(exist_ok=True)
            if path.suffix == ".png":
                cv2.imwrite(str(path), image[:, :, ::-1])
            else:
                tifffile.imwrite(path, image)
            mask = (np.random.default_rng(number).random(image.shape[:2]) < 0.5) * np.uint8(255)
            cv2.imwrite(str(folder / side / "gt" / f"{path.stem}.png"), mask)
    return folder


def test_stage_links_what_fits_and_converts_the_rest(data: Path, tmp_path: Path) -> None:
    stage(data, tmp_path / "run")
    stage(data, tmp_path / "run")  # again, as after a run that was stopped
    train, test = (listed_pairs(tmp_path / "run" / side, "train.csv") for side in ("scenes", "test"))
    assert [pair.name for pair in train] == ["a.tiff_1", "b.tiff_2"]
    assert [pair.name for pair in test] == ["c", "d"]
    assert train[0].image.resolve() == data / "train" / "image" / "a.tiff_1.tif"
    assert np.array_equal(read_labelled(train[1]).image, random_rgb(34, 47, 1))


def test_scenes_of_other_kinds_become_rgb_of_8_bits_alike(data: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    deep = rng.integers(100, 4000, (40, 50, 4)).astype(np.uint16)
    deep[:, :, 3] = 60000  # what a near-infrared band holds must not matter
    planar = np.moveaxis(deep, 2, 0)
    for side in ("train", "val"):
        tifffile.imwrite(data / side / "image" / "deep.tif", planar, photometric="minisblack")
        mask = (rng.random((40, 50)) < 0.5).astype(np.uint16)
        tifffile.imwrite(data / side / "gt" / "deep.tif", mask)
    four = rng.integers(0, 256, (30, 44, 4), np.uint8)
    tifffile.imwrite(data / "val" / "image" / "four.tif", four)
    cv2.imwrite(str(data / "val" / "gt" / "four.png"), four[:, :, 0])

    stage(data, tmp_path / "run")

    train, test = (
        {pair.name: read_labelled(pair) for pair in listed_pairs(tmp_path / "run" / side, "val.csv")}
        for side in ("scenes", "test")
    )
    assert np.array_equal(test["deep"].label, mask)
    assert np.array_equal(test["four"].image, four[:, :, :3])
    assert np.array_equal(train["deep"].image, test["deep"].image)
    low, high = np.percentile(deep[::8, ::8, :3].reshape(-1, 3), (1, 99), axis=0)
    expected = np.clip((deep[:, :, :3] - low) / (high - low), 0, 1) * 255
    assert np.abs(test["deep"].image - expected).max() <= 0.5


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: (data / "val" / "gt").rename(data / "elsewhere"), "val/gt"),
        (lambda data: (data / "val" / "gt" / "d.png").unlink(), "d.png"),
        (lambda data: (data / "train" / "image" / "notes.txt").write_text("x"), "notes.txt"),
    ],
)
def test_data_of_another_form_is_one_line(data: Path, tmp_path: Path, capfd, spoil, words) -> None:
    spoil(data)
    assert main(["stage", str(data), str(tmp_path / "run")]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert words in line


def test_score_is_the_mean_over_images_and_is_written(data: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    stage(data, run)
    (run / "masks").mkdir()
    confusions = []
    for pair in listed_pairs(run / "test", "val.csv"):
        truth = read_labelled(pair).label
        mask = np.where(np.random.default_rng(9).random(truth.shape) < 0.2, 1 - truth, truth)
        cv2.imwrite(str(run / "masks" / f"{pair.name}.png"), mask * 255)
        confusions.append(confusion(truth, mask))
    expected = mean_scores([per_image(conf) for conf in confusions])

    text = score(run)

    assert json.loads((run / "scores.json").read_text()) == {"images": 2, **expected}
    with (run / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == ["c.tif", "d.TIFF"]
    assert [float(row["accuracy"]) for row in rows] == [np.trace(conf) / conf.sum() for conf in confusions]
    assert text == table(expected)
    assert text.splitlines()[-1].endswith(f"{expected['weighted_iou']:.4f} |")


def test_a_missing_mask_is_named_and_nothing_is_written(data: Path, tmp_path: Path) -> None:
    stage(data, tmp_path / "run")
    with pytest.raises(UsageError, match=r"c\.png"):
        score(tmp_path / "run")
    assert not (tmp_path / "run" / "scores.json").exists()
