"""What checks of faults share: ranks with a library preloaded into one of them, the process of
a rank, and how a job is seen to end.
"""
import os
import signal
import subprocess
import time

from runs import ranks_of
from support import Failure, end, require, same


def shim(flotilla, name):
    """The path of tests/fault/shim_NAME.c, built beside the program."""
    path = os.path.join(os.path.dirname(flotilla.program), "tests", f"shim_{name}.so")
    require(os.path.exists(path), "no such file:", path)
    return path


def start_with(flotilla, name, faulty, ranks, arguments, **variables):
    """Starts ranks, of which one has the shim and its variables; in the background."""
    environment = [f"{key}={value}" for key, value in variables.items()]
    environment.append(f"LD_PRELOAD={shim(flotilla, name)}")
    if flotilla.sanitized:
        environment.append("ASAN_OPTIONS=verify_asan_link_order=0:"
                           + flotilla.environment["ASAN_OPTIONS"])
    command = [flotilla.mpiexec, "--bind-to", "none"]
    for count, words in ((faulty, []), (1, ["env", *environment]), (ranks - faulty - 1, [])):
        if count:
            command += ["-n", str(count), *words, *flotilla.command(arguments, 0), ":"]
    return subprocess.Popen(
        command[:-1], cwd=flotilla.folder, env=flotilla.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def process_of(process, rank):
    """The process id of a rank of mpirun's."""
    for pid in ranks_of(process):
        with open(f"/proc/{pid}/environ") as file:
            if f"OMPI_COMM_WORLD_RANK={rank}\0" in file.read():
                return pid
    raise Failure("no rank", rank, "of", *end(process))


def is_alive(pid):
    """Whether there is such a process, and it is no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition, seconds, *what):
    until = time.monotonic() + seconds
    while not condition():
        require(time.monotonic() < until, *what, "within", seconds, "s")
        time.sleep(0.01)


def all_gone(pids, seconds=5):
    """Ends them itself where they are not."""
    try:
        wait_for(lambda: not any(map(is_alive, pids)), seconds, "not all of", pids, "are gone")
    finally:
        for pid in filter(is_alive, pids):
            os.kill(pid, signal.SIGKILL)


def told(flotilla, result, run, *words):
    """A job that the watchdog or an agreement ended: one message on the terminal, in the log
    and in the status."""
    status = flotilla.status(run)
    same(status["state"], "failed", "state after", result)
    for word in words:
        require(word in status["message"], repr(word), "not in", status, result)
    message = status["message"]
    result.says(message, times=1)
    require(message in flotilla.read(run, "log.txt"), "not in the log:", message)
