#!/usr/bin/env bash
# The house rules that neither rustc nor clippy checks, by text. Prints `file:line: text  <- rule`, exits 1 on any.
#
#   house.sh [FOLDER]      checks the repository (or a copy of it)
#   house.sh --self-test   plants one breach of every rule in a scratch copy, and fails where one goes unseen
#
# "Code" below is a Rust source line outside comments and outside inline `#[cfg(test)] mod … { }`; `use` lists are joined
# to one line. Files named tests.rs or *_tests.rs, and tests/ folders, are tests.
set -euo pipefail
export LAB_NAME=house
# shellcheck source=common.sh
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

FILE_LINES=400
root=$REPO_DIR
breaches=0

sources() { (cd "$root" && find src targets -name '*.rs' -not -path '*/tests/*' -not -name 'tests.rs' -not -name '*_tests.rs' | sort); }

# file:line:text of all code (see above)
code() {
  local file
  while read -r file; do
    awk -v file="$file" '
      function emit(text) { sub(/[ \t]\/\/.*$/, "", text); if (text !~ /^[ \t]*(\/\/|$)/) print file ":" NR ":" text }
      skipping { if ($0 ~ /^}/) skipping = 0; next }
      pending && /^(pub(\([a-z]+\))? )?mod [a-z_0-9]+ \{/ { pending = 0; skipping = 1; next }
      /^#\[cfg\((all\()?test[,)]/ { pending = 1; next }
      pending && !/^#\[/ { pending = 0 }
      joining { sub(/[ \t]\/\/.*$/, ""); joined = joined " " $0; if ($0 ~ /;/) { joining = 0; emit(joined) } next }
      /^[ \t]*(pub(\([a-z]+\))? )?use [^;]*$/ { joining = 1; joined = $0; next }
      { emit($0) }' "$root/$file"
  done < <(sources)
}

# breach RULE: counts and prints the lines on stdin
breach() {
  local line
  while read -r line; do
    [ -n "$line" ] || continue
    printf '%s  <- %s\n' "$line" "$1" >&2
    breaches=$((breaches + 1))
  done
}

# only RULE PATTERN ALLOWED: code that matches PATTERN stands only in files whose path matches ALLOWED
only() { breach "$1" < <(grep -E "^[^:]+:[0-9]+:.*$2" <<<"$all" | grep -vE "^($3)" || true); }

# Lines before the inline tests; a file of tests counts whole.
file_lengths() { breach "at most $FILE_LINES lines, without the tests" < <(long_files); }
long_files() {
  local file lines
  while read -r file; do
    lines=$(awk '/^#\[cfg\((all\()?test[,)]/ { held = NR; next } held && /^mod tests \{/ { exit } { n = NR } END { print n + 0 }' "$root/$file")
    [ "$lines" -le "$FILE_LINES" ] || echo "$file:$lines: lines"
  done < <(cd "$root" && find src targets tests build.rs -name '*.rs' 2>/dev/null | sort)
}

module_docs() { breach "a module opens with //! (given, gives, deliberately absent)" < <(undocumented_modules); }
undocumented_modules() {
  local file
  while read -r file; do
    head -n 1 "$root/$file" | grep -q '^//!' || echo "$file:1: $(head -n 1 "$root/$file" | cut -c1-60)"
  done < <(sources)
}

# An `expect` outside tests names its invariant in a comment on the same line or within the three above.
expects() { breach "no expect without a comment that names the invariant" < <(bare_expects); }
bare_expects() {
  local hit file line
  while IFS=: read -r file line hit; do
    sed -n "$((line > 3 ? line - 3 : 1)),${line}p" "$root/$file" | grep -q '//' || echo "$file:$line: $hit"
  done < <(grep -E '\.expect\(' <<<"$all" || true)
}

