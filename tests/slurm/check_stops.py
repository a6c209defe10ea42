"""Jobs that Slurm or their owner stop go on where they were: the bits of a run never stopped.

On a site that knows what flotilla's exit codes and signals mean: jobs that exit with 75 are
queued again, preempted ones are told so first. Called as: check_stops.py PROGRAM MPIEXEC.
"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
from jobs import (ENDLESS, Job, finish_resumed, preempt_and_finish,  # noqa: E402
                  prepare, same_as_uninterrupted, wait_for_status, wait_for_training, write_config)
from rig import call, main_on  # noqa: E402
from support import every, same  # noqa: E402

SITE = """
MpiDefault=pmix
KillWait=10
RequeueExit=75
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
PartitionName=debug Nodes=n[0-1] Default=YES State=UP
PartitionName=low Nodes=n[2-3] State=UP PriorityTier=1 GraceTime=20
PartitionName=urgent Nodes=n[2-3] State=UP PriorityTier=10 PreemptMode=OFF
"""
NODES = (64, 64, 2, 2)


def finished(flotilla, launcher):
    """A run to its end; submitting it once more does nothing, and that is fine."""
    write_config(flotilla, 100)
    for _ in range(2):
        info = Job.train(flotilla, launcher).wait("COMPLETED")
        same(info["ExitCode"], "0:0")
        same(flotilla.status("run")["state"], "finished")
    same_as_uninterrupted(flotilla)


def signalled(flotilla, launcher):
    """By its owner, on two nodes: queued again at once."""
    write_config(flotilla, ENDLESS)
    job = Job.train(flotilla, launcher, sbatch=("--nodes=2", "--ntasks-per-node=1"))
    wait_for_training(flotilla, job)
    call("scancel", *(("--batch",) if launcher == "mpirun" else ()), "--signal=USR1", job.id)
    finish_resumed(flotilla, job, wait_for_status(flotilla, job, "stopped"))


def out_of_time(flotilla, launcher):
    """USR1 some time before the limit. Slurm looks every 30 s for what is due by its next look:
    here 20 to 50 s after the start, when the ranks listen."""
    write_config(flotilla, ENDLESS)
    user = "B:USR1@10" if launcher == "mpirun" else "USR1@10"
    job = Job.train(flotilla, launcher, sbatch=("--time=1", f"--signal={user}"))
    wait_for_training(flotilla, job)
    finish_resumed(flotilla, job, wait_for_status(flotilla, job, "stopped"))
    job.says("by signal User defined signal 1")


def preempted(flotilla, launcher):
    """By a job of a higher partition that needs the node."""
    job = preempt_and_finish(flotilla, launcher)
    job.says("queueing it again")
    same("DUE TO PREEMPTION" in job.output(), False, "it was ended before it ended", job.output())


def launched(flotilla, _):
    """By plain srun, where PMIx is the site's default: the ranks train together."""
    write_config(flotilla, 20)
    job = Job(flotilla, "--ntasks=2", "--wrap=srun $FLOTILLA train config.yaml")
    same(job.wait("COMPLETED")["ExitCode"], "0:0", job.tell())
    job.says("2 ranks x 1 threads")
    same_as_uninterrupted(flotilla)


CASES = [(out_of_time, "srun"), (out_of_time, "mpirun"), (preempted, "srun"),
         (preempted, "mpirun"), (signalled, "srun"), (signalled, "mpirun"),
         (finished, "srun"), (finished, "mpirun"), (launched, "srun")]


def check_stops(flotilla):
    prepare(flotilla)
    every(lambda case, launcher: case(flotilla.part(f"{case.__name__}-{launcher}"), launcher),
          CASES, at_once=len(CASES))


if __name__ == "__main__":
    main_on(NODES, SITE, globals())
