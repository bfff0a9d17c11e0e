#!/usr/bin/env bash
# Runs every fuzz target and prints what each did last. usage: fuzz/all.sh SECONDS [TARGET…]
# Exit code 1 if a target found a crash, a hang or too much memory; the input is in fuzz/corpus/TARGET.
set -euo pipefail
seconds=${1:?usage: fuzz/all.sh SECONDS [TARGET…]}
shift
here=$(cd "$(dirname "$0")" && pwd)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=($(cd "$here/targets" && basename -s .rs -- *.rs))
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
table=() failed=0
for target in "${targets[@]}"; do
    echo "== $target"
    result=passed
    "$here/run.sh" "$target" "$seconds" >"$logs/$target" 2>&1 || { result=FAILED failed=$((failed + 1)); tail -n 40 "$logs/$target"; }
    stat() { sed -n "s/^stat::$1: *//p" "$logs/$target"; }
    coverage=$(grep -o 'cov: [0-9]*' "$logs/$target" | tail -n 1 || true)
    table+=("$(printf '%-12s %12s inputs %8s a second  %-10s %5s MiB  %s' "$target" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "$coverage" "$(stat peak_rss_mb)" "$result")")
done
echo
printf '%s\n' "${table[@]}"
echo
echo "$((${#targets[@]} - failed)) passed, $failed failed"
[ "$failed" = 0 ]
