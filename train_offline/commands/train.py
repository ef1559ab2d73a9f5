"""Train the sea-ice network: ./run.sh train --data DIR --val DIR --run DIR --time-limit 60.

The run folder gets last.pt and best.pt (the whole state, for --resume and for export; best by the IoU of
ice of the --val folders), history.csv, curves.png, settings.json and tensorboard/. Ctrl-C, SIGTERM and
SIGHUP save first. Several devices: --devices N, or
torchrun --nproc-per-node N -m train_offline.commands.train --run-folder DIR.
"""

from __future__ import annotations

import os
import signal
import sys

from train_offline.runtime.memory import keep_freed_memory
from train_offline.runtime.signals import leave_at_once


def main(argv: list[str] | None = None) -> int:
    """Train a network.

    Returns the exit code: 0 at the end of the schedule, 2 for a wrong call or a loss that is not finite,
    128 + N on signal N.
    """
    # Threads that spin while they wait for one another train five times slower as soon as anything else uses
    # a processor. OpenMP reads this once, when torch is imported, so before the import.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    keep_freed_memory()
    from train_offline.runtime.program import run, say
    from train_offline.training.config.arguments import make_parser, parse
    from train_offline.training.run import NothingLeft, train

    parser = make_parser()

    def work() -> int:
        stopped = train(parse(argv, parser))
        if isinstance(stopped, NothingLeft):
            end = f"{stopped.folder} is at step {stopped.step} already"
            print(f"train: nothing is left, {end}; go on with a larger --epochs, --steps or --time-limit")
            return 0
        if stopped is None:
            return 0
        name = signal.Signals(stopped.signal).name
        say(f"train: {name}: saved at step {stopped.step}; go on with --run {stopped.folder} --resume")
        return 128 + stopped.signal

    return run("train", work, parser)


if __name__ == "__main__":
    leave_at_once("train")
    sys.exit(main())
