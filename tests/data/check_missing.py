"""Numbers that a file marks as missing or packed, by attributes of netCDF and CF, are read as
what they stand for, everywhere alike.

Called as: check_missing.py PROGRAM MPIEXEC.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, main, near, require, same  # noqa: E402

ROWS = 3000
CONFIG = """run: {{directory: {run}, threads: 1}}
data: {{files: [{file}], train: {train}, columns: [wind, sst, salinity], validation: 0.2{more}}}
flow: {{preset: realnvp, steps: 2, width: 8}}
train: {{steps: 20, batch: 256}}
"""


def add(file, name, values, **attributes):
    fill = attributes.get("_FillValue")
    data = file.create_dataset(name, data=values, fillvalue=None if fill is None else fill)
    for key, value in attributes.items():
        data.attrs[key] = np.array([value]) if key == "_FillValue" else value


def write(flotilla):
    """The same rows as netCDF4 keeps them, and as plain numbers with NaN; returns those."""
    random = np.random.default_rng(1)
    wind = random.gamma(2, 3, ROWS).astype("f4")
    sst = np.round((random.normal(15, 5, ROWS) - 10) / 0.001).astype("i2")
    salinity = random.normal(35, 0.5, ROWS)
    wind[::50], sst[7::40], salinity[13::60] = 9.96921e36, -32768, -999.0
    plain = {"wind": wind.astype("f8"), "sst": sst * 0.001 + 10.0, "salinity": salinity.copy()}
    plain["wind"][::50] = plain["sst"][7::40] = plain["salinity"][13::60] = np.nan
    with h5py.File(flotilla.path("ocean.nc"), "w") as file:
        add(file, "time", np.arange(ROWS, dtype="f8"))
        file["time"].make_scale("time")
        add(file, "wind", wind, _FillValue=np.float32(9.96921e36))
        add(file, "sst", sst, _FillValue=np.int16(-32768), scale_factor=0.001, add_offset=10.0)
        add(file, "salinity", salinity, missing_value=np.float32(-999))
        for name in plain:
            file[name].dims[0].attach_scale(file["time"])
        # A dimension without a variable, as the netCDF library keeps it.
        obs = file.create_dataset("obs", (ROWS,), ">f4")
        obs.attrs["NAME"] = np.bytes_(f"This is a netCDF dimension but not a netCDF variable."
                                      f"{ROWS:10}")
    flotilla.data("plain.h5", {"table/" + name: values for name, values in plain.items()})
    return plain


def train(flotilla, run, file, dataset, more=", on_bad_rows: drop", ranks=0, code=0):
    flotilla.write(run + ".yaml",
                   CONFIG.format(run=run, file=file, train=dataset, more=more))
    return flotilla.run("train", run + ".yaml", ranks=ranks, code=code)


def check_inspect(flotilla):
    plain = write(flotilla)
    told = json.loads(flotilla.run("inspect", "ocean.nc:/", "--json").out)
    columns = {c["name"]: c for c in told["column"]}
    same(sorted(columns), ["salinity", "sst", "time", "wind"])
    for name, values in plain.items():
        missing = np.isnan(values)
        same(columns[name]["nan"], missing.sum(), name)
        near([columns[name][k] for k in ("minimum", "maximum", "mean")],
             [values[~missing].min(), values[~missing].max(), values[~missing].mean()],
             1e-5, name)
    for words in ("salinity: -999 is missing", "sst: -32768 is missing, times 0.001, plus 10",
                  "wind: 9.96921e+36 is missing"):
        require(words in told["meaning"], words, "in", told["meaning"])
        flotilla.run("inspect", "ocean.nc:/").says("read as the file says", words)
    flotilla.run("inspect", "ocean.nc").says("times 0.001, plus 10")
    same(json.loads(flotilla.run("inspect", "plain.h5:table", "--json").out)["meaning"], None)


def check_training_is_that_of_the_plain_numbers(flotilla):
    plain = write(flotilla)
    bad = np.isnan(np.stack(list(plain.values()))).any(axis=0)
    refused = train(flotilla, "refused", "ocean.nc", "/", more="", code=ERROR)
    refused.says("ocean.nc", "row 0", "wind", "nan", "the file says", "on_bad_rows: drop")
    packed = train(flotilla, "packed", "ocean.nc", "/", ranks=2)
    packed.says("data: read as the file says:", "sst: -32768 is missing, times 0.001, plus 10",
                "bad rows are dropped")
    wanted = train(flotilla, "wanted", "plain.h5", "table", ranks=2)
    require("the file says" not in wanted.out + wanted.err, wanted)
    for run in ("packed", "wanted"):
        states = flotilla.state(flotilla.last(run))
        states = {k: v for k, v in states.items() if "schema" not in k}
        if run == "packed":
            first = states
    for key in first:
        require(np.array_equal(first[key], states[key], equal_nan=True)
                if isinstance(first[key], np.ndarray) and first[key].dtype.kind == "f"
                else np.array_equal(first[key], states[key]), key, "differs")
    # Scores of new data: NaN where the file marks a number as missing, else the same.
    found = []
    for file, group in (("ocean.nc", "/"), ("plain.h5", "table")):
        flotilla.run("logprob", "wanted", f"{file}:{group}", "-o", file + ".scores.h5")
        with h5py.File(flotilla.path(file + ".scores.h5"), "r") as scores:
            found.append(scores["log_prob"][()])
    require(np.array_equal(*found, equal_nan=True), "scores differ")
    same(np.isfinite(found[0]).sum(), (~bad).sum())


def check_chunks_never_written(flotilla):
    """A writer that was stopped, or left some out: HDF5 itself would give fill values."""
    x = np.random.default_rng(3).normal(size=(1000, 3)).astype("f4")
    with h5py.File(flotilla.path("holes.h5"), "w") as file:
        data = file.create_dataset("train", x.shape, "f4", chunks=(100, 3))
        data[:300], data[400:900] = x[:300], x[400:900]
    words = "200 of 1000 rows lie in chunks that were never written"
    told = json.loads(flotilla.run("inspect", "holes.h5", "--json").out)
    same([c["nan"] for c in told["column"]], [200] * 3)
    require(words in told["meaning"], told)
    flotilla.write("c.yaml", "run: {directory: run, threads: 1}\n"
                   "data: {files: [holes.h5], train: train}\n"
                   "flow: {preset: realnvp, steps: 2, width: 8}\ntrain: {steps: 3, batch: 64}\n")
    flotilla.run("train", "c.yaml", code=ERROR).says("row 300", "never written")
    flotilla.run("train", "c.yaml", "--set", "data.on_bad_rows=drop").says(
        words, "200 bad rows are dropped")


main(globals())
