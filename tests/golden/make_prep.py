"""Reference features for the recipe's actions, made by scikit-learn, scipy and pandas.

    python make_prep.py        # writes prep/NAME.json beside this file

test_prep.c reads the files. A file holds columns (type and values; null is missing), a recipe, a
target where one is used, and the features that the fitted recipe must give for the same rows, by
name. `lambda` holds what the power transforms must have found.
"""
import json
import math
import pathlib
import sys

import numpy as np
import pandas as pd
import scipy
import sklearn
from scipy import stats
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler,
                                   TargetEncoder)

FOLDER = pathlib.Path(__file__).with_name("prep")
RNG = np.random.default_rng(20240611)


def plain(values):
    return [None if v is None or v is pd.NaT or (isinstance(v, float) and math.isnan(v)) else v for v in values]


def write(name, columns, recipe, features, tolerance, target=None, lambdas=None, points=None):
    document = {
        "made_by": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}, pandas {pd.__version__}",
        "tolerance": tolerance,
        "columns": [{"name": n, "type": t, "values": plain(v)} for n, t, v in columns],
        "recipe": {"version": 1, "columns": recipe},
        "features": {n: plain([float(x) for x in v]) for n, v in features.items()},
    }
    for key, value in (("target", target), ("lambda", lambdas), ("points", points)):
        if value is not None:
            document[key] = value
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=None, separators=(",", ":")) + "\n")


def recipe_column(name, kind, *actions):
    return {"name": name, "type": kind, "actions": list(actions)}


def with_missing(values, share=0.15):
    values = values.copy()
    values[RNG.random(len(values)) < share] = np.nan
    return values


def numbers():
    n = 121
    raw = {
        "normal": with_missing(RNG.normal(50, 12, n)),
        "heavy": with_missing(RNG.standard_t(2, n) * 1e6),
        "whole": with_missing(RNG.integers(0, 9, n).astype(float)),
        "constant": with_missing(np.full(n, 0.1)),
        "small": with_missing(RNG.normal(0, 1e-6, n)),
        "offset": with_missing(1e9 + RNG.normal(0, 1e-3, n)),
    }
    fills = {"mean": "mean", "median": "median", "mode": "most_frequent"}
    scalers = {"standard": StandardScaler, "min_max": MinMaxScaler, "robust": RobustScaler}
    columns, recipe, features = [], [], {}
    for name, values in raw.items():
        for fill, strategy in fills.items():
            filled = SimpleImputer(strategy=strategy).fit_transform(values[:, None])
            for how, scaler in scalers.items():
                if name in ("offset", "constant") and (fill == "mean" or how == "min_max"):
                    continue  # scikit-learn's rounding is larger than the tolerance
                label = f"{name}_{fill}_{how}"
                columns.append((label, "number", values.tolist()))
                recipe.append(recipe_column(label, "number", {"do": "impute", "with": fill},
                                            {"do": "scale", "how": how}))
                features[label] = scaler().fit_transform(filled)[:, 0]
        label = f"{name}_clip"
        columns.append((label, "number", values.tolist()))
        recipe.append(recipe_column(label, "number", {"do": "clip", "quantiles": [0.05, 0.9]}))
        low, high = np.nanquantile(values, [0.05, 0.9])
        features[label] = np.clip(values, low, high)
    write("numbers", columns, recipe, features, 1e-9)


