"""The figures to beat: a run tells what independent normals and a full one, fitted to its
training rows, give its test rows; numpy finds the same from the formulas.

Called as: check_normals.py PROGRAM MPIEXEC.
"""
import json
import os
import re
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import main, near, require, same  # noqa: E402

CONFIG = """
run: {directory: run, threads: 1}
data: {files: [data.h5], test: test%s}
preprocess: [%s]
flow: {layers: [{kind: elementwise_affine}]}
train: {steps: 1, batch: 20, lanes: 4, learning_rate: 1e-9}
report: {samples: 0}
"""
KEYS = ("normal_independent", "normal_full", "normal_full_error")
S = "normal_full_shrinkage"


def correlations(x, weights, noise):
    """Mean, deviations, correlations, and how many rows of equal weight they are worth."""
    w = weights / weights.sum()
    mean = w @ x
    covariance = (x - mean).T @ ((x - mean) * w[:, None]) + np.diag(noise)
    deviation = np.sqrt(np.diag(covariance))
    return mean, deviation, covariance / np.outer(deviation, deviation), 1 / (w ** 2).sum()


def left_out(r, n, s):
    """Mean leave-one-out likelihood of shrinkage s (Theiler 2012), by eigenvalues."""
    r, b = np.linalg.eigvalsh(r).clip(0), (1 - s) / (n - 1)
    distance = (r / (n * b * r + s)).sum()
    if b * distance >= 1:
        return -np.inf
    return -(np.log(n * b * r + s).sum() + np.log(1 - b * distance)
             + distance / (1 - b * distance))


def is_best(found, r, n):
    """That the run's shrinkage is the best, as far as that matters."""
    grid = 1 / (1 + np.exp(-np.linspace(-16, 9, 200)))
    best = max(left_out(r, n, s) for s in (*grid, 1.0))
    require(left_out(r, n, found) > best - 1e-3 - 1e-5 * abs(best), "shrinkage", found)


def normal(y, mean, covariance, noise):
    """Log-densities; of y + u with the mean over u where there is noise."""
    inverse = np.linalg.inv(covariance)
    d = y - mean
    return (-0.5 * np.einsum("ij,jk,ik->i", d, inverse, d) - 0.5 * np.diag(inverse) @ noise
            - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1])


def wanted(x, y, shrinkage, weights=None, test_weights=None, contexts=0, noise=None):
    """The two means, with the context in the first columns, and an error."""
    weights = np.ones(len(x)) if weights is None else weights
    test_weights = np.ones(len(y)) if test_weights is None else test_weights
    noise = np.zeros(x.shape[1]) if noise is None else noise
    mean, deviation, r, n = correlations(x, weights, noise)
    is_best(shrinkage, r, n)
    r = (1 - shrinkage) * r + shrinkage * np.eye(len(r))
    s, C = r * np.outer(deviation, deviation), contexts
    slope = np.linalg.solve(s[:C, :C], s[:C, C:])
    at = mean[C:] + (y[:, :C] - mean[:C]) @ slope
    left = s[C:, C:] - s[C:, :C] @ slope
    full = normal(y[:, C:] - at, 0, left, noise[C:])
    alone = normal(y[:, C:] - at, 0, np.diag(np.diag(left)), noise[C:])
    w = test_weights / test_weights.sum()
    error = np.sqrt((w ** 2 * (full - w @ full) ** 2).sum())
    return w @ alone, w @ full, error


def found(flotilla, data="", preprocess="{kind: standardize}", ranks=0, *more):
    flotilla.write("config.yaml", CONFIG % (data, preprocess))
    result = flotilla.run("train", "config.yaml", "--fresh", *more, ranks=ranks)
    test = json.loads(flotilla.read("run", "test.json"))
    return [test[key] for key in KEYS], test, result


def agree(numbers, mine, *what):
    for number, own, key in zip(numbers, mine, KEYS):
        near(number, own, 2e-5 * (1 + abs(own)), *what, key)


def rows(columns, count=700, seed=1):
    random = np.random.default_rng(seed)
    mixing = np.eye(columns) + random.normal(size=(columns, columns)) / 3
    x = random.normal(size=(count, columns)) @ mixing * 3 + np.arange(columns)
    return x.astype("f4").astype("f8")


def check_plain(flotilla):
    """Few and many columns; more columns than rows; the same bits on any ranks, threads."""
    for columns, train in ((1, 500), (7, 400), (70, 300), (150, 60)):
        x = rows(columns)
        flotilla.data("data.h5", {"train": x[:train].astype("f4"), "test": x[-200:].astype("f4")})
        numbers, test, result = found(flotilla)
        agree(numbers, wanted(x[:train], x[-200:], test[S]), columns)
        result.says("test, normals fitted to train: independent columns ", times=1)
        if columns == 70:
            for ranks, threads in ((3, 1), (0, 3), (4, 1)):
                same(found(flotilla, "", "{kind: standardize}", ranks, "--set",
                           f"run.threads={threads}")[1], test, ranks, threads)


