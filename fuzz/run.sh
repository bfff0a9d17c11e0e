#!/usr/bin/env bash
# Runs one fuzz target under libFuzzer on the stable toolchain: coverage comes from LLVM's own pass, so
# neither cargo-fuzz nor nightly is needed (they would add the address sanitizer; our crates deny unsafe).
# fuzz/coverage-rustc.sh says which crates are instrumented.
#
# usage: fuzz/run.sh TARGET [SECONDS]      corpus and findings go to fuzz/corpus/TARGET, which git ignores
set -euo pipefail
target=${1:?usage: fuzz/run.sh TARGET [SECONDS]}
seconds=${2:-60}
here=$(cd "$(dirname "$0")" && pwd)
case $target in frames | startup | sign_in | parameter | copy_data | literal | sql) features=gateway ;; *) features= ;; esac
# A target folder of its own: its crates are compiled with other flags than the product's.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$here/target}/fuzz RUSTC_WRAPPER=$here/coverage-rustc.sh
cargo build --manifest-path "$here/Cargo.toml" --locked --features "$features" --bin "$target"
mkdir -p "$here/corpus/$target"
cd "$here/corpus/$target"
# A statement nests at most as deep as our own limits allow: the stack is what queries get.
exec "$CARGO_TARGET_DIR/debug/$target" . -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=20 -print_final_stats=1
