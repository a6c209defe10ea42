"""Every preset trains from a few lines, comes back from noise, and does not blow up far out.

Called as: check_presets.py PROGRAM MPIEXEC.
"""
import json
import os
import re
import sys

import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, every, main, require, same, same_arrays  # noqa: E402

OF_DATA = ("maf", "nice", "realnvp", "glow_mlp", "nsf_coupling", "nsf_autoregressive",
           "maf_mog")
MINIMAL = """
run: {directory: run}
data: {files: [data.h5]}
flow: {preset: realnvp}
train: {steps: 100}
"""
SMALL = """
run: {{directory: {run}, threads: 1}}
data: {{files: [data.h5], test: test}}
flow: {{preset: {preset}, steps: 3, hidden: [16]}}
train: {{steps: 150, batch: 100, lanes: 4, learning_rate: 3e-3}}
report: {{samples: 50}}
"""
# A sampling flow of the same data's size: the target is the data of rows_of_target.
TARGET = """
run: {run}
objective:
  kind: reverse_kl
  target: {{kind: correlated_normal, features: 4, mean: 1, deviation: 2, correlation: 0.6}}
flow: {{preset: iaf, steps: 3, hidden: [16]}}
train: {{steps: 300, batch: 100, lanes: 4, learning_rate: 1e-2}}
report: {{samples: 50}}
"""


def rows(count, seed):
    """Two clumps, a wave over them, a heavy tail, in columns of different units."""
    random = np.random.Generator(np.random.PCG64(seed))
    clump = random.integers(0, 2, count) * 2 - 1
    x = np.empty((count, 4))
    x[:, 0] = 1.5 * clump + 0.7 * random.standard_normal(count)
    x[:, 1] = 0.5 * x[:, 0] + 0.8 * random.standard_normal(count)
    x[:, 2] = np.sin(1.5 * x[:, 0]) + 0.4 * random.standard_normal(count)
    x[:, 3] = random.standard_t(6, count)
    return x * [1, 10, 0.1, 3] + [0, 50, 1, -2]


def rows_of_target(count, seed):
    random = np.random.Generator(np.random.PCG64(seed))
    covariance = 4 * (0.4 * np.eye(4) + 0.6)
    return random.multivariate_normal(np.ones(4), covariance, count)


def normal_log_prob(train, x):
    """Under the normal distribution with the moments of `train`."""
    covariance = np.cov(train.T)
    d = x - train.mean(0)
    return (-0.5 * np.sum(d @ np.linalg.inv(covariance) * d, 1)
            - 0.5 * np.linalg.slogdet(2 * np.pi * covariance)[1])


def far_out(train, test):
    """Rows ten standard deviations out: in all columns, in one, along rows of the data."""
    random = np.random.Generator(np.random.PCG64(3))
    mean, deviation = train.mean(0), train.std(0)
    count, D = 400, train.shape[1]
    signs = np.sign(random.standard_normal((count, D)))
    one = np.eye(D)[np.arange(count) % D]
    return {"all": mean + 10 * deviation * signs,
            "one": mean + 10 * deviation * signs * one,
            "along": mean + 10 * (test[:count] - mean)}


def prepare(flotilla, draw=rows):
    train, test = draw(4000, 1), draw(2000, 2)
    far = far_out(train, test)
    flotilla.data("data.h5", {"train": train, "test": test, **far})
    return train, test, far


# A layer whose scale blows up outside the training range costs rows there a thousand times
# the log-density of a normal distribution, or 10^12; one that does not, a few times.
WORST = 15


def stays_sane_far_out(flotilla, run, train, far):
    for name, x in far.items():
        out = f"{run}-{name}.h5"
        flotilla.run("logprob", run, f"data.h5:{name}", "-o", out)
        scores = flotilla.arrays(out)["log_prob"]
        require(np.all(np.isfinite(scores)), run, name, scores)
        ratio = np.max(scores / normal_log_prob(train, x))
        require(ratio < WORST, run, f"rows far out in {name}: {ratio:.4g} times the "
                "log-density of a normal distribution")


def evaluate(flotilla, run, *data):
    return json.loads(flotilla.run("evaluate", run, *data, "--json").out)


def comes_back(e, what):
    require(e["reconstruction_error"] is not None and e["reconstruction_error"] < 1e-3 and
            e["reconstruction_rows"] == 2000, what, e)


def check_every_preset(flotilla):
    """Rows come back at the start and after training; far ones have a density; the flow
    is better than a normal distribution."""
    train, test, far = prepare(flotilla)
    wanted = normal_log_prob(train, test).mean()

    def check(preset):
        flotilla.write(f"{preset}.yaml", SMALL.format(run=preset, preset=preset))
        flotilla.run("train", f"{preset}.yaml", "-q", "--set", f"run.directory={preset}-0",
                     "--set", "train.steps=1", "--set", "train.learning_rate=0")
        comes_back(evaluate(flotilla, f"{preset}-0"), f"{preset}, at first")
        result = flotilla.run("train", f"{preset}.yaml", ranks=2)
        result.says("comes back from noise", times=0)
        e = json.loads(flotilla.read(preset, "test.json"))
        comes_back(e, preset)
        require(e["log_likelihood"] > wanted, preset, e["log_likelihood"], wanted)
        stays_sane_far_out(flotilla, preset, train, far)

    every(check, [(preset,) for preset in OF_DATA])


