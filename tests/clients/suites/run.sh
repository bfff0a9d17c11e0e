#!/usr/bin/env bash
# The drivers' own published test suites, run whole against the server without TLS: each is fetched from the
# registry as its source package, never copied here. A suite is fine when it fails only in the tests that
# expected/SUITE.txt lists (why each is there: docs/clients.md); a listed test that passes is told, too.
#
#   SUITES="psycopg2 asyncpg" tests/clients/run.sh suites     chooses; all take half an hour
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install pg_config libpq-dev
apt_install gcc gcc
python_env suites psycopg2-binary==2.9.13 asyncpg==0.32.0 pg8000==1.31.6 sqlalchemy==2.1.9 pytest pytest-timeout pytz distro setuptools
echo "version psycopg2 2.9.13, asyncpg 0.32.0, pg8000 1.31.6, SQLAlchemy 2.1.9"
export PGPORT=$PLAIN_PORT PGSSLMODE=disable PSYCOPG2_TESTDB=$PGDATABASE
sources=$CACHE/suites-src
mkdir -p "$sources"

# The unpacked source package NAME VERSION; sets $source. Its own package folder would hide the installed one.
unpack() {
    source=$sources/$1-$2
    [ ! -f "$source/ready" ] || return 0
    "$python" -m pip download -q --disable-pip-version-check --no-deps --no-binary "$1" -d "$sources" "$1==$2"
    tar xzf "$sources/$1-$2.tar.gz" -C "$sources"
    rm -rf "$source/asyncpg"
    # Their databases are called after their authors' servers.
    [ "$1" != asyncpg ] || sed -i "s/database='postgres'/database=__import__('os').environ['PGDATABASE']/" "$source"/tests/test_*.py
    [ "$1" != pg8000 ] || sed -i 's/"user": "postgres", "password": "pw"/"user": environ["PGUSER"], "password": "pw", "database": environ["PGDATABASE"]/' "$source"/test/*/conftest.py
    # Extensions that few servers have.
    [ "$1" != sqlalchemy ] || sed -i 's/^    ("citext", (13,)),//; s/^    ("hstore", (13,)),//' "$source/lib/sqlalchemy/dialects/postgresql/provision.py"
    touch "$source/ready"
}

# suite NAME FOLDER-ARGUMENTS…
suite() {
    local name=$1 results
    shift
    results=$(mktemp)
    (cd "$source" && timeout 1800 "$python" -m pytest -q -p no:cacheprovider --timeout=60 --junitxml="$results" "$@") >"$CACHE/logs/suite-$name.log" 2>&1 || true
    "$python" "$CLIENTS/suites/compare.py" "$name" "$results" "$CLIENTS/suites/expected/$name.txt" || failed=1
    rm -f "$results"
}

for name in ${SUITES:-psycopg2 pg8000 asyncpg sqlalchemy-psycopg2}; do
    case $name in
        psycopg2) unpack psycopg2 2.9.13; suite "$name" tests ;;
        pg8000) unpack pg8000 1.31.6; suite "$name" test --ignore test/test_readme.py ;;
        asyncpg) unpack asyncpg 0.32.0; suite "$name" tests --deselect tests/test__sourcecode.py ;;
        sqlalchemy-*)
            unpack sqlalchemy 2.1.9
            psql -qc 'CREATE SCHEMA IF NOT EXISTS test_schema'
            suite "$name" test/dialect/test_suite.py test/dialect/postgresql -p no:logging --maxfail=100000 \
                --dburi "postgresql+${name#sqlalchemy-}://$PGUSER@$PGHOST:$PGPORT/$PGDATABASE"
            ;;
    esac
done
exit $failed
