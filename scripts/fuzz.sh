#!/usr/bin/env bash
# Runs every fuzz target of build/asan for QN_FUZZ_SECONDS (60), as many at a time as there are
# cores. Starts from the corpus kept in tests/fuzz/corpus/NAME; new inputs go to build/fuzz/NAME, and
# an input that fails stays in build/fuzz. tests/fuzz/NAME.dict is used when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
export QN_FUZZ_SECONDS=${QN_FUZZ_SECONDS:-60}
export ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1

one_target()
{
    local name=$1 work=build/fuzz/$1 log=build/fuzz/$1.log options=()
    mkdir -p "$work" "tests/fuzz/corpus/$name"
    [[ -f tests/fuzz/$name.dict ]] && options+=("-dict=tests/fuzz/$name.dict")
    if ! "build/asan/fuzz_$name" "$work" "tests/fuzz/corpus/$name" "${options[@]}" \
        -max_total_time="$QN_FUZZ_SECONDS" -timeout=20 -rss_limit_mb=3000 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/$name-" >"$log" 2>&1; then
        tail -n 60 "$log" >&2
        echo "fuzz: $name FAILED; the input is build/fuzz/$name-*" >&2
        return 1
    fi
    echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in ${QN_FUZZ_SECONDS} s," \
        "$(find "$work" -type f | wc -l) inputs found"
}
export -f one_target

mkdir -p build/fuzz
for source in tests/fuzz/fuzz_*.c; do
    [[ -e $source ]] || continue
    name=${source##*/fuzz_}
    echo "${name%.c}"
done | xargs -r -P "$(nproc)" -I{} bash -c 'one_target {}'
