#!/usr/bin/env bash
# The benchmarks of a machine with a GPU: tests/bench/gpu.sh OUTPUT_DIR [quick]
#
# Writes into OUTPUT_DIR: the bench's and growth's tables and plots, one report of our job with its start-up split into
# parts, and the GPU's busy time per 512 x 512 tile. `quick` is for trying the script itself, on a CPU too: one small
# scenario, one run.
set -euo pipefail

[[ $# -ge 1 ]] || { echo "usage: tests/bench/gpu.sh OUTPUT_DIR [quick]" >&2; exit 2; }
output=$(realpath -m -- "$1") quick=${2:-}
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.."
python=${PYTHON:-.venv/bin/python}
mkdir -p "$output"

scenarios=(--scenario one --scenario split --scenario many --scenario big) repeat=5 growth=(--repeat 3)
if [[ $quick == quick ]]; then
  scenarios=(--scenario one --contestant ours --contestant onnxruntime) repeat=1
  growth=(--repeat 1 --scenes 2 3 4)
fi

"$python" -m tests.bench "${scenarios[@]}" --repeat "$repeat" --output "$output"
"$python" -m tests.bench.growth "${growth[@]}" --output "$output"
"$python" -m infer --input runs/bench/one/image --output "$output/masks" --report "$output/one.json"
"$python" - "$output/one.json" <<'PYTHON'
import json
import sys

report = json.load(open(sys.argv[1]))
print(report["device"], report["precision"], {part: round(s, 3) for part, s in report["seconds"].items() if s})
PYTHON
[[ $quick == quick ]] || "$python" -m tests.bench.single.gpu_tile
