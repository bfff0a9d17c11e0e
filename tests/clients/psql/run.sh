#!/usr/bin/env bash
# psql: every backslash command that asks the server, variables, \gdesc, \bind, \copy, \watch, a script that fails.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install psql postgresql-client
echo "version $(psql --version | sed 's/psql (PostgreSQL) //')"

run() { psql -X -v ON_ERROR_STOP=1 "$@"; }
# A command must neither fail nor print an error.
quiet() {
    local output
    output=$(run "$@" 2>&1) || { printf '%s\n' "$output"; return 1; }
    case $output in *ERROR:* | *FATAL:*) printf '%s\n' "$output"; return 1 ;; esac
}

check "channel binding" expect "SSL connection" env PGCHANNELBINDING=require psql -X -c '\conninfo'
for command in '\d' '\d+' '\d chain.*' '\d+ chain.*' '\dt *.*' '\dv *.*' '\di *.*' '\ds *.*' '\dm' '\dE' '\da' '\dA' '\dA+' \
    '\dAc' '\dAf' '\dAo' '\dAp' '\db' '\db+' '\dc' '\dC' '\dconfig' '\dconfig+' '\dd' '\dD' '\ddp' '\des' '\det' '\deu' '\dew' '\df' \
    '\df+ array_*' '\dF' '\dF+' '\dFd' '\dFp' '\dFt' '\dg' '\dg+' '\dl' '\dL' '\dn' '\dn+' '\do' '\dO' '\dp' '\dp chain.*' '\dP' '\drds' \
    '\dRp' '\dRs' '\dT' '\dT+ *' '\du' '\du+' '\dx' '\dx+' '\dX' '\dy' '\l' '\l+' '\z' '\sv information_schema.tables' \
    '\encoding' '\conninfo'; do
    check "$command" quiet -c "$command"
done
check "count of a table" expect "14684" run -Atc 'SELECT count(*) FROM chain.transactions'
check "describes a statement" expect "bytea" run <<<'SELECT hash, number FROM chain.blocks \gdesc'
check "several statements" expect "2" run -Atc 'SELECT 1; SELECT 2'
check "fetches in steps" expect "300" run -v FETCH_COUNT=50 -Atc 'SELECT number FROM chain.blocks ORDER BY 1'
check "copies out" bash -c "[ \$(psql -X -c '\\copy (SELECT number FROM chain.blocks) TO STDOUT' | wc -l) = 301 ]"
check "copies in" expect "2" run -At <<'SQL'
CREATE TEMP TABLE t (a int, b text);
COPY t FROM STDIN;
1	x
2	y
\.
SELECT count(*) FROM t;
SQL
check "variables and gset" expect "301" run -At <<'SQL'
SELECT count(*) AS blocks FROM chain.blocks \gset
SELECT :blocks;
SQL
check "crosstab" expect "true" run <<'SQL'
SELECT 'a' AS r, 'true' AS c, 1 AS v \crosstabview r c v
SQL
check "explain" expect "Scan" run -c 'EXPLAIN SELECT * FROM chain.blocks WHERE number = 1'
check "an error names its place" bash -c "psql -X -c 'SELECT nope FROM chain.blocks' 2>&1 | grep -q 'LINE 1: SELECT nope'"
check "a failed transaction rolls back" expect "ROLLBACK" psql -X <<'SQL'
BEGIN;
SELECT 1/0;
COMMIT;
SQL
exit $failed
