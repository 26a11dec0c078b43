#!/usr/bin/env bash
# dashdeploy beside its peers, whole processes in one run, as ratios. Not a test: nothing fails on a number.
#
# The example is brought up once; then runs that change nothing are timed in turn, each against the program that does the same.
set -euo pipefail
export LAB_NAME=bench
# shellcheck source=tests/lab/common.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/../lab/common.sh"
cd "$REPO_DIR"

"$LAB_DIR/engine.sh" start "${LAB_RUN:-by-hand}"
"$LAB_DIR/base-images.sh"
"$LAB_DIR/tools.sh"
# shellcheck source=/dev/null
. "$LAB_CACHE/tools/env"
say "building dashdeploy (release)"
cargo build -q --release --locked </dev/null

folder=$(mktemp -d)
binary=$(realpath "${CARGO_TARGET_DIR:-target}")/release/dashdeploy
export TS_ALPHA_VANTAGE_KEY=demo
finish() {
  "$binary" -C "$folder/app" down --volumes --yes >/dev/null 2>&1 </dev/null || true
  local docker=/usr/bin/docker
  [ -x "$docker" ] || docker=docker
  "$docker" images -q --filter 'reference=dashdeploy-bench-*' | sort -u | xargs -r "$docker" rmi -f >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap finish EXIT
cp -r examples/small-cap-dashboard "$folder/app"
sed -i 's/^project: .*/project: dashdeploy-bench/; s/^    port: 8000/    publish: 18000\n    port: 8000/; s/publish: 4173/publish: 14173/' "$folder/app/dashdeploy.yaml"
"$binary" -C "$folder/app" render </dev/null
"$binary" -C "$folder/app" up </dev/null

python3 tests/bench/compare.py "$binary" "${DOCKER_COMPOSE:-docker-compose}" "$folder/app"
