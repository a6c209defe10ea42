"""What is wrong is said once, by name and place, and nothing is written.

A table of bad configs and one of bad data, each run alone and on 3 ranks: exit code 1, one
message over all ranks that holds the words of the table, and no new file. Called as:
check_bad_input.py PROGRAM MPIEXEC.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (DONE, ERROR, USAGE, every, files_below, main, near,  # noqa: E402
                     normal_rows, require, same)

GOOD = """\
run:
  directory: run
  threads: 1
data:
  files: [data.h5]
  validation: validation
  test: test
preprocess: [{kind: standardize}]
flow:
  layers:
    - kind: affine_coupling
      hidden: [8]
train:
  batch: 64
  steps: 5
report: {samples: 10}
"""
LINES = {line.split(":")[0].strip(" -"): number + 1
         for number, line in enumerate(GOOD.splitlines())}

# (name, text of GOOD, what stands instead, words of the message). A number is a line.
CONFIGS = [
    ("unknown key", "  steps: 5", "  stepz: 5",
     ["config.yaml:15", "train", "stepz", "steps"]),
    ("unknown section", "report: {samples: 10}", "reports: {samples: 10}",
     ["config.yaml:16", "reports", "report"]),
    ("unknown kind", "kind: affine_coupling", "kind: afine_coupling",
     ["config.yaml:11", "afine_coupling", "affine_coupling"]),
    ("unknown key of a kind", "hidden: [8]", "hiden: [8]",
     ["config.yaml:12", "hiden", "hidden"]),
    ("wrong type", "  steps: 5", "  steps: many",
     ["config.yaml:15", "train.steps", '"many"', "integer"]),
    ("not whole", "  steps: 5", "  steps: 5.5",
     ["config.yaml:15", "train.steps", '"5.5"', "integer"]),
    ("list for a number", "  steps: 5", "  steps: [5, 6]",
     ["config.yaml:15", "train.steps", "list", "integer"]),
    ("map for a number", "  batch: 64", "  batch: {a: 1}",
     ["config.yaml:14", "train.batch", "map", "integer"]),
    ("out of range", "  batch: 64", "  batch: 64\n  learning_rate: -1",
     ["config.yaml:15", "train.learning_rate", '"-1"', "0 to 100"]),
    ("not a choice", "  batch: 64", "  batch: 64\n  optimizer: adan",
     ["config.yaml:15", "train.optimizer", '"adan"', "adamw"]),
    ("required", "  directory: run\n", "",
     ["config.yaml", "run.directory"]),
    ("required section", "run:\n  directory: run\n  threads: 1\n", "",
     ["config.yaml", "run.directory"]),
    ("key twice", "  steps: 5", "  steps: 5\n  steps: 6",
     ["config.yaml:16", "steps"]),
    ("not YAML", "  files: [data.h5]", "  files: [data.h5",
     ["config.yaml:"]),
    ("neither steps nor epochs", "  steps: 5\n", "",
     ["config.yaml:1", "train.steps", "train.epochs"]),
    ("steps and epochs", "  steps: 5", "  steps: 5\n  epochs: 2",
     ["config.yaml:1", "train.steps", "train.epochs"]),
    ("batch below lanes", "  batch: 64", "  batch: 8",
     ["config.yaml:14", "train.batch", "8", "train.lanes", "16"]),
    ("timeout below a second", "report: {samples: 10}",
     "report: {samples: 10}\ncomm: {timeout_seconds: 0.5}",
     ["comm.timeout_seconds", "0.5", "0 (never), or at least 1"]),
    ("fewer lanes than threads", "  threads: 1", "  threads: 8",
     ["train.lanes", "found \"4\"", "x 8"]),
    ("direction of likelihood", "flow:", "flow:\n  direction: sampling",
     ["config.yaml:", "preprocess", "sampling"]),
    ("direction without preprocess", "preprocess: [{kind: standardize}]\nflow:",
     "flow:\n  direction: sampling", ["config.yaml:", "flow.direction", "density"]),
    ("learned layer in preprocess", "{kind: standardize}", "{kind: lu_linear}",
     ["config.yaml:8", "lu_linear", "flow.layers"]),
    ("fitted layer in the flow", "    - kind: affine", "    - kind: standardize\n"
     "    - kind: affine", ["config.yaml:11", "standardize", "preprocess"]),
    ("layers that do not fit", "    - kind: affine", "    - kind: sigmoid\n"
     "    - kind: affine", ["config.yaml:", "affine_coupling", "any number", "sigmoid",
                          "between 0 and 1"]),
    ("a base that does not fit", "hidden: [8]", "hidden: [8]\n    - kind: softplus",
     ["config.yaml:", "normal", "softplus", "positive", "inverse_softplus"]),
    ("nothing to learn", "kind: affine_coupling\n      hidden: [8]", "kind: permutation",
     ["config.yaml:1", "parameters to learn"]),
    ("no layers", "  layers:\n    - kind: affine_coupling\n      hidden: [8]\n",
     "  layers: []\n", ["config.yaml:10", "layer"]),
    ("hidden and width", "hidden: [8]", "hidden: [8]\n      width: 9",
     ["config.yaml:11"]),
    ("columns out of range", "  test: test", "  test: test\n  columns: [0, 4]",
     ["config.yaml:8", "data.columns", "4", "0 to 3", "data.h5", "'train'"]),
    ("column twice", "  test: test", "  test: test\n  columns: [0, 1, 1]",
     ["config.yaml:8", "data.columns", "1", "each column once"]),
    ("column of two uses", "  test: test", "  test: test\n  columns: [0, 1]\n"
     "  weights: 1", ["config.yaml:", "data.weights", "data.columns"]),
    ("no columns", "  test: test", "  test: test\n  context: [0, 1, 2, 3]",
     ["data.columns", "data.h5", "'train'"]),
    ("fraction above 1", "  validation: validation", "  validation: 1.5",
     ["data.validation", "1.5", "above 0 and below 1"]),
    ("a file twice", "[data.h5]", "[data.h5, ./data.h5]",
     ["./data.h5", "twice", "data.files"]),
    ("no file", "[data.h5]", "[]", ["data.files", "empty list"]),
    ("no match of a pattern", "[data.h5]", "['part-*.h5']", ["part-*.h5", "pattern"]),
    ("missing data file", "[data.h5]", "[none.h5]", ["none.h5", "No such file"]),
    ("coupling of one column", "  test: test", "  test: test\n  columns: [2]",
     ["config.yaml:12", "affine_coupling", "1"]),
]

# (name, --set words, words of the message) on data sets of bad.h5.
DATA = [
    ("not HDF5", ["data.files=text.h5"], ["text.h5", "HDF5"]),
    ("truncated", ["data.files=cut.h5"], ["cut.h5"]),
    ("missing data set", ["data.train=trian"],
     ["data.h5", "trian", "train", "validation", "test"]),
    ("a group", ["data.files=bad.h5", "data.train=group"], ["bad.h5", "'group'", "group"]),
    ("scalar", ["data.files=bad.h5", "data.train=scalar"], ["bad.h5", "'scalar'"]),
    ("text", ["data.files=bad.h5", "data.train=text"], ["bad.h5", "'text'"]),
    ("no rows", ["data.files=bad.h5", "data.train=empty"],
     ["bad.h5", "'empty'", "0 rows"]),
    ("no columns", ["data.files=bad.h5", "data.train=thin"],
     ["bad.h5", "'thin'", "0 columns"]),
    ("fewer rows than a batch", ["data.files=bad.h5", "data.train=few"],
     ["63 rows", "64", "train.batch"]),
    ("NaN", ["data.files=bad.h5", "data.train=nan"],
     ["bad.h5", "'nan'", "row 123", "column 2", "nan", "data.on_bad_rows: drop"]),
    ("infinity", ["data.files=bad.h5", "data.train=inf"],
     ["bad.h5", "'inf'", "row 130", "column 0", "inf", "data.on_bad_rows: drop"]),
    ("NaN far behind", ["data.files=bad.h5", "data.train=late"],
     ["bad.h5", "'late'", "row 2900", "column 1", "nan", "data.on_bad_rows: drop"]),
    ("NaN in chunks", ["data.files=bad.h5", "data.train=chunked_nan"],
     ["bad.h5", "'chunked_nan'", "row 123", "column 2", "nan"]),
    ("NaN in validation", ["data.files=bad.h5", "data.train=good", "data.validation=nan"],
     ["bad.h5", "'nan'", "row 123", "column 2"]),
    ("NaN in test", ["data.files=bad.h5", "data.train=good", "data.test=nan"],
     ["bad.h5", "'nan'", "row 123", "column 2"]),
    ("too large for float", ["data.files=bad.h5", "data.train=large"],
     ["bad.h5", "'large'", "row 3", "column 1"]),
    ("negative weight", ["data.files=bad.h5", "data.train=good", "data.weights=negative"],
     ["bad.h5", "'negative'", "row 77", "-1", "not negative"]),
    ("no weight", ["data.files=bad.h5", "data.train=good", "data.weights=zero"],
     ["bad.h5", "'good'", "weight"]),
    ("weights of two columns", ["data.files=bad.h5", "data.train=good",
                                "data.weights=nan"], ["bad.h5", "'nan'", "4 columns"]),
    ("other weights", ["data.files=bad.h5", "data.train=good", "data.weights=short"],
     ["bad.h5", "'short'", "199 rows", "200"]),
    ("other context", ["data.files=bad.h5", "data.train=good", "data.context=short"],
     ["bad.h5", "'short'", "199 rows", "200"]),
    ("NaN in the context", ["data.files=bad.h5", "data.train=good", "data.context=nan"],
     ["bad.h5", "'nan'", "row 123", "column 2"]),
    ("constant column", ["data.files=bad.h5", "data.train=constant"],
     ["column 1", "standardize"]),
    ("outside of a logit", ["data.files=bad.h5", "data.train=good",
                            "preprocess=[{kind: logit}]"],
     ["00_logit", "column 0", "'good'", "between 0 and 1"]),
    ("validation outside of a logit", [
        "data.files=bad.h5", "data.train=shares", "data.validation=good",
        "preprocess=[{kind: logit}]"], ["00_logit", "column", "'good'"]),
    ("not whole under dequantize", [
        "data.files=bad.h5", "data.train=half",
        "preprocess=[{kind: dequantize, levels: 10}, {kind: logit}]"],
     ["bad.h5", "'half'", "row 123, column 2", "00_dequantize found 2.5",
      "a whole number from 0 to 9", "set levels"]),
    ("not whole inside of levels that were found", [
        "data.files=bad.h5", "data.train=half",
        "preprocess=[{kind: dequantize}, {kind: logit}]"],
     ["'half'", "row 123, column 2", "00_dequantize found 2.5"]),
    ("levels of what is not whole", [
        "data.files=bad.h5", "data.train=good",
        "preprocess=[{kind: dequantize}, {kind: logit}]"],
     ["bad.h5", "'good'", "dequantize: column 0", "wanted whole numbers", "columns"]),
    ("validation outside of levels", [
        "data.files=bad.h5", "data.train=whole", "data.validation=more",
        "preprocess=[{kind: dequantize}, {kind: logit}]"],
     ["bad.h5", "'more'", "row 130, column 1", "found 12", "from 0 to 8", "set levels"]),
    ("test outside of levels", [
        "data.files=bad.h5", "data.train=whole", "data.test=more",
        "preprocess=[{kind: dequantize, levels: 10}, {kind: logit}]"],
     ["'more'", "row 130, column 1", "found 12", "from 0 to 9"]),
    ("outside of a box", [
        "data.files=bad.h5", "data.train=more", "preprocess=[{kind: box, low: -1, high: 12}]"],
     ["'more'", "row 130, column 1", "00_box found 12", "above -1 and below 12", "set low"]),
    ("validation outside of a box", [
        "data.files=bad.h5", "data.train=whole", "data.validation=more",
        "preprocess=[{kind: box, columns: [1, 3]}]"],
     ["'more'", "row 130, column 1", "found 12", "above -0.8 and below 8.8", "margin"]),
    ("constant column in a box", [
        "data.files=bad.h5", "data.train=constant", "preprocess=[{kind: box}]"],
     ["bad.h5", "'constant'", "box: column 1 reaches from 5 to 5", "varies"]),
    ("not positive under log", [
        "data.files=bad.h5", "data.train=whole", "preprocess=[{kind: log, columns: 1}]"],
     ["'whole'", "column 1", "00_log found 0", "a number above 0", "offset"]),
    ("outside behind other layers", [
        "data.files=bad.h5", "data.train=whole", "data.test=more",
        "preprocess=[{kind: permutation, order: reverse}, {kind: log, offset: 1}, "
        "{kind: box, low: -1, high: 2.5}]"],
     ["'more'", "row 130, column 1", "02_box found 2.56"]),
    ("context outside of a logarithm", [
        "data.files=bad.h5", "data.train=good", "data.context=whole",
        "preprocess_context=[{kind: log}]"],
     ["'whole'", "context_00_log found 0", "a number above 0"]),
    ("a chosen column outside of a logit", [
        "data.files=bad.h5", "data.train=more", "data.columns=[3, 1]",
        "preprocess=[{kind: dequantize, levels: 12}, {kind: logit}]"],
     ["'more'", "row 130, column 1", "found 12"]),
    ("a shard is missing", ["data.files=[data.h5, none.h5]"], ["none.h5", "No such file"]),
    ("a shard is cut", ["data.files=[data.h5, cut.h5]"], ["cut.h5", "cut short"]),
    ("no shard of a pattern", ["data.files=part-*.h5"], ["part-*.h5"]),
    ("a shard without the data set", ["data.files=[data.h5, bad.h5]"],
     ["bad.h5", "'train'", "good"]),
    ("a shard of other columns", ["data.files=[data.h5, narrow.h5]"],
     ["narrow.h5", "3 columns", "data.h5", "4"]),
    ("a shard of other type", ["data.files=[data.h5, texts.h5]"],
     ["texts.h5", "'train'", "string"]),
    ("a shard with a bad row", ["data.files=[data.h5, late.h5]"],
     ["late.h5", "'train'", "row 2900, column 1"]),
    ("a table without chosen fields", ["data.files=bad.h5", "data.train=table"],
     ["bad.h5", "'table'", "data.columns", "px", "energy"]),
    ("a field of text", ["data.files=bad.h5", "data.train=table", "data.columns=[px, label]"],
     ["data.columns", "label", "energy"]),
    ("a column of no name", ["data.files=bad.h5", "data.train=good", "data.columns=[px]"],
     ["data.columns", "px"]),
    ("a range beyond the columns", ["data.files=bad.h5", "data.train=good",
                                    "data.columns=[1:9]"], ["data.columns", "1:9"]),
    ("an empty range", ["data.files=bad.h5", "data.train=good", "data.columns=[2:2]"],
     ["data.columns", "2:2"]),
    ("other validation", ["data.files=bad.h5", "data.train=good",
                          "data.validation=wide"],
     ["bad.h5", "wide", "5 columns", "4", "good"]),
    ("other test", ["data.files=bad.h5", "data.train=good", "data.test=wide"],
     ["bad.h5", "wide", "5 columns", "4", "good"]),
]


def prepare(flotilla):
    x = normal_rows(200, 4, seed=3)
    flotilla.data("data.h5", {"train": x, "validation": x[:50], "test": x[:60]})
    one = {"good": x, "few": x[:63], "scalar": 3.5, "text": np.array([b"a", b"b"]),
           "empty": x[:0], "thin": x[:, :0], "nan": x.copy(), "inf": x.copy(),
           "large": x.astype("f8"), "constant": x.copy(), "short": x[:199, :1],
           "shares": 1 / (1 + np.exp(-x)), "wide": np.hstack([x, x[:, :1]]), "zero": np.zeros(200),
           "late": normal_rows(3000, 4), "negative": np.ones((200, 1)), "group/inner": x}
    one["whole"] = (np.arange(800).reshape(200, 4) * 7 + 3) % 10
    one["half"], one["more"] = one["whole"] * 1.0, one["whole"].astype("u1")
    one["half"][123, 2] = 2.5
    one["more"][130, 1] = 12
    one["nan"][123, 2] = np.nan
    one["late"][2900, 1] = np.nan  # not among the first rows: seen by its own rank alone
    one["inf"][130, 0] = np.inf
    one["inf"][150, 3] = np.nan
    one["large"][3, 1] = np.longdouble(1e39)
    one["constant"][:, 1] = 5
    one["negative"][77] = -1
    flotilla.data("bad.h5", one)
    with h5py.File(flotilla.path("bad.h5"), "a") as file:
        file.create_dataset("chunked_nan", data=one["nan"], chunks=(10, 3),
                            compression="gzip")
        table = np.zeros(200, [("px", "f4"), ("energy", "f8"), ("label", "S3")])
        file.create_dataset("table", data=table)
    flotilla.data("narrow.h5", {"train": x[:, :3]})
    flotilla.data("texts.h5", {"train": np.full((9, 4), b"a")})
    flotilla.data("late.h5", {"train": one["late"]})
    flotilla.write("text.h5", "these are not the data you are looking for\n" * 100)
    with open(flotilla.path("data.h5"), "rb") as file:
        content = file.read()
    with open(flotilla.path("cut.h5"), "wb") as file:
        file.write(content[:len(content) // 2])


def refused(flotilla, name, arguments, words, ranks, code=ERROR):
    """Runs it and wants one message with the words, and no new or other file."""
    before = files_below(flotilla.folder)
    result = flotilla.run(*arguments, ranks=ranks, code=code)
    same(result.out, "", name, "stdout of", result)
    # mpirun adds its own lines on a rank's exit code.
    own = [line for line in result.err.splitlines() if line.startswith("flotilla ")]
    require(len(own) == 1, f"{name}, {ranks} ranks: wanted one message, found", len(own),
            "in\n", result)
    for word in words:
        require(word in own[0], f"{name}, {ranks} ranks: {word!r} is not in\n", result)
    if ranks == 0:
        same(len(result.err.splitlines()), 1, name, "lines on stderr of", result)
    same(sorted(files_below(flotilla.folder).items() - before.items()), [], name, "files:")
    return own[0]


def same_alone_and_on_ranks(case, number, name, arguments, words):
    said = {refused(case, name, arguments, words, ranks) for ranks in case.often(number, 3)}
    same(len(said), 1, name, "alone and on 3 ranks:", said)


def check_configs(flotilla):
    prepare(flotilla)

    def check(number, name, old, new, words):
        require(old in GOOD, name, "the table looks for what GOOD has not:", old)
        case = flotilla.part(f"case-{number}")
        case.write("config.yaml", GOOD.replace(old, new, 1))
        more = ["--set", "train.lanes=4"] if name == "fewer lanes than threads" else []
        alone, *three = (refused(case, name, ["train", "config.yaml", *more], words, ranks)
                         for ranks in flotilla.often(number, 3))
        for said in three:
            same(said, alone.replace("1 x 8", "3 x 8").replace(": 8 or", ": 24 or"), name)

    every(check, [(number, *row) for number, row in enumerate(CONFIGS)])
    refused(flotilla, "no config", ["train", "none.yaml"], ["none.yaml", "No such file"], 3)


def check_too_many_ranks(flotilla):
    prepare(flotilla)
    flotilla.write("config.yaml", GOOD)
    refused(flotilla, "ranks", ["train", "config.yaml", "--set", "train.lanes=2"],
            ["train.lanes", '"2"', "3 x 1"], 3)


def check_overrides(flotilla):
    prepare(flotilla)
    flotilla.write("config.yaml", GOOD)
    for name, word, words in (
            ("unknown", "train.stepz=4", ["--set", "stepz", "steps"]),
            ("type", "train.steps=a", ["--set", "train.steps", '"a"', "integer"]),
            ("index", "flow.layers[3].hidden=[4]", ["--set", "flow.layers", "item 3"]),
            ("no value", "train.steps", ["--set", "train.steps"]),
            ("no key", "=5", ["--set"])):
        refused(flotilla, name, ["train", "config.yaml", "--set", word], words, 0)
    refused(flotilla, "type", ["train", "config.yaml", "--set", "train.steps=a"],
            ["--set", "train.steps", '"a"'], 3)


def check_data(flotilla):
    prepare(flotilla)
    flotilla.write("config.yaml", GOOD.replace("  validation: validation\n  test: test\n", "")
                   .replace("threads: 1", "threads: 1\n  seed: 1"))
    is_double = "double" in flotilla.run("--version").out

    def check(number, name, sets, words):
        if name == "too large for float" and is_double:
            return
        arguments = ["train", "config.yaml"]
        for word in sets:
            arguments += ["--set", word]
        same_alone_and_on_ranks(flotilla.part(f"case-{number}"), number, name, arguments,
                                words)

    every(check, [(number, *row) for number, row in enumerate(DATA)])


def check_models(flotilla):
    """The verbs that take a MODEL and DATA."""
    prepare(flotilla)
    flotilla.write("config.yaml", GOOD)
    flotilla.run("train", "config.yaml", "-q")
    flotilla.run("train", "config.yaml", "-q", "--set", "run.directory=conditional",
                 "--set", "data.context=[3]")
    flotilla.write("old.h5", "kept\n")
    os.mkdir(flotilla.path("nothing"))
    out = ["-o", "out.h5"]
    cases = (
        ("no model", ["evaluate", "none"], ["none", "No such file"]),
        ("not a run", ["evaluate", "nothing"], ["nothing", "no checkpoint"]),
        ("not a checkpoint", ["evaluate", "data.h5"], ["data.h5"]),
        ("text", ["sample", "text.h5", "-n", "5", *out], ["text.h5"]),
        ("no such init", ["train", "config.yaml", "--init", "none", "--set",
                          "run.directory=new"], ["none", "No such file"]),
        ("columns", ["logprob", "run", "bad.h5:wide", *out],
         ["bad.h5", "wide", "5 columns", "4"]),
        ("no data", ["logprob", "run", "none.h5", *out], ["none.h5", "No such file"]),
        ("no data set", ["evaluate", "run", "data.h5:trian"], ["trian", "train"]),
        ("there already", ["logprob", "run", "data.h5:test", "-o", "old.h5"],
         ["old.h5", "--force"]),
        ("there already", ["sample", "run", "-n", "5", "-o", "old.h5"],
         ["old.h5", "--force"]),
        ("no folder", ["sample", "run", "-n", "5", "-o", "none/out.h5"],
         ["none/out.h5", "No such file"]),
        ("no context", ["sample", "conditional", "-n", "5", *out],
         ["conditional", "--context"]),
        ("context for none", ["sample", "run", "-n", "5", *out, "--context",
                              "data.h5:test"], ["run", "--context"]),
        ("context of other columns", ["sample", "conditional", "-n", "5", *out,
                                      "--context", "bad.h5:wide"],
         ["bad.h5", "'wide'", "5 columns without names", "context columns 3"]),
        ("too little context", ["sample", "conditional", "-n", "200", *out,
                                "--context", "bad.h5:short"],
         ["bad.h5:short", "199 rows", "200 rows"]),
        ("init of other layers", ["train", "config.yaml", "--init", "conditional",
                                  "--set", "run.directory=new"], ["conditional"]),
        ("inspect nothing", ["inspect", "none"], ["none", "No such file"]),
        ("inspect text", ["inspect", "text.h5"], ["text.h5"]),
        ("init of nothing", ["init", "none.h5"], ["none.h5", "No such file"]))

    def check(number, name, arguments, words):
        case = flotilla.part(f"case-{number}")
        for folder in ("run", "conditional", "nothing"):
            os.symlink(flotilla.path(folder), case.path(folder))
        same_alone_and_on_ranks(case, number, name, arguments, words)

    every(check, [(number, *row) for number, row in enumerate(cases)])
    for verb in (["logprob", "run", "data.h5:test"], ["sample", "run", "-n", "5"]):
        flotilla.run(*verb, "-o", "old.h5", "--force", ranks=2)
        require(flotilla.arrays("old.h5"), verb)


USAGES = [
    [], ["trian"], ["train"], ["train", "a", "b"], ["train", "a", "--nonsense"],
    ["train", "a", "--resume", "--fresh"], ["train", "a", "--max-seconds", "long"],
    ["train", "a", "--resume", "--init", "b"], ["train", "a", "--max-seconds", "-3"],
    ["train", "a", "--init-keep-preprocess"], ["train", "a", "--set"], ["evaluate"],
    ["evaluate", "a", "b", "c"], ["logprob", "a"],
    ["logprob", "a", "b"], ["logprob", "a", "b", "c", "-o", "d"], ["sample", "a"],
    ["sample", "a", "-n", "many", "-o", "b"], ["sample", "a", "-n", "0", "-o", "b"],
    ["sample", "a", "-n", "1.5", "-o", "b"], ["sample", "a", "-n", "nan", "-o", "b"],
    ["sample", "a", "-n", "3", "-o", "b", "--temperature", "0"],
    ["sample", "a", "-n", "3", "-o", "b", "--seed", "-1"],
    ["sample", "-n", "3", "-o", "b"], ["sample", "a", "c", "-n", "3", "-o", "b"],
    ["init"], ["init", "a", "b"], ["inspect"], ["inspect", "a", "b"], ["config", "a"],
]


def check_usage(flotilla):
    def check(arguments, ranks):
        result = flotilla.run(*arguments, ranks=ranks, code=USAGE)
        same(result.out, "", "stdout of", result)
        lines = result.err.splitlines()
        require(lines[0].startswith(("flotilla", "Usage: flotilla")), result)
        for start in ("flotilla", "Usage:", "Try "):
            require(sum(line.startswith(start) for line in lines) <= 1,
                    f"more than one line {start!r} in\n", result)
        words = ("found", "wanted", "option", "exclude", "Usage")
        require(any(word in lines[0] for word in words), result)

    every(check, [(arguments, ranks) for number, arguments in enumerate(USAGES)
                  for ranks in flotilla.often(number, 3)])
    same(os.listdir(flotilla.folder), [])


def check_bounds(flotilla):
    """What is refused is out of the bounds that the message tells."""
    for option, value, wanted in (
            ("--temperature", "1e30", "a number above 0 and at most 1e+15"),
            ("--temperature", "-1", "a number above 0 and at most 1e+15"),
            ("--seed", "1e16", "a whole number from 0 to 9000000000000000"),
            ("-n", "0", "a whole number from 1 to 9000000000000000")):
        flotilla.run("sample", "a", "-n", "3", "-o", "b.h5", option, value, code=USAGE).says(
            f'{option}: found "{value}", wanted {wanted}')


def check_dropped_rows(flotilla):
    """on_bad_rows: drop goes on without them, as if they had weight 0, and counts them."""
    prepare(flotilla)
    x = normal_rows(200, 4, seed=3)
    weights = np.ones(200)
    for row, column, value in ((123, 2, np.nan), (7, 0, np.inf), (199, 3, -np.inf)):
        x[row, column] = value
        weights[row] = 0
    zeroed = np.where(np.isfinite(x), x, 0)
    flotilla.data("data.h5", {"train": x, "test": x, "zeroed": zeroed, "weights": weights})
    flotilla.write("config.yaml", GOOD.replace("  validation: validation\n", ""))
    evaluations = []
    for run, sets in (("dropped", ["data.on_bad_rows=drop"]),
                      ("weighted", ["data.train=zeroed", "data.test=zeroed",
                                    "data.weights=weights"])):
        for ranks in (0, 3):
            words = ["--set", f"run.directory={run}-{ranks}"]
            for word in sets:
                words += ["--set", word]
            result = flotilla.run("train", "config.yaml", *words, ranks=ranks, code=DONE)
            if run == "dropped":
                result.says("3 bad rows", times=1)
            told = json.loads(flotilla.read(f"{run}-{ranks}", "test.json"))
            missing = told.pop("missing_rows"), [r["row"] for r in told.pop("unscored")]
            same(missing, (3, [7, 123, 199]) if run == "dropped" else (0, []), run, ranks)
            evaluations.append(json.dumps(told))
            near(flotilla.metrics(f"{run}-{ranks}")[-1]["train_log_likelihood"],
                 flotilla.metrics("dropped-0")[-1]["train_log_likelihood"], 0, run)
    same(len(set(evaluations)), 1, "test.json of", evaluations)
    require('"rows": 197' in evaluations[0], evaluations[0])


if __name__ == "__main__":
    main(globals())
