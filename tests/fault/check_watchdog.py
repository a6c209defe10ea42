"""A rank that stands still ends the job within comm.timeout_seconds, by name; one that works
does not, however long it takes.

Called as: check_watchdog.py PROGRAM MPIEXEC.
"""
import os
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from fault.shims import all_gone, is_alive, process_of, start_with, told, wait_for  # noqa: E402
from runs import LONG, prepare, ranks_of, same_runs, train, wait_for_line  # noqa: E402
from support import DONE, ERROR, main, normal_rows, require, same  # noqa: E402

SLACK = 5  # seconds from the timeout to the end of all processes
HOST = socket.gethostname()
FOREVER = ["--set", "train.steps=1000000000"]


def limit(seconds):
    return ["--set", f"comm.timeout_seconds={seconds}"]


def start(flotilla, run, *more, ranks=3):
    return flotilla.start("train", "config.yaml", "-q", "--set", f"run.directory={run}", *more,
                          ranks=ranks)


def check_stopped(flotilla):
    """A stopped rank, first or last, is named by the others, and nothing is left of it; the
    run goes on from there."""
    prepare(flotilla, LONG, "constant")
    for rank in (0, 2):
        run = f"run-{rank}"
        process = start(flotilla, run, *FOREVER, *limit(2))
        wait_for_line(flotilla, run, process)
        pids = ranks_of(process)
        stopped = process_of(process, rank)
        os.kill(stopped, signal.SIGSTOP)
        begin = time.monotonic()
        result = flotilla.finish(process, code=ERROR, seconds=60)
        seconds = time.monotonic() - begin
        require(seconds < 2 + SLACK, "it took", seconds, "s:", result)
        told(flotilla, result, run, "no sign of life from "
             f"rank {rank} of 3 on {HOST} (pid {stopped})", "last seen in ",
             "--resume", "comm.timeout_seconds")
        result.says(f"flotilla: rank {0 if rank else 1} of 3 on {HOST}: no sign", times=1)
        all_gone(pids)
        print(f"rank {rank} stopped: the job ended after {seconds:.2f} s")
    # Until the next job the board stays, and does not confuse it.
    same(os.path.exists(flotilla.path(run, "heartbeats")), True)
    train(flotilla, run, "--set", "train.steps=1", "--resume", ranks=2)
    same(os.path.exists(flotilla.path(run, "heartbeats")), False)
    same(flotilla.status(run)["state"], "finished")


def check_paused(flotilla):
    """A rank stopped for less than the timeout, all ranks stopped for longer (a suspended
    job): it goes on, with the same bits."""
    prepare(flotilla, LONG)
    train(flotilla, "whole")
    process = start(flotilla, "run", *limit(4), ranks=2)
    wait_for_line(flotilla, "run", process)
    pids = ranks_of(process)
    for some, seconds in ((pids[:1], 2), (pids, 5)):
        for pid in some:
            os.kill(pid, signal.SIGSTOP)
        time.sleep(seconds)
        require(all(map(is_alive, pids)), "they ended")
        for pid in some:
            os.kill(pid, signal.SIGCONT)
    flotilla.finish(process, code=DONE)
    same_runs(flotilla, "run", "whole", "with pauses")


def with_validation(flotilla, rows, every):
    """Validation rows in a file of their own; what slows down their reading."""
    prepare(flotilla, 40)
    flotilla.data("valid.h5", {"train": normal_rows(rows, 6, seed=3)})
    return ["train", "config.yaml", "-q", "--set", "data.validation='valid.h5:train'",
            "--set", f"report.validate_every={every}", "--set", "report.every=1"]


def check_stuck(flotilla):
    """A rank that hangs in reading, while the others wait for it in the validation."""
    arguments = with_validation(flotilla, 200, 20) + limit(2) + FOREVER
    # The one tile of 4,096 rows is the last rank's.
    process = start_with(flotilla, "pread", 2, 3, arguments, SLOW_FILE="valid.h5",
                         SLOW_SECONDS=100, SLOW_SINCE=flotilla.path("run", "metrics.jsonl"))
    result = flotilla.finish(process, code=ERROR, seconds=60)
    told(flotilla, result, "run", f"rank 2 of 3 on {HOST} (pid ",
         ") has been scoring the validation rows for ", " s in step ",
         ", and the others wait")
    require(flotilla.status("run")["message"].startswith("rank 2 "), "others are named by", result)


