"""Preprocessing is part of the model: whole, positive and bounded columns, in their units.

A table of mixed columns goes through layers that are fitted one behind the other; whole
numbers get their noise by row number. So constants, parameters, scores and samples are the
same bits on any ranks and threads and after a stop, samples are of the kind of the data,
and figures agree with those of data that was prepared beforehand. Called as:
check_preprocess.py PROGRAM MPIEXEC.
"""
import json
import math
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (ERROR, main, near, require, same, same_arrays,  # noqa: E402
                     without_times)

# Whole numbers of few and of many levels, positive, real with heavy tails, bounded; weights,
# a dropped row (of zeros, which have no logarithm), whole context columns, several epochs, a layer that starts from data.
CONFIG = """
run: {directory: run, seed: 5, threads: 1}
data: {files: [data.h5], train: train, validation: validation, test: 0.2,
       context: "conditions/{split}", weights: "weights/{split}", on_bad_rows: drop}
preprocess:
  - {kind: dequantize, columns: [0, 3]}
  - {kind: log, columns: 1}
  - {kind: logit, alpha: 1e-5, columns: [0, 3]}
  - {kind: permutation}
  - {kind: standardize}
  - {kind: signed_log}
  - {kind: box, margin: 0.5}
  - {kind: standardize}
preprocess_context: [{kind: log, offset: 1}, {kind: standardize}]
flow:
  layers:
    - {kind: actnorm}
    - {kind: lu_linear}
    - {kind: affine_coupling, hidden: [12], dropout: 0.1}
train: {batch: 100, lanes: 6, steps: 30, learning_rate: 1e-2, schedule: constant}
report: {every: 10, validate_every: 10, samples: 500}
"""
PLACES = [(0, 1), (2, 1), (3, 1), (1, 2), (2, 2)]  # ranks (0: without mpirun), threads


def table(rows, seed):
    """Whole 0 .. 6, positive, heavy tails, whole 0 .. 255, bounded."""
    random = np.random.default_rng(seed)
    z = random.standard_normal((rows, 5)) @ (np.eye(5) + 0.4)
    return np.stack([np.clip(np.round(3 + z[:, 0]), 0, 6), np.exp(z[:, 1]), z[:, 2] ** 3,
                     np.clip(np.round(128 + 40 * z[:, 3]), 0, 255), np.tanh(z[:, 4])], axis=1)


def prepare(flotilla):
    contents = {}
    for split, rows in (("train", 1500), ("validation", 5000)):
        random = np.random.default_rng(rows)
        contents[split] = table(rows, rows)
        contents["conditions/" + split] = random.integers(0, 5, (rows, 2))
        contents["weights/" + split] = random.integers(0, 3, rows)
    contents["train"][:2, [0, 3]] = [[0, 0], [6, 255]]  # all levels are there to be found
    contents["train"][77, 2] = math.nan
    flotilla.data("data.h5", contents)
    flotilla.write("config.yaml", CONFIG)


def train(flotilla, run, *words, ranks=0):
    flotilla.run("train", "config.yaml", "-q", "--set", f"run.directory={run}", *words,
                 ranks=ranks)
    return flotilla.state(flotilla.last(run))


def log_prob(flotilla, run, data, ranks=0):
    flotilla.run("logprob", run, data, "-o", "scores.h5", "--force", ranks=ranks)
    return flotilla.arrays("scores.h5")["log_prob"]


