"""Reference fits for linear, ridge and logistic regression, made by scikit-learn.

    python make_linear.py        # writes linear/NAME.json beside this file

Standard errors come from their closed forms in numpy. test_linear.c reads the files. A file holds
its table (columns of numbers), the target, and cases: learner, options, coefficients, intercepts.
"""
import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn import datasets as ds
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge

FOLDER = pathlib.Path(__file__).with_name("linear")


def linear_case(x, y, weights=None, intercept=True, standardise=False):
    """standardise: fit on standardised columns, since scikit-learn drops what is 1e-6 of the largest column."""
    shift, scale = (x.mean(0), x.std(0)) if standardise else (0.0, 1.0)
    m = LinearRegression(fit_intercept=intercept).fit((x - shift) / scale, y, weights)
    m.coef_ = m.coef_ / scale
    m.intercept_ = m.intercept_ - m.coef_ @ (shift * np.ones(x.shape[1]))
    case = {"learner": "linear", "options": {"fit_intercept": intercept},
            "coefficients": [m.coef_.tolist()], "intercepts": [float(m.intercept_)]}
    n, p = x.shape
    design = np.column_stack([x, np.ones(n)]) if intercept else x
    s = np.ones(n) if weights is None else weights
    scale = np.sqrt((design ** 2).sum(0))
    q = design / scale
    if np.linalg.matrix_rank(q * np.sqrt(s)[:, None]) == q.shape[1] < (s > 0).sum():
        residual = y - m.predict(x)
        sigma2 = (s * residual ** 2).sum() / ((s > 0).sum() - q.shape[1])
        r = np.linalg.inv(np.linalg.qr(q * np.sqrt(s)[:, None])[1])
        case["errors"] = [(np.sqrt(sigma2 * (r ** 2).sum(1)) / scale).tolist()]
    return case


def ridge_case(x, y, alpha, weights=None, intercept=True):
    m = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd", tol=1e-14).fit(x, y, weights)
    return {"learner": "ridge", "options": {"alpha": alpha, "fit_intercept": intercept},
            "coefficients": [m.coef_.tolist()], "intercepts": [float(m.intercept_)]}


def logistic_errors(m, x, weights, intercept):
    """Inverse Hessian of the unpenalised binary likelihood."""
    design = np.column_stack([x, np.ones(len(x))]) if intercept else x
    p = m.predict_proba(x)[:, 1]
    h = (design * (p * (1 - p) * weights)[:, None]).T @ design
    d = np.sqrt(np.diag(h))
    return (np.sqrt(np.diag(np.linalg.inv(h / np.outer(d, d)))) / d).tolist()


def logistic_case(x, y, c=1.0, weights=None, intercept=True, balanced=False, solver="newton-cholesky"):
    # fitted on standardised columns where there is no penalty, so that the reference is accurate
    shift, scale = (x.mean(0), x.std(0)) if c == 0 and intercept else (0.0, 1.0)
    m = LogisticRegression(C=c or np.inf, fit_intercept=intercept, tol=1e-13, max_iter=100_000, solver=solver,
                           class_weight="balanced" if balanced else None).fit((x - shift) / scale, y, weights)
    coef = m.coef_ / scale
    intercepts = m.intercept_ - coef @ (shift * np.ones(x.shape[1]))
    if len(coef) > 1:
        intercepts = intercepts - intercepts.mean()
    case = {"learner": "logistic",
            "options": {"C": c, "fit_intercept": intercept, "tol": 1e-10, "max_iter": 10_000,
                        "class_weight": "balanced" if balanced else "none"},
            "coefficients": coef.tolist(), "intercepts": intercepts.tolist() if intercept else [0.0] * len(coef)}
    if c == 0 and len(coef) == 1:
        m.coef_, m.intercept_ = coef, intercepts
        case["errors"] = [logistic_errors(m, x, np.ones(len(x)) if weights is None else weights, intercept)]
    return case


