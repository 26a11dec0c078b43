#!/usr/bin/env bash
# The example application, running here: builds dashdeploy, brings the example up, shows that its addresses answer.
#
#   demo.sh up      (make demo)
#   demo.sh down    (make clean-demo) its containers, networks and data
set -euo pipefail
export LAB_NAME=demo
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$REPO_DIR"

EXAMPLE=examples/small-cap-dashboard
BINARY=${CARGO_TARGET_DIR:-target}/release/dashdeploy

build() { cargo build -q --release --locked </dev/null; }

secrets() {
  if [ -n "${TS_ALPHA_VANTAGE_KEY:-}" ]; then say "TS_ALPHA_VANTAGE_KEY: taken from the environment"
  else
    export TS_ALPHA_VANTAGE_KEY=demo
    say "TS_ALPHA_VANTAGE_KEY: not set, the example runs with the demo value 'demo'"
  fi
}

# answers URL: prints the status; fails unless it is 200
answers() {
  local status
  status=$(curl -sS -o /dev/null -w '%{http_code}' --max-time 10 --noproxy '*' "$1") || status="no answer"
  printf '  %-44s %s\n' "$1" "$status"
  [ "$status" = 200 ]
}

# The last line of `up --json` names every service's address; this second `up` changes nothing. Every address must
# answer /api/health (the front end hands /api on), and one of them must be the front end's page.
check_addresses() {
  local result urls url page faults=0 pages=0
  result=$("$BINARY" -C "$EXAMPLE" up --json </dev/null | tail -n 1)
  urls=$(grep -oE 'https?://[^"[:space:]]+' <<<"$result" | sed 's#/$##' | sort -u || true)
  [ -n "$urls" ] || die "the result names no address: $result"
  echo "The example is running:"
  for url in $urls; do
    page=$(curl -sS --max-time 10 --noproxy '*' "$url/" || true)
    if [[ $page == *'<div id="root">'* ]]; then
      pages=$((pages + 1))
      answers "$url/" || faults=$((faults + 1))
    fi
    answers "$url/api/health" || faults=$((faults + 1))
  done
  [ "$pages" -ge 1 ] || die "no address serves the front end"
  [ "$faults" = 0 ] || die "an address does not answer as it should: $BINARY -C $EXAMPLE logs"
  echo "Look at it in a browser; \`make clean-demo\` takes it away again, with its data."
}

case "${1:-up}" in
  up)
    "$LAB_DIR/engine.sh" start "${LAB_RUN:-by-hand}"
    "$LAB_DIR/base-images.sh"
    say "building dashdeploy (release)"
    build
    secrets
    "$BINARY" -C "$EXAMPLE" up </dev/null
    check_addresses
    ;;
  down)
    [ -x "$BINARY" ] || build
    "$BINARY" -C "$EXAMPLE" down --volumes --yes </dev/null
    ;;
  *) die "usage: demo.sh up | down" ;;
esac
