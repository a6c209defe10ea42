"""actnorm starts where the data wants it, once: not after a stop, not with --init.

Called as: check_data_start.py PROGRAM MPIEXEC.
"""
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import main, near, normal_rows, require, same, same_arrays  # noqa: E402

# No step moves anything: the checkpoint holds the start. The maps between are the identity
# at the start, but for permutations, so that a reader of the file can follow the rows.
CONFIG = """
run: {directory: run, seed: 5}
data: {files: [data.h5], weights: "weights/{split}"}
flow:
  layers:
    - {kind: permutation, order: random}
    - {kind: actnorm}
    - {kind: affine_coupling, hidden: [8]}
    - {kind: permutation, order: random}
    - {kind: actnorm}
    - {kind: lu_linear}
train: {batch: 64, steps: 2, learning_rate: 0, schedule: constant}
report: {every: 1, validate_every: 0, samples: 0}
"""


def make_data(flotilla, rows):
    """Sorted by the first column, with columns of other sizes, heavy and light rows."""
    x = normal_rows(rows, 4, seed=2)
    x = x[np.argsort(x[:, 0])] * np.array([1e-3, 1, 1e3, 1], "f4") + np.array([0, 9, 0, 0], "f4")
    weights = np.where(np.arange(rows) % 3, 0.5, 2.0)
    weights[::10] = 0
    flotilla.data("data.h5", {"train": x, "weights/train": weights})
    return x.astype("f8"), weights


def tensors(flotilla, run, layer, group="parameters"):
    """The arrays of one layer in the newest checkpoint, by their last name."""
    arrays = flotilla.arrays(flotilla.last(run))
    start = f"{group}/{layer}/"
    return {name[len(start):]: value.astype("f8") for name, value in arrays.items()
            if name.startswith(start)}


def normalise(flotilla, run, layer, x):
    found = tensors(flotilla, run, layer)
    return x * np.exp(found["log_scale"]) + found["shift"]


def permute(flotilla, run, layer, x):
    return x[:, tensors(flotilla, run, layer, "constants")["order"].astype(int)]


def require_normal(x, weights, mean_near, deviation_near, *what):
    mean = np.average(x, axis=0, weights=weights)
    deviation = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weights))
    near(mean, np.zeros(x.shape[1]), mean_near, *what, "mean")
    near(deviation, np.ones(x.shape[1]), deviation_near, *what, "deviation")


def check_every_actnorm_normalises(flotilla):
    """Few rows: exactly, as all are used. Many, sorted: nearly."""
    flotilla.write("config.yaml", CONFIG)
    for rows, mean_near, deviation_near in ((2000, 1e-4, 1e-4), (30000, 0.06, 0.05)):
        x, weights = make_data(flotilla, rows)
        run = f"run{rows}"
        said = flotilla.run("train", "config.yaml", "--set", f"run.directory={run}", ranks=2)
        said.says("2 layers start from", times=1)
        x = permute(flotilla, run, "00_permutation", x)
        x = normalise(flotilla, run, "01_actnorm", x)
        require_normal(x, weights, mean_near, deviation_near, rows, "rows: first")
        first = tensors(flotilla, run, "01_actnorm")
        require(np.ptp(first["log_scale"]) > 5, "columns of one size say nothing", first)
        x = normalise(flotilla, run, "04_actnorm", permute(flotilla, run, "03_permutation", x))
        require_normal(x, weights, mean_near, deviation_near, rows, "rows: second")