templates() {
  breach "a template decides nothing and escapes nothing: no set, macro, import, autoescape, safe" < <(
    cd "$root"
    shopt -s nullglob
    grep -rnsE '\{%-?[[:space:]]*(set|macro|import|from|call|autoescape)\b|\|[[:space:]]*safe\b' templates targets/*/templates || true
  )
}

check() {
  breaches=0
  all=$(code)
  file_lengths
  module_docs
  only "only src/render/engine.rs names minijinja" '\bminijinja\b' 'src/render/engine\.rs:'
  only "bollard lives in src/io/docker, src/build, targets/docker" '\bbollard\b' 'src/io/docker(\.rs|/|_[a-z]+\.rs)|src/build/|targets/docker/'
  only "only src/io names std::fs, std::env, std::process" '\b(std|tokio)::(\{.*\b)?(fs|env|process)\b' 'src/io/|src/main\.rs:[0-9]+:.*std::process::ExitCode|src/main\.rs:[0-9]+:.*std::process::\{?(ExitCode|Termination)[^;]*;'
  only "only src/console prints" '\be?print(ln)?!' 'src/console/'
  only "only src/registry.rs names a target's crate" '\bdashdeploy_(docker|fly|render|aws|azure|railway|netlify|vercel)\b' 'src/registry\.rs:|targets/'
  only "no unwrap outside tests" '\.unwrap(_err)?\(\)' '$^'
  expects
  only "no unsafe" '(^|[^a-z_"])unsafe +(\{|fn|impl|trait|extern)' '$^'
  only "nothing unfinished" '\b(todo|unimplemented|dbg)!' '$^'
  only "only src/io lifts the ban on touching the machine" 'allow\(.*clippy::disallowed_methods' 'src/io/mod\.rs:|[^:]+:[0-9]+:.*cfg_attr\(test'
  only "only src/console lifts the ban on printing" 'allow\(.*clippy::print_std' 'src/console/mod\.rs:|[^:]+:[0-9]+:.*cfg_attr\(test'
  only "no dead code kept alive by an attribute" 'allow\(.*\b(dead_code|unused[a-z_]*|clippy::all|warnings|clippy::(unwrap_used|todo|unimplemented|exit|dbg_macro))\b' '[^:]+:[0-9]+:.*cfg_attr\(test'
  templates
}

# path of the file planted, its text, and a word of the rule that must see it
plant() {
  local path=$1 text=$2 rule=$3 seen
  mkdir -p "$(dirname "$root/$path")"
  printf '%b\n' "$text" >"$root/$path"
  seen=$( (check; [ "$breaches" -gt 0 ] || echo "exit 0: not counted") 2>&1)
  if grep -q 'not counted' <<<"$seen" || ! grep -F "$path" <<<"$seen" | grep -qF -- "<- $rule"; then say "NOT SEEN: $rule  (planted in $path)"; unseen=$((unseen + 1)); fi
  rm -f "$root/$path"
}

# what must pass: the same words where they are allowed
spare() {
  local path=$1 text=$2
  mkdir -p "$(dirname "$root/$path")"
  printf '%b\n' "$text" >"$root/$path"
  (check; [ "$breaches" = 0 ]) || { say "WRONGLY SEEN in $path"; unseen=$((unseen + 1)); }
  rm -f "$root/$path"
}

self_test() {
  root=$(mktemp -d)
  trap 'rm -rf "$root"' EXIT
  unseen=0
  mkdir -p "$root"/{src,targets/docker/templates,templates,tests}
  spare src/clean.rs '//! Doc.\nfn f() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn g() { None::<u8>.unwrap(); println!("x"); }\n}'
  spare src/io/fs.rs '//! Doc.\nuse std::{\n    env,\n    fs,\n};\n'
  spare src/main.rs '//! Doc.\nuse std::process::ExitCode;\n'
  spare src/console/mod.rs '//! Doc.\n#![allow(clippy::print_stdout)]\nfn f() { println!("x"); }'
  # shellcheck disable=SC2016  # Rust, not shell
  spare src/words.rs '//! Doc, of std::fs and unsafe things, never .unwrap().\nfn f() {} // todo!() std::env\n/// `minijinja`\nfn g() {}'
  spare src/why.rs '//! Doc.\nfn f() {\n    // One arm of the match above: never empty.\n    x.expect("one arm");\n}'
  plant src/long.rs "//! Doc.\n$(printf 'fn f() {}\\n%.0s' $(seq 1 401))" "at most"
  plant tests/long.rs "//! Doc.\n$(printf 'fn f() {}\\n%.0s' $(seq 1 401))" "at most"
  plant src/nodoc.rs 'fn f() {}' "a module opens"
  plant src/config/a.rs '//! Doc.\nuse minijinja::Environment;' "only src/render/engine.rs"
  plant src/deploy/a.rs '//! Doc.\nuse bollard::Docker;' "bollard lives"
  plant src/config/b.rs '//! Doc.\nlet a = std::fs::read(p);' "only src/io names"
  plant src/config/c.rs '//! Doc.\nuse std::{\n    collections::BTreeMap,\n    env,\n};' "only src/io names"
  plant targets/docker/src/d.rs '//! Doc.\nuse tokio::process::Command;' "only src/io names"
  plant src/main.rs '//! Doc.\nuse std::process::Command;' "only src/io names"
  plant src/cli/a.rs '//! Doc.\nfn f() { eprintln!("x"); }' "only src/console prints"
  plant src/deploy/b.rs '//! Doc.\nuse dashdeploy_docker::Docker;' "only src/registry.rs"
  plant src/a.rs '//! Doc.\n#[cfg(test)]\nuse x;\nfn f() { y.unwrap(); }' "no unwrap"
  plant src/b.rs '//! Doc.\n#[cfg(test)]\nmod tests {\n}\nfn f() { y.unwrap(); }' "no unwrap"
  plant src/c.rs '//! Doc.\n\n\n\nfn f() {\n    y.expect("x");\n}' "no expect"
  plant src/d.rs '//! Doc.\nfn f() { unsafe { g() } }' "no unsafe"
  plant src/e.rs '//! Doc.\nfn f() { todo!() }' "nothing unfinished"
  plant src/f.rs '//! Doc.\n#![allow(clippy::disallowed_methods)]' "only src/io lifts"
  plant src/g.rs '//! Doc.\n#[allow(clippy::print_stderr)]\nfn f() {}' "only src/console lifts"
  plant src/h.rs '//! Doc.\n#[allow(dead_code)]\nfn f() {}' "no dead code"
  plant templates/x.j2 '{%- set a = 1 %}' "a template decides"
  plant targets/docker/templates/y.j2 '{{ a | safe }}' "a template decides"
  [ "$unseen" = 0 ] || die "$unseen rules do not hold"
  say "self-test: every planted breach was seen, nothing else was"
}

if [ "${1:-}" = --self-test ]; then self_test; exit; fi
[ -z "${1:-}" ] || root=$(cd "$1" && pwd)
check
[ "$breaches" = 0 ] || die "$breaches breaches of the house rules"
say "$(sources | wc -l) source files keep the house rules"
