"""What init writes trains on the very file that it was made for, and does not lose to a normal.

Twenty kinds of data, and more under --all: each goes init -> train, and its figure on held-out rows is
held against the better of independent and full-covariance normals, which numpy fits to the
training rows; within the standard error it may be lower. Called as: check_init.py PROGRAM
MPIEXEC [NAME..].
"""
import json
import os
import re
import sys

import h5py
import numpy as np
import yaml

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, every, main, near, require, same  # noqa: E402

MIXING = np.random.default_rng(11).normal(size=(12, 12))
ODD = ["it's", 'a "b"', "yes", "all", "x: y", "# no", "[0]", "3", "- dash", "0:2", "null", "é"]


def normal(g, n, columns):
    return g.normal(size=(n, columns))


def clumps(g, n):
    return g.normal(size=(n, 2)) * 0.3 + g.integers(-1, 2, (n, 2)) * 2


def two_humps(g, n):
    x = g.normal(size=(n, 1))
    return np.where(g.random((n, 1)) < 0.4, 0.4 * x - 2, x + 1.5)


def counts(g, n):
    return np.c_[g.poisson(3, n), g.integers(0, 2, n), g.negative_binomial(2, 0.1, n)]


def shares(g, n):
    return np.c_[g.beta(0.7, 2, n), g.uniform(size=n), g.beta(5, 5, n)].clip(1e-6, 1 - 1e-6)


def zeros(g, n):
    x = np.exp(g.normal(size=(n, 4)))
    x[:, :3][g.random((n, 3)) < 0.6] = 0
    return x


def tails(g, n):
    return np.c_[g.standard_t(2, n), np.exp(3 * g.normal(size=n)), g.standard_cauchy(n)]


def gaps(g, n):
    x = g.normal(size=(n, 4)) @ MIXING[:4, :4]
    x[g.random((n, 4)) < 0.03] = np.nan
    x[:, 2][g.random(n) < 0.5] = np.nan
    return x


def constants(g, n):
    x = g.normal(size=(n, 5))
    x[:, 1], x[:, 3] = 4, 7 - 2 * x[:, 0]
    return x


def rounded(g, n):
    """Whole numbers that are normal ones, and far from any bound."""
    return np.round(500 + 10 * normal(g, n, 50) @ (np.eye(50) + np.resize(MIXING, (50, 50)) / 7))


def gaps_everywhere(g, n):
    """Of 60 columns each has few gaps, and a row in 500 has none."""
    x = normal(g, n, 60) @ (np.eye(60) + np.resize(MIXING, (60, 60)) / 8)
    x[g.random((n, 60)) < 0.1] = np.nan
    return x


