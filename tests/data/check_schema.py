"""Columns are bound by what they are: one table in many layouts gives one answer.

Called as: check_schema.py PROGRAM MPIEXEC. A model that was trained on chosen columns is asked
about the same rows in files that hold them in other orders, as tables, groups and plain arrays:
each gives the run's own figure, or is refused.
"""
import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.dirname(HERE))
from support import ERROR, main, near, require, same  # noqa: E402

TEXT = h5py.string_dtype()
NAMES = list("abcd")

CONFIG = """
run: {directory: run, threads: 1}
data: {files: [d.h5], train: train, test: test, columns: [2, 0, 1]}
flow: {preset: realnvp, steps: 1, width: 8}
train: {steps: 20, batch: 64, lanes: 4, learning_rate: 3e-3}
report: {samples: 500}
"""


def add(file, name, x, names=None, **attributes):
    file[name] = x
    if names:
        file[name].attrs["columns"] = np.array(names, TEXT)
    file[name].attrs.update(attributes)


def add_table(file, name, x, names):
    table = np.zeros(len(x), [(key, "f4") for key in names])
    for j, key in enumerate(names):
        table[key] = x[:, j]
    file[name] = table


def add_group(file, name, x, names):
    for j, key in enumerate(names):
        file[f"{name}/{key}"] = x[:, j]


def write_data(flotilla, names=True):
    """Four columns around 10, 20, 30, 40; `test` again in every layout."""
    g = np.random.default_rng(1)
    x = (g.normal(size=(900, 4)) * [.1, .2, .3, .4] + [10, 20, 30, 40]).astype("f4")
    named = NAMES if names else None
    order = [3, 1, 0, 2]
    mixed = [NAMES[j] for j in order]
    with h5py.File(flotilla.path("d.h5"), "w") as file:
        add(file, "train", x, named, units="mm")
        add(file, "test", x[:300], named)
        add(file, "bare", x[:300])
        add(file, "mixed", x[:300, order], mixed)
        add(file, "wider", np.c_[x[:300, :1] * 7, x[:300, order]], ["z", *mixed])
        add(file, "chosen", x[:300, [2, 0, 1]])
        add(file, "others", x[:300, [2, 0, 1]], ["x", "y", "z"])
        add(file, "twice", np.c_[x[:300], x[:300]], NAMES + NAMES)
        add(file, "narrow", x[:300, :2])
        add_table(file, "table", x[:300, order], mixed)
        add_group(file, "group", x[:300], NAMES)
    return x


def figure(flotilla, *data, run="run"):
    out = flotilla.run("evaluate", run, *data, "--json").out
    return json.loads(out)["log_likelihood"]


def refused(flotilla, data, *words):
    for verb in (("evaluate", "run", data), ("logprob", "run", data, "-o", "no.h5")):
        flotilla.run(*verb, code=ERROR).says(*words)
    require(not os.path.exists(flotilla.path("no.h5")))


def train(flotilla, *settings, config=CONFIG):
    flotilla.write("c.yaml", config)
    words = [word for setting in settings for word in ("--set", setting)]
    shutil.rmtree(flotilla.path("run"), ignore_errors=True)
    flotilla.run("train", "c.yaml", *words)
    return json.loads(flotilla.read("run", "test.json"))["log_likelihood"]


def by_torch(flotilla, data):
    out = flotilla.path("torch.h5")
    if os.path.exists(out):
        os.remove(out)
    program = os.path.join(ROOT, "scripts", "flotilla_torch.py")
    subprocess.run([sys.executable, program, flotilla.path("run"), "--log-prob",
                    flotilla.path(data), "-o", out], check=True)
    with h5py.File(out) as file:
        return file["log_prob"][()].mean()


SAME = ("test", "bare", "mixed", "wider", "table", "group")


def agree(flotilla, wanted, data):
    for name in data:
        near(figure(flotilla, f"d.h5:{name}"), wanted, 1e-12, name)


