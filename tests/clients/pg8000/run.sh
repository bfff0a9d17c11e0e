#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
python_env pg8000 pg8000
exec "$python" test.py
