"""What a score is: of which row of which file, of rows that the model does not take, and of
whole numbers; the same by every verb, and in any order of rows.

Called as: check_scores.py PROGRAM MPIEXEC.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import USAGE, main, near, normal_rows, require, same  # noqa: E402

FRACTION = """
run: {directory: run, seed: 3, threads: 1}
data: {files: [a.h5, b.h5], train: train, validation: 0.1, test: 0.1}
preprocess: [{kind: standardize}]
flow: {layers: [{kind: lu_linear}]}
train: {batch: 100, lanes: 4, steps: 5}
"""


def evaluate(flotilla, model, *words, ranks=0):
    return json.loads(flotilla.run("evaluate", model, *words, "--json", ranks=ranks).out)


def scores_of(flotilla, model, *words, ranks=0):
    flotilla.run("logprob", model, *words, "-o", "out.h5", "--force", ranks=ranks)
    return flotilla.arrays("out.h5")


def check_rows_are_those_of_their_files(flotilla):
    """Of a split by fraction over two files: the numbers that h5py knows the rows by."""
    x = {name: normal_rows(rows, 3, seed=rows) for name, rows in (("a", 4000), ("b", 5000))}
    x["b"][3210] += 500  # the lowest, wherever it falls
    for name, rows in x.items():
        flotilla.data(name + ".h5", {"train": rows})
    flotilla.write("config.yaml", FRACTION)
    said = flotilla.run("train", "config.yaml", "--set", "data.test=0.5")
    flotilla.run("logprob", "run", "-o", "test.h5").says("the test part (0.5) of a.h5 and 1 more")
    with h5py.File(flotilla.path("test.h5")) as file:
        found = {name: file[name][()] for name in file}
        files = [name.decode() if isinstance(name, bytes) else str(name)
                 for name in file["log_prob"].attrs["files"]]
    same((sorted(found), files), (["file", "log_prob", "row"], ["a.h5", "b.h5"]))
    require(4000 < len(found["row"]) < 5000, len(found["row"]))
    for number, name in enumerate(("a", "b")):  # each row has the score of its own file's
        mine = found["file"] == number
        alone = scores_of(flotilla, "run", name + ".h5:train")
        same(list(alone), ["log_prob"], "of a whole file:")
        same(int((found["log_prob"][mine] != alone["log_prob"][found["row"][mine]]).sum()), 0,
             "other scores than those of the rows that are named:", name)
    lowest = int(found["log_prob"].argmin())
    for ranks in (0, 2):
        e = evaluate(flotilla, "run", ranks=ranks)
        same((e["lowest_row"], e["lowest_file"]),
             (int(found["row"][lowest]), files[found["file"][lowest]]))
        at = (e["reconstruction_file"], e["reconstruction_row"])
        require(at in [(files[f], r) for f, r in zip(found["file"], found["row"])], at)
    told = json.loads(flotilla.read("run", "test.json"))
    same(e, {key: told[key] for key in e})
    if (found["file"][lowest], found["row"][lowest]) == (1, 3210):
        said.says("(row 3210 of b.h5)")
    text = flotilla.run("evaluate", "run").says(f"(row {e['lowest_row']} of {e['lowest_file']})")
    text.says("data                the test part (0.5) of a.h5 and 1 more:train", times=1)
    text.says("without the lowest 0 rows", times=0)
    same(scores_of(flotilla, "run", ranks=3)["row"].tolist(), found["row"].tolist())


def check_a_lossy_row_is_named(flotilla):
    """The note on reconstruction names the row in its file, and the column."""
    rows = normal_rows(4000, 3).astype("f8")
    rows[:, 1] += 1e6
    with h5py.File(flotilla.path("a.h5"), "w") as file:
        file["train"] = rows
        file["train"].attrs["columns"] = ["ra", "dec", "z"]
    flotilla.write("config.yaml", FRACTION.replace(", b.h5", ""))
    flotilla.run("train", "config.yaml", "--set", "preprocess=[]", "--set",
                 "train.learning_rate=0.1").says("note: a.h5: data set 'train', row ")
    result = flotilla.run("evaluate", "run", "--json")
    e = json.loads(result.out)
    members = scores_of(flotilla, "run")["row"]
    require(e["reconstruction_row"] in members, e, members)
    result.says(f"note: a.h5: data set 'train', row {e['reconstruction_row']}, column ",
                times=1)


BOUNDED = """
run: {directory: run, seed: 3, threads: 1}
data: {files: [d.h5], train: train, test: test, on_bad_rows: %s}
preprocess:
  - {kind: dequantize, columns: [0, 1]}
  - {kind: logit, columns: [0, 1]}
  - {kind: logit, columns: [2]}
  - {kind: log, columns: [3]}
  - {kind: box, columns: [4], low: -4, high: 4}
  - {kind: standardize}
