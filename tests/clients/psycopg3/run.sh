#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env psycopg3 'psycopg[binary]'
exec "$python" test.py
