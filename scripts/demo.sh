#!/usr/bin/env bash
# make run: a tour of the command line on sample data.
set -euo pipefail
cd "$(dirname "$0")/.."

echo '$ build/release/quern --help'
exec build/release/quern --help
