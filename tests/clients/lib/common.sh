# Sourced by the clients' run.sh: named checks for shell scripts, and installers that do their work once.

# Debian packages, installed where a command is missing: apt_install COMMAND PACKAGE…
apt_install() {
    local command=$1
    shift
    [ -n "$(command -v "$command" || true)" ] && return
    local as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    "${as_root[@]}" apt-get update -qq
    DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@"
}

# A Python environment with these packages: python_env NAME PACKAGE…; sets $python.
python_env() {
    local folder=$CACHE/$1 wanted="${*:2}"
    if [ "$(cat "$folder/wanted" 2>/dev/null || true)" != "$wanted" ]; then
        python3 -m venv --clear "$folder"
        "$folder/bin/pip" install -q --disable-pip-version-check "${@:2}"
        echo "$wanted" >"$folder/wanted"
    fi
    python=$folder/bin/python
    export PYTHONPATH=$CLIENTS/lib
}

failed=0
# check NAME COMMAND…: passes when the command succeeds; its last lines are the error.
check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "ok $name"
    else
        failed=1
        echo "FAIL $name: $(printf '%s' "$output" | tail -n 5 | tr '\n' ' ' | cut -c1-600)"
    fi
}

# expect TEXT COMMAND…: succeeds when the command does and prints TEXT somewhere.
expect() {
    local text=$1 output
    shift
    output=$("$@" 2>&1) || { printf '%s\n' "$output"; return 1; }
    case $output in *"$text"*) ;; *) printf 'no "%s" in: %s\n' "$text" "$output"; return 1 ;; esac
}
