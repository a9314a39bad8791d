#!/usr/bin/env python3
"""Quern's predictions beside scikit-learn's (and LightGBM's) on the same splits of many data sets.

    bench/quality.py                                    # every data set, one split; a table on standard output
    bench/quality.py --only ames,wine --seeds 3         # some, the mean over three splits
    bench/quality.py --output docs/quality.md

Both sides train with default parameters on the same 80 % of the rows and are scored on the rest by the same code
(scikit-learn's metrics over what `quern predict` wrote). Quern reads CSV and is told the target only; scikit-learn
gets typed columns, dates as parts, and no identifiers: what a careful user would have prepared by hand.
"""
import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile
import time
import warnings

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")     # before OpenMP is loaded: a shared machine is no place to spin

import lightgbm
import numpy as np
import pandas as pd
import sklearn
from sklearn import ensemble, linear_model, metrics, tree
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler, TargetEncoder

import quality_data

ONE_HOT_LEVELS = 30
TEXT_WORDS = 200
SEED = 0
CLASSIFIERS = ["gradient_boosting", "random_forest", "extra_trees", "decision_tree", "logistic"]
REGRESSORS = ["gradient_boosting", "random_forest", "extra_trees", "decision_tree", "ridge", "linear"]
OF_LARGE = ["gradient_boosting", "decision_tree", "logistic", "ridge", "linear"]
# What counts as worse: beyond these, for the mean over the splits.
AUC_SLACK, LOSS_SLACK, RMSE_SLACK = 0.005, 0.02, 0.02


# ---- scikit-learn's side ----

def typed(frame):
    """Text that holds dates becomes dates, and those become parts."""
    frame = frame.copy()
    for name in list(frame):
        column = frame[name]
        if column.dtype == object or pd.api.types.is_string_dtype(column):
            seen = column.dropna().astype(str)
            if not len(seen) or not seen.head(100).str.match(r"^\d{4}-\d\d-\d\d").all():
                frame[name] = column.astype(object).where(column.notna(), None)
                continue
            column = pd.to_datetime(column, errors="coerce", utc=True)
        if pd.api.types.is_datetime64_any_dtype(column):
            for part in ("year", "month", "day", "weekday", "hour"):
                frame[f"{name}.{part}"] = getattr(column.dt, part)
            frame[f"{name}.days"] = (column - column.min()).dt.total_seconds() / 86400
            del frame[name]
    return frame.loc[:, frame.notna().any()]


def kinds(frame):
    """Names of the numeric columns, of the categories of few and of many levels, and of the texts."""
    number, few, many, text = [], [], [], []
    for name in frame:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column):
            number.append(name)
        elif column.nunique() <= ONE_HOT_LEVELS:
            few.append(name)
        elif column.nunique() > len(column) / 2 and column.dropna().str.split().str.len().mean() >= 3:
            text.append(name)
        else:
            many.append(name)
    return number, few, many, text


def prepared(frame, task, linear):
    number, few, many, text = kinds(frame)
    target = TargetEncoder(target_type="continuous" if task == "regression" else "auto", random_state=SEED)
    words = [(f"text {c}", make_pipeline(NoNone(), TfidfVectorizer(max_features=TEXT_WORDS)), c) for c in text]
    if not linear:
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
        return ColumnTransformer([("few", codes, few), ("many", target, many), *words,
                                  ("number", "passthrough", number)], sparse_threshold=0)
    scaled = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler())
    return ColumnTransformer([("few", OneHotEncoder(handle_unknown="ignore", drop="if_binary"), few),
                              ("many", make_pipeline(target, StandardScaler()), many), *words,
                              ("number", scaled, number)], sparse_threshold=0)


class NoNone(sklearn.base.BaseEstimator, sklearn.base.TransformerMixin):
    """Missing texts as empty ones, which TfidfVectorizer needs."""

    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return x.fillna("").astype(str)

    def __sklearn_is_fitted__(self):
        return True