def check_sampling_preset(flotilla):
    """iaf, of reverse KL: close to its target, with the same laws."""
    train, test, far = prepare(flotilla, rows_of_target)
    flotilla.write("iaf.yaml", TARGET.format(run="{directory: iaf, threads: 1}"))
    flotilla.run("train", "iaf.yaml", "-q", "--set", "run.directory=iaf-0", "--set",
                 "train.steps=1", "--set", "train.learning_rate=0")
    comes_back(evaluate(flotilla, "iaf-0", "data.h5:test"), "iaf, at first")
    flotilla.run("train", "iaf.yaml", ranks=2)
    e = evaluate(flotilla, "iaf", "data.h5:test")
    comes_back(e, "iaf")
    wanted = normal_log_prob(train, test).mean()
    require(wanted - 0.3 < e["log_likelihood"] < wanted + 0.05, e["log_likelihood"], wanted)
    stays_sane_far_out(flotilla, "iaf", train, far)
    stored = flotilla.read("iaf", "config.yaml")
    require("direction: sampling" in stored and "preprocess" not in stored, stored)


def check_a_minimal_config(flotilla):
    """Four lines train well, on any number of ranks, and hold what they stand for."""
    train, test, _ = prepare(flotilla)
    flotilla.write("config.yaml", MINIMAL)
    more = ("--set", "flow.width=32")  # as good here, and quicker
    flotilla.run("train", "config.yaml", *more)
    e = evaluate(flotilla, "run", "data.h5:test")
    wanted = normal_log_prob(train, test).mean()
    require(e["log_likelihood"] > wanted, e["log_likelihood"], wanted)
    stored = flotilla.read("run", "config.yaml")
    require("preset" not in stored and "repeat: 10" in stored and "width: 32" in stored and
            "{kind: standardize, columns: all}" in stored, stored)
    # The stored config is the same run; so is the flow written out.
    flotilla.run("train", "run/config.yaml", "--set", "run.directory=again", "-q", ranks=2)
    same_arrays(flotilla.arrays(flotilla.last("run")), flotilla.arrays(flotilla.last("again")),
                but=("config", "schema"))


def check_resume_compares_the_layers(flotilla):
    """A preset that stands for other layers than the run has does not go on with it."""
    prepare(flotilla)
    flotilla.write("config.yaml", SMALL.format(run="run", preset="maf"))
    flotilla.run("train", "config.yaml", "-q", "--set", "train.steps=10")
    flotilla.run("train", "config.yaml", "-q", "--resume", "--set", "train.steps=12")
    flotilla.run("train", "run/config.yaml", "-q", "--resume", "--set", "train.steps=14")
    for setting, where in (("flow.scale_limit=3", "scale_limit"), ("flow.steps=4", "repeat"),
                           ("flow.preset=realnvp", "flow.layers"),
                           ("flow.mixing=none", "flow.layers")):
        flotilla.run("train", "config.yaml", "--resume", "--set", "train.steps=16", "--set",
                     setting, ranks=2, code=ERROR).says(where, "--resume", times=None)
    same(flotilla.status("run")["step"], 14)


def check_inspect(flotilla):
    """inspect CONFIG shows the layers of a preset and their sizes, or why it cannot."""
    prepare(flotilla)
    flotilla.write("config.yaml", MINIMAL)
    result = flotilla.run("inspect", "config.yaml")
    alone, ranks = (text.out.split("\nrows: ")[0] for text in (
        result, flotilla.run("inspect", "config.yaml", ranks=2)))
    same(ranks, alone)
    head, table = result.out.split("layers, from data to noise:\n")
    flotilla.write("whole.yaml", head + "run: {directory: run}\ndata: {files: [data.h5]}\n"
                   "train: {steps: 100}\n")
    again = flotilla.run("inspect", "whole.yaml").out
    same(again.split("layers, from data to noise:\n")[1], table)
    result.says("repeat: 10", "20_affine_coupling", "all  ", times=1)
    same(len(re.findall(r"\d\d_affine_coupling", result.out)), 10, result)
    os.remove(flotilla.path("data.h5"))
    for ranks in (0, 2):
        result = flotilla.run("inspect", "config.yaml", ranks=ranks, code=ERROR)
        require(result.out == head, result)
        same(result.err.count("flotilla inspect: "), 1, result)
        result.says("data.h5", "No such file", "number of columns", times=1)


def check_wrong_presets(flotilla):
    prepare(flotilla)
    flotilla.write("config.yaml", MINIMAL)
    for words, said in (
            (["flow.preset=nvp"], ["flow.preset", "realnvp, glow_mlp"]),
            (["flow.bins=4"], ["flow.bins", "settings of realnvp"]),
            (["flow.layers=[{kind: lu_linear}]"], ["flow.layers", "flow.preset: realnvp"]),
            (["data.columns=[2]"], ["config.yaml:4: preset realnvp: flow.layers[0]"])):
        arguments = [word for setting in words for word in ("--set", setting)]
        for ranks in (0, 2):
            result = flotilla.run("train", "config.yaml", *arguments, ranks=ranks, code=ERROR)
            result.says(*said).says("flotilla train: ", times=1)
    require(not os.path.exists(flotilla.path("run")))


if __name__ == "__main__":
    main(globals())
