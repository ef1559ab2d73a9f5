"""The table of pairs in README is that of the experiment, and one pair goes the whole way here."""

from __future__ import annotations

from pathlib import Path

from tests.experiments.architectures import TABLE, go_the_way, prepare, table
from tests.helpers.offline.pairs import PAIRS
from tests.helpers.support import REPO
from train_offline.training.log.run_log import read_rows


def test_readme_has_the_table_of_all_pairs():
    rows = read_rows(TABLE)
    assert [(row["architecture"], row["encoder"]) for row in rows] == list(PAIRS)
    assert table(rows) in (REPO / "README.md").read_text()


def test_a_pair_goes_the_whole_way_and_a_wrong_one_is_said(tmp_path: Path):
    prepare(tmp_path)
    row = go_the_way("fpn", "resnet18", tmp_path)
    assert list(row.values()) == ["fpn", "resnet18", "", "yes", "yes", "yes", "full"]
    wrong = go_the_way("dpt", "resnet18", tmp_path)
    assert wrong["trains"].startswith("no: train: dpt with the encoder resnet18 cannot be made")
    assert (wrong["exports"], wrong["image"]) == ("no", "")
