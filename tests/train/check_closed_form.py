"""Training finds what is known: fits whose answer can be written down.

Called as: check_closed_form.py PROGRAM MPIEXEC.
"""
import json
import math
import os
import subprocess
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import main, near, require, same  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def evaluate(flotilla, *words):
    return json.loads(flotilla.run("evaluate", *words, "--json").out)


def samples(flotilla, run, count, out="samples.h5"):
    flotilla.run("sample", run, "-n", count, "-o", out, "--force")
    return flotilla.arrays(out)["samples"].astype("f8")


def log_normal(x, mean, covariance):
    """Log-density of rows x [N, D]."""
    d = x - mean
    squares = np.sum(d @ np.linalg.inv(covariance) * d, 1)
    return -0.5 * (squares + np.linalg.slogdet(2 * np.pi * covariance)[1])


def moments(x, weights):
    mean = np.average(x, axis=0, weights=weights)
    d = x - mean
    return mean, (weights[:, None] * d).T @ d / weights.sum()


def check_affine_1d(flotilla):
    """configs/affine_1d.yaml as it stands: five affine maps fit one normal column."""
    subprocess.run([sys.executable, os.path.join(ROOT, "scripts", "make_affine_1d.py"),
                    "-o", flotilla.path("affine_1d.h5")], check=True,
                   stdout=subprocess.DEVNULL)
    flotilla.run("train", os.path.join(ROOT, "configs", "affine_1d.yaml"), "-q", ranks=2)
    with h5py.File(flotilla.path("affine_1d.h5")) as file:
        x = {name: file[name][()].astype("f8") for name in ("train", "test")}
    mean, std = x["train"].mean(), x["train"].std()
    best = -math.log(std) - 0.5 - HALF_LOG_TWO_PI
    run = "runs/affine_1d"
    near(evaluate(flotilla, run, "affine_1d.h5:train")["log_likelihood"], best, 1e-5,
         "log-likelihood of train")
    near(evaluate(flotilla, run, "affine_1d.h5:test")["log_likelihood"],
         np.mean(-0.5 * ((x["test"] - mean) / std) ** 2) - math.log(std) - HALF_LOG_TWO_PI,
         1e-3, "log-likelihood of test")
    # The fitted mean and deviation, read off the density at three points exactly:
    # log p(x) = -(x - m)^2 / (2 s^2) - log s - ..; differences give s, then m.
    points = np.array([[2.0], [3.0], [4.0]])
    flotilla.data("points.h5", {"x": points})
    flotilla.run("logprob", run, "points.h5", "-o", "scores.h5")
    low, middle, high = flotilla.arrays("scores.h5")["log_prob"]
    variance = -1 / (low - 2 * middle + high)
    near(math.sqrt(variance), std, 5e-4, "standard deviation")
    near(3 + (high - low) / 2 * variance, mean, 5e-4 * mean, "mean")
    drawn = samples(flotilla, run, 100000)
    near(drawn.mean(), mean, 5 * std / math.sqrt(1e5), "mean of samples")
    near(drawn.std(), std, 5 * std / math.sqrt(2e5), "deviation of samples")


REVERSE = """
run: {directory: run, seed: 4, threads: 1}
objective:
  kind: reverse_kl
  target: {kind: correlated_normal, features: 4, mean: 2, deviation: 3,
           correlation: 0.8, log_evidence: 3}
flow:
  direction: sampling
  base: {kind: normal}
  layers:
    - {kind: lu_linear}
    - {kind: permutation, order: reverse}
    - {kind: lu_linear}
train: {batch: 256, lanes: 8, steps: 1500, learning_rate: 2e-2, schedule: cosine}
report: {every: 100, samples: 0}
"""


def check_reverse_kl(flotilla):
    """A linear flow can be the correlated normal: moments, evidence, density."""
    flotilla.write("config.yaml", REVERSE)
    flotilla.run("train", "config.yaml", "-q", ranks=2)
    lines = flotilla.metrics("run")
    require("train_log_likelihood" not in lines[0], lines[0])
    bound = [line["train_evidence_bound"] for line in lines]
    require(bound[0] < 2.9, "the first bound says nothing:", bound)
    # Below the evidence by the KL divergence, which goes to 0; so does its spread.
    near(bound[-1], 3, 2e-3, "evidence")
    D, r = 4, 0.8
    covariance = 3.0 ** 2 * r ** np.abs(np.subtract.outer(np.arange(D), np.arange(D)))
    x = samples(flotilla, "run", 100000)
    near(x.mean(0), np.full(D, 2.0), 0.06, "mean of samples")
    near(np.cov(x.T), covariance, 0.25, "covariance of samples")
    # A sampling flow tells densities too, by its inverse.
    flotilla.data("x.h5", {"x": x[:1000]})
    flotilla.run("logprob", "run", "x.h5", "-o", "scores.h5")
    near(flotilla.arrays("scores.h5")["log_prob"],
         log_normal(x[:1000], np.full(D, 2.0), covariance), 0.15, "log-densities")
    near(flotilla.arrays("scores.h5")["log_prob"].mean(),
         log_normal(x[:1000], np.full(D, 2.0), covariance).mean(), 5e-3, "their mean")


