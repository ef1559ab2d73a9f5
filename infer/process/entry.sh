# shellcheck shell=bash
# The image's side of run.sh, which sources this where it finds itself in the image. As root it takes the identity of
# whoever owns the output folder; it keeps the caller's environment away from the job; and as the container's first
# process, which the kernel lets no signal end that it does not catch, it waits for the job, passes signals on, and reaps
# what others leave behind. Needs nothing but bash, coreutils and util-linux.

PYTHON=/opt/venv/bin/python
ISOLATED=("$PYTHON" -I -B -X utf8) # no variables, no user's packages, not the caller's folder; writes no bytecode
PATH_INSIDE=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
DRIVERS=(/.singularity.d/libs /usr/local/nvidia/lib /usr/local/nvidia/lib64) # where runtimes put a GPU's libraries

image_usage() {
  cat <<'TEXT'
usage: docker run --rm --gpus all -v SCENES:/input:ro -v MASKS:/output IMAGE [infer] [ARGUMENT ...]

Writes one sea-ice mask (PNG, 0 and 255) into MASKS for every .tif or .tiff in SCENES. Without a GPU leave out --gpus all.
Started as root, it becomes the owner of MASKS and computes as that user; --user UID:GID is honoured.

  infer       the job, and the default; IMAGE infer --help lists its arguments
  IN OUT      the same with these folders for /input and /output
  archive     many scenes, with coordinates; IMAGE archive --help (an image of the target archive)
  help        this text
  COMMAND     anything else that is installed: bash, python -m infer, /bin/sh -c ...

Exit code: 0 every scene has a mask, 2 wrong call, 3 a degraded scene with --strict, 4 a mask could not be written,
5 no scene found, 6 no scene could be read, 130 and 143 stopped by Ctrl-C and SIGTERM.
TEXT
}

# ---------------------------------------------------------------------------------------------------- whose masks
has_capability() { (($1 >> $2 & 1)); } # has_capability MASK NUMBER, numbers as in linux/capability.h

