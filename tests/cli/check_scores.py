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
from support import main, near, normal_rows, require, same  # noqa: E402

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
        same(found["log_prob"][mine].tobytes(),
             alone["log_prob"][found["row"][mine]].tobytes(), name)
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


if __name__ == "__main__":
    main(globals())
