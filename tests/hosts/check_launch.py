"""scripts/train_hosts.sh on several hosts: what it starts, and how it is stopped.

Called as: check_launch.py PROGRAM MPIEXEC.
"""
import os
import re
import signal
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import rig  # noqa: E402
from runs import LONG, newest_step, prepare, same_runs, train, wait_for_line  # noqa: E402
from support import STOPPED, USAGE, main, require, same  # noqa: E402

SCRIPT = os.path.abspath(os.path.join(rig.FOLDER, "..", "..", "scripts", "train_hosts.sh"))


class Launched(rig.Hosts):
    """The program under the script, which settles by itself what Hosts does: ranks are hosts."""

    def __init__(self, flotilla):
        super().__init__(flotilla)
        self.environment["FLOTILLA"] = self.program
        for name in [name for name in self.environment if "keepalive" in name]:
            del self.environment[name]

    def command(self, arguments, ranks):
        if not isinstance(ranks, str):
            return super().command(arguments, ranks)
        verb, config, *options = map(str, arguments)
        same(verb, "train")
        return [SCRIPT, config, ranks, *options]


def keepalive_seconds():
    """When the kernel will ask the other end of head's connections whether it is there."""
    text = subprocess.run(["ss", "-Htno", "state", "established"], capture_output=True,
                          text=True, check=True).stdout
    found = re.findall(r"timer:\(keepalive,(?:(\d+)min)?(?:([\d.]+)sec|(\d+)ms)?", text)
    return [60 * int(minutes or 0) + float(seconds or 0) for minutes, seconds, _ in found]


def stop(hosts, run, send):
    """Trains on three hosts until it is told to stop; returns where it stopped."""
    process = hosts.start("train", "config.yaml", "--set", f"run.directory={run}",
                          "--set", "run.threads=auto", ranks="h1:1,h2:1,h3:1",
                          start_new_session=True)
    wait_for_line(hosts, run, process)
    for host in rig.HOSTS:
        same(sorted(rig.processes(host).values()), ["flotilla", "orted"], host)
    alive = keepalive_seconds()
    require(len(alive) >= 3 and max(alive) <= 10, "the kernel asks after seconds:", alive)
    send(process.pid)
    result = hosts.finish(process, STOPPED)
    rig.wait_until_alone(20, result)
    state = hosts.status(run)
    same(state["state"], "stopped", result)
    result.says("3 ranks x 2 threads", f"stopped at step {state['step']}",
                "the same command with --resume", times=1)
    return state["step"]


def check_train_hosts(flotilla):
    hosts = Launched(flotilla)
    prepare(hosts, LONG, "constant")
    hosts.environment["OMP_NUM_THREADS"] = "2"  # to arrive everywhere
    signals = {"term": lambda pid: os.kill(pid, signal.SIGTERM),
               "interrupt": lambda pid: os.killpg(pid, signal.SIGINT)}
    last = 30 + max(stop(hosts, run, send) for run, send in signals.items())
    require(last < LONG, "the runs were done before they were stopped:", last)
    train(hosts, "whole", "--set", f"train.steps={last}")
    train(hosts, "term", "--resume", "--set", f"train.steps={last}", ranks="h3:1,h1:1")
    same_runs(hosts, "term", "whole")


def check_usage(flotilla):
    hosts = Launched(flotilla)
    prepare(hosts)
    for places in ("h1", "h1:0", "h1:1,", "3", "--resume"):
        hosts.run("train", "config.yaml", ranks=places, code=USAGE).says(
            f"HOSTS is '{places}'", "ant:4,bee:4", times=1)


if __name__ == "__main__":
    rig.enter()
    main(globals())
