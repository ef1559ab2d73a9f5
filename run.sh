#!/usr/bin/env bash
# The one door: ./run.sh [VERB] [ARGUMENT ...]; ./run.sh help explains. In the image it uses the image's Python at once;
# in a checkout it first makes .venv from the hash-pinned lock. It adds a few milliseconds: the warm path starts no
# process but Python, and a cmp in a checkout.
set -euo pipefail
# At once: the first process of a container, which this is in the image, is ended by no signal that it does not catch.
if (($$ == 1)); then trap 'exit 143' TERM; trap 'exit 130' INT; fi

say() { printf 'run.sh: %s\n' "$*" >&2; }
die() { local code=$1; shift; say "$*"; exit "$code"; }

usage() {
  cat <<'TEXT'
usage: ./run.sh [VERB] [ARGUMENT ...]

./run.sh VERB --help lists the arguments of a verb, ./run.sh infer --help those of the default.

  infer       the judge's job, and the default: one mask for every scene of a folder
                ./run.sh --input scenes --output masks
  archive     maps a whole archive of scenes, in a folder or an object store, with coordinates; plan, run, status
                ./run.sh archive run scenes --output run
  dry-run     plays the judge: runs the job from outside, audits the masks, scores and times them
                ./run.sh dry-run --data my_data
  pack        builds the image, judges it in a container and, if it passes, saves it as a dated tar.gz
                ./run.sh pack --output submissions
  synthesize  makes Bohai-like scenes with exact masks from a seed
                ./run.sh synthesize --help
  check       looks through a data folder for what is broken, missing or striped
                ./run.sh check my_data --report runs/check
  split       writes train.csv and val.csv for a data folder, and cuts tiles
                ./run.sh split --help
  train       trains a network on data folders
                ./run.sh train --help
  export      turns a training checkpoint into the slim weights that infer loads
                ./run.sh export --help
  test        runs the tests; arguments go to pytest
                ./run.sh test -k tiles
  bench       measures
                ./run.sh bench
  setup       only makes or renews .venv
                ./run.sh setup
  help        this text

Python 3.10, 3.11 or 3.12 is looked for; SEA_ICE_PYTHON=/path/to/python chooses one.
TEXT
}

