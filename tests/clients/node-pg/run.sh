#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install npm nodejs npm
export CLIENT_MODULES=$CACHE/node
if [ ! -d "$CLIENT_MODULES/node_modules/postgres" ]; then
    mkdir -p "$CLIENT_MODULES"
    (cd "$CLIENT_MODULES" && npm init -y >/dev/null && npm install --silent pg pg-cursor postgres)
fi
exec node test.mjs
