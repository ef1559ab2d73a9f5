# shellcheck shell=bash
# A Docker engine of CI's own: its socket, its state and its processes live in RUN_DIR and end with CI; only image layers
# stay, in CACHE_DIR. Sourced by .ci/run.

# start_engine RUN_DIR CACHE_DIR: starts dockerd, waits until it answers, and exports DOCKER_HOST. It needs no bridge and
# no packet filter: builds use the host's network, test containers none.
start_engine() {
  local run=$1 cache=$2
  mkdir -p "$run" "$cache/docker"
  exec 8>"$cache/lock"
  flock -n 8 || { echo "another CI run is using $cache; waiting" >&2; flock 8; }
  dockerd --host "unix://$run/docker.sock" --data-root "$cache/docker" --exec-root "$run/exec" \
    --pidfile "$run/docker.pid" --iptables=false --ip6tables=false --bridge=none \
    --log-level warn >"$run/dockerd.log" 2>&1 8>&- &
  ENGINE_PID=$!
  export DOCKER_HOST="unix://$run/docker.sock" DOCKER_BUILDKIT=1
  # The client of the engine's own package before any other: a newer one may lack the means to build.
  mkdir -p "$run/bin"
  ln -sf /usr/bin/docker "$run/bin/docker"
  export PATH="$run/bin:$PATH"
  local _
  for _ in {1..120}; do
    if docker version >/dev/null 2>&1; then return 0; fi
    kill -0 "$ENGINE_PID" 2>/dev/null || break
    sleep 0.5
  done
  echo "the Docker engine did not start; its last words:" >&2
  tail -n 20 "$run/dockerd.log" >&2
  return 1
}

# stop_engine RUN_DIR: stops the containers that are left and the engine, and removes RUN_DIR. Safe to call at any time.
stop_engine() {
  local run=$1
  if [[ -n ${ENGINE_PID:-} ]]; then
    docker ps -q 2>/dev/null | xargs -r docker kill >/dev/null 2>&1 || true
    kill "$ENGINE_PID" 2>/dev/null || true
    wait "$ENGINE_PID" 2>/dev/null || true
    ENGINE_PID=
  fi
  # A killed engine can leave its namespaces mounted.
  awk -v run="$run/" 'index($2, run) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r -n1 umount -l 2>/dev/null || true
  rm -rf "$run"
}

# trim_cache IMAGE...: drops every image but these, and build layers beyond what one build takes.
trim_cache() {
  local image
  docker image ls --format '{{.Repository}}:{{.Tag}}' | while read -r image; do
    [[ " $* " == *" $image "* ]] || docker image rm "$image" >/dev/null 2>&1 || true
  done
  docker image prune --force >/dev/null
  docker builder prune --force --keep-storage 10GB >/dev/null
}
