"""Turns benchmark lines (bench/run.sh) into docs/benchmarks.md: medians, and ratios to the best peer."""
import json
import pathlib
import platform
import statistics
import sys

GATES = {"auc": ("at least", 0.001), "logloss": ("at most", 0.002), "train_logloss": ("at most", 1e-6),
         "train_mse": ("relative", 1e-6), "inertia": ("relative", 1e-4), "rows": ("relative", 0.0),
         "sum_f0": ("relative", 1e-9), "sum_f3": ("relative", 1e-9)}


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def medians(path):
    runs = {}
    for line in map(json.loads, pathlib.Path(path).read_text().splitlines()):
        if "discarded" not in line:
            runs.setdefault(line["task"], {}).setdefault(line["peer"], []).append(line)
    table = {}
    for task, peers in runs.items():
        for peer, lines in peers.items():
            good = [x for x in lines if "error" not in x]
            if not good:
                table.setdefault(task, {})[peer] = {"error": lines[-1]["error"], "runs": 0}
                continue
            row = {k: statistics.median(x[k] for x in good) for k in ("fit_s", "end_to_end_s", "peak_rss_mb")}
            row["quality"] = {k: statistics.median(x["quality"][k] for x in good) for k in good[-1]["quality"]}
            row |= {"runs": len(good), "version": good[-1].get("version", "")}
            table.setdefault(task, {})[peer] = row
    return table


def gate(ours, best):
    """The quality gates of bench/README.md, against the fastest peer."""
    broken = []
    for name, (kind, tolerance) in GATES.items():
        if name not in ours or name not in best:
            continue
        a, b = ours[name], best[name]
        bad = {"at least": a < b - tolerance, "at most": a > b + tolerance,
               "relative": abs(a - b) > tolerance * max(abs(b), 1e-300)}[kind]
        if bad:
            broken.append(f"{name} {a:.7g} against {b:.7g}")
    return "; ".join(broken) or "met"


def main():
    table = medians(sys.argv[1])
    print("# Benchmarks\n")
    print("Made by `make bench` (bench/run.sh): each line is one job in a fresh process, Quern and its peers in turn, two")
    print("threads on the same two processors, medians. *fit* is the call that does the work; *end to end* adds preparing")
    print("its input from columns in memory. *ratio* is the fastest peer's end-to-end time over Quern's: above 1, Quern is faster.")
    print(f"Quality gates are those of bench/README.md. Measured on {processor()}.\n")
    print("| task | tool | version | runs | fit s | end to end s | ratio | peak MB | quality | gate |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for task, peers in table.items():
        others = {k: v for k, v in peers.items() if k != "cmd" and "error" not in v}
        best = min(others.values(), key=lambda v: v["end_to_end_s"], default=None)
        for name, row in sorted(peers.items(), key=lambda item: item[1].get("end_to_end_s", 1e9)):
            label = "**Quern**" if name == "cmd" else name
            if "error" in row:
                print(f"| {task} | {label} | | 0 | | | | | {row['error']} | |")
                continue
            ratio = gates = ""
            if name == "cmd" and best:
                ratio, gates = f"**{best['end_to_end_s'] / row['end_to_end_s']:.2f}**", gate(row["quality"], best["quality"])
            quality = ", ".join(f"{k} {v:.7g}" for k, v in row["quality"].items())
            print(f"| {task} | {label} | {row['version']} | {row['runs']} | {row['fit_s']:.3f} | {row['end_to_end_s']:.3f} "
                  f"| {ratio} | {row['peak_rss_mb']:.0f} | {quality} | {gates} |")


if __name__ == "__main__":
    main()