def peers(algorithm, task, frame):
    """The estimators that Quern's algorithm is held against, by name."""
    number = task == "regression"
    few = list(range(len(kinds(frame)[1])))
    if algorithm == "gradient_boosting":
        hist = ensemble.HistGradientBoostingRegressor if number else ensemble.HistGradientBoostingClassifier
        light = lightgbm.LGBMRegressor if number else lightgbm.LGBMClassifier
        return {"scikit-learn": hist(categorical_features=few, random_state=SEED),
                "LightGBM": light(n_jobs=2, verbose=-1, random_state=SEED)}
    chosen = {"random_forest": (ensemble.RandomForestClassifier, ensemble.RandomForestRegressor),
              "extra_trees": (ensemble.ExtraTreesClassifier, ensemble.ExtraTreesRegressor)}
    if algorithm in chosen:
        return {"scikit-learn": chosen[algorithm][number](n_jobs=2, random_state=SEED)}
    if algorithm == "decision_tree":
        return {"scikit-learn": (tree.DecisionTreeRegressor if number else tree.DecisionTreeClassifier)(
            random_state=SEED)}
    return {"scikit-learn": {"logistic": linear_model.LogisticRegression(max_iter=1000), "ridge": linear_model.Ridge(),
                             "linear": linear_model.LinearRegression()}[algorithm]}


def score(task, truth, outputs, names):
    """truth: labels or numbers; outputs: n x classes probabilities in the order of names, or numbers."""
    if task == "regression":
        return {"rmse": metrics.root_mean_squared_error(truth, outputs), "r2": metrics.r2_score(truth, outputs)}
    at = np.searchsorted(names, truth)
    outputs = np.clip(outputs, np.finfo(float).eps, 1)
    outputs = outputs / outputs.sum(axis=1, keepdims=True)
    one_hot = np.eye(len(names))[at]
    seen = one_hot.any(axis=0)
    return {"log_loss": -np.mean(np.log(outputs[np.arange(len(at)), at])),
            "auc": metrics.roc_auc_score(one_hot[:, seen], outputs[:, seen], average="macro") if len(names) > 2
            else metrics.roc_auc_score(at, outputs[:, 1]),
            "accuracy": np.mean(outputs.argmax(axis=1) == at)}


def run_peer(model, algorithm, table, train, test):
    begin = time.perf_counter()
    x = typed(table.frame.drop(columns=[table.target, *table.ids]))
    y = table.frame[table.target]
    y = y.astype(str) if table.task == "classification" else y.astype(float)
    linear = algorithm in ("logistic", "ridge", "linear")
    pipe = make_pipeline(prepared(x.iloc[train], table.task, linear), model)
    pipe.fit(x.iloc[train], y.iloc[train])
    if table.task == "regression":
        result = score(table.task, y.iloc[test], pipe.predict(x.iloc[test]), None)
    else:
        result = score(table.task, y.iloc[test], pipe.predict_proba(x.iloc[test]), list(pipe.classes_))
    return result | {"seconds": time.perf_counter() - begin}


# ---- Quern's side ----

