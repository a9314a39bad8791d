#!/usr/bin/env bash
# Runs the tests in build/coverage and prints how many lines they executed; --files lists every file.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/build.sh coverage
find build/coverage -name '*.gcda' -delete
log=build/coverage/ctest.log
if ! ctest --test-dir build/coverage --output-on-failure --no-tests=error -j "$(nproc)" >"$log" 2>&1; then
    cat "$log" >&2
    echo "coverage: a test FAILED" >&2
    exit 1
fi
scripts/coverage.py build/coverage "$@"