def check_bits(flotilla):
    prepare(flotilla)
    wanted = None
    for ranks, threads in [(0, 1), (3, 1)] if flotilla.sanitized else PLACES:
        run = f"{ranks}x{threads}"
        state = train(flotilla, run, "--set", f"run.threads={threads}", ranks=ranks)
        found = {"metrics": without_times(flotilla.metrics(run)),
                 "test.json": flotilla.read(run, "test.json")}
        samples = flotilla.arrays(run, "samples", "step-0000000030.h5")
        scores = flotilla.run("evaluate", run, "--json", ranks=ranks).out
        wanted = wanted or (state, found, samples, scores)
        same_arrays(state, wanted[0], run)
        same(found, wanted[1], run)
        same_arrays(samples, wanted[2], run)
        same(scores, wanted[3], run)
    # Stopped and resumed elsewhere: the noise of a step is that of its number.
    train(flotilla, "stopped", "--set", "train.steps=13")
    same_arrays(train(flotilla, "stopped", "--resume", ranks=2), wanted[0], "resumed",
                but=("run.ranks",))
    first, last = wanted[1]["metrics"][0], wanted[1]["metrics"][-1]
    require(last["train_log_likelihood"] > first["train_log_likelihood"], first, last)
    same(last["bad_steps"], 0, "steps that the dropped row spoilt")
    near(last["validation_bits_per_dimension"],
         -last["validation_log_likelihood"] / 5 / math.log(2), 1e-9, "bits a dimension")
    same(wanted[0]["constants/00_dequantize/low"].tolist(), [0, 0])
    same(wanted[0]["constants/00_dequantize/levels"].tolist(), [7, 256])
    are_of_the_table(wanted[2]["samples"])
    e = json.loads(wanted[3])
    require(e["reconstruction_error"] < 1e-3, "reconstruction", e)
    near(json.loads(wanted[1]["test.json"])["log_likelihood"], e["log_likelihood"], 0, "test")


def are_of_the_table(x):
    """Samples: whole numbers within their levels, positive numbers."""
    for column, most in ((0, 6), (3, 255)):
        whole = x[:, column]
        require((whole == np.floor(whole)).all() and whole.min() >= 0 and
                whole.max() <= most and len(np.unique(whole)) > 4, "samples", whole[:20])
    require((x[:, 1] > 0).all(), "samples of log", x[:, 1].min())


def check_fitted_constants(flotilla):
    """Layers behind others are fitted to what these make of all training rows."""
    x = np.abs(table(1000, 3)[:, 1:3]) + 0.1
    flotilla.data("data.h5", {"train": x})
    flotilla.write("config.yaml", """
run: {directory: run, threads: 1}
data: {files: [data.h5]}
preprocess: [{kind: log}, {kind: standardize}, {kind: box, margin: 0.25}, {kind: standardize}]
flow: {layers: [{kind: elementwise_affine}]}
train: {batch: 100, steps: 2}
report: {samples: 0}
""")
    state = train(flotilla, "run")

    def constant(name):
        return state[f"constants/{name}"]

    tolerance = 1e-12 if constant("01_standardize/mean").dtype == np.float32 else 1e-5
    y = np.log(x)
    near(constant("01_standardize/mean"), y.mean(axis=0), tolerance, "mean of logarithms")
    near(constant("01_standardize/deviation"), y.std(axis=0), tolerance, "their deviation")
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    low, high = y.min(axis=0), y.max(axis=0)
    low, high = low - (high - low) / 4, high + (high - low) / 4
    near(constant("02_box/low"), low, tolerance, "low of the box")
    near(constant("02_box/high"), high, tolerance, "high of the box")
    y = np.log((y - low) / (high - y))
    near(constant("03_standardize/mean"), y.mean(axis=0), tolerance, "mean in the box")
    near(constant("03_standardize/deviation"), y.std(axis=0), tolerance, "its deviation")


def check_log_determinants(flotilla):
    """log_likelihood less log_likelihood_preprocessed is the mean log-determinant of the
    layers of `preprocess`, and of no other."""
    x = table(2000, 8)[:, 1:]
    flotilla.data("data.h5", {"train": x, "test": x[:700]})
    flotilla.write("config.yaml", """
run: {directory: run, threads: 1}
data: {files: [data.h5], test: test}
preprocess: [{kind: log, columns: 0}, {kind: signed_log, scale: 0.5, columns: 1},
             {kind: dequantize, levels: 256, columns: 2}, {kind: logit, alpha: 0.01, columns: 2},
             {kind: box, low: -1.5, high: 2, columns: 3}]
flow: {layers: [{kind: permutation}, {kind: tanh}, {kind: lu_linear}]}
train: {batch: 100, steps: 5}
report: {samples: 0}
""")
    train(flotilla, "run")
    e = json.loads(flotilla.run("evaluate", "run", "--json").out)
    x = x[:700]
    # But for the logit, whose log-determinant has the noise in it: by its expectation.
    steps = np.linspace(0, 1, 2001)[:-1] + 1 / 4000
    p = 0.01 + 0.98 * (x[:, 2, None] + steps) / 256
    wanted = (-np.log(x[:, 0]) - np.log(0.5 + np.abs(x[:, 1])) - math.log(256)
              + np.log(0.98 / p / (1 - p)).mean(axis=1)
              + math.log(3.5) - np.log(x[:, 3] + 1.5) - np.log(2 - x[:, 3]))
    near(e["log_likelihood"] - e["log_likelihood_preprocessed"], wanted.mean(), 2e-3,
         "log-determinants of preprocess")
    require(e["standard_error_preprocessed"] < e["standard_error"], e)
    scores = log_prob(flotilla, "run", "data.h5:test")
    near(e["log_likelihood"], scores.mean(), 1e-6, "evaluate and logprob")