def run_quern(binary, algorithm, table, folder):
    begin = time.perf_counter()
    words = [binary, "train", folder / "train.csv", "--target", table.target, "--test", folder / "test.csv",
             "--algorithm", algorithm, "--json", "--output", folder / "m.qnm", *table.options]
    train = subprocess.run(words, capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    if train.returncode != 0:
        return {"error": train.stderr.strip()}
    report = json.loads(train.stdout)
    predict = subprocess.run([binary, "predict", folder / "m.qnm", folder / "test.csv", "--output", folder / "p.csv"],
                             capture_output=True, text=True)
    if predict.returncode != 0:
        return {"error": predict.stderr.strip()}
    truth = pd.read_csv(folder / "truth.csv", dtype=str, keep_default_na=False)["y"]
    out = pd.read_csv(folder / "p.csv", dtype=str, keep_default_na=False)
    if (report["task"] == "regression") != (table.task == "regression"):
        return {"error": f"took it for {report['task']}: {report.get('task_reason')}"}
    if table.task == "regression":
        result = score(table.task, truth.astype(float), out["prediction"].astype(float), None)
        own = report["metrics"]["test"]["rmse"], result["rmse"]
    else:
        columns = sorted(c for c in out if c.startswith("probability_"))
        names = [c.removeprefix("probability_") for c in columns]
        if names == ["false", "true"]:
            truth = truth.str.lower().replace({"yes": "true", "no": "false"})
        result = score(table.task, truth, out[columns].astype(float).to_numpy(), names)
        own = report["metrics"]["test"]["log_loss"], result["log_loss"]
    if abs(own[0] - own[1]) > 1e-6 * max(1, abs(own[1])):
        print(f"  quern's own metric {own[0]} differs from {own[1]}", file=sys.stderr)
    return result | {"seconds": seconds, "chosen": report["algorithm"], "warnings": report["warnings"],
                     "timings": report["timings_ms"]}


# ---- Both ----

def run_split(binary, table, seed, only, folder):
    """Results by (algorithm, tool) for one split."""
    y = table.frame[table.target]
    train, test = train_test_split(np.arange(len(y)), test_size=0.2, random_state=seed,
                                   stratify=y if table.task == "classification" else None)
    table.frame.iloc[train].to_csv(folder / "train.csv", index=False)
    table.frame.iloc[test].to_csv(folder / "test.csv", index=False)
    y.iloc[test].rename("y").to_csv(folder / "truth.csv", index=False)
    algorithms = CLASSIFIERS if table.task == "classification" else REGRESSORS
    results = {}
    for algorithm in ["auto", *algorithms]:
        if only and algorithm not in only or table.large and algorithm not in ["auto", *OF_LARGE]:
            continue
        results[algorithm, "quern"] = run_quern(binary, algorithm, table, folder)
        if algorithm == "auto":
            continue
        for tool, model in peers(algorithm, table.task, typed(table.frame.drop(columns=[table.target, *table.ids]))
                                 ).items():
            try:
                results[algorithm, tool] = run_peer(model, algorithm, table, train, test)
            except (ValueError, TypeError) as error:
                results[algorithm, tool] = {"error": str(error)}
    return results


def mean(results):
    """Over the splits; an error of one is the error of all."""
    first = next((r for r in results if "error" in r), results[0])
    if "error" in first:
        return first
    number = {k: float(np.mean([r[k] for r in results])) for k, v in first.items() if isinstance(v, float)}
    return first | number


def worse(metric, ours, theirs):
    if metric == "auc":
        return ours < theirs - AUC_SLACK
    slack = LOSS_SLACK if metric == "log_loss" else RMSE_SLACK
    return ours > theirs * (1 + slack) and ours > 1e-3


def cell(metric, ours, theirs):
    """`0.123 / 0.125`: ours / the better one of theirs, bold where worse."""
    if not ours or "error" in ours:
        return "failed" if ours else ""
    values = [t[metric] for t in theirs if metric in t]
    if not values:
        return f"{ours[metric]:.4g} / failed"
    best = max(values) if metric == "auc" else min(values)
    text = f"{ours[metric]:.4g} / {best:.4g}"
    return f"**{text}**" if worse(metric, ours[metric], best) else text


def row(name, table, metric, results, algorithms):
    peers_of = {a: [v for (b, tool), v in results.items() if b == a and tool != "quern"] for a in algorithms}
    everyone = [v for group in peers_of.values() for v in group]
    auto = results.get(("auto", "quern"), {})
    cells = [name, f"{len(table.frame):,} x {table.frame.shape[1] - 1}", metric,
             cell(metric, auto, everyone) + (f" ({auto['chosen'].replace('_', ' ')})" if "chosen" in auto else "")]
    cells += [cell(metric, results.get((a, "quern")), peers_of[a]) for a in algorithms]
    return "| " + " | ".join(cells) + " |"


def tally(tables, all_results):
    """How often Quern is better, alike and worse by the bounds above: log loss of classes and RMSE of numbers."""
    lines = ["## In brief", "", "| algorithm | better | alike | worse |", "|---|---|---|---|"]
    for algorithm in dict.fromkeys(CLASSIFIERS + REGRESSORS):
        better = alike = below = 0
        for name, results in all_results.items():
            metric = "log_loss" if tables[name].task == "classification" else "rmse"
            ours = results.get((algorithm, "quern"), {}).get(metric)
            theirs = [v[metric] for (a, tool), v in results.items() if a == algorithm and tool != "quern" and metric in v]
            if ours is None or not theirs:
                continue
            below += worse(metric, ours, min(theirs))
            better += worse(metric, min(theirs), ours)
            alike += not worse(metric, ours, min(theirs)) and not worse(metric, min(theirs), ours)
        lines.append(f"| {algorithm.replace('_', ' ')} | {better} | {alike} | {below} |")
    return lines + [""]


def markdown(tables, all_results, seeds):
    lines = tally(tables, all_results)
    for task, algorithms, of in (("classification", CLASSIFIERS, ("log_loss", "auc")),
                                 ("regression", REGRESSORS, ("rmse",))):
        names = [n for n, t in tables.items() if t.task == task]
        if not names:
            continue
        head = ["data", "rows x columns", "metric", "auto / best of all", *(a.replace("_", " ") for a in algorithms)]
        lines += [f"## {task.capitalize()}", "", "| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
        lines += [row(n, tables[n], metric, all_results[n], algorithms) for n in names for metric in of]
        lines.append("")
    return PREFACE.format(seeds="one split" if seeds == 1 else f"{seeds} splits (means)", sklearn=sklearn.__version__,
                          lightgbm=lightgbm.__version__, python=platform.python_version()) + "\n".join(lines)


PREFACE = """# Quality beside scikit-learn

Made by `bench/quality.py`: default parameters everywhere, 80 % of the rows to train and 20 % to score, {seeds}, the same
rows for both. Each cell is Quern / the other: scikit-learn {sklearn}, and for boosting the better of it and LightGBM
{lightgbm} on each data set and metric (Python {python}). In the column *auto* Quern chooses the algorithm on the training rows;
beside it stands the best that any of the others reached on the test rows, which nobody can know beforehand.
Quern is given a CSV file and the name of the target; scikit-learn gets columns typed by hand, dates as parts, and no
identifiers. **Bold**: worse by more than 0.005 of AUC, or 2 % of log loss or RMSE. Lower log loss and RMSE are better, higher
AUC is. With several classes AUC is the mean of one against the rest. Empty cells were not run (large data). On one split of a
few hundred rows differences of this size are mostly chance: try `--only NAME --seeds 10`.

"""


def print_split(name, seed, results):
    for (algorithm, tool), r in results.items():
        text = r.get("error") or "  ".join(f"{k} {v:.5g}" for k, v in r.items() if isinstance(v, float))
        extra = f"  {r['chosen']}" if algorithm == "auto" and "chosen" in r else ""
        print(f"{name} {seed} {algorithm:18s} {tool:12s} {text}{extra}", file=sys.stderr, flush=True)
        for warning in r.get("warnings", []):
            print(f"    warns: {warning}", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quern", default="build/release/quern", help="the binary")
    parser.add_argument("--only", help="names of data sets, parted by commas")
    parser.add_argument("--algorithms", help="names, parted by commas; auto is one")
    parser.add_argument("--seeds", type=int, default=1, help="how many splits")
    parser.add_argument("--output", type=pathlib.Path, help="write the Markdown here")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    binary = pathlib.Path(options.quern).resolve()
    names = options.only.split(",") if options.only else list(quality_data.DATA)
    only = options.algorithms.split(",") if options.algorithms else None
    tables, all_results = {}, {}
    for name in names:
        table = quality_data.DATA[name]()
        splits = []
        for seed in range(options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                splits.append(run_split(binary, table, seed, only, pathlib.Path(folder)))
            print_split(name, seed, splits[-1])
        tables[name] = table
        all_results[name] = {key: mean([s[key] for s in splits]) for key in splits[0]}
    text = markdown(tables, all_results, options.seeds)
    if options.output:
        options.output.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
