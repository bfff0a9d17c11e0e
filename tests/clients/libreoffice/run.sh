#!/usr/bin/env bash
# LibreOffice Base: its PostgreSQL driver, used through UNO by a script, without a window.
set -euo pipefail
. "$CLIENTS/lib/common.sh"
apt_install soffice libreoffice-base libreoffice-sdbc-postgresql python3-uno
work=$(mktemp -d)
office=
stop() {
    # The launcher's child is the office itself: it is asked to end through UNO by the script.
    [ -z "$office" ] || kill "$office" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT
pipe=ergosql-$$
soffice --headless --invisible --norestore --nologo "-env:UserInstallation=file://$work/profile" \
    "--accept=pipe,name=$pipe;urp;" >"$work/log" 2>&1 &
office=$!
PYTHONPATH=$CLIENTS/lib PIPE=$pipe WORK=$work /usr/bin/python3 test.py
