#!/usr/bin/env bash
# Builds RocksDB's static library once and prints the folder that holds it.
#
# RocksDB's C++ is the longest part of a cold build, and cargo rebuilds it whenever a feature of one
# of its build-dependencies changes. So it is built from a tiny crate of its own into a cache keyed by
# version, features and compiler; the workspace links the archive through ROCKSDB_LIB_DIR.
# clang at -O2 without debug information takes half of the time that gcc takes at cargo's defaults.
#
# usage: ROCKSDB_LIB_DIR=$(scripts/rocksdb.sh) ROCKSDB_STATIC=1 cargo build
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${ERGOSQL_CACHE:-$HOME/.cache/ergosql}

crate_version() { awk -v n="$1" '$0=="name = \""n"\""{getline; gsub(/[^0-9.]/,"",$3); print $3}' "$root/Cargo.lock"; }
rocksdb=$(crate_version rocksdb)
sys=$(awk '$0=="name = \"librocksdb-sys\""{getline; split($0,a,"\""); print a[2]}' "$root/Cargo.lock")
features=$(sed -n 's/^rocksdb = .*\(features = \[.*\]\).*/\1/p' "$root/Cargo.toml")
[ -n "$rocksdb" ] && [ -n "$sys" ] && [ -n "$features" ] || { echo "rocksdb.sh: Cargo.lock does not name rocksdb" >&2; exit 1; }
key=$(printf '%s\n' "$sys" "$features" "$(clang++ --version | head -n 1)" "clang -O2 no-debug" "$(uname -m)" | sha256sum | cut -c1-16)
out="$cache/rocksdb-$key"

if [ ! -f "$out/librocksdb.a" ]; then
    echo "building RocksDB ($sys) once into $out; about 10 minutes on 2 cores" >&2
    work="$cache/rocksdb-build-$key"
    mkdir -p "$work/src" "$out"
    # A failed or interrupted build leaves no library behind: the copy below is the last step.
    cat >"$work/Cargo.toml" <<TOML
[package]
name = "rocksdb-prebuild"
version = "0.0.0"
edition = "2024"
[workspace]
[dependencies]
rocksdb = { version = "=$rocksdb", default-features = false, $features }
# With debug information the library has 1.5 GB instead of 45 MB.
[profile.dev]
debug = false
[profile.dev.package.librocksdb-sys]
opt-level = 2
TOML
    : >"$work/src/lib.rs"
    cp "$root/Cargo.lock" "$work/Cargo.lock"
    (cd "$work" && env -u ROCKSDB_LIB_DIR -u ROCKSDB_STATIC CC=clang CXX=clang++ CARGO_TARGET_DIR="$work/target" cargo build >&2)
    built=$(find "$work/target/debug/build" -name librocksdb.a | head -n 1)
    cp "$built" "$out/librocksdb.a.part"
    mv "$out/librocksdb.a.part" "$out/librocksdb.a"
    rm -rf "$work"
fi
echo "$out"
