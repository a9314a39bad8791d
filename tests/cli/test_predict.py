"""What happens at prediction when data are not as they were in training: one documented answer each."""
import unittest

from quern import Case

ROWS = "".join(f"{i},{i % 7 + 0.5},{'red' if i % 3 else 'blue'},2024-01-{i % 28 + 1:02d},{'yes' if i % 3 else 'no'}\n"
               for i in range(200))
HEADER = "id,size,colour,day,bought\n"


class Surprises(Case):
    ALGORITHMS = ("decision_tree", "random_forest", "gradient_boosting", "logistic")

    def setUp(self):
        super().setUp()
        self.write("train.csv", HEADER + ROWS)
        for algorithm in self.ALGORITHMS:
            self.quern("train", "train.csv", "--target", "bought", "--algorithm", algorithm, "--output",
                       algorithm + ".qnm")

    def predict(self, text, *words, **options):
        self.write("new.csv", text)
        for algorithm in self.ALGORITHMS:
            yield self.quern("predict", algorithm + ".qnm", "new.csv", *words, **options)

    def test_key_columns_are_kept(self):
        for out, _ in self.predict(HEADER + "900,1.5,red,2024-01-05,\n901,1.5,blue,2024-01-05,\n"):
            rows = self.rows(out)
            self.assertEqual([r["id"] for r in rows], ["900", "901"])
            self.assertEqual([r["prediction"] for r in rows], ["yes", "no"])

    def test_unseen_category_and_missing_values(self):
        for out, err in self.predict("size,colour,day\n1.5,green,2024-01-05\n,,\n1.5,,2024-01-05\n"):
            self.assertEqual(len(self.rows(out)), 3)
            self.assertIn("training did not have", err)
            for row in self.rows(out):
                self.assertAlmostEqual(float(row["probability_no"]) + float(row["probability_yes"]), 1)

    def test_missing_column(self):
        self.write("new.csv", "size\n1\n")
        for algorithm in self.ALGORITHMS:
            err = self.fails("predict", algorithm + ".qnm", "new.csv")
            self.assertIn("colour", err)

    def test_extra_and_reordered_columns(self):
        first = [o for o, _ in self.predict("size,colour,day\n1.5,red,2024-01-05\n")]
        other = [o for o, _ in self.predict("zz,day,colour,size\nq,2024-01-05,red,1.5\n", "--keep", "size")]
        for a, b in zip(first, other):
            self.assertEqual(self.rows(a)[0]["probability_yes"], self.rows(b)[0]["probability_yes"])

    def test_wrong_type_names_row_and_column(self):
        self.write("new.csv", "size,colour,day\n1.5,red,2024-01-05\nbig,red,2024-01-05\n")
        err = self.fails("predict", "logistic.qnm", "new.csv")
        self.assertIn("size", err)
        self.assertIn("big", err)

    def test_integers_where_there_were_decimals(self):
        a = [o for o, _ in self.predict("size,colour,day\n2,red,2024-01-05\n")]
        b = [o for o, _ in self.predict("size,colour,day\n2.0,red,2024-01-05\n")]
        self.assertEqual(a, b)

    def test_no_rows(self):
        for out, _ in self.predict("size,colour,day\n"):
            self.assertEqual(self.rows(out), [])


class OneModelForEver(Case):
    def test_infinite_and_huge_values(self):
        self.write("t.csv", "x,y\n" + "".join(f"{i},{2 * i}\n" for i in range(50)) + "inf,3\n1e308,4\n")
        for algorithm in ("ridge", "gradient_boosting", "random_forest"):
            trained = self.json("train", "t.csv", "--target", "y", "--algorithm", algorithm, "--output", "m.qnm")
            self.assertEqual(trained["task"], "regression")
            out, _ = self.quern("predict", "m.qnm", "t.csv")
            self.assertEqual(len(self.rows(out)), 52)


if __name__ == "__main__":
    unittest.main()
