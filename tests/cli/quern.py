"""What the command-line tests share: running the binary, making files."""
import csv
import io
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

QUERN = os.environ.get("QUERN", "build/release/quern")
ROOT = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "samples"


class Case(unittest.TestCase):
    """A test in an empty folder of its own."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def quern(self, *words, code=0, stdin=None, binary=None, text=True):
        """Runs quern; checks the exit code; returns (stdout, stderr)."""
        done = subprocess.run([binary or QUERN, *map(str, words)], cwd=self.folder, input=stdin, text=text,
                              capture_output=True, timeout=280)
        self.assertEqual(done.returncode, code, f"quern {' '.join(map(str, words))}\n{done.stdout}\n{done.stderr}")
        return done.stdout, done.stderr

    def json(self, *words, **options):
        out, _ = self.quern(*words, "--json", **options)
        return json.loads(out)

    def fails(self, *words, code=1, **options):
        """The error text of a run that must fail; it is one clear line and names no internals."""
        out, err = self.quern(*words, code=code, **options)
        self.assertTrue(err.startswith("quern: "), err)
        self.assertEqual(out, "")
        return err

    def write(self, name, text):
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def rows(self, text):
        return list(csv.DictReader(io.StringIO(text)))
