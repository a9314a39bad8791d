#!/usr/bin/env bash
# scripts/build.sh PRESET [TARGET...]: configures build/PRESET when needed and builds, in silence
# unless something is wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
folder=build/$preset
started=$SECONDS

# A tree that was moved or copied with its build folder starts that folder anew.
if [[ -f $folder/CMakeCache.txt ]] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$(pwd -P)" "$folder/CMakeCache.txt"; then
    rm -rf "$folder"
fi
if [[ ! -f $folder/build.ninja ]]; then
    mkdir -p "$folder"
    if ! cmake --preset "$preset" >"$folder/configure.log" 2>&1; then
        cat "$folder/configure.log" >&2
        rm -f "$folder/CMakeCache.txt"
        exit 1
    fi
fi
cmake --build "$folder" ${1:+--target "$@"} -- --quiet 2>&1 |
    { grep -vE '^(-- |ninja: no work to do)' || true; }
elapsed=$((SECONDS - started))
if [[ $elapsed -gt 1 ]]; then
    echo "build: $preset in $elapsed s"
fi
