# The developer's commands. The work is done by scripts/ and CMake; CI runs the same ones.
PREFIX ?= /usr/local
QN_FUZZ_SECONDS ?= 60
export QN_FUZZ_SECONDS

.DEFAULT_GOAL := help
.PHONY: help run build test check bench fuzz tsan coverage install clean setup setup-test

help: ## show this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: build ## build, then a tour on sample data
	@scripts/demo.sh

build: setup ## the release binary, build/release/quern
	@scripts/build.sh release quern

test: setup-test ## everything: unit, golden, command line, sanitizers, fuzzing, coverage
	@scripts/test.sh

check: setup-test ## format, layers, sizes, static analysis
	@scripts/check.sh

bench: build ## measure against scikit-learn, polars and DuckDB; writes docs/benchmarks.md
	@scripts/build.sh release quern-bench
	@bench/run.sh

fuzz: setup-test ## fuzz each target for QN_FUZZ_SECONDS (60)
	@scripts/build.sh asan
	@scripts/fuzz.sh

tsan: setup-test ## base and learn under ThreadSanitizer
	@scripts/build.sh tsan unit_base unit_learn
	@ctest --test-dir build/tsan --output-on-failure --no-tests=error -L '^(base|learn)$$'

coverage: setup-test ## executed lines, file by file
	@scripts/coverage.sh --files

install: build ## copy the binary to PREFIX/bin (/usr/local)
	@cmake --install build/release --prefix "$(PREFIX)"

clean: ## remove what was built; third_party/ stays
	@rm -rf build

setup:
	@scripts/setup.sh
	@scripts/fetch-third-party.sh

setup-test:
	@scripts/setup.sh test
	@scripts/fetch-third-party.sh
