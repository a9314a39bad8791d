#!/usr/bin/env python3
"""Files stay under 1,000 lines and C functions, from their first line to the last, within 70."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE_LIMIT = 1000
FUNCTION_LIMIT = 70

# What must not be looked into for braces, and is replaced by its own newlines.
OPAQUE = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'
      | ^[ \t]*\#(?:\\\n|[^\n])*""",
    re.DOTALL | re.MULTILINE | re.VERBOSE)


def blank(match):
    return "\n" * match.group().count("\n")


def functions(text):
    """(name, first line, last line) of every function body at the outermost level."""
    text = OPAQUE.sub(blank, text)
    depth, line = 0, 1
    head_start, head, current = None, "", None
    for character in text:
        if character == "\n":
            line += 1
        if depth == 0:
            if character in ";}":
                head_start, head = None, ""
            elif character != "{":
                if head_start is None and not character.isspace():
                    head_start = line
                head += character
        if character == "{":
            if depth == 0:
                is_function = head.rstrip().endswith(")") and "=" not in head
                name = re.search(r"\b(?!__attribute__)(\w+)\s*\(", head)
                current = (name.group(1), head_start) if is_function and name else None
            depth += 1
        elif character == "}":
            depth -= 1
            if depth == 0:
                if current:
                    yield (*current, line)
                head_start, head, current = None, "", None


def main():
    problems = []
    for folder in (".ci", "bench", "cmake", "scripts", "src", "tests"):
        for file in sorted((ROOT / folder).rglob("*")):
            if file.suffix not in (".c", ".h", ".py", ".sh", ".cmake"):
                continue
            path = file.relative_to(ROOT).as_posix()
            text = file.read_text(encoding="utf-8")
            line_count = text.count("\n")
            if line_count >= FILE_LIMIT:
                problems.append(f"{path}: {line_count} lines; a file has fewer than {FILE_LIMIT}")
            if file.suffix not in (".c", ".h"):
                continue
            for name, first, last in functions(text):
                if last - first + 1 > FUNCTION_LIMIT:
                    problems.append(f"{path}:{first}: {name}() has {last - first + 1} lines;"
                                    f" a function has at most {FUNCTION_LIMIT}")
    for problem in problems:
        print(problem, file=sys.stderr)
    sys.exit(1 if problems else 0)


main()
