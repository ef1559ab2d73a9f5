#!/usr/bin/env bash
# A recipe like that of the shipped weights: train_offline/weights.sh DATA_DIR WORK_DIR [TRAIN_ARGUMENT ...]
#
# DATA_DIR holds floes_modis, amazon_forest, china_coast_negatives, yrd_modis_negatives and bohai_dev. Everything else
# is drawn; the shipped weights have not seen the bleak scenes, nor the two folders of negatives. Two trainings: one that
# has never seen bohai_dev, whose score on it is the one to believe, and one that goes on from there with it. Then
# ./run.sh export WORK_DIR/final. Further arguments go to both trainings: --device cuda --workers 12, say. What is done
# already is not done again; a training that was stopped goes on.
set -euo pipefail

HELD_OUT=(--steps 6000 --lr 1e-3 --seed 41 --encoder-weights imagenet-lite2)
FINAL=(--steps 5000 --lr 5e-4 --seed 42)
COMMON=(--preset modern --ice-crops 0.5 --recolour 0.6 --rescale 1 --epoch-crops 4000 --crop 320 --batch 6)

[[ $# -ge 2 ]] || { echo "usage: train_offline/weights.sh DATA_DIR WORK_DIR [TRAIN_ARGUMENT ...]" >&2; exit 2; }
data=$(realpath -- "$1") work=$(realpath -m -- "$2")
shift 2
extra=("$@")
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
./run.sh setup
python=.venv/bin/python
mkdir -p "$work"

draw() { # draw NAME ARGUMENT ...: a folder of drawn scenes, unless it is there
  local folder=$work/$1
  shift
  [[ -e $folder/train.csv ]] || { rm -rf -- "$folder"; ./run.sh synthesize --output "$folder" "$@"; }
}

negatives() { # negatives NAME FOLDER PREFIX ...: scenes without ice, those that begin so held out
  local folder=$work/$1 scenes=$2
  shift 2
  [[ -d $folder/gt ]] || "$python" -m train_offline.data.makers.negatives --output "$folder" \
    "${@/#/--hold-out=}" "$scenes"
}

train() { # train NAME ARGUMENT ...: a run to its end
  local folder=$work/$1
  shift
  if [[ -e $folder/last.pt ]]; then
    ./run.sh train --run "$folder" --resume "${extra[@]}"
  else
    ./run.sh train --run "$folder" "$@"
  fi
}

real=(--ice-from "$data/floes_modis" --ground-from "$work/empty" --ground-from "$work/marble")
[[ -d $work/empty/gt ]] || "$python" -m train_offline.data.makers.negatives --output "$work/empty" \
  "$data/amazon_forest/train/image" "$data/amazon_forest/val/image"
[[ -d $work/marble/gt ]] || "$python" -m train_offline.data.makers.blue_marble --output "$work/marble"
negatives coast "$data/china_coast_negatives/image" 01 14 15 22 24
negatives yellow "$data/yrd_modis_negatives/image" yrd_2024_03 yrd_2024_09
bleak=(--bleak --coast-from "$work/coast" --ice-from "$data/floes_modis")
draw small --count 2000 --size 512 --seed 770001 --ice-share 0.6
draw medium --count 400 --size 1024 --seed 770002 --ice-share 0.6
draw large --count 30 --size 2048 --seed 770003 --ice-share 0.5
draw textured --count 1200 --size 512 --seed 770004 --ice-share 0.65 "${real[@]}"
draw lookalikes --count 800 --size 512 --seed 770005 --ice-share 0.35 --lookalikes "${real[@]}"
draw clouded --count 300 --size 1024 --seed 770006 --ice-share 0.2 --lookalikes
draw bleak --count 800 --size 512 --seed 770007 --ice-share 0.55 "${bleak[@]}"
draw bleak_large --count 80 --size 1024 --seed 770008 --ice-share 0.55 "${bleak[@]}"
[[ -e data/embedded/VERSION ]] || ./run.sh synthesize --embedded --output data/embedded

sources=(--data "$work/small:2.5" --data "$work/medium:3" --data "$work/large:0.8" --data "$work/textured:2.2"
  --data "$work/lookalikes:2" --data "$work/clouded:2.5" --data "$data/floes_modis:0.7" --data "$work/empty:1"
  --data "$work/marble:0.8" --data "$work/coast:1.5" --data "$work/yellow:0.6" --data "$work/bleak:2.5"
  --data "$work/bleak_large:1.5")
train held_out "${COMMON[@]}" "${HELD_OUT[@]}" "${sources[@]}" --val data/embedded --val "$data/bohai_dev" "${extra[@]}"
train final "${COMMON[@]}" "${FINAL[@]}" "${sources[@]}" --data "$data/bohai_dev:0.7" --val data/embedded \
  --init "$work/held_out/last.pt" "${extra[@]}"
