"""Makes tests/golden/tree/*.json: trees and forest scores of scikit-learn 1.9.1 (numpy 2.x).

    python tests/golden/make_tree.py

Values are exact in single precision, since scikit-learn's trees read them so. Where two splits are
equally good, scikit-learn takes the first in an order drawn at random, and there is nothing to
compare: nodes that differ between eight random states are marked as ties and cut off, and a tree of
limited leaves is kept only when all states give the same one. Values of a feature are at least
1e-6 apart, since scikit-learn does not split between values closer than 1e-7.
"""
import json
import pathlib

import numpy as np
import sklearn
from sklearn import datasets, ensemble, tree

FOLDER = pathlib.Path(__file__).with_name("tree")
STATES = range(8)  # of trees
SEEDS = range(5)  # of forests


def single(x):
    return np.asarray(x).astype(np.float32).astype(np.float64)


def grid(x):
    """Multiples of 1/1024: short as text, exact in single precision, well apart."""
    return np.round(np.asarray(x) * 1024) / 1024


def with_missing(x, share, seed):
    x = x.copy()
    x[np.random.default_rng(seed).random(x.shape) < share] = np.nan
    return x


def tables():
    """name, x, y, is_classification, weights"""
    digits = datasets.load_digits()
    x, y = datasets.load_iris(return_X_y=True)
    yield "iris", x[:, :3], y, True, None  # without the column that is as good as another one
    yield "wine", *datasets.load_wine(return_X_y=True), True, None
    x, y = datasets.load_breast_cancer(return_X_y=True)
    yield "breast-cancer", grid(np.where(x.max(axis=0) < 1, x * 1000, x)), y, True, None
    yield "digits", digits.data[:700], digits.target[:700], True, None
    x, y = datasets.load_diabetes(return_X_y=True, scaled=False)
    yield "diabetes", x, y, False, None
    x, y = datasets.make_classification(400, 8, n_informative=5, random_state=1)
    yield "classification", grid(x), y, True, None
    yield "classification-weighted", grid(x), y, True, np.random.default_rng(7).integers(0, 4, len(y))
    x, y = datasets.make_classification(1200, 10, n_informative=6, n_classes=4, random_state=2)
    # 64 to 256 rows of a class: balanced weights are powers of 2, and sums of them exact
    rows = np.concatenate([np.flatnonzero(y == k)[:count] for k, count in enumerate((64, 64, 128, 256))])
    yield "four-classes", grid(x[rows]), y[rows], True, None
    x, y = datasets.make_classification(400, 6, n_informative=4, n_redundant=0, flip_y=0.1, random_state=3)
    yield "missing", with_missing(grid(x), 0.15, 3), y, True, None
    x, y = datasets.make_moons(300, noise=0.25, random_state=4)
    yield "moons", grid(x), y, True, None
    x, y = datasets.make_friedman1(300, 7, noise=1, random_state=5)
    yield "friedman1", grid(x), grid(y), False, None
    x, y = datasets.make_friedman2(250, noise=50, random_state=6)
    yield "friedman2", grid(x), grid(y), False, None
    yield "friedman2-weighted", grid(x), grid(y), False, np.random.default_rng(8).integers(0, 3, len(y))
    x, y = datasets.make_friedman1(300, 6, noise=1, random_state=9)
    yield "missing-regression", with_missing(grid(x), 0.2, 9), grid(y), False, None


def variants(classification, balanced):
    criteria = ["gini", "entropy"] if classification else ["squared_error"]
    for criterion in criteria:
        yield dict(criterion=criterion, max_depth=2)
        yield dict(criterion=criterion, max_depth=4, min_samples_leaf=5)
        yield dict(criterion=criterion, max_depth=8, min_samples_split=0.1)
        yield dict(criterion=criterion, max_leaves=7)
        yield dict(criterion=criterion, max_leaves=20, min_samples_leaf=3)
        yield dict(criterion=criterion, min_impurity_decrease=0.01 if classification else 0.2)
        yield dict(criterion=criterion)
    if balanced:
        yield dict(criterion="gini", max_depth=4, class_weight="balanced")


