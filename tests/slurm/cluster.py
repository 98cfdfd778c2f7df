"""A Slurm cluster on the loopback interface, for as long as a test runs."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

# No munge, systemd or cgroups; as root.
CONFIGURATION = """
ClusterName=heapsim
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/none
CredType=cred/none
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmctldPidFile={base}/run/slurmctld.pid
SlurmdPidFile={base}/run/slurmd-%n.pid
SlurmctldLogFile={base}/log/slurmctld.log
SlurmdLogFile={base}/log/slurmd-%n.log
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool/%n
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0,sched_min_interval=0,bf_interval=1
ReturnToService=2
MaxArraySize=100001
MaxJobCount=100000
MinJobAge=300
SlurmdTimeout=10
InactiveLimit=0
KillWait=5
BatchStartTimeout=10
JobRequeue=1
JobCompType=jobcomp/filetxt
JobCompLoc={base}/log/jobcomp.txt
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count):
    """Ports that nobody listens on at the moment."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    """Use as a context manager."""

    def __init__(self, nodes):
        self.nodes = [f"n{i + 1}" for i in range(nodes)]
        # A short path: sockets lie below it.
        self.base = Path(tempfile.mkdtemp(prefix="heapsim-slurm-", dir="/tmp"))
        self.daemons = {}
        controller_port, *ports = free_ports(nodes + 1)
        lines = [
            f"NodeName={name} NodeHostname=localhost NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=2000 State=UNKNOWN"
            for name, port in zip(self.nodes, ports)
        ]
        for folder in ("run", "state", "log", *(f"spool/{name}" for name in self.nodes)):
            (self.base / folder).mkdir(parents=True)
        self.configuration = self.base / "slurm.conf"
        self.configuration.write_text(
            CONFIGURATION.format(base=self.base, controller_port=controller_port, nodes="\n".join(lines))
        )
        self.environment = dict(os.environ, SLURM_CONF=str(self.configuration))
        self.environment["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"

    def __enter__(self):
        self.start("slurmctld", "slurmctld", "-D", "-f", self.configuration)
        for name in self.nodes:
            self.start(name, "slurmd", "-D", "-N", name, "-f", self.configuration)
        self.wait_for(
            lambda: self.run("sinfo", "--noheader", "--Node", "--format=%T").stdout.split() == ["idle"] * len(self.nodes),
            60,
            "the nodes to be idle",
        )
        return self

    def __exit__(self, *_):
        self.run("scancel", "--user=root")
        # What is left of tasks, then the daemons: each process that was started for this cluster.
        for name in self.nodes:
            self.kill_tasks(name)
        for daemon in self.daemons.values():
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(timeout=20)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        shutil.rmtree(self.base, ignore_errors=True)

    def start(self, name, *command):
        output = open(self.base / "log" / f"{name}.out", "w")
        self.daemons[name] = subprocess.Popen(
            [str(word) for word in command],
            env=self.environment,
            cwd=self.base,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        output.close()

    def run(self, *command):
        return subprocess.run(
            command, env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    def wait_for(self, condition, seconds, what):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text()[-2000:] for path in sorted((self.base / "log").glob("*")) if path.is_file())
                raise AssertionError(f"waited {seconds} s for {what}\n{logs}")
            time.sleep(0.1)

    def tasks(self, node):
        """The processes of jobs on a node of this cluster, and the slurmstepd above each."""
        marks = {f"SLURMD_NODENAME={node}".encode(), f"SLURM_CONF={self.configuration}".encode()}
        found, steps = set(), set()
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                if not marks <= set((process / "environ").read_bytes().split(b"\0")):
                    continue
                found.add(int(process.name))
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                if b"slurmstepd" in (Path("/proc") / str(parent) / "cmdline").read_bytes():
                    steps.add(parent)
            except (OSError, ValueError):
                continue  # it has ended
        return steps, found

    def kill_tasks(self, node):
        steps, processes = self.tasks(node)
        for process in [*steps, *processes]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass
        return len(processes)

    def kill_node(self, node):
        """As if its power failed."""
        daemon = self.daemons.pop(node)
        daemon.kill()
        daemon.wait()
        return self.kill_tasks(node)
