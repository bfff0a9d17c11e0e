#!/usr/bin/env bash
# Runs the tested-client matrix: every client against the real binary, over TLS with SCRAM sign-in.
#
#   tests/clients/run.sh [CLIENT…]      all clients without arguments; `suites`, which takes half an hour, only by name
#
# Each client is a folder with a run.sh that installs what it needs (from the public registries, into
# $CACHE), and prints `version TEXT`, then `ok CHECK` or `FAIL CHECK: error` for each check. The table of
# client, version and result is printed last; outputs stay in $CACHE/logs. Exit code 1 if a check failed.
#
# What a client's run.sh is given: libpq's variables (PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE,
# PGSSLMODE, PGSSLROOTCERT), CACHE, CLIENTS (this folder), and PLAIN_PORT: the same data without TLS and
# without a password, for clients that have neither.
set -euo pipefail
CLIENTS=$(cd "$(dirname "$0")" && pwd)
ROOT=$(cd "$CLIENTS/../.." && pwd)
export CLIENTS CACHE=${ERGOSQL_CACHE:-$HOME/.cache/ergosql}/clients
mkdir -p "$CACHE/logs"

all=(psql psycopg3 psycopg2 asyncpg pg8000 sqlalchemy node-pg pgjdbc tokio-postgres pgx psqlodbc pgcli pgbouncer postgres_fdw pg_dump pgbench dbt superset libreoffice)
chosen=("$@")
[ ${#chosen[@]} -gt 0 ] || chosen=("${all[@]}")

binary=${ERGOSQL_BINARY:-}
if [ -z "$binary" ]; then
    eval "$("$ROOT/scripts/setup.sh")"
    cargo build --manifest-path "$ROOT/Cargo.toml" --workspace --locked --bin ergosql
    binary=$CARGO_TARGET_DIR/debug/ergosql
fi

work=$(mktemp -d)
servers=()
stop() {
    for pid in "${servers[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap stop EXIT

# Two servers, since a data directory belongs to one process: the same chain, with and without TLS.
serve() { # name, port, lines of the configuration
    local folder=$work/$1
    mkdir -p "$folder"
    cp "$ROOT/tests/fixtures/tls/cert.pem" "$ROOT/tests/fixtures/tls/key.pem" "$folder"
    chmod 600 "$folder/key.pem"
    printf 'data = "%s/data"\n[gateway]\nlisten = "127.0.0.1:%s"\n%s\n' "$folder" "$2" "$3" >"$folder/ergosql.toml"
    "$binary" import --config "$folder/ergosql.toml" --network demo "$ROOT/cli/demo/chain.ndjson.gz" >"$folder/import.log" 2>&1
    "$binary" serve --config "$folder/ergosql.toml" >"$CACHE/logs/server-$1.log" 2>&1 &
    servers+=($!)
}
PGPASSWORD=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
export PGHOST=127.0.0.1 PGPORT=${ERGOSQL_TEST_PORT:-5643} PGUSER=tester PGPASSWORD PGDATABASE=demo
export PGSSLMODE=verify-full PGSSLROOTCERT=$ROOT/tests/fixtures/tls/cert.pem PGCONNECT_TIMEOUT=10
export PLAIN_PORT=$((PGPORT + 1))
serve tls "$PGPORT" "[gateway.tls]
certificate = \"cert.pem\"
key = \"key.pem\"
$("$binary" role password "$PGUSER" <<<"$PGPASSWORD")
create = true"
serve plain "$PLAIN_PORT" "auth = \"trust\"
$("$binary" role password "$PGUSER" <<<"$PGPASSWORD")
create = true"
for port in "$PGPORT" "$PLAIN_PORT"; do
    for attempt in $(seq 100); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
        [ "$attempt" -lt 100 ] || { echo "the server did not start: see $CACHE/logs" >&2; exit 1; }
        sleep 0.1
    done
done

table=() passed=0 failed=0
for client in "${chosen[@]}"; do
    log=$CACHE/logs/$client.log
    echo "== $client"
    status=0
    (cd "$CLIENTS/$client" && timeout "${CLIENT_TIMEOUT:-3600}" ./run.sh) >"$log" 2>&1 || status=$?
    grep -E '^(ok|FAIL) ' "$log" || tail -n 5 "$log"
    version=$(sed -n 's/^version //p' "$log" | head -n 1)
    good=$(grep -c '^ok ' "$log" || true)
    bad=$(grep -c '^FAIL ' "$log" || true)
    # A client that ended early is a failure even if every check before it was fine.
    result=passed
    [ "$status" = 0 ] && [ "$bad" = 0 ] && [ "$good" -gt 0 ] || result=FAILED
    passed=$((passed + good)) failed=$((failed + bad))
    [ "$result" = passed ] || [ "$bad" -gt 0 ] || failed=$((failed + 1))
    table+=("$(printf '%-15s %-48s %3d ok %3d failed  %s' "$client" "${version:-not installed}" "$good" "$bad" "$result")")
done
echo
printf '%s\n' "${table[@]}"
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
