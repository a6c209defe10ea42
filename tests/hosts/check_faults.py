"""Hosts that fail: the job ends by itself, says who is to blame, leaves nothing running, and
goes on elsewhere as if nothing had been. Prints the seconds that each fault took.

Called as: check_faults.py PROGRAM MPIEXEC.
"""
import glob
import os
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import rig  # noqa: E402
from runs import LONG, newest_step, prepare, same_runs, train  # noqa: E402
from support import Failure, end, every, main, require  # noqa: E402

TIMEOUT = 5  # of the watchdog, in seconds
LIMIT = TIMEOUT + 25  # for all to be over: what mpirun, the hosts' answers and a busy machine take
PLACES = "h1:1,h2:1,h3:1"


def vanish(host):
    """Without a word: what its processes would say as they die goes nowhere."""
    rig.cut_link(host)
    rig.kill(host)


def lose_daemon(host):
    """With a rank that cannot notice: the kernel must end it."""
    rig.kill(host, "flotilla", signal.SIGSTOP)
    rig.kill(host, "orted")


# The host that it happens to, what happens, and what must be said: by flotilla where a rank
# stands still, by mpirun where processes or daemons are gone. Rank r is on h(r+1).
FAULTS = {
    "a killed rank": ("h2", lambda host: rig.kill(host, "flotilla"), ("rank 1", "on node h2")),
    "a stopped rank": ("h2", lambda host: rig.kill(host, "flotilla", signal.SIGSTOP),
                       ("no sign of life from rank 1 of 3 on h2", "--resume")),
    "a killed daemon": ("h2", lose_daemon, ("on node h2",)),
    "a link down": ("h2", lambda host: rig.cut_link(host), ("on node h2",)),
    "a path cut": ("h2", lambda host: rig.cut_path("h1", host),
                   ("rank 1 of 3 on h2", "does not answer over the network", "--resume")),
    "a host that vanishes": ("h1", vanish, ("on node h1",)),
    "a killed mpirun": ("head", lambda host: rig.kill(host), ()),
}


def wait_for_checkpoint(hosts, run, process):
    until = time.monotonic() + 60
    while not glob.glob(hosts.path(run, "checkpoints", "step-*.h5")):
        if process.poll() is not None or time.monotonic() > until:
            raise Failure("no checkpoint within 60 s:", *end(process))
        time.sleep(0.01)


def break_run(hosts, run, fault):
    """Trains until the fault has ended the job; returns the last step that it told of."""
    host, strike, words = FAULTS[fault]
    process = hosts.start("train", "config.yaml", "--set", f"run.directory={run}",
                          "--set", "checkpoint.every=20",
                          "--set", f"comm.timeout_seconds={TIMEOUT}", ranks=PLACES)
    try:
        wait_for_checkpoint(hosts, run, process)
        began = time.monotonic()
        strike(host)
        result = hosts.finish(process, code=None, seconds=LIMIT)
        ended = time.monotonic() - began
        require(result.code not in (0, 75), fault, "mpirun says that all is well:", result)
        result.says(*words)
        rig.wait_until_alone(10, fault, result)
        print(f"{fault}: mpirun ended after {ended:.1f} s with {result.code}, all processes "
              f"after {time.monotonic() - began:.1f} s", flush=True)
    finally:
        rig.mend()
    return newest_step(hosts, run)


def check_faults(flotilla):
    hosts = rig.Hosts(flotilla)
    prepare(hosts, LONG, "constant")
    runs = {fault.replace(" ", "-"): fault for fault in FAULTS}
    last = 30 + max(break_run(hosts, run, fault) for run, fault in runs.items())
    require(last < LONG, "the runs were done before they were broken:", last)
    train(hosts, "whole", "--set", f"train.steps={last}")

    def resume(run, fault):
        remaining = ",".join(host + ":1" for host in rig.HOSTS if host != FAULTS[fault][0])
        result = train(hosts, run, "--resume", "--set", f"train.steps={last}", ranks=remaining)
        result.says(f"resuming from {run}/checkpoints/", times=1)
        same_runs(hosts, run, "whole", fault)

    every(resume, runs.items())


if __name__ == "__main__":
    rig.enter()
    main(globals())
