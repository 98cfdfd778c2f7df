"""What other tools read of a replay: pprof profiles by Go's pprof, Perfetto traces by structure."""

import contextlib
import gzip
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

TOOL = "sim/heapsim"
PERL = "traces/samples/perl-inventory.raw.zst"


class ExportTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"]))
        for name in ("pprof", "perfetto", "sqlite", "json"):
            setattr(cls, name, cls.folder / name)
        subprocess.run(
            [TOOL, "replay", PERL, "--detail"]
            + [f"--{name}={getattr(cls, name)}" for name in ("pprof", "perfetto", "sqlite", "json")],
            check=True,
            capture_output=True,
        )
        cls.result = json.loads(cls.json.read_text())
        cls.peak = [s for s in cls.result["detail"]["snapshots"] if s["label"] == "peak"][0]

    def top(self, index):
        """The rows of `pprof -top`: flat bytes by function name."""
        env = dict(os.environ, HOME=str(self.folder), GOCACHE=str(self.folder / "go"), GOFLAGS="-mod=mod")
        out = subprocess.run(
            ["go", "tool", "pprof", "-top", "-nodecount=100000", "-nodefraction=0", "-unit=B", f"-sample_index={index}", str(self.pprof)],
            check=True,
            capture_output=True,
            text=True,
            env=env,
        ).stdout
        rows = {}
        for line in out.splitlines():
            row = re.match(r" *([0-9.]+)B? +[0-9.]+% +[0-9.]+% +[0-9.]+B? +[0-9.]+% +(.*)$", line)
            if row:
                rows[row.group(2)] = rows.get(row.group(2), 0) + float(row.group(1))
        self.assertTrue(rows, out)
        return rows

    @unittest.skipUnless(shutil.which("go"), "there is no go here")
    def test_go_tool_pprof_reads_the_profile(self):
        for index, field in (
            ("pinned_pages", "pinned_bytes"),
            ("inuse_space", "live_bytes"),
            ("wasted_space", "wasted_bytes"),
        ):
            rows = self.top(index)
            sites = {site["id"]: site["frames"] for site in self.result["detail"]["call_sites"]}
            expected = {}
            for use in self.peak["sites"]:
                leaf = sites[use["site"]][0]
                expected[leaf] = expected.get(leaf, 0) + use[field]
            largest = max(expected, key=expected.get)
            self.assertAlmostEqual(rows[largest], expected[largest], delta=1)
            self.assertAlmostEqual(sum(rows.values()), sum(expected.values()), delta=len(rows))

    def test_all_call_sites_are_in_the_profile(self):
        self.assertEqual(self.peak["other_sites_count"], 0)
        profile = gzip.decompress(self.pprof.read_bytes())
        for word in (b"pinned_pages", b"wasted_space", b"inuse_objects", b"policy go1.10"):
            self.assertIn(word, profile)

    def test_the_database_has_the_result(self):
        with contextlib.closing(sqlite3.connect(self.sqlite)) as db:
            query = lambda sql: db.execute(sql).fetchall()
            peak = self.result["memory"]["peak_rss_bytes"]
            self.assertEqual(query("SELECT value FROM result WHERE metric = 'memory.peak_rss_bytes'"), [(peak,)])
            self.assertEqual(query("SELECT max(rss_bytes), count(*) FROM series"), [(peak, len(self.result["series"]))])
            self.assertEqual(query("SELECT value FROM run WHERE key = 'policy'"), [("go1.10",)])
            self.assertEqual(query("SELECT count(*) FROM marks WHERE kind = 'gc'"), [(self.result["gc"]["cycles"],)])
            classes = query(
                "SELECT sum(c.span_slack_bytes), s.span_slack_bytes FROM size_classes c JOIN snapshots s"
                " ON c.snapshot = s.number WHERE s.label = 'peak'"
            )
            self.assertEqual(classes, [(self.result["parts"]["span_slack_bytes"],) * 2])
            sites = query(
                "SELECT sum(u.pinned_bytes) FROM sites u JOIN snapshots s ON u.snapshot = s.number"
                " JOIN call_sites c ON c.id = u.site WHERE s.label = 'peak'"
            )
            self.assertEqual(sites, [(sum(use["pinned_bytes"] for use in self.peak["sites"]),)])
            self.assertEqual(query("PRAGMA integrity_check"), [("ok",)])

    def test_the_perfetto_trace_has_every_sample_and_mark(self):
        trace = self.perfetto.read_bytes()
        # Packets are field 1 of the trace: a length each, one after the other.
        packets, at = [], 0
        while at < len(trace):
            self.assertEqual(trace[at], 0x0A)
            at += 1
            length = shift = 0
            while True:
                byte = trace[at]
                at += 1
                length |= (byte & 0x7F) << shift
                shift += 7
                if byte < 0x80:
                    break
            packets.append(trace[at : at + length])
            at += length
        self.assertEqual(at, len(trace))
        series, marks = self.result["series"], self.result["detail"]["marks"]
        parts = [field for field in self.result["parts"] if any(sample[field] for sample in series)]
        self.assertGreater(len(parts), 4)
        kinds = {mark["kind"] for mark in marks}
        self.assertEqual(kinds, {"gc", "sweep"})
        counters = 2 + len(parts)
        # The run, the process, the tracks; their values, the beginnings and ends of their slices.
        self.assertEqual(
            len(packets), 2 + counters + len(kinds) + counters * len(series) + 2 * len(marks)
        )
        for word in (b"perl-inventory.raw.zst, policy go1.10", b"dead, not yet swept", b"sweeping"):
            self.assertIn(word, trace)


if __name__ == "__main__":
    unittest.main()
