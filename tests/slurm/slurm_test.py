"""`heapsim compare --engine=slurm` on a real cluster finds what the local run finds."""

import json
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
    def compare(self, folder, *arguments):
        folder.mkdir()
        command = [TOOL, "compare", *self.traces, f"--grid={self.grid}", f"--json={folder}/json", f"--csv={folder}/csv"]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=self.cluster.base,
            env=self.cluster.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def finish(self, process, seconds):
        out, err = process.communicate(timeout=seconds)
        self.assertEqual(0, process.returncode, err)
        return out

    def test_grid(self):
        with Cluster(4) as self.cluster:
            base = self.cluster.base
            self.grid = base / "grid.textproto"
            self.grid.write_text(GRID)
            # Long enough that a task can be caught while it runs.
            long = base / "long.htrace"
            subprocess.run([TOOL, "loop", SAMPLES / "perl-inventory.raw.zst", "--rounds=60", "-o", long], check=True)
            self.traces = [long, SAMPLES / "perl-inventory.raw.zst", SAMPLES / "sqlite3-parts.raw.zst"]

            started = time.monotonic()
            local = self.finish(self.compare(base / "local", "--jobs=2"), 600)
            print(f"36 cells here: {time.monotonic() - started:.1f} s")

            started = time.monotonic()
            process = self.compare(base / "slurm", "--engine=slurm", "--cells-per-task=2")
            self.disturb(process)
            slurm = self.finish(process, 600)
            print(f"36 cells on the cluster, two of whose tasks were killed: {time.monotonic() - started:.1f} s")

            self.assertEqual(local, slurm)
            self.assertEqual((base / "local" / "csv").read_bytes(), (base / "slurm" / "csv").read_bytes())
            self.assertEqual(without_timing(base / "local" / "json"), without_timing(base / "slurm" / "json"))
            # Slurm itself saw that something happened.
            states = (base / "log" / "jobcomp.txt").read_text()
            self.assertIn("JobState=COMPLETED", states)
            self.assertRegex(states, "JobState=(CANCELLED|NODE_FAIL|FAILED)")
            self.assertEqual([], list(base.glob("heapsim-compare-*")))
        self.assertEqual([(set(), set())] * 4, [self.cluster.tasks(node) for node in self.cluster.nodes])

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
