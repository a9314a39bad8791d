"""Makes tests/golden/profile/*.txt: tables, and what pandas, numpy and scipy say of them.

    python make_profile.py

Made with Python 3.12, numpy 2.5.5, pandas 3.1.1, scipy 1.18.1. A file is a list of words:

    rows N
    column NAME TYPE VALUE...             N values; NA is missing; texts have no spaces
    figure NAME FIGURE VALUE
    histogram NAME COUNT EDGE... COUNT... bins, their edges and their counts
    top NAME COUNT (VALUE COUNT)...
    pair A B MEASURE VALUE
    duplicates N
    pattern ROWS COUNT COLUMN...
"""
import pathlib

import numpy as np
import pandas as pd
from scipy import stats

LEVELS = 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99
EPOCH = {"date": ("D", 1), "datetime": ("us", 1)}


def whole_edges(x):
    """Edges between whole numbers, so that no bin holds more of them than another."""
    low, high = x.min(), x.max()
    width = np.ceil((high - low + 1) / 20)
    return low - 0.5 + width * np.arange(np.ceil((high - low + 1) / width) + 1)


def number(value):
    return repr(float(value))


def adjusted(x):
    """Standard deviation, skewness and kurtosis (G1 and G2) in extended precision; pandas loses
    digits of them where the spread is tiny beside the mean."""
    x = x.astype(np.longdouble)
    n, d = np.longdouble(len(x)), x - x.mean()
    m2, m3, m4 = ((d ** k).sum() for k in (2, 3, 4))
    std = np.sqrt(m2 / (n - 1))
    skewness = n * np.sqrt(n - 1) / (n - 2) * m3 / m2 ** np.longdouble(1.5)
    kurtosis = n * (n + 1) * (n - 1) * m4 / ((n - 2) * (n - 3) * m2 ** 2) - 3 * (n - 1) ** 2 / ((n - 2) * (n - 3))
    f = pd.Series(x.astype(float))
    np.testing.assert_allclose([std, skewness, kurtosis], [f.std(), f.skew(), f.kurt()], rtol=2e-5)
    return dict(std=std, skewness=skewness, kurtosis=kurtosis)


def figures(out, name, kind, s):
    x = s.dropna().to_numpy(dtype=float)
    finite = x[np.isfinite(x)]
    f = pd.Series(finite)
    put = lambda key, value: out.append(f"figure {name} {key} {number(value)}")
    put("count", len(x))
    put("missing", len(s) - len(x))
    put("distinct", s.nunique())
    put("infinite", np.isinf(x).sum())
    for key, value in dict(min=f.min(), max=f.max(), mean=f.mean(), **adjusted(finite),
                           median_deviation=stats.median_abs_deviation(finite), zeros=(f == 0).sum(),
                           negatives=(f < 0).sum()).items():
        put(key, value)
    for level in LEVELS:
        put(f"q{level:g}", np.quantile(finite, level))
    q1, q3 = np.quantile(finite, [0.25, 0.75])
    put("outliers", ((f < q1 - 3 * (q3 - q1)) | (f > q3 + 3 * (q3 - q1))).sum())
    whole = kind != "number" or (finite == np.floor(finite)).all()
    edges = whole_edges(finite) if whole else np.linspace(finite.min(), finite.max(), 21)
    counts, edges = np.histogram(finite, edges)
    out.append(" ".join(["histogram", name, str(len(counts)), *map(number, edges), *map(str, counts)]))
    if kind in ("date", "datetime"):
        gaps = np.diff(np.unique(finite))
        put("gap_median", np.median(gaps))
        put("gap_max", gaps.max())
        put("gap_max_at", np.unique(finite)[gaps.argmax()])
    if kind == "boolean":
        put("entropy", stats.entropy(s.dropna().value_counts(), base=2))


def texts(out, name, s):
    x = s.dropna()
    length = x.str.len()
    for key, value in dict(count=len(x), missing=s.isna().sum(), distinct=x.nunique(), length_min=length.min(),
                           length_max=length.max(), length_mean=length.mean(),
                           entropy=stats.entropy(x.value_counts(), base=2)).items():
        out.append(f"figure {name} {key} {number(value)}")
    first = {value: at for at, value in reversed(list(enumerate(x)))}
    top = sorted(x.value_counts().items(), key=lambda item: (-item[1], first[item[0]]))[:10]
    out.append(" ".join(["top", name, str(len(top)), *(f"{v} {c}" for v, c in top)]))


def pearson(a, b):
    """Pairwise-complete like pandas', in extended precision for the same reason."""
    both = np.isfinite(a) & np.isfinite(b)
    x, y = (v[both].to_numpy(dtype=np.longdouble) for v in (a, b))
    x, y = x - x.mean(), y - y.mean()
    r = (x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum())
    np.testing.assert_allclose(float(r), a[both].corr(b[both]), atol=1e-6)
    return r


