#!/usr/bin/env bash
# dashdeploy beside its peers, whole processes in one run, as ratios; written to RESULTS.md. Nothing fails on a number.
#
#   run.sh [CASE…]   the cases named, or all: noop edit cold up images memory startup push load
#   BENCH_DASHDEPLOY=path   measures that program instead of building this clone's
#
# Trees to build lie in a cache folder outside the clone, where the next run finds them.
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
binary=${BENCH_DASHDEPLOY:-}
if [ -z "$binary" ]; then
  say "building dashdeploy (release)"
  cargo build -q --release --locked </dev/null
  binary=$(realpath "${CARGO_TARGET_DIR:-target}")/release/dashdeploy
fi
exec python3 -B tests/bench/bench.py "$binary" "$REPO_DIR" "$LAB_CACHE/bench" "$@"
