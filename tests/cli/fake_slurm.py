#!/usr/bin/python3
"""Slurm's commands by the names of links to this file, for tests of what goes wrong with a cluster.

sbatch runs the tasks of an array at once; where the plan delays them, they wait in the queue and run when
squeue has been asked so often. What shall go wrong stands in plan.json of the folder that FAKE_SLURM
names; each call is a line of its calls.txt.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(os.environ["FAKE_SLURM"])


def load():
    return json.loads((FOLDER / "plan.json").read_text())


def save(plan):
    (FOLDER / "plan.json").write_text(json.dumps(plan))


def fails(plan, command):
    """Whether the controller does not answer this time."""
    left = plan.get("busy", {}).get(command, 0)
    if left:
        plan["busy"][command] = left - 1
        save(plan)
    return left > 0


def indices(text):
    for part in text.split(","):
        first, _, last = part.partition("-")
        yield from range(int(first), int(last or first) + 1)


def run(key, job, command, output):
    environment = dict(os.environ, SLURM_ARRAY_TASK_ID=key)
    with open(output.replace("%A", str(job)).replace("%a", key), "w") as out:
        subprocess.run(["sh", *command], env=environment, stdout=out, stderr=out, check=False)


def sbatch(plan, arguments):
    flags = dict(word[2:].partition("=")[::2] for word in arguments if word.startswith("--"))
    if "refuse" in plan:
        sys.exit(f"sbatch: error: {plan['refuse']}")
    command = [word for word in arguments if not word.startswith("--")]
    job = plan["job"] = plan.get("job", 0) + 1
    for task in indices(flags["array"]):
        key = str(task)
        if plan.get("hang"):
            plan.setdefault("queue", []).append(f"{flags['job-name']}|{job}|{task}|PENDING|{plan['hang']}")
        elif plan.get("lose", {}).get(key, 0):
            plan["lose"][key] -= 1
        elif plan.get("delay", 0):
            plan.setdefault("queue", []).append(f"{flags['job-name']}|{job}|{task}|PENDING|Resources")
            plan.setdefault("delayed", []).append((key, job, command, flags["output"]))
        else:
            run(key, job, command, flags["output"])
    save(plan)
    print(job)


def squeue(plan):
    if plan.get("delayed"):
        plan["delay"] -= 1
        if plan["delay"] <= 0:
            for task in plan.pop("delayed"):
                run(*task)
            del plan["queue"]
        save(plan)
    print("\n".join(plan.get("queue", [])))


def main():
    command, arguments = Path(sys.argv[0]).name, sys.argv[1:]
    with open(FOLDER / "calls.txt", "a") as calls:
        print(command, *arguments, file=calls)
    plan = load()
    if fails(plan, command):
        sys.exit(f"{command}: error: Unable to contact slurm controller (connect failure)")
    if command == "sbatch":
        sbatch(plan, arguments)
    elif command == "squeue":
        squeue(plan)
    elif command == "scancel":
        plan["queue"] = []
        plan.pop("hang", None)
        save(plan)
    elif command == "scontrol":
        print(f"MaxArraySize            = {plan.get('array', 1001)}")


main()
