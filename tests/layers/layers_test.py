"""Includes point one way: what each folder may include is a table in docs/design.md, checked here."""

import os
import re
import unittest
from pathlib import Path

# folder -> the folders of this project that it may include.
ALLOWED = {
    "proto": {"proto"},
    "heap": {"heap"},
    "traces": {"traces", "proto"},
    "analysis": {"analysis", "proto"},
    "sim": {"sim", "heap", "traces", "proto"},
    # The command line tool prints results, which is the business of analysis.
    "sim/tool": {"sim", "heap", "traces", "proto", "analysis"},
    "tests": {"sim", "heap", "traces", "proto", "analysis", "tests"},
}

# heap/ must make sense without the rest, so its way out is limited too.
HEAP_MAY_USE = {"heap", "absl"}

TESTS = ("_test.cc", "_bench.cc", "_benchmark.cc")

INCLUDE = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)


def find_root():
    link = Path(__file__).parent.parent.parent / "WORKSPACE"
    return Path(os.path.realpath(link)).parent


def folder_of(path):
    """The entry of ALLOWED that holds a path relative to the root: the longest one."""
    names = [n for n in ALLOWED if path == n or path.startswith(n + "/")]
    return max(names, key=len, default=None)


def faults(path, text):
    """The includes of a file that its folder may not have."""
    folder = folder_of(path)
    found = []
    for include in INCLUDE.findall(text):
        target = include.split("/")[0]
        # A unit test sits beside its unit, what several tests share in tests/.
        if target == "tests" and path.endswith(TESTS) and folder != "heap":
            continue
        if target in ALLOWED and target not in ALLOWED[folder]:
            found.append(f"{path} includes {include}: {folder}/ may include {sorted(ALLOWED[folder])}")
        elif target in ALLOWED and folder != "sim/tool" and include.startswith("sim/tool/") and folder != "tests":
            found.append(f"{path} includes {include}: nothing includes the tool")
        elif folder == "heap" and "/" in include and target not in HEAP_MAY_USE and target != "sys":
            # Unit tests beside their units bring their framework along.
            if not (path.endswith(TESTS) and target in ("gtest", "gmock", "benchmark")):
                found.append(f"{path} includes {include}: heap/ knows Abseil and itself only")
    return found


class LayersTest(unittest.TestCase):
    def test_sources(self):
        root = find_root()
        found, files = [], 0
        for folder in sorted({name.split("/")[0] for name in ALLOWED}):
            for path in sorted((root / folder).rglob("*")):
                if path.suffix in (".h", ".cc", ".inc") and path.is_file():
                    files += 1
                    found += faults(str(path.relative_to(root)), path.read_text())
        print(f"{files} files")
        self.assertEqual([], found)

    def test_each_folder_has_a_readme(self):
        root = find_root()
        for folder in sorted({name.split("/")[0] for name in ALLOWED}):
            self.assertTrue((root / folder / "README.md").is_file(), folder)

    def test_finds_a_fault(self):
        self.assertEqual(1, len(faults("heap/a.h", '#include "sim/machine/vm.h"\n')))
        self.assertEqual(1, len(faults("heap/a.h", "#include <google/protobuf/message.h>\n")))
        self.assertEqual(1, len(faults("sim/replay/a.cc", '#include "analysis/json.h"\n')))
        self.assertEqual([], faults("sim/tool/a.cc", '#include "analysis/json.h"\n'))
        self.assertEqual(1, len(faults("sim/replay/a.cc", '#include "sim/tool/verb.h"\n')))
        self.assertEqual([], faults("heap/a_test.cc", '#include "gtest/gtest.h"\n#include "heap/a.h"\n'))
        self.assertEqual([], faults("sim/replay/a_test.cc", '#include "tests/bench/trace.h"\n'))
        self.assertEqual(1, len(faults("sim/replay/a.cc", '#include "tests/bench/trace.h"\n')))
        self.assertEqual(1, len(faults("traces/a.cc", '#include "heap/a.h"\n')))


if __name__ == "__main__":
    unittest.main()
