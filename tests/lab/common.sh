# shellcheck shell=bash
# What every lab script shares. Sourced, never run: it defines names and does nothing by itself.
#
# Gives: folders outside the clone (LAB_STATE, LAB_CACHE), `say`, `die`, `as_root`, `apt_install`, `docker_cli`.
# Deliberately absent: any knowledge of what is tested.

LAB_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPO_DIR=$(cd "$LAB_DIR/../.." && pwd)
HOME=${HOME:-$(getent passwd "$(id -u)" | cut -d: -f6)}
LAB_STATE=${XDG_STATE_HOME:-$HOME/.local/state}/dashdeploy-lab
LAB_CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/dashdeploy-lab
export HOME LAB_DIR REPO_DIR LAB_STATE LAB_CACHE
mkdir -p "$LAB_STATE" "$LAB_CACHE"

say() { printf '%s: %s\n' "${LAB_NAME:-lab}" "$*" >&2; }
die() { say "$*"; exit 1; }

# Runs a command as root: directly, or by sudo where it needs no password typed (nothing here ever reads stdin).
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo -n "$@"
  else die "needs root for: $*  (run as root, or allow sudo without a password)"
  fi
}

# The client of the distribution comes first: another one on PATH may lack BuildKit's builder.
docker_cli() { if [ -x /usr/bin/docker ]; then echo /usr/bin/docker; else command -v docker || true; fi; }

engine_answers() {
  local docker
  docker=$(docker_cli)
  [ -n "$docker" ] && timeout 20 "$docker" version -f '{{.Server.Version}}' </dev/null >/dev/null 2>&1
}

deb_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs the named Debian/Ubuntu packages that are missing, and starts no service: a policy-rc.d of 101
# keeps maintainer scripts from asking an init system that may not be there.
apt_install() {
  local missing=() package log=$LAB_STATE/apt.log policy=/usr/sbin/policy-rc.d
  for package in "$@"; do deb_installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "no apt-get here: install these by your own package manager: ${missing[*]}"
  say "apt-get install ${missing[*]} (log: $log)"
  local made_policy=no
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    made_policy=yes
  fi
  local status=0
  apt_try "${missing[@]}" >"$log" 2>&1 </dev/null \
    || { as_root apt-get -q update >>"$log" 2>&1 </dev/null || true; apt_try "${missing[@]}" >>"$log" 2>&1 </dev/null; } \
    || status=$?
  [ "$made_policy" = no ] || as_root rm -f "$policy"
  [ "$status" = 0 ] || { tail -n 20 "$log" >&2; die "apt-get install failed: ${missing[*]}"; }
}

apt_try() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "$@"
}
