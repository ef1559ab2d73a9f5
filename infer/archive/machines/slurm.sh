#!/usr/bin/env bash
#SBATCH --job-name=sea-ice
#SBATCH --array=0-99
#SBATCH --gpus=1
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --signal=B:TERM@60
# An archive on Slurm: as many members of an array as the line above says, preempted and started again at will.
#   sbatch --array=0 slurm.sh plan /scratch/scenes    # first, on the same kind of node
#   sbatch slurm.sh                                   # submit it again after the time limit: only the rest is made
# Keys of a store come from the environment that sbatch passes on: export AWS_ACCESS_KEY_ID=... before. Without GPUs, for
# processors only, leave out --gpus.
set -euo pipefail

RUN=${RUN:-/scratch/run}                    # CHANGE: a folder that all nodes see, or s3://BUCKET/RUN
IMAGE=${IMAGE:-/scratch/sea-ice-archive.sif} # CHANGE: apptainer build FILE docker-daemon:IMAGE, or a checkout's folder
BIND=${BIND:-/scratch}                      # CHANGE: what a container must see of the disks, scenes and run

if (($# == 0)); then
  set -- run --shard auto --quiet
fi
verb=$1
shift
if [[ -d $IMAGE ]]; then
  program=("$IMAGE/run.sh")
else
  program=(apptainer run --nv --no-home --bind "$BIND" "$IMAGE")
fi
# In the place of this shell, which would keep signals to itself. Of exit codes 2 is a wrong call and 4 a scene without a
# mask; Slurm starts neither again.
exec "${program[@]}" archive "$verb" "$@" --output "$RUN"
