"""`heapsim compare --engine=slurm` with commands that stand in for Slurm's, so that they can fail.

tests/slurm runs it on a real cluster.
"""

import json
import os
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

TOOL = Path("sim/heapsim").resolve()
FAKE = Path("tests/cli/fake_slurm.py").resolve()
TRACES = [str(Path("traces/samples").resolve() / name) for name in ("perl-inventory.raw.zst", "sqlite3-parts.raw.zst")]
ARGUMENTS = ["compare", *TRACES, "--policy=go1.10", "--policy=go1.10-explicit", "--policy=ideal", "--seed=1", "--seed=2"]


def without_timing(text):
    comparison = json.loads(text)
    for cell in comparison["cells"]:
        if cell["result"] is not None:
            del cell["result"]["timing"]
    return comparison


class SlurmTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        programs = self.folder / "bin"
        programs.mkdir()
        for name in ("sbatch", "squeue", "scancel", "scontrol"):
            (programs / name).symlink_to(FAKE)
        self.environment = dict(os.environ, PATH=f"{programs}:/usr/bin:/bin", FAKE_SLURM=str(self.folder))
        self.plan()

    def plan(self, **plan):
        (self.folder / "plan.json").write_text(json.dumps(plan))
        (self.folder / "calls.txt").write_text("")

    def calls(self, command):
        return [line for line in (self.folder / "calls.txt").read_text().splitlines() if line.startswith(command + " ")]

    def run_tool(self, *arguments):
        return subprocess.run(
            [TOOL, *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def slurm(self, *arguments):
        return self.run_tool(*ARGUMENTS, "--engine=slurm", *arguments)

    def assert_as_local(self, result):
        self.assertEqual(0, result.returncode, result.stderr)
        local = self.run_tool(*ARGUMENTS, "--json")
        self.assertEqual(without_timing(local.stdout), without_timing(result.stdout))

    def test_an_array(self):
        self.assert_as_local(self.slurm("--json"))
        self.assertEqual(1, len(self.calls("sbatch")))
        self.assertIn("--array=0-11", self.calls("sbatch")[0])
        self.assertEqual([], list(self.folder.glob("heapsim-*")))

    def test_chunks(self):
        self.plan(array=3)
        kept = self.folder / "kept"
        self.assert_as_local(self.slurm("--json", "--cells-per-task=2", f"--resume={kept}", "--sbatch=--partition=p"))
        arrays = [(call.split("--array=")[1].split()[0], call.split()[-1]) for call in self.calls("sbatch")]
        self.assertEqual([("0-2", "0"), ("0-2", "3")], arrays)
        self.assertIn(" --partition=p ", self.calls("sbatch")[0])
        # The cells are kept, and nothing else; they are not run again.
        self.assertEqual(12, len(list(kept.iterdir())))
        self.plan()
        self.assert_as_local(self.slurm("--json", f"--resume={kept}"))
        self.assertEqual([], self.calls("sbatch"))
        self.plan(array=3)
        self.assert_as_local(self.slurm("--json"))
        self.assertEqual(1, len(self.calls("sbatch")))  # four cells a task

    def test_lost_tasks_run_again(self):
        self.plan(lose={"3": 2, "7": 1}, busy={"squeue": 2, "sbatch": 1})
        self.assert_as_local(self.slurm("--json"))
        arrays = [call.split("--array=")[1].split()[0] for call in self.calls("sbatch")]
        self.assertEqual(["0-11", "0-11", "3,7", "3"], arrays)  # the first was not answered

    def test_what_stays_lost_is_named(self):
        self.plan(lose={"3": 99})
        result = self.slurm("--json", "--requeues=1")
        self.assertEqual(1, result.returncode, result.stderr)
        self.assertIn("1 of 12 cells failed", result.stderr)
        failed = [cell for cell in json.loads(result.stdout)["cells"] if cell["status"] != "ok"]
        self.assertEqual([(TRACES[0], "go1.10-explicit", 2)], [(c["trace"], c["policy"], c["seed"]) for c in failed])
        self.assertIn("lost on the cluster: task 2_3 ", failed[0]["status"])
        # What is finished is kept: only the lost one runs again.
        (kept,) = self.folder.glob("heapsim-compare-*")
        self.assertIn(f"--resume={kept.name}", result.stderr)
        self.plan()
        self.assert_as_local(self.slurm("--json", f"--resume={kept.name}"))
        self.assertEqual(["3"], [call.split("--array=")[1].split()[0] for call in self.calls("sbatch")])

    def test_held_tasks_run_again(self):
        self.plan(hang="launch failed requeued held")
        self.assert_as_local(self.slurm("--json"))
        self.assertEqual(2, len(self.calls("sbatch")))

    def test_a_damaged_trace_is_as_local(self):
        (self.folder / "bad.htrace").write_bytes(b"no trace")
        self.plan()
        arguments = ("compare", "bad.htrace", TRACES[1], "--policy=go1.10", "--policy=ideal", "--json")
        local, slurm = self.run_tool(*arguments), self.run_tool(*arguments, "--engine=slurm")
        self.assertEqual((1, 1), (local.returncode, slurm.returncode), slurm.stderr)
        self.assertEqual(without_timing(local.stdout), without_timing(slurm.stdout))

    def test_a_simulation_that_ends_is_as_local(self):
        arguments = (*ARGUMENTS, "--set=os.limit_bytes=1MiB", "--json")
        local, slurm = self.run_tool(*arguments), self.run_tool(*arguments, "--engine=slurm")
        self.assertEqual((1, 1), (local.returncode, slurm.returncode), slurm.stderr)
        self.assertEqual(without_timing(local.stdout), without_timing(slurm.stdout))

    def test_tasks_of_one_that_was_killed_are_adopted(self):
        self.plan(delay=1000)
        arguments = (*ARGUMENTS, "--engine=slurm", "--json", f"--resume={self.folder / 'kept'}")
        killed = subprocess.Popen(
            [TOOL, *arguments], cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 60
        while not self.calls("squeue"):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(killed.poll())
            time.sleep(0.05)
        killed.kill()
        killed.wait()
        plan = json.loads((self.folder / "plan.json").read_text())
        self.assertEqual(12, len(plan["delayed"]))
        # The controller does not answer at first, so that it is not known whether the tasks are lost.
        self.plan(**{**plan, "delay": 2, "busy": {"squeue": 2}})
        self.assert_as_local(self.run_tool(*arguments))
        self.assertEqual([], self.calls("sbatch"))
        self.assertEqual(4, len(self.calls("squeue")))

    def test_a_search(self):
        grid = self.folder / "grid.textproto"
        grid.write_text('search { path: "gc.percent" min: 20 max: 400 log_scale: true }')
        arguments = ("compare", *TRACES, "--policy=go1.10", f"--grid={grid}", "--search=4", "--json")
        local, slurm = self.run_tool(*arguments), self.run_tool(*arguments, "--engine=slurm")
        self.assertEqual((0, 0), (local.returncode, slurm.returncode), slurm.stderr)
        self.assertEqual(without_timing(local.stdout), without_timing(slurm.stdout))
        self.assertEqual(4, len(json.loads(slurm.stdout)["search"]["points"]))
        # The first policy, three more settings, and in the end what is held back.
        self.assertEqual(5, len(self.calls("sbatch")))
        self.assertEqual([], list(self.folder.glob("heapsim-*")))
        # A cluster that takes no jobs ends it.
        self.plan(refuse="Batch job submission failed: Invalid partition name specified")
        refused = self.run_tool(*arguments, "--engine=slurm")
        self.assertEqual((2, 1), (refused.returncode, refused.stderr.count("\n")), refused.stderr)

    def test_interrupt_cancels(self):
        self.plan(hang="Resources")
        running = subprocess.Popen(
            [TOOL, *ARGUMENTS, "--engine=slurm", "--json"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not self.calls("squeue"):
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
        self.assertEqual(1, running.returncode, err)
        self.assertFalse(json.loads(out)["complete"])
        self.assertEqual(1, len(self.calls("scancel")))

    def test_wrong_calls(self):
        def assert_input_error(result, *words):
            self.assertEqual(2, result.returncode, result.stderr)
            self.assertEqual("", result.stdout)
            self.assertEqual(1, result.stderr.count("\n"), result.stderr)
            for word in words:
                self.assertIn(word, result.stderr)
            self.assertEqual([], list(self.folder.glob("heapsim-*")))

        self.plan(refuse="Batch job submission failed: Invalid partition name specified")
        assert_input_error(self.slurm(), "Invalid partition name specified")
        assert_input_error(self.run_tool("compare", "-", "--policy=ideal", "--engine=slurm"), "--engine=slurm", "path")
        assert_input_error(self.run_tool(*ARGUMENTS, "--requeues=2"), "--requeues", "--engine=slurm")
        (self.folder / "bin" / "sbatch").unlink()
        self.environment["PATH"] = str(self.folder / "bin")
        assert_input_error(self.slurm(), "sbatch", "slurm-client", "--engine=local")


if __name__ == "__main__":
    unittest.main()