def check_large_chunks(flotilla):
    """Where every row would have a large chunk decoded, adjoining rows are taken, from parts
    all over the data: a column that rises from end to end is normalised, too."""
    rows, columns = 1200000, 64
    random = np.random.Generator(np.random.PCG64(6))
    block = random.integers(0, 256, (40000, columns)).astype("u1")
    with h5py.File(flotilla.path("data.h5"), "w") as file:
        data = file.create_dataset("train", (rows, columns), "u1", compression="gzip",
                                   compression_opts=1, chunks=(len(block), columns))
        for first in range(0, rows, len(block)):
            block[:, 0] = 200 * np.arange(first, first + len(block)) // rows
            data[first:first + len(block)] = block
        values = data[::49].astype("f8")  # of all rows of the block
    flotilla.write("config.yaml", CONFIG)
    found = []
    for ranks in (0, 3):
        flotilla.run("train", "config.yaml", "--set", f"run.directory=run{ranks}", "--set",
                     "data.weights=null", "--set", "data.memory=50MB", "--set",
                     "flow.layers=[{kind: actnorm}]", ranks=ranks).says(
            "1 layer starts from 4096 training rows", times=1)
        found.append(flotilla.state(flotilla.last(f"run{ranks}")))
    same_arrays(*found, "1 and 3 ranks:")
    x = normalise(flotilla, "run0", "00_actnorm", values)
    require_normal(x, np.ones(len(x)), 0.1, 0.1, "large chunks")
    # Single rows in as many parts would be nearer still: that is not what was done.
    require(np.abs(x[:, 0].mean()) > 1e-3, x[:, 0].mean())


def check_constant_column(flotilla):
    """A column that does not vary is no division by zero: it is said, and training goes on."""
    x, _ = make_data(flotilla, 500)
    x[:, 2] = 7
    flotilla.data("data.h5", {"train": x.astype("f4"), "weights/train": np.ones(500)})
    flotilla.write("config.yaml", CONFIG)
    flotilla.run("train", "config.yaml").says(
        "2 columns do not vary", "the first in 01_actnorm")
    column = list(tensors(flotilla, "run", "00_permutation", "constants")["order"]).index(2)
    found = tensors(flotilla, "run", "01_actnorm")
    same(found["log_scale"][column], 0.0)
    near(found["shift"][column], -7, 1e-6)
    require(all(np.isfinite(value).all() for value in found.values()), found)


def check_it_happens_once(flotilla):
    """A run that goes on keeps its parameters; --init takes those of the model."""
    make_data(flotilla, 600)
    flotilla.write("config.yaml", CONFIG)
    moving = ("--set", "train.learning_rate=1e-2", "-q")
    flotilla.run("train", "config.yaml", *moving)
    before = tensors(flotilla, "run", "01_actnorm")
    flotilla.run("train", "config.yaml", "--resume", "--set", "train.steps=3", *moving, ranks=2)
    after = tensors(flotilla, "run", "01_actnorm")
    # Adam moves each number by about the learning rate: a new start would undo two steps.
    flotilla.run("train", "config.yaml", "--set", "run.directory=whole",
                 "--set", "train.steps=3", *moving)
    same_arrays(flotilla.state(flotilla.last("run")), flotilla.state(flotilla.last("whole")),
                "resumed")
    require(np.abs(after["shift"] - before["shift"]).max() > 1e-3, before, after)
    said = flotilla.run("train", "config.yaml", "--init", "run", "--set", "run.directory=next")
    said.says("start from", times=0)
    same_arrays(tensors(flotilla, "next", "01_actnorm"), after, "--init")


def check_base_samples(flotilla):
    """A sampling flow has no data: it starts from samples of its base."""
    flotilla.write("config.yaml", """
run: {directory: run, seed: 5}
objective: {kind: reverse_kl, target: {kind: correlated_normal, features: 3}}
flow: {direction: sampling, layers: [{kind: actnorm}, {kind: planar}]}
train: {batch: 64, steps: 1, learning_rate: 0}
report: {samples: 0}
""")
    flotilla.run("train", "config.yaml").says("1 layer starts from 4096 base samples")
    found = tensors(flotilla, "run", "00_actnorm")
    near(found["log_scale"], np.zeros(3), 0.06, "log-scales of a standard normal")
    near(found["shift"], np.zeros(3), 0.08, "shifts of a standard normal")
    require(np.abs(found["shift"]).min() > 0, "nothing was started", found)


if __name__ == "__main__":
    main(globals())
