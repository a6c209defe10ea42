"""flotilla inspect DATA tells of columns what numpy finds, the same on any number of ranks.

Called as: check_inspect.py PROGRAM MPIEXEC.
"""
import json
import os
import re
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, USAGE, main, near, require, same  # noqa: E402

NAMES = ["plain", "gaps", "constant", "counts", "grey", "heavy", "offset", "empty"]
FINDINGS = [[], ["gaps", "repeated value"], ["constant"], ["whole numbers"], ["few levels"], ["heavy tails"],
            ["rounded"], ["empty"]]


def awkward(rows):
    random = np.random.default_rng(3)
    x = random.normal(size=(rows, 8))
    x[::9, 1], x[4::50, 1], x[1::7, 1] = np.nan, np.inf, 0
    x[:, 2] = 0.25
    x[:, 3] = random.poisson(3, rows)
    x[:, 4] = random.integers(0, 256, rows) / 256
    x[:, 5] = np.exp(3 * x[:, 5])
    x[:, 6] = x[:, 6] + 50000
    x[:, 7] = np.nan
    return x.astype("f4")


def write(flotilla):
    """One file; the same rows in three, one of them compressed; a group; a compound."""
    x = awkward(6000)
    with h5py.File(flotilla.path("one.h5"), "w") as file:
        file["train"], file["test"] = x, x[:500]
        file["train"].attrs["columns"] = np.array(NAMES, "S")
        for name, column in zip(NAMES, x.T):
            file["table/" + name] = column
    for k, (first, last) in enumerate(((0, 17), (17, 4000), (4000, 6000))):
        with h5py.File(flotilla.path(f"part-{k}.h5"), "w") as file:
            layout = {"chunks": (300, 8), "compression": 4} if k == 1 else {}
            data = file.create_dataset("train", data=x[first:last], **layout)
            data.attrs["columns"] = np.array(NAMES, "S")
    record = np.zeros(6000, [(name, "f8") for name in NAMES])
    for name, column in zip(NAMES, x.T):
        record[name] = column
    flotilla.data("record.h5", {"rows": record})
    return x.astype("f8")


def told(flotilla, spec, ranks=0):
    return json.loads(flotilla.run("inspect", spec, "--json", ranks=ranks).out)


def check_figures(flotilla):
    x = write(flotilla)
    result = told(flotilla, "one.h5")
    same([result[k] for k in ("dataset", "files", "rows", "columns", "type", "read_by",
                              "stored_bytes")],
         ["train", 1, 6000, 8, "float32", "pread", 6000 * 32])
    same([c["name"] for c in result["column"]], NAMES)
    wanted = FINDINGS
    if "double" in flotilla.run("--version").out:  # tells 50000 apart well enough
        wanted = [[] if f == ["rounded"] else f for f in FINDINGS]
    same([c["findings"] for c in result["column"]], wanted)
    for j, column in enumerate(result["column"]):
        finite = x[np.isfinite(x[:, j]), j]
        same((column["nan"], column["infinite"], column["zero"]),
             (np.isnan(x[:, j]).sum(), np.isinf(x[:, j]).sum(), (x[:, j] == 0).sum()), NAMES[j])
        distinct = len(np.unique(finite))
        same(column["distinct"], distinct if distinct <= 1000 else None, NAMES[j])
        same(column["whole"], NAMES[j] == "counts", NAMES[j])
        if not len(finite):
            same([column[k] for k in ("minimum", "mean", "standard_deviation")], [None] * 3)
            continue
        same((column["minimum"], column["maximum"]), (finite.min(), finite.max()), NAMES[j])
        spread = finite.std()
        near(column["mean"], finite.mean(), 1e-10 * (1 + spread + abs(finite.mean())), NAMES[j])
        near(column["standard_deviation"], spread, 1e-9 * spread, NAMES[j])
        if spread:
            kurtosis = ((finite - finite.mean())**4).mean() / spread**4 - 3
            near(column["excess_kurtosis"], kurtosis, 1e-6 * (1 + abs(kurtosis)), NAMES[j])


def check_same_everywhere(flotilla):
    """One file, shards, a group, a compound; alone and on ranks: the same columns."""
    write(flotilla)
    wanted = told(flotilla, "one.h5:train")["column"]
    for number, (spec, name) in enumerate((
            ("part-*.h5", None), ("one.h5:train", None), ("part-?.h5:train", None),
            ("record.h5", None), ("one.h5:table", sorted))):
        for ranks in flotilla.often(number, 3):
            found = told(flotilla, spec, ranks)["column"]
            same(found, sorted(wanted, key=lambda c: c["name"]) if name else wanted, spec, ranks)
    same(told(flotilla, "part-*.h5")["files"], 3)
    same(told(flotilla, "part-*.h5")["read_by"], "H5Dread")


def without_speed(text):
    return re.sub(r"^read by .*$", "", text, flags=re.M)


