"""Names of data folders in scores and messages."""

from __future__ import annotations

from pathlib import Path

from tests.helpers.offline.blobs import write_scene
from train_offline.data.sources import load_sources


def test_folders_are_named_by_as_much_of_their_paths_as_it_takes(tmp_path: Path) -> None:
    for parent in ("a", "b"):
        write_scene(tmp_path / parent / "tiles" / "val", "x", 60)
    for name in ("c/val", "held out"):
        write_scene(tmp_path / name, "x", 60)
    folders = [tmp_path / "a/tiles/val", tmp_path / "b/tiles/val", tmp_path / "c/val", tmp_path / "held out"]
    sources = load_sources([(folder, 1.0) for folder in folders], "val.csv", tmp_path / "cache")
    assert [source.name for source in sources] == ["a/tiles/val", "b/tiles/val", "c/val", "held out"]