RAW = """
run: {directory: raw, seed: 2, threads: 1}
data: {files: [data.h5], train: raw, validation: raw_validation, test: raw_test}
preprocess: [{kind: dequantize, levels: 16}, {kind: logit, alpha: 0.01}]
flow: {layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [16]}, {kind: lu_linear}]}
train: {batch: 200, lanes: 4, steps: 300, learning_rate: 1e-2}
report: {every: 100, validate_every: 100, samples: 400}
"""


def check_prepared_data_agrees(flotilla):
    """Whole numbers through dequantize and logit, and the same numbers with other noise,
    prepared by numpy: the same log-likelihood but for noise. Every row is seen about once,
    so that no run can learn its noise."""
    random = np.random.default_rng(4)
    contents = {}
    for split, rows in (("", 60000), ("_validation", 5000), ("_test", 10000)):
        z = random.standard_normal((rows, 3)) @ [[1, 0.8, 0], [0, 0.6, 0.5], [0, 0, 0.7]]
        raw = np.clip(np.floor(8 + 3 * z), 0, 15)
        p = 0.01 + 0.98 * (raw + random.uniform(size=raw.shape)) / 16
        contents["raw" + split] = raw.astype("u1")
        contents["logit" + split] = np.log(p / (1 - p)).astype("f4")
    flotilla.data("data.h5", contents)
    flotilla.write("raw.yaml", RAW)
    flotilla.write("logit.yaml", RAW.replace("raw", "logit").replace(
        "{kind: dequantize, levels: 16}, {kind: logit, alpha: 0.01}", ""))
    for name in ("raw", "logit"):
        flotilla.run("train", f"{name}.yaml", "-q")
    raw, logit = (json.loads(flotilla.read(name, "test.json")) for name in ("raw", "logit"))
    error = logit["standard_error"]
    near(raw["log_likelihood_preprocessed"], logit["log_likelihood"], 3 * error,
         "raw and prepared, in logit space:", raw, logit)
    near(raw["standard_error_preprocessed"], error, 0.1 * error, "their errors")
    near(raw["bits_per_dimension"], -raw["log_likelihood"] / 3 / math.log(2), 1e-9, "bits")
    # The entropy of the numbers themselves is what no density of x + u can fall below.
    counts = np.unique(contents["raw_test"], axis=0, return_counts=True)[1] / 10000
    entropy = -(counts * np.log2(counts)).sum() / 3
    require(entropy < raw["bits_per_dimension"] < 4, "bits", raw, entropy)
    # The order of rows, and what stands beside them, change nothing.
    flotilla.data("other.h5", {"test": contents["raw_test"][::-1]})
    other = log_prob(flotilla, "raw", "other.h5:test")
    mine = log_prob(flotilla, "raw", "data.h5:raw_test")
    same(log_prob(flotilla, "raw", "data.h5:raw_test", 3).tobytes(), mine.tobytes(),
         "bits of logprob on 3 ranks")
    same(int((other[::-1] != mine).sum()), 0, "rows with another score in another order")
    near(mine.mean(), raw["log_likelihood"], 1e-9, "logprob and test.json")
    flotilla.data("twice.h5", {"test": np.tile(contents["raw"][:4096], (2, 1))})
    twice = log_prob(flotilla, "raw", "twice.h5:test").reshape(2, 4096)
    same(int((twice[0] != twice[1]).sum()), 0, "rows with another score in another chunk")
    samples = flotilla.arrays("raw", "samples", "step-0000000300.h5")["samples"]
    require((samples == np.floor(samples)).all() and samples.min() >= 0 and
            samples.max() <= 15, "samples of whole numbers", samples[:5])
    near(samples.mean(axis=0), contents["raw"].mean(axis=0), 0.5, "their means")


