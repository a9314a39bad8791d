"""The way of the README: sample, profile, train, predict, evaluate, inspect."""
import json
import unittest

from quern import Case, SAMPLES

TRAIN_KEYS = {"model", "task", "algorithm", "target", "classes", "features", "parameters", "metrics", "importance",
              "row_counts", "timings_ms", "warnings"}


class Tour(Case):
    def test_classification(self):
        self.quern("sample", "penguins")
        self.assertEqual((self.folder / "penguins.csv").read_bytes(), (SAMPLES / "penguins.csv").read_bytes())
        out, _ = self.quern("profile", "penguins.csv")
        for word in ("species", "bill_length_mm", "344", "Adelie"):
            self.assertIn(word, out)
        trained = self.json("train", "penguins.csv", "--target", "species", "--output", "p.qnm")
        self.assertLessEqual(TRAIN_KEYS, trained.keys())
        self.assertEqual(trained["task"], "multiclass")
        self.assertEqual(trained["classes"], ["Adelie", "Chinstrap", "Gentoo"])
        self.assertEqual(set(trained["timings_ms"]), {"read", "prepare", "fit", "evaluate", "save"})
        self.assertGreater(trained["metrics"]["test"]["accuracy"], 0.93)
        self.assertLess(trained["metrics"]["baseline"]["accuracy"], 0.5)
        out, _ = self.quern("predict", "p.qnm", "penguins.csv", "--keep", "species,island")
        rows = self.rows(out)
        self.assertEqual(len(rows), 344)
        self.assertEqual(list(rows[0]), ["species", "island", "prediction", "probability_Adelie",
                                         "probability_Chinstrap", "probability_Gentoo"])
        right = sum(r["species"] == r["prediction"] for r in rows)
        self.assertGreater(right, 330)
        for r in rows:
            self.assertAlmostEqual(sum(float(r[k]) for k in r if k.startswith("probability_")), 1, places=9)
        scored = self.json("evaluate", "p.qnm", "penguins.csv")
        self.assertAlmostEqual(scored["test"]["accuracy"], right / 344, places=12)
        seen = self.json("inspect", "p.qnm")
        self.assertEqual(len(seen["content_hash"]), 64)
        self.assertEqual(seen["metrics"], trained["metrics"])

    def test_regression_words(self):
        out, _ = self.quern("train", SAMPLES / "diamonds.csv", "--target", "price", "--algorithm", "random_forest",
                            "--param", "n_estimators=30", "--output", "d.qnm")
        for word in ("Random forest", "price", "RMSE", "R2", "baseline", "What matters most", "d.qnm", "carat"):
            self.assertIn(word, out)
        out, _ = self.quern("inspect", "d.qnm")
        for word in ("n_estimators", "30", "Needs these columns", "clarity", "Content hash"):
            self.assertIn(word, out)

    def test_cross_validation(self):
        trained = self.json("train", SAMPLES / "penguins.csv", "--target", "sex", "--cv", "5", "--algorithm",
                            "logistic")
        self.assertEqual(len(trained["metrics"]["validation"]["folds"]["values"]), 5)
        self.assertGreater(trained["metrics"]["validation"]["accuracy"], 0.8)
        self.assertNotIn("test", trained["metrics"])
        self.assertEqual(trained["row_counts"]["left_out"], 11)

    def test_clusters(self):
        out, _ = self.quern("kmeans", "--data", SAMPLES / "wine.csv", "--clusters", "3", "--output", "r.csv",
                            "--model", "k.qnm")
        self.assertIn("silhouette", out)
        rows = self.rows((self.folder / "r.csv").read_text())
        self.assertEqual(len(rows), 178)
        sizes = sorted(sum(r["cluster"] == str(k) for r in rows) for k in range(3))
        self.assertEqual(sum(sizes), 178)
        self.assertGreater(sizes[0], 40)
        again, _ = self.quern("predict", "k.qnm", SAMPLES / "wine.csv")
        self.assertEqual([r["cluster"] for r in self.rows(again)], [r["cluster"] for r in rows])

    def test_dates_and_text(self):
        trained = self.json("train", SAMPLES / "breaches.csv", "--target", "type", "--algorithm",
                            "gradient_boosting", "--output", "b.qnm")
        self.assertGreater(trained["metrics"]["test"]["accuracy"], trained["metrics"]["baseline"]["accuracy"])
        out, _ = self.quern("predict", "b.qnm", SAMPLES / "breaches.csv")
        self.assertEqual(len(self.rows(out)), 1055)

    def test_shortcuts_take_parameters_as_options(self):
        tree = self.json("decision-tree", "--data", SAMPLES / "penguins.csv", "--target", "species", "--max-depth", "2")
        self.assertEqual(tree["parameters"]["max_depth"], 2)
        self.assertEqual(tree["algorithm"], "decision_tree")
        forest = self.json("random-forest", "--data", SAMPLES / "penguins.csv", "--target", "species",
                           "--n-estimators=7")
        self.assertEqual(forest["parameters"]["n_estimators"], 7)

    def test_auto_compares(self):
        trained = self.json("train", SAMPLES / "diamonds.csv", "--target", "price")
        scores = {c["algorithm"]: c["rmse"] for c in trained["candidates"]}
        self.assertEqual(len(scores), 3)
        self.assertEqual(trained["algorithm"], min(scores, key=scores.get))


class Formats(Case):
    def test_standard_input_and_every_output(self):
        text = (SAMPLES / "penguins.csv").read_text()
        self.quern("train", "-", "--target", "species", "--algorithm", "decision_tree", "--output", "p.qnm", stdin=text)
        reference, _ = self.quern("predict", "p.qnm", "-", "--keep", "species", stdin=text)
        for name in ("o.csv", "o.tsv", "o.jsonl", "o.parquet", "o.csv.gz", "o.csv.zst", "o.jsonl.gz"):
            self.quern("predict", "p.qnm", SAMPLES / "penguins.csv", "--keep", "species", "--output", name)
            profile = self.json("profile", name)
            self.assertEqual(profile["row_count"], 344, name)
            self.assertEqual([c["name"] for c in profile["columns"]], reference.splitlines()[0].split(","), name)

    def test_prepare(self):
        recipe, _ = self.quern("prepare", SAMPLES / "penguins.csv", "--print-recipe", "--target", "species")
        self.assertIn("columns", json.loads(recipe))
        self.write("r.json", recipe)
        self.quern("prepare", SAMPLES / "penguins.csv", "--recipe", "r.json", "--target", "species", "--output",
                   "clean.parquet")
        profile = self.json("profile", "clean.parquet")
        self.assertEqual(sum(c["missing"] for c in profile["columns"]), 0)
        trained = self.json("train", SAMPLES / "penguins.csv", "--target", "species", "--recipe", "r.json",
                            "--algorithm", "logistic")
        self.assertGreater(trained["metrics"]["test"]["accuracy"], 0.9)


if __name__ == "__main__":
    unittest.main()
