#!/usr/bin/env bash
# Installs what a fresh Debian machine with Rust lacks, and prepares RocksDB. Safe to run again: what is
# there is left alone. Prints the environment that cargo needs, for `eval "$(scripts/setup.sh)"`.
#
#   CARGO_TARGET_DIR   build outputs, outside the clone, so that another clone builds fast
#   ROCKSDB_LIB_DIR    folder of the prebuilt librocksdb.a (scripts/rocksdb.sh)
#
# usage: eval "$(scripts/setup.sh)"; cargo build
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cache=${ERGOSQL_CACHE:-$HOME/.cache/ergosql}

say() { printf '%s\n' "$*" >&2; }

if ! command -v cargo >/dev/null; then
    say "setup: Rust is missing. Install Rust 1.95 or newer with rustup, then run this again."
    exit 1
fi

# libclang: the RocksDB bindings are generated at build time. psql: the tests and the demo use it.
missing=()
command -v c++ >/dev/null || missing+=(g++)
command -v clang >/dev/null && compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null || missing+=(clang libclang-dev)
command -v psql >/dev/null || missing+=(postgresql-client)
command -v make >/dev/null || missing+=(make)
# The server itself, with pgbench: only where the caller measures beside it.
if [ -n "${ERGOSQL_WITH_POSTGRES:-}" ] && [ ! -x /usr/lib/postgresql/15/bin/postgres ]; then
    missing+=(postgresql-15)
fi
if [ ${#missing[@]} -gt 0 ]; then
    say "setup: installing ${missing[*]}"
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
fi

lib=$(ERGOSQL_CACHE="$cache" "$root/scripts/rocksdb.sh")
printf 'export CARGO_TARGET_DIR=%q\n' "${CARGO_TARGET_DIR:-$cache/target}"
printf 'export ROCKSDB_LIB_DIR=%q\nexport ROCKSDB_STATIC=1\n' "$lib"
