#!/usr/bin/env bash
# Brings the pinned third-party libraries into third_party/ (which git ignores) and checks every
# file against scripts/third-party.sha256. Instant when they are there already.
#
# DuckDB 1.4.3 comes as a Go module that holds its header and static archives; the go command is
# used only to download it. Nothing is compiled.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly module=github.com/duckdb/duckdb-go-bindings/linux-amd64@v0.1.24
readonly target=third_party/duckdb
readonly list=scripts/third-party.sha256
list_hash=$(sha256sum <"$list")
readonly list_hash stamp="$target/.verified"

# The stamp is the hash of the list that the files were checked against, so a changed pin fetches
# again; sizes are not compared, because nothing but this script writes there.
if [[ -f $stamp && $(<"$stamp") == "$list_hash" ]]; then
    complete=yes
    while read -r _ name; do
        [[ -s third_party/$name ]] || complete=no
    done <"$list"
    [[ $complete == yes ]] && exit 0
fi

if [[ $(uname -s)-$(uname -m) != Linux-x86_64 ]]; then
    echo "fetch: DuckDB is pinned for Linux on x86_64 only; this is $(uname -s) on $(uname -m)" >&2
    exit 1
fi
if ! command -v go >/dev/null; then
    echo "fetch: the go command is needed to download DuckDB; run scripts/setup.sh first" >&2
    exit 1
fi

echo "fetch: DuckDB 1.4.3 (118 MB)"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# An empty folder as working directory: go.mod files above it must not take part. The files are
# checked against our own list below, which does not depend on a checksum service being reachable.
if ! (cd "$scratch" && GO111MODULE=on GOFLAGS=-mod=mod GOTOOLCHAIN=local GONOSUMDB="$module" \
    go mod download -json "$module" >module.json 2>error.txt); then
    cat "$scratch/error.txt" "$scratch/module.json" >&2
    echo "fetch: could not download $module; check the network and GOPROXY" >&2
    exit 1
fi
folder=$(sed -n 's/^[[:space:]]*"Dir": "\(.*\)",\{0,1\}$/\1/p' "$scratch/module.json")
if [[ -z $folder || ! -d $folder ]]; then
    echo "fetch: the go command did not say where it put $module" >&2
    exit 1
fi

mkdir -p third_party
staging=$(mktemp -d third_party/.staging.XXXXXX)
trap 'rm -rf "$scratch" "$staging"' EXIT
mkdir "$staging/duckdb"
while read -r _ name; do
    cp "$folder/${name#duckdb/}" "$staging/$name"
done <"$list"
chmod -R u+w "$staging"
if ! (cd "$staging" && sha256sum --check --strict --quiet) <"$list"; then
    echo "fetch: a file differs from scripts/third-party.sha256; nothing was installed" >&2
    exit 1
fi
echo "$list_hash" >"$staging/duckdb/.verified"
rm -rf "$target"
mv "$staging/duckdb" "$target"
