"""`heapsim check` as a process: verdicts, exit statuses, files."""

import json
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

TOOL = Path("sim/heapsim").resolve()
TRACE = Path("traces/samples/perl-inventory.raw.zst").resolve()
PEAK = "memory.peak_rss_bytes"


def check(*args):
    return subprocess.run(
        [TOOL, "check", TRACE, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )


class CheckTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.shared = Path(folder.name)
        cls.whole = cls.shared / "whole.json"
        subprocess.run([TOOL, "replay", TRACE, f"--json={cls.whole}"], check=True, capture_output=True)
        cls.small = cls.shared / "small.json"
        assert check(f"--baseline={cls.small}", "--update").returncode == 0
        cls.peak = json.loads(cls.whole.read_text())["memory"]["peak_rss_bytes"]

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_input_error(self, result, *words):
        self.assertEqual(2, result.returncode, result.stderr)
        self.assertEqual("", result.stdout)
        self.assertEqual(1, result.stderr.count("\n"), result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_bounds_to_the_byte(self):
        for limit, status in (
            (f"{PEAK}<={self.peak}", 0),
            (f"{PEAK}<={self.peak - 1}", 1),
            (f"{PEAK}>={self.peak}", 0),
            (f"{PEAK}>={self.peak + 1}", 1),
            (f"{PEAK}=={self.peak}", 0),
            (f"{PEAK}<=1GiB", 0),
        ):
            self.assertEqual(status, check(f"--limit={limit}").returncode, limit)

    def test_relative_to_either_baseline(self):
        for baseline in (self.whole, self.small):
            for bound, status in (("+0%", 0), ("+2%", 0), ("-1%", 1), ("-1", 1), ("+4KiB", 0)):
                result = check(f"--baseline={baseline}", f"--limit={PEAK}<={bound}")
                self.assertEqual(status, result.returncode, bound)

    def test_baseline_of_any_shape(self):
        shaped = self.folder / "shaped.json"
        shaped.write_text('{"z":[],\n\n "memory" : { "later":"x", "peak_rss_bytes":%d} }' % (self.peak * 2))
        self.assertEqual(0, check(f"--baseline={shaped}", f"--limit={PEAK}<=-50%").returncode)
        self.assertEqual(1, check(f"--baseline={shaped}", f"--limit={PEAK}<=-51%").returncode)

    def test_a_broken_limit_says_why(self):
        junit, table = self.folder / "junit.xml", self.folder / "table.md"
        result = check(
            f"--baseline={self.whole}", f"--limit={PEAK}<=+2%", "--limit=os.oom_events==0", "--set=gc.percent=300",
            f"--junit={junit}", f"--markdown={table}",
        )
        self.assertEqual(1, result.returncode)
        for words in ("2 limits, 1 broken", "BROKEN", "gc.percent was 100 and is 300", "parts.dead_bytes", "curves part"):
            self.assertIn(words, result.stdout)
        suite = xml.etree.ElementTree.parse(junit).getroot().find("testsuite")
        self.assertEqual(("2", "1"), (suite.get("tests"), suite.get("failures")))
        cases = suite.findall("testcase")
        self.assertEqual([f"{PEAK}<=+2%", "os.oom_events==0"], [case.get("name") for case in cases])
        self.assertIn("gc.percent", cases[0].find("failure").text)
        self.assertIsNone(cases[1].find("failure"))
        self.assertIn("| **broken** |", table.read_text())

    def test_a_broken_limit_names_size_classes(self):
        kept = json.loads(self.small.read_text())["size_classes"]
        self.assertLessEqual(len(kept), 16)
        self.assertGreater(kept["slots of 4,096 bytes"], 1 << 20)
        result = check(f"--baseline={self.small}", f"--limit={PEAK}<=+2%", "--set=gc.percent=300")
        self.assertEqual(1, result.returncode)
        self.assertRegex(result.stdout, r"Size classes that grew at the peak: slots of [0-9,]+ bytes \+[0-9.]+ [KM]iB \(")
        # From a pipe it says the same.
        with open(TRACE, "rb") as trace:
            piped = subprocess.run(
                [TOOL, "check", "-", f"--baseline={self.small}", f"--limit={PEAK}<=+2%", "--set=gc.percent=300"],
                stdin=trace, capture_output=True, text=True, check=False,
            )
        self.assertEqual(1, piped.returncode)
        reasons = [line for line in result.stdout.splitlines() if "Size classes" in line]
        self.assertEqual(reasons, [line for line in piped.stdout.splitlines() if "Size classes" in line])

    def test_an_older_version_is_read_and_named(self):
        old = self.folder / "old.json"
        text = json.loads(self.small.read_text())
        text["version"] = "0.0.1"
        del text["size_classes"]
        old.write_text(json.dumps(text))
        result = check(f"--baseline={old}", f"--limit={PEAK}<=+2%")
        self.assertEqual(0, result.returncode)
        self.assertIn("made by version 0.0.1", result.stderr)

    def test_limits_file(self):
        limits = self.folder / "limits.textproto"
        limits.write_text(f'limit {{ limit: "{PEAK}<=1MiB" name: "peak" reason: "the container is small" }}')
        result = check(f"--limits={limits}", f"--limit={PEAK}<=1GiB")
        self.assertEqual(1, result.returncode)
        self.assertIn("2 limits, 1 broken", result.stdout)
        self.assertIn("the container is small", result.stdout)

    def test_update(self):
        baseline = self.folder / "baseline.json"
        self.assertEqual(0, check(f"--baseline={baseline}", "--update").returncode)
        text = baseline.read_text()
        self.assertEqual(self.small.read_text(), text)
        # Small enough to be reviewed: the numbers, 16 points of the curve, 16 size classes and call sites.
        self.assertLess(text.count("\n"), 190)
        kept, whole = json.loads(text), json.loads(self.whole.read_text())
        for part in ("memory", "parts", "fragmentation", "os", "gc"):
            self.assertEqual(whole[part], kept[part])
            self.assertEqual(sorted(kept[part]), list(kept[part]))
        self.assertNotIn("series", kept)
        rss = {sample["event"]: sample["rss_bytes"] for sample in whole["series"]}
        self.assertEqual(16, len(kept["rss_bytes_at_event"]))
        for event, bytes_then in kept["rss_bytes_at_event"].items():
            self.assertEqual(rss[int(event)], bytes_then)
        broken = check(f"--baseline={baseline}", "--set=gc.percent=300", f"--limit={PEAK}<=+2%")
        self.assertRegex(broken.stdout, r"The curves part at event [0-9,]+ at the latest \(equal up to event [0-9,]+\)")
        result = check(f"--baseline={baseline}", "--update", "--set=gc.percent=300", "--limit=heap.next_gc<=+1%")
        self.assertEqual(0, result.returncode)
        self.assertIn(f"{PEAK} {self.peak:,} -> ", result.stdout)
        self.assertIn("next_gc", json.loads(baseline.read_text())["heap"])
        self.assertEqual([baseline], list(self.folder.iterdir()))

    def test_wrong_calls(self):
        self.assert_input_error(check(), "--limit")
        self.assert_input_error(check("--limit=memory.peak_rss<=5"), PEAK)
        far = check("--limit=timing.wall_seconds<=5")
        self.assert_input_error(far, "fragmentation", "docs/metrics.md")
        self.assertLess(len(far.stderr), 300)
        empty = self.folder / "empty.textproto"
        empty.write_text("# nothing yet\n")
        self.assert_input_error(check(f"--limits={empty}"), "empty.textproto", "holds no limit")
        self.assert_input_error(check(f"--limit={PEAK}<5"), "METRIC<=BOUND")
        self.assert_input_error(check(f"--limit={PEAK}<=+5%"), "--baseline")
        self.assert_input_error(check("--update"), "--baseline")
        self.assert_input_error(check(f"--limits={self.folder}/none"), "none")
        self.assert_input_error(check(f"--baseline={self.folder}/none", f"--limit={PEAK}<=+5%"), "none", "--update")

    def test_wrong_baselines(self):
        baseline = self.folder / "baseline.json"
        limit = f"--limit={PEAK}<=+5%"
        for text in ("", "{", "[]", '{"memory":{"peak_rss_bytes":"5"}}'):
            baseline.write_text(text)
            self.assert_input_error(check(f"--baseline={baseline}", limit), str(baseline))
        baseline.write_text('{"memory":{"peak_rss":5, "end_rss_bytes":5, "peak_mapped_bytes":null}}')
        self.assert_input_error(check(f"--baseline={baseline}", limit), PEAK, "memory.end_rss_bytes")
        result = check(f"--baseline={baseline}", "--limit=memory.peak_mapped_bytes<=+5%")
        self.assert_input_error(result, "memory.peak_mapped_bytes")

    def test_out_of_memory_is_no_verdict(self):
        baseline = self.folder / "baseline.json"
        for args in ([f"--limit={PEAK}<=1GiB"], [f"--baseline={baseline}", "--update"]):
            result = check("--set=os.limit_bytes=1MiB", *args)
            self.assertEqual(3, result.returncode)
            self.assertEqual("", result.stdout)
        self.assertEqual([], list(self.folder.iterdir()))

    def test_doubts(self):
        result = check(f"--baseline={self.small}", f"--limit={PEAK}<=+5%", "--policy=ideal")
        self.assertEqual(0, result.returncode)
        self.assertIn("go1.10", result.stderr)


if __name__ == "__main__":
    unittest.main()
