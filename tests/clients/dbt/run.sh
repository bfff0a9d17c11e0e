#!/usr/bin/env bash
# dbt-postgres: a project with sources on chain tables, views, a table, an incremental model, a seed, a
# snapshot and tests, built twice in a schema of its own.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
# Later releases of dbt-core need a parser that is downloaded from elsewhere when it is installed.
python_env dbt 'dbt-core<1.11' 'dbt-postgres<1.11'
export DBT_PROFILES_DIR=$PWD/project DBT_SEND_ANONYMOUS_USAGE_STATS=false DO_NOT_TRACK=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export DBT_TARGET_PATH=$work/target DBT_LOG_PATH=$work/logs
dbt() { "${python%/*}/dbt" --no-use-colors "$@" --project-dir project; }
echo "version $("${python%/*}/pip" list --disable-pip-version-check 2>/dev/null | awk '$1 == "dbt-postgres" {print $2}')"

# The result line of a run: no error, nothing skipped.
whole() { # least number of passed nodes, command
    local least=$1 output
    shift
    output=$("$@" 2>&1) || { printf '%s\n' "$output" | grep -iE 'error|fail|PASS=' | tail -n 12; return 1; }
    local done
    done=$(printf '%s\n' "$output" | grep -oE 'PASS=[0-9]+ WARN=[0-9]+ ERROR=[0-9]+ SKIP=[0-9]+' | tail -n 1)
    case $done in *"WARN=0 ERROR=0 SKIP=0") ;; *) printf '%s\n' "$output" | tail -n 5; return 1 ;; esac
    done=${done#PASS=}
    [ "${done%% *}" -ge "$least" ] || { echo "only $done"; return 1; }
}

check connect expect 'All checks passed' dbt debug
check seed whole 1 dbt seed --full-refresh
check build whole 19 dbt build --full-refresh
check 'build again' whole 19 dbt build
check 'incremental model has each block once' expect '301|301' psql -XAtc 'SELECT count(*), count(DISTINCT number) FROM dbt_test.block_log'
check 'seed has its rows' expect '3' psql -XAtc 'SELECT count(*) FROM dbt_test.token_name'
check 'downstream view follows a rebuilt one' whole 2 dbt run --select stg_blocks+ --full-refresh
check 'a failing test is found' expect 'ERROR=1' sh -c "'${python%/*}/dbt' --no-use-colors test --select assert_nothing --vars '{broken: true}' --project-dir project || true"
check docs expect 'Catalog written' dbt docs generate
check 'full names in the catalog' expect block_log cat "$DBT_TARGET_PATH/catalog.json"
psql -Xqc 'DROP SCHEMA IF EXISTS dbt_test CASCADE' 2>/dev/null || true
exit $failed
