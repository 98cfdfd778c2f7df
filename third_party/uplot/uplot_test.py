"""The copy of uPlot is what it says: its version that of package-lock.json, its files those of SHA256SUMS."""

import hashlib
import json
import re
import unittest
from pathlib import Path

FOLDER = Path("third_party/uplot")


class UplotTest(unittest.TestCase):
    def test_files(self):
        lines = (FOLDER / "SHA256SUMS").read_text().splitlines()
        sums = dict(reversed(line.split("  ")) for line in lines)
        self.assertEqual({"LICENSE", "uPlot.iife.min.js", "uPlot.min.css"}, set(sums))
        for name, expected in sums.items():
            self.assertEqual(expected, hashlib.sha256((FOLDER / name).read_bytes()).hexdigest(), name)

    def test_version(self):
        script = (FOLDER / "uPlot.iife.min.js").read_text()
        version = re.match(r"/\*! https://github.com/leeoniya/uPlot \(v([0-9.]+)\) \*/", script).group(1)
        locked = json.loads(Path("package-lock.json").read_text())["packages"]["node_modules/uplot"]
        wanted = json.loads(Path("package.json").read_text())["devDependencies"]["uplot"]
        self.assertEqual((version, version), (locked["version"], wanted))
        self.assertEqual("MIT", locked["license"])

    def test_stands_in_a_script_element(self):
        self.assertNotIn("</script", (FOLDER / "uPlot.iife.min.js").read_text().lower())


if __name__ == "__main__":
    unittest.main()
