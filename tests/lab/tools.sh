#!/usr/bin/env bash
# The programs that the tests feed with what dashdeploy writes: hadolint, check-jsonschema, gixy, yamllint, nginx,
# docker-compose 2.26, docker-buildx, docker-registry, dash, Chromium; shellcheck, cargo-nextest, cargo-deny for the run itself.
#
# They go into a folder outside the clone (and Debian packages, no service of which is started). Quick when all is there.
# Writes $LAB_CACHE/tools/env: one `export NAME=path` for each program found (the names are listed in tests/README.md).
# A program that cannot be had is named with its reason in $LAB_CACHE/tools/missing; its tests then skip, aloud.
set -euo pipefail
export LAB_NAME=tools
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

TOOLS=$LAB_CACHE/tools
ENV_FILE=$TOOLS/env
MISSING=$TOOLS/missing
mkdir -p "$TOOLS"
exec 9>"$LAB_STATE/tools.lock"
flock -w 900 9 || die "another run has been installing the tools for 15 minutes"
: >"$MISSING"
: >"$ENV_FILE.new"

found() { printf 'export %s=%q\n' "$1" "$2" >>"$ENV_FILE.new"; }
lacks() { say "MISSING $1: $2"; printf '%s: %s\n' "$1" "$2" >>"$MISSING"; }

