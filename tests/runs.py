"""Runs that are stopped, killed, damaged and compared: a small run that can end in its middle,
and what "the same run" means.
"""
import glob
import os
import time

from support import Failure, end, normal_rows, require, same, same_arrays, without_times

CONFIG = """
run: {directory: run, seed: 5, threads: 1}
data: {files: [data.h5], validation: 0.1, test: test}
preprocess: [{kind: standardize}]
flow:
  base: {kind: student_t}
  layers:
    - {kind: permutation}
    - {kind: lu_linear}
    - {kind: affine_coupling, hidden: [24, 24], dropout: 0.1}
train: {batch: 100, lanes: 6, steps: %d, learning_rate: 1e-3, warmup_steps: 10,
        average: 0.95, schedule: %s}
checkpoint: {every: 50, keep: 3}
report: {every: 7, validate_every: 20, samples: 50}
"""
# Long enough that a stop comes in the middle; the schedule of a run that is stopped by
# hand must not depend on the number of steps, which differs between the checks.
LONG = 3000


def prepare(flotilla, steps=200, schedule="cosine"):
    flotilla.data("data.h5", {"train": normal_rows(1234, 6, seed=1),
                              "test": normal_rows(300, 6, seed=2)})
    flotilla.write("config.yaml", CONFIG % (steps, schedule))


def train(flotilla, run, *more, ranks=0, code=0):
    return flotilla.run("train", "config.yaml", "--set", f"run.directory={run}", *more,
                        ranks=ranks, code=code)


def same_runs(flotilla, left, right, *what):
    """The last checkpoint, the best, the metrics, the test and the samples."""
    same(os.path.basename(flotilla.last(left)), os.path.basename(flotilla.last(right)))
    for name in ("checkpoints/" + os.path.basename(flotilla.last(left)),
                 "checkpoints/best.h5"):
        same_arrays(flotilla.state(left, name), flotilla.state(right, name), *what, name)
    same(without_times(flotilla.metrics(left)), without_times(flotilla.metrics(right)),
         *what, "metrics:")
    same(flotilla.read(left, "test.json"), flotilla.read(right, "test.json"), *what)
    same_arrays(flotilla.arrays(left, "samples", newest_samples(flotilla, left)),
                flotilla.arrays(right, "samples", newest_samples(flotilla, right)), *what)


def newest_samples(flotilla, run):
    return max(os.listdir(flotilla.path(run, "samples")))


def step_of(path):
    return int(os.path.basename(path)[len("step-"):-len(".h5")])


def wait_for_line(flotilla, run, process, seconds=60):
    """Until the run has written a line of metrics: it trains, and its handlers stand."""
    path, until = flotilla.path(run, "metrics.jsonl"), time.monotonic() + seconds
    while not (os.path.exists(path) and os.path.getsize(path)):
        if process.poll() is not None or time.monotonic() > until:
            out, err = end(process)
            raise Failure("no metrics within", seconds, "s", out, err)
        time.sleep(0.005)


def ranks_of(process):
    """The process ids of the ranks: children of mpirun (or of its daemon's)."""
    found, parents = [], {process.pid}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path) as file:
                text = file.read()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:].rsplit(")", 1)
        if int(rest.split()[1]) in parents and name.startswith("flotilla"):
            found.append(int(text.split()[0]))
    return sorted(found)


def newest_step(flotilla, run):
    path = flotilla.path(run, "metrics.jsonl")
    if not os.path.exists(path) or not os.path.getsize(path):
        return 0
    return flotilla.metrics(run)[-1]["step"]


def damage(path, how):
    with open(path, "r+b") as file:
        size = os.path.getsize(path)
        if how == "truncated":
            file.truncate(size - 100)
        elif how == "empty":
            file.truncate(0)
        else:  # one bit of one byte, in the middle
            file.seek(size // 2)
            byte = file.read(1)[0]
            file.seek(size // 2)
            file.write(bytes([byte ^ 1]))


def same_files(found, wanted, *what):
    same(sorted(found), sorted(wanted), *what, "files:")
    same([name for name in wanted if found[name] != wanted[name]], [], *what, "changed:")
