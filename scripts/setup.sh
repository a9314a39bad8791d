#!/usr/bin/env bash
# Installs the packages that are missing, or prints the one line that does and stops.
#     scripts/setup.sh          what `make build` and `make run` need
#     scripts/setup.sh test     what `make check` and `make test` need as well
# Looks for the things themselves, not for package names, so it is quick and does nothing on a
# machine that has them from elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

missing=()
need() # need PACKAGE COMMAND...: the package is missing when the command fails
{
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
has_library() # has_library FILE: can gcc link it?
{
    [[ $(gcc -print-file-name="$1") == /* ]]
}
has_sanitizers()
{
    local folder
    folder=$(clang -print-resource-dir)/lib
    compgen -G "$folder/*/libclang_rt.asan*.a"
}
clang_version() # the major version of clang, installed or about to be
{
    if command -v clang >/dev/null; then
        clang -dumpversion | cut -d. -f1
    else
        apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9]*\)$/\1/p' | head -n 1
    fi
}

find_missing()
{
    missing=()
    need gcc command -v gcc
    need libc6-dev test -e /usr/include/stdio.h
    need g++ has_library libstdc++.a
    need cmake command -v cmake
    need ninja-build command -v ninja
    need libjansson-dev has_library libjansson.a
    need libsodium-dev has_library libsodium.a
    need zlib1g-dev has_library libz.a
    need libzstd-dev has_library libzstd.a
    if [[ ! -e third_party/duckdb/.verified ]]; then
        need golang-go command -v go
        need ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
    fi
    if [[ ${1:-} == test ]]; then
        need git command -v git
        need clang command -v clang
        need clang-format command -v clang-format
        need clang-tidy command -v clang-tidy
        need cppcheck command -v cppcheck
        need libcmocka-dev test -e /usr/include/cmocka.h
        need python3 command -v python3
        if ! has_sanitizers >/dev/null 2>&1; then
            # Older releases keep the sanitizers in the package of clang's headers.
            local version runtime
            version=$(clang_version || true)
            version=${version:-14} # without package lists: Debian 12's
            runtime=libclang-rt-$version-dev
            if ! apt-cache show "$runtime" >/dev/null 2>&1 &&
                apt-cache show "libclang-common-$version-dev" >/dev/null 2>&1; then
                runtime=libclang-common-$version-dev
            fi
            missing+=("$runtime")
        fi
    fi
}

find_missing "${1:-}"
[[ ${#missing[@]} -eq 0 ]] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "setup: missing here; these are Debian's names for them: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [[ $(id -u) -ne 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
        echo "setup: some packages are missing. Run this once, then try again:" >&2
        echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "setup: installing ${missing[*]}"
apt()
{
    if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "setup: apt-get $1 failed" >&2
        exit 1
    fi
}
apt update
find_missing "${1:-}" # with fresh lists the name of the sanitizers' package is known
apt install -y --no-install-recommends "${missing[@]}"
find_missing "${1:-}"
if [[ ${#missing[@]} -ne 0 ]]; then
    echo "setup: installed, but still not found: ${missing[*]}" >&2
    exit 1
fi
