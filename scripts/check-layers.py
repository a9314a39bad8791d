#!/usr/bin/env python3
"""Holds the folders of src/ to the arrows of docs/architecture.md, by reading their includes.

Also: third-party headers appear only where they are wrapped, *_internal.h stays in its layer,
include guards follow the path, and no two files of src/ and bench/ share a name.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

ARROWS = {
    "base": set(),
    "data": {"base"},
    "learn": {"base"},
    "prep": {"base", "data", "learn"},
    "flow": {"base", "data", "learn", "prep"},
    "cli": {"base", "data", "learn", "prep", "flow"},
}
EVERYTHING = set(ARROWS)

# Third-party header: the files that may include it.
THIRD_PARTY = {
    "duckdb.h": re.compile(r"(src|tests/unit)/data/"),
    "sodium.h": re.compile(r"src/base/"),
    "jansson.h": re.compile(r"src/base/json\.[ch]$"),
    "cmocka.h": re.compile(r"tests/"),
}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)


def layer_of(path):
    """The layer that a file of src/ or tests/unit/ belongs to; None stands above all layers."""
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ["tests", "unit"] and len(parts) > 3:
        return parts[2]
    return None


def check_includes(path, text):
    layer = layer_of(path)
    if layer is not None and layer not in ARROWS:
        yield f"{path}: '{layer}' is not a layer; name it in scripts/check-layers.py"
        return
    allowed = EVERYTHING if layer is None else ARROWS[layer] | {layer}
    for quote, name in INCLUDE.findall(text):
        rule = THIRD_PARTY.get(name)
        if rule and not rule.match(path):
            yield f"{path}: <{name}> may not be included here"
        if quote == "<":
            continue
        target = name.split("/")[0]
        if target not in ARROWS:
            if not path.startswith(("tests/", "bench/")):
                yield f'{path}: "{name}" does not start with a layer'
            continue
        if not (ROOT / "src" / name).is_file():
            yield f'{path}: there is no src/{name}'
        if target not in allowed:
            yield f"{path}: {layer} may not include {target} (\"{name}\")"
        elif name.endswith("_internal.h") and target != layer:
            yield f'{path}: "{name}" is private to {target}'


def check_guard(path, text):
    layer, name = path.split("/")[1:]
    stem = re.sub(r"[^A-Z0-9]", "_", name.upper())
    guards = [f"QN_{layer.upper()}_{stem}"]
    if name.startswith(f"{layer}_"):
        guards.append(f"QN_{stem}")  # flow/flow_internal.h may leave out the doubled word
    if not any(f"#ifndef {guard}\n#define {guard}\n" in text for guard in guards):
        yield f"{path}: include guard is not {guards[0]}"


def check_console(path, text):
    """Libraries return their messages. printf and puts are banned at compile time; this finds
    stderr. stdout is allowed as a destination: it is what "-" names."""
    if layer_of(path) in (None, "cli") or not path.startswith("src/"):
        return
    if re.search(r"\bstderr\b", STRING.sub('""', text)):
        yield f"{path}: stderr is for src/cli; return the message"


def main():
    problems, seen = [], {}
    for folder in ("src", "bench", "tests"):
        for file in sorted((ROOT / folder).rglob("*.[ch]")):
            path = file.relative_to(ROOT).as_posix()
            raw = file.read_text(encoding="utf-8")
            text = COMMENT.sub(" ", raw)
            problems += check_includes(path, text)
            problems += check_console(path, text)
            if path.startswith("src/") and path.endswith(".h"):
                problems += check_guard(path, text)
            if folder != "tests" and seen.setdefault(file.name, path) != path:
                problems.append(f"{path}: the name is taken by {seen[file.name]}")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
