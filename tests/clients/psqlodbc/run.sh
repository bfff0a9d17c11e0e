#!/usr/bin/env bash
# psqlODBC with isql: catalog functions, queries, with and without server-side cursors.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install isql unixodbc odbc-postgresql
echo "version $(dpkg-query -W -f '${Version}' odbc-postgresql)"
driver=$(find /usr/lib -name psqlodbcw.so | head -n 1)
# The driver reads the certificate from where libpq looks by default.
export PGSSLROOTCERT
ask() { # extra settings, statements on standard input
    isql -v -b -k "Driver=$driver;Server=$PGHOST;Port=$PGPORT;Database=$PGDATABASE;UID=$PGUSER;PWD=$PGPASSWORD;SSLmode=require;$1"
}
statement() { printf '%s\n' "$2" | ask "$1"; }
export -f ask statement
for settings in "UseDeclareFetch=0" "UseDeclareFetch=1;Fetch=50" "UseServerSidePrepare=1" "UseServerSidePrepare=0;Protocol=7.4-2"; do
    check "count ($settings)" expect 14684 statement "$settings" 'SELECT count(*) FROM chain.transactions'
    check "rows ($settings)" expect "SQLRowCount returns" statement "$settings" 'SELECT number, hash, base_fee_per_gas, timestamp FROM chain.blocks ORDER BY number'
done
check "tables" expect transactions statement "" "help"
# The driver looks for a table without a schema in current_schema() alone, which is the client's own one at first.
check "columns" expect block_timestamp statement "ConnSettings=SET search_path TO chain" "help transactions"
check "an error" expect "nope" bash -c 'printf "SELECT nope FROM chain.blocks\n" | ask "" || true'
exit $failed
