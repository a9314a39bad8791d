"""Broken and hostile files: one clear error, or the documented answer; never a crash or a lost row."""
import gzip
import json
import os
import subprocess
import time
import unittest

from quern import QUERN, Case


class BadInput(Case):
    def expect(self, name, content, *words):
        """profile must fail with exit 1 and name the file and all the words."""
        self.write(name, content)
        err = self.fails("profile", name)
        for word in (name, *words):
            self.assertIn(word, err)

    def test_ragged_rows(self):
        self.expect("few.csv", "a,b,c\n1,2,3\n4,5\n", "line 3")
        self.expect("many.csv", "a,b,c\n1,2,3\n4,5,6,7\n", "line 3")
        self.expect("late.csv", "a,b\n" + "1,2\n" * 100_000 + "1\n", "line 100002")

    def test_quotes(self):
        self.expect("open.csv", 'a,b\n1,"x\n2,y\n', "line 2", "quote")
        self.expect("after.csv", 'a,b\n1,"x"y\n', "line 2")
        self.write("good.csv", 'a,b\n1,"x\ny ""z"", w"\n2,v\n')
        self.assertEqual(self.json("profile", "good.csv")["row_count"], 2)

    def test_bytes(self):
        self.expect("nul.csv", b"a,b\n1,x\0y\n", "line 2")
        self.expect("latin.csv", b"a,b\n1,caf\xe9\n", "line 2", "UTF-8")
        self.expect("utf16.csv", "a,b\n1,2\n".encode("utf-16"), "UTF-16")
        self.expect("binary.csv", bytes(range(256)) * 50, "binary file")
        self.expect("zeros.csv", bytes(1000), "binary file")
        self.expect("name.csv", b"a\0x,b\n1,2\n", "line 1", "NUL")
        self.expect("long_name.csv", b"a\0x,b\n" + b"1,2\n" * 5000, "line 1", "NUL")
        self.write("bom.csv", b"\xef\xbb\xbfa,b\n1,2\n")
        self.assertEqual(self.json("profile", "bom.csv")["columns"][0]["name"], "a")

    def test_wide_encodings_without_a_mark(self):
        for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
            for text in ("a,b\n1,2\n", "имя,возраст\nИван,два\nПётр,три\n"):
                self.expect("wide.csv", text.encode(encoding), "UTF-16")
        self.expect("wide.csv", "a,b".encode("utf-16-le"), "UTF-16")

    def test_control_characters_are_text(self):
        self.write("c.csv", b"a,b\n1,\x01\x02\x03\n2,\x1b[31m\n")
        self.assertEqual(self.json("profile", "c.csv")["columns"][1]["distinct"], 2)
        out, err = self.quern("profile", "c.csv")
        self.assertNotIn("\x1b", out + err)

    def test_empty(self):
        self.expect("empty.csv", "", "empty")
        self.write("header.csv", "a,b\n")
        self.assertEqual(self.json("profile", "header.csv")["row_count"], 0)
        self.fails("train", "header.csv", "--target", "a")

    def test_not_a_file(self):
        (self.folder / "folder.csv").mkdir()
        self.assertIn("folder.csv", self.fails("profile", "folder.csv"))
        self.assertIn("absent.csv", self.fails("profile", "absent.csv"))
        self.quern("profile", "/proc/self/limits", "--delimiter", "|", "--schema")  # says that it has no bytes

    def test_names(self):
        self.write("d.csv", "a,a,,a\n1,2,3,4\n")
        names = [c["name"] for c in self.json("profile", "d.csv")["columns"]]
        self.assertEqual(len(set(names)), 4)
        self.assertTrue(all(names))
        self.expect("long.csv", "x" * 5000 + ",b\n1,2\n", "name")

    def test_no_header(self):
        self.write("n.csv", "1,2\n3,4\n")
        profile = self.json("profile", "n.csv", "--no-header")
        self.assertEqual((profile["row_count"], [c["name"] for c in profile["columns"]]), (2, ["c1", "c2"]))

    def test_many_columns(self):
        n = 100_000
        self.write("wide.csv", ",".join(f"c{i}" for i in range(n)) + "\n" + ",".join("1" for _ in range(n)) + "\n"
                   + ",".join("2" for _ in range(n)) + "\n")
        schema = self.json("profile", "wide.csv", "--schema")
        self.assertEqual(len(schema["columns"]), n)
        self.write("wider.csv", "," * n + "\n")
        self.assertIn("column", self.fails("profile", "wider.csv"))

    def test_huge_field(self):
        self.expect("field.csv", "a,b\n1," + "x" * (20 << 20) + "\n", "line 2")

    def test_line_ends(self):
        for end in ("\n", "\r\n", "\r"):
            self.write("e.csv", f"a,b{end}1,x{end}2,y")
            profile = self.json("profile", "e.csv")
            self.assertEqual((profile["row_count"], profile["columns"][1]["distinct"]), (2, 2), repr(end))

    def test_compressed(self):
        self.write("g.csv.gz", gzip.compress(b"a,b\n1,2\n"))
        self.assertEqual(self.json("profile", "g.csv.gz")["row_count"], 1)
        self.expect("cut.csv.gz", gzip.compress(b"a,b\n" + b"1,2\n" * 9999)[:-20])

    def test_files_that_shrink_while_read(self):
        for name, header, row in (("s.csv", "a,b\n", "1,some text\n"), ("s.jsonl", "", '{"a":1,"b":"some text"}\n')):
            text = header + row * 500_000
            for delay in (0.005, 0.02, 0.05, 0.1):
                path = self.write(name, text)
                run = subprocess.Popen([QUERN, "profile", path, "--schema"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.PIPE, text=True)
                time.sleep(delay)
                os.truncate(path, len(text) // 3)
                _, err = run.communicate()
                self.assertIn(run.returncode, (0, 1), f"{name} {delay} {err}")

    def test_slow_stream(self):
        packed = gzip.compress(b"a,b\n1,2\n")
        run = subprocess.Popen([QUERN, "profile", "-", "--json"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for i in range(len(packed)):
            run.stdin.write(packed[i:i + 1])
            run.stdin.flush()
            time.sleep(0.001)
        out, _ = run.communicate()
        self.assertEqual(json.loads(out)["row_count"], 1)

    def test_damaged_parquet_and_json(self):
        self.expect("p.parquet", b"PAR1" + b"\0" * 100 + b"PAR1")
        self.expect("j.jsonl", '{"a":1}\n{"a":x}\n', "line 2")
        self.write("j2.jsonl", '{"a":1,"b":"x"}\n{"b":"y"}\n')
        profile = self.json("profile", "j2.jsonl")
        self.assertEqual((profile["row_count"], profile["columns"][0]["missing"]), (2, 1))

    def test_names_with_odd_characters(self):
        self.write("a*b?[c]'\".csv", "x\n1\n2\n")
        self.assertEqual(self.json("profile", "a*b?[c]'\".csv")["row_count"], 2)


class Types(Case):
    def types(self, text, *words):
        self.write("t.csv", text)
        return {c["name"]: c["type"] for c in self.json("profile", "t.csv", "--schema", *words)["columns"]}

    def test_inference_reads_every_row(self):
        text = "a\n" + "1\n" * 200_000 + "x\n"
        self.assertIn(self.types(text)["a"], ("category", "text"))
        self.assertEqual(self.types("a\n" + "1\n" * 200_000 + "1.5\n")["a"], "number")

    def test_codes_stay_text(self):
        got = self.types("zip,card,part,frac,plain\n01234,4111111111111111111,vmx-15,1-2,7\n"
                         "00501,4111111111111111112,vmx-16,3-4,8\n")
        for name in ("zip", "card", "part", "frac"):
            self.assertIn(got[name], ("category", "text"), name)
        self.assertEqual(got["plain"], "integer")

    def test_kinds(self):
        got = self.types("b,i,f,d,t\ntrue,1,1.5,2024-02-29,2024-02-29 10:00:00\nFALSE,-2,1e3,2023-12-31,2024-03-01 00:00:01\n")
        self.assertEqual(got, {"b": "boolean", "i": "integer", "f": "number", "d": "date", "t": "datetime"})

    def test_impossible_dates_stay_text(self):
        self.assertIn(self.types("d\n2023-02-30\n2023-01-01\n")["d"], ("category", "text"))

    def test_overrides(self):
        got = self.types("zip,when\n12,03/04/2024\n13,05/04/2024\n", "--types", "zip=text,when=date:%d/%m/%Y")
        self.assertEqual(got, {"zip": "text", "when": "date"})
        self.assertIn("zipp", self.fails("profile", "t.csv", "--types", "zipp=text"))
        err = self.fails("profile", "t.csv", "--types", "when=integer")
        self.assertIn("when", err)
        self.assertIn("03/04/2024", err)

    def test_missing_tokens(self):
        self.write("m.csv", "a,b\n1,NA\nNA,x\n?,y\n")
        columns = {c["name"]: c for c in self.json("profile", "m.csv")["columns"]}
        self.assertEqual((columns["a"]["missing"], columns["a"]["type"], columns["b"]["missing"]), (2, "integer", 1))
        columns = {c["name"]: c for c in self.json("profile", "m.csv", "--missing", "?")["columns"]}
        self.assertEqual((columns["a"]["missing"], columns["b"]["missing"]), (1, 0))


if __name__ == "__main__":
    unittest.main()