flow: {layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [8]}]}
train: {batch: 100, lanes: 4, steps: 20}
"""
NAMES = ["label", "count", "share", "mass", "angle"]


def bounded_rows(count, seed):
    random = np.random.default_rng(seed)
    return np.stack([random.integers(0, 4, count), random.poisson(6, count).clip(0, 20),
                     random.uniform(0.1, 0.9, count), np.exp(random.standard_normal(count)),
                     random.uniform(-3, 3, count)], axis=1).astype("f8")


def prepare_bounded(flotilla, bad_rows="error"):
    train = bounded_rows(1000, 1)
    train[:2, :2] = (0, 0), (3, 20)
    flotilla.data("d.h5", {"train": train, "test": bounded_rows(300, 2)})
    with h5py.File(flotilla.path("d.h5"), "a") as file:
        for name in ("train", "test"):
            file[name].attrs["columns"] = NAMES
    flotilla.write("config.yaml", BOUNDED % bad_rows)
    flotilla.run("train", "config.yaml")


# Of probability zero: column, value.
OUTSIDE = ((0, 7), (0, -1), (1, 500), (1, 2.5), (2, 1.01), (2, -0.01), (3, -1), (3, 0), (4, 4.5),
           (4, -1e30))


def check_rows_outside_have_probability_zero(flotilla):
    """-inf, below all others, with a count, and where and why; evaluate never says -nan."""
    prepare_bounded(flotilla)
    x = bounded_rows(300, 3)
    plain = x.copy()
    for row, (column, value) in enumerate(OUTSIDE):
        x[10 + row, column] = value
    x[200, 3], x[201, 0] = np.nan, np.inf
    outside, missing = list(range(10, 10 + len(OUTSIDE))), [200, 201]
    for name, rows in (("x", x), ("plain", plain)):
        flotilla.data(name + ".h5", {"x": rows})
        with h5py.File(flotilla.path(name + ".h5"), "a") as file:
            file["x"].attrs["columns"] = NAMES
    for ranks in (0, 2):
        result = flotilla.run("logprob", "run", "x.h5", "-o", "out.h5", "--force", "--json",
                              ranks=ranks)
        scores = flotilla.arrays("out.h5")["log_prob"]
        same(np.flatnonzero(np.isneginf(scores)).tolist(), outside)
        same(np.flatnonzero(np.isnan(scores)).tolist(), missing)
        found = json.loads(result.out)
        same((found["rows"], found["zero_probability_rows"], found["missing_rows"]),
             (300, len(OUTSIDE), 2))
        same([(r["file"], r["row"], r["name"], r["value"]) for r in found["unscored"]],
             [("x.h5", 10 + i, NAMES[c], v) for i, (c, v) in enumerate(OUTSIDE[:5])])
        result.says("note: 10 rows with probability zero", "2 rows with missing values or unknown categories",
                    "x.h5: data set 'x', row 10, column 0 (label): found 7; layer "
                    "00_dequantize takes a whole number from 0 to 3", times=1)
        result.says("on_bad_rows", times=0)
    usual = scores_of(flotilla, "run", "plain.h5")["log_prob"]
    finite = np.isfinite(scores)
    for ranks in (0, 3):
        e = evaluate(flotilla, "run", "x.h5", ranks=ranks)
        same((e["rows"], e["nonfinite_rows"], e["zero_probability_rows"], e["missing_rows"],
              e["uncomputed_rows"]), (298, 10, 10, 2, 0))
        same((e["log_likelihood"], e["lowest_log_prob"], e["lowest_row"]), (None, None, 10))
        near(e["finite_log_likelihood"], scores[finite].mean(), 1e-9)
        same(e["reconstruction_rows"], 288)
        require(e["reconstruction_error"] < 1e-3, e)
    said = flotilla.run("evaluate", "run", "x.h5")
    said.says("log_likelihood      -inf", "missing_rows        2", "(row 10 of x.h5)", times=1)
    said.says("nan ", "-nan", "scale_limit", "on_bad_rows", "comes back", times=0)
    clean = flotilla.run("evaluate", "run", "plain.h5")
    clean.says(f"log_likelihood      {usual.mean():.6f} nats a row", times=1)
    clean.says("probability", "missing", times=0)


def check_missing_test_rows_of_a_run(flotilla):
    """test.json and evaluate count them alike where training drops such rows."""
    prepare_bounded(flotilla)
    with h5py.File(flotilla.path("d.h5"), "a") as file:
        file["test"][7, 3] = np.nan
        file["train"][9, 0] = np.inf
    flotilla.write("config.yaml", BOUNDED % "drop")
    said = flotilla.run("train", "config.yaml", "--fresh")
    said.says("d.h5: data set 'test', row 7, column 3 (mass): found nan; missing")
    e, told = evaluate(flotilla, "run"), json.loads(flotilla.read("run", "test.json"))
    same(e, {key: told[key] for key in e})
    same((e["rows"], e["missing_rows"], e["nonfinite_rows"]), (299, 1, 0))
    require(np.isfinite(told["normal_independent"]), told)


CONDITIONAL = """
run: {directory: run, seed: 3, threads: 1}
data: {files: [d.h5], train: train, context: [2]}
preprocess_context: [{kind: log}, {kind: standardize}]
flow: {layers: [{kind: affine_coupling, hidden: [8]}]}
train: {batch: 100, lanes: 4, steps: 20}
"""


def check_context_outside_says_nothing(flotilla):
    """A density under a context that the model does not take cannot be said: NaN."""
    rows = normal_rows(500, 3)
    rows[:, 2] = np.exp(rows[:, 2] / 10)
    flotilla.data("d.h5", {"train": rows})
    flotilla.write("config.yaml", CONDITIONAL)
    flotilla.run("train", "config.yaml", "-q")
    rows[[5, 9], 2] = -1, np.nan
    flotilla.data("x.h5", {"x": rows})
    result = flotilla.run("logprob", "run", "x.h5", "-o", "out.h5", "--json", ranks=2)
    scores, found = flotilla.arrays("out.h5")["log_prob"], json.loads(result.out)
    same(np.flatnonzero(~np.isfinite(scores)).tolist(), [5, 9])
    require(np.isnan(scores[[5, 9]]).all(), scores[[5, 9]])
    same((found["zero_probability_rows"], found["missing_rows"], found["uncomputed_rows"]),
         (0, 1, 1))
    result.says("row 5, column 2: found -1; layer context_00_log takes a number above 0",
                "row 9, column 2: found nan; missing", times=1)
    e = evaluate(flotilla, "run", "x.h5")
    same((e["rows"], e["nonfinite_rows"], e["log_likelihood"]), (499, 1, None))
    near(e["finite_log_likelihood"], np.nanmean(scores), 1e-9)
    flotilla.run("evaluate", "run", "x.h5").says("log_likelihood      not known", times=1).says(
        "-nan", "nan nats", times=0)


COUNTS = """
run: {directory: run, seed: 3, threads: 1}
data: {files: [counts.h5], train: train, test: test}
preprocess: [{kind: dequantize}, {kind: logit}, {kind: standardize}]
flow: {layers: [{kind: lu_linear}, {repeat: 3, layers: [{kind: permutation}, {kind:
       affine_autoregressive, hidden: [16]}]}]}
