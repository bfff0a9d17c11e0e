#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env sqlalchemy sqlalchemy 'psycopg[binary]' psycopg2-binary pg8000
exec "$python" test.py
