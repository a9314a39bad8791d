#!/usr/bin/env python3
"""clang-tidy and cppcheck over src/ and bench/, and every header compiled alone.

A file that passed is not looked at again until it, a header that it includes, or the settings
change: the marks in build/check are named by a hash of all of these. Sources are read without
scripts/banned.h and each by itself, so a missing include shows.
"""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MARKS = ROOT / "build" / "check"
FLAGS = ["-std=c17", "-D_GNU_SOURCE", "-Isrc", "-isystem", "third_party/duckdb",
         '-DQN_VERSION="0"']
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wstrict-prototypes",
            "-Werror"]
INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)


def settings_hash():
    digest = hashlib.sha256()
    for file in (".clang-tidy", "scripts/analysis.h", "scripts/check-sources.py",
                 "scripts/third-party.sha256"):
        digest.update((ROOT / file).read_bytes())
    for tool in ("clang-tidy", "cppcheck", "gcc"):
        if shutil.which(tool) is None:
            sys.exit(f"check-sources: {tool} is missing; run scripts/setup.sh test")
        digest.update(subprocess.run([tool, "--version"], stdout=subprocess.PIPE, check=True).stdout)
    return digest.digest()


def with_includes(file, found):
    """Adds to found the file and all headers of this repository that it reads."""
    if file in found or not file.is_file():
        return found
    found[file] = file.read_bytes()
    for name in INCLUDE.findall(found[file]):
        for folder in (ROOT / "src", file.parent):
            with_includes((folder / name.decode()).resolve(), found)
    return found


def mark_of(file, settings):
    digest = hashlib.sha256(settings)
    for path, content in sorted(with_includes(file, {}).items()):
        digest.update(f"{path.relative_to(ROOT)}\0{len(content)}\0".encode())
        digest.update(content)
    return MARKS / digest.hexdigest()


def commands_for(path):
    if path.endswith(".h"):
        return [["gcc", *FLAGS, *WARNINGS, "-fsyntax-only", "-x", "c", path]]
    model = [] if path == "src/base/error.c" else ["-include", "scripts/analysis.h"]
    return [
        ["clang-tidy", "--quiet", path, "--", *FLAGS, "-Wno-unused-value", *model],
        ["cppcheck", "--quiet", "--error-exitcode=1", "--std=c11", "--inline-suppr",
         "--enable=warning,performance,portability", "--suppress=missingInclude",
         "--suppress=unmatchedSuppression", "--suppress=normalCheckLevelMaxBranches",
         "-D__x86_64__", "-D__GNUC__", "-Isrc", path],
    ]


def look_at(path, mark):
    """The tools' complaints about one file, or nothing."""
    complaints = ""
    for command in commands_for(path):
        done = subprocess.run(command, cwd=ROOT, text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            complaints += done.stdout or f"{path}: {command[0]} exited with {done.returncode}\n"
    if not complaints:
        mark.touch()
    return re.sub(r"^\d+ warnings? (generated|treated as error).*\n", "", complaints, flags=re.M)


def main():
    MARKS.mkdir(parents=True, exist_ok=True)
    settings = settings_hash()
    pending, current = [], set()
    for file in sorted([*(ROOT / "src").rglob("*.[ch]"), *(ROOT / "bench").rglob("*.[ch]")]):
        mark = mark_of(file, settings)
        current.add(mark.name)
        if not mark.exists():
            pending.append((file.stat().st_size, file.relative_to(ROOT).as_posix(), mark))
    pending.sort(reverse=True)  # the longest first, so that the cores finish together
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        results = list(pool.map(lambda item: look_at(item[1], item[2]), pending))
    for old in MARKS.iterdir():
        if old.name not in current:
            old.unlink()
    sys.stderr.write("".join(results))
    sys.exit(1 if any(results) else 0)


main()