# Debian packages: only where the program is not there yet.
packages() {
  local wanted=()
  command -v dash >/dev/null || wanted+=(dash)
  command -v shellcheck >/dev/null || wanted+=(shellcheck)
  command -v curl >/dev/null || wanted+=(curl)
  command -v git >/dev/null || wanted+=(git)
  command -v node >/dev/null && command -v npm >/dev/null || wanted+=(nodejs npm)
  deb_installed python3-venv || wanted+=(python3-venv)
  [ ${#wanted[@]} -eq 0 ] || (apt_install "${wanted[@]}") || lacks "${wanted[*]}" "apt-get install failed (see $LAB_STATE/apt.log)"
  local name
  for name in dash shellcheck; do
    if command -v "$name" >/dev/null; then found "${name^^}" "$(command -v "$name")"; else lacks "$name" "not on PATH"; fi
  done
}

# Only `nginx -t` is wanted: the package's service is neither started now nor at the next boot.
nginx_binary() {
  if [ ! -x /usr/sbin/nginx ] && ! command -v nginx >/dev/null; then
    (apt_install nginx-light) || { lacks nginx "apt-get install nginx-light failed"; return; }
    if command -v systemctl >/dev/null; then as_root systemctl --quiet disable nginx >/dev/null 2>&1 || true; fi
  fi
  if [ -x /usr/sbin/nginx ]; then found NGINX /usr/sbin/nginx; else found NGINX "$(command -v nginx)"; fi
}

# A browser that runs without a display. Ubuntu's `chromium` package is a snap launcher, which is no use here.
browser() {
  local name
  for name in chromium google-chrome google-chrome-stable chromium-browser; do
    if command -v "$name" >/dev/null && ! grep -qs snap "$(command -v "$name")"; then found CHROMIUM "$(command -v "$name")"; return; fi
  done
  if grep -qs '^ID=debian' /etc/os-release && (apt_install chromium fonts-dejavu-core); then found CHROMIUM /usr/bin/chromium; return; fi
  lacks chromium "no Chromium or Chrome on PATH, and no Debian package for this system"
}

python_tools() {
  local list=$LAB_DIR/tools.txt venv=$TOOLS/python stamp=$TOOLS/python/stamp python=/usr/bin/python3
  [ -x "$python" ] || python=$(command -v python3) || { lacks "python tools" "no python3"; return; }
  if ! cmp -s "$list" "$stamp"; then
    say "installing the Python tools into $venv"
    rm -rf "$venv"
    if ! { "$python" -m venv "$venv" && "$venv/bin/pip" install -q --disable-pip-version-check -r "$list"; } >"$LAB_STATE/pip.log" 2>&1 </dev/null; then
      tail -n 5 "$LAB_STATE/pip.log" >&2
      lacks "hadolint check-jsonschema gixy yamllint" "pip install failed (see $LAB_STATE/pip.log)"
      return
    fi
    cp "$list" "$stamp"
  fi
  found HADOLINT "$venv/bin/hadolint"
  found CHECK_JSONSCHEMA "$venv/bin/check-jsonschema"
  found GIXY "$venv/bin/gixy"
  found YAMLLINT "$venv/bin/yamllint"
  found CFN_LINT "$venv/bin/cfn-lint"
  found TOOLS_PYTHON "$venv/bin/python"
}

# Packages of npm, each pinned, whose programs and modules read what dashdeploy writes. No package's own script is run.
npm_tools() {
  local list=$LAB_DIR/tools-npm.txt folder=$TOOLS/npm stamp=$TOOLS/npm/stamp
  command -v npm >/dev/null || { lacks "npm tools" "no npm"; return; }
  if ! cmp -s "$list" "$stamp"; then
    say "installing the npm tools into $folder"
    rm -rf "$folder"
    mkdir -p "$folder"
    if ! (cd "$folder" && grep -v '^#' "$list" | xargs npm install --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error) >"$LAB_STATE/npm.log" 2>&1 </dev/null; then
      tail -n 5 "$LAB_STATE/npm.log" >&2
      lacks "npm tools" "npm install failed (see $LAB_STATE/npm.log)"
      return
    fi
    cp "$list" "$stamp"
  fi
  found NODE "$(command -v node)"
  found NODE_TOOLS "$folder/node_modules"
}

# apt, told to know nothing but Debian trixie, and to write nowhere but into the folder given.
apt_trixie() {
  local folder=$1; shift
  apt-get -q -o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=- -o Dir::Etc::Preferences=- -o Dir::Etc::PreferencesParts=- \
    -o "Dir::State=$folder/state" -o "Dir::State::Lists=$folder/lists" -o "Dir::State::status=$folder/state/status" \
    -o "Dir::Cache=$folder/cache" -o APT::Sandbox::User= -o Acquire::Languages=none "$@"
}

# Compose v2 and buildx as Debian trixie packages them, unpacked and not installed: this machine's packages stay as they are.
compose_and_buildx() {
  local plugins=$TOOLS/trixie/usr/libexec/docker/cli-plugins keyring=/usr/share/keyrings/debian-archive-keyring.gpg log=$LAB_STATE/trixie.log
  if [ ! -x "$plugins/docker-compose" ] || [ ! -x "$plugins/docker-buildx" ]; then
    [ -e "$keyring" ] || (apt_install debian-archive-keyring) || { lacks docker-compose "no Debian keyring"; return; }
    local apt=$TOOLS/trixie-apt
    rm -rf "$apt" "$TOOLS/trixie"
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/state" "$TOOLS/trixie"
    : >"$apt/state/status"
    echo "deb [signed-by=$keyring] ${LAB_DEBIAN_MIRROR:-http://deb.debian.org/debian} trixie main" >"$apt/sources.list"
    say "fetching docker-compose and docker-buildx of Debian trixie into $TOOLS/trixie"
    if ! (cd "$apt" && apt_trixie "$apt" update && apt_trixie "$apt" download docker-compose docker-buildx &&
      for deb in *.deb; do dpkg -x "$deb" "$TOOLS/trixie"; done) >"$log" 2>&1 </dev/null; then
      tail -n 5 "$log" >&2
    fi
    rm -rf "$apt"
  fi
  if [ -x "$plugins/docker-compose" ]; then found DOCKER_COMPOSE "$plugins/docker-compose"; else lacks docker-compose "Debian trixie's package could not be had (see $log)"; fi
  if [ -x "$plugins/docker-buildx" ]; then found DOCKER_BUILDX "$plugins/docker-buildx"; else lacks docker-buildx "Debian trixie's package could not be had (see $log)"; fi
}

# A registry of images as a program. Unpacked, not installed: the package would start a service and make a user.
docker_registry() {
  local folder=$TOOLS/registry log=$LAB_STATE/registry.log deb=$TOOLS/registry-deb
  if [ ! -x "$folder/usr/bin/docker-registry" ]; then
    say "fetching docker-registry into $folder"
    rm -rf "$folder" "$deb"
    mkdir -p "$folder" "$deb"
    if ! (cd "$deb" && apt_fetch docker-registry && dpkg -x ./*.deb "$folder") >"$log" 2>&1 </dev/null; then tail -n 5 "$log" >&2; fi
    rm -rf "$deb"
  fi
  if [ -x "$folder/usr/bin/docker-registry" ]; then found DOCKER_REGISTRY "$folder/usr/bin/docker-registry"; else lacks docker-registry "the package could not be had (see $log)"; fi
}

# A package's file into the current folder, with fresh lists where the ones at hand do not know it.
apt_fetch() {
  apt-get -q -o APT::Sandbox::User= download "$1" || { as_root apt-get -q update && apt-get -q -o APT::Sandbox::User= download "$1"; }
}

# Programs of crates.io, built once (two or three minutes each on two cores) where they are missing.
cargo_tool() {
  local name=$1 log=$LAB_STATE/$1.log
  if command -v "$name" >/dev/null || [ -x "$TOOLS/cargo/bin/$name" ]; then return; fi
  say "cargo install $name (some minutes, once; log: $log)"
  CARGO_TARGET_DIR=$TOOLS/cargo-build timeout 1200 cargo install -q --locked "$name" --root "$TOOLS/cargo" >"$log" 2>&1 </dev/null ||
    lacks "$name" "cargo install failed (see $log)"
  rm -rf "$TOOLS/cargo-build"
}

packages
nginx_binary
browser
python_tools
npm_tools
compose_and_buildx
docker_registry
cargo_tool cargo-nextest
cargo_tool cargo-deny
found DASHDEPLOY_TOOLS "$TOOLS"
# shellcheck disable=SC2016  # expanded by whoever sources the file
printf 'export PATH=%q:$PATH\n' "$TOOLS/cargo/bin" >>"$ENV_FILE.new"
mv "$ENV_FILE.new" "$ENV_FILE"
say "$(grep -c '^export' "$ENV_FILE") settings in $ENV_FILE, $(wc -l <"$MISSING") missing"
