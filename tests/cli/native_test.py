"""Policies that are measured in a real process, through every output of `replay`, `compare` and `check`."""

import csv
import io
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import unittest
from pathlib import Path

TOOL = Path("sim/heapsim").resolve()
TRACE = Path("traces/samples/perl-inventory.raw.zst").resolve()
OTHER = Path("traces/samples/sqlite3-parts.raw.zst").resolve()
LIBRARIES = ["glibc", "jemalloc", "tcmalloc", "mimalloc"]
PARTS = "live_resident internal dead span_slack free_pages manual metadata lazyfree other".split()


def run(*args, **environment):
    return subprocess.run(
        [TOOL, *map(str, args)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, **environment},
    )


@unittest.skipIf("HEAPSIM_SANITIZER" in os.environ, "a sanitizer brings a malloc of its own")
class NativeTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def test_what_is_not_known_is_null(self):
        files = {name: self.folder / name for name in ("json", "csv", "html", "perfetto", "sqlite", "result")}
        result = run("replay", TRACE, "--policy=native:glibc", *(f"--{n}={f}" for n, f in files.items()))
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertRegex(result.stdout, r"collections +-\n")
        self.assertIn("state -", result.stdout)
        self.assertIn("another run", result.stdout)
        replay = json.loads(files["json"].read_text())
        for key in ("parts", "gc", "heap", "state_hash"):
            self.assertIn(key, replay)
            self.assertIsNone(replay[key], key)
        self.assertEqual({"page_faults"}, {key for key, value in replay["os"].items() if value is not None})
        memory = replay["memory"]
        self.assertIsNone(memory["peak_mapped_bytes"])
        self.assertGreater(memory["peak_rss_bytes"], memory["mean_rss_bytes"])
        live = replay["trace"]["peak_live_bytes"]
        self.assertTrue(live < memory["peak_rss_bytes"] < 1.5 * live)
        self.assertGreater(replay["os"]["page_faults"] * 4096, live)
        self.assertTrue(all(replay["fragmentation"][key] > 1 for key in (
            "peak_rss_over_peak_live", "mean_rss_over_live", "rss_over_live_at_peak_live", "rss_over_live_at_peak_rss")))
        self.assertEqual(max(s["rss_bytes"] for s in replay["series"]), memory["peak_rss_bytes"])
        self.assertTrue(all(s[f"{part}_bytes"] is None for s in replay["series"] for part in PARTS))
        rows = list(csv.DictReader(io.StringIO(files["csv"].read_text())))
        self.assertEqual(len(replay["series"]), len(rows))
        self.assertEqual("", rows[0]["dead_bytes"])
        self.assertIn("native:glibc", files["html"].read_text())
        with sqlite3.connect(files["sqlite"]) as base:
            self.assertEqual(len(rows), base.execute("select count(*) from series").fetchone()[0])
        self.assertTrue(files["result"].stat().st_size > 0 and files["perfetto"].stat().st_size > 0)

    def test_what_needs_the_heap_is_refused(self):
        for args in (["replay", TRACE, f"--pprof={self.folder / 'p'}"], ["explain", TRACE]):
            result = run(*args, "--policy=native:glibc")
            self.assertEqual(2, result.returncode, result.stderr)
            self.assertEqual(1, result.stderr.count("\n"), result.stderr)

    def test_check(self):
        check = ["check", TRACE, "--policy=native:glibc"]
        self.assertEqual(0, run(*check, "--limit=memory.peak_rss_bytes<=100MiB").returncode)
        self.assertEqual(1, run(*check, "--limit=memory.peak_rss_bytes<=1MiB").returncode)
        base = self.folder / "base.json"
        base.write_text(run("replay", TRACE, "--policy=native:glibc", "--json").stdout)
        result = run(*check, f"--baseline={base}", "--limit=memory.mean_rss_bytes<=+20%")
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)
        # A number that is not there cannot keep a limit.
        result = run(*check, "--limit=os.cost_ns<=1000000")
        self.assertNotEqual(0, result.returncode)
        self.assertIn("os.cost_ns", result.stdout + result.stderr)

    def test_compare(self):
        files = {name: self.folder / name for name in ("json", "csv", "html", "result")}
        policies = ["go1.10-explicit", *(f"native:{library}" for library in LIBRARIES), "ideal"]
        result = run("compare", TRACE, OTHER, *(f"--policy={p}" for p in policies), "--jobs=2",
                     *(f"--{n}={f}" for n, f in files.items()))
        comparison = json.loads(files["json"].read_text())
        installed = set(policies)
        for cell in comparison["cells"]:
            if cell["status"] != "ok":
                self.assertRegex(cell["status"], r"is not installed on this machine; install the package \S+$")
                installed.discard(cell["policy"])
        self.assertEqual(int(len(installed) < len(policies)), result.returncode, result.stderr)
        summary = {row["policy"]: row for row in comparison["summary"]}
        for policy in installed:
            native = policy.startswith("native:")
            self.assertEqual(native, summary[policy]["cost_ratio"] is None)
            self.assertTrue(0.1 < summary[policy]["peak_rss_ratio"]["low"] < 10)
            if native:
                self.assertFalse(summary[policy]["pareto"] or summary[policy]["pareto_of_allocators"])
                self.assertRegex(result.stdout, rf"(?m)^  {policy} .* -  +-$")
        rows = list(csv.DictReader(io.StringIO(files["csv"].read_text())))
        self.assertEqual({""}, {r["os.cost_ns"] for r in rows if r["policy"].startswith("native:")})
        self.assertIn("native:glibc", files["html"].read_text())

    def test_a_process_that_dies_is_a_failed_cell(self):
        if "not installed" in run("replay", TRACE, "--policy=native:jemalloc").stderr:
            self.skipTest("libjemalloc2 is not installed")
        # jemalloc aborts at what it cannot understand, if so asked.
        broken = {"MALLOC_CONF": "abort_conf:true,nonsense:1"}
        result = run("compare", TRACE, "--policy=native:glibc", "--policy=native:jemalloc", "--json", **broken)
        self.assertEqual(1, result.returncode, result.stderr)
        glibc, jemalloc = json.loads(result.stdout)["cells"]
        self.assertEqual("ok", glibc["status"])
        self.assertRegex(jemalloc["status"], r"was ended by signal 6 \(Aborted\): .*invalid conf")

    def test_finished_cells_are_kept(self):
        compare = ["compare", TRACE, "--policy=native:glibc", "--json", f"--resume={self.folder}"]
        first, second = (json.loads(run(*compare).stdout)["cells"] for _ in range(2))
        self.assertEqual(first, second)

    def test_policies(self):
        listed = run("policies").stdout
        for library in LIBRARIES:
            self.assertTrue(re.search(rf"(?m)^native:{library} +measured: ", listed), listed)
        self.assertIn("native_glibc: measured", run("policies", "native:glibc").stdout)


if __name__ == "__main__":
    unittest.main()
