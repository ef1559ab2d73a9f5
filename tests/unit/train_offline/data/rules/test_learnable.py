"""What no training can learn from, or no score says anything about, is found with what to do."""

from __future__ import annotations

from pathlib import Path

from train_offline.data.facts.facts import Facts, Remark
from train_offline.data.facts.similar import Signature
from train_offline.data.folder import Pair
from train_offline.data.rules.finding import DataFinding, Side
from train_offline.data.rules.learnable import learnable, of_scenes, scorable

SIZE = 100  # pixels of a scene


def side(folder: str, *ice: int, counted: int = SIZE, listed: str | None = "train.csv") -> Side:
    """Return scenes with so many pixels of ice each."""
    root = Path(folder)
    names = [f"s{number}" for number in range(len(ice))]
    pairs = [Pair(root / "image" / f"{name}.tif", root / "gt" / f"{name}.png", None) for name in names]
    facts = [
        Facts(n, (10, 10), one, counted, Signature(None, None)) for n, one in zip(names, ice, strict=True)
    ]
    return Side(root, listed, pairs, facts)


def told(findings: list[DataFinding]) -> list[str]:
    assert all(finding.stops and finding.fix for finding in findings)
    return [f"{finding.folder / finding.file}: {finding.what}" for finding in findings]


def test_a_little_ice_is_enough() -> None:
    assert learnable([side("/a", 0, 1, 0)]) == []


def test_no_ice_anywhere() -> None:
    (line,) = told(learnable([side("/a", 0, 0)]))
    assert line.startswith("/a/train.csv: no pixel of ice that counts in any of the 2 masks to train on")
    (line,) = told(learnable([side("/a", 0, 0, listed=None)]))
    assert line.startswith("/a/gt: no pixel of ice")


def test_nothing_but_ice() -> None:
    assert "no pixel of background" in told(learnable([side("/a", SIZE, SIZE)]))[0]
    assert learnable([side("/a", SIZE, SIZE - 1)]) == []


def test_scenes_ignored_throughout_teach_nothing() -> None:
    assert len(told(learnable([side("/a", 0, 0, counted=0)]))) == 2, "neither class"


def test_one_scene_only() -> None:
    (line,) = told(learnable([side("/a", 5, listed=None)]))
    assert line == "/a/image: one scene only to train on (s0)"
    assert learnable([side("/a", 5), side("/b", 0)]) == [], "two folders hold two"


def test_one_scene_listed_three_times_is_one() -> None:
    one = side("/a", 5)
    thrice = Side(one.folder, one.list_name, [*one.pairs] * 3, [*one.facts] * 3)
    assert told(learnable([thrice])) == ["/a/train.csv: one scene only to train on (s0)"]


def test_ice_in_one_of_two_folders_is_enough() -> None:
    assert learnable([side("/a", 0, 0), side("/b", 0, 1)]) == []
    (line,) = told(learnable([side("/a", 0, 0), side("/b", 0, 0, listed=None)]))
    assert line.startswith("/a/train.csv and /b/gt: no pixel of ice that counts in any of the 4 masks")


def test_scenes_that_cannot_be_used_are_findings_of_their_own() -> None:
    broken = side("/a", 1, 1)
    assert learnable([Side(broken.folder, None, broken.pairs, [None, None])]) == []
    assert scorable(Side(broken.folder, None, broken.pairs, [None, None])) == []


def test_nothing_to_score() -> None:
    (line,) = told(scorable(side("/a", 0, 0, counted=0, listed="val.csv")))
    assert line == "/a/val.csv: every pixel of its 2 scenes to score is ignored: there is no score"


def test_no_ice_to_score_stops_nothing() -> None:
    (finding,) = scorable(side("/a", 0, listed="val.csv"))
    assert not finding.stops
    assert finding.what == "no ice in its only scene s0 to score: there is no IoU of ice, only false ice"
    assert scorable(side("/a", 0, 1)) == []


def test_remarks_name_the_file_that_they_are_about() -> None:
    remark = Remark("label", "holds 3 beside 0 and 255", "save it anew")
    plain = side("/a", 1)
    noted = Facts("s0", (10, 10), 1, SIZE, Signature(None, None), (remark,))
    (finding,) = of_scenes(Side(plain.folder, None, plain.pairs, [noted]))
    assert str(finding) == "/a/gt/s0.png: holds 3 beside 0 and 255; to do: save it anew"