def check_start_from_data(flotilla):
    """Layers that start from data start from whole numbers with their noise: of two levels
    these are uniform, and their logits have mean 0 and deviation pi / sqrt(3)."""
    x = np.random.default_rng(6).integers(0, 2, (4000, 2))
    flotilla.data("data.h5", {"train": x.astype("i2")})
    flotilla.write("config.yaml", """
run: {directory: run, threads: 1}
data: {files: [data.h5]}
preprocess: [{kind: dequantize, levels: 2}, {kind: logit}]
flow: {layers: [{kind: actnorm}]}
train: {batch: 100, steps: 1, learning_rate: 1e-9}
report: {samples: 0}
""")
    state = train(flotilla, "run")
    near(state["parameters/02_actnorm/log_scale"], -math.log(math.pi / math.sqrt(3)), 0.05,
         "log-scale of actnorm")
    near(state["parameters/02_actnorm/shift"], 0, 0.1, "shift of actnorm")


def check_rows_that_are_not_taken(flotilla):
    """New data outside of what the first layers take: scored as not finite, and counted."""
    prepare(flotilla)
    flotilla.write("config.yaml", CONFIG.replace('context: "conditions/{split}", weights: '
                                                 '"weights/{split}", ', "")
                   .replace("preprocess_context: [{kind: log, offset: 1}, "
                            "{kind: standardize}]\n", ""))
    train(flotilla, "run")
    x = table(300, 9)
    x[:, [0, 3]] = np.clip(x[:, [0, 3]], 0, 6)
    x[10, 0], x[20, 0], x[30, 1], x[40, 3] = 7, 2.5, -0.25, -1
    bad = [10, 20, 30, 40]
    flotilla.data("new.h5", {"new": x})
    scores = log_prob(flotilla, "run", "new.h5:new")
    same(np.flatnonzero(~np.isfinite(scores)).tolist(), bad, "scores that are not finite")
    e = json.loads(flotilla.run("evaluate", "run", "new.h5:new", "--json", ranks=2).out)
    same((e["nonfinite_rows"], e["rows"], e["log_likelihood"]), (4, 300, None))
    # A run that starts from this model and keeps its levels says what these do not take.
    more = ["train", "config.yaml", "--set", "run.directory=more", "--set",
            "data.files=new.h5", "--set", "data.train=new", "--set", "data.validation=null",
            "--set", "data.test=null", "--init", "run", "-q"]
    flotilla.run(*more, "--init-keep-preprocess", code=ERROR).says(
        "'new', row", "00_dequantize found", "from 0 to 6")
    flotilla.run(*more, code=ERROR).says("'new', row", "from 0 to 7")


STEPS = """
run: {directory: run, seed: 3, threads: 1}
data: {files: [data.h5], context: "conditions/{split}", test: test}
preprocess: [{kind: permutation}, %s]
flow: {layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [12]}]}
train: {batch: 100, lanes: 6, steps: 60, learning_rate: 1e-2}
report: {samples: 0}
"""
EVERY = ("{kind: box, margin: 0.5}, {kind: standardize}, {kind: whiten}", "{kind: standardize}")
SCALE, SHIFT = np.array([4, 0.25, 1, 1024]), np.array([-8, 3, 0.5, 1 << 17])


def two_units(flotilla, steps):
    """The same rows in two units, and a model of the first."""
    random = np.random.default_rng(8)
    for name, scale, shift in (("data.h5", 1, 0), ("moved.h5", SCALE, SHIFT)):
        contents = {}
        random = np.random.default_rng(8)
        for split, rows in (("train", 1200), ("test", 512)):
            c = np.round(64 * random.standard_normal((rows, 2))) / 64
            x = np.round(256 * random.standard_normal((rows, 4)) @ (np.eye(4) + 0.3)) / 256
            x[:, 0] += c[:, 1]
            contents["conditions/" + split] = (c * np.mean(scale) + np.mean(shift)).astype("f4")
            contents[split] = (x * scale + shift).astype("f4")
        flotilla.data(name, contents)
    flotilla.write("config.yaml", STEPS % steps)
    train(flotilla, "run")
    return ["--set", "data.files=moved.h5", "--set", "train.steps=1", "--set", "run.seed=4",
            "--set", "train.learning_rate=1e-12", "--init", "run"]


