"""docs/worked-example.md shows what its commands print."""

import shlex
import subprocess
import unittest
from pathlib import Path


class WorkedExampleTest(unittest.TestCase):
    def test_commands_print_what_is_shown(self):
        blocks, shown = [], None
        for line in Path("docs/worked-example.md").read_text().splitlines():
            if line.startswith("    $ heapsim "):
                shown = []
                blocks.append((shlex.split(line)[2:], shown))
            elif not line.startswith("    "):
                shown = None
            elif shown is not None and line != "    ...":
                shown.append(line[4:])
        self.assertEqual(len(blocks), 4)
        for arguments, lines in blocks:
            self.assertGreater(len(lines), 2)
            out = subprocess.run(["sim/heapsim", *arguments], capture_output=True, text=True, check=True).stdout
            rest = iter(out.splitlines())
            for line in lines:
                # In this order, each as it stands.
                self.assertTrue(any(line == printed for printed in rest), f"{arguments}: {line!r}\n{out}")


if __name__ == "__main__":
    unittest.main()
