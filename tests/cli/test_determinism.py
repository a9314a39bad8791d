"""Model bytes are a contract: one model of each kind, with 1 and 2 threads, by gcc and by clang, has the content
hash recorded in hashes.json. After a wanted change: python3 tests/cli/test_determinism.py record"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from quern import Case, QUERN, SAMPLES

RECORD = pathlib.Path(__file__).with_name("hashes.json")
CLANG = os.environ.get("QUERN_CLANG", "build/clang/quern")
MODELS = {
    "decision_tree": ("penguins", "species"), "random_forest": ("penguins", "sex"), "extra_trees": ("diamonds", "price"),
    "gradient_boosting": ("diamonds", "cut"), "logistic": ("penguins", "species"), "linear": ("diamonds", "price"),
    "ridge": ("diamonds", "price"), "kmeans": ("wine", None)}
FEW = {"extra_trees": ["--param", "n_estimators=20"], "gradient_boosting": ["--param", "n_estimators=10"]}


def content_hash(binary, algorithm, threads, folder):
    data, target = MODELS[algorithm]
    words = [binary, "train", SAMPLES / f"{data}.csv", "--algorithm", algorithm, "--threads", threads, "--output",
             pathlib.Path(folder) / "m.qnm", "--json", *FEW.get(algorithm, [])]
    words += ["--target", target] if target else []
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=280)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)["content_hash"]


class Determinism(Case):
    def check(self, binary, threads):
        recorded = json.loads(RECORD.read_text())
        self.assertEqual(set(recorded), set(MODELS))
        found = {a: content_hash(binary, a, threads, self.folder) for a in MODELS}
        self.assertEqual(found, recorded)

    def test_one_thread(self):
        self.check(QUERN, 1)

    def test_two_threads(self):
        self.check(QUERN, 2)

    @unittest.skipUnless(pathlib.Path(CLANG).exists(), "no clang build")
    def test_clang(self):
        self.check(CLANG, 1)
        self.check(CLANG, 2)


if __name__ == "__main__":
    if sys.argv[1:] == ["record"]:
        with tempfile.TemporaryDirectory() as folder:
            hashes = {a: content_hash(QUERN, a, 2, folder) for a in MODELS}
        RECORD.write_text(json.dumps(hashes, indent=1) + "\n")
    else:
        unittest.main()
