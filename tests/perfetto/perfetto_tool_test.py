"""Perfetto's own trace_processor_shell finds in a `--perfetto` file what the result says."""

import collections
import csv
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

TOOL = "sim/heapsim"
PERL = "traces/samples/perl-inventory.raw.zst"
SQLITE = "traces/samples/sqlite3-parts.raw.zst"
VARIABLE = "HEAPSIM_TRACE_PROCESSOR"

SLICES = {
    "gc": ("marking", "GC", "heap_live_bytes"),
    "sweep": ("sweeping", "sweep", "spans"),
    "scavenge": ("releases", "scavenge", "released_bytes"),
    "release": ("releases", "release", "released_bytes"),
    "out_of_memory": ("out of memory", "out of memory", "rss_bytes"),
}
PARTS = {
    "live objects": "live_resident_bytes",
    "rounding inside slots": "internal_bytes",
    "dead, not yet swept": "dead_bytes",
    "free slots of used spans": "span_slack_bytes",
    "free pages": "free_pages_bytes",
    "stacks, work buffers": "manual_bytes",
    "the allocator's own tables": "metadata_bytes",
    "lazily freed": "lazyfree_bytes",
    "other": "other_bytes",
}


def trace_processor():
    path = os.environ.get(VARIABLE)
    if not path:
        raise AssertionError(
            f"{VARIABLE} is not set: name Perfetto's trace_processor_shell, as in"
            f" --test_env={VARIABLE}=/opt/perfetto/trace_processor_shell"
        )
    if not os.access(path, os.X_OK):
        raise AssertionError(f"{VARIABLE}={path}: no program that can be run")
    return path


