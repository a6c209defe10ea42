"""The same run gives the same bits on any number of ranks and threads.

Compares everything a run leaves: parameters, moments, average, constants and samples bit by
bit, metrics and test.json figure by figure. Called as: check_same_bits.py PROGRAM MPIEXEC.
"""
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (main, normal_rows, require, same, same_arrays,  # noqa: E402
                     without_times)

# Context and weights, a base that learns, dropout, layers that start from data, a batch that
# neither 16 nor 6 lanes divide, an average, a test split by fraction, several epochs, a
# validation of two chunks of rows.
CONFIG = """
run: {directory: run, seed: 7}
data: {files: [data.h5], train: train, validation: validation, test: 0.15,
       context: "conditions/{split}", weights: "weights/{split}"}
preprocess: [{kind: standardize}]
flow:
  base: {kind: autoregressive_mixture, components: 2, width: 12, blocks: 1, dropout: 0.1}
  layers:
    - repeat: 2
      layers:
        - {kind: permutation, order: random}
        - {kind: actnorm}
        - {kind: lu_linear}
        - {kind: affine_coupling, width: 20, blocks: 1, dropout: 0.2}
        - {kind: additive_coupling, hidden: [17], mask: random, activation: tanh}
train: {batch: 100, steps: 40, learning_rate: 1e-3, schedule: plateau, clip: 1,
        schedule_patience: 1, warmup_steps: 5, average: 0.9, optimizer: adamw}
checkpoint: {every: 25, keep: 3}
report: {every: 10, validate_every: 9, sample_every: 20, samples: 700}
comm: {bucket_mb: 0.002}
"""

# (ranks, threads a rank, ranks that share memory); 0 ranks: without mpirun; 0 that share: all
# of a host. More of them: check_places.py.
PLACES = [(0, 1, 0), (3, 1, 0), (0, 2, 0), (2, 2, 0), (3, 1, 1), (4, 1, 2)]


def places(flotilla):
    return PLACES[:3] if flotilla.sanitized else PLACES


def make_data(flotilla, chunk_rows=None, bad_rows=()):
    """Types as stored differ: float32, float64, int16. chunk_rows: chunked and deflated.
    bad_rows: of train, with a NaN."""
    random = np.random.Generator(np.random.PCG64(1))
    with h5py.File(flotilla.path("data.h5"), "w") as file:
        for split, rows in (("train", 900), ("validation", 5000)):
            contents = {split: normal_rows(rows, 5, seed=rows),
                        "conditions/" + split: random.standard_normal((rows, 2)),
                        "weights/" + split: random.integers(0, 4, rows).astype(np.int16)}
            if split == "train":
                contents[split][list(bad_rows), 3] = np.nan
            for name, values in contents.items():
                chunks = chunk_rows and (chunk_rows, *values.shape[1:])
                file.create_dataset(name, data=values, chunks=chunks,
                                    compression=chunks and "gzip")


def results(flotilla, run):
    """What must be the same, by name."""
    found = {"metrics": without_times(flotilla.metrics(run)),
             "test.json": flotilla.read(run, "test.json")}
    for folder in ("checkpoints", "samples"):
        for name in sorted(os.listdir(flotilla.path(run, folder))):
            read = flotilla.state if folder == "checkpoints" else flotilla.arrays
            found[f"{folder}/{name}"] = read(run, folder, name)
    return found


def compare(found, wanted, *what):
    same(sorted(found), sorted(wanted), *what)
    for name in wanted:
        if isinstance(wanted[name], dict):
            same_arrays(found[name], wanted[name], *what, name)
        else:
            same(found[name], wanted[name], *what, name)


def train(flotilla, run, ranks, threads, *more):
    flotilla.run("train", "config.yaml", "--set", f"run.directory={run}",
                 "--set", f"run.threads={threads}", *more, "-q", ranks=ranks)
    return results(flotilla, run)