standing_folder() { # standing_folder PATH: the folder itself, or the nearest one above it that is there; sets FOLDER
  FOLDER=$1
  [[ $FOLDER == /* && $FOLDER != *./* ]] || FOLDER=$(realpath -m -- "$FOLDER")
  while [[ -n $FOLDER && ! -e $FOLDER ]]; do FOLDER=${FOLDER%/*}; done
  FOLDER=${FOLDER:-/}
}

take_identity() { # take_identity OUTPUT: sets AS to what runs a command as the owner of that folder, without rights
  local key value me='' capabilities=0 groups='' owner=0 group=0
  AS=()
  while read -r key value; do # not EUID, which bash takes from the caller's environment
    case $key in
      Uid:) read -r _ me _ <<<"$value" ;;
      CapEff:) capabilities=$((16#$value)) ;;
      Groups:) for value in $value; do ((value == 0)) || groups+=${groups:+,}$value; done ;; # as --group-add gives
    esac
  done </proc/self/status
  [[ $me == 0 ]] || return 0
  standing_folder "$1"
  [[ -O $FOLDER ]] || read -r owner group < <(stat -Lc '%u %g' -- "$FOLDER")
  AS=(setpriv --no-new-privs)
  if ((owner)) && has_capability "$capabilities" 6 && has_capability "$capabilities" 7; then # SETGID, SETUID
    AS+=("--reuid=$owner" "--regid=$group")
    if [[ -n $groups ]]; then AS+=("--groups=$groups"); else AS+=(--clear-groups); fi
  fi
  if has_capability "$capabilities" 8; then # SETPCAP
    AS+=(--bounding-set=-all --inh-caps=-all)
  fi
  if ! "${AS[@]}" true 2>/dev/null; then # a profile that forbids it, or an owner whom this container cannot name
    say "this container may not become user $owner and drop its rights: going on as it is"
    AS=()
  fi
}

# ---------------------------------------------------------------------------------------------------- what surrounds it
gather_environment() { # sets CLEAN to what the job may see of the caller's variables, and to our own
  local name folder libraries=''
  CLEAN=("PATH=$PATH_INSIDE" HOME=/tmp LOGNAME=seaice LC_ALL=C.UTF-8)
  for name in CUDA_VISIBLE_DEVICES CUDA_DEVICE_ORDER NVIDIA_VISIBLE_DEVICES TERM COLUMNS LINES TZ TMPDIR; do
    [[ -z ${!name:-} ]] || CLEAN+=("$name=${!name}")
  done
  for folder in "${DRIVERS[@]}"; do
    [[ :${LD_LIBRARY_PATH:-}: != *:"$folder":* ]] || libraries+=${libraries:+:}$folder
  done
  [[ -z $libraries ]] || CLEAN+=("LD_LIBRARY_PATH=$libraries")
}

warn_unless_mounted() { # warn_unless_mounted FOLDER: masks in the container's own layer go with it
  local target
  standing_folder "$1"
  [[ -w $FOLDER ]] || return 0 # the job says why it cannot be
  while read -r _ _ _ _ target _; do
    [[ $target == / || $FOLDER/ != "$target"/* ]] || return 0
  done </proc/self/mountinfo
  say "nothing is mounted at $1: the masks stay in this container, and go with it; add -v MASKS:$1"
}

# ---------------------------------------------------------------------------------------------------- the first process
CHILD='' SIGNALLED=''

is_still_this_shell() { # of CHILD, by its command line, which every user may read
  local mine theirs
  mapfile -d '' mine </proc/$$/cmdline
  mapfile -d '' theirs 2>/dev/null </proc/"$CHILD"/cmdline || return 1
  [[ ${mine[*]} == "${theirs[*]}" ]]
}

pass_on() { # pass_on SIGNAL: to the child, now or as soon as there is one; the same again changes nothing
  SIGNALLED=$1
  [[ -n $CHILD ]] || return 0
  trap '' "$1"
  # Until it has become env, the child is this shell with this shell's traps, and would lose the signal.
  local looks
  for ((looks = 0; looks < 100; looks++)); do
    is_still_this_shell || break
    sleep 0.01
  done
  kill -s "$1" "$CHILD" 2>/dev/null || true
}

run_as_child() { # run_as_child COMMAND...: becomes it, or as the first process waits for it; never returns
  local code=0 again
  (($$ == 1)) || exec "$@"
  trap 'pass_on TERM' TERM HUP QUIT USR1 # --stop-signal may name any of these
  trap 'pass_on INT' INT
  "$@" <&0 &
  CHILD=$!
  [[ -z $SIGNALLED ]] || pass_on "$SIGNALLED"
  SIGNALLED=''
  wait "$CHILD" 2>/dev/null || code=$?
  while [[ -n $SIGNALLED ]]; do # a wait that a signal has cut short says nothing of the child
    SIGNALLED='' again=0
    wait "$CHILD" 2>/dev/null || again=$?
    ((again == 127)) || code=$again
  done
  exit "$code"
}

run_job() { # run_job ARGUMENT...: of infer
  local output=/output argument before=''
  for argument in "$@"; do
    [[ $argument != --output=* ]] || output=${argument#*=}
    [[ $before != --output ]] || output=$argument
    before=$argument
  done
  output=${output:-/output}
  warn_unless_mounted "$output"
  take_identity "$output"
  gather_environment
  # --default-signal: a shell starts its background children deaf to Ctrl-C.
  run_as_child env -i --default-signal=INT,QUIT "${CLEAN[@]}" "${AS[@]}" "${ISOLATED[@]}" -m infer "$@"
}

run_archive() { # run_archive ARGUMENT...: of infer.archive, with what the caller's variables say of stores, Ray, array jobs
  local output=/output argument before='' name
  for argument in "$@"; do
    [[ $argument != --output=* ]] || output=${argument#*=}
    [[ $before != --output ]] || output=$argument
    before=$argument
  done
  [[ $output != *://* ]] || output=/output
  take_identity "$output"
  gather_environment
  for name in "${!AWS_@}" "${!GOOGLE_@}" "${!AZURE_@}" "${!SLURM_@}" "${!RAY_@}" JOB_COMPLETION_INDEX \
    HTTPS_PROXY HTTP_PROXY NO_PROXY; do
    [[ -z ${!name:-} ]] || CLEAN+=("$name=${!name}")
  done
  run_as_child env -i --default-signal=INT,QUIT "${CLEAN[@]}" "${AS[@]}" "${ISOLATED[@]}" -m infer.archive "$@"
}

run_command() { # run_command COMMAND...: as the owner of /output, in the caller's environment but for what steers Python
  local name
  for name in "${!PYTHON@}" "${!LD_@}"; do
    [[ $name == PYTHON || $name == LD_LIBRARY_PATH ]] || unset "$name"
  done
  export PATH=$PATH_INSIDE:$CALLERS_PATH
  take_identity /output
  run_as_child env --default-signal=INT,QUIT "${AS[@]}" "$@"
}

defaults() { # sets DEFAULTS to the folders of judges who mount /input_path and /output_path
  DEFAULTS=()
  if [[ ! -e /input && -d /input_path ]]; then
    DEFAULTS+=(--input /input_path)
    [[ ! -d /output_path ]] || DEFAULTS+=(--output /output_path)
  fi
}

enter() { # enter ARGUMENT...: of the container
  unset LD_PRELOAD LD_AUDIT LD_DEBUG LD_DEBUG_OUTPUT
  CALLERS_PATH=$PATH PATH=$PATH_INSIDE
  defaults
  case ${1:-} in
    -h | --help | help) image_usage ;;
    '' | -*) run_job "${DEFAULTS[@]}" "$@" ;;
    infer) run_job "${DEFAULTS[@]}" "${@:2}" ;;
    archive) run_archive "${@:2}" ;;
    dry-run | pack | synthesize | check | split | train | export | test | bench | setup)
      die 2 "'$1' belongs to a checkout of the repository; the image holds only infer" ;;
    *)
      if [[ -d $1 ]] || [[ $1 == */* && ! -x $1 ]]; then
        if [[ ${2:--} == -* ]]; then run_job "${DEFAULTS[@]}" --input "$1" "${@:2}"; fi
        run_job --input "$1" --output "$2" "${@:3}"
      fi
      [[ -n $(PATH=$PATH_INSIDE:$CALLERS_PATH type -P -- "$1") ]] ||
        die 2 "'$1' is no verb, no folder and no command; docker run IMAGE help lists what there is"
      run_command "$@" ;;
  esac
}
