"""Train the sea-ice network: python -m train_offline.train --data DIR --val DIR --run DIR --time-limit 60

The run folder gets last.pt (the whole state, for --resume and for export), history.csv and settings.json.
Ctrl-C and SIGTERM save first. Several devices: --devices N, or torchrun.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from infer.settings import UsageError
from train_offline import checkpoint
from train_offline.checkpoint import Checkpoint
from train_offline.command import run
from train_offline.settings import TrainSettings, check, from_json, parse
from train_offline.training import Training

CHECKPOINT = "last.pt"


def main(argv: list[str] | None = None) -> int:
    """0 at the end of the schedule, 2 for a wrong call or a loss that is not finite, 128 + N on signal N."""
    return run("train", lambda: _train(argv))


def _train(argv: list[str] | None) -> int:
    settings, saved = _settings_and_state(parse(argv))
    training = Training(settings, saved, settings.run / CHECKPOINT)
    stopped_by = training.run()
    if stopped_by is None:
        return 0
    name = signal.Signals(stopped_by).name
    print(
        f"train: {name}: saved at step {training.step}; go on with --run {settings.run} --resume",
        file=sys.stderr,
    )
    return 128 + stopped_by


def _settings_and_state(given: dict) -> tuple[TrainSettings, Checkpoint | None]:
    """The command line's settings; with --resume the checkpoint's for what the command line leaves out."""
    folder: Path = given["run"]
    path = folder / CHECKPOINT
    if given.get("resume"):
        saved = checkpoint.load(path)
        return check(TrainSettings(**{**from_json(saved.settings), **given})), saved
    if path.exists():
        raise UsageError(f"{path} is there already; add --resume or choose another --run folder")
    settings = check(TrainSettings(**given))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder}: cannot be made: {error.strerror}") from error
    return settings, None


if __name__ == "__main__":
    sys.exit(main())