def check_ranks_and_threads(flotilla):
    make_data(flotilla)
    flotilla.write("config.yaml", CONFIG)
    by_lanes = {}
    for lanes in (16, 6):
        for ranks, threads, shared in places(flotilla):
            run = f"{lanes}-{ranks}x{threads}-{shared}"
            found = train(flotilla, run, ranks, threads, "--set", f"train.lanes={lanes}",
                          "--set", f"comm.shared_ranks={shared}")
            wanted = by_lanes.setdefault(lanes, found)
            compare(found, wanted, f"{lanes} lanes, {ranks} ranks x {threads} threads, "
                    f"{shared} share memory:")
    wanted = by_lanes[16]
    arrays = wanted["checkpoints/step-0000000040.h5"]
    groups = {name.split("/")[0] for name in arrays}
    require(groups >= {"parameters", "average", "optimizer", "constants"}, groups)
    # Had the runs not moved, or the lanes no say, all would be the same for no reason.
    last, other = wanted["metrics"][-1], by_lanes[6]["metrics"][-1]
    require(last["train_log_likelihood"] > wanted["metrics"][0]["train_log_likelihood"],
            "training did not improve", wanted["metrics"])
    require(last != other, "16 and 6 lanes gave the same metrics", last)


WINDOWS = ("--set", "data.window_rows=40", "--set", "train.lanes=6",
           "--set", "data.on_bad_rows=drop", "--set", "train.steps=50")
# Less than reading takes, so that windows stream; and room for all rows.
STREAMING, RESIDENT = ("--set", "data.memory=1MiB"), ("--set", "data.memory=1GB")


def check_memory_and_layouts(flotilla):
    """Windows over several epochs, kept in memory or read ahead, contiguous or compressed:
    the same rows on any ranks. With weights, context, dropped rows, a fraction, lanes that
    differ by a row."""
    flotilla.write("config.yaml", CONFIG)
    wanted = None
    # Chunks of 9 rows leave the blocks as they are, of 18 (900 rows, 6 lanes).
    for chunk_rows in (None, 9):
        make_data(flotilla, chunk_rows, bad_rows=(0, 77, 78, 500, 899))
        for memory, said in ((STREAMING, "data: streaming"), (RESIDENT, "data: resident")):
            for ranks, threads in ((0, 1), (2, 1), (4, 1), (1, 2)):
                if flotilla.sanitized and ranks not in (0, 2):
                    continue
                run = f"{chunk_rows}-{said[6:]}-{ranks}x{threads}"
                found = train(flotilla, run, ranks, threads, *WINDOWS, *memory)
                require(said in flotilla.read(run, "log.txt"), flotilla.read(run, "log.txt"))
                wanted = wanted or found
                compare(found, wanted, run)
    require({"samples/step-0000000020.h5", "samples/step-0000000050.h5"} <= set(wanted),
            sorted(wanted))
    # A streaming run waits for its first windows at least.
    require(flotilla.metrics("9-streaming-0x1")[0]["data_wait_seconds"] > 0)
    whole = train(flotilla, "whole", 0, 1, *WINDOWS, "--set", "data.window_rows=auto")
    require(whole["metrics"] != wanted["metrics"], "the window changed nothing")


def check_sampling_direction(flotilla):
    """Without data: samples of the objective belong to row numbers, not to ranks."""
    flotilla.write("config.yaml", """
run: {directory: run, seed: 3}
objective: {kind: reverse_kl, target: {kind: correlated_normal, features: 3}}
flow:
  direction: sampling
  layers:
    - {kind: lu_linear}
    - {kind: planar}
    - {kind: actnorm}
    - {kind: affine_coupling, hidden: [8], dropout: 0.1}
train: {batch: 50, lanes: 6, steps: 30, learning_rate: 1e-2}
report: {every: 10, samples: 300}
""")
    wanted = None
    for ranks, threads, _ in places(flotilla)[:4]:
        run = f"{ranks}x{threads}"
        flotilla.run("train", "config.yaml", "--set", f"run.directory={run}",
                     "--set", f"run.threads={threads}", "-q", ranks=ranks)
        found = {"metrics": without_times(flotilla.metrics(run)),
                 "checkpoint": flotilla.state(flotilla.last(run)),
                 "samples": flotilla.arrays(run, "samples", "step-0000000030.h5")}
        wanted = wanted or found
        compare(found, wanted, f"{ranks} ranks x {threads} threads:")


if __name__ == "__main__":
    main(globals())