def outlier(g, n):
    x = normal(g, n, 3)
    x[n // 3, 0] = 1e4
    return x


def low_rank(g, n):
    return g.normal(size=(n, 6)) @ np.resize(MIXING, (6, 100)) + normal(g, n, 100) / 3


# Name: rows to train on, to test on, how they are drawn.
KINDS = {
    "independent, more columns than rows": (150, 600, lambda g, n: normal(g, n, 300)),
    "independent, few rows a column": (700, 600, lambda g, n: normal(g, n, 60)),
    "independent, many rows": (2500, 600, lambda g, n: normal(g, n, 8)),
    "correlated": (2000, 1000, lambda g, n: normal(g, n, 12) @ MIXING + 3),
    "low rank and noise": (400, 600, low_rank),
    "one column": (3000, 1500, two_humps),
    "clumps": (3000, 1000, clumps),
    "whole numbers": (2000, 1000, counts),
    "shares": (2000, 1000, shares),
    "zeros": (2000, 1000, zeros),
    "tails": (2000, 1000, tails),
    "gaps": (2000, 1000, gaps),
    "constants and a copy": (1500, 600, constants),
    "whole numbers, few rows a column": (200, 1000, rounded),
    "counts, few rows a column": (150, 1000, lambda g, n: g.poisson(3, (n, 30))),
    "heavier tails, few rows": (200, 1000, lambda g, n: g.standard_t(5, (n, 30))),
    "gaps in every column": (1000, 40000, gaps_everywhere),
    "one row far out": (1000, 600, outlier),
    "angles": (1000, 600, lambda g, n: g.vonmises(3.1, 1, (n, 2))),
    "three rows": (3, 500, lambda g, n: normal(g, n, 2)),
    "few rows": (60, 500, lambda g, n: normal(g, n, 3) @ MIXING[:3, :3]),
}
# Where a flow must be far above both normals, not beside them.
GAINS = {"one column": 0.3, "clumps": 1, "whole numbers": 0.15, "shares": 0.3, "zeros": 2,
         "tails": 5, "angles": 0.5, "one row far out": 3}
# Those that take longer, for `scripts/test --all`.
LONGER = {
    "whole numbers, many rows": (4000, 2000, rounded),
    "independent, 20 columns": (5000, 5000, lambda g, n: normal(g, n, 20)),
    "independent, 200 columns": (2000, 2000, lambda g, n: normal(g, n, 200)),
    "independent, 1000 columns": (300, 2000, lambda g, n: normal(g, n, 1000)),
    "sums of columns": (2000, 2000, lambda g, n: normal(g, n, 5) @ np.c_[
        np.eye(5), np.ones(5)]),
    "uniform": (2000, 2000, lambda g, n: g.random((n, 10))),
    "nearly all zeros": (2000, 2000, lambda g, n: np.where(
        g.random((n, 10)) < 0.95, 0, g.exponential(size=(n, 10)))),
    "tenths": (2000, 2000, lambda g, n: np.round(normal(g, n, 4), 1)),
    "far clumps": (2000, 2000, lambda g, n: normal(g, n, 4) + 200 * g.integers(0, 2, (n, 1))),
}
if os.environ.get("FLOTILLA_TEST_ALL"):
    KINDS.update(LONGER)


def fit_and_score(x, y):
    """The better normal's mean log-likelihood: independent ones, and the full one without
    any shrinkage, where rows allow it."""
    mean, covariance = x.mean(0), np.atleast_2d(np.cov(x.T, bias=True))
    d = y - mean
    alone = (-0.5 * d ** 2 / np.diag(covariance)).sum(1).mean() - 0.5 * np.log(
        2 * np.pi * np.diag(covariance)).sum()
    if len(x) <= 2 * x.shape[1] or np.linalg.cond(covariance) > 1e9:
        return alone
    full = (-0.5 * np.einsum("ij,ji->i", d, np.linalg.solve(covariance, d.T)).mean()
            - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1])
    return max(alone, full)


def init_and_train(flotilla, file, *more):
    """Runs what init writes as it is. Gives the config and test.json."""
    text = flotilla.run("init", file).out
    config = yaml.safe_load(text)
    flotilla.write(file.split(".")[0] + ".yaml", text)
    flotilla.run("train", file.split(".")[0] + ".yaml", "-q", *more)
    return config, json.loads(flotilla.read(config["run"]["directory"], "test.json"))


def fields(flotilla, config, split):
    with h5py.File(flotilla.path(config["data"]["files"][0])) as file:
        x = file[split][()].astype("f8")
    x = x[:, config["data"].get("columns", slice(None))]
    return x[np.isfinite(x).all(1)]


def try_kind(flotilla, number, name):
    train, test, draw = KINDS[name]
    g = np.random.default_rng(number)
    file = flotilla.data(f"kind-{number}.h5", {
        "train": draw(g, train).astype("f4"), "test": draw(g, test).astype("f4")})
    config, found = init_and_train(flotilla, file)
    better = fit_and_score(fields(flotilla, config, "train"), fields(flotilla, config, "test"))
    if any(layer["kind"] == "dequantize" for layer in config["preprocess"]):
        # Those of x + u, which numpy has not.
        better = max(found["normal_independent"], found["normal_full"])
    told = max(found["normal_independent"], found["normal_full"])
    require(told > better - 2 * found["standard_error"], name, "normals say", told, better)
    value = found["log_likelihood"] + found["standard_error"]
    require(value >= max(better, told), name, ":", found["log_likelihood"], "+-",
            found["standard_error"], "is below a normal's", better, told)
    require(found["log_likelihood"] > told + GAINS.get(name, -1e9), name, "gains little:",
            found["log_likelihood"], told)
    same(found["nonfinite_rows"], 0, name)
    return name, config


