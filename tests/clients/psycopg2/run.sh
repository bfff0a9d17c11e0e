#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env psycopg2 psycopg2-binary
exec "$python" test.py
