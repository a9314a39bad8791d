#!/usr/bin/env bash
# `make run`: a tour on sample data, each command shown before its output.
set -euo pipefail
cd "$(dirname "$0")/.."
quern=$PWD/build/release/quern
folder=build/demo
rm -rf "$folder" && mkdir -p "$folder" && cd "$folder"
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' plain=$'\e[0m'; else bold='' plain=''; fi

say() { printf '\n%s# %s%s\n' "$bold" "$1" "$plain"; }
show() {
    printf '%s$ quern %s%s\n' "$bold" "$*" "$plain"
    "$quern" "$@"
}

say "Penguins of three species were measured; some values are missing. What is in the file?"
show sample penguins --output penguins.csv
show profile penguins.csv
show profile penguins.csv --html penguins.html

say "Which species is it? Quern compares a few algorithms and shows the score beside a baseline."
show train penguins.csv --target species --output species.qnm

say "Compare with a small decision tree on the same split."
show decision-tree --data penguins.csv --target species --max-depth 3 --output tree.qnm

say "Ask the model: five penguins without their species."
head -1 penguins.csv | cut -d, -f2- > new.csv
sed -n '10p;120p;180p;250p;330p' penguins.csv | cut -d, -f2- >> new.csv
show predict species.qnm new.csv --keep island,bill_length_mm --output predictions.csv
echo && cat predictions.csv

say "Regression: what does a diamond cost?"
show sample diamonds --output diamonds.csv
show train diamonds.csv --target price --algorithm gradient_boosting --output price.qnm

say "Without a target: three groups of wines."
show sample wine --output wine.csv
show kmeans --data wine.csv --clusters 3 --output clusters.csv

printf '\n%sWritten%s\n' "$bold" "$plain"
for file in penguins.html species.qnm tree.qnm predictions.csv price.qnm clusters.csv; do
    printf '  %s\n' "$PWD/$file"
done
printf '\nOpen %s in a browser, or go on: build/release/quern help\n' "$PWD/penguins.html"
