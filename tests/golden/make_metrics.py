#!/usr/bin/env python3
"""Writes metrics/cases.json: predictions, and what scikit-learn says of them.

    python make_metrics.py        # needs numpy and scikit-learn 1.9.1

test_metrics.c compares Quern's metrics with these to 1e-12.
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn import metrics as m
from sklearn.calibration import calibration_curve

OUT = pathlib.Path(__file__).resolve().parent / "metrics" / "cases.json"
ROWS = 160


def generator(seed):
    return np.random.Generator(np.random.PCG64(seed))


def probabilities(rng, y, classes, steps=0):
    """steps: whole multiples of 1 / steps, so that there are ties."""
    p = rng.dirichlet(np.full(classes, 0.7), len(y))
    p[np.arange(len(y)), y] += rng.random(len(y))
    p /= p.sum(1, keepdims=True)
    return rng.multinomial(steps, p) / steps if steps else p


def classification(name, y, p, weights=None, ranked=True):
    """ranked=False: some class is missing, so that areas are not defined by scikit-learn."""
    y, p = np.asarray(y), np.asarray(p)
    k = p.shape[1]
    labels, w = np.arange(k), weights
    guess = p.argmax(1)
    expected = {"accuracy": m.accuracy_score(y, guess, sample_weight=w),
                "balanced_accuracy": m.balanced_accuracy_score(y, guess, sample_weight=w),
                "matthews": m.matthews_corrcoef(y, guess, sample_weight=w),
                "log_loss": m.log_loss(y, p, labels=labels, sample_weight=w)}
    for average in ("macro", "weighted"):
        precision, recall, f1, _ = m.precision_recall_fscore_support(
            y, guess, average=average, sample_weight=w, zero_division=0)
        expected |= {f"precision_{average}": precision, f"recall_{average}": recall,
                     f"f1_{average}": f1}
    one_hot = (y[:, None] == labels).astype(float)
    if k == 2:
        expected["brier"] = m.brier_score_loss(y, p[:, 1], sample_weight=w, pos_label=1)
    else:
        expected["brier"] = m.brier_score_loss(y, p, sample_weight=w, labels=labels)
    precision, recall, f1, support = m.precision_recall_fscore_support(
        y, guess, labels=labels, sample_weight=w, zero_division=0)
    per_class = [{"precision": a, "recall": b, "f1": c, "support": float(d)}
                 for a, b, c, d in zip(precision, recall, f1, support)]
    if ranked:
        roc = [m.roc_auc_score(one_hot[:, j], p[:, j], sample_weight=w) for j in range(k)]
        area = [m.average_precision_score(one_hot[:, j], p[:, j], sample_weight=w) for j in range(k)]
        for j in range(k):
            per_class[j] |= {"roc_auc": roc[j], "pr_auc": area[j]}
        if k == 2:
            expected |= {"roc_auc": roc[1], "pr_auc": area[1]}
        else:
            expected |= {"roc_auc": m.roc_auc_score(y, p, multi_class="ovr", average="macro",
                                                    sample_weight=w),
                         "pr_auc": np.mean(area)}
    case = {"name": name, "task": "binary" if k == 2 else "multiclass", "class_count": k,
            "classes": y.tolist(), "prediction": p.ravel().tolist(), "expected": expected,
            "expected_classes": per_class,
            "confusion": m.confusion_matrix(y, guess, labels=labels, sample_weight=w)
            .astype(float).ravel().tolist()}
    if k == 2 and w is None and ranked:
        observed, predicted = calibration_curve(y, p[:, 1], n_bins=10, strategy="uniform")
        case["calibration"] = {"observed": observed.tolist(), "predicted": predicted.tolist()}
    if w is not None:
        case["weights"] = w.tolist()
    return case


def regression(name, y, guess, weights=None):
    y, guess, w = np.asarray(y, float), np.asarray(guess, float), weights
    used = slice(None) if w is None else w > 0
    expected = {"rmse": m.root_mean_squared_error(y, guess, sample_weight=w),
                "mae": m.mean_absolute_error(y, guess, sample_weight=w),
                "median_error": m.median_absolute_error(y, guess, sample_weight=w),
                "mape": m.mean_absolute_percentage_error(y, guess, sample_weight=w),
                "max_error": m.max_error(y[used], guess[used])}
    if len(y) > 1:
        expected["r2"] = m.r2_score(y, guess, sample_weight=w)
    case = {"name": name, "task": "regression", "values": y.tolist(),
            "prediction": guess.tolist(), "expected": expected}
    if w is not None:
        case["weights"] = w.tolist()
    return case


def classification_cases():
    for k in (2, 3, 5):
        for steps in (0, 10):
            for weighted in (False, True):
                rng = generator(100 * k + steps + weighted)
                y = rng.integers(0, k, ROWS)
                p = probabilities(rng, y, k, steps)
                w = np.round(rng.gamma(1, 1, ROWS), 3) if weighted else None
                yield classification(f"{k} classes, {'ties, ' if steps else ''}"
                                     f"{'weights' if weighted else 'no weights'}", y, p, w)
    rng = generator(1)
    y = rng.integers(0, 2, ROWS)
    p1 = np.where(rng.random(ROWS) < 0.5, rng.integers(0, 2, ROWS), rng.random(ROWS))
    yield classification("certain and sometimes wrong", y, np.c_[1 - p1, p1])
    yield classification("all scores equal", y, np.full((ROWS, 2), 0.5))
    edges = np.tile(np.arange(11) / 10, 15)[:ROWS]
    yield classification("on the edges of calibration bins", y, np.c_[1 - edges, edges])
    rare = (np.arange(ROWS) % 40 == 0).astype(int)
    yield classification("rare class", rare, probabilities(rng, rare, 2))
    y3 = rng.integers(0, 2, ROWS)
    yield classification("a class without rows", y3, probabilities(rng, y3, 3), ranked=False)
    p4 = probabilities(rng, y3, 4)
    p4[:, 2:] = 0
    yield classification("two classes neither there nor predicted", y3,
                         p4 / p4.sum(1, keepdims=True), ranked=False)


def regression_cases():
    rng = generator(2)
    y = rng.normal(3, 10, ROWS)
    guess = y + rng.normal(0, 2, ROWS)
    w = np.round(rng.gamma(1, 1, ROWS), 3)
    yield regression("numbers", y, guess)
    yield regression("numbers, odd count", y[:-1], guess[:-1])
    yield regression("numbers, weights", y, guess, w)
    yield regression("whole weights, some 0", y, guess, rng.integers(0, 4, ROWS).astype(float))
    yield regression("many equal errors", y, y + rng.integers(-2, 3, ROWS))
    yield regression("weights that meet at the half", [1, 2, 3, 4], [2, 4, 6, 8],
                     np.array([1.0, 1.0, 0.0, 2.0]))
    yield regression("constant target", np.full(9, 4.0), np.arange(9) / 2)
    yield regression("constant target, predicted", np.full(9, 4.0), np.full(9, 4.0))
    yield regression("zeros in the target", [0, 0, 1, 2], [0.5, 0, 1, 3])
    yield regression("large numbers", y * 1e150, guess * 1e150)
    yield regression("two rows", [1.0, 2.0], [1.5, 1.0])
    yield regression("one row", [1.0], [1.5])


def main():
    cases = [*classification_cases(), *regression_cases()]
    document = {"made_with": {"scikit-learn": sklearn.__version__, "numpy": np.__version__},
                "cases": cases}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(document, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")


main()
