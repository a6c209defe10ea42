"""Jobs on a site that knows nothing of flotilla: the scripts queue again what has to be.

Also what must not be queued again, and what somebody who starts ranks wrongly is told. Called
as: check_plain_site.py PROGRAM MPIEXEC.
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from jobs import (ENDLESS, Job, finish_resumed, newest_step,  # noqa: E402
                  preempt_and_finish, prepare, same_as_uninterrupted, wait_for_checkpoint,
                  wait_for_status, wait_for_training, write_config)
from rig import call, kill_node, main_on, processes_on, until  # noqa: E402
from support import every, require, same  # noqa: E402

SITE = """
MpiDefault=none
KillWait=10
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=debug Nodes=n[0-1] Default=YES State=UP
PartitionName=low Nodes=n[2-3] State=UP PriorityTier=1
PartitionName=urgent Nodes=n[2-3] State=UP PriorityTier=10 PreemptMode=OFF
PartitionName=srun Nodes=n1,n4 State=UP
PartitionName=mpirun Nodes=n1,n5 State=UP
"""
NODES = (64, 64, 2, 2, 2, 2)
TWO_NODES = ("--nodes=2", "--ntasks-per-node=1")


def preempted(flotilla, launcher):
    """Without a word but TERM, when its time is over."""
    preempt_and_finish(flotilla, launcher).says("DUE TO PREEMPTION")


def requeued(flotilla, launcher):
    """By an operator, on two nodes."""
    write_config(flotilla, ENDLESS)
    job = Job.train(flotilla, launcher, sbatch=TWO_NODES)
    wait_for_training(flotilla, job)
    call("scontrol", "requeue", job.id)
    finish_resumed(flotilla, job, wait_for_status(flotilla, job, "stopped"))
    job.says("DUE TO JOB REQUEUE", "saved: go on with --resume")


# Takes 3 s to write its checkpoint; done at once when it is started again.
SLOW = f"""#!{sys.executable}
import os, signal, sys, time
name = os.environ.get("OMPI_COMM_WORLD_RANK", os.environ.get("PMIX_RANK"))
if os.path.exists("saved-" + name):
    sys.exit()
stop = []
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda *_: stop.append(1))
open("ready-" + name, "w").close()
while not stop:
    time.sleep(0.05)
until = time.time() + 3
while time.time() < until:
    time.sleep(0.05)
open("saved-" + name, "w").close()
os._exit(75)
"""


def slow(flotilla, launcher):
    """A checkpoint that takes longer than mpirun waits for ranks that were sent TERM, on each
    of two nodes."""
    flotilla.write("slow.py", SLOW)
    os.chmod(flotilla.path("slow.py"), 0o755)
    job = Job.train(flotilla, launcher, sbatch=TWO_NODES, program=flotilla.path("slow.py"))
    for rank in "01":
        until(150, lambda: os.path.exists(flotilla.path(f"ready-{rank}")), "rank", rank, "is up",
              job.tell)
    call("scontrol", "requeue", job.id)
    same(job.wait("COMPLETED")["Restarts"], "1", job.tell())
    for rank in "01":
        require(os.path.exists(flotilla.path(f"saved-{rank}")), rank, "saved nothing", job.tell())


def cancelled(flotilla, launcher):
    """Saved, but not queued again against its owner's will; submitted anew it goes on."""
    write_config(flotilla, ENDLESS)
    job = Job.train(flotilla, launcher)
    wait_for_training(flotilla, job)
    call("scancel", job.id)
    job.wait("CANCELLED")
    step = wait_for_status(flotilla, job, "stopped")
    finish_resumed(flotilla, Job.train(flotilla, launcher), step, restarts=0)
    same(job.info()["JobState"], "CANCELLED", job.tell())


def array(flotilla, launcher):
    """Each task has a run, a seed and here a config of its own. Only the one that was stopped
    is queued again, though its number is that of the whole array."""
    steps = {1: 200, 2: 400, 3: ENDLESS}
    for task in steps:
        write_config(flotilla, steps[task], f"config-{task}.yaml")
    job = Job.train(flotilla, launcher, "--set", "run.directory=run-%a", "--set",
                    "run.seed=%a", sbatch=("--array=1-3",), config="config-%a.yaml")
    wait_for_training(flotilla, job, "run-3")
    info = job.info(3)
    same(info["JobId"], job.id, "the last task has the number of the array")
    call("scancel", *(("--batch",) if launcher == "mpirun" else ()), "--signal=USR1",
         f"{job.id}_3")
    step = wait_for_status(flotilla, job, "stopped", "run-3")
    write_config(flotilla, step + 20, "config-3.yaml")
    for task in steps:
        info = job.wait("COMPLETED", task)
        same(info["Restarts"], "1" if task == 3 else "0", f"task {task}", job.tell())
        same_as_uninterrupted(flotilla, f"run-{task}", "--set", f"run.seed={task}",
                              config=f"config-{task}.yaml")