class Replayed:
    """A replay's result, and its trace as the real tool reads it."""

    def __init__(self, folder, *arguments, detail=True):
        self.folder = folder
        self.file = folder / "trace.pftrace"
        command = [TOOL, "replay", *arguments, f"--json={folder}/json", f"--perfetto={self.file}"]
        done = subprocess.run(command + ["--detail"] * detail, capture_output=True, text=True)
        assert done.returncode in (0, 3), done.stderr
        self.result = json.loads((folder / "json").read_text())
        self.series = self.result["series"]
        self.marks = self.result["detail"]["marks"] if detail else []

    def query(self, sql):
        """The rows of a query, all numbers as int."""
        query = self.folder / "query.sql"
        query.write_text(sql)
        done = subprocess.run(
            [trace_processor(), "-q", str(query), str(self.file)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        number = lambda text: int(float(text)) if text.lstrip("-").replace(".", "", 1).isdigit() else text
        # The shell ends with a line that is empty.
        rows = [row for row in csv.reader(done.stdout.splitlines()) if row]
        return [tuple(number(cell) for cell in row) for row in rows[1:]]


class PerfettoToolTest(unittest.TestCase):
    def replay(self, *arguments, **options):
        folder = pathlib.Path(tempfile.mkdtemp(dir=os.environ["TEST_TMPDIR"]))
        return Replayed(folder, *arguments, **options)

    def check_nothing_is_complained_of(self, run):
        wrong = "SELECT name, value FROM stats WHERE severity IN ('error', 'data_loss') AND value > 0"
        self.assertEqual(run.query(wrong), [])

    def check_counters(self, run, parts):
        counters = {
            row[0]: row[1:]
            for row in run.query(
                "SELECT t.name, count(*), min(c.ts), max(c.ts), max(c.value), sum(c.value), min(t.unit)"
                " FROM counter c JOIN counter_track t ON c.track_id = t.id GROUP BY t.id"
            )
        }
        fields = {"RSS": "rss_bytes", "live bytes": "live_bytes"}
        fields.update({name: field for name, field in parts.items() if any(s[field] for s in run.series)})
        times = [sample["time_ns"] for sample in run.series]
        self.assertEqual(
            counters,
            {
                name: (
                    len(times),
                    min(times),
                    max(times),
                    max(s[field] for s in run.series),
                    sum(s[field] for s in run.series),
                    "bytes",
                )
                for name, field in fields.items()
            },
        )
        self.assertEqual(counters["RSS"][3], run.result["memory"]["peak_rss_bytes"])

    def check_slices(self, run):
        slices = run.query(
            "SELECT t.name, s.name, count(*), sum(s.dur), min(s.dur), max(s.depth), min(s.ts), max(s.ts),"
            " sum(extract_arg(s.arg_set_id, 'debug.event'))"
            " FROM slice s JOIN track t ON s.track_id = t.id GROUP BY t.id, s.name ORDER BY 1, 2"
        )
        marks = collections.defaultdict(list)
        for mark in run.marks:
            marks[SLICES[mark["kind"]]].append(mark)
        expected = []
        for (track, name, value), found in sorted(marks.items()):
            durations = [mark["duration_ns"] for mark in found]
            times = [mark["time_ns"] for mark in found]
            # None is cut off (-1), none lies in another.
            expected.append(
                (track, name, len(found), sum(durations), min(durations), 0, min(times), max(times))
                + (sum(mark["event"] for mark in found),)
            )
            key = f"SELECT sum(extract_arg(arg_set_id, 'debug.{value}')) FROM slice WHERE name = '{name}'"
            self.assertEqual(run.query(key), [(sum(mark["value"] for mark in found),)])
        self.assertEqual(slices, expected)
        return {name: count for _, name, count, *_ in slices}

    def check_process(self, run, name):
        self.assertEqual(run.query("SELECT name FROM process WHERE upid > 0"), [(name,)])
        # All tracks are the process's, the parts below RSS.
        outside = "SELECT name FROM track WHERE name NOT IN (SELECT name FROM process_counter_track"
        self.assertEqual(run.query(outside + " UNION SELECT name FROM process_track)"), [])

    def test_a_collected_heap(self):
        run = self.replay(PERL)
        self.check_nothing_is_complained_of(run)
        self.check_process(run, "perl-inventory.raw.zst, policy go1.10")
        self.check_counters(run, PARTS)
        slices = self.check_slices(run)
        self.assertGreater(slices["GC"], 1)
        self.assertEqual(slices["GC"], run.result["gc"]["cycles"])

    def test_marking_that_takes_time(self):
        run = self.replay(
            SQLITE, "--settle=20m", "--set=gc.mark_bytes_per_second=20000000", "--set=objects.scan=all"
        )
        self.check_nothing_is_complained_of(run)
        self.check_slices(run)
        self.assertTrue([mark for mark in run.marks if mark["kind"] == "gc" and mark["duration_ns"] > 0])

    def test_parts_are_below_rss_and_sum_to_it_at_every_moment(self):
        run = self.replay(PERL)
        below = run.query(
            "SELECT c.name FROM track c JOIN track p ON c.parent_id = p.id WHERE p.name = 'RSS' ORDER BY"
            " extract_arg(c.source_arg_set_id, 'sibling_order_rank')"
        )
        self.assertEqual([row[0] for row in below], [n for n, f in PARTS.items() if any(s[f] for s in run.series)])
        unequal = run.query(
            "WITH v AS (SELECT c.ts, c.value, t.name, t.parent_id FROM counter c JOIN track t ON c.track_id = t.id),"
            " rss AS (SELECT ts, sum(value) AS v FROM v WHERE name = 'RSS' GROUP BY ts),"
            " parts AS (SELECT ts, sum(value) AS v FROM v WHERE parent_id IS NOT NULL GROUP BY ts)"
            " SELECT count(*), sum(rss.v != parts.v) FROM rss JOIN parts USING (ts)"
        )
        self.assertEqual(unequal, [(len({s["time_ns"] for s in run.series}), 0)])

    def test_releases_and_out_of_memory(self):
        # The scavenger looks after 2.5 minutes of rest; the release is asked for.
        run = self.replay(SQLITE, "--settle=20m", "--release-at=4000", "--set=os.limit_bytes=3000000", "--on-oom=continue")
        self.check_nothing_is_complained_of(run)
        self.check_counters(run, PARTS)
        slices = self.check_slices(run)
        self.assertEqual(slices["release"], 1)
        self.assertGreater(slices["scavenge"], 1)
        # More of them than moments, and still none below another.
        times = {mark["time_ns"] for mark in run.marks if mark["kind"] == "out_of_memory"}
        self.assertGreater(slices["out of memory"], len(times))

    def test_a_run_that_memory_ends(self):
        run = self.replay(SQLITE, "--set=os.limit_bytes=3000000")
        self.check_nothing_is_complained_of(run)
        self.check_counters(run, PARTS)
        self.assertEqual(self.check_slices(run)["out of memory"], 1)

    def test_without_a_collector_and_measured(self):
        run = self.replay(SQLITE, "--policy=go1.10-explicit")
        self.check_nothing_is_complained_of(run)
        self.check_counters(run, PARTS)
        self.assertEqual(self.check_slices(run), {})
        run = self.replay(SQLITE, "--policy=native:glibc", detail=False)
        self.check_nothing_is_complained_of(run)
        self.check_process(run, "sqlite3-parts.raw.zst, policy native:glibc")
        self.check_counters(run, {})
        self.assertEqual(self.check_slices(run), {})

    def test_the_run_is_named_in_the_metadata(self):
        run = self.replay(PERL)
        rows = dict(
            row[:1] + (row[1] if row[2] == "[NULL]" else row[2],)
            for row in run.query(
                "SELECT name, int_value, str_value FROM metadata WHERE name GLOB 'trace_attribute.*'"
            )
        )
        self.assertEqual(rows["trace_attribute.policy"], "go1.10")
        self.assertEqual(rows["trace_attribute.state_hash"], run.result["state_hash"])
        self.assertEqual(rows["trace_attribute.peak_rss_bytes"], run.result["memory"]["peak_rss_bytes"])


if __name__ == "__main__":
    unittest.main()
