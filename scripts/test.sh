#!/usr/bin/env bash
# Everything that must hold before a change lands, with the time that each part took.
# One package selection for all cargo calls, so that features resolve alike and nothing is built twice.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=()
part() {
    local name=$1 started=$SECONDS
    shift
    echo "== $name"
    "$@"
    parts+=("$(printf '%5d s  %s' $((SECONDS - started)) "$name")")
}

setup() { eval "$(scripts/setup.sh)"; }

part "set-up" setup
part "format" cargo fmt --all --check
part "lint" cargo clippy --workspace --all-targets --locked -- -D warnings
part "build tests" cargo test --workspace --locked --no-run
part "tests" cargo test --workspace --locked
RUSTDOCFLAGS=-Dwarnings part "docs" cargo doc --workspace --no-deps --locked

echo "== time"
printf '%s\n' "${parts[@]}"
