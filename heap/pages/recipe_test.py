"""The recipe in README.md quotes real code: each block must stand, line by line, in its file."""

import re
import unittest
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent

# The files of the example, in the order of the blocks.
FILES = [
    HERE / "worst_fit.h",
    HERE / "worst_fit.cc",
    HERE / "registry.cc",
    ROOT / "proto/policy.proto",
    HERE / "run_pages_test.cc",
]


def blocks(text):
    return re.findall(r"```\w+\n(.*?)```", text, re.DOTALL)


class RecipeTest(unittest.TestCase):
    def test_quotes(self):
        found = blocks((HERE / "README.md").read_text())
        self.assertEqual(len(FILES), len(found))
        for path, block in zip(FILES, found):
            self.assertIn(block, path.read_text(), path.name)

    def test_every_allocator_has_a_row_and_a_choice(self):
        names = re.findall(r'^    \{"(\w+)", Make<', (HERE / "registry.cc").read_text(), re.MULTILINE)
        self.assertGreater(len(names), 5)
        readme = (HERE / "README.md").read_text()
        proto = (ROOT / "proto/policy.proto").read_text()
        for name in names:
            self.assertIn(f"\n| `{name}` | ", readme)
            self.assertIn(f"PAGE_ALLOCATOR_{name.upper()} = ", proto)

    def test_headers_are_named(self):
        readme = (HERE / "README.md").read_text()
        for name in re.findall(r"`(\w+\.(?:h|cc))`", readme):
            self.assertTrue((HERE / name).is_file(), name)


if __name__ == "__main__":
    unittest.main()
