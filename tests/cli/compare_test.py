"""`heapsim compare` as a process: cells, summary, failures, resuming."""

import contextlib
import csv
import json
import re
import sqlite3
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

TOOL = Path("sim/heapsim").resolve()
SAMPLES = Path("traces/samples").resolve()
TRACES = [SAMPLES / "perl-inventory.raw.zst", SAMPLES / "sqlite3-parts.raw.zst"]
POLICIES = ["go1.10", "go1.10-explicit", "ideal"]


def run(*args):
    return subprocess.run(
        [TOOL, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240
    )


def compare(*args):
    return run("compare", *args)


def flags(policies):
    return [f"--policy={policy}" for policy in policies]


def parsed(text):
    """The JSON without what differs between runs."""
    comparison = json.loads(text)
    for cell in comparison["cells"]:
        if cell["result"] is not None:
            del cell["result"]["timing"]
    return comparison


class CompareTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        result = compare(*TRACES, *flags(POLICIES), "--json", "--jobs=1")
        assert result.returncode == 0, result.stderr
        cls.comparison = parsed(result.stdout)

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

    def test_cells_are_replays(self):
        cells = self.comparison["cells"]
        self.assertEqual(
            [(str(trace), policy) for trace in TRACES for policy in POLICIES],
            [(cell["trace"], cell["policy"]) for cell in cells],
        )
        replay = json.loads(run("replay", TRACES[0], "--policy=go1.10-explicit", "--json").stdout)
        del replay["timing"], replay["series"]
        self.assertEqual(("ok", 1, replay), tuple(cells[1][key] for key in ("status", "seed", "result")))

    def test_summary(self):
        summary = {row["policy"]: row for row in self.comparison["summary"]}
        self.assertEqual(POLICIES, list(summary))
        peaks = [
            [cell["result"]["memory"]["peak_rss_bytes"] for cell in self.comparison["cells"] if cell["policy"] == policy]
            for policy in ("go1.10", "ideal")
        ]
        ratios = [ideal / go for go, ideal in zip(*peaks)]
        ideal = summary["ideal"]
        self.assertAlmostEqual((ratios[0] * ratios[1]) ** 0.5, ideal["peak_rss_ratio"]["value"], 7)
        self.assertAlmostEqual(min(ratios), ideal["peak_rss_ratio"]["low"], 7)
        self.assertAlmostEqual(max(ratios), ideal["peak_rss_ratio"]["high"], 7)
        self.assertEqual(str(TRACES[ratios.index(max(ratios))]), ideal["worst_trace"])
        self.assertEqual({"value": 1, "low": 1, "high": 1}, summary["go1.10"]["cost_ratio"])
        self.assertTrue(ideal["pareto"])
        self.assertFalse(summary["go1.10"]["pareto"])

    def test_detail(self):
        """The heap of every cell, in the page and in the database, is that of the replay by itself."""
        page, base, plain = (self.folder / name for name in ("report.html", "cells.sqlite", "plain.html"))
        cells = self.folder / "cells"
        for _ in range(2):  # the second time from the folder
            result = compare(*TRACES, *flags(POLICIES), f"--html={page}", f"--sqlite={base}", "--json", f"--resume={cells}")
            self.assertEqual(0, result.returncode, result.stderr)
            self.assertEqual(self.comparison, parsed(result.stdout))
            data = json.loads(re.search(r'id="data">(.*?)</script', page.read_text())[1])
            for run_data in data["runs"]:
                labels = [snapshot["label"] for snapshot in run_data["detail"]["snapshots"]]
                heap = run_data["policy"] != "ideal"
                self.assertEqual([1, 1, 16] if heap else [0, 0, 0], [labels.count(name) for name in ("peak", "end", "sample")])
                if heap:
                    frames = run_data["detail"]["call_sites"]["frames"]
                    self.assertTrue(any("+0x" in data["names"][frame] for frames_of in frames for frame in frames_of))
        self.assertLess(page.stat().st_size, 2_500_000)
        single = self.folder / "replay.json"
        run("replay", TRACES[1], "--policy=go1.10-explicit", "--detail", f"--json={single}")
        peak = [s for s in json.loads(single.read_text())["detail"]["snapshots"] if s["label"] == "peak"][0]
        with contextlib.closing(sqlite3.connect(base)) as db:
            rows = db.execute("SELECT trace, policy, status FROM cells ORDER BY cell").fetchall()
            self.assertEqual([(str(t), p, "ok") for t in TRACES for p in POLICIES], rows)
            self.assertEqual(
                [(use["slot_bytes"], use["live_slots"]) for use in peak["size_classes"]],
                db.execute(
                    "SELECT slot_bytes, live_slots FROM size_classes c JOIN snapshots s ON s.cell = c.cell AND s.number = c.snapshot"
                    " WHERE s.label = 'peak' AND s.cell = 5").fetchall())
            peaks = db.execute("SELECT value FROM result WHERE metric = 'memory.peak_rss_bytes' ORDER BY cell").fetchall()
            self.assertEqual([c["result"]["memory"]["peak_rss_bytes"] for c in self.comparison["cells"]], [value for value, in peaks])
            ratios = db.execute("SELECT policy, peak_rss_ratio, cost_ratio_low FROM summary").fetchall()
            self.assertEqual(
                [(r["policy"], r["peak_rss_ratio"]["value"], r["cost_ratio"]["low"]) for r in self.comparison["summary"]], ratios)
        perfetto = self.folder / "perfetto"
        result = compare(TRACES[1], *flags(POLICIES), f"--html={plain}", "--no-detail", f"--perfetto={perfetto}")
        for policy in POLICIES:
            self.assertIn(f"sqlite3-parts.raw.zst, policy {policy}".encode(), perfetto.read_bytes())
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertNotIn('"snapshots"', plain.read_text().split('id="data">')[1].split("</script")[0].split('"explanations"')[0])

    def test_jobs_change_nothing(self):
        result = compare(*TRACES, *flags(POLICIES), "--json", "--jobs=4")
        self.assertEqual(self.comparison, parsed(result.stdout))

    def test_grid(self):
        grid = self.folder / "grid.textproto"
        grid.write_text("gc { percent: [100, 300] } procs: [1, 4]")
        out = self.folder / "cells.csv"
        result = compare(TRACES[1], "--policy=go1.10", f"--grid={grid}", f"--csv={out}", "--seed=1", "--seed=2")
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("go1.10 procs=4 gc.percent=300", result.stdout)
        rows = list(csv.DictReader(out.read_text().splitlines()))
        self.assertEqual(10, len(rows))
        self.assertEqual(["1", "2"] * 5, [row["seed"] for row in rows])
        peak = "memory.peak_rss_bytes"
        self.assertEqual(rows[0][peak], rows[6][peak])  # procs=4 gc.percent=100 is go1.10
        self.assertNotEqual(rows[0][peak], rows[8][peak])

    def test_a_damaged_trace_does_not_stop_the_others(self):
        good, bad = self.folder / "good.htrace", self.folder / "bad.htrace"
        run("import", TRACES[1], "-o", good)
        data = bytearray(good.read_bytes())
        data[len(data) // 2] ^= 1
        bad.write_bytes(data)
        result = compare(bad, good, *flags(POLICIES), "--json")
        self.assertEqual(1, result.returncode, result.stderr)
        comparison = parsed(result.stdout)
        self.assertEqual([False] * 3 + [True] * 3, [cell["status"] == "ok" for cell in comparison["cells"]])
        self.assertIn("offset", comparison["cells"][0]["status"])
        self.assertIsNone(comparison["cells"][0]["result"])
        self.assertEqual([1, 1, 1], [row["traces"] for row in comparison["summary"]])
        self.assertTrue(comparison["summary"][2]["pareto"])
        self.assert_input_error(compare(bad, "--policy=ideal"), "bad.htrace", "offset")

    def test_one_damaged_trace_of_forty(self):
        traces = []
        for seed in range(40):
            path = self.folder / f"{seed}.htrace"
            made = run("generate", "-o", path, f"--seed={seed}", "--events=2000")
            self.assertEqual(0, made.returncode, made.stderr)
            traces.append(path)
        data = bytearray(traces[17].read_bytes())
        data[len(data) // 2] ^= 1
        traces[17].write_bytes(data)
        table = compare(*traces, *flags(POLICIES))
        self.assertEqual(1, table.returncode, table.stderr)
        self.assertIn("Failed: 3 of 120 cells", table.stdout)
        self.assertIn("17.htrace, ideal, seed 1: ", table.stdout)
        self.assertIn("3 of 120 cells failed", table.stderr)
        comparison = parsed(compare(*traces, *flags(POLICIES), "--json").stdout)
        failed = {cell["trace"] for cell in comparison["cells"] if cell["status"] != "ok"}
        self.assertEqual({str(traces[17])}, failed)
        self.assertEqual([39] * 3, [row["traces"] for row in comparison["summary"]])
        # The other 39 are compared as if there were no fortieth.
        rest = compare(*traces[:17], *traces[18:], *flags(POLICIES), "--json")
        self.assertEqual(0, rest.returncode)
        ratios = [
            [{key: row[key] for key in row if key != "failed_cells"} for row in c["summary"]]
            for c in (comparison, parsed(rest.stdout))
        ]
        self.assertEqual(*ratios)

    def test_killed_and_resumed(self):
        kept = self.folder / "kept"
        long = self.folder / "long.htrace"
        self.assertEqual(0, run("loop", TRACES[0], "--rounds=12", "-o", long).returncode)
        arguments = ["compare", long, *flags(POLICIES), "--seed=1", "--seed=2", "--seed=3", "--jobs=1", "--json"]
        whole = run(*arguments)
        self.assertEqual(0, whole.returncode, whole.stderr)
        killed = subprocess.Popen(
            [TOOL, *map(str, arguments), f"--resume={kept}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not (kept.is_dir() and any(path.suffix == ".cell" for path in kept.iterdir())):
            self.assertIsNone(killed.poll())
            time.sleep(0.005)
        killed.kill()
        killed.wait()
        before = {path: path.stat().st_mtime_ns for path in kept.iterdir() if path.suffix == ".cell"}
        self.assertLess(len(before), 9)
        resumed = run(*arguments, f"--resume={kept}")
        self.assertEqual(0, resumed.returncode, resumed.stderr)
        self.assertEqual(parsed(whole.stdout), parsed(resumed.stdout))
        for path, written in before.items():
            self.assertEqual(written, path.stat().st_mtime_ns)

    def test_a_simulation_that_ends_is_a_failed_cell(self):
        result = compare(TRACES[1], "--policy=ideal", "--policy=go1.10", "--set=os.limit_bytes=1MiB", "--json")
        self.assertEqual(1, result.returncode)
        status = parsed(result.stdout)["cells"][1]["status"]
        self.assertIn("memory", status)

    def test_resume(self):
        kept = self.folder / "kept"
        first = compare(TRACES[0], *flags(POLICIES), f"--resume={kept}", "--json")
        self.assertEqual(0, first.returncode, first.stderr)
        files = {path: path.stat().st_mtime_ns for path in kept.iterdir()}
        self.assertEqual(3, len(files))
        # What is there is not run again; a file that was cut off is.
        cut = min(files)
        cut.write_bytes(cut.read_bytes()[:100])
        both = compare(*TRACES, *flags(POLICIES), f"--resume={kept}", "--json")
        self.assertEqual(self.comparison, parsed(both.stdout))
        self.assertEqual(6, len(list(kept.iterdir())))
        for path, written in files.items():
            self.assertEqual(path != cut, path.stat().st_mtime_ns == written)
        # The same trace under another name is the same; another seed is not.
        copy = self.folder / "copy"
        copy.write_bytes(TRACES[0].read_bytes())
        compare(copy, *flags(POLICIES), f"--resume={kept}")
        self.assertEqual(6, len(list(kept.iterdir())))
        compare(copy, "--policy=ideal", "--seed=2", f"--resume={kept}")
        self.assertEqual(7, len(list(kept.iterdir())))

    def test_search(self):
        grid = self.folder / "grid.textproto"
        grid.write_text(
            'search { path: "gc.percent" min: 20 max: 400 log_scale: true } search { path: "procs" min: 1 max: 8 }'
        )
        third = self.folder / "third.htrace"
        run("generate", "-o", third, "--seed=5", "--events=20000")
        arguments = (*TRACES, third, "--policy=go1.10", f"--grid={grid}", "--search=12", "--max-cost=1.5")
        kept = self.folder / "kept"
        result = compare(*arguments, "--json", f"--resume={kept}")
        self.assertEqual(0, result.returncode, result.stderr)
        comparison = parsed(result.stdout)
        search = comparison["search"]
        self.assertEqual(12, len(search["points"]))
        self.assertEqual("gc.percent=100 procs=4", search["points"][0]["settings"])
        self.assertEqual(1, search["points"][0]["objective"])
        self.assertEqual(12, len({point["settings"] for point in search["points"]}))
        self.assertEqual(2, len(search["searched_traces"]))
        self.assertEqual(1, len(search["held_back_traces"]))
        self.assertEqual({*map(str, TRACES), str(third)}, {*search["searched_traces"], *search["held_back_traces"]})
        # The best is the least that was found; it is what the table shows beside the first.
        tried = {p["settings"]: p["objective"] for p in search["points"] if p["objective"] is not None}
        self.assertEqual(min(tried.values()), tried[search["best"]])
        self.assertLess(search["searched_objective"], 1)
        self.assertEqual(search["searched_objective"], tried[search["best"]])
        self.assertEqual(["go1.10", "go1.10 " + search["best"]], [row["policy"] for row in comparison["summary"]])
        self.assertLessEqual(search["searched"]["cost_ratio"]["value"], 1.5)
        # Again the same; no cell runs twice.
        self.assertEqual(2 * 12 + 2, len(list(kept.iterdir())))
        self.assertEqual(comparison, parsed(compare(*arguments, "--json").stdout))
        table = compare(*arguments, f"--resume={kept}")
        self.assertEqual(2 * 12 + 2, len(list(kept.iterdir())))
        self.assertIn("12 settings tried by seed 1", table.stdout)
        self.assertIn("held back", table.stdout)

        # A trace is read once, however many settings are tried.
        piped = [str(argument) for argument in (*TRACES, "-", *arguments[3:], "--json")]
        with open(third, "rb") as trace:
            result = subprocess.run([TOOL, "compare", *piped], stdin=trace, capture_output=True, text=True, timeout=240)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertEqual(search["points"], json.loads(result.stdout)["search"]["points"])

        self.assert_input_error(compare(TRACES[0], f"--grid={grid}", "--search=5"), "--search", "held back")
        self.assert_input_error(compare(*TRACES, "--policy=ideal", "--search=5"), "--search", "--grid")
        self.assert_input_error(compare(*TRACES, f"--grid={grid}", "--max-cost=2"), "--max-cost", "--search")
        grid.write_text('search { path: "procs" min: 8 max: 1 }')
        self.assert_input_error(compare(*TRACES, f"--grid={grid}", "--search=5"), str(grid), "'procs' is empty")

    def test_wrong_calls(self):
        self.assert_input_error(compare(TRACES[0]), "--policy")
        self.assert_input_error(compare(TRACES[0], "--policy=go9"), "did you mean")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", "--policy=ideal"), "two policies")
        self.assert_input_error(compare(TRACES[0], TRACES[0], "--policy=ideal"), "twice")
        self.assert_input_error(compare(self.folder / "none", "--policy=ideal"), "none")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", "--jobs=0"), "--jobs")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", "--engine=cloud"), "local")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", f"--json={self.folder}/no/x"), "no/x")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", f"--resume={TRACES[0]}"), "--resume")
        self.assert_input_error(compare("-", "--policy=ideal", f"--resume={self.folder}"), "--resume")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", "--pprof=x"), "replay TRACE --policy=NAME --pprof=FILE")
        self.assert_input_error(compare(TRACES[0], "--policy=ideal", "--detail", "--no-detail"), "leave one of them out")
        grid = self.folder / "grid.textproto"
        grid.write_text('axis { path: "procs" }')
        self.assert_input_error(compare(TRACES[0], f"--grid={grid}"), str(grid), "axis 1", "value")
        for text, *words in (
            ("procs: [1, 0]", "procs cannot be '0'", "from 1 to 1024"),
            ("gc { percent: [] }", "gc.percent is an empty list"),
            ("gc { percnt: [1] }", ":1:12:", "percent"),
            ("page_allocator: [PAGE_ALLOCATOR_BEST]", "page_allocator", "PAGE_ALLOCATOR_BEST_FIT"),
            ('policy: "go1.11"', "go1.10"),
        ):
            grid.write_text(text)
            self.assert_input_error(compare(TRACES[0], f"--grid={grid}"), str(grid), *words)

    def test_standard_input(self):
        with open(TRACES[1], "rb") as trace:
            result = subprocess.run(
                [TOOL, "compare", "-", *flags(POLICIES), "--json"], stdin=trace, capture_output=True, text=True, timeout=240
            )
        self.assertEqual(0, result.returncode, result.stderr)
        peaks = [[cell["result"]["memory"] for cell in c["cells"][-3:]] for c in (parsed(result.stdout), self.comparison)]
        self.assertEqual(*peaks)


if __name__ == "__main__":
    unittest.main()
