#!/usr/bin/env bash
# make check: what can be said about the sources without running them. Every step is run, so that
# one call shows all there is to mend.
set -uo pipefail
cd "$(dirname "$0")/.."
failed=0

step() # step NAME COMMAND...
{
    local name=$1 started=$SECONDS
    shift
    if "$@"; then
        echo "check: $name: good ($((SECONDS - started)) s)"
    else
        echo "check: $name: FAILED" >&2
        failed=1
    fi
}

all_files() # what git has or would take
{
    git ls-files --cached --others --exclude-standard 2>/dev/null ||
        find . -type f -not -path './build/*' -not -path './third_party/*' -not -path './.git/*'
}

format()
{
    all_files | grep -E '\.[ch]$' | tr '\n' '\0' | xargs -0 -r -n 16 -P "$(nproc)" clang-format --dry-run -Werror
}

# Paths of somebody's machine. The brackets keep this line from finding itself.
home_paths()
{
    ! all_files | tr '\n' '\0' | xargs -0 -r grep -aHnE '/[h]ome/[a-z]+/|/[r]oot/|/[U]sers/[A-Za-z]+/' 2>/dev/null
}

shell_syntax()
{
    local script
    for script in .ci/run scripts/*.sh bench/*.sh; do
        [[ ! -e $script ]] || bash -n "$script" || return 1
    done
}

step format format
step layers scripts/check-layers.py
step sizes scripts/check-sizes.py
step "home directories" home_paths
step "shell scripts" shell_syntax
step "static analysis" scripts/check-sources.py
exit "$failed"
