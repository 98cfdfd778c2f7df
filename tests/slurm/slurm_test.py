"""`heapsim compare --engine=slurm` on a real cluster finds what the local run finds."""

import json
import signal
import subprocess
import time
import unittest
from pathlib import Path

from cluster import Cluster

TOOL = Path("sim/heapsim").resolve()
SAMPLES = Path("traces/samples").resolve()
GRID = """
policy: ["go1.10", "go1.10-explicit", "ideal"]
procs: [1, 4]
gc { percent: [50, 200] }
"""


def without_timing(path):
    """The text of a JSON file but for the only part that differs between runs."""
    comparison = json.loads(path.read_text())
    for cell in comparison["cells"]:
        del cell["result"]["timing"]
    return json.dumps(comparison)


class SlurmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(4)
        cls.cluster.__enter__()
        cls.addClassCleanup(cls.stop)
        cls.base = cls.cluster.base
        cls.grid = cls.base / "grid.textproto"
        cls.grid.write_text(GRID)
        # Long enough that a task can be caught while it runs.
        long = cls.base / "long.htrace"
        subprocess.run([TOOL, "loop", SAMPLES / "perl-inventory.raw.zst", "--rounds=60", "-o", long], check=True)
        cls.traces = [long, SAMPLES / "perl-inventory.raw.zst", SAMPLES / "sqlite3-parts.raw.zst"]
        started = time.monotonic()
        process = cls.compare(cls.base / "local", "--jobs=2")
        cls.local, err = process.communicate(timeout=600)
        assert process.returncode == 0, err
        print(f"36 cells here: {time.monotonic() - started:.1f} s")

    @classmethod
    def stop(cls):
        cls.cluster.__exit__()
        assert all(cls.cluster.tasks(node) == (set(), set()) for node in cls.cluster.nodes)

    @classmethod
    def compare(cls, folder, *arguments, traces=None, grid=None, **environment):
        folder.mkdir(exist_ok=True)
        outputs = [f"--json={folder}/json", f"--csv={folder}/csv"]
        return subprocess.Popen(
            [TOOL, "compare", *(traces or cls.traces), f"--grid={grid or cls.grid}", *outputs, *arguments],
            cwd=cls.base,
            env={**cls.cluster.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process, seconds):
        out, err = process.communicate(timeout=seconds)
        self.assertEqual(0, process.returncode, err)
        return out

    def assert_as_local(self, table, folder, local=None):
        local = local or self.base / "local"
        self.assertEqual(self.local if local.name == "local" else (local / "table").read_text(), table)
        self.assertEqual((local / "csv").read_bytes(), (folder / "csv").read_bytes())
        self.assertEqual(without_timing(local / "json"), without_timing(folder / "json"))

    def ended(self):
        """The tasks that Slurm has seen end, a line each."""
        path = self.base / "log" / "jobcomp.txt"
        return path.read_text().splitlines() if path.exists() else []

    def a_task_runs(self):
        return any(self.cluster.tasks(node)[0] for node in self.cluster.nodes)

    def test_grid(self):
        started = time.monotonic()
        process = self.compare(self.base / "slurm", "--engine=slurm", "--cells-per-task=2")
        self.disturb(process)
        slurm = self.finish(process, 600)
        print(f"36 cells on the cluster, two of whose tasks were killed: {time.monotonic() - started:.1f} s")
        self.assert_as_local(slurm, self.base / "slurm")
        # Slurm itself saw that something happened.
        states = "\n".join(self.ended())
        self.assertIn("JobState=COMPLETED", states)
        self.assertRegex(states, "JobState=(CANCELLED|NODE_FAIL|FAILED)")
        self.assertEqual([], list(self.base.glob("heapsim-compare-*")))

    def test_killed_and_resumed(self):
        """The tasks of a heapsim that is no more go on, and are those of the next one."""
        kept = self.base / "kept"
        arguments = ("--engine=slurm", "--cells-per-task=2", f"--resume={kept}")
        before = len(self.ended())
        killed = self.compare(self.base / "killed", *arguments)
        self.cluster.wait_for(lambda: list(kept.glob("*.cell")) and self.a_task_runs(), 120, "a finished cell")
        killed.kill()
        killed.communicate()
        self.assertEqual(-signal.SIGKILL, killed.returncode)
        self.assertTrue(self.a_task_runs(), "the array was over before heapsim was killed")
        finished = {path: path.stat().st_mtime_ns for path in kept.glob("*.cell")}
        self.assertLess(len(finished), 36)

        resumed = self.finish(self.compare(self.base / "resumed", *arguments), 600)
        self.assert_as_local(resumed, self.base / "resumed")
        self.assertEqual(finished, {path: path.stat().st_mtime_ns for path in finished})
        self.cluster.wait_for(lambda: len(self.ended()) >= before + 18, 60, "the end of every task")
        tasks = self.ended()[before:]
        self.assertEqual(18, len(tasks), tasks)
        self.assertTrue(all("JobState=COMPLETED" in task for task in tasks), tasks)
        # The cells are kept, and nothing else.
        self.assertEqual(36, len(list(kept.iterdir())))

    def test_real_allocators(self):
        """They run on the nodes; where a node lacks one, its cells say so and the others are compared."""
        hidden = self.base / "hidden"
        hidden.mkdir()
        (hidden / "libmimalloc.so.2").write_text("no library")
        grid = self.base / "native.textproto"
        grid.write_text('policy: ["go1.10-explicit", "native:glibc", "native:mimalloc"]')
        process = self.compare(
            self.base / "native", "--engine=slurm", traces=self.traces[1:], grid=grid, LD_LIBRARY_PATH=str(hidden)
        )
        _, err = process.communicate(timeout=300)
        self.assertEqual(1, process.returncode, err)
        self.assertIn("2 of 6 cells failed", err)
        comparison = json.loads((self.base / "native" / "json").read_text())
        for cell in comparison["cells"]:
            if cell["policy"] == "native:mimalloc":
                self.assertRegex(cell["status"], "libmimalloc.so.2 is not installed .* install the package libmimalloc2.0$")
                continue
            self.assertEqual("ok", cell["status"])
            replay = cell["result"]
            self.assertGreater(replay["memory"]["peak_rss_bytes"], replay["trace"]["peak_live_bytes"])
        self.assertEqual([2, 2, 0], [row["traces"] for row in comparison["summary"]])

    def test_search(self):
        grid = self.base / "search.textproto"
        grid.write_text('search { path: "gc.percent" min: 20 max: 400 log_scale: true }')
        third = self.base / "third.htrace"
        subprocess.run([TOOL, "generate", "--seed=5", "--events=20000", "-o", third], check=True)
        arguments = ("--policy=go1.10", "--policy=ideal", "--search=5")
        traces = [*self.traces[1:], third]
        local, slurm = self.base / "search-here", self.base / "search-slurm"
        table = self.finish(self.compare(local, *arguments, traces=traces, grid=grid), 300)
        (local / "table").write_text(table)
        started = time.monotonic()
        table = self.finish(self.compare(slurm, *arguments, "--engine=slurm", traces=traces, grid=grid), 300)
        print(f"5 evaluations on the cluster: {time.monotonic() - started:.1f} s")
        self.assert_as_local(table, slurm, local)
        self.assertEqual([], list(self.base.glob("heapsim-compare-*")))

    def disturb(self, process):
        """Cancels a task that waits or runs, and takes a node away from a running one."""
        cancelled = []

        def cancel():
            self.assertIsNone(process.poll(), "the comparison was over before it could be disturbed")
            queue = self.cluster.run("squeue", "--noheader", "--array", "--format=%F_%K").stdout.split()
            if queue:
                self.cluster.run("scancel", queue[-1])
                cancelled.append(queue[-1])
            return queue

        self.cluster.wait_for(cancel, 60, "a task in the queue")

        def kill():
            self.assertIsNone(process.poll(), "the comparison was over before a node could be killed")
            for node in self.cluster.nodes:
                if self.cluster.tasks(node)[0]:
                    return self.cluster.kill_node(node)
            return 0

        self.cluster.wait_for(kill, 60, "a task that runs")
        print("cancelled", *cancelled)


if __name__ == "__main__":
    unittest.main()
