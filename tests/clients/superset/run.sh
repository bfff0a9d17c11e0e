#!/usr/bin/env bash
# Apache Superset without a browser: its own application and REST API, with its metadata in a SQLite file.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env superset apache-superset==6.1.0 psycopg2-binary rich cachetools flask-caching==2.3.1 cachelib==0.13.0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SUPERSET_HOME=$work SUPERSET_CONFIG_PATH=$work/superset_config.py FLASK_APP=superset
cat >"$SUPERSET_CONFIG_PATH" <<PYTHON
SECRET_KEY = "$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')"
SQLALCHEMY_DATABASE_URI = "sqlite:///$work/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
CACHE_CONFIG = DATA_CACHE_CONFIG = FILTER_STATE_CACHE_CONFIG = EXPLORE_FORM_DATA_CACHE_CONFIG = {"CACHE_TYPE": "SimpleCache"}
PYTHON
bin=$(dirname "$python")
"$bin/superset" db upgrade >"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
"$bin/superset" fab create-admin --username admin --firstname A --lastname B --email a@example.org --password admin >>"$work/log" 2>&1
"$bin/superset" init >>"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
"$python" test.py