def check_a_selection_by_index_of_named_columns(flotilla):
    write_data(flotilla)
    wanted = train(flotilla)
    agree(flotilla, wanted, (*SAME, "chosen"))
    near(figure(flotilla), wanted, 1e-12)
    for data in ("d.h5:mixed", "d.h5:table", "d.h5:group", "d.h5:bare"):
        near(by_torch(flotilla, data), wanted, 1e-4, data)
    flotilla.run("logprob", "run", "d.h5:wider", "-o", "lp.h5", ranks=2)
    near(flotilla.arrays("lp.h5")["log_prob"].mean(), wanted, 1e-9)
    refused(flotilla, "d.h5:others", "'others'", "no column c", "x, y, z", "c, a, b")
    refused(flotilla, "d.h5:twice", "more than one column c")
    refused(flotilla, "d.h5:narrow", "2 columns without names", "c, a, b",
            "all 4 columns of 'train'", "these 3 in this order")


def check_names_and_ranges_select_alike(flotilla):
    write_data(flotilla)
    for columns in ("[c, a, b]", '["2:3", "0:2"]'):
        wanted = train(flotilla, f"data.columns={columns}")
        agree(flotilla, wanted, ("mixed", "bare", "chosen"))


def check_a_permutation_of_all_columns(flotilla):
    """As many columns as the model's: an array of that width is still in the file's order."""
    x = write_data(flotilla)
    wanted = train(flotilla, "data.columns=[2, 0, 3, 1]")
    agree(flotilla, wanted, SAME)
    samples = flotilla.path("run", "samples", "step-0000000020.h5")
    with h5py.File(samples) as file:
        found = file["samples"]
        same([name.decode() if isinstance(name, bytes) else name
              for name in found.attrs["columns"]], ["c", "a", "d", "b"])
        same(found.attrs["stored_types"], "float32")
        same(found.attrs["units"], "mm")
        near(found[()].mean(0), x[:, [2, 0, 3, 1]].mean(0), 0.5)
    mine = figure(flotilla, samples)
    require(mine > -20, mine)


def check_columns_without_names(flotilla):
    x = write_data(flotilla, names=False)
    wanted = train(flotilla, "data.columns=[2, 0, 3, 1]")
    agree(flotilla, wanted, ("test", "bare"))
    samples = flotilla.path("run", "samples", "step-0000000020.h5")
    with h5py.File(samples) as file:
        same(list(file["samples"].attrs["columns"]), ["2", "0", "3", "1"])
        near(file["samples"][()].mean(0), x[:, [2, 0, 3, 1]].mean(0), 0.5)
    require(figure(flotilla, samples) > -20)
    refused(flotilla, "d.h5:table", "known by name alone", "2, 0, 3, 1")
    refused(flotilla, "d.h5:group", "known by name alone")
    train(flotilla, "data.columns=all", "report.samples=20")
    same(list(flotilla.arrays("run", "samples", "step-0000000020.h5")), ["samples"])


def check_context_and_weights_of_one_array(flotilla):
    write_data(flotilla)
    for settings in (("data.columns=[2, 0]", "data.context=[1]"),
                     ("data.columns=[c, a]", "data.context=[b]", "data.weights=d"),
                     ("data.columns=[1, 2]", "data.weights=0")):
        wanted = train(flotilla, *settings)
        agree(flotilla, wanted, SAME)
    train(flotilla, "data.columns=[2, 0]", "data.context=[1]")
    refused(flotilla, "d.h5:narrow", "2 columns without names", "c, a")


def check_validation_and_test_are_bound_to_train(flotilla):
    write_data(flotilla)
    wanted = train(flotilla)
    for name in ("mixed", "table", "group"):
        near(train(flotilla, f"data.test={name}", f"data.validation={name}"), wanted, 1e-12)
    flotilla.run("train", "c.yaml", "--set", "run.directory=no", "--set", "data.test=others",
                 code=ERROR).says("'others'", "no column c")


