#!/usr/bin/env python3
"""Writes boosting/: small tables, and how good scikit-learn and LightGBM are on them.

    python make_boosting.py       # needs numpy, scikit-learn 1.9.1 and LightGBM 4.7.0

A table is NAME.csv: `n:` columns are numbers (empty: missing), `c:` columns are category codes, `y`
is the target and `test` marks the rows to predict. boosting/expected.json holds the metrics of both
peers on these rows, with 100 trees of up to 31 leaves and a learning rate of 0.1, and for
exact.csv the training predictions of single scikit-learn trees.
"""
import json
import pathlib

import lightgbm as lgb
import numpy as np
import sklearn
from sklearn import datasets, metrics
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.tree import DecisionTreeRegressor

OUT = pathlib.Path(__file__).resolve().parent / "boosting"


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def with_missing(rng, x, columns, share):
    x = x.copy()
    for c in columns:
        x[rng.random(len(x)) < share, c] = np.nan
    return x


def digits():
    x, y = datasets.load_digits(return_X_y=True)
    return x[:1200], y[:1200]


def moons():
    return datasets.make_moons(1200, noise=0.35, random_state=1)


def informative_with_missing():
    x, y = datasets.make_classification(1500, 12, n_informative=6, class_sep=0.8, flip_y=0.05,
                                        random_state=2)
    return with_missing(generator(2), x, range(0, 12, 3), 0.15), y


def rare():
    x, y = datasets.make_classification(2000, 8, n_informative=5, weights=[0.95], flip_y=0.01,
                                        class_sep=1.2, random_state=3)
    return x, y


def categories(kind):
    """Three category columns (6, 25 and 3 levels, the first with gaps) and two numbers."""
    rng = generator(4)
    n = 2000
    level = [rng.integers(0, k, n) for k in (6, 25, 3)]
    number = rng.normal(size=(n, 2))
    z = rng.normal(0, 1, 6)[level[0]] + rng.normal(0, 1, 25)[level[1]] + number[:, 0] * (level[2] - 1)
    x = np.column_stack([*level, number]).astype(float)
    x[rng.random(n) < 0.1, 0] = np.nan
    z += rng.normal(0, 0.7, n)
    if kind == "regression":
        return x, z
    return x, (z > 0.3).astype(int) if kind == "binary" else np.digitize(z, [-1.5, 0, 1.5])


def blobs():
    return datasets.make_blobs(1200, 5, centers=6, cluster_std=4.5, random_state=5)


def friedman_with_missing():
    x, y = datasets.make_friedman1(1500, noise=1.0, random_state=6)
    return with_missing(generator(6), x, (0, 3, 7), 0.2), y


TABLES = {  # name: (task, x and y, columns of categories)
    "breast_cancer": ("binary", lambda: datasets.load_breast_cancer(return_X_y=True), ()),
    "moons": ("binary", moons, ()),
    "informative": ("binary", informative_with_missing, ()),
    "rare": ("binary", rare, ()),
    "categories": ("binary", lambda: categories("binary"), (0, 1, 2)),
    "iris": ("multiclass", lambda: datasets.load_iris(return_X_y=True), ()),
    "wine": ("multiclass", lambda: datasets.load_wine(return_X_y=True), ()),
    "digits": ("multiclass", digits, ()),
    "blobs": ("multiclass", blobs, ()),
    "categories_classes": ("multiclass", lambda: categories("multiclass"), (0, 1, 2)),
    "diabetes": ("regression", lambda: datasets.load_diabetes(return_X_y=True), ()),
    "friedman": ("regression", friedman_with_missing, ()),
    "categories_numbers": ("regression", lambda: categories("regression"), (0, 1, 2)),
}


def text(value):
    return "" if np.isnan(value) else f"{value:.6g}"


def write_table(name, x, y, test, category_columns):
    head = [f"{'c' if c in category_columns else 'n'}:{c}" for c in range(x.shape[1])]
    lines = [",".join([*head, "y", "test"])]
    for row, target, held in zip(x, y, test):
        lines.append(",".join([*map(text, row), text(target), str(int(held))]))
    (OUT / f"{name}.csv").write_text("\n".join(lines) + "\n")


def scores(task, y, p):
    if task == "regression":
        return {"rmse": metrics.root_mean_squared_error(y, p)}
    if task == "binary":
        return {"roc_auc": metrics.roc_auc_score(y, p[:, 1]), "log_loss": metrics.log_loss(y, p)}
    return {"accuracy": metrics.accuracy_score(y, p.argmax(1)),
            "log_loss": metrics.log_loss(y, p, labels=range(p.shape[1]))}


def peer_scores(task, x, y, test, category_columns):
    options = dict(max_iter=100, learning_rate=0.1, max_leaf_nodes=31, early_stopping=False,
                   categorical_features=list(category_columns) or None, random_state=0)
    kind = HistGradientBoostingRegressor if task == "regression" else HistGradientBoostingClassifier
    model = kind(**options).fit(x[~test], y[~test])
    p = model.predict(x[test]) if task == "regression" else model.predict_proba(x[test])
    found = {"scikit-learn": scores(task, y[test], p)}
    params = dict(objective=task if task != "binary" else "binary", num_leaves=31, verbose=-1,
                  learning_rate=0.1, num_threads=1, seed=0, deterministic=True)
    if task == "multiclass":
        params["num_class"] = int(y.max()) + 1
    data = lgb.Dataset(x[~test], y[~test], categorical_feature=list(category_columns),
                       params=params)
    p = lgb.train(params, data, 100).predict(x[test])
    if task == "binary":
        p = np.column_stack([1 - p, p])
    return found | {"lightgbm": scores(task, y[test], p)}


def exact():
    """Few distinct values in each column, so that bins lose nothing."""
    rng = generator(7)
    x = np.column_stack([rng.integers(0, k, 800) for k in (40, 200, 12, 250)]).astype(float)
    y = np.round(np.sin(x[:, 0] / 6) + x[:, 2] * (x[:, 1] > 90) / 8 + rng.normal(0, 0.2, 800), 5)
    write_table("exact", x, y, np.zeros(800, bool), ())
    found = []
    for leaves, depth, least in ((8, None, 1), (31, None, 20), (64, 5, 7), (100, None, 3)):
        tree = DecisionTreeRegressor(max_leaf_nodes=leaves, max_depth=depth, min_samples_leaf=least,
                                     random_state=0).fit(x, y)
        found.append({"max_leaves": leaves, "max_depth": depth or "none", "min_samples_leaf": least,
                      "leaves": int(tree.get_n_leaves()), "prediction": tree.predict(x).tolist()})
    return found


def main():
    OUT.mkdir(exist_ok=True)
    tables = []
    for number, (name, (task, make, category_columns)) in enumerate(TABLES.items()):
        x, y = make()
        x = np.array([[float(text(v) or "nan") for v in row] for row in x])
        y = np.array([float(text(v)) for v in y])
        y = y if task == "regression" else y.astype(int)
        test = generator(number).random(len(y)) < 0.4
        write_table(name, x, y, test, category_columns)
        tables.append({"name": name, "task": task,
                       "class_count": 0 if task == "regression" else int(y.max()) + 1,
                       "peers": peer_scores(task, x, y, test, category_columns)})
    document = {"made_with": {"scikit-learn": sklearn.__version__, "lightgbm": lgb.__version__,
                              "numpy": np.__version__},
                "tables": tables, "exact": exact()}
    found = json.dumps(document, separators=(",", ":"))
    (OUT / "expected.json").write_text(found.replace('{"name"', '\n{"name"')
                                       .replace('{"max_leaves"', '\n{"max_leaves"') + "\n")


main()
