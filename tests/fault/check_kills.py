"""One run is killed twenty times, a rank or mpirun, at any moment, and resumed on 1 to 4 ranks
in turn: it ends with the bits of a run that nobody touched.

Called as: check_kills.py PROGRAM MPIEXEC.
"""
import glob
import os
import random
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import DONE, ERROR, main, require, same  # noqa: E402
from runs import newest_step, prepare, processes_in, same_runs, train  # noqa: E402

KILLS = 20
VALIDATION = 20  # steps between validations, as CONFIG says
MORE = ("--set", "checkpoint.every=5", "--set", "report.sample_every=30")


# When to kill: soon after the start, in later steps, or while a checkpoint is written; and
# up to how many seconds after that.
MOMENTS = {"start": 0.6, "steps": 0.2, "write": 0.001}


def wait_for(flotilla, process, kind, before, seconds=60):
    """Until the moment has come, or the run has ended by itself."""
    until = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < until:
        if kind == "start" or (kind == "steps" and newest_step(flotilla, "run") > before) or (
                kind == "write" and glob.glob(flotilla.path("run", "checkpoints", "*.tmp.*"))
                and newest_step(flotilla, "run") > before):
            return
        time.sleep(0.0005)


def kill(process):
    try:
        os.kill(process, signal.SIGKILL)
    except ProcessLookupError:
        pass  # it has just ended by itself


def bury(flotilla, seconds=10):
    """Nobody of a killed run is left; gives how many had to be killed for that."""
    until = time.monotonic() + seconds
    while processes_in(flotilla.folder) and time.monotonic() < until:
        time.sleep(0.02)
    orphans = processes_in(flotilla.folder)
    for process in orphans:
        kill(process)
    while processes_in(flotilla.folder):
        time.sleep(0.02)
    return len(orphans)


def wait_for_the_end(flotilla, process, kind):
    """Of a run of which somebody was killed. Where that was a rank while MPI starts, mpirun
    (Open MPI 4.1 with PMIx 4) may wait for a lock of its own, in PMIx_server_finalize, for ever:
    once all ranks are gone, it is killed."""
    for _ in range(6):
        try:
            return process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            if kind == "start" and processes_in(flotilla.folder) == [process.pid]:
                kill(process.pid)
    return process.communicate(timeout=1)


def kill_once(flotilla, chance, ranks, steps):
    """Starts the run or goes on with it, and kills it; gives what was done, and orphans."""
    before = newest_step(flotilla, "run")
    kind = chance.choice(("start", "steps", "write", "write"))
    process = flotilla.start("train", "config.yaml", "--resume", "-q", *MORE,
                             "--set", f"train.steps={steps}", ranks=ranks)
    try:
        wait_for(flotilla, process, kind, before)
        time.sleep(MOMENTS[kind] * chance.random())
        ranks = [other for other in processes_in(flotilla.folder) if other != process.pid]
        whom = chance.choice(ranks) if ranks and chance.random() < 0.5 else process.pid
        kill(whom)
        wait_for_the_end(flotilla, process, kind)
    finally:
        orphans = bury(flotilla)
    require(process.returncode in (DONE, ERROR, -signal.SIGKILL, 137), process.returncode)
    who = "mpirun" if whom == process.pid else "rank"
    return kind, who, process.returncode != DONE, newest_step(flotilla, "run"), orphans


def check_twenty_kills(flotilla):
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed, flush=True)
    chance = random.Random(seed)
    prepare(flotilla, 1000000, "constant")
    killed, orphans, steps = [], 0, 1000000
    for number in range(4 * KILLS):
        if len(killed) >= KILLS - 5:  # the last ones come near the end, and behind it
            steps = (newest_step(flotilla, "run") // VALIDATION + 2) * VALIDATION
        kind, who, hit, step, left = kill_once(flotilla, chance, number % 4 + 1, steps)
        orphans += left
        if hit:
            killed.append((kind, who, step))
        if len(killed) == KILLS:
            break
    print(len(killed), "kills:", *killed, "orphans:", orphans)
    same(len(killed), KILLS, "kills:")
    steps = (newest_step(flotilla, "run") // VALIDATION + 2) * VALIDATION
    end = ("--set", f"train.steps={steps}", *MORE)
    train(flotilla, "run", "--resume", "-q", *end, ranks=2)
    train(flotilla, "whole", "-q", *end)
    same_runs(flotilla, "run", "whole")
    same(glob.glob(flotilla.path("run", "*", "*.tmp.*")), [], "files left behind:")


if __name__ == "__main__":
    main(globals())