def check_text(flotilla):
    write(flotilla)
    said = flotilla.run("inspect", "one.h5").says(
        "data file one.h5", "  test ", "  train ", "train of one.h5: 6000 rows x 8 columns",
        "read by pread", "MB/s", "minimum", ">1000", "constant: 1 column (constant): ",
        "gaps: 1 column (gaps): NaN or infinity", "dequantize", "signed_log", "data.columns",
        "whole numbers: 1 column (counts)")
    same(len(re.findall(r"^ +\d  \w+ .*", said.out, re.M)), 8, "rows of the table", said)
    same(without_speed(flotilla.run("inspect", "one.h5", ranks=2).out), without_speed(said.out))
    flotilla.data("fine.h5", {"x": np.random.default_rng(0).normal(size=(3000, 2))})
    flotilla.run("inspect", "fine.h5").says("nothing to note")
    quick = flotilla.run("inspect", "one.h5", "--quick", ranks=2)
    require("minimum" not in quick.out and "MB/s" not in quick.out, quick)
    quick.says("6000 rows x 8 columns", "read by pread")
    flotilla.run("inspect", "one.h5:table", "--quick").says("table of one.h5: 6000 rows x 8")
    require("column" not in json.loads(flotilla.run("inspect", "one.h5", "--quick",
                                                    "--json").out), "quick JSON")
    # Nothing is called train: the list alone.
    flotilla.data("two.h5", {"a": np.zeros((4, 2)), "b": np.zeros((4, 2))})
    said = flotilla.run("inspect", "two.h5").says("  a ", "  b ", "two.h5:NAME")
    require("minimum" not in said.out, said)
    flotilla.data("none.h5", {"rows": np.zeros((0, 2))})
    flotilla.run("inspect", "none.h5", ranks=2).says("0 rows x 2 columns", "empty")


def check_double(flotilla):
    """Figures are those of the numbers as stored, not of what float makes of them."""
    random = np.random.default_rng(5)
    x = random.normal(size=(5000, 3)) * [1, 1, 1e-40] + [1e12, 2459000.5, 0]
    times = 1700000000 + random.integers(0, 900, 5000)
    record = np.zeros(5000, [("far", ">f8"), ("day", "f8"), ("small", "f8"), ("time", ">i8")])
    for name, column in zip(("far", "day", "small"), x.T):
        record[name] = column
    record["time"] = times
    flotilla.data("far.h5", {"plain": x, "times": times, "rows": record})
    found = told(flotilla, "far.h5:plain")["column"] + told(flotilla, "far.h5:times")["column"]
    found += told(flotilla, "far.h5:rows")["column"]
    for column, values in zip(found, [*x.T, times] * 2):
        near(column["mean"], values.mean(), 1e-12 * abs(values).max())
        near(column["standard_deviation"], values.std(), 1e-6 * values.std())
        same((column["minimum"], column["maximum"]), (values.min(), values.max()))
        require("constant" not in column["findings"], column)
    same(found[3]["findings"], ["whole numbers", "rounded"])
    same(found[3]["distinct"], len(np.unique(times)))


def check_wide(flotilla):
    random = np.random.default_rng(0)
    x = random.normal(size=(300, 4000)).astype("f4")
    x[:, 7], x[:, 1000:1100] = 3, random.integers(0, 2, (300, 100))
    flotilla.data("wide.h5", {"train": x})
    said = flotilla.run("inspect", "wide.h5", ranks=3).says(
        "all columns: from", "101 of 4000 columns", "constant: 1 column (7)",
        "whole numbers: 100 columns (1000:1100)", "--columns")
    require(len(said.out.splitlines()) < 80, "too much of wide data:", said)
    whole = flotilla.run("inspect", "wide.h5", "--columns")
    require(len(re.findall(r"^ +\d+ +.*", whole.out, re.M)) >= 4000, "--columns shows all")
    same(len(told(flotilla, "wide.h5")["column"]), 4000)
    flotilla.data("images.h5", {"train": random.integers(0, 256, (500, 6, 5)).astype("u1")})
    flotilla.run("inspect", "images.h5").says("whole numbers: 30 columns (0:30)")


def check_refusals(flotilla):
    write(flotilla)
    flotilla.data("two.h5", {"a": np.zeros((4, 2)), "b": np.zeros((4, 2))})
    flotilla.write("c.yaml", "data: {files: [one.h5]}\n")
    flotilla.write("text.csv", "a,b\n1,2\n")
    for number, (arguments, code, says) in enumerate((
            (["nothing.h5"], ERROR, "nothing.h5"), (["one.h5:nothing"], ERROR, "train"),
            (["no-*.h5"], ERROR, "no-*.h5"), (["text.csv"], ERROR, "text.csv"),
            (["two.h5", "--json"], ERROR, "two.h5:NAME"), (["c.yaml", "--json"], ERROR, "config"),
            (["one.h5", "two.h5"], USAGE, "in quotes"), ([], USAGE, "wanted FILE"),
            (["one.h5", "--slow"], USAGE, "--slow"))):
        for ranks in flotilla.often(number, 3):
            flotilla.run("inspect", *arguments, ranks=ranks, code=code).says(says)
    with open(flotilla.path("part-1.h5"), "r+b") as file:
        file.truncate(3000)
    for ranks in (0, 3):
        flotilla.run("inspect", "part-*.h5", ranks=ranks, code=ERROR).says("part-1.h5", times=1)


main(globals())
