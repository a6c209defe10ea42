"""What ranks agree on while they train: the bits of their state, steps that are skipped, and
an end that all share.

Called as: check_agreement.py PROGRAM MPIEXEC.
"""
import os
import socket
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from fault.shims import start_with, told  # noqa: E402
from runs import prepare, train  # noqa: E402
from support import (ERROR, every, main, normal_rows, require, same,  # noqa: E402
                     same_arrays)

HOST = socket.gethostname()
# A save in every fifth step, a line in every seventh, a validation in every twentieth.
SAVES = ["--set", "checkpoint.every=5", "--set", "checkpoint.keep=100", "-q"]
# Ranks that share memory share what is wrong in it: each is on a host of its own, but for
# the case of hosts of two, two, and one.
ALONE, TWOS = (["--set", f"comm.shared_ranks={most}"] for most in (1, 2))
FLIPPED = [  # rank, hosts, K-th message of sums, what is said of the ranks
    (1, 3, 24, f"rank 1 on {HOST} differs from the other 2"),
    (0, 3, 40, f"rank 0 on {HOST} differs from the other 2"),
    (2, 3, 6, f"rank 2 on {HOST} differs from the other 2"),
    (0, 2, 33, "no more than half of the 2 ranks agree"),
]


def checkpoints(flotilla, run):
    folder = flotilla.path(run, "checkpoints")
    return sorted(os.listdir(folder))


def check_flipped_bit(flotilla):
    """One bit of what one rank receives: the ranks differ from then on. They say so in the
    next step that reports, validates or saves, and nothing of it is saved."""
    prepare(flotilla)
    train(flotilla, "whole", *SAVES)
    every(lambda *case: flipped(flotilla, *case), FLIPPED)
    flipped(flotilla, 2, 3, 17, f"rank 2 on {HOST}, rank 3 on {HOST} differ from the other 3",
            5, TWOS)


def flipped(flotilla, rank, hosts, receive, words, ranks=None, shared=ALONE):
    run = f"run-{rank}-{receive}"
    arguments = ["train", "config.yaml", "--set", f"run.directory={run}", *SAVES, *shared]
    process = start_with(flotilla, "receive", rank, ranks or hosts, arguments,
                         FLIP_RECEIVE=receive)
    result = flotilla.finish(process, code=ERROR)
    # Of each other host one message a step.
    step = (receive + hosts - 2) // (hosts - 1)
    found = next(s for s in range(step, 201) if s % 5 == 0 or s % 7 == 0)
    told(flotilla, result, run, f"step {found}: the parameters are not the same", words)
    same(flotilla.status(run)["step"], found, result)
    last = (found - 1) // 5 * 5
    wanted = [f"step-{s:010d}.h5" for s in range(5, last + 1, 5)]
    wanted = (["best.h5"] if last >= 20 else []) + wanted
    same(checkpoints(flotilla, run), wanted, "checkpoints of", result)
    for name in wanted[-1:]:
        same_arrays(flotilla.state(run, "checkpoints", name),
                    flotilla.state("whole", "checkpoints", name), name)
    require(wanted or last < 5, "there was nothing to compare")


def check_flipped_moment(flotilla):
    """The same where only the optimizer has seen it: with no rate, parameters stay. (Of the
    second peer come zeros: at the start only the outer layers have a gradient.)"""
    prepare(flotilla, 20)
    arguments = ["train", "config.yaml", "--set", "train.learning_rate=0", *SAVES, *ALONE]
    process = start_with(flotilla, "receive", 2, 3, arguments, FLIP_RECEIVE=11)
    told(flotilla, flotilla.finish(process, code=ERROR), "run", "step 7: ",
         f"rank 2 on {HOST} differs from the other 2")


def check_saves_by_the_clock(flotilla):
    """Minutes are of rank 0's clock or another's: all ranks save, and compare, in the same
    step."""
    prepare(flotilla)
    train(flotilla, "whole", *SAVES)
    train(flotilla, "run", "-q", "--set", "checkpoint.every=0", "--set",
          "checkpoint.minutes=0.0002", "--set", "checkpoint.keep=100", "--set",
          "report.every=7", "--set", "comm.timeout_seconds=10", ranks=3)
    require(len(checkpoints(flotilla, "run")) > 3, "hardly anything was saved")
    same_arrays(flotilla.state("run", "checkpoints", "step-0000000200.h5"),
                flotilla.state("whole", "checkpoints", "step-0000000200.h5"))


def check_skipped_steps(flotilla):
    """A row whose density overflows spoils the steps that draw it, once an epoch: all ranks
    skip these alike, count them, and end with the same bits."""
    prepare(flotilla)
    rows = normal_rows(1000, 6, seed=1)
    rows[321] = 1e30
    flotilla.data("data.h5", {"train": rows, "test": normal_rows(100, 6)})
    sets = ["--set", "preprocess=[]", "--set", "data.validation=test", "--set",
            "flow.base.kind=normal", "-q"]
    train(flotilla, "one", *sets)
    train(flotilla, "three", *sets, ranks=3)
    skipped = flotilla.metrics("one")[-1]["bad_steps"]
    require(18 <= skipped <= 21, "200 steps of 100 of 1000 rows, skipped:", skipped)
    same(flotilla.metrics("three")[-1]["bad_steps"], skipped, "steps skipped by three ranks")
    same_arrays(flotilla.arrays(flotilla.last("three")), flotilla.arrays(flotilla.last("one")),
                but=("config", "run/ranks"))
    require(np.isfinite(flotilla.metrics("three")[-1]["train_log_likelihood"]), "not finite")


def check_too_many_skipped(flotilla):
    """Every step spoilt: the end names the step, the count and the layer, on any ranks."""
    prepare(flotilla)
    rows = normal_rows(1000, 6, seed=1)
    rows[:, 2] = 3e38  # of one lane's rows at least: whoever meets the first tells
    flotilla.data("data.h5", {"train": rows, "test": normal_rows(100, 6)})
    sets = ["--set", "preprocess=[]", "--set", "data.validation=test", "--set",
            "flow.base.kind=normal", "--set", "train.max_bad_steps=4", "-q"]
    for run, ranks in (("one", 0), ("three", 3)):
        result = train(flotilla, run, *sets, ranks=ranks, code=ERROR)
        told(flotilla, result, run, "step 4: 4 steps in a row",
             "the first such output is that of ", "lower train.learning_rate")
    same(flotilla.status("three")["message"], flotilla.status("one")["message"])


main(globals())
