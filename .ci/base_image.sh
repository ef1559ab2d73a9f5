# shellcheck shell=bash
# A stand-in for the Dockerfile's BASE_IMAGE where none can be pulled: a minimal Debian, made by debootstrap from the
# mirror that this machine uses. Sourced by .ci/run.

# host_mirror SUITE: the address of the mirror that this machine's apt takes SUITE from; nothing if it takes none.
host_mirror() {
  # shellcheck disable=SC2016  # apt's own placeholders
  apt-get indextargets --format '$(REPO_URI)|$(CODENAME)' 'Created-By: Packages' 2>/dev/null |
    awk -F'|' -v suite="$1" '$2 == suite { print $1; exit }'
}

# base_settings CA: the ENV lines with which pip works inside the image as it does here: this machine's certificates and,
# if it names one that a container can reach, its package index.
base_settings() {
  local ca=$1 index timeout
  [[ -z $ca ]] || echo "ENV PIP_CERT=/etc/ssl/host-ca.crt"
  index=$(python3 -m pip config get global.index-url 2>/dev/null || true)
  index=${PIP_INDEX_URL:-$index}
  [[ -z $index || $index == file:* ]] || echo "ENV PIP_INDEX_URL=$index"
  timeout=${PIP_DEFAULT_TIMEOUT:-}
  [[ -z $timeout ]] || echo "ENV PIP_DEFAULT_TIMEOUT=$timeout"
}

# make_base SUITE CACHE_DIR: prints the tag of the stand-in, made now unless one of the same ingredients is there.
make_base() {
  local suite=$1 cache=$2 ca=/etc/ssl/certs/ca-certificates.crt mirror settings key tag root
  [[ -r $ca ]] || ca=
  mirror=$(host_mirror "$suite")
  settings=$(base_settings "$ca")
  key=$({ echo "$suite $mirror $settings"; cat ${ca:+"$ca"} "${BASH_SOURCE[0]}"; } | sha256sum | cut -c1-12)
  tag=sea-ice-ci/base:$suite-$key
  if ! docker image inspect "$tag" >/dev/null 2>&1; then
    root=$cache/rootfs
    rm -rf "$root"
    echo "making the stand-in base image ($suite)" >&2
    debootstrap --variant=minbase "$suite" "$root" ${mirror:+"$mirror"} >"$cache/debootstrap.log" 2>&1 ||
      { tail -n 20 "$cache/debootstrap.log" >&2; return 1; }
    # Not where ca-certificates keeps its own bundle: installing that package would overwrite it.
    [[ -z $ca ]] || install -D -m 644 "$ca" "$root/etc/ssl/host-ca.crt"
    rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
    local changes=() line
    while read -r line; do [[ -z $line ]] || changes+=(--change "$line"); done <<<"$settings"
    tar -C "$root" --one-file-system -c . | docker import "${changes[@]}" - "$tag" >/dev/null
    rm -rf "$root" "$cache/debootstrap.log"
  fi
  echo "$tag"
}
