#!/usr/bin/env bash
# Runs one fuzz target under libFuzzer on the stable toolchain: coverage comes from LLVM's own pass, so
# neither cargo-fuzz nor nightly is needed (they would add the address sanitizer; our crates deny unsafe).
#
# usage: fuzz/run.sh TARGET [SECONDS]      corpus and findings go to fuzz/corpus/TARGET, which git ignores
set -euo pipefail
target=${1:?usage: fuzz/run.sh TARGET [SECONDS]}
seconds=${2:-60}
here=$(cd "$(dirname "$0")" && pwd)
case $target in frames | startup | parameter | sql) features=gateway ;; *) features= ;; esac
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Coverflow-checks"
# A target folder of its own (the flags differ from the product's), and a target triple, so that build
# scripts are not instrumented.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}/fuzz
triple=$(rustc -vV | sed -n 's/^host: //p')
cargo build --manifest-path "$here/Cargo.toml" --release --locked --target "$triple" \
    --features "$features" --bin "$target"
mkdir -p "$here/corpus/$target"
cd "$here/corpus/$target"
exec "$CARGO_TARGET_DIR/$triple/release/$target" . -max_total_time="$seconds" -rss_limit_mb=2048
