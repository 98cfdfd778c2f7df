"""`heapsim explain` names the right cause and the right culprit in cases made for it."""

import json
import os
import pathlib
import subprocess
import tempfile
import unittest

TOOL = "sim/heapsim"
PERL = "traces/samples/perl-inventory.raw.zst"


def run(*args, stdin=None):
    return subprocess.run([TOOL, *map(str, args)], capture_output=True, stdin=stdin, text=True, check=False)


class Recording:
    """A heaptrack recording of a program whose call sites are at 0x400100, 0x400200 ..."""

    def __init__(self, sites):
        self.lines = ["v 10400 3", "x 8 /bin/app", "I 1000 1000", "m 1 -", "m 1 x 400000 0 10000"]
        self.lines += [f"t {0x400000 + 0x100 * (i + 1):x} 0" for i in range(sites)]
        self.next = 0x10000000

    def malloc(self, site, size):
        self.next += 0x100000
        self.lines.append(f"+ {size:x} {site:x} {self.next:x}")
        return self.next

    def free(self, address):
        self.lines.append(f"- {address:x}")

    def time(self, ms):
        self.lines.append(f"c {ms:x}")

    def write(self, path):
        path.write_text("\n".join(self.lines) + "\n")
        return path


class ExplainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"]))

    def explain(self, trace, *args):
        out = self.folder / "out.json"
        result = run("explain", trace, f"--json={out}", *args)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(out.read_text()), result.stdout

    def leak(self):
        """Site 2 keeps every eighth object for ever, site 1 comes and goes."""
        r = Recording(2)
        for i in range(20000):
            r.time(i)
            passing = [r.malloc(1, 64 + i % 5 * 100) for _ in range(3)]
            if i % 2 == 0:
                r.malloc(2, 400)
            for address in passing:
                r.free(address)
        return r.write(self.folder / "leak.raw")

    def spike(self):
        """Site 2 takes 8 MiB in the middle and frees it all; site 1 goes on."""
        r = Recording(2)
        old = [r.malloc(1, 200) for _ in range(2000)]
        for i in range(40000):
            r.time(i)
            r.free(old[i % 2000])
            old[i % 2000] = r.malloc(1, 200)
            if i == 20000:
                for address in [r.malloc(2, 4096) for _ in range(2000)]:
                    r.free(address)
        return r.write(self.folder / "spike.raw")

    def pins(self):
        """Of each span of 64 bytes' 128 slots one stays, from site 2; site 1's others go."""
        r = Recording(2)
        going = []
        for i in range(128 * 600):
            if i % 128 == 5:
                r.malloc(2, 64)
            else:
                going.append(r.malloc(1, 64))
        for address in going:
            r.free(address)
        for _ in range(60000):
            r.free(r.malloc(1, 3000))
        return r.write(self.folder / "pins.raw")

    def assert_cause(self, explanation, text, kind, culprit):
        self.assertEqual(explanation["verdict"], kind, text)
        cause = [c for c in explanation["causes"] if c["kind"] == kind][0]
        self.assertEqual(cause["culprits"][0]["what"], culprit)
        self.assertGreaterEqual(cause["share_of_rss"], 0.2)
        self.assertEqual(cause["bytes"], max(c["bytes"] for c in explanation["causes"]))
        self.assertIn("rule: " + cause["rule"][:40], text)
        self.assertIn(culprit, text)

    def test_a_leak(self):
        for policy in ("go1.10", "go1.10-explicit"):
            explanation, text = self.explain(self.leak(), f"--policy={policy}")
            self.assert_cause(explanation, text, "leak", "app+0x200")
            self.assertEqual(len(explanation["causes"][0]["culprits"]), 1)

    def test_a_retained_spike(self):
        trace = self.spike()
        explanation, text = self.explain(trace, "--policy=go1.10-explicit", "--at=end")
        self.assert_cause(explanation, text, "retention", "app+0x200")
        # At its peak it was in use.
        explanation, _ = self.explain(trace, "--policy=go1.10-explicit")
        self.assertEqual(explanation["verdict"], "in_use")

    def test_one_long_lived_object_a_span(self):
        explanation, text = self.explain(self.pins(), "--policy=go1.10-explicit", "--at=end")
        self.assert_cause(explanation, text, "fragmentation", "app+0x200")
        site = explanation["snapshot"]["sites"][0]
        self.assertEqual(site["live_objects"], 600)
        self.assertEqual(site["pinned_bytes"], 600 * 8192)
        self.assertIn("600 objects of 37.5 KiB pin 4.7 MiB", text)

    def assert_verdicts(self, recording, kind, culprit, *args):
        """The same under a collector and with explicit frees."""
        trace = recording.write(self.folder / "variant.raw")
        for policy in ("go1.10", "go1.10-explicit"):
            with self.subTest(policy=policy):
                explanation, text = self.explain(trace, f"--policy={policy}", *(args or ["--at=end"]))
                self.assertEqual(explanation["verdict"], kind, text)
                if culprit:
                    cause = [c for c in explanation["causes"] if c["kind"] == kind][0]
                    self.assertEqual(cause["culprits"][0]["what"], culprit, text)

    def test_a_leak_of_tiny_objects_in_a_small_heap(self):
        r = Recording(2)
        for i in range(60000):
            r.time(i)
            passing = r.malloc(1, 64)
            r.malloc(2, 8)
            r.malloc(2, 8)
            r.free(passing)
        self.assert_verdicts(r, "leak", "app+0x200")

    def test_a_leak_beside_a_large_working_set(self):
        r = Recording(2)
        old = [r.malloc(1, 1000) for _ in range(10000)]
        for i in range(60000):
            r.time(i)
            r.free(old[i % 10000])
            old[i % 10000] = r.malloc(1, 1000)
            if i % 10 == 0:
                r.malloc(2, 1500)
        self.assert_verdicts(r, "leak", "app+0x200")

    def test_a_retained_spike_beside_a_small_leak(self):
        r = Recording(3)
        for i in range(30000):
            r.time(i)
            r.free(r.malloc(1, 100))
            if i % 8 == 0:
                r.malloc(2, 400)
            if i == 15000:
                for address in [r.malloc(3, 4096) for _ in range(4000)]:
                    r.free(address)
        self.assert_verdicts(r, "retention", "app+0x300")

    def test_a_leak_beside_a_retained_spike(self):
        r = Recording(3)
        for i in range(30000):
            r.time(i)
            r.free(r.malloc(1, 100))
            if i % 2 == 0:
                r.malloc(2, 400)
            if i == 15000:
                for address in [r.malloc(3, 4096) for _ in range(600)]:
                    r.free(address)
        self.assert_verdicts(r, "leak", "app+0x200")

    def test_long_lived_objects_that_fill_a_page(self):
        """One of the 8 slots of a span stays."""
        r = Recording(2)
        going = []
        for i in range(8 * 1000):
            if i % 8 == 5:
                r.malloc(2, 3072)
            else:
                going.append(r.malloc(1, 3072))
        for address in going:
            r.free(address)
        for _ in range(40000):
            r.free(r.malloc(1, 3000))
        self.assert_verdicts(r, "fragmentation", "app+0x200")

    def test_what_a_collector_lets_gather_is_in_use(self):
        r = Recording(2)
        for _ in range(20000):
            r.malloc(1, 500)
        for i in range(20000):
            r.time(i)
            r.free(r.malloc(2, 500))
        self.assert_verdicts(r, "in_use", None)
        explanation, text = self.explain(self.folder / "variant.raw", "--at=end")
        self.assertGreater(explanation["gc_headroom_bytes"], 5_000_000)
        self.assertIn("is garbage that the collector lets gather", " ".join(text.split()))

    def test_without_call_sites_sizes_stand_in(self):
        trace = self.folder / "plain.trace"
        # An import without call sites has none to keep.
        lines = [line for line in self.leak().read_text().splitlines() if line[0] not in "t"]
        trace.write_text("\n".join(lines) + "\n")
        explanation, text = self.explain(trace)
        self.assertEqual(explanation["verdict"], "leak", text)

    def test_moments(self):
        trace = self.spike()
        by_event, _ = self.explain(trace, "--at=50000")
        self.assertEqual(by_event["snapshot"]["event"], 50000)
        by_time, _ = self.explain(trace, "--at=25s")
        self.assertEqual(by_time["snapshot"]["time_ns"], 25_000_000_000)
        self.assertGreater(by_time["snapshot"]["event"], 50000)
        peak, _ = self.explain(trace)
        self.assertEqual(peak["snapshot"]["label"], "peak")
        out = self.folder / "replay.json"
        run("replay", trace, f"--json={out}")
        result = json.loads(out.read_text())
        self.assertEqual(peak["snapshot"]["rss_bytes"], result["memory"]["peak_rss_bytes"])
        self.assertEqual(peak["snapshot"]["span_slack_bytes"], result["parts"]["span_slack_bytes"])

    def test_difference_of_two_moments(self):
        diff, text = self.explain(self.spike(), "--at=peak", "--diff=end", "--policy=go1.10-explicit")
        self.assertEqual(diff["before"]["snapshot"]["label"], "peak")
        self.assertEqual(diff["after"]["snapshot"]["label"], "end")
        changed = {change["what"] for change in diff["parts"][:2]}
        self.assertEqual(changed, {"live objects", "free pages"})
        self.assertEqual(diff["sites"][0]["what"], "app+0x200")
        self.assertIn("free pages", text)

    def test_difference_of_two_policies(self):
        diff, text = self.explain(PERL, "--policy=go1.10", "--policy=go1.10-explicit")
        self.assertEqual(diff["before"]["policy"], "go1.10")
        self.assertEqual(diff["after"]["policy"], "go1.10-explicit")
        dead = [change for change in diff["parts"] if change["what"].startswith("dead")]
        self.assertGreater(dead[0]["before_bytes"], 0)
        self.assertEqual(dead[0]["after_bytes"], 0)
        self.assertIn("policy go1.10-explicit", text)

    def test_standard_input(self):
        with open(PERL, "rb") as stdin:
            piped = run("explain", "-", "--json", stdin=stdin)
        self.assertEqual(piped.returncode, 0, piped.stderr)
        filed = json.loads(run("explain", PERL, "--json").stdout)
        piped = json.loads(piped.stdout)
        self.assertEqual(piped["snapshot"], filed["snapshot"])
        self.assertEqual(piped["call_sites"], filed["call_sites"])

    def test_the_run_is_the_same(self):
        """--detail changes no number, and the JSON without it knows nothing of it."""
        plain = json.loads(run("replay", PERL, "--json").stdout)
        self.assertNotIn("detail", plain)
        detailed = json.loads(run("replay", PERL, "--detail", "--json").stdout)
        detail = detailed.pop("detail")
        detailed.pop("timing")
        plain.pop("timing")
        self.assertEqual(detailed, plain)
        self.assertEqual(len(detail["snapshots"]), 34)
        self.assertTrue(detail["has_call_sites"])
        gc = [mark for mark in detail["marks"] if mark["kind"] == "gc"]
        self.assertEqual(len(gc), plain["gc"]["cycles"])
        for snapshot in detail["snapshots"]:
            self.assertLessEqual(len(snapshot["map"]["run_cells"]), 16384)

    def assert_refused(self, words, *args):
        result = run("explain", PERL, *args)
        self.assertEqual(result.returncode, 2, result.stdout)
        self.assertEqual(result.stderr.count("\n"), 1, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def test_what_is_refused(self):
        self.assert_refused(["--at", "'soon' is no moment", "2.5s"], "--at=soon")
        self.assert_refused(["no event 999999999", "220575"], "--at=999999999")
        self.assert_refused(["no moment 10h", "ends at"], "--at=10h")
        self.assert_refused(["two sides"], "--policy=go1.10", "--policy=ideal", "--diff=end")
        self.assert_refused(["ideal has no heap to look at"], "--policy=ideal")


if __name__ == "__main__":
    unittest.main()