train: {batch: 200, lanes: 4, steps: 400, learning_rate: 1e-2}
"""


def counts(rows, seed):
    """Five columns of whole numbers that depend on each other."""
    random = np.random.default_rng(seed)
    flag = (random.random(rows) < 0.4).astype(int)
    size = np.where(flag == 1, random.poisson(60, rows), random.poisson(8, rows)).clip(0, 90)
    kind = np.where(random.random(rows) < 0.9, flag, random.integers(0, 3, rows))
    steps = random.geometric(np.where(kind == 0, 0.8, 0.1)).clip(1, 40)
    return np.stack([flag, size, kind, steps, size % 7 * (kind == 1)], axis=1).astype("f4")


def check_whole_numbers(flotilla):
    """A score is a function of model and row: in any order, on any ranks, beside any rows;
    near that of 1,000 draws; and the same from a table of another type."""
    x, train = counts(1500, 2), counts(6000, 1)
    train[:2] = [[0, 0, 0, 1, 0], [1, 90, 2, 40, 6]]
    flotilla.data("counts.h5", {
        "train": train, "test": x, "reversed": x[::-1], "part": x[700:1300].astype("i8"),
        "twice": np.repeat(x, 2, axis=0)})
    flotilla.write("config.yaml", COUNTS)
    flotilla.run("train", "config.yaml", "-q")
    scores = scores_of(flotilla, "run", "counts.h5:test")["log_prob"]
    for name, words, wanted in (
            ("reversed", {}, scores[::-1]), ("part", {}, scores[700:1300]),
            ("twice", {"ranks": 3}, np.repeat(scores, 2)), ("test", {"ranks": 1}, scores),
            ("test", {"ranks": 2}, scores)):
        found = scores_of(flotilla, "run", "counts.h5:" + name, **words)["log_prob"]
        same(int((found != wanted).sum()), 0, "other scores than alone:", name, words)
    many = scores_of(flotilla, "run", "counts.h5:test", "--draws", 1000)["log_prob"]
    one = scores_of(flotilla, "run", "counts.h5:test", "--draws", 1)["log_prob"]
    difference = np.sqrt(np.mean((scores - many) ** 2))
    require(difference < 0.1, "default and 1,000 draws differ by", difference)
    require(np.sqrt(np.mean((one - many) ** 2)) > 5 * difference + 0.1,
            "one draw is as good: this case tests nothing", one - many)
    require((scores - one).mean() > 0.01, "a mean of densities lies above one draw's")
    e, told = evaluate(flotilla, "run"), json.loads(flotilla.read("run", "test.json"))
    near(e["log_likelihood"], scores.mean(), 1e-9)
    same(e, {key: told[key] for key in e})
    near(evaluate(flotilla, "run", "--draws", 1000)["log_likelihood"], many.mean(), 1e-9)
    same(e, evaluate(flotilla, "run", "--draws", 128, ranks=2))
    # What a run asks for holds for its test and for evaluate.
    flotilla.run("train", "config.yaml", "--set", "run.directory=few", "--set",
                 "report.draws=2", "--set", "train.steps=20", "-q")
    e, told = evaluate(flotilla, "few"), json.loads(flotilla.read("few", "test.json"))
    same(e, {key: told[key] for key in e})
    require(e != evaluate(flotilla, "few", "--draws", 128), "2 draws are 128")
    for verb, words in (("logprob", ["run", "-o", "no.h5"]), ("evaluate", ["run"])):
        flotilla.run(verb, *words, "--draws", 0, code=USAGE).says("--draws")


def check_probabilities_of_all_bins(flotilla):
    """Of two columns with few levels the exponentials of all scores add up to 1."""
    random = np.random.default_rng(4)
    a = random.integers(0, 3, 5000)
    train = np.stack([a, (a + (random.random(5000) < 0.2)) % 4], axis=1)
    train[:4] = [[0, 0], [0, 3], [2, 0], [2, 3]]
    bins = np.stack(np.meshgrid(range(3), range(4), indexing="ij"), -1).reshape(-1, 2)
    flotilla.data("counts.h5", {"train": train, "test": bins})
    flotilla.write("config.yaml", COUNTS)
    flotilla.run("train", "config.yaml", "-q")
    p = np.exp(scores_of(flotilla, "run", "counts.h5:test", "--draws", 4096)["log_prob"])
    near(p.sum(), 1, 0.02, p)


if __name__ == "__main__":
    main(globals())
