"""Every file and every name in docs/life-of-an-allocation.md is there."""

import os
import re
import unittest
from pathlib import Path

ROOT = Path(os.path.realpath(Path(__file__).parent.parent.parent / "WORKSPACE")).parent
STEP = re.compile(r"^\|([^|]*)\| `([^`|]+)` \| `([^`|]+)` \|$", re.MULTILINE)


class LifeTest(unittest.TestCase):
    def test_files_and_names_exist(self):
        text = (ROOT / "docs/life-of-an-allocation.md").read_text()
        steps = STEP.findall(text)
        rows = [line for line in text.splitlines() if line.startswith("|")]
        # Two lines of each table's head are no steps.
        heads = sum(line.startswith("| ---") for line in rows)
        self.assertEqual(len(steps), len(rows) - 2 * heads)
        self.assertGreater(len(steps), 30)
        for _, path, name in steps:
            with self.subTest(path=path, name=name):
                self.assertTrue((ROOT / path).is_file())
                self.assertRegex((ROOT / path).read_text(), r"\b" + re.escape(name) + r"\b")

    def test_every_layer_is_passed(self):
        text = (ROOT / "docs/life-of-an-allocation.md").read_text()
        for folder in ("traces/", "sim/replay/", "sim/machine/", "heap/", "heap/pages/", "sim/tool/", "analysis/"):
            self.assertIn("`" + folder, text)


if __name__ == "__main__":
    unittest.main()
