"""python -m tests.fuzz WORK_DIR [--count N] [--seed N] [--real DIR]: a campaign, and what it found.

Ends with 1 where a scene broke the run, lost its mask or hung. Crashes of native code that cost one scene
only are counted, and their scenes kept in WORK_DIR/found.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tests.fuzz.campaign import MAX_PAUSE, fuzz
from tests.fuzz.seeds import generated, real


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path, metavar="WORK_DIR")
    parser.add_argument("--count", type=int, default=10_000, metavar="N", help="scenes (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="(%(default)s)")
    parser.add_argument("--per-run", type=int, default=500, metavar="N", help="in one folder (%(default)s)")
    parser.add_argument("--real", type=Path, metavar="DIR", help="a folder of TIFFs to damage too")
    args = parser.parse_args()
    files = generated() | (real(args.real) if args.real else {})
    began = time.monotonic()
    outcome = fuzz(list(files.values()), args.seed, args.count, args.per_run, args.work)
    report = {"seed": args.seed, "count": args.count, "kinds": len(files), **asdict(outcome)}
    print(json.dumps({**report, "seconds": round(time.monotonic() - began)}, indent=1))
    return 1 if outcome.faults or outcome.slowest > MAX_PAUSE else 0


if __name__ == "__main__":
    sys.exit(main())
