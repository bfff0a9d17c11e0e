#!/usr/bin/env bash
# tokio-postgres: the workspace's own client and wire tests, which run on every `make test` too.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
root=$(cd "$CLIENTS/../.." && pwd)
echo "version $(awk '$0=="name = \"tokio-postgres\""{getline; gsub(/[^0-9.]/,"",$3); print $3}' "$root/Cargo.lock")"
eval "$("$root/scripts/setup.sh")"
for target in clients wire; do
    check "cargo test --test $target" cargo test --manifest-path "$root/Cargo.toml" --workspace --locked --test "$target"
done
exit $failed