def write(name, x, y, cases, classes=0, weights=None):
    x = np.asarray(x, float)
    data = {"name": name, "versions": {"python": sys.version.split()[0], "scikit-learn": sklearn.__version__,
                                       "numpy": np.__version__},
            "classes": classes, "columns": x.T.tolist(), "target": np.asarray(y).tolist()}
    if weights is not None:
        data["weights"] = weights.tolist()
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(data | {"cases": cases}, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text.replace('"cases"', '\n"cases"') + "\n")
    print(name, x.shape, len(cases), "cases", len(text) // 1000, "kB")


def regressions():
    x, y = ds.load_diabetes(return_X_y=True, scaled=False)
    write("diabetes", x, y, [linear_case(x, y), linear_case(x, y, intercept=False), ridge_case(x, y, 1.0),
                             ridge_case(x, y, 100.0, intercept=False)])
    rng = np.random.default_rng(7)
    weights = rng.integers(0, 4, len(y)) / 2
    write("diabetes_weighted", x, y, [linear_case(x, y, weights), ridge_case(x, y, 2.5, weights)], weights=weights)
    x, y = ds.load_linnerud(return_X_y=True)
    write("linnerud", x, y[:, 0], [linear_case(x, y[:, 0]), ridge_case(x, y[:, 0], 0.1)])
    x, _ = ds.load_wine(return_X_y=True)
    write("wine_alcohol", x[:, 1:], x[:, 0], [linear_case(x[:, 1:], x[:, 0]), ridge_case(x[:, 1:], x[:, 0], 10.0)])
    x, y = ds.make_friedman1(200, 8, noise=0.5, random_state=3)
    x, y = x.round(6), y.round(6)
    write("friedman1", x, y, [linear_case(x, y), ridge_case(x, y, 1.0)])
    x, y = ds.make_regression(150, 12, n_informative=12, effective_rank=3, tail_strength=0.1, noise=0.01, random_state=5)
    x, y = x.round(12), y.round(9)
    write("ill_conditioned", x, y, [linear_case(x, y), ridge_case(x, y, 1e-6)])
    x = rng.normal(0, 1, (120, 6)).round(6)
    y = (x @ [1, -2, 3, 0.5, 0, 4] + rng.normal(0, 0.3, 120)).round(6)
    scales, offsets = np.array([1e-6, 1e6, 1, 1e3, 1e-3, 1]), np.array([0, 0, 0, 1e6, 5, 1.7e9])
    x = x * scales + offsets
    write("badly_scaled", x, y, [linear_case(x, y, standardise=True), ridge_case(x, y, 0.5)])
    kind = rng.integers(0, 4, 90)
    z = rng.normal(0, 2, 90).round(4)
    x = np.column_stack([np.eye(4)[kind], z, 2 * z + 1, np.full(90, 3.0)])
    y = (kind * 1.5 + z + rng.normal(0, 0.2, 90)).round(6)
    write("dependent_columns", x, y, [linear_case(x, y), ridge_case(x, y, 1.0)])
    x = rng.normal(0, 1, (25, 60)).round(6)
    y = (x[:, :5].sum(1) + rng.normal(0, 0.1, 25)).round(6)
    write("wide", x, y, [linear_case(x, y), ridge_case(x, y, 1.0), linear_case(x, y, intercept=False),
                         ridge_case(x, y, 0.01, intercept=False)])
    x = np.vstack([x[:12], x[:12]])
    y = y[:24]
    write("wide_repeated_rows", x, y, [linear_case(x, y), ridge_case(x, y, 1.0)])


def classifications():
    x, y = ds.load_iris(return_X_y=True)
    write("iris", x, y, [logistic_case(x, y), logistic_case(x, y, 0.01), logistic_case(x, y, intercept=False)], 3)
    x, y = ds.load_wine(return_X_y=True)
    write("wine", x, y, [logistic_case(x, y), logistic_case(x, y, 0.1, balanced=True)], 3)
    x, y = ds.load_breast_cancer(return_X_y=True)
    write("breast_cancer", x, y, [logistic_case(x, y), logistic_case(x, y, 100.0), logistic_case(x, y, balanced=True)], 2)
    x, y = ds.load_digits(return_X_y=True)
    x, y = x[:600], y[:600]
    write("digits", x, y, [logistic_case(x, y, 0.1)], 10)
    x, y = ds.make_classification(300, 8, n_informative=5, n_redundant=0, flip_y=0.2, random_state=4)
    x = x.round(6)
    write("two_classes", x, y, [logistic_case(x, y), logistic_case(x, y, 0), logistic_case(x, y, 0, intercept=False)], 2)
    weights = np.random.default_rng(8).integers(0, 3, 300) * 0.75
    write("two_classes_weighted", x, y, [logistic_case(x, y, 2.0, weights), logistic_case(x, y, 0.5, weights, balanced=True),
                                         logistic_case(x, y, 0, weights)], 2, weights)
    x, y = ds.make_classification(400, 10, n_informative=6, n_redundant=2, n_classes=5, random_state=6)
    x = x.round(6)
    write("five_classes", x, y, [logistic_case(x, y), logistic_case(x, y, 0.001)], 5)
    x, y = ds.make_blobs(200, centers=4, random_state=2)
    x = x.round(6)
    write("blobs", x, y, [logistic_case(x, y), logistic_case(x, y, 10.0)], 4)


if __name__ == "__main__":
    regressions()
    classifications()
