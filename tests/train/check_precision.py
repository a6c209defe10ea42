"""Numbers that float does not hold as they stand are scored and sampled as they are.

Called as: check_precision.py PROGRAM MPIEXEC. Data far from 0 beside its spread, whole
numbers beyond 2^24 and 2^53, numbers of 1e-40: flows that stay at the normal of their
training rows are compared, row by row, with that normal's density in double.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, main, near, require, same, same_arrays  # noqa: E402

ROWS = 4000
# One step of next to nothing: the flow is the normal that standardize makes of the base.
CONFIG = """
run: {directory: DIRECTORY, seed: 1, threads: 1}
data: {files: [FILE], train: train, test: test}
preprocess: PREPROCESS
flow: {layers: [{kind: elementwise_affine}]}
train: {steps: 1, batch: 100, learning_rate: 1.0e-12}
report: {samples: 100}
"""


def train(flotilla, name, file, preprocess="[{kind: standardize}]", code=0, ranks=0, more=(),
          data="train: train, test: test"):
    text = CONFIG.replace("DIRECTORY", name).replace("FILE", file)
    text = text.replace("PREPROCESS", preprocess).replace("train: train, test: test", data)
    flotilla.write(name + ".yaml", text)
    return flotilla.run("train", name + ".yaml", "--fresh", *more, code=code, ranks=ranks)


def logprob(flotilla, run, data, ranks=0):
    flotilla.run("logprob", run, data, "-o", "scores.h5", "--force", ranks=ranks)
    return flotilla.arrays("scores.h5")["log_prob"]


def log_normal(x, like):
    """Of independent normals with the means and deviations of `like`."""
    x, like = x.astype(np.longdouble), like.astype(np.longdouble)
    z = (x - like.mean(axis=0)) / like.std(axis=0)
    density = -0.5 * z * z - np.log(like.std(axis=0)) - 0.5 * np.log(2 * np.pi)
    return density.sum(axis=1).astype("f8")


def split(x):
    return {"train": x[:ROWS], "test": x[ROWS:]}


def far_columns(seed=0):
    random = np.random.default_rng(seed)
    shape = 2 * ROWS
    return {"far": random.normal(size=shape) + 1e12,
            "day": 2459000.5 + 0.01 * random.normal(size=shape),
            "plain": random.normal(size=shape),
            "small": 1e-40 * (2 + random.normal(size=shape)),
            "time": (1700000000 + random.integers(0, 900, shape)).astype("i8")}


def layouts(columns):
    """The same rows under several layouts: data set or group of a split, by name of file."""
    table = np.stack([c.astype("f8") for c in columns.values()], axis=1)
    record = np.zeros(2 * ROWS, [("far", ">f8"), ("day", "f8"), ("plain", "f4"), ("small", "f8"),
                                 ("time", ">i8")])
    for name, values in columns.items():
        record[name] = values
    return {"table": table, "big": table.astype(">f8"), "record": record}


def write_group(flotilla, columns):
    with h5py.File(flotilla.path("group.h5"), "w") as file:
        for part, rows in (("train", slice(ROWS)), ("test", slice(ROWS, None))):
            for name, values in columns.items():
                file[f"{part}/{name}"] = values[rows]


def check_scores(flotilla):
    """Every layout; evaluate, logprob and the run's own test; samples; columns by name."""
    columns = far_columns()
    named = "train: train, test: test, columns: [far, day, plain, small, time]"
    for name, rows in layouts(columns).items():
        flotilla.data(name + ".h5", split(rows))
        flotilla.data(name + "-chunks.h5", split(rows), chunks=True, compression=3)
    write_group(flotilla, columns)
    table = layouts(columns)["table"]
    wanted = log_normal(table[ROWS:], table[:ROWS])
    for name in ("table", "big", "record", "record-chunks", "table-chunks", "group"):
        by_name = name.startswith(("record", "group"))
        said = train(flotilla, name, name + ".h5", data=named if by_name else named[:24])
        said.says("taken off in double", "origin 1000000000000", "column")
        scores = logprob(flotilla, name, name + ".h5:test")
        near(scores, wanted, 1e-5, name)
        near(json.loads(flotilla.read(name, "test.json"))["log_likelihood"], wanted.mean(), 1e-5)
    said = flotilla.run("evaluate", "table", "table.h5:test", "--json").out
    near(json.loads(said)["log_likelihood"], wanted.mean(), 1e-5)
    flotilla.run("sample", "table", "-n", "4000", "-o", "samples.h5")
    samples = flotilla.arrays("samples.h5")["samples"]
    same(samples.dtype, np.dtype("f8"))
    near((samples.mean(axis=0) - table.mean(axis=0)) / table.std(axis=0), 0, 0.1)
    near(samples.std(axis=0) / table.std(axis=0), 1, 0.1)
    near(logprob(flotilla, "table", "samples.h5:samples"), log_normal(samples, table[:ROWS]), 1e-5)
    flotilla.run("rows", "table", "-n", "500", "-o", "rows.h5")
    rows = flotilla.arrays("rows.h5")
    near((rows["x"] - table[ROWS + rows["row"]]) / table.std(axis=0), 0, 1e-6)


