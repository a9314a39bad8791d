"""Reference clusterings, made by scikit-learn's KMeans (Lloyd) and silhouette_score.

    python make_kmeans.py        # writes kmeans/NAME.json beside this file

Each case gives starting centres (some so far off that a cluster is empty at first), and what
scikit-learn ends with: labels, centres, inertia, iterations. `best_inertia` is the best of
ten seedings. test_kmeans.c reads the files.
"""
import json
import pathlib
import sys

import numpy as np
import sklearn
from sklearn import datasets as ds
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

FOLDER = pathlib.Path(__file__).with_name("kmeans")


def case(x, start, max_iter=300, tol=1e-4):
    start = np.asarray(start, float)
    m = KMeans(len(start), init=start, n_init=1, max_iter=max_iter, tol=tol, algorithm="lloyd").fit(x)
    return {"start": start.tolist(), "max_iter": max_iter, "tol": tol, "labels": m.labels_.tolist(),
            "centres": m.cluster_centers_.tolist(), "inertia": float(m.inertia_), "iterations": int(m.n_iter_),
            "silhouette": float(silhouette_score(x, m.labels_))}


def write(name, x, clusters, extra=()):
    x = np.asarray(x, float)
    # means of runs of rows: single rows of whole numbers would be equally near to others
    start = np.array([part.mean(0) for part in np.array_split(x, clusters)])
    cases = [case(x, start), case(x, start, max_iter=3, tol=0.0), case(x, start, tol=0.0)]
    cases += [case(x, other) for other in extra]
    best = KMeans(clusters, n_init=10, random_state=0).fit(x).inertia_
    data = {"name": name, "versions": {"python": sys.version.split()[0], "scikit-learn": sklearn.__version__,
                                       "numpy": np.__version__},
            "columns": x.T.tolist(), "clusters": clusters, "best_inertia": float(best), "cases": cases}
    FOLDER.mkdir(exist_ok=True)
    text = json.dumps(data, separators=(",", ":"))
    (FOLDER / f"{name}.json").write_text(text.replace('"cases"', '\n"cases"') + "\n")
    print(name, x.shape, [c["iterations"] for c in cases], len(text) // 1000, "kB")


def main():
    rng = np.random.default_rng(11)
    x = ds.load_iris().data
    write("iris", x, 3, [[*x[:2], np.full(4, 100.0)]])
    write("wine", ds.load_wine().data, 3)
    write("breast_cancer", ds.load_breast_cancer().data, 5)
    write("digits", ds.load_digits().data[:500], 10)
    write("diabetes", ds.load_diabetes(scaled=False).data, 7)
    write("linnerud", ds.load_linnerud().data, 4)
    x = ds.make_blobs(500, 3, centers=6, random_state=1)[0].round(5)
    write("blobs", x, 6, [[*x[:4], np.full(3, 50.0), np.full(3, -60.0)]])
    write("moons", ds.make_moons(300, noise=0.1, random_state=1)[0].round(5), 5)
    write("friedman1", ds.make_friedman1(400, 6, random_state=2)[0].round(5), 12)
    write("uniform", rng.random((1000, 5)).round(5), 16)
    write("far_from_origin", (rng.normal(0, 1, (300, 4)) + rng.integers(0, 3, (300, 1)) * 4).round(4) + 1e6, 3)
    write("one_column", rng.gamma(2, 1, (250, 1)).round(4), 4)


if __name__ == "__main__":
    main()