def grow(x, y, weights, classification, options, state):
    """The tree as nested dictionaries."""
    arguments = {"max_leaf_nodes" if k == "max_leaves" else k: v for k, v in options.items()}
    make = tree.DecisionTreeClassifier if classification else tree.DecisionTreeRegressor
    t = make(random_state=state, **arguments).fit(x, y, sample_weight=weights).tree_

    def node(i):
        found = dict(cover=float(t.weighted_n_node_samples[i]), impurity=float(t.impurity[i]),
                     value=[float(v) for v in t.value[i].ravel()])
        if t.children_left[i] >= 0:
            threshold = float(t.threshold[i])
            found |= dict(feature=int(t.feature[i]), missing_left=bool(t.missing_go_to_left[i]),
                          threshold=threshold if np.isfinite(threshold) else None,
                          left=node(t.children_left[i]), right=node(t.children_right[i]))
        return found
    return node(0)


def agree(nodes):
    """One tree from those of all states: what they have in common, and where they part."""
    split = ("feature", "threshold", "missing_left")
    common = {k: nodes[0][k] for k in ("cover", "impurity", "value")}
    if any([n.get(k) for k in split] != [nodes[0].get(k) for k in split] for n in nodes):
        return common | dict(tie=True)
    if "feature" not in nodes[0]:
        return common
    common |= {k: nodes[0][k] for k in split}
    return common | {side: agree([n[side] for n in nodes]) for side in ("left", "right")}


def size(node):
    return 1 + sum(size(node[side]) for side in ("left", "right") if side in node)


def trees(name, x, y, weights, classification):
    for options in variants(classification, name == "four-classes"):
        grown = [grow(x, y, weights, classification, options, state) for state in STATES]
        common = agree(grown)
        whole = "tie" not in json.dumps(common)
        if whole or ("max_leaves" not in options and "tie" not in common):
            yield dict(options=options, whole=whole, size=size(common), root=common)


def forests(x, y, weights, classification):
    """Scores on the last third of the rows (which are shuffled), by five seeds."""
    if weights is not None:
        return
    cut = len(y) * 2 // 3
    kinds = dict(random_forest="RandomForest", extra_trees="ExtraTrees")
    for learner, kind in kinds.items():
        make = getattr(ensemble, kind + ("Classifier" if classification else "Regressor"))
        scores = [make(100, random_state=s, n_jobs=2).fit(x[:cut], y[:cut]).score(x[cut:], y[cut:])
                  for s in SEEDS]
        yield dict(learner=learner, train_rows=cut, scores=scores)


def main():
    FOLDER.mkdir(exist_ok=True)
    for name, x, y, classification, weights in tables():
        x = single(x)
        order = np.random.default_rng(0).permutation(len(y))
        x, y = x[order], np.asarray(y)[order]
        for column in x.T:
            gaps = np.diff(np.unique(column[~np.isnan(column)]))
            assert gaps.min(initial=1) > 1e-6, name
        kept = list(trees(name, x, y, weights, classification))
        document = dict(
            name=name, made_with=f"scikit-learn {sklearn.__version__}, numpy {np.__version__}",
            classes=int(y.max()) + 1 if classification else 0,
            columns=[[None if np.isnan(v) else float(v) for v in c] for c in x.T],
            target=[int(v) if classification else float(v) for v in y],
            weights=None if weights is None else [int(v) for v in weights],
            trees=kept, forests=list(forests(x, y, weights, classification)))
        text = json.dumps(document, separators=(",", ":")).replace(".0,", ",").replace(".0]", "]")
        text = text.replace('},{"options"', '},\n{"options"').replace("],[", "],\n[")
        (FOLDER / f"{name}.json").write_text(text + "\n")
        print(f"{name}: {len(kept)} trees ({sum(t['whole'] for t in kept)} whole), "
              f"{sum(t['size'] for t in kept)} nodes, {len(text) // 1000} kB")


if __name__ == "__main__":
    main()
