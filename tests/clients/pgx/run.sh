#!/usr/bin/env bash
set -euo pipefail
. "$CLIENTS/lib/common.sh"
command -v go >/dev/null || export PATH=$PATH:/usr/local/go/bin
apt_install go golang-go
folder=$CACHE/pgx
mkdir -p "$folder"
cp main.go "$folder/main.go"
cd "$folder"
[ -f go.mod ] || { go mod init pgxtest && go get github.com/jackc/pgx/v5@v5.7.2; }
go mod tidy >/dev/null 2>&1
echo "version $(go list -m -f '{{.Version}}' github.com/jackc/pgx/v5)"
exec go run .