def check_context_of_samples(flotilla):
    """Samples follow their context, whatever the order in which it is handed over."""
    g = np.random.default_rng(1)
    n = 3000
    c, d = g.normal(size=n) + 5, g.normal(size=n) * 10 - 50
    x = np.c_[c + .1 * g.normal(size=n), d + .1 * g.normal(size=n), d, c].astype("f4")
    names = ["a", "b", "d", "c"]
    with h5py.File(flotilla.path("d.h5"), "w") as file:
        add(file, "array", x, names)
        add_table(file, "table", x, names)
        add_group(file, "group", x, names)
        add(file, "cd", x[:, [3, 2]], ["c", "d"])
        add(file, "dc", x[:, 2:], ["d", "c"])
        add(file, "plain", x[:, 2:])
        add(file, "xy", x[:, 2:], ["x", "y"])
    config = CONFIG.replace("train: train, test: test, columns: [2, 0, 1]",
                            "train: array, columns: [a, b], context: [d, c]")
    config = config.replace("steps: 20", "steps: 400").replace("steps: 1,", "steps: 2,")
    flotilla.write("c.yaml", config)
    flotilla.run("train", "c.yaml")
    for number, name in enumerate(("array", "table", "group", "cd", "dc", "plain")):
        out = f"s{number}.h5"
        flotilla.run("sample", "run", "-n", n, "-o", out, "--context", f"d.h5:{name}")
        s = flotilla.arrays(out)["samples"]
        if number:
            same(s.tobytes(), first.tobytes(), name)
        first = s
        near(np.abs(s - x[:, [3, 2]]).mean(0) / [1, 10], 0, 0.5, name)
    flotilla.run("sample", "run", "-n", 10, "-o", "no.h5", "--context", "d.h5:xy",
                 code=ERROR).says("no column d", "context columns")


def check_a_column_called_all(flotilla):
    x = np.random.default_rng(2).normal(size=(300, 3)).astype("f4")
    with h5py.File(flotilla.path("d.h5"), "w") as file:
        add(file, "train", x, ["all", "b", "c"])
        add(file, "test", x, ["all", "b", "c"])
    train(flotilla, "data.columns=all", "report.samples=5")
    same(flotilla.arrays("run", "samples", "step-0000000020.h5")["samples"].shape, (5, 3))
    train(flotilla, "data.columns=[all]", "flow={layers: [{kind: elementwise_affine}]}",
          "report.samples=5")
    same(flotilla.arrays("run", "samples", "step-0000000020.h5")["samples"].shape, (5, 1))


def check_a_name_twice(flotilla):
    x = np.random.default_rng(2).normal(size=(300, 4)).astype("f4")
    names = ["a", "b", "c", "b"]
    with h5py.File(flotilla.path("d.h5"), "w") as file:
        add(file, "train", x, names)
        add(file, "test", x[:, [3, 1, 2, 0]], ["b", "b", "c", "a"])
        add(file, "same", x, names)
    flotilla.write("c.yaml", CONFIG)
    for setting in ("columns=[a, b]", "context=[b]", "weights=b"):
        flotilla.run("train", "c.yaml", "--set", f"data.{setting}", code=ERROR).says(
            "columns 1 and 3", "both called", "the index")
    flotilla.run("train", "c.yaml", "--set", "data.columns=[0, 3]", code=ERROR).says(
        "'test'", "a, 3")
    wanted = train(flotilla, "data.columns=[0, 3]", "data.test=same")
    near(figure(flotilla, "d.h5:same"), wanted, 1e-12)


def check_events_keep_their_shape(flotilla):
    g = np.random.default_rng(3)
    x = g.integers(0, 256, size=(400, 4, 4)).astype("u1")
    with h5py.File(flotilla.path("d.h5"), "w") as file:
        add(file, "train", x)
        add(file, "test", x[:100])
        add(file, "flat", x[:100].reshape(100, 16))
        add(file, "other", x[:100].reshape(100, 2, 8))
    wanted = train(flotilla, "data.columns=all", "report.samples=7")
    near(figure(flotilla, "d.h5:flat"), wanted, 1e-12)
    refused(flotilla, "d.h5:other", "rows of 2 x 8", "wanted 4 x 4", "[N, 16]")
    flotilla.run("sample", "run", "-n", 3, "-o", "s.h5")
    for path in (("s.h5",), ("run", "samples", "step-0000000020.h5")):
        same(flotilla.arrays(*path)["samples"].shape[1:], (4, 4))
    require(np.isfinite(figure(flotilla, "s.h5")))
    out = flotilla.run("inspect", "run").out
    for words in ("schema:", "dataset: train", "width: 16", "shape: [4, 4]",
                  "- {index: 15, type: uint8}"):
        require(words in out, words, "in", out)


if __name__ == "__main__":
    main(globals())
