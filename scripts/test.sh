#!/usr/bin/env bash
# make test. Four builds of the same sources:
#     release   what is shipped                  all tests, at the end
#     clang     the binary only                  the tests compare model hashes with it
#     asan      ASan, UBSan, leaks; by clang     all tests, then the fuzz targets
#     coverage  by gcc                           all tests, for the table of executed lines
# Stops at the first step that fails and shows its output.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=$(nproc)

quietly() # quietly WHAT PRESET: runs ctest and shows only its last lines when all is well
{
    local log=build/$2/ctest.log
    if ! ctest --test-dir "build/$2" --output-on-failure --no-tests=error -j "$jobs" >"$log" 2>&1; then
        cat "$log" >&2
        echo "test: $1 FAILED" >&2
        exit 1
    fi
    echo "test: $1: $(sed -n 's/^100% tests passed, //p' "$log")$(sed -n 's/^Total Test time (real) =/, /p' "$log")"
}

scripts/build.sh release
scripts/build.sh clang quern
scripts/build.sh asan
quietly "address and undefined-behaviour sanitizers" asan
scripts/fuzz.sh
scripts/coverage.sh
ctest --test-dir build/release --output-on-failure --no-tests=error -j "$jobs"