def check_sylvester(flotilla):
    """configs/sylvester.yaml as it stands: a bent normal comes close to a correlated one, and
    its numerical inverse tells the same densities that its samples were fitted with."""
    flotilla.run("train", os.path.join(ROOT, "configs", "sylvester.yaml"), "-q", ranks=2)
    run = "runs/sylvester"
    bound = [line["train_evidence_bound"] for line in flotilla.metrics(run)]
    require(bound[0] < 4.5, "the first bound says nothing:", bound)
    require(4.97 < bound[-1] < 5.005, "evidence bound", bound[-1])
    D, r = 8, 0.8
    mean = np.full(D, 2.0)
    covariance = 3.0 ** 2 * r ** np.abs(np.subtract.outer(np.arange(D), np.arange(D)))
    x = samples(flotilla, run, 100000)
    near(x.mean(0), mean, 0.1, "mean of samples")
    near(np.cov(x.T), covariance, 0.6, "covariance of samples")
    flotilla.data("x.h5", {"x": x[:20000]})
    e = evaluate(flotilla, run, "x.h5")
    same((e["rows"], e["nonfinite_rows"]), (20000, 0))
    # log q - log p of samples of q: its mean is the KL divergence, 5 less the bound.
    flotilla.run("logprob", run, "x.h5", "-o", "scores.h5")
    ratio = flotilla.arrays("scores.h5")["log_prob"] - log_normal(x[:20000], mean, covariance)
    near(ratio.mean(), 5 - np.mean(bound[-3:]), 5e-3, "KL divergence")


WEIGHTED = """
run: {directory: run, seed: 4, threads: 1}
data: {files: [data.h5], weights: "weights/{split}", test: test}
flow:
  layers:
    - {kind: lu_linear}
train: {batch: 800, lanes: 8, steps: 1000, learning_rate: 3e-2, schedule: cosine}
report: {every: 100, samples: 0}
"""


def check_weighted_clusters(flotilla):
    """Two clusters of other weights: a linear flow is the weighted Gaussian fit."""
    random = np.random.Generator(np.random.PCG64(6))
    contents = {}
    for split, rows in (("train", 800), ("test", 500)):
        second = np.arange(rows) % 4 == 0
        x = random.standard_normal((rows, 2)) * [1, 0.5]
        x[second] = x[second] @ [[0.5, 0.2], [0, 1]] + [2, -1]
        contents[split] = x.astype("f4")
        contents[f"weights/{split}"] = np.where(second, 3.0, 0.5) * (1 + random.random(rows))
    flotilla.data("data.h5", contents)
    flotilla.write("config.yaml", WEIGHTED)
    wanted = {}
    weights = contents["weights/train"]
    x = contents["train"].astype("f8")
    wanted["weighted"] = moments(x, weights)
    wanted["plain"] = moments(x, np.ones(len(x)))
    require(np.max(np.abs(wanted["weighted"][0] - wanted["plain"][0])) > 0.4)
    for run, sets in (("weighted", []), ("plain", ["--set", "data.weights=null"])):
        flotilla.run("train", "config.yaml", "-q", "--set", f"run.directory={run}", *sets)
        mean, covariance = wanted[run]
        scores = log_normal(contents["test"].astype("f8"), mean, covariance)
        w = contents["weights/test"] if run == "weighted" else np.ones(len(scores))
        e = json.loads(flotilla.read(run, "test.json"))
        near(e["log_likelihood"], np.average(scores, weights=w), 1e-3, run)
        flotilla.run("logprob", run, "data.h5:test", "-o", f"{run}.h5")
        near(flotilla.arrays(f"{run}.h5")["log_prob"], scores, 2e-2, run, "log-densities")
        drawn = samples(flotilla, run, 100000)
        near(drawn.mean(0), mean, 0.03, run, "mean of samples")
        near(np.cov(drawn.T), covariance, 0.05, run, "covariance of samples")
    same(e["rows"], 500)


BASE_ALONE = """
run: {directory: run, seed: 4, threads: 1}
data: {files: [data.h5]}
flow: {base: %s, layers: []}
train: {batch: 2000, lanes: 8, steps: %d, learning_rate: 3e-2, schedule: cosine}
report: {every: 100, samples: 0}
"""


def fit_base(flotilla, base, steps, contents, *settings):
    """Trains a base density without layers; its parameters by name."""
    flotilla.data("data.h5", contents)
    flotilla.write("config.yaml", BASE_ALONE % (base, steps))
    flotilla.run("train", "config.yaml", "-q", *settings, ranks=2)
    return {name.split("/")[-1]: value.astype("f8")
            for name, value in flotilla.arrays(flotilla.last("run")).items()
            if name.startswith("parameters/base/")}


def clamped(a):
    return a / (1 + np.abs(a) / 7)


