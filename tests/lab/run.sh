#!/usr/bin/env bash
# Everything that is checked, in order, each part to its end; then a table of the parts. Exits 1 if any part failed.
#
#   run.sh test    set-up (engine, base images, tools), then all parts
#   run.sh lint    the parts that run no test: formatting, linters, house rules, dependencies, scripts
#
# DASHDEPLOY_TEST_ENGINE=off leaves the engine out, aloud. What the tests are told by the environment: tests/README.md.
set -uo pipefail
export LAB_NAME=run
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "$REPO_DIR" || exit 1

export DASHDEPLOY_TEST_ENGINE=${DASHDEPLOY_TEST_ENGINE:-required}
export DASHDEPLOY_SKIPPED=$LAB_STATE/skipped.$$
export DASHDEPLOY_FIGURES=$LAB_STATE/figures.$$
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-never}
begun=$SECONDS
table=()
failed=0
nextest_log=$LAB_STATE/nextest-run.$$
: >"$DASHDEPLOY_SKIPPED"
: >"$DASHDEPLOY_FIGURES"
trap 'rm -f "$DASHDEPLOY_SKIPPED" "$DASHDEPLOY_FIGURES" "$nextest_log"' EXIT

row() { table+=("$(printf '%-8s %6s  %s' "$1" "$2" "$3")"); }
part() {
  local name=$1 start=$SECONDS; shift
  printf '\n== %s\n' "$name"
  if "$@" </dev/null; then row ok "$((SECONDS - start)) s" "$name"; else row FAILED "$((SECONDS - start)) s" "$name"; failed=$((failed + 1)); fi
}
skip() { printf '\n== %s\nSKIPPED: %s\n' "$1" "$2"; row skipped "" "$1: $2"; }

# parts that are more than one command -------------------------------------------------------------------------------------
scripts() { git ls-files -z --cached --others --exclude-standard -- '*.sh' '.ci/run' | xargs -0 "${SHELLCHECK:-shellcheck}"; }
house() { "$LAB_DIR/house.sh" --self-test && "$LAB_DIR/house.sh"; }
docs() { RUSTDOCFLAGS='-D warnings' cargo doc -q --locked --workspace --all-features --no-deps; }
workflow() { "$CHECK_JSONSCHEMA" --builtin-schema vendor.github-workflows .github/workflows/*.yml && "$YAMLLINT" -d '{extends: relaxed, rules: {line-length: disable}}' .github; }
tests() { cargo nextest run --locked --workspace --all-features --profile ci 2>&1 | tee "$nextest_log"; }

lint() {
  part "formatting (cargo fmt)" cargo fmt --all --check
  part "clippy" cargo clippy -q --locked --keep-going --workspace --all-targets --all-features -- -D warnings
  part "clippy without a target" cargo clippy -q --locked --package dashdeploy --no-default-features --lib --bins -- -D warnings
  part "house rules" house
  part "dependency rules" "$LAB_DIR/dependencies.sh"
  if command -v cargo-deny >/dev/null; then part "cargo-deny (bans, licences, sources)" cargo deny --locked --log-level error check bans licenses sources
  else skip "cargo-deny (bans, licences, sources)" "not installed; the dependency rules above hold the bans, nothing checked the licences"; fi
  if command -v "${SHELLCHECK:-shellcheck}" >/dev/null; then part "shellcheck" scripts; else skip "shellcheck" "not installed (make setup)"; fi
  if [ -n "${CHECK_JSONSCHEMA:-}" ] && [ -n "${YAMLLINT:-}" ]; then part "workflow files" workflow; else skip "workflow files" "check-jsonschema and yamllint are not installed (make setup)"; fi
}

setup() {
  if [ "$DASHDEPLOY_TEST_ENGINE" = off ]; then skip "engine and base images" "DASHDEPLOY_TEST_ENGINE=off"
  else
    part "engine" "$LAB_DIR/engine.sh" start "${LAB_RUN:-by-hand}"
    part "base images" "$LAB_DIR/base-images.sh"
  fi
  part "tools" "$LAB_DIR/tools.sh"
}

load_tools() {
  # shellcheck source=/dev/null
  if [ -r "$LAB_CACHE/tools/env" ]; then . "$LAB_CACHE/tools/env"; fi
}

report() {
  printf '\n== what the tests measured\n'
  sort "$DASHDEPLOY_FIGURES"
  printf '\n== what the tests skipped\n'
  if [ -s "$DASHDEPLOY_SKIPPED" ]; then sort -u "$DASHDEPLOY_SKIPPED" | sed 's/^/skipped  /'; else echo "nothing"; fi
  if [ -s "$LAB_CACHE/tools/missing" ]; then sed 's/^/missing  /' "$LAB_CACHE/tools/missing"; fi
}

verdict() {
  printf '\n== parts\n'
  printf '%s\n' "${table[@]}"
  if [ -s "$nextest_log" ]; then grep -E '^ +Summary ' "$nextest_log" || echo "     no summary: the tests did not run to their end"; fi
  if [ "$failed" = 0 ]; then echo "PASSED: ${#table[@]} parts in $((SECONDS - begun)) s"; else echo "FAILED: $failed of ${#table[@]} parts, $((SECONDS - begun)) s"; fi
  [ "$failed" = 0 ]
}

case "${1:-}" in
  lint)
    load_tools
    lint
    ;;
  test)
    setup
    load_tools
    lint
    part "tests (cargo nextest)" tests
    part "examples in the documentation (doctests)" cargo test -q --locked --workspace --all-features --doc
    part "documentation (rustdoc)" docs
    report
    ;;
  *) die "usage: run.sh test | lint" ;;
esac
verdict
