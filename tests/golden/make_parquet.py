"""Makes tests/golden/parquet: one small file for each family of types, written by pyarrow or polars,
and beside it what Quern must read: NAME.tsv with a line of column names, a line of Quern's types,
and one line a row with the cells as Quern shows them ("" is missing).

    python make_parquet.py            # pyarrow 26.0.1, polars 2.1.0
"""
import datetime
import decimal
import pathlib

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent / "parquet"
UTC = datetime.timezone.utc


def save(name, columns, expected, **options):
    """columns: {name: (arrow type, values)}; expected: {name: (quern type, texts)}."""
    arrays = [pa.array(values, type=kind) for kind, values in columns.values()]
    table = pa.Table.from_arrays(arrays, names=list(columns))
    pq.write_table(table, FOLDER / f"{name}.parquet", **options)
    describe(name, expected)


def describe(name, expected):
    lines = ["\t".join(expected), "\t".join(kind for kind, _ in expected.values())]
    lines += ["\t".join(row) for row in zip(*(texts for _, texts in expected.values()))]
    (FOLDER / f"{name}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


save("booleans", {"b": (pa.bool_(), [True, None, False])},
     {"b": ("boolean", ["true", "", "false"])})

WIDTHS = [(pa.int8(), 7), (pa.int16(), 15), (pa.int32(), 31), (pa.int64(), 63)]
save("integers",
     {f"i{bits + 1}": (kind, [2**bits - 1, None, -(2**bits) + 1]) for kind, bits in WIDTHS},
     {f"i{bits + 1}": ("integer", [str(2**bits - 1), "", str(-(2**bits) + 1)])
      for _, bits in WIDTHS})

UNSIGNED = [(pa.uint8(), 8), (pa.uint16(), 16), (pa.uint32(), 32)]
save("unsigned",
     {f"u{bits}": (kind, [2**bits - 1, None, 0]) for kind, bits in UNSIGNED}
     | {"u64": (pa.uint64(), [2**63 - 1, None, 0])},
     {f"u{bits}": ("integer", [str(2**bits - 1), "", "0"]) for _, bits in UNSIGNED}
     | {"u64": ("integer", [str(2**63 - 1), "", "0"])})

# Beyond what a table's integers hold: texts, digit for digit.
save("wide_integers",
     {"u64": (pa.uint64(), [2**64 - 1, None, 0]),
      "least": (pa.int64(), [-(2**63), None, 1]),
      "decimal": (pa.decimal128(38, 0), [decimal.Decimal(10**37), None, decimal.Decimal(-1)])},
     {"u64": ("category", [str(2**64 - 1), "", "0"]),
      "least": ("category", [str(-(2**63)), "", "1"]),
      "decimal": ("category", [str(10**37), "", "-1"])})

INF, NAN = float("inf"), float("nan")
save("floats",
     {"f16": (pa.float16(), [0.5, None, NAN, -INF]),
      "f32": (pa.float32(), [0.1, None, NAN, INF]),
      "f64": (pa.float64(), [0.1, None, NAN, 1e300])},
     {"f16": ("number", ["0.5", "", "", "-inf"]),
      "f32": ("number", ["0.10000000149011612", "", "", "inf"]),
      "f64": ("number", ["0.1", "", "", "1e+300"])})

D = decimal.Decimal
save("decimals",
     {"short": (pa.decimal128(9, 2), [D("1234567.89"), None, D("-0.01")]),
      # Whole part and fraction converted apart would give a neighbouring double.
      "long": (pa.decimal128(38, 10), [D("9009135274662253.0758044993"), None, D("0.1")]),
      "whole": (pa.decimal128(38, 0), [D(2**60), None, D(-7)])},
     {"short": ("number", ["1234567.89", "", "-0.01"]),
      "long": ("number", [repr(9009135274662253.0758044993).removesuffix(".0"), "", "0.1"]),
      "whole": ("integer", [str(2**60), "", "-7"])})

# Numbers in strings stay texts, and what a CSV would take for missing stays a text.
TEXTS = ["12", None, "NA", "", "Zürich 東京", ' "quoted" , padded ', "12"]
save("strings",
     {"s": (pa.string(), TEXTS), "large": (pa.large_string(), TEXTS),
      "coded": (pa.dictionary(pa.int32(), pa.string()), TEXTS),
      "bytes": (pa.binary(), [None if t is None else t.encode() for t in TEXTS])},
     {name: ("category", [t or "" for t in TEXTS])
      for name in ("s", "large", "coded", "bytes")})

DAYS = [datetime.date(2024, 2, 29), None, datetime.date(1969, 12, 31), datetime.date(1, 1, 1)]
save("dates",
     {"d32": (pa.date32(), DAYS), "d64": (pa.date64(), DAYS)},
     {name: ("date", [d.isoformat() if d else "" for d in DAYS]) for name in ("d32", "d64")})

T = datetime.datetime(2024, 2, 29, 23, 59, 58, 123456)
OLD = datetime.datetime(1969, 12, 31, 23, 59, 59, 999000)
whole = "2024-02-29T23:59:58Z"
save("timestamps",
     {"s": (pa.timestamp("s"), [T.replace(microsecond=0), None, datetime.datetime(1970, 1, 1)]),
      "ms": (pa.timestamp("ms"), [T.replace(microsecond=123000), None, OLD]),
      "us": (pa.timestamp("us"), [T, None, OLD]),
      # One nanosecond before 1970 is cut towards the past.
      "ns": (pa.timestamp("ns"), [1709251198123456789, None, -1]),
      "utc": (pa.timestamp("us", tz="UTC"), [T.replace(tzinfo=UTC), None, OLD.replace(tzinfo=UTC)]),
      "zurich": (pa.timestamp("ms", tz="Europe/Zurich"),
                 [T.replace(microsecond=0, tzinfo=UTC), None, OLD.replace(tzinfo=UTC)])},
     {"s": ("datetime", [whole, "", "1970-01-01T00:00:00Z"]),
      "ms": ("datetime", ["2024-02-29T23:59:58.123Z", "", "1969-12-31T23:59:59.999Z"]),
      "us": ("datetime", ["2024-02-29T23:59:58.123456Z", "", "1969-12-31T23:59:59.999Z"]),
      "ns": ("datetime", ["2024-02-29T23:59:58.123456Z", "", "1969-12-31T23:59:59.999999Z"]),
      "utc": ("datetime", ["2024-02-29T23:59:58.123456Z", "", "1969-12-31T23:59:59.999Z"]),
      "zurich": ("datetime", [whole, "", "1969-12-31T23:59:59.999Z"])})

save("int96", {"t": (pa.timestamp("us"), [T, None])},
     {"t": ("datetime", ["2024-02-29T23:59:58.123456Z", ""])},
     use_deprecated_int96_timestamps=True)

CLOCK = datetime.time(23, 59, 58, 120000)
save("times", {"t": (pa.time64("us"), [CLOCK, None]), "ms": (pa.time32("ms"), [CLOCK, None])},
     {"t": ("category", ["23:59:58.12", ""]), "ms": ("category", ["23:59:58.12", ""])})

save("nested",
     {"list": (pa.list_(pa.int32()), [[1, 2], None, []]),
      "struct": (pa.struct([("x", pa.int32()), ("y", pa.string())]),
                 [{"x": 1, "y": "a"}, None, {"x": None, "y": "b"}]),
      "map": (pa.map_(pa.string(), pa.int32()), [[("k", 1)], None, []]),
      "after": (pa.int32(), [1, 2, 3])},
     {"list": ("category", ["[1,2]", "", "[]"]),
      "struct": ("category", ['{"x":1,"y":"a"}', "", '{"x":null,"y":"b"}']),
      "map": ("category", ['{"k":1}', "", "{}"]),
      "after": ("integer", ["1", "2", "3"])})

# Names that differ in case only, need quoting, or look like a pattern.
NAMES = ["a", "A", 'with "quotes"', "it's", "x*y?[z]", "file_row_number", "select"]
save("names", {n: (pa.int32(), [i]) for i, n in enumerate(NAMES)},
     {n: ("integer", [str(i)]) for i, n in enumerate(NAMES)})

save("nothing", {"empty": (pa.null(), [None, None]), "x": (pa.int32(), [1, 2])},
     {"empty": ("integer", ["", ""]), "x": ("integer", ["1", "2"])})
save("no_rows", {"x": (pa.int32(), []), "s": (pa.string(), [])},
     {"x": ("integer", []), "s": ("category", [])})

COUNT = 2500
save("row_groups",
     {"row": (pa.int64(), list(range(COUNT))),
      "text": (pa.string(), [f"level {i // 7 % 11}" for i in range(COUNT)])},
     {"row": ("integer", [str(i) for i in range(COUNT)]),
      "text": ("category", [f"level {i // 7 % 11}" for i in range(COUNT)])},
     row_group_size=700, compression="zstd")
for packing in ("none", "snappy", "gzip", "brotli", "lz4"):
    save(f"packed_{packing}", {"x": (pa.float64(), [i / 8 for i in range(100)])},
         {"x": ("number", [f"{i / 8:g}" for i in range(100)])}, compression=packing)

# Bytes that are no text: an error that names the column.
pq.write_table(pa.table({"x": [1], "picture": pa.array([b"\x89PNG\xff"], pa.binary())}),
               FOLDER / "refused_bytes.parquet")

pl.DataFrame({
    "label": pl.Series(["low", "high", None, "low"], dtype=pl.Categorical),
    "level": pl.Series(["s", "m", "l", None], dtype=pl.Enum(["s", "m", "l"])),
    "span": pl.Series([datetime.timedelta(seconds=1), None, None, None]),
    "when": pl.Series([T, None, OLD, None], dtype=pl.Datetime("ns")),
}).write_parquet(FOLDER / "polars.parquet")
describe("polars",
         {"label": ("category", ["low", "high", "", "low"]),
          "level": ("category", ["s", "m", "l", ""]),
          "span": ("integer", ["1000000", "", "", ""]),
          "when": ("datetime", ["2024-02-29T23:59:58.123456Z", "", "1969-12-31T23:59:59.999Z", ""])})
