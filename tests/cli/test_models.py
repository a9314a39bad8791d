"""Models that were saved once load for ever and predict the same: every set of tests/golden/models, which
tests/golden/make_models.py adds to and nothing takes away from."""
import json
import shutil
import unittest

from quern import ROOT, Case

SETS = sorted((path for path in (ROOT / "tests" / "golden" / "models").iterdir() if path.name.isdigit()),
              key=lambda path: int(path.name))


class StoredModels(Case):
    def each(self):
        self.assertTrue(SETS)
        for folder in SETS:
            for name, made in json.loads((folder / "manifest.json").read_text())["models"].items():
                with self.subTest(set=folder.name, model=name):
                    yield folder, name, made

    def test_predictions_are_those_of_then(self):
        for folder, name, _ in self.each():
            out, _ = self.quern("predict", folder / f"{name}.qnm", folder / "rows.csv", "--keep", "id", "--types",
                                "id=text")
            self.assertEqual(out, (folder / f"{name}.csv").read_text())

    def test_they_can_be_inspected(self):
        for folder, name, made in self.each():
            seen = self.json("inspect", folder / f"{name}.qnm")
            self.assertEqual((seen["algorithm"], seen["content_hash"]), (made["algorithm"], made["content_hash"]))
            out, _ = self.quern("inspect", folder / f"{name}.qnm")
            self.assertIn(made["content_hash"], out)

    def test_they_can_be_evaluated(self):
        for folder, name, made in self.each():
            if made["algorithm"] == "kmeans":
                continue
            scored = self.json("evaluate", folder / f"{name}.qnm", folder / "train.csv")
            self.assertEqual((scored["rows"], scored["rows_left_out"]), (150, 0))
            metric = "accuracy" if "accuracy" in scored["test"] else "r2"
            self.assertGreater(scored["test"][metric], scored["baseline"][metric])

    def test_the_newest_set_has_every_algorithm(self):
        known = {algorithm["name"] for algorithm in self.json("algorithms")["algorithms"]}
        models = json.loads((SETS[-1] / "manifest.json").read_text())["models"]
        self.assertEqual({made["algorithm"] for made in models.values()}, known)

    def test_one_changed_byte_is_refused(self):
        folder = SETS[-1]
        for model in folder.glob("*.qnm"):
            shutil.copy(model, self.folder / "m.qnm")
            data = bytearray(model.read_bytes())
            data[len(data) // 2] ^= 1
            self.write("m.qnm", bytes(data))
            self.assertIn("m.qnm", self.fails("predict", "m.qnm", folder / "rows.csv"))


if __name__ == "__main__":
    unittest.main()
