#!/usr/bin/env bash
# postgres_fdw from a real PostgreSQL: IMPORT FOREIGN SCHEMA, pushed-down filters, aggregates and joins.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install pg_ctlcluster postgresql postgresql-contrib
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
echo "version PostgreSQL $("$bin/postgres" --version | sed 's/.* \([0-9.]*\).*/\1/')"
work=$(mktemp -d)
port=$((PLAIN_PORT + 2))
cp "$PGSSLROOTCERT" "$work/ca.pem"
chmod 777 "$work"; chmod 644 "$work/ca.pem"
as() { if [ "$(id -u)" = 0 ]; then su postgres -s /bin/bash -c "$1"; else bash -c "$1"; fi; }
as "$bin/initdb -D $work/data -A trust -U postgres >/dev/null && $bin/pg_ctl -D $work/data -w -o '-p $port -k $work -c listen_addresses=127.0.0.1' -l $work/log start >/dev/null"
trap 'as "$bin/pg_ctl -D $work/data -m immediate stop >/dev/null"; rm -rf "$work"' EXIT
gateway="host '$PGHOST', port '$PGPORT', dbname '$PGDATABASE', sslmode 'verify-full', sslrootcert '$work/ca.pem', fetch_size '100'"
login="user '$PGUSER', password '$PGPASSWORD'"
unset PGPASSWORD PGSSLMODE PGSSLROOTCERT
local_psql() { psql -XAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$port" -U postgres postgres "$@"; }
check "foreign server" local_psql -c 'CREATE EXTENSION postgres_fdw' \
    -c "CREATE SERVER ergo FOREIGN DATA WRAPPER postgres_fdw OPTIONS ($gateway)" \
    -c "CREATE USER MAPPING FOR postgres SERVER ergo OPTIONS ($login)" -c 'CREATE SCHEMA chain'
check "import foreign schema" local_psql -c 'IMPORT FOREIGN SCHEMA chain FROM SERVER ergo INTO chain'
check "six tables with their columns" expect 6 local_psql -c "SELECT count(*) FROM pg_class WHERE relkind = 'f'"
check "rows in steps of the fetch size" expect "301|300" local_psql -c 'SELECT count(DISTINCT hash), max(number) FROM (SELECT hash, number FROM chain.blocks OFFSET 0) b'
check "a filter is pushed down" expect 'WHERE ((number = 7))' local_psql -c 'EXPLAIN VERBOSE SELECT hash FROM chain.blocks WHERE number = 7'
check "a row by its number" expect 7 local_psql -c 'SELECT number FROM chain.blocks WHERE number = 7'
check "an aggregate is pushed down" expect 'SELECT count(*), max(number) FROM chain.blocks' local_psql -c 'EXPLAIN VERBOSE SELECT count(*), max(number) FROM chain.blocks'
check "an aggregate" expect 14684 local_psql -c 'SELECT count(*) FROM chain.transactions'
check "a group" expect '|' local_psql -c 'SELECT block_number, count(*) FROM chain.logs GROUP BY block_number ORDER BY 2 DESC, 1 LIMIT 3'
check "a join" expect 14684 local_psql -c 'SELECT count(*) FROM chain.transactions t JOIN chain.blocks b ON b.number = t.block_number'
check "a parameter" expect 3 local_psql -c 'PREPARE q(int8) AS SELECT count(*) FROM chain.blocks WHERE number < $1' -c 'EXECUTE q(3)'
check "every table whole" local_psql -c "DO \$\$ DECLARE t text; BEGIN FOR t IN SELECT oid::regclass FROM pg_class WHERE relkind = 'f' LOOP EXECUTE 'CREATE TABLE copy_of_' || replace(t, '.', '_') || ' AS SELECT * FROM ' || t; END LOOP; END \$\$"
check "writing is refused" expect "cannot" bash -c "! psql -X -h 127.0.0.1 -p $port -U postgres postgres -c 'DELETE FROM chain.blocks' 2>&1 | sed 's/read-only/cannot/; s/not /cannot /' ; exit 0"
exit $failed