def one_run_for_an_array(flotilla, launcher):
    """Refused before any task starts to write."""
    write_config(flotilla, 20)
    job = Job.train(flotilla, launcher, sbatch=("--array=1-2",))
    for task in (1, 2):
        same(job.wait("FAILED", task)["ExitCode"], "64:0", job.tell())
    job.says("--set run.directory=runs/NAME-%a")
    same(os.path.exists(flotilla.path("run")), False, "run is there")


def second_job(flotilla, launcher):
    """While one job trains a run, another that was given the same directory fails for good."""
    write_config(flotilla, ENDLESS)
    first = Job.train(flotilla, launcher)
    wait_for_training(flotilla, first)
    node = first.info()["NodeList"]
    second = Job.train(flotilla, launcher)
    info = second.wait("FAILED")
    same((info["ExitCode"], info["Restarts"]), ("1:0", "0"), second.tell())
    second.says("another process is writing this run",
                f"on host {node}, Slurm job {first.id}")
    same(flotilla.status("run")["state"], "running")
    call("scancel", first.id)
    first.wait("CANCELLED")


def failing(flotilla, launcher):
    """What another start would not cure is not started again. The program is told when the
    job ends: ten minutes, but for 90 s."""
    write_config(flotilla, 100)
    flotilla.write("told.sh", f'#!/bin/sh\necho "$@" >told.txt\nexec {flotilla.program} "$@"\n')
    os.chmod(flotilla.path("told.sh"), 0o755)
    job = Job.train(flotilla, launcher, "--set", "train.batch=-1",
                    program=flotilla.path("told.sh"))
    info = job.wait("FAILED")
    same((info["ExitCode"], info["Restarts"]), ("1:0", "0"), job.tell())
    job.says("train.batch")
    told = re.fullmatch(r"train config.yaml --set train.batch=-1 --resume"
                        r" --max-seconds (\d+)\n", flotilla.read("told.txt"))
    require(told and 400 < int(told[1]) <= 510, flotilla.read("told.txt"))


def lost_node(flotilla, launcher):
    """All that ran on a node is gone at once: the job starts again on another by itself, goes
    on from the newest checkpoint, and no lock is in its way."""
    write_config(flotilla, ENDLESS)
    job = Job.train(flotilla, launcher, sbatch=(f"--partition={launcher}",))
    wait_for_checkpoint(flotilla, job)
    node = job.info()["NodeList"]
    ranks = processes_on(node, "flotilla")
    same(len(ranks), 2, "ranks on", node)
    for rank in ranks:
        same(os.sched_getaffinity(rank), os.sched_getaffinity(0), "cores of rank", rank)
    kill_node(node)
    same(flotilla.status("run")["state"], "running", "it had no time to say anything")
    steps = newest_step(flotilla) + 20
    write_config(flotilla, steps)
    call("scontrol", "update", f"nodename={node}", "state=down", "reason=lost")
    info = job.wait("COMPLETED")
    same((info["Restarts"], info["NodeList"]), ("1", "n1"), job.tell())
    same(flotilla.status("run")["step"], steps, job.tell())
    job.says("resuming from run/checkpoints/step-")
    same_as_uninterrupted(flotilla)


def launched(flotilla, _):
    """Alone in the shell of a job it trains alone; by srun without PMIx it is refused, and
    says what to do; with PMIx the ranks train together."""
    write_config(flotilla, 20)
    for name, command, code, said in (
            ("alone", "$FLOTILLA", 0, "1 ranks x 1 threads"),
            ("none", "srun -n 2 $FLOTILLA", 1, "start with srun --mpi=pmix"),
            ("pmix", "srun -n 2 --mpi=pmix $FLOTILLA", 0, "2 ranks x 1 threads")):
        job = Job(flotilla, "--ntasks=2",
                  f"--wrap={command} train config.yaml --set run.directory={name}")
        info = job.wait("FAILED" if code else "COMPLETED")
        same(info["ExitCode"], f"{code}:0", job.tell())
        job.says(said)
        same(os.path.exists(flotilla.path(name)), code == 0, name, "is there")


CASES = [(case, launcher) for launcher in ("srun", "mpirun")
         for case in (lost_node, array, preempted, requeued, slow, cancelled,
                      second_job, failing, one_run_for_an_array)] + [(launched, "srun")]


def check_plain_site(flotilla):
    prepare(flotilla)
    every(lambda case, launcher: case(flotilla.part(f"{case.__name__}-{launcher}"), launcher),
          CASES, at_once=len(CASES))


if __name__ == "__main__":
    main_on(NODES, SITE, globals())