def check_whole_numbers(flotilla):
    """Seconds since 1970 and numbers of detectors, spread by dequantize: 1,000 levels, each
    as likely. Samples are of them, and what a level is beyond the training rows is told."""
    random = np.random.default_rng(1)
    levels = np.concatenate([np.arange(1000), random.integers(0, 1000, 2 * ROWS - 1000)])
    random.shuffle(levels[:ROWS])
    for name, first, kind in (("seconds", 1700000000, "i8"), ("detector", 2 ** 60 + 1, "u8"),
                              ("negative", -2 ** 62 - 7, ">i8"), ("small", 2 ** 31 - 1000, "i4")):
        x = (np.uint64(first % 2 ** 64) + levels.astype("u8")).astype("u8").view("i8")
        x = x.astype(kind)[:, None]
        flotilla.data(name + ".h5", split(x))
        for preprocess in ("[{kind: dequantize}, {kind: logit}]",
                           f"[{{kind: dequantize, low: {first}, levels: 1000}}, {{kind: logit}}]"):
            if abs(first) > 9e15 and "low" in preprocess:
                continue
            train(flotilla, name, name + ".h5", preprocess, more=(
                "--set", "train.steps=400", "--set", "train.learning_rate=0.01",
                "--set", "train.batch=400")).says("taken off in double")
            scores = logprob(flotilla, name, name + ".h5:test")
            near(scores.mean(), -np.log(1000), 0.03, name)
            near(scores.std(), 0.15, 0.15, name)
        flotilla.run("sample", name, "-n", "3000", "-o", "samples.h5", "--force")
        samples = flotilla.arrays("samples.h5")["samples"]
        near(samples - np.float64(first), 500, 500 + abs(first) / 2 ** 52, name)
        same(len(np.unique(samples)) > 900, abs(first) < 2 ** 53, name)
    flotilla.data("beyond.h5", {"test": np.full((3, 1), 1700001000, "i8")})
    require(not np.isfinite(logprob(flotilla, "seconds", "beyond.h5:test")).any())
    flotilla.data("mixed.h5", {"train": np.append(levels + 1700000000, 1700002000.5)[:, None],
                               "test": np.zeros((4, 1))})
    train(flotilla, "mixed", "mixed.h5", "[{kind: dequantize, low: 1700000000, levels: 1000},"
          " {kind: logit}]", code=ERROR).says("found 1700002000.5", "from 1700000000 to 1700000999")


def check_masses(flotilla):
    """1e-40 to 1e30: by log all of them; other layers take them as they are, or the run
    names the column."""
    random = np.random.default_rng(2)
    mass = 10 ** random.uniform(-40, 30, (2 * ROWS, 1))
    flotilla.data("mass.h5", split(mass))
    train(flotilla, "mass", "mass.h5", "[{kind: log}, {kind: standardize}]").says("scale")
    logs = np.log(mass)
    wanted = log_normal(logs[ROWS:], logs[:ROWS]) - logs[ROWS:, 0]
    near(logprob(flotilla, "mass", "mass.h5:test"), wanted, 1e-4)
    flotilla.data("wider.h5", split(mass ** 2))
    train(flotilla, "wider", "wider.h5", "[{kind: log}, {kind: standardize}]", code=None).says(
        "note: column 0", "logarithm in the file")
    x = np.stack([far_columns()["plain"], far_columns()["far"]], axis=1)
    flotilla.data("far.h5", split(x))
    train(flotilla, "far", "far.h5", "[{kind: signed_log}]", code=None).says(
        "note: column 1", "float loses digits", "00_signed_log")