def check_beats_normals(flotilla):
    configs = dict(every(lambda n, name: try_kind(flotilla, n, name),
                         list(enumerate(KINDS)), at_once=2))
    same(configs["gaps"]["data"]["columns"], [0, 1, 3])
    same(configs["gaps"]["data"]["on_bad_rows"], "drop")
    same(configs["constants and a copy"]["data"]["columns"], [0, 2, 4])
    kinds = {name: [layer["kind"] for layer in config["preprocess"]]
             for name, config in configs.items()}
    same(set(kinds["tails"]), {"signed_log", "log", "whiten"})
    same(kinds["shares"][0], "logit")
    require(set(kinds["whole numbers"]) == {"dequantize", "logit", "whiten"}, kinds)
    same(kinds["one column"], ["standardize"])


def check_names(flotilla):
    """Names that YAML takes for something else, of an array, a table and a group."""
    g = np.random.default_rng(3)
    x, y = (normal(g, n, len(ODD)).astype("f4") for n in (600, 200))
    with h5py.File(flotilla.path("array.h5"), "w") as file:
        for name, rows in (("train", x), ("test", y)):
            file[name] = rows
            file[name].attrs["columns"] = np.array([n.encode() for n in ODD])
    with h5py.File(flotilla.path("group.h5"), "w") as file:
        for split, rows in (("train", x), ("test", y)):
            for name, column in zip(ODD, rows.T):
                file[split + "/" + name] = column
    table = np.zeros(600, [(name, "f4") for name in ODD])
    for name, column in zip(ODD, x.T):
        table[name] = column
    flotilla.data("table.h5", {"train": table})
    for file, spec in (("array.h5", ""), ("group.h5", ":train"), ("table.h5", "")):
        text = flotilla.run("init", file + spec).out
        config = yaml.safe_load(text)
        if file != "array.h5":
            same(sorted(config["data"]["columns"]), sorted(ODD), file)
        flotilla.write("config.yaml", text)
        flotilla.run("train", "config.yaml", "--fresh", "-q")
        with h5py.File(flotilla.last(flotilla.path(config["run"]["directory"]))) as saved:
            same(saved["constants/00_whiten/mean"].shape, (len(ODD),), file)


def check_held_out(flotilla):
    """Numbers that held-out rows alone have are taken: more levels, less than 0."""
    g = np.random.default_rng(5)
    x, y = np.c_[g.poisson(2, 900), np.exp(3 * normal(g, 900, 1))], np.zeros((100, 2))
    y[:, 0], y[:, 1] = g.integers(0, 40, 100), -g.random(100)
    flotilla.data("held.h5", {"train": x.astype("f4"), "test": y.astype("f4")})
    config, found = init_and_train(flotilla, "held.h5", "--set", "train.steps=20")
    same(found["nonfinite_rows"], 0)
    same([layer["kind"] for layer in config["preprocess"]],
         ["dequantize", "logit", "signed_log", "whiten"])
    same(flotilla.run("init", "held.h5", ranks=3).out, flotilla.run("init", "held.h5").out)


def check_nothing_to_learn(flotilla):
    flotilla.data("flat.h5", {"train": np.full((300, 2), 4.0)})
    flotilla.run("init", "flat.h5", code=ERROR).says("none of its 2 columns", times=1)


def check_sizes(flotilla):
    """More rows a column, a larger flow; wide data reports soon."""
    g, seen = np.random.default_rng(1), []
    for rows, columns in ((60, 40), (1500, 40), (4000, 60), (9000, 20), (13000, 40)):
        file = flotilla.data(f"s{rows}.h5", {"train": normal(g, rows, columns).astype("f4")})
        flow = yaml.safe_load(flotilla.run("init", file).out)["flow"]
        seen.append((flow.get("preset") or flow["layers"][0]["kind"], flow.get("width")))
    same(seen, [("elementwise_affine", None), ("elementwise_spline", None),
                ("nsf_coupling", 16), ("nsf_coupling", 32), ("realnvp", 64)])
    flotilla.data("wide.h5", {"train": np.zeros((2, 4500)) + [[1], [2]]})
    text = flotilla.run("init", "wide.h5").out
    same(int(re.search(r"every: (\d+)", text)[1]) <= 10, True)
    near(text.count("kind: whiten"), 0, 0, "4500 columns are standardized")


main(globals())
