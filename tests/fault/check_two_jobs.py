"""Two jobs on one run directory, and clocks that go backwards.

Called as: check_two_jobs.py PROGRAM MPIEXEC.
"""
import glob
import os
import signal
import socket
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, STOPPED, Failure, end, main, require, same, skip  # noqa: E402
from runs import prepare, same_runs, step_of, train  # noqa: E402

ROUNDS, JOBS = 20, 4


def last_one(jobs, seconds=60):
    """The one job that goes on when all others have ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        running = [job for job in jobs if job.poll() is None]
        if len(running) <= 1:
            return running[0] if running else None
        time.sleep(0.005)
    raise Failure(len(running), "of", JOBS, "jobs write one run")


def wait_until_it_writes(flotilla, job, seconds=60):
    """Until the run says that it is this job's."""
    path, until = flotilla.path("run", "status.json"), time.monotonic() + seconds
    while not os.path.exists(path) or flotilla.status("run")["pid"] != job.pid:
        require(job.poll() is None and time.monotonic() < until, job.pid, "does not write")
        time.sleep(0.005)


def check_many_at_once(flotilla):
    """Of jobs that start together one gets the run; the others say who has it."""
    prepare(flotilla, 10**9, "constant")
    winners = set()
    for number in range(ROUNDS):
        flag = "--fresh" if number % 5 == 4 else "--resume"
        jobs = [flotilla.start("train", "config.yaml", flag, "-q", "--max-seconds", "100")
                for _ in range(JOBS)]
        try:
            winner = last_one(jobs)
            require(winner, number, flag, "all were refused")
            winners.add(jobs.index(winner))
            for job in jobs:
                if job is not winner:
                    flotilla.finish(job, ERROR).says(
                        "another process is writing this run",
                        f"pid {winner.pid} on host {socket.gethostname()}", times=1)
            wait_until_it_writes(flotilla, winner)
            winner.send_signal(signal.SIGTERM)
            flotilla.finish(winner, STOPPED)
        finally:
            for job in jobs:
                if job.poll() is None:
                    end(job)
    print("rounds", ROUNDS, "won by", sorted(winners))
    same(len(glob.glob(flotilla.path("run.old-*"))), ROUNDS // 5, "runs moved aside:")
    steps = flotilla.status("run")["step"] + 10
    train(flotilla, "run", "--resume", "-q", "--set", f"train.steps={steps}")
    train(flotilla, "whole", "-q", "--set", f"train.steps={steps}")
    same_runs(flotilla, "run", "whole")


def with_clock(flotilla, name):
    """A place whose programs see a clock that a file sets, as an administrator does: only
    the time of the day, not the clock that counts seconds."""
    libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not libraries:
        skip("no libfaketime to set a clock back with: apt-get install faketime")
    part = flotilla.part(name)
    part.environment = dict(
        part.environment, LD_PRELOAD=libraries[0], FAKETIME_NO_CACHE="1",
        FAKETIME_DONT_FAKE_MONOTONIC="1", FAKETIME_TIMESTAMP_FILE=part.path("clock"))
    part.write("clock", "+0")
    return part


def set_clock(part, text):
    """At once: a program never sees half of it."""
    part.write("clock.new", text)
    os.rename(part.path("clock.new"), part.path("clock"))


def checkpoints(flotilla):
    return sorted(glob.glob(flotilla.path("run", "checkpoints", "step-*.h5")))


def wait_for_newer(flotilla, process, newest, seconds=60):
    until = time.monotonic() + seconds
    while not checkpoints(flotilla) or checkpoints(flotilla)[-1] <= newest:
        if process.poll() is not None or time.monotonic() > until:
            raise Failure("no new checkpoint after", newest, *end(process))
        time.sleep(0.01)
    return checkpoints(flotilla)[-1]


def check_clock_set_back(flotilla):
    """During a run, and between its kill and its resumption: checkpoints by minutes go on,
    what is newest is told by step, and the bits are the same."""
    prepare(flotilla, 10**9, "constant")
    part = with_clock(flotilla, "clock")
    minutes = ("-q", "--set", "checkpoint.every=0", "--set", "checkpoint.minutes=0.003")
    process = part.start("train", "config.yaml", *minutes, "--max-seconds", "100")
    try:
        newest = wait_for_newer(part, process, "")
        require(part.status("run")["time"] > "2020", part.status("run"))
        for clock in ("-3000d", "-3001d", "-1d"):
            set_clock(part, clock)
            newest = wait_for_newer(part, process, newest)
        process.kill()
        process.communicate()
    finally:
        if process.poll() is None:
            end(process)
    set_clock(part, "-4000d")
    steps = step_of(checkpoints(part)[-1]) + 200
    train(part, "run", "--resume", *minutes, "--set", f"train.steps={steps}", ranks=2)
    require(part.status("run")["time"] < "2020", "the clock was not set back:",
            part.status("run"))
    train(flotilla, "whole", "-q", "--set", f"train.steps={steps}")
    os.rename(part.path("run"), flotilla.path("run"))
    same_runs(flotilla, "run", "whole")


if __name__ == "__main__":
    main(globals())
