#!/usr/bin/env bash
# The dependency rules that cargo itself can answer, so that they hold where cargo-deny is not installed:
#   no banned crate anywhere; the contract depends on its allow-list alone; a target depends on no other target.
set -euo pipefail
export LAB_NAME=dependencies
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
cd "${1:-$REPO_DIR}"

faults=0
fault() { say "$*"; faults=$((faults + 1)); }
tree() { cargo tree --locked --prefix none --format '{p}' "$@" </dev/null | sed 's/ (.*//' | sort -u; }
entries() { grep -v '^#' "$1"; }

banned() {
  local graph name major why
  graph=$(tree --workspace --all-features --target all --edges all)
  while IFS=: read -r name why; do
    read -r name major <<<"$name"
    if grep -qE "^$name v${major:+$major\.}" <<<"$graph"; then
      fault "banned: $(grep -E "^$name v${major:+$major\.}" <<<"$graph" | head -n 1) -$why (cargo tree --workspace --all-features --target all --invert $name)"
    fi
  done < <(entries "$LAB_DIR/banned-dependencies.txt")
}

contract() {
  local name
  while read -r name; do
    [ "$name" = dashdeploy-contract ] || entries "$LAB_DIR/contract-dependencies.txt" | grep -qxF "$name" \
      || fault "dashdeploy-contract may not depend on $name (tests/lab/contract-dependencies.txt lists what it may)"
  done < <(tree --package dashdeploy-contract --all-features --target all --edges normal,build | cut -d' ' -f1 | sort -u)
}

targets() {
  local manifest own other
  for manifest in targets/*/Cargo.toml; do
    own=$(sed -n 's/^name = "\(.*\)"$/\1/p' "$manifest" | head -n 1)
    while read -r other; do
      case "$other" in
        "$own" | dashdeploy-contract) ;;
        dashdeploy*) fault "$own may not depend on $other: a target knows the contract alone" ;;
      esac
    done < <(tree --package "$own" --all-features --edges normal,build --depth 1 | cut -d' ' -f1)
    # Its tests may ask a platform in memory besides.
    while read -r other; do
      case "$other" in
        "$own" | dashdeploy-contract | dashdeploy-fakes) ;;
        dashdeploy*) fault "the tests of $own may not depend on $other: they know the contract and the platforms in memory" ;;
      esac
    done < <(tree --package "$own" --all-features --edges normal,build,dev --depth 1 | cut -d' ' -f1)
  done
}

banned
contract
targets
[ "$faults" = 0 ] || die "$faults dependency rules are broken"
say "no banned crate; the contract keeps to its list; no target depends on another"
