#!/usr/bin/env python3
"""Writes docs/algorithms.md from `quern algorithms --json`; --check fails when the file is not what it would write."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "algorithms.md"


def bounds(parameter):
    if parameter["type"] == "choice":
        return ", ".join(parameter["names"])
    if parameter["type"] == "boolean":
        return "true, false"
    low, high = parameter.get("minimum"), parameter.get("maximum")
    text = f"from {low:g}" if low is not None else ""
    text += f" to {high:g}" if high is not None and high < 1e9 else " up" if text else ""
    return ", ".join([text.strip(), *parameter.get("names", [])]).strip(", ")


def page(algorithms):
    lines = ["# Algorithms", "", "Made by scripts/algorithms-doc.py from `quern algorithms --json`: the binary's own table.",
             "All are written from scratch in C. `--param NAME=VALUE` sets a parameter.", ""]
    for a in algorithms:
        lines += [f"## {a['title']} (`{a['name']}`)", "", f"{a['about']}. For {', '.join(a['tasks'])}. {a['paper']}.", "",
                  "| parameter | default | allowed | meaning |", "|---|---|---|---|"]
        for p in a["parameters"]:
            lines.append(f"| `{p['name']}` | {json.dumps(p['default']).strip(chr(34))} | {bounds(p)} | {p['help']} |")
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def main():
    quern = os.environ.get("QUERN", str(ROOT / "build/release/quern"))
    output = subprocess.run([quern, "algorithms", "--json"], check=True, capture_output=True, text=True).stdout
    text = page(json.loads(output)["algorithms"])
    if sys.argv[1:] == ["--check"]:
        if PAGE.read_text() != text:
            sys.exit("docs/algorithms.md is not what the binary says: run scripts/algorithms-doc.py")
    else:
        PAGE.write_text(text)


if __name__ == "__main__":
    main()
