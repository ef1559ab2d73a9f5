"""Every row of the ablation is a training that can run, and no two are the same one."""

from __future__ import annotations

from pathlib import Path

from tests.experiments.ablation import ROWS, SOURCES, Settings, arguments_of
from train_offline.training.config.arguments import parse
from train_offline.training.config.presets import with_preset
from train_offline.training.config.settings import TrainSettings, check

FOLDERS = {name: Path(name) for name in (*SOURCES, "embedded", "bohai_dev")}


def test_rows_can_run_and_differ():
    settings = Settings(Path("work"), Path("shared"), steps=10, device="cpu", workers=1)
    seen = {}
    for row in ROWS:
        given = with_preset(parse(arguments_of(row, settings, FOLDERS, Path("run"))))
        trained = check(TrainSettings.of(given))
        assert trained not in seen, f"{row.name} is {seen[trained]}"
        assert Path("bohai_dev") not in [folder for folder, _ in trained.data.train]
        seen[trained] = row.name
    assert len(ROWS) >= 8
