#!/usr/bin/env python3
"""Stores one model of each kind, to be loaded and compared for ever (tests/cli/test_models.py).

    QUERN=build/release/quern python3 tests/golden/make_models.py

makes the next set, tests/golden/models/N: the table that the models were trained on, rows to predict, the models, and
their predictions as they are today. Sets that are there are never touched: a model that somebody saved must go on
loading and predicting the same. Make a new one when an algorithm is added or a format gets a new version.
"""
import csv
import json
import os
import pathlib
import random
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
SETS = ROOT / "tests" / "golden" / "models"
QUERN = pathlib.Path(os.environ.get("QUERN", ROOT / "build/release/quern")).resolve()
HEADER = ["id", "size", "weight", "rating", "colour", "maker", "note", "sold", "seen", "fragile", "kind", "bought", "price"]
TARGETS = ("kind", "bought", "price")


def action(name, **options):
    return {"do": name, **options}


def column(name, kind, *actions, **more):
    return {"name": name, "type": kind, **more, "actions": list(actions)}


# Every action that there is, and every way to do it that keeps something learned.
RECIPE = {"version": 1, "columns": [
    column("id", "text", action("drop")),
    column("size", "number", action("impute", **{"with": "mean"}), action("clip"), action("power"), action("scale"),
           action("indicator")),
    column("weight", "number", action("impute", **{"with": "median"}), action("clip", bounds=[0, 40]),
           action("power", how="log1p"), action("scale", how="robust")),
    column("rating", "integer", action("indicator"), action("impute", value=0), action("scale", how="min_max")),
    column("colour", "category", action("impute"), action("one_hot", max_levels=3)),
    column("maker", "category", action("target"), action("scale")),
    column("note", "text", action("text", buckets=8)),
    column("sold", "date", action("date_parts"), action("impute", **{"with": "mode"}), action("scale"),
           format="%Y-%m-%d"),
    column("seen", "datetime", action("date_parts", parts=["hour", "minute", "weekend"]), action("impute")),
    column("fragile", "boolean", action("impute")),
]}
CODES = {"version": 1, "columns": [
    column("size", "number", action("impute")),
    column("colour", "category", action("ordinal", by="given", order=["red", "green", "blue"]),
           action("impute", value=-2)),
    column("maker", "category", action("frequency")),
    column("note", "text", action("ordinal", by="name"), action("impute")),
]}
TREE_CODES = {"version": 1, "columns": [
    column("size", "number"), column("weight", "number"), column("colour", "category", action("levels"))]}

# name: algorithm, target, parameters, recipe
MODELS = {
    "decision_tree": ("decision_tree", "kind", ["max_depth=4"], None),
    "decision_tree_regression": ("decision_tree", "price", ["max_depth=4"], TREE_CODES),
    "random_forest": ("random_forest", "bought", ["n_estimators=5", "max_depth=4"], None),
    "extra_trees": ("extra_trees", "price", ["n_estimators=5", "max_depth=4"], None),
    "gradient_boosting": ("gradient_boosting", "kind", ["n_estimators=5", "max_leaves=6"], None),
    "gradient_boosting_binary": ("gradient_boosting", "bought", ["n_estimators=5", "max_leaves=6"], None),
    "gradient_boosting_regression": ("gradient_boosting", "price", ["n_estimators=5", "max_leaves=6"], None),
    "logistic": ("logistic", "kind", [], None),
    "logistic_every_action": ("logistic", "bought", [], RECIPE),
    "linear": ("linear", "price", [], CODES),
    "ridge": ("ridge", "price", [], None),
    "ridge_every_action": ("ridge", "price", [], RECIPE),
    "kmeans": ("kmeans", None, ["n_clusters=3"], None),
}


def make_rows(count, seed, surprises):
    """Deterministic on every Python from 3.2: only random() is used."""
    draw = random.Random(seed).random
    colours, makers = ("red", "green", "blue"), [f"m{i:02d}" for i in range(12)]
    words = ("old", "new", "scratched", "boxed", "rare", "signed", "big", "light")
    for i in range(count):
        size, level = 10 * draw() - 5, int(3 * draw())
        weight, maker = 1 / (0.03 + draw()), int(12 * draw())
        score = size / 3 + level + maker / 12 + draw()
        row = [f"{i:04d}", round(size, 3), round(weight, 2), int(5 * draw()) + 1, colours[level], makers[maker],
               " ".join(words[int(8 * draw())] for _ in range(3)), f"20{18 + int(4 * draw())}-0{1 + int(9 * draw())}-1{int(9 * draw())}",
               f"2024-03-0{1 + int(9 * draw())} 1{int(9 * draw())}:2{int(9 * draw())}:00", "yes" if draw() < 0.4 else "no",
               ("oak", "ash", "fir")[0 if score < 1 else 1 if score < 2.5 else 2],
               "true" if score + draw() > 2 else "false", round(2 * size + 3 * level + maker + draw(), 3)]
        for cell in range(1, 10):
            if draw() < 0.06:
                row[cell] = ""
        if surprises and i % 5 == 0:
            row[4] = "violet"
        if surprises and i % 7 == 0:
            row[5], row[6], row[1] = "unheard of", "words that nobody used", 1e6
        yield row


def write_csv(path, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([HEADER, *rows])


def quern(folder, *words):
    done = subprocess.run([QUERN, *words], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"quern {' '.join(words)}: {done.stderr}")
    return done.stdout


def make_model(folder, name, algorithm, target, parameters, recipe):
    words = ["train", "train.csv", "--algorithm", algorithm, "--output", f"{name}.qnm", "--json"]
    for parameter in parameters:
        words += ["--param", parameter]
    if target:
        words += ["--target", target]
    if recipe:
        (folder / "recipe.json").write_text(json.dumps(recipe))
        words += ["--recipe", "recipe.json"]
    words += ["--drop", ",".join(t for t in TARGETS if t != target)]
    words += ["--types", "id=text,note=text,sold=date:%Y-%m-%d,bought=boolean"]
    trained = json.loads(quern(folder, *words))
    (folder / "recipe.json").unlink(missing_ok=True)
    quern(folder, "predict", f"{name}.qnm", "rows.csv", "--keep", "id", "--types", "id=text", "--output", f"{name}.csv")
    return {"algorithm": algorithm, "content_hash": trained["content_hash"]}


def fill(folder):
    write_csv(folder / "train.csv", make_rows(150, 1, False))
    write_csv(folder / "rows.csv", make_rows(40, 2, True))
    version = json.loads(quern(folder, "version", "--json"))["version"]
    models = {name: make_model(folder, name, *rest) for name, rest in MODELS.items()}
    manifest = {"quern_version": version, "models": models}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")


def main():
    numbers = [int(path.name) for path in SETS.iterdir() if path.name.isdigit()]
    folder = SETS / str(max(numbers, default=0) + 1)
    folder.mkdir(parents=True)
    try:
        fill(folder)
    except BaseException:
        shutil.rmtree(folder)
        raise
    print(f"made {folder.relative_to(ROOT)}: {len(MODELS)} models")


if __name__ == "__main__":
    main()