def power():
    n = 400
    raw = {
        "log_normal": RNG.lognormal(0, 1, n),
        "gamma": RNG.gamma(2, 3, n),
        "left": -RNG.gamma(2, 1, n),
        "normal": RNG.normal(0, 1, n),
        "mixed": np.concatenate([RNG.exponential(2, n // 2), -RNG.exponential(0.3, n // 2)]),
        "counts": RNG.poisson(3, n).astype(float),
        "large": RNG.lognormal(8, 1.5, n),
    }
    columns, recipe, features, lambdas = [], [], {}, {}
    for name, values in raw.items():
        transformed, lambdas[name] = stats.yeojohnson(values)
        columns.append((name, "number", values.tolist()))
        recipe.append(recipe_column(name, "number", {"do": "power"}))
        features[name] = transformed
    points = [[x, lam, float(stats.yeojohnson(np.array([x]), lmbda=lam)[0])]
              for x in (-700.0, -3.0, -0.5, -1e-9, 0.0, 1e-9, 0.25, 1.0, 12.5, 4e5) for lam in
              (-2.0, -0.5, 0.0, 1e-7, 0.3, 1.0, 2.0 - 1e-7, 2.0, 3.5)]
    write("power", columns, recipe, features, 1e-3, lambdas=lambdas, points=points)


def encoders():
    n = 500
    levels = np.array(["north", "south", "east", "west", "centre", "élan", "Zürich", "a", "B"], dtype=object)
    values = levels[np.minimum(RNG.geometric(0.35, n) - 1, len(levels) - 1)]
    values[RNG.random(n) < 0.08] = None
    known = pd.Series(values)
    recipe, features, columns = [], {}, []

    def add(label, *actions):
        columns.append((label, "category", values.tolist()))
        recipe.append(recipe_column(label, "category", *actions))

    add("hot", {"do": "one_hot"})
    encoder = OneHotEncoder(sparse_output=False).fit(values[:, None])
    for level, column in zip(encoder.categories_[0], encoder.transform(values[:, None]).T):
        features["hot_missing" if level is None else f"hot={level}"] = column
    add("few", {"do": "one_hot", "max_levels": 3})
    most = sorted(known.dropna().unique(), key=lambda v: (-(known == v).sum(), v.encode()))[:3]
    for level in most:
        features[f"few={level}"] = (known == level).astype(float)
    features["few_other"] = (known.notna() & ~known.isin(most)).astype(float)
    add("rank", {"do": "ordinal", "by": "name"})
    ordered = sorted(known.dropna().unique(), key=lambda v: v.encode())
    rank = OrdinalEncoder(categories=[ordered + [None]]).fit_transform(values[:, None])[:, 0]
    features["rank_ordinal"] = np.where(known.isna(), np.nan, rank)
    add("share", {"do": "frequency"})
    features["share_frequency"] = known.map(lambda v: v, na_action=None).pipe(
        lambda s: s.map(s.value_counts(normalize=True, dropna=False)))
    write("encoders", columns, recipe, features, 1e-15)


def target_case(name, kind, target_type):
    n = 600
    levels = np.array([f"level {i}" for i in range(40)], dtype=object)
    values = levels[np.minimum(RNG.geometric(0.08, n) - 1, 39)]
    strength = {v: RNG.normal() for v in levels}
    signal = np.array([strength[v] for v in values]) + RNG.normal(0, 1, n)
    values[RNG.random(n) < 0.05] = None
    if kind == "regression":
        y = 1000 + 25 * signal
    elif kind == "binary":
        y = (signal > 0.3).astype(int)
    else:
        y = np.digitize(signal, [-0.7, 0.4, 1.1])
    columns, recipe, features = [], [], {}
    for label, smooth in (("auto", "auto"), ("twenty", 20.0), ("none", 0.0)):
        encoded = TargetEncoder(target_type=target_type, smooth=smooth).fit(values[:, None], y).transform(
            values[:, None])
        columns.append((label, "category", values.tolist()))
        recipe.append(recipe_column(label, "category", {"do": "target", "smooth": smooth}))
        for j, column in enumerate(encoded.T):
            features[f"{label}_target" + (f":{j}" if encoded.shape[1] > 1 else "")] = column
    write(name, columns, recipe, features, 1e-12, target={"task": kind, "values": y.tolist()})


def dates():
    days = pd.Series(pd.to_datetime(RNG.integers(-60000, 60000, 400), unit="D"))
    moments = pd.Series(pd.to_datetime(RNG.integers(-4 * 10**15, 4 * 10**15, 400), unit="us"))
    days[5] = moments[7] = pd.NaT
    columns, recipe, features = [], [], {}
    parts = {"year": "year", "quarter": "quarter", "month": "month", "day": "day", "day_of_year": "day_of_year",
             "weekday": "day_of_week", "hour": "hour", "minute": "minute"}
    for name, kind, values, unit in (("day", "date", days, 86_400_000_000), ("moment", "datetime", moments, 1)):
        known = values.astype("datetime64[us]").astype("int64")
        stored = [None if pd.isna(v) else int(k) // unit for v, k in zip(values, known)]
        columns.append((name, kind, stored))
        recipe.append(recipe_column(name, kind, {"do": "date_parts", "parts": [
            *parts, "weekend", "second", "epoch_days"]}))
        for part, attribute in parts.items():
            features[f"{name}_{part}"] = getattr(values.dt, attribute).astype(float)
        nothing = values.isna()
        features[f"{name}_weekend"] = np.where(nothing, np.nan, values.dt.day_of_week >= 5)
        features[f"{name}_second"] = values.dt.second + values.dt.microsecond / 1e6
        features[f"{name}_epoch_days"] = np.where(nothing, np.nan, known / 86_400_000_000)
    write("dates", columns, recipe, features, 1e-9)


def bucket(word, count):
    """FNV-1a and the finish of splitmix64, as docs/recipe.md says."""
    h = 0xCBF29CE484222325
    for byte in word.encode():
        h = (h ^ byte) * 0x100000001B3 % 2**64
    h = (h ^ h >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    h = (h ^ h >> 27) * 0x94D049BB133111EB % 2**64
    return (h ^ h >> 31) % count


def texts():
    words = ("the model of a red house and 42 blue houses near Zürich, ÄPFEL; ПРИВЕТ мир: Ελλάδα "
             "don't stop (now) naïve — œuvre x1 2x").split()
    rows = [" ".join(RNG.choice(words, RNG.integers(1, 25))) for _ in range(120)]
    rows[3], rows[4], rows[9] = "", "?!", rows[8]
    letters = lambda c: c.isascii() and c.isalnum() or ord(c) >= 0x80
    columns, recipe, features = [], [], {}
    for label, count in (("wide", 64), ("narrow", 7)):
        counts = np.zeros((len(rows), count))
        for i, row in enumerate(rows):
            for word in "".join(c if letters(c) else " " for c in row).split():
                counts[i, bucket(word.lower(), count)] += 1
        weights = TfidfTransformer(sublinear_tf=True, smooth_idf=True, norm="l2").fit_transform(counts).toarray()
        columns.append((label, "text", rows))
        recipe.append(recipe_column(label, "text", {"do": "text", "buckets": count}))
        for j in range(count):
            features[f"{label}:{j}"] = weights[:, j]
    write("texts", columns, recipe, features, 1e-13)


def main():
    FOLDER.mkdir(exist_ok=True)
    numbers()
    power()
    encoders()
    target_case("target_binary", "binary", "binary")
    target_case("target_multiclass", "multiclass", "multiclass")
    target_case("target_regression", "regression", "continuous")
    dates()
    texts()


if __name__ == "__main__":
    sys.exit(main())