def check_heavy_tails(flotilla):
    """student_t finds location, scale and degrees of freedom of each column."""
    random = np.random.Generator(np.random.PCG64(8))
    nu, location, scale = np.array([3.0, 8.0]), np.array([2.0, -1.0]), np.array([3.0, 0.5])
    x, test = (location + scale * random.standard_t(nu, (n, 2)) for n in (40000, 20000))
    found = fit_base(flotilla, "{kind: student_t, degrees_of_freedom: 5}", 1000,
                     {"train": x, "test": test})
    near(found["location"], location, 0.06, "location")
    near(np.exp(clamped(found["log_scale"])) / scale, [1, 1], 0.03, "scale")
    near((1 + np.logaddexp(0, found["degrees"])) / nu, [1, 1], 0.15, "degrees of freedom")

    def log_density(x):
        u = (x - location) / scale
        normaliser = [math.lgamma((n + 1) / 2) - math.lgamma(n / 2)
                      - math.log(math.sqrt(n * math.pi)) for n in nu]
        return np.sum(normaliser - np.log(scale) - (nu + 1) / 2 * np.log1p(u * u / nu), 1)
    flotilla.run("logprob", "run", "data.h5:test", "-o", "scores.h5")
    near(flotilla.arrays("scores.h5")["log_prob"].mean(), log_density(test).mean(), 3e-3,
         "log-likelihood of test")
    drawn, levels = samples(flotilla, "run", 100000), [0.01, 0.25, 0.5, 0.75, 0.99]
    near(np.quantile((drawn - location) / scale, levels, 0),
         np.quantile((np.vstack([x, test]) - location) / scale, levels, 0), 0.2,
         "quantiles of samples")


def check_clusters(flotilla):
    """mixture finds two clusters: weights, means, deviations."""
    random = np.random.Generator(np.random.PCG64(9))
    mean, deviation = np.array([[-2.0, 1.0], [3.0, 0.0]]), np.array([[0.5, 1.0], [1.0, 0.25]])
    which = (random.random(20000) < 0.3).astype(int)
    x = mean[which] + deviation[which] * random.standard_normal((20000, 2))
    found = fit_base(flotilla, "{kind: mixture, components: 2}", 800, {"train": x})
    order = np.argsort(found["mean"][:, 0])
    weight = np.exp(found["logit"]) / np.exp(found["logit"]).sum()
    near(weight[order], [1 - which.mean(), which.mean()], 0.02, "weights")
    near(found["mean"][order], mean, 0.05, "means")
    near(np.exp(clamped(found["log_scale"][order])), deviation, 0.05, "deviations")


def check_conditional_base(flotilla):
    """diagonal_normal moves by a linear map of the context: x given c is normal."""
    random = np.random.Generator(np.random.PCG64(1))
    contents = {}
    for split, rows in (("train", 10000), ("test", 10000)):
        c = random.standard_normal((rows, 1))
        x = np.hstack([2 * c, 1 - c])
        contents[f"given/{split}"] = c
        contents[split] = x + np.exp(0.3 * c - 0.5) * random.standard_normal((rows, 2))
    # The log-scale is clamped softly: nearly linear in c.
    fit_base(flotilla, "{kind: diagonal_normal, scale_limit: 20}", 800, contents,
             "--set", "data.context='given/{split}'", "--set", "data.test=test")
    c, x = contents["given/test"], contents["test"]
    u = (x - np.hstack([2 * c, 1 - c])) / np.exp(0.3 * c - 0.5)
    best = np.mean(np.sum(-0.5 * u * u - (0.3 * c - 0.5) - HALF_LOG_TWO_PI, 1))
    near(json.loads(flotilla.read("run", "test.json"))["log_likelihood"], best, 5e-3)


def check_maximum_likelihood_of_standardize(flotilla):
    """Standardize alone, with an affine map that does not move: exact moments, weights in."""
    random = np.random.Generator(np.random.PCG64(3))
    x = 1e3 + random.standard_normal((3000, 3)) * [1e-2, 1, 1e4]
    w = random.random(3000).astype("f4")
    flotilla.data("data.h5", {"train": x, "w": w})
    flotilla.write("config.yaml", """
run: {directory: run}
data: {files: [data.h5], weights: w}
preprocess: [{kind: standardize}]
flow: {layers: [{kind: elementwise_affine}]}
train: {steps: 1, learning_rate: 0}
report: {samples: 0}
""")
    flotilla.run("train", "config.yaml", "-q", ranks=3)
    arrays = flotilla.arrays(flotilla.last("run"))
    precise = "double" in flotilla.run("--version").out
    origin = arrays.get("origin", np.zeros(3))  # what is taken off in double
    if not precise:
        same((origin != 0).tolist(), [True, True, False])
        x = (x - origin).astype("f4") + origin
    mean, covariance = moments(x, w.astype("f8"))
    deviation = np.sqrt(np.diag(covariance))
    found = {name.split("/")[-1]: value for name, value in arrays.items()
             if name.startswith("constants/00_standardize/")}
    near((found["mean"] + origin) / mean, np.ones(3), 1e-12, "mean")
    near(found["deviation"] / deviation, np.ones(3), 1e-9, "deviation")


if __name__ == "__main__":
    main(globals())