# ---------------------------------------------------------------------------------------------------- where we are
locate() { # sets HERE to the folder of this file, links resolved
  local path=${BASH_SOURCE[0]} folder
  while [[ -L $path ]]; do
    folder=${path%/*}
    [[ $folder != "$path" ]] || folder=.
    path=$(readlink -- "$path")
    [[ $path == /* ]] || path=$folder/$path
  done
  folder=${path%/*}
  [[ $folder != "$path" ]] || folder=.
  HERE=$(CDPATH='' cd -P -- "$folder" && pwd)
}

# ---------------------------------------------------------------------------------------------------- making .venv
find_python() { # sets PYTHON to a Python of a version that the lock covers and that can make a virtual environment
  local name maimed=''
  for name in ${SEA_ICE_PYTHON:+"$SEA_ICE_PYTHON"} python3 python3.12 python3.11 python3.10; do
    if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1; then
      if "$name" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        # Not a virtual environment's Python, which may be the one about to be replaced, but the one beneath.
        PYTHON=$("$name" -c 'import sys; print(sys._base_executable)')
        return
      fi
      maimed=${maimed:-$name}
    fi
    [[ -z ${SEA_ICE_PYTHON:-} ]] || break
  done
  if [[ -n $maimed ]]; then
    die 1 "$maimed cannot make virtual environments: install its venv package (Debian, Ubuntu: apt-get install python3-venv)"
  elif [[ -n ${SEA_ICE_PYTHON:-} ]]; then
    die 1 "SEA_ICE_PYTHON=$SEA_ICE_PYTHON is not a working Python 3.10, 3.11 or 3.12"
  fi
  die 1 "no Python 3.10, 3.11 or 3.12 found: install one, or set SEA_ICE_PYTHON to its path"
}

watch_pip() { # watch_pip PID LOG: says how far pip is until it ends
  local pid=$1 log=$2 tick=0 last='' text names unpacked present
  present=("$VENV"/lib/python3*/site-packages/*.dist-info)
  while kill -0 "$pid" 2>/dev/null; do
    if names=$(grep '^Installing collected packages: ' "$log"); then
      names=${names//[^,]/}
      unpacked=("$VENV"/lib/python3*/site-packages/*.dist-info)
      text="unpacking package $((${#unpacked[@]} - ${#present[@]})) of $((${#names} + 1))"
    else
      text="fetching package $(grep -cE '^(Collecting|Processing) ' "$log" || true)"
    fi
    if [[ -t 2 ]]; then
      printf '\rrun.sh: %s, %d s \033[K' "$text" "$SECONDS" >&2
    elif ((tick % 30 == 29)) && [[ $text != "$last" ]]; then
      say "$text, $SECONDS s"
      last=$text
    fi
    tick=$((tick + 1))
    sleep 0.5
  done
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
}

abandon() { # abandon CODE LINE: ends a set-up without leaving a part of it but its log
  trap '' INT TERM HUP
  [[ -z ${CHILD:-} ]] || { kill "$CHILD" 2>/dev/null && wait "$CHILD" 2>/dev/null; } || true
  [[ ! -t 2 ]] || printf '\r\033[K' >&2
  rm -rf "$VENV"
  die "$@"
}

last_error() { # last_error LOG: what pip said last of what went wrong, else its last line
  local line
  line=$(sed -n 's/^ERROR: //p' "$1" | tail -n 1)
  printf '%s' "${line:-$(tail -n 1 "$1")}"
}

need_space() { # dies where the packages surely do not fit: better now than after some minutes
  local free
  grep -q '^torch==' "$LOCK" || return 0 # the room is torch's and CUDA's
  free=$(df --output=avail -BG "$HERE" 2>/dev/null | tail -n 1 | tr -dc 0-9) || return 0
  ((${free:-99} >= 10)) || die 1 "$VENV needs about 13 GB while it is made, and $free GB are free: make room there"
}

make_venv() { # .venv from the lock; the stamp, a copy of the lock, comes last and says that it is whole
  local log=''
  find_python
  if [[ ! -e $VENV ]]; then
    say "setting up $VENV from requirements-dev.lock: once, some minutes, about 9 GB"
  elif [[ -e $STAMP ]]; then
    say "requirements-dev.lock has changed: making $VENV anew"
  else
    say "$VENV is incomplete: making it anew"
  fi
  CHILD=
  trap 'rm -f "$log"; abandon 130 "set-up interrupted; nothing is left of it"' INT TERM HUP
  SECONDS=0
  rm -rf "$VENV"
  need_space
  log=$(mktemp "${TMPDIR:-/tmp}/sea-ice-setup.XXXXXX")
  "$PYTHON" -m venv "$VENV" >"$log" 2>&1 || abandon 1 "$PYTHON could not make $VENV; see $log"
  mkdir "$VENV/tmp"
  TMPDIR=$VENV/tmp "$VENV/bin/python" -m pip install --require-hashes --only-binary :all: --no-input \
    --disable-pip-version-check --progress-bar off -r "$LOCK" >>"$log" 2>&1 &
  CHILD=$!
  watch_pip "$CHILD" "$log"
  wait "$CHILD" || abandon 1 "pip could not install the packages: $(last_error "$log"); see $log"
  CHILD=
  rm -rf "$VENV/tmp" "$log"
  cp -- "$LOCK" "$STAMP.new"
  mv -- "$STAMP.new" "$STAMP"
  trap - INT TERM HUP
  MADE=yes
  say ".venv is ready after $SECONDS s"
}

require_runnable() { # dies where .venv is that of the lock and only its Python has gone: it may come back
  [[ -e $STAMP && ! -x $VENV/bin/python ]] && cmp -s -- "$LOCK" "$STAMP" || return 0
  die 1 "$VENV/bin/python cannot be run (it leads to $(readlink -f -- "$VENV/bin/python" || echo nothing)): bring that Python\
 back, or remove $VENV and run ./run.sh setup"
}

venv_is_whole() { [[ -x $VENV/bin/python ]] && cmp -s -- "$LOCK" "$STAMP"; }

ensure_venv() { # sets PYTHON to that of a whole .venv; two at once wait for each other
  VENV=$HERE/.venv LOCK=$HERE/requirements-dev.lock STAMP=$HERE/.venv/made-from.lock
  if ! venv_is_whole; then
    require_runnable
    exec 9<"$HERE/run.sh"
    if ! flock -n 9; then
      say "another run.sh is setting up $VENV; waiting for it"
      flock 9
    fi
    venv_is_whole || make_venv
    exec 9<&-
  fi
  PYTHON=$VENV/bin/python
}

# ---------------------------------------------------------------------------------------------------- the verbs
run_module() { # run_module VERB MODULE ARGUMENT...: becomes that program; relative paths stay the caller's
  local verb=$1 module=$2 path=$HERE/${2//.//}
  shift 2
  if [[ ! -e $path.py && ! -e $path/__main__.py ]]; then
    die 2 "'$verb' is not in this checkout ($path is missing)"
  fi
  shopt -s execfail
  exec "$PYTHON" -m "$module" "$@" || die 1 "$PYTHON cannot be run here: remove $HERE/.venv and run ./run.sh setup"
}

run_tests() { # pytest over the arguments; over all of tests/ where they name no file, several at once where there are none
  local argument named=''
  [[ -d $HERE/tests ]] || die 2 "'test' is not in this checkout ($HERE/tests is missing)"
  for argument in "$@"; do
    [[ ! -e ${argument%%::*} ]] || named=yes
  done
  if (($# == 0)); then set -- -n logical --maxprocesses 4 --dist loadfile; fi # a file's tests share what they are given
  [[ -n $named ]] || set -- "$@" "$HERE/tests"
  exec "$PYTHON" -m pytest -c "$HERE/pyproject.toml" --rootdir "$HERE" "$@"
}

main() {
  local verb=infer
  locate
  if [[ -e $HERE/.image ]]; then # only the Dockerfile makes that
    # shellcheck source=infer/process/entry.sh
    source "$HERE/infer/process/entry.sh"
    enter "$@"
    return
  fi
  case ${1:-} in -h | --help) shift; set -- help "$@" ;; esac
  if (($#)) && [[ $1 != -* ]]; then
    verb=$1
    shift
  fi
  case $verb in
    help) usage; return ;;
    infer | archive | dry-run | pack | synthesize | check | split | train | export | test | bench | setup) ;;
    *) die 2 "unknown verb '$verb'; ./run.sh help lists them" ;;
  esac
  ensure_venv
  # The caller's folder must not shadow our packages; Python 3.10 does not know this setting and looks there first.
  export PYTHONPATH=$HERE${PYTHONPATH:+:$PYTHONPATH} PYTHONSAFEPATH=1
  case $verb in
    infer) run_module infer infer "$@" ;;
    archive) run_module archive infer.archive "$@" ;;
    bench) run_module bench tests.bench "$@" ;;
    test) run_tests "$@" ;;
    setup) [[ -n ${MADE:-} ]] || say "nothing to do: $PYTHON is ready" ;;
    *) run_module "$verb" "train_offline.commands.${verb//-/_}" "$@" ;;
  esac
}

main "$@"
