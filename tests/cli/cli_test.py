"""The tool's conventions: exit statuses, streams, where flags may stand."""

import json
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

TOOL = Path("sim/heapsim").resolve()
SAMPLE = Path("traces/samples/perl-inventory.raw.zst").resolve()
PARTS = (
    "live_resident_bytes internal_bytes dead_bytes span_slack_bytes free_pages_bytes "
    "manual_bytes metadata_bytes lazyfree_bytes other_bytes"
).split()


def run(*args, **kwargs):
    kwargs.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([TOOL, *map(str, args)], capture_output=True, text=True, timeout=120, **kwargs)


class CliTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def assert_input_error(self, result, *words):
        """Exit 2, nothing on stdout, one line on stderr that holds the words."""
        self.assertEqual(2, result.returncode, result.stderr)
        self.assertEqual("", result.stdout)
        self.assertEqual(1, result.stderr.count("\n"), result.stderr)
        self.assertTrue(result.stderr.startswith("heapsim: "), result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)

    def verbs(self):
        lines = run("--help").stdout.split("Subcommands:\n")[1].splitlines()
        return [line.split()[0] for line in lines if line.startswith("  ")]

    def test_help_of_every_verb(self):
        self.assertIn("policies", self.verbs())
        for verb in self.verbs():
            result = run(verb, "--help")
            self.assertEqual(0, result.returncode, verb)
            self.assertIn("Usage: heapsim " + verb, result.stdout)

    def test_unknown_flags(self):
        for verb in self.verbs():
            self.assert_input_error(run(verb, "--no-such-flag"), verb, "--help")
        self.assert_input_error(run("--no-such-flag"), "--no-such-flag")

    def test_traces_from_traces(self):
        def info(path):
            return json.loads(run("info", "--json", path).stdout)

        made, out, text = self.folder / "made.htrace", self.folder / "o.htrace", self.folder / "o.txt"
        flags = ("--seed=3", "--events=20000", "--live=500")
        self.assertEqual(0, run("generate", *flags, "-o", made).returncode)
        whole = info(made)
        self.assertEqual(20000, whole["events"])
        for verb, events in [
            (("slice", made, "--last=5000"), 5000),
            (("merge", made, made), 40000),
            (("loop", made, "--rounds=3", "--keep-live"), 60000),
            (("scale", made, "--copies=2", "--sizes=1.5"), 40000),
            (("anonymize", made), 20000),
        ]:
            result = run(*verb, "-o", out)
            self.assertEqual(0, result.returncode, result.stderr)
            self.assertEqual(events, info(out)["events"], verb)
        self.assertEqual(0, run("export", made, "--to=android", "-o", text).returncode)
        self.assertEqual(whole["peak_live_bytes"], info(text)["peak_live_bytes"])
        left = sorted(self.folder.iterdir())
        for bad, word in [
            (("slice", made, "--first=20001", "-o", self.folder / "no"), "20001"),
            (("export", made, "--to=xml", "-o", self.folder / "no"), "xml"),
            (("loop", "-", "-o", self.folder / "no"), "file"),
            (("scale", made, "--sizes=0", "-o", self.folder / "no"), "above 0"),
            (("generate", "--live=0", "-o", self.folder / "no"), "live"),
            (("merge", made, self.folder / "missing", "-o", self.folder / "no"), "missing"),
        ]:
            self.assert_input_error(run(*bad), word)
        self.assertEqual(left, sorted(self.folder.iterdir()))

    def test_record(self):
        out = self.folder / "recorded.htrace"
        result = run("record", "-o", out, "--", "sh", "-c", "ls / >&2; exit 3")
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("status 3", result.stderr)
        facts = json.loads(run("info", "--json", out).stdout)
        self.assertEqual("heapsim-record", facts["format"])
        self.assertGreater(facts["malloc"], 10)
        self.assertEqual((0, 0, 1), tuple(facts[k] for k in ("free_unknown", "alloc_of_live_address", "distinct_threads")))
        self.assertEqual(0, run("replay", out).returncode)
        missing = run("record", "-o", self.folder / "no", "--", "no-such-command")
        self.assert_input_error(missing, "no-such-command")
        self.assertFalse((self.folder / "no").exists())

    def test_unknown_verb(self):
        self.assert_input_error(run("polices"), "policies")
        self.assert_input_error(run())

    def test_version(self):
        self.assertEqual(0, run("--version").returncode)

    def test_policies(self):
        result = run("policies")
        self.assertEqual(0, result.returncode)
        names = [line.split()[0] for line in result.stdout.splitlines()]
        self.assertTrue({"go1.10", "go1.10-explicit", "ideal"} <= set(names))
        for name in names:
            settings = run("policies", name)
            self.assertEqual(0, settings.returncode, name)
            self.assertIn("gc.bg_sweep_ns", settings.stdout)
        self.assert_input_error(run("policies", "go9.9"), "go1.10")

    def test_unwritable_stdout(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([TOOL, "policies"], stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(2, result.returncode)
        self.assertIn("stdout", result.stderr)

    def test_formats(self):
        result = run("formats")
        self.assertEqual(0, result.returncode)
        names = [line.split()[0] for line in result.stdout.splitlines()]
        self.assertTrue({"htrace", "android", "heaptrack-raw"} <= set(names))

    def write_trace(self):
        """A small recording: two live objects at most, one free of an unknown pointer."""
        path = self.folder / "trace.txt"
        path.write_text("7: malloc 0x1000 100\n7: calloc 0x2000 10 20\n8: free 0x1000\n8: free 0x9000\n")
        return path

    def test_info(self):
        trace = self.write_trace()
        result = run("info", trace)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertIn("peak_live_bytes", result.stdout)
        # --json never takes the next word, wherever it stands.
        for args in (["--json", trace], [trace, "--json"], [trace, "--json="]):
            result = run("info", *args)
            self.assertEqual(0, result.returncode, result.stderr)
            facts = json.loads(result.stdout)
            self.assertEqual(300, facts["peak_live_bytes"])
            self.assertEqual(1, facts["free_unknown"])
            self.assertIsNone(facts["duration_ns"])
        out = self.folder / "out.json"
        result = run("info", f"--json={out}", trace)
        self.assertEqual(facts, json.loads(out.read_text()))
        self.assertIn("peak_live_bytes", result.stdout)

    def test_info_reads_stdin(self):
        with open(self.write_trace()) as trace:
            result = run("info", "-", "--json", stdin=trace)
        self.assertEqual(4, json.loads(result.stdout)["events"], result.stderr)

    def test_import_keeps_the_facts(self):
        out = self.folder / "out.htrace"
        result = run("import", self.write_trace(), "-o", out)
        self.assertEqual(0, result.returncode, result.stderr)
        facts = [json.loads(run("info", "--json", path).stdout) for path in (self.write_trace(), out)]
        self.assertEqual(facts[0], facts[1])
        copy = self.folder / "copy.htrace"
        self.assertEqual(0, run("import", f"--output={copy}", out).returncode)
        self.assertEqual(out.read_bytes(), copy.read_bytes())

    def test_damage_leaves_no_output(self):
        good, bad, out = (self.folder / name for name in ("good.htrace", "bad.htrace", "out.htrace"))
        run("import", self.write_trace(), "-o", good)
        data = bytearray(good.read_bytes())
        data[len(data) // 2] ^= 1
        bad.write_bytes(data)
        self.assert_input_error(run("import", bad, "-o", out), str(bad), "offset")
        self.assert_input_error(run("info", bad), str(bad), "offset")
        self.assertEqual({good, bad, self.folder / "trace.txt"}, set(self.folder.iterdir()))

    def test_info_of_what_is_no_trace(self):
        path = self.folder / "no-trace"
        path.write_text("nothing of the kind\n")
        out = self.folder / "out.json"
        self.assert_input_error(run("info", path, f"--json={out}"), str(path))
        self.assertFalse(out.exists())
        self.assert_input_error(run("info", self.folder / "missing"), "missing")
        self.assert_input_error(run("info", self.write_trace(), "--from=no-such"), "no-such", "formats")
        self.assert_input_error(run("info", self.write_trace(), "--pid=12345"), "12345")

    def test_unwritable_output_is_told_first(self):
        result = run("info", self.write_trace(), f"--json={self.folder}/no/out.json")
        self.assert_input_error(result, "no/out.json")

    def replay(self, *args, status=0):
        """The result of replaying the sample."""
        out = self.folder / "result.json"
        result = run("replay", SAMPLE, f"--json={out}", *args)
        self.assertEqual(status, result.returncode, result.stderr)
        return json.loads(out.read_text())

    def test_replay_parts_sum_to_rss(self):
        for policy in ("go1.10", "go1.10-explicit", "ideal"):
            result = self.replay(f"--policy={policy}")
            rss = result["memory"]["peak_rss_bytes"]
            self.assertEqual(rss, sum(result["parts"][part] for part in PARTS))
            self.assertGreaterEqual(rss, result["trace"]["peak_live_bytes"])
            for sample in result["series"]:
                self.assertEqual(sample["rss_bytes"], sum(sample[part] for part in PARTS))
                self.assertLessEqual(sample["rss_bytes"], rss)

    def test_replay_gives_the_same_every_time(self):
        first, second = self.replay(), self.replay()
        first.pop("timing"), second.pop("timing")
        self.assertEqual(first, second)
        self.assertNotEqual(first["state_hash"], self.replay("--policy=go1.10-explicit")["state_hash"])

    def test_replay_of_the_imported_trace_is_the_same(self):
        trace = self.folder / "sample.htrace"
        self.assertEqual(0, run("import", SAMPLE, "-o", trace).returncode)
        result = json.loads(run("replay", "--json", trace).stdout)
        expected = self.replay()
        expected.pop("timing"), result.pop("timing")
        self.assertEqual(expected, result)

    def test_replay_writes_what_was_asked_for(self):
        out = {kind: self.folder / f"out.{kind}" for kind in ("csv", "result")}
        result = run("replay", *[f"--{kind}={path}" for kind, path in out.items()], SAMPLE)
        self.assertEqual(0, result.returncode, result.stderr)
        self.assertEqual("", result.stderr)
        self.assertIn("peak RSS", result.stdout)
        self.assertIn("when recorded", result.stdout)
        rows = out["csv"].read_text().splitlines()
        self.assertTrue(rows[0].startswith("event,time_ns,live_bytes,rss_bytes,"))
        self.assertGreater(len(rows), 100)
        self.assertEqual(set(out.values()), set(self.folder.iterdir()))

    def test_settings(self):
        result = self.replay("--set=procs=1", "--set=objects.scan=all", "--seed=7")
        self.assertEqual(1, result["policy"]["procs"])
        self.assertEqual("all", result["policy"]["objects"]["scan"])
        self.assertEqual(7, result["seed"])
        policy = self.folder / "mine.textproto"
        policy.write_text("procs: 2")
        self.assertEqual(2, self.replay(f"--policy={policy}")["policy"]["procs"])
        for flag, words in {
            "--policy=go9.9": ["go1.10"],
            "--set=objects.skan=all": ["objects.scan"],
            "--set=objects.scan=some": ["recorded, none, all"],
            "--settle=soon": ["--settle"],
            "--time=never": ["--time"],
            "--samples=-1": ["--samples"],
        }.items():
            self.assert_input_error(run("replay", SAMPLE, flag), *words)

    def test_release_at_takes_a_sample_before_and_after(self):
        result = self.replay("--release-at=150000", "--release-at=100000")
        for event in (100000, 150000):
            before, after = [s for s in result["series"] if s["event"] == event]
            self.assertGreater(before["dead_bytes"], 0)
            self.assertEqual(after["dead_bytes"], 0)
            self.assertGreaterEqual(before["rss_bytes"], after["rss_bytes"])

    def test_out_of_memory_leaves_a_partial_result(self):
        result = self.replay("--set=os.limit_bytes=2MiB", status=3)
        self.assertFalse(result["complete"])
        self.assertIn("memory", result["stopped"])
        result = self.replay("--set=os.limit_bytes=2MiB", "--on-oom=continue")
        self.assertTrue(result["complete"])
        self.assertGreater(result["os"]["oom_events"], 0)

    def test_interrupt_leaves_a_partial_result(self):
        trace = self.folder / "sample.htrace"
        run("import", SAMPLE, "-o", trace)
        data = trace.read_bytes()
        out = self.folder / "out.json"
        with subprocess.Popen(
            [TOOL, "replay", "-", f"--json={out}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:
            # The replayer waits in the middle of the trace while the signal comes.
            process.stdin.write(data[: len(data) // 2])
            process.stdin.flush()
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            process.communicate(data[len(data) // 2 :], timeout=60)
        self.assertEqual(3, process.returncode)
        self.assertFalse(json.loads(out.read_text())["complete"])

    def test_conform_of_what_is_no_log(self):
        log = self.folder / "log.txt"
        log.write_text("nothing of the kind\n")
        self.assert_input_error(run("conform", log), str(log))
        self.assert_input_error(run("conform", self.folder / "missing"), "missing")


if __name__ == "__main__":
    unittest.main()