def check_weights(flotilla):
    x, random = rows(5), np.random.default_rng(2)
    w = random.exponential(size=700).astype("f4").astype("f8")
    w[::9] = 0
    both = np.c_[x, w].astype("f4")
    flotilla.data("data.h5", {"train": both[:400], "test": both[400:]})
    numbers, test, _ = found(flotilla, ", weights: 5")
    agree(numbers, wanted(x[:400], x[400:], test[S], w[:400], w[400:]))


def check_context(flotilla):
    """Normals of the columns under the context: linear regression."""
    x = rows(6)
    flotilla.data("data.h5", {"train": x[:400].astype("f4"), "test": x[400:].astype("f4")})
    flotilla.write("config.yaml", (CONFIG % (", context: [0, 1]", "{kind: standardize}")).replace(
        "elementwise_affine", "affine_coupling, hidden: [4]"))
    flotilla.run("train", "config.yaml").says("by linear regression")
    test = json.loads(flotilla.read("run", "test.json"))
    agree([test[key] for key in KEYS], wanted(x[:400], x[400:], test[S], contexts=2))


def check_whole_numbers(flotilla):
    """Of x + u, as the flow's own figure: the mean over u, exactly."""
    x = rows(4)
    x[:, [1, 3]] = np.round(x[:, [1, 3]])
    flotilla.data("data.h5", {"train": x[:400].astype("f4"), "test": x[400:].astype("f4")})
    numbers, test, _ = found(
        flotilla, "", "{kind: dequantize, low: -200, levels: 400, columns: [1, 3]}, "
        "{kind: logit, columns: [1, 3]}, {kind: standardize}")
    agree(numbers[:2], wanted(x[:400], x[400:], test[S], noise=np.array([0, 1, 0, 1]) / 12))


def check_whiten(flotilla):
    """A flow behind whiten starts at the full normal; a worse one is told."""
    x = rows(70)
    flotilla.data("data.h5", {"train": x[:300].astype("f4"), "test": x[300:].astype("f4")})
    numbers, test, result = found(flotilla, "", "{kind: whiten}")
    near(test["log_likelihood"], numbers[1], 1e-3, "whitened")
    require("worse than a normal" not in result.err, result)
    _, test, result = found(flotilla)
    near(test["log_likelihood"], numbers[0], 1e-3, "standardized")
    result.says("note: on test the flow is worse than a normal by", "kind: whiten", times=1)
    same(found(flotilla, "", "{kind: whiten}", 3)[1]["log_likelihood"],
         found(flotilla, "", "{kind: whiten}")[1]["log_likelihood"], "bits of whiten")
    x[:, 1] = 3
    flotilla.data("data.h5", {"train": x.astype("f4"), "test": x.astype("f4")})
    flotilla.run("train", "config.yaml", "--fresh", code=1).says(
        "whiten: column 1 has standard deviation 0")
    flotilla.write("config.yaml", (CONFIG % (", context: [0]", "{kind: whiten}"))
                   + "preprocess_context: [{kind: whiten}]\n")
    flotilla.run("train", "config.yaml", "--fresh", code=1).says("each column alone")


def check_without(flotilla):
    """A column of one number has no normal: null, and why. Without a test split the figures
    are those of validation, or of train."""
    x = rows(3)
    x[:, 2] = 4
    flotilla.data("data.h5", {"train": x[:400].astype("f4"), "test": x[400:].astype("f4")})
    numbers, _, result = found(flotilla, "", "{kind: standardize, columns: [0, 1]}")
    same(numbers, [None] * 3)
    result.says("test, normals: column 2 has standard deviation 0", times=1)
    x = rows(3)
    flotilla.data("data.h5", {"train": x.astype("f4")})
    for more, split in ((["--set", "data.validation=train"], "validation"), ([], "train")):
        said = flotilla.run("train", "config.yaml", "--fresh", "--set", "data.test=null", *more)
        told = re.search(split + r", normals fitted to train: independent columns (\S+), full "
                         r"covariance (\S+) \(shrunk by (\S+)\)", said.err)
        require(told, said)
        alone, full, _ = wanted(x, x, float(told[3]))
        near(float(told[1]), alone, 1e-4, split)
        near(float(told[2]), full, 1e-4, split)


main(globals())
