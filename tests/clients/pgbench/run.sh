#!/usr/bin/env bash
# pgbench: key lookups in each protocol mode, and its own tables in a session are not used (-n).
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install pgbench postgresql-contrib
echo "version $(pgbench --version | sed 's/pgbench (PostgreSQL) //')"
script=$(mktemp)
trap 'rm -f "$script"' EXIT
hash=$(psql -XAtc 'SELECT encode(hash, $$hex$$) FROM chain.transactions LIMIT 1')
printf '\\set n random(0, 300)\nSELECT number, hash FROM chain.blocks WHERE number = :n;\nSELECT block_number FROM chain.transactions WHERE hash = %s;\n' \
    "'\\\\x$hash'::bytea" | sed "s/'\\\\\\\\x/'\\\\x/" >"$script"
for mode in simple extended prepared; do
    check "$mode, 1 client" expect "number of failed transactions: 0 (0.000%)" pgbench -n -M "$mode" -c 1 -t 100 -f "$script"
    check "$mode, 8 clients" expect "number of failed transactions: 0 (0.000%)" pgbench -n -M "$mode" -c 8 -j 2 -t 50 -f "$script"
done
check "a pipeline" expect "number of failed transactions: 0 (0.000%)" bash -c "
    printf '\\\\startpipeline\nSELECT 1;\nSELECT 2;\n\\\\endpipeline\n' >$script && pgbench -n -M extended -t 20 -f $script"
exit $failed
