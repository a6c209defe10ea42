"""Signals at the wrong moment: while a run starts, validates, evaluates at its end; and a
second Ctrl-C. Nothing is lost, and --resume ends with the bits of a run left alone.

Called as: check_signals.py PROGRAM MPIEXEC.
"""
import os
import random
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (DONE, STOPPED, Failure, end, every, main, normal_rows,  # noqa: E402
                     require, same)
from runs import newest_step, same_runs, train  # noqa: E402

# Validation and test take long, steps do not.
CONFIG = """
run: {directory: run, seed: 5, threads: 1}
data: {files: [data.h5], validation: long, test: long}
preprocess: [{kind: standardize}]
flow: {layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [256, 256]}]}
train: {batch: 20, lanes: 2, steps: 6, learning_rate: 1e-3}
checkpoint: {every: 1000}
report: {every: 1, validate_every: 4, samples: 20}
"""
STEPS, VALIDATION = 6, 4


def prepare(flotilla, rows):
    flotilla.data("data.h5", {"train": normal_rows(500, 6, seed=1),
                              "long": normal_rows(rows, 6, seed=2)})
    flotilla.write("config.yaml", CONFIG)


def wait_for_step(flotilla, run, process, step, seconds=100):
    """Until the run has told of that step, and is at what follows it."""
    until = time.monotonic() + seconds
    while newest_step(flotilla, run) < step:
        if process.poll() is not None or time.monotonic() > until:
            raise Failure("step", step, "did not come within", seconds, "s", *end(process))
        time.sleep(0.002)
    time.sleep(0.1)


def start(flotilla, run, ranks=0):
    return flotilla.start("train", "config.yaml", "-q", "--set", f"run.directory={run}",
                          ranks=ranks)


def go_on(flotilla, run, ranks=0):
    train(flotilla, run, "--resume", "-q", ranks=ranks)
    same_runs(flotilla, run, "whole", run)


def check_long_evaluations(flotilla):
    prepare(flotilla, 250000)
    train(flotilla, "whole", "-q", ranks=2)
    for number, ranks in ((signal.SIGTERM, 0), (signal.SIGUSR2, 0), (signal.SIGUSR1, 2)):
        run = f"validation-{number}"
        process = start(flotilla, run, ranks)
        wait_for_step(flotilla, run, process, VALIDATION - 1)
        same(newest_step(flotilla, run), VALIDATION - 1, "the validation was over too soon")
        process.send_signal(number)
        flotilla.finish(process, STOPPED)
        # The step that validates is not given up, and one more tells all ranks of it.
        require(flotilla.status(run)["step"] in (VALIDATION, VALIDATION + 1),
                flotilla.status(run))
        go_on(flotilla, run, 2 - ranks)
    # After the last step there is nothing to stop: the run comes to its end.
    process = start(flotilla, "end")
    wait_for_step(flotilla, "end", process, STEPS)
    process.send_signal(signal.SIGTERM)
    flotilla.finish(process, DONE)
    same(flotilla.status("end")["state"], "finished")
    same_runs(flotilla, "end", "whole")
    # Who presses Ctrl-C twice does not wait.
    process = start(flotilla, "twice")
    wait_for_step(flotilla, "twice", process, VALIDATION - 1)
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
    flotilla.finish(process, -signal.SIGINT)
    same(newest_step(flotilla, "twice"), VALIDATION - 1, "it ended only after the validation")
    go_on(flotilla, "twice", 2)


def check_starts(flotilla):
    """At random moments of the start, handlers in place or not."""
    prepare(flotilla, 300)
    began = time.monotonic()
    train(flotilla, "whole", "-q")
    longest = time.monotonic() - began
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed, flush=True)
    chance = random.Random(seed)

    def interrupt(number, delay):
        run = f"start-{number}"
        process = start(flotilla, run)
        time.sleep(delay)
        process.send_signal((signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)[number % 3])
        flotilla.finish(process, None)
        require(process.returncode in (DONE, STOPPED, -15, -10, -2), process.returncode)
        if process.returncode == STOPPED:
            same(flotilla.status(run)["state"], "stopped")
        go_on(flotilla, run)
        return process.returncode

    codes = every(interrupt, [(n, longest * chance.random()) for n in range(24)])
    print("exit codes", sorted(codes))


if __name__ == "__main__":
    main(globals())