def check_context(flotilla):
    """Times as context: the same scores as of times counted from another begin."""
    random = np.random.default_rng(3)
    time = random.integers(0, 900, (2 * ROWS, 1))
    x = random.normal(size=(2 * ROWS, 1)) + time / 300
    scores = []
    for name, begin in (("from_1970", 1700000000), ("from_0", 0)):
        parts = split(x) | {"of_" + key: values for key, values in split(time + begin).items()}
        flotilla.data(name + ".h5", parts)
        train(flotilla, name, name + ".h5", data="train: train, test: test, context: \"of_{split}\"",
              more=("--set", "train.steps=50", "--set", "train.learning_rate=0.01", "--set",
                    "flow.layers=[{kind: affine_autoregressive, hidden: [16]}]"))
        flotilla.run("evaluate", name)
        test = json.loads(flotilla.read(name, "test.json"))
        scores.append(test["log_likelihood"])
        flotilla.run("sample", name, "-n", "500", "-o", name + "-s.h5", "--context",
                     name + ".h5:of_test")
    near(scores[0], scores[1], 1e-4)
    first, second = (flotilla.arrays(name + "-s.h5")["samples"] for name in ("from_1970", "from_0"))
    near(first, second, 1e-3)


def check_runs_go_on(flotilla):
    """The same bits on ranks, from a stream, and resumed; --init takes the origins over."""
    columns = layouts(far_columns())["table"]
    flotilla.data("data.h5", split(columns), chunks=(64, 5))
    steps = ("--set", "train.steps=30", "--set", "train.learning_rate=0.01")
    train(flotilla, "one", "data.h5", more=steps)
    wanted = flotilla.state(flotilla.last("one"))
    train(flotilla, "ranks", "data.h5", more=steps, ranks=3)
    same_arrays(flotilla.state(flotilla.last("ranks")), wanted)
    flotilla.data("long.h5", split(columns) | {"train": np.tile(columns, (8, 1))}, chunks=(64, 5))
    stream = ("--set", "data.window_rows=500", "--set", "data.memory=1MiB")
    train(flotilla, "whole", "long.h5", more=steps + stream[:2])
    train(flotilla, "stream", "long.h5", more=steps + stream).says("streaming")
    same_arrays(flotilla.state(flotilla.last("stream")), flotilla.state(flotilla.last("whole")))
    train(flotilla, "part", "data.h5", more=("--set", "train.steps=12") + steps[2:])
    flotilla.run("train", "part.yaml", "--resume", *steps)
    found = flotilla.state(flotilla.last("part"))
    same(found["origin"].tolist(), wanted["origin"].tolist())
    scores = logprob(flotilla, "one", "data.h5:test")
    near(logprob(flotilla, "one", "data.h5:test", ranks=2), scores, 0)
    train(flotilla, "again", "data.h5", more=("--init", "one", "--set", "train.steps=1"))
    near(logprob(flotilla, "again", "data.h5:test"), scores, 1e-5)


def random_column(random, rows):
    scale = 10.0 ** random.uniform(-35, 30)
    kind = random.integers(0, 5)
    if kind == 0:
        return random.normal(size=rows) * scale
    if kind == 1:
        far = 10.0 ** random.uniform(0, 12) * random.choice([-1, 1])
        return (random.normal(size=rows) + far) * scale
    if kind == 2:
        return (random.exponential(size=rows) + 10.0 ** random.uniform(-3, 9)) * scale
    if kind == 3:
        return random.integers(0, 10 ** random.integers(1, 9), rows) + np.floor(
            10.0 ** random.uniform(0, 14))
    return random.standard_t(4, size=rows) * 10.0 ** random.uniform(-44, -30)


def check_columns_of_any_scale(flotilla):
    for seed in range(12):
        random = np.random.default_rng(seed)
        x = np.stack([random_column(random, 2000) for _ in range(random.integers(1, 5))], axis=1)
        kind = random.choice(["<f8", ">f8"])
        flotilla.data("any.h5", {"train": x[:1000].astype(kind), "test": x[1000:].astype(kind)})
        train(flotilla, "any", "any.h5")
        near(logprob(flotilla, "any", "any.h5:test"), log_normal(x[1000:], x[:1000]), 2e-3, seed)


main(globals())