def cramer(a, b):
    """Bergsma 2013, on scipy's chi-squared."""
    table = pd.crosstab(a, b).to_numpy()
    n, (r, k) = table.sum(), table.shape
    phi2 = stats.chi2_contingency(table, correction=False).statistic / n
    rc, kc = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return np.sqrt(max(0, phi2 - (r - 1) * (k - 1) / (n - 1)) / (min(rc, kc) - 1))


def ratio(category, x):
    x = x.where(np.isfinite(x))
    both = category.notna() & x.notna()
    x = x - x[both].mean()
    groups = x[both].groupby(category[both])
    mean = x[both].mean()
    return np.sqrt((groups.count() * (groups.mean() - mean) ** 2).sum() / ((x[both] - mean) ** 2).sum())


def shown(value, kind):
    if pd.isna(value):
        return "NA"
    if kind == "number":
        return number(value)
    return value if kind in ("category", "text") else str(int(value))


def write(name, columns):
    """columns: name -> (type, Series); dates are already whole numbers."""
    rows = len(next(iter(columns.values()))[1])
    out = [f"rows {rows}"]
    for key, (kind, s) in columns.items():
        out.append(" ".join(["column", key, kind, *(shown(v, kind) for v in s)]))
    for key, (kind, s) in columns.items():
        texts(out, key, s) if kind in ("category", "text") else figures(out, key, kind, s)
    numeric = {k: s.astype(float) for k, (kind, s) in columns.items() if kind in ("boolean", "integer", "number")}
    coded = {k: s for k, (kind, s) in columns.items() if kind in ("category", "text") and s.nunique() <= 200}
    frame = pd.DataFrame(numeric)
    spearman = frame.corr("spearman")
    for i, a in enumerate(numeric):
        for b in list(numeric)[i + 1:]:
            out.append(f"pair {a} {b} pearson {number(pearson(numeric[a], numeric[b]))}")
            out.append(f"pair {a} {b} spearman {number(spearman.loc[a, b])}")
    out += [f"pair {a} {b} cramer {number(cramer(coded[a], coded[b]))}"
            for i, a in enumerate(coded) for b in list(coded)[i + 1:]]
    order = list(columns)
    for a in numeric:
        for b in coded:
            left, right = (a, b) if order.index(a) < order.index(b) else (b, a)
            out.append(f"pair {left} {right} eta {number(ratio(coded[b], numeric[a]))}")
    whole = pd.DataFrame({k: s for k, (_, s) in columns.items()})
    out.append(f"duplicates {whole.duplicated().sum()}")
    gone = whole.isna()
    sets = gone.apply(lambda row: tuple(gone.columns[row]), axis=1)
    first = {value: at for at, value in reversed(list(enumerate(sets)))}
    patterns = sorted(sets.value_counts().items(), key=lambda item: (-item[1], first[item[0]]))[:20]
    out += [" ".join(["pattern", str(n), str(len(s)), *s]) for s, n in patterns]
    (pathlib.Path(__file__).parent / "profile" / f"{name}.txt").write_text("\n".join(out) + "\n")


def missing(rng, s, share):
    return s.where(pd.Series(rng.random(len(s))) >= share)


def mixed(n, seed):
    rng = np.random.default_rng(seed)
    pick = lambda values, p=None: pd.Series(rng.choice(values, n, p=p)).astype(object)
    series = lambda x: pd.Series(x)
    normal = series(rng.normal(10, 3, n))
    with_infinite = series(rng.normal(size=n))
    with_infinite[rng.choice(n, max(2, n // 50), replace=False)] = np.inf
    with_infinite[rng.choice(n, 1)] = -np.inf
    frame = {
        "normal": ("number", normal),
        "gaps": ("number", missing(rng, 0.7 * normal + series(rng.normal(size=n)), 0.15)),
        "ties": ("number", missing(rng, series(rng.integers(0, 9, n) / 4), 0.2)),
        "lognormal": ("number", series(rng.lognormal(0, 1.5, n))),
        "infinite": ("number", with_infinite),
        "tiny": ("number", 1e-9 * series(rng.normal(size=n)) + 1),
        "flag": ("boolean", series(rng.random(n) < 0.3).astype(float)),
        "small": ("integer", missing(rng, series(rng.poisson(3, n)).astype(float), 0.05)),
        "wide": ("integer", series(rng.integers(-10**12, 10**12, n))),
        "day": ("date", missing(rng, series(rng.integers(18000, 18900, n)).astype(float), 0.03)),
        "at": ("datetime", series(1_700_000_000_000_000 + rng.integers(0, 10**13, n))),
        "city": ("category", missing(rng, pick(["Ulm", "Köln", "東京", "São-Paulo", "Oslo"], [.4, .3, .15, .1, .05]), 0.1)),
        "plan": ("category", pick(["basic", "plus", "pro"])),
        "note": ("text", pick([f"n{i}" for i in range(60)])),
    }
    again = rng.integers(0, n, n // 20)
    order = list(range(n)) + list(again)
    return {k: (kind, s.iloc[order].reset_index(drop=True)) for k, (kind, s) in frame.items()}


write("mixed", mixed(400, 7))
write("many", mixed(1500, 11))
write("few", mixed(30, 3))
