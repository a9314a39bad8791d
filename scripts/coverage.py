#!/usr/bin/env python3
"""Prints the executed lines of src/ by folder (and by file with --files), from gcov's JSON."""
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def gcov_reports(build):
    """One dictionary for each object of a layer; objects that never ran count too (.gcno)."""
    notes = sorted(str(path) for path in build.glob("CMakeFiles/quern*.dir/src/**/*.gcno"))
    if not notes:
        sys.exit(f"coverage: no .gcno files in {build}")
    output = subprocess.run(["gcov", "--json-format", "--stdout", *notes], cwd=build, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
    return [json.loads(line) for line in output.splitlines() if line.startswith("{")]


def lines_by_file(reports):
    """{path in src: {line number: executed}}; a line is executed if any object executed it."""
    found = collections.defaultdict(dict)
    for report in reports:
        for file in report["files"]:
            path = pathlib.Path(report["current_working_directory"], file["file"]).resolve()
            if not path.is_relative_to(ROOT / "src"):
                continue
            lines = found[path.relative_to(ROOT).as_posix()]
            for line in file["lines"]:
                number = line["line_number"]
                lines[number] = lines.get(number, False) or line["count"] > 0
    return found


def print_row(name, lines):
    hit = sum(lines)
    print(f"  {name:<34} {len(lines):>7} {hit:>9} {100 * hit / max(len(lines), 1):>7.1f}%")


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    by_file = lines_by_file(gcov_reports(build))
    by_folder = collections.defaultdict(list)
    for path, lines in sorted(by_file.items()):
        by_folder[path.rsplit("/", 1)[0]] += lines.values()
    print(f"coverage: {'':<26} {'lines':>7} {'executed':>9}")
    if "--files" in sys.argv[2:]:
        for path, lines in sorted(by_file.items()):
            print_row(path, lines.values())
    for folder, lines in by_folder.items():
        print_row(folder, lines)
    print_row("all", [line for lines in by_folder.values() for line in lines])


main()