def log_line(flotilla, run, *words):
    found = [line for line in flotilla.read(run, "log.txt").splitlines()
             if all(word in line for word in words)]
    require(len(found) == 1, words, "in", flotilla.read(run, "log.txt"))
    return found[0]


def check_start_from_a_model_of_other_units(flotilla):
    """--init fits the preprocessing to the new data: the flow was trained on its output."""
    for number, steps in enumerate(EVERY):
        here = flotilla.part(f"steps-{number}")
        words = two_units(here, steps)
        before = log_prob(here, "run", "data.h5:test")
        train(here, "moved", *words, ranks=2 * number)
        after = log_prob(here, "moved", "moved.h5:test")
        near(after, before - np.log(SCALE).sum(), 2e-3, "densities of the same rows")
        line = log_line(here, "moved", "init: parameters of run/")
        require("preprocessing is fitted to this data" in line, line)
    # What has moved the most since then, in the model's own units.
    old, new = (here.arrays(name)["train"].astype("f8") for name in ("data.h5", "moved.h5"))
    shift = np.abs(new.mean(0) - old.mean(0)) / old.std(0)
    line = log_line(here, "moved", "init: 01_standardize", "the largest shift is")
    require(f"shift is {shift.max():.3g} standard deviations, of column {shift.argmax()};"
            in line and "0.25 (column 1) to 1.02e+03 (column 3)" in line, line)
    log_line(here, "moved", "init: context_00_standardize", "of context column")


def check_start_from_a_model_of_another_order(flotilla):
    """The model's weights belong to its columns: by name, in its order."""
    words = two_units(flotilla, EVERY[1])
    for name in ("data.h5", "moved.h5"):
        with h5py.File(flotilla.path(name), "r+") as file:
            for split in ("train", "test"):
                file[split].attrs["columns"] = ["a", "b", "c", "d"]
                file["conditions/" + split].attrs["columns"] = ["u", "v"]
    train(flotilla, "named")
    words = words[:-1] + ["named"]
    train(flotilla, "same", *words, "--set", "data.columns=[a, b, c, d]")
    flotilla.run("train", "config.yaml", *words, "--set", "run.directory=other", "--set",
                 "data.columns=[c, a, b, d]", code=ERROR).says(
        "data.columns: found c, a, b, d, wanted the model's order", "a, b, c, d")
    with h5py.File(flotilla.path("moved.h5"), "r+") as file:
        for split in ("train", "test"):
            file[split].attrs["columns"] = ["a", "B", "c", "d"]
    said = flotilla.run("train", "config.yaml", *words, "--set", "run.directory=renamed")
    said.says("note: data.columns: column 1 is B here, and b in named/", times=1)


def check_start_from_a_model_as_it_is(flotilla):
    """--init-keep-preprocess: constants are the model's, also on data that could not be
    fitted to, and what has moved is told."""
    words = two_units(flotilla, EVERY[1]) + ["--init-keep-preprocess"]
    old = flotilla.arrays("data.h5")
    few = {name: old[name][:300].copy() for name in ("train", "test", "conditions/train",
                                                     "conditions/test")}
    few["train"][:, 2] = 1.25
    flotilla.data("few.h5", few)
    model = flotilla.arrays(flotilla.last("run"))
    for data, ranks in (("few.h5", 2), ("moved.h5", 0)):
        kept = train(flotilla, data[:-3], *words, "--set", f"data.files={data}", ranks=ranks)
        same_arrays({name: kept[name] for name in kept if name.startswith("constants/")},
                    {name: model[name] for name in model if name.startswith("constants/")})
        require("as it is (--init-keep-preprocess)" in
                log_line(flotilla, data[:-3], "init: parameters of run/"))
    near(log_prob(flotilla, "few", "data.h5:test"), log_prob(flotilla, "run", "data.h5:test"),
         1e-4, "the model, hardly trained on")
    log_line(flotilla, "moved", "note: the flow was trained on columns elsewhere", "01_stand")
    flotilla.run("train", "config.yaml", *words[:-1], "--set", "data.files=few.h5", "--set",
                 "run.directory=new", code=ERROR).says(
        "wanted a column that varies", "--init-keep-preprocess")


if __name__ == "__main__":
    main(globals())
