#!/usr/bin/env bash
# A real set with a published table, in one command: tests/experiments/amazon.sh [DATA_DIR] [RUN_DIR] [TRAIN_ARGUMENT ...]
#
# Trains the lite3 UNet from random weights on DATA_DIR/train, takes the last checkpoint, exports it, runs the
# container's program on DATA_DIR/val, once, and puts the scores beside the published ones: RUN_DIR/scores.csv and
# scores.json. DATA_DIR is only read. A run that was stopped goes on where it was when it is called again. Further
# arguments go to the training, after those below.
#
# tests/experiments/amazon.sh --tune ... is how settings are chosen: it trains on four fifths of DATA_DIR/train, scores the
# rest after every 200 steps, all in RUN_DIR/tune, and never looks at DATA_DIR/val.
set -euo pipefail

SPLIT=(--val-share 0.2 --seed 0)
# One setting for every set: a fixed number of steps, whatever the number of scenes and their size.
TRAINING=(
  --preset modern --arch unet --encoder timm-tf_efficientnet_lite3 --seed 0
  --steps 2000 --epoch-crops 1600 --crop 256 --batch 8 --ice-crops 0
  --augment jitter --lr 1e-3 --dice 0 --smoothing 0.05 --boundary 0 --deep-supervision 0
)

tune=0
if [[ ${1:-} == --tune ]]; then
  tune=1
  shift
fi
repo=$(realpath -- "$(dirname -- "${BASH_SOURCE[0]}")/../..")
data=$(realpath -m -- "${1:-${SEA_ICE_SHARED:-$repo/../shared}/data/amazon_forest}")
run=$(realpath -m -- "${2:-$repo/runs/amazon}")
shift $(($# < 2 ? $# : 2))
cd "$repo"
((!tune)) || run=$run/tune # apart: what was trained on a part of the scenes is never scored

if [[ -e $run/scores.json ]]; then
  echo "amazon.sh: $run is scored already; a second look at DATA_DIR/val needs a new RUN_DIR" >&2
  exit 2
fi

call=$(printf '%q ' "$data" "$@") # a training that goes on takes its data and settings from its checkpoint
if [[ -e $run/scenes && ! -e $run/call ]]; then
  echo "amazon.sh: $run/scenes is there already; name another RUN_DIR" >&2
  exit 2
elif [[ -e $run/call && $(<"$run/call") != "$call" ]]; then
  echo "amazon.sh: $run was begun with other data or arguments ($run/call); name another RUN_DIR" >&2
  exit 2
fi
mkdir -p "$run"
printf '%s\n' "$call" >"$run/call"

./run.sh setup
python=.venv/bin/python
if [[ -e $run/training/last.pt ]]; then
  ./run.sh train --run "$run/training" --resume
else
  "$python" -m tests.experiments.amazon stage "$data" "$run"
  validation=()
  if ((tune)); then
    # Names such as img_1, img_2 look like tiles of one scene: then every file is a scene of its own.
    ./run.sh split "$run/scenes" "${SPLIT[@]}" || ./run.sh split "$run/scenes" "${SPLIT[@]}" --scene-name '(.+)'
    validation=(--val "$run/scenes")
  fi
  ./run.sh train --run "$run/training" --data "$run/scenes" --cache "$run/cache" "${validation[@]}" \
    "${TRAINING[@]}" "$@"
fi
((!tune)) || exit 0
./run.sh export "$run/training/last.pt" --output "$run/weights.safetensors" --verify "$run/scenes" \
  --agreement 0.999
rm -rf -- "$run/masks"
./run.sh infer --input "$run/test/image" --output "$run/masks" --weights "$run/weights.safetensors" --strict
"$python" -m tests.experiments.amazon score "$run"
