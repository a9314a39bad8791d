#!/usr/bin/env bash
# Quern beside scikit-learn, polars and DuckDB on the same data, interleaved, two threads on the same
# two processors. Writes build/bench-results.jsonl and docs/benchmarks.md.
#     bench/run.sh                      every task below
#     bench/run.sh kmeans linear-1m     only these
# QN_BENCH_REPEAT (3) runs each peer so often; QN_BENCH_DATA holds the data (build/bench-data, 4 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
repeat=${QN_BENCH_REPEAT:-3}
data=${QN_BENCH_DATA:-build/bench-data}
results=build/bench-results.jsonl

declare -A peers=(
    [gbdt-100k]=sklearn [forest-100k]=sklearn [tree-1m]=sklearn
    [logistic-1m]=sklearn-lbfgs,sklearn-newton [linear-1m]=sklearn,sklearn-ridge
    [kmeans]=sklearn-lloyd [profile-1m]=polars,duckdb [csv-read]=polars,duckdb
)
declare -A tables=(
    [gbdt-100k]=higgs-100k [forest-100k]=higgs-100k [tree-1m]=higgs-1m [logistic-1m]=higgs-1m
    [linear-1m]=higgs-1m [kmeans]=kmeans [profile-1m]=profile-1m [csv-read]=csv-mixed
)
order=(csv-read profile-1m kmeans linear-1m logistic-1m gbdt-100k forest-100k tree-1m)
tasks=("${@:-${order[@]}}")

python=$(command -v python3.13 || command -v python3.12 || command -v python3)
if [ ! -x build/peers/bin/python ]; then
    echo "bench: installing the peers into build/peers"
    "$python" -m venv build/peers
    build/peers/bin/pip install --quiet --requirement bench/requirements.txt
fi
for task in "${tasks[@]}"; do
    [ -n "${peers[$task]:-}" ] || { echo "bench: no task $task; there are: ${order[*]}" >&2; exit 2; }
    table=${tables[$task]}
    [ -e "$data/$table.parquet" ] || build/peers/bin/python bench/data.py "$table" --out "$data"
done
for task in "${tasks[@]}"; do
    echo "bench: $task, $repeat runs each of ${peers[$task]} and Quern"
    build/peers/bin/python bench/peers.py "$task" "${peers[$task]},cmd" --repeat "$repeat" \
        --data "$data" --cmd "$PWD/build/release/quern-bench {task} --data {data}" >> "$results"
done
build/peers/bin/python bench/report.py "$results" > build/benchmarks.md
mv build/benchmarks.md docs/benchmarks.md
cat docs/benchmarks.md
