#!/usr/bin/env bash
# pgcli: its own statements for completion, its backslash commands (pgspecial), and queries.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env pgcli pgcli 'psycopg[binary]'
export PGCLI=${python%/*}/pgcli XDG_CONFIG_HOME=$CACHE/pgcli-config
exec "$python" test.py
