#!/usr/bin/env bash
# The base images that generated Dockerfiles name: python:3.11-slim, node:20-alpine, nginx:1.27-alpine (and the
# debian:bookworm-slim below them). Each is taken as it is where it exists, pulled where a registry answers, and
# otherwise built from Debian and npm packages as a stand-in, labelled dev.dashdeploy.standin=<name>.
#
# Not to rely on in a stand-in: apk, musl, nginx newer than 1.22, a repository digest, `--pull`.
#   LAB_IMAGE_PREFIX=try/   build under other names, beside those that exist (to time or to test this script)
set -euo pipefail
export LAB_NAME=base-images
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

PREFIX=${LAB_IMAGE_PREFIX:-}
DEBIAN=debian:bookworm-slim
DOCKER=$(docker_cli)
export DOCKER_BUILDKIT=1
registry=unknown # unknown | unreachable: it is asked until it fails once, then no more in this run
work=$(mktemp -d)
trap 'as_root rm -rf "$work"' EXIT

have() { "$DOCKER" image inspect "$1" >/dev/null 2>&1 </dev/null; }
size() { "$DOCKER" image inspect -f '{{.Size}}' "$1" | awk '{printf "%.0f MB", $1/1e6}'; }

# The registry has 20 s to name the image; the layers then have ten minutes.
pull() {
  [ -z "$PREFIX" ] && [ "$registry" != unreachable ] || return 1
  local out=$work/pull.log pid begun=$SECONDS
  "$DOCKER" pull "$1" >"$out" 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null; do
    if [ $((SECONDS - begun)) -ge 600 ] || { [ $((SECONDS - begun)) -ge 20 ] && ! grep -q 'Pulling from' "$out"; }; then kill "$pid" 2>/dev/null; fi
    sleep 0.1
  done
  if wait "$pid"; then say "pulled $1"; return 0; fi
  registry=unreachable
  say "no image registry ($(tail -n 1 "$out" | cut -c1-160)): stand-ins are built instead"
  return 1
}

# The certificates that this host trusts, so that pip and npm work in builds behind a proxy that re-signs TLS.
host_certificates() {
  local bundle
  for bundle in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
    if [ -n "$bundle" ] && [ -s "$bundle" ]; then cp "$bundle" "$1"; return; fi
  done
  die "no certificate bundle on this host: apt-get install ca-certificates"
}

# A minimal system from Debian's packages, trimmed as the slim images are.
build_debian() {
  local root=$work/rootfs log=$LAB_STATE/debootstrap.log name=$1
  if ! command -v debootstrap >/dev/null || [ ! -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then apt_install debootstrap debian-archive-keyring; fi
  say "debootstrap $DEBIAN (log: $log)"
  as_root debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "${LAB_DEBIAN_MIRROR:-http://deb.debian.org/debian}" \
    >"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; die "debootstrap failed"; }
  # shellcheck disable=SC2016  # expanded by the inner shell
  as_root sh -euc 'cd "$1"
    rm -rf var/cache/apt/archives/*.deb var/cache/apt/*.bin var/lib/apt/lists/* var/log/*.log var/log/apt
    rm -rf usr/share/doc/* usr/share/man/* usr/share/info/* usr/share/locale/*
    for folder in doc man info locale; do echo "path-exclude /usr/share/$folder/*"; done >etc/dpkg/dpkg.cfg.d/slim
    printf "%s\n" "APT::Install-Recommends \"false\";" "Acquire::Languages \"none\";" >etc/apt/apt.conf.d/slim' sh "$root"
  as_root tar -C "$root" -c . | "$DOCKER" import -c 'CMD ["bash"]' -c "LABEL dev.dashdeploy.standin=$DEBIAN" - "$name" >/dev/null
  as_root rm -rf "$root"
  say "built $name ($(size "$name"))"
}

build_from_dockerfile() {
  local name=$1 folder=$2 context=$work/$2 log=$LAB_STATE/image-$2.log variable proxies=()
  for variable in HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy; do
    [ -z "${!variable:-}" ] || proxies+=(--build-arg "$variable")
  done
  cp -r "$LAB_DIR/images/$folder" "$context"
  host_certificates "$context/ca.crt"
  "$DOCKER" build --progress plain "${proxies[@]}" --build-arg "BASE=$PREFIX$DEBIAN" -t "$name" "$context" >"$log" 2>&1 </dev/null \
    || { tail -n 30 "$log" >&2; die "building $name failed (log: $log)"; }
  say "built $name ($(size "$name"))"
}

need_debian() { have "$PREFIX$DEBIAN" || pull "$DEBIAN" || build_debian "$PREFIX$DEBIAN"; }

provide() {
  local official=$1 folder=$2
  if have "$PREFIX$official"; then return; fi
  if pull "$official"; then return; fi
  need_debian
  build_from_dockerfile "$PREFIX$official" "$folder"
}

engine_answers || die "no engine answers: tests/lab/engine.sh start"
exec 9>"$LAB_STATE/images.lock"
flock -w 900 9 || die "another run has been making the images for 15 minutes"
provide python:3.11-slim python
provide node:20-alpine node
provide nginx:1.27-alpine nginx
need_debian
for image in debian:bookworm-slim python:3.11-slim node:20-alpine nginx:1.27-alpine; do
  standin=$("$DOCKER" image inspect -f '{{index .Config.Labels "dev.dashdeploy.standin"}}' "$PREFIX$image" </dev/null)
  if [ -n "$standin" ]; then say "$PREFIX$image (stand-in)"; else say "$PREFIX$image (official)"; fi
done
