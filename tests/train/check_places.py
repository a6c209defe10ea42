"""The same bits on every number of ranks and threads that the lanes allow, without exception.

A small run for each pair of ranks x threads of at most V lanes, and for larger counts (8 ranks
of a lane each); samples drawn by `sample`; a run that goes on with every step elsewhere.
Called as: check_places.py PROGRAM MPIEXEC.
"""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (every, main, normal_rows, require, same, same_arrays,  # noqa: E402
                     without_times)

CONFIG = """
run: {directory: run, seed: 11}
data: {files: [data.h5], train: train, validation: 0.2}
preprocess: [{kind: standardize}]
flow:
  layers:
    - {kind: actnorm}
    - {kind: lu_linear}
    - {kind: affine_coupling, width: 9, blocks: 1, dropout: 0.1}
    - {kind: spline_coupling, hidden: [7], bins: 4}
train: {batch: 45, steps: 8, lanes: 5, learning_rate: 1e-2, schedule: constant, average: 0.9}
checkpoint: {every: 0, minutes: 0}
report: {every: 2, validate_every: 4, samples: 50}
comm: {bucket_mb: 0.001}
"""
LAST = "step-0000000008.h5"
SAMPLES = 21000  # several for each of 5 ranks; a rank draws 4096 at a time


def prepare(flotilla):
    flotilla.data("data.h5", {"train": normal_rows(333, 4, seed=5)})
    flotilla.write("config.yaml", CONFIG)


def pairs(lanes):
    """Every ranks x threads with a lane at least for each thread."""
    return [(ranks, threads) for ranks in range(1, lanes + 1)
            for threads in range(1, lanes // ranks + 1)]


def train(flotilla, run, ranks, threads, *more):
    flotilla.run("train", "config.yaml", "--set", f"run.directory={run}",
                 "--set", f"run.threads={threads}", *more, "-q", ranks=ranks)
    return {"metrics": without_times(flotilla.metrics(run)),
            "checkpoint": flotilla.state(run, "checkpoints", LAST),
            "samples": flotilla.arrays(run, "samples", LAST)}


def compare(found, wanted, *what):
    same(found["metrics"], wanted["metrics"], *what)
    same_arrays(found["checkpoint"], wanted["checkpoint"], *what)
    same_arrays(found["samples"], wanted["samples"], *what)


def require_same_everywhere(flotilla, lanes, places):
    """Each place gives what one process gives; returns that."""
    setting = ("--set", f"train.lanes={lanes}")
    wanted = train(flotilla, f"{lanes}-alone", 0, 1, *setting)

    def one(ranks, threads):
        found = train(flotilla, f"{lanes}-{ranks}x{threads}", ranks, threads, *setting)
        compare(found, wanted, f"{lanes} lanes, {ranks} ranks x {threads} threads:")

    every(one, places)
    return wanted


def check_every_pair(flotilla):
    prepare(flotilla)
    five = pairs(5)
    same(len(five), 10)
    if flotilla.sanitized:
        five = [(5, 1), (2, 2)]
    wanted = require_same_everywhere(flotilla, 5, five)
    # One lane a rank, lanes that ranks share unevenly, and the usual number of lanes.
    more = {8: [(8, 1), (2, 4)], 6: [(3, 2), (2, 3)], 16: [(5, 3), (8, 2)]}
    for lanes, places in more.items():
        other = require_same_everywhere(flotilla, lanes, places[:1 if flotilla.sanitized
                                                               else None])
        require(other["metrics"] != wanted["metrics"], lanes, "lanes changed nothing")


def check_samples_and_resume(flotilla):
    """A model's samples, and a run of which every part was computed elsewhere."""
    prepare(flotilla)
    wanted = train(flotilla, "run", 0, 1)
    for steps, ranks, threads in ((2, 5, 1), (4, 2, 2), (6, 1, 5), (8, 3, 1)):
        flotilla.run("train", "config.yaml", "--resume", "-q", "--set", "run.directory=moved",
                     "--set", f"train.steps={steps}", "--set", f"run.threads={threads}",
                     ranks=ranks)
    # Validation comes also where a part ended, and lines of metrics with it.
    same_arrays(flotilla.state("moved", "checkpoints", LAST), wanted["checkpoint"], "moved:",
                but=("run.best", "run.best_step"))
    flotilla.run("sample", "run", "-n", SAMPLES, "-o", "alone.h5")
    alone = flotilla.arrays("alone.h5")
    for ranks in (2, 5):
        flotilla.run("sample", "run", "-n", SAMPLES, "-o", f"{ranks}.h5", ranks=ranks)
        same_arrays(flotilla.arrays(f"{ranks}.h5"), alone, ranks, "ranks:")


if __name__ == "__main__":
    main(globals())
