"""Training with products of bfloat16: the same bits everywhere, a flow as good as that of
training in full, and densities in full; refused where processor or build have none.

Called as: check_gemm.py PROGRAM MPIEXEC.
"""
import json
import os
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (ERROR, main, near, require, same, same_arrays,  # noqa: E402
                     without_times)

# Every map that a conditioner has: dense and masked, residual and plain, of the context.
CONFIG = """
run: {directory: run, seed: 3}
data: {files: [data.h5], train: train, validation: validation, context: "conditions/{split}"}
preprocess: [{kind: standardize}]
flow:
  layers:
    - {kind: affine_coupling, width: 40, blocks: 1, dropout: 0.1}
    - {kind: permutation, order: reverse}
    - {kind: affine_autoregressive, hidden: [50, 37]}
    - {kind: spline_autoregressive, width: 33, blocks: 1, bins: 5}
train: {batch: 150, steps: 60, lanes: 6, learning_rate: 3e-3, schedule: constant, gemm: bf16}
checkpoint: {every: 30, keep: 3}
report: {every: 10, validate_every: 60, samples: 40}
"""
LAST = "step-0000000060.h5"


def prepare(flotilla):
    random = np.random.Generator(np.random.PCG64(2))
    contents = {}
    for split, count in (("train", 2000), ("validation", 500)):
        given = random.standard_normal((count, 2))
        rows = random.standard_normal((count, 7))
        rows[:, 1:] += np.tanh(2 * rows[:, :-1]) + given[:, :1]
        contents.update({split: rows, "conditions/" + split: given})
    flotilla.data("data.h5", contents)
    flotilla.write("config.yaml", CONFIG)


def train(flotilla, run, *more, ranks=0, threads=1, **options):
    return flotilla.run("train", "config.yaml", "--set", f"run.directory={run}", "--set",
                        f"run.threads={threads}", *more, "-q", ranks=ranks, **options)


def validation(flotilla, run):
    return flotilla.metrics(run)[-1]["validation_log_likelihood"]


def state(flotilla, run):
    return flotilla.state(run, "checkpoints", LAST)


def require_same_bits_everywhere(flotilla):
    wanted, metrics = state(flotilla, "one"), without_times(flotilla.metrics("one"))
    for ranks, threads in ((0, 2), (3, 1), (2, 2)):
        run = f"{ranks}x{threads}"
        train(flotilla, run, ranks=ranks, threads=threads)
        same_arrays(state(flotilla, run), wanted, run)
        same(without_times(flotilla.metrics(run)), metrics, run)
    train(flotilla, "parts", "--set", "train.steps=30")
    train(flotilla, "parts", "--resume", ranks=2)
    same_arrays(state(flotilla, "parts"), wanted, "resumed", but=("run.best", "run.best_step"))


def require_as_good_as_full(flotilla):
    train(flotilla, "full", "--set", "train.gemm=full")
    full, mine = state(flotilla, "full"), state(flotilla, "one")
    require(any(not np.array_equal(full[name], mine[name])
                for name in mine if name.startswith("parameters/")), "nothing has changed")
    found, wanted = (validation(flotilla, run) for run in ("one", "full"))
    near(found, wanted, 0.05, "validation")


def require_validation_in_full(flotilla):
    """It is what `evaluate` finds, which knows nothing of how a model was trained."""
    found = json.loads(flotilla.run("evaluate", "one/checkpoints/" + LAST, "data.h5:validation",
                                    "--json").out)
    same(found["log_likelihood"], validation(flotilla, "one"))


def check_training(flotilla):
    prepare(flotilla)
    if not flotilla.has_bf16():
        for ranks in (0, 2):
            train(flotilla, "none", ranks=ranks, code=ERROR).says(
                "gemm", "bf16", "AVX512_BF16", "full")
        require(not os.path.exists(flotilla.path("none")), "something was written")
        return
    train(flotilla, "one")
    require_same_bits_everywhere(flotilla)
    require_as_good_as_full(flotilla)
    require_validation_in_full(flotilla)
    train(flotilla, "one", "--resume", "--set", "train.gemm=full", "--set", "train.steps=70",
          code=ERROR).says("train.gemm")


if __name__ == "__main__":
    main(globals())
