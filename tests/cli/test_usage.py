"""Help, exit codes, wrong usage, and that every command speaks JSON."""
import os
import resource
import signal
import subprocess
import sys
import time
import unittest

from quern import QUERN, ROOT, Case, SAMPLES

COMMANDS = ("profile", "train", "predict", "evaluate", "inspect", "prepare", "kmeans", "decision-tree", "random-forest",
            "algorithms", "sample", "version")
PENGUINS = SAMPLES / "penguins.csv"


class Usage(Case):
    def test_overview_names_every_command(self):
        out, _ = self.quern("help")
        for command in COMMANDS:
            self.assertIn(command, out)
        _, err = self.quern(code=2)
        self.assertIn("Usage", err)

    def test_help_of_each(self):
        for command in COMMANDS:
            out, _ = self.quern(command, "--help")
            self.assertIn("Usage: quern " + command, out)
            self.assertIn("--json", out)
            for line in out.splitlines():
                self.assertLessEqual(len(line), 110, line)

    def test_wrong_usage_is_2(self):
        for words in (["tarin"], ["train"], ["train", PENGUINS], ["train", PENGUINS, "--taget", "species"],
                      ["predict", "m.qnm"], ["profile"], ["inspect"], ["profile", PENGUINS, "--threads", "x"],
                      ["profile", PENGUINS, "--types", "a"], ["prepare", PENGUINS], ["algorithms", "nope"],
                      ["sample", "nope"], ["train", PENGUINS, "--target"]):
            _, err = self.quern(*words, code=2)
            self.assertTrue(err.startswith("quern: "), err)

    def test_suggestions(self):
        self.assertIn("did you mean 'train'", self.fails("trian", code=2))
        self.assertIn("--target", self.quern("train", PENGUINS, "--taget", "x", code=2)[1])
        self.assertIn("species", self.fails("train", PENGUINS, "--target", "specis"))
        self.assertIn("random_forest", self.fails("train", PENGUINS, "--target", "species", "--algorithm",
                                                  "random_forrest"))
        self.assertIn("n_estimators", self.fails("train", PENGUINS, "--target", "species", "--algorithm",
                                                 "random_forest", "--param", "n_estimator=3"))

    def test_failures_are_1(self):
        self.assertIn("nope.csv", self.fails("profile", "nope.csv"))
        self.assertIn("nope.qnm", self.fails("inspect", "nope.qnm"))
        self.write("bad.qnm", b"QNMODEL\n" + b"\0" * 100)
        self.assertIn("bad.qnm", self.fails("inspect", "bad.qnm"))
        self.fails("train", PENGUINS, "--target", "species", "--algorithm", "ridge")

    def test_errors_do_not_steer_the_terminal(self):
        for words, code in ((["profile", "\x1b[31m.csv"], 1), (["profile", PENGUINS, "--\x1b[31m"], 2),
                            (["profile", PENGUINS, "--types", "a\nb=\x1b"], 2)):
            err = self.fails(*words, code=code)
            self.assertNotIn("\x1b", err)
            self.assertLessEqual(err.count("\n"), 2, err)

    def test_json_of_small_commands(self):
        self.assertIn("version", self.json("version"))
        self.assertEqual(len(self.json("sample")["samples"]), 4)
        names = [a["name"] for a in self.json("algorithms")["algorithms"]]
        for name in ("kmeans", "decision_tree", "random_forest", "extra_trees", "gradient_boosting", "logistic",
                     "linear", "ridge"):
            self.assertIn(name, names)
        for algorithm in self.json("algorithms")["algorithms"]:
            for parameter in algorithm["parameters"]:
                self.assertTrue(parameter["help"], parameter)
                self.assertIn("default", parameter)

    def test_profile_contract(self):
        profile = self.json("profile", PENGUINS)
        for key in ("row_count", "column_count", "columns", "correlations", "duplicates", "alerts", "suggested_target"):
            self.assertIn(key, profile)
        self.assertEqual((profile["row_count"], profile["column_count"]), (344, 8))
        columns = {c["name"]: c for c in profile["columns"]}
        mass = columns["body_mass_g"]
        self.assertEqual((mass["type"], mass["count"], mass["missing"]), ("integer", 342, 2))
        self.assertEqual((mass["min"], mass["max"], mass["distinct"]), (2700, 6300, 94))
        self.assertAlmostEqual(mass["mean"], 4201.754385964912)
        self.assertAlmostEqual(mass["std"], 801.9545356980956)
        self.assertEqual(columns["species"]["type"], "category")
        self.assertEqual(profile["suggested_target"]["name"], "species")

    def test_output_is_plain_without_terminal(self):
        out, err = self.quern("train", PENGUINS, "--target", "species", "--algorithm", "decision_tree")
        self.assertNotIn("\x1b", out + err)
        self.assertEqual(err, "")

    def test_html_report_stands_alone(self):
        self.quern("profile", PENGUINS, "--html", "r.html")
        page = (self.folder / "r.html").read_text()
        self.assertIn("body_mass_g", page)
        for word in ("http://", "https://", "<script src", "@import"):
            self.assertNotIn(word, page.replace("http://www.w3.org", ""))

    def test_documented_algorithms_are_the_real_ones(self):
        done = subprocess.run([sys.executable, ROOT / "scripts" / "algorithms-doc.py", "--check"], capture_output=True,
                              text=True, env=os.environ | {"QUERN": QUERN})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_seed_decides(self):
        def run(seed):
            return self.json("random-forest", "--data", PENGUINS, "--target", "species", "--seed", seed,
                             "--output", f"{seed}.qnm")["content_hash"]
        self.assertEqual(run(1), run(1))
        self.assertNotEqual(run(1), run(2))

    def test_broken_pipe_and_unwritable(self):
        (self.folder / "dir").mkdir()
        self.assertIn("dir", self.fails("train", PENGUINS, "--target", "species", "--algorithm", "decision_tree",
                                        "--output", "dir"))
        self.assertIn("nowhere", self.fails("predict", "nowhere/m.qnm", PENGUINS))
        self.assertEqual([p.name for p in self.folder.iterdir()], ["dir"])

    def test_stopped_while_writing(self):
        """A signal or a limit on file sizes leaves the old file and nothing beside it."""
        self.quern("train", PENGUINS, "--target", "species", "--algorithm", "decision_tree", "--output", "m.qnm")
        header, rows = PENGUINS.read_text().split("\n", 1)
        self.write("big.csv", header + "\n" + rows * 1000)
        self.write("o.csv", "old\n")
        words = [QUERN, "predict", "m.qnm", "big.csv", "--keep", "all", "--output", "o.csv"]

        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, preexec_fn=limit)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("o.csv", done.stderr)
        self.assertEqual((self.folder / "o.csv").read_text(), "old\n")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for attempt in range(3):
                run = subprocess.Popen(words, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                while run.poll() is None and not list(self.folder.glob(".*tmp-*")):
                    time.sleep(0.002)
                run.send_signal(number)
                run.communicate()
                if run.returncode:
                    break
            self.assertEqual(run.returncode, 1, number)
            self.assertEqual((self.folder / "o.csv").read_text(), "old\n")
            self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["big.csv", "m.qnm", "o.csv"])


if __name__ == "__main__":
    unittest.main()
