#!/usr/bin/env bash
# pgbouncer in front: TLS and SCRAM behind it, session and transaction pooling, reset between clients.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install pgbouncer pgbouncer
apt_install psql postgresql-client
apt_install pgbench postgresql-contrib
echo "version $(pgbouncer --version | sed -n 's/^PgBouncer //p')"
work=$(mktemp -d)
port=$((PLAIN_PORT + 1))
cat >"$work/pgbouncer.ini" <<INI
[databases]
$PGDATABASE = host=$PGHOST port=$PGPORT dbname=$PGDATABASE pool_size=2
transaction = host=$PGHOST port=$PGPORT dbname=$PGDATABASE pool_size=2 pool_mode=transaction
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = scram-sha-256
auth_file = $work/users.txt
pool_mode = session
server_reset_query = DISCARD ALL
server_tls_sslmode = verify-ca
server_tls_ca_file = $work/ca.pem
ignore_startup_parameters = extra_float_digits
logfile = $work/log
INI
printf '"%s" "%s"\n' "$PGUSER" "$PGPASSWORD" >"$work/users.txt"
cp "$PGSSLROOTCERT" "$work/ca.pem"
chmod 755 "$work"; chmod 644 "$work"/*; touch "$work/log"; chmod 666 "$work/log"
# It does not run as root.
as_user=()
[ "$(id -u)" != 0 ] || as_user=(-u nobody)
pgbouncer -q "${as_user[@]}" "$work/pgbouncer.ini" &
pid=$!
trap 'kill $pid; wait; rm -rf "$work"' EXIT
sleep 1
export PGPORT=$port PGSSLMODE=disable
check "a query through a pooled session" expect 301 psql -XAtc 'SELECT count(*) FROM chain.blocks'
check "settings are reset between clients" bash -c '
    for n in 1 2 3 4; do psql -XAtc "SET statement_timeout = 12345" >/dev/null; done
    for n in 1 2 3 4; do [ "$(psql -XAtc "SHOW statement_timeout")" = 0 ] || exit 1; done'
check "transaction pooling" expect 301 psql -X -At transaction -c 'BEGIN' -c 'SELECT count(*) FROM chain.blocks' -c 'COMMIT'
echo 'SELECT number FROM chain.blocks WHERE number = 5;' >"$work/lookup.sql"
chmod 644 "$work/lookup.sql"
check "20 clients over 2 connections" expect "number of failed transactions: 0" pgbench -n -c 20 -t 20 -f "$work/lookup.sql" transaction
[ $failed = 0 ] || tail -n 5 "$work/log"
exit $failed
