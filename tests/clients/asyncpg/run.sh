#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env asyncpg asyncpg
exec "$python" test.py
