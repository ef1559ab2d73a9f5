#!/usr/bin/env bash
# One command for the day that a GPU is there: tests/bench/gpu.sh OUTPUT_DIR [--dry] [--seconds N] [--only PART ...]
#
# Tests, damage, agreement, seconds, peers, crossover, techniques, training and busy time, part by part, into
# OUTPUT_DIR/results-gpu.csv. Called again it goes on with the parts that are not there yet. --dry tries all of it on a
# CPU. $PYTHON is the Python to use, else that of .venv, else python3. --help says more.
set -euo pipefail

here=$(CDPATH='' cd -P -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." && pwd)
python=${PYTHON:-$here/.venv/bin/python}
command -v -- "$python" >/dev/null || python=python3
export PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} PYTHONSAFEPATH=1
exec "$python" -m tests.bench.gpu "$@"