def check_stuck_at_start(flotilla):
    """Before there is a run directory, a rank that hangs tells of itself; the directory stays
    what it was: there is none."""
    arguments = with_validation(flotilla, 200, 0) + limit(1)
    process = start_with(flotilla, "pread", 1, 3, arguments, SLOW_FILE="valid.h5",
                         SLOW_SECONDS=100, SLOW_SINCE=flotilla.path("valid.h5"))
    result = flotilla.finish(process, code=ERROR, seconds=60)
    result.says(f"flotilla: rank 1 of 3 on {HOST}: rank 1 of 3 on {HOST} (pid ",
                " has been starting for 1 s, and the others wait", times=1)
    same(os.path.exists(flotilla.path("run")), False)


def check_verbs(flotilla):
    """A rank that hangs in reading what a model is to score ends that job, too."""
    prepare(flotilla, 5)
    train(flotilla, "run", *limit(1))
    flotilla.data("valid.h5", {"train": normal_rows(200, 6)})
    process = start_with(flotilla, "pread", 1, 2, ["logprob", "run", "valid.h5:train", "-o",
                                                   "out.h5"],
                         SLOW_FILE="valid.h5", SLOW_SECONDS=100,
                         SLOW_SINCE=flotilla.path("run"))
    result = flotilla.finish(process, code=ERROR, seconds=60)
    result.says(f"rank 1 of 2 on {HOST} (pid ", "has been scoring rows for 1 s",
                "the job ends: start it again", times=1)
    same(os.path.exists(flotilla.path("out.h5")), False)


def check_slow(flotilla):
    """A rank that works, slowly, for longer than the timeout is waited for."""
    arguments = with_validation(flotilla, 24 * 4096, 0) + limit(2)
    process = start_with(flotilla, "pread", 0, 2, arguments, SLOW_FILE="valid.h5",
                         SLOW_SECONDS=0.3, SLOW_SINCE=flotilla.path("run", "metrics.jsonl"))
    wait_for_line(flotilla, "run", process)
    begin = time.monotonic()
    flotilla.finish(process, code=DONE)
    require(time.monotonic() - begin > 12 * 0.3, "it was not slow")
    same(flotilla.status("run")["state"], "finished")


def check_launcher_killed(flotilla):
    """Ranks, running or stopped, die with what started them; the wrapper of train_local.sh
    makes no difference."""
    prepare(flotilla, LONG, "constant")
    wrapper = ["sh", "-c", "trap '' USR1; exec \"$@\"", "sh"]
    for words in ([], wrapper):
        command = flotilla.command(["train", "config.yaml", *FOREVER, "--resume"], 2)
        place = command.index(flotilla.program)
        process = subprocess.Popen(command[:place] + words + command[place:],
                                   cwd=flotilla.folder, env=flotilla.environment,
                                   stderr=subprocess.DEVNULL, text=True)
        wait_for_line(flotilla, "run", process)
        pids = ranks_of(process)
        same(len(pids), 2, "ranks")
        os.kill(pids[1], signal.SIGSTOP)
        process.kill()
        process.wait()
        all_gone(pids)
        os.remove(flotilla.path("run", "metrics.jsonl"))


def check_parent_killed(flotilla):
    """A rank dies with what started it; a process without a launcher outlives its shell."""
    prepare(flotilla, LONG, "constant")
    for run, variable in (("rank", "OMPI_COMM_WORLD_SIZE=1"), ("alone", "NO_LAUNCHER=1")):
        arguments = ["train", "config.yaml", "-q", "--set", f"run.directory={run}", *FOREVER]
        shell = subprocess.Popen(
            ["sh", "-c", 'env "$@" & echo $!; wait', "sh", variable,
             *flotilla.command(arguments, 0)],
            cwd=flotilla.folder, env=flotilla.environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        pid = int(shell.stdout.readline())
        wait_for_line(flotilla, run, shell)
        shell.kill()
        shell.wait()
        shell.stdout.close()
        if run == "rank":
            all_gone([pid])
            continue
        time.sleep(0.5)
        require(is_alive(pid), "it died with its shell")
        os.kill(pid, signal.SIGTERM)
        wait_for(lambda: not is_alive(pid), 30, "it has not stopped")
        same(flotilla.status(run)["state"], "stopped")


main(globals())
