"""Data as the field publishes it reads as it is, and as the same rows.

One table of numbers is written in every layout that people have: shards, tables of PyTables and
pandas, groups of columns, showers with their energies, images, any type. Trained on each for some
steps, a run must end in the same bits as on plain float32 rows. Called as:
check_layouts.py PROGRAM MPIEXEC.
"""
import json
import os
import subprocess
import sys
import textwrap

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (ERROR, main, near, normal_rows, require, same, same_arrays,  # noqa: E402
                     every)

N, D = 3000, 4
NAMES = ["px", "py", "pz", "energy"]
CONFIG = """\
run: {directory: %s, threads: 1, seed: 3}
data: {%s}
preprocess: [{kind: standardize}]
flow: {layers: [{kind: affine_autoregressive, hidden: [16]}]}
train: {batch: 64, steps: 12}
report: {samples: 4, every: 6, validate_every: 6}
"""
# Of a conditional and weighted run: features px, py; context pz; weight energy.
PARTS = "columns: %s, context: %s, weights: %s, "


def rows():
    x = np.round(normal_rows(N, D, seed=5) * 64) / 64  # few bits, so that sums are exact
    x[:, 3] = np.abs(x[:, 3]) + 1
    return x.astype("f4")


def train(flotilla, run, data, ranks=0, code=0):
    name = flotilla.write(run + ".yaml", CONFIG % (run, data))
    return flotilla.run("train", name, ranks=ranks, code=code)


def state(flotilla, run):
    return flotilla.state(flotilla.last(run))


def plain(flotilla):
    """The same rows as plain float32, and the runs on them that all others must equal."""
    x = rows()
    flotilla.data("plain.h5", {"train": x})
    train(flotilla, "plain", "files: plain.h5, validation: 0.2")
    train(flotilla, "parts", "files: plain.h5, validation: 0.2, "
          + PARTS % ("[0, 1]", "[2]", "3"))
    return x, {"plain": state(flotilla, "plain"), "parts": state(flotilla, "parts")}


def table(x, kind="<f4"):
    """As PyTables writes one: an index, a text, numbers, and an array among the fields."""
    fields = [("id", "<i8"), ("label", "S5")] + [(n, kind) for n in NAMES] + [("hits", "<f8", (2, 3))]
    t = np.zeros(len(x), np.dtype(fields))
    t["id"], t["label"] = np.arange(len(x)), b"gamma"
    for j, name in enumerate(NAMES):
        t[name] = x[:, j]
    t["hits"] = np.arange(6).reshape(2, 3)
    return t


def check_layouts(flotilla):
    x, wanted = plain(flotilla)
    text = h5py.string_dtype()
    with h5py.File(flotilla.path("all.h5"), "w") as file:
        file["table"] = table(x)
        file["swapped"] = table(x, ">f8")
        # A field that HDF5 must convert: texts of any length among the numbers.
        kind = np.dtype([("name", text), ("vec", "<f4", (D,))])
        file.create_dataset("texts", N, kind)
        both = np.zeros(N, kind)
        both["name"], both["vec"] = "x", x
        file["texts"][...] = both
        # pandas: to_hdf(format="table"), and format="fixed".
        block = np.zeros(N, np.dtype([("index", "<i8"), ("values_block_0", "<f4", (D,))]))
        block["values_block_0"] = x
        file["df/table"] = block
        file["fixed/axis0"] = np.array([n.encode() for n in NAMES])
        file["fixed/block0_items"] = np.array([n.encode() for n in NAMES])
        file["fixed/block0_values"] = x
        # A HEP ntuple: a group of columns, each of its own type.
        for j, name in enumerate(NAMES):
            file["events/" + name] = x[:, j].astype("f8" if j % 2 else ">f4")
        file["events/run"] = np.full(N, 7, "u4")
        file["events/name"] = np.array([b"x"] * N)
        file["events/weights_of_files"] = np.ones(3)
        file["images"] = x.reshape(N, 2, 2)
        file["named"] = x
        file["named"].attrs["columns"] = NAMES
        file["fixed_names"] = x
        file["fixed_names"].attrs["columns"] = np.array([n.encode() for n in NAMES])
    with h5py.File(flotilla.path("root.h5"), "w") as file:  # a file that is a table
        for j, name in enumerate(NAMES):
            file[name] = x[:, [j]]
    chosen = "[px, py, pz, energy]"
    names = PARTS % ("[px, py]", "pz", "energy")
    cases = [
        ("table", f"all.h5, train: table, columns: {chosen}", "plain"),
        ("table_parts", "all.h5, train: table, " + names, "parts"),
        ("swapped", f"all.h5, train: swapped, columns: {chosen}", "plain"),
        ("texts", "all.h5, train: texts, columns: vec", "plain"),
        ("pandas_table", "all.h5, train: df/table, columns: values_block_0", "plain"),
        ("pandas_elements", "all.h5, train: df/table, " + PARTS % (
            "['1:3']", "['values_block_0[2]']", "'values_block_0[3]'"), "parts"),
        ("pandas_fixed", "all.h5, train: fixed/block0_values, " + names, "parts"),
        ("group", f"all.h5, train: events, columns: {chosen}", "plain"),
        ("group_parts", "all.h5, train: /events/, " + names, "parts"),
        ("root", f"root.h5, train: /, columns: {chosen}", "plain"),
        ("images", "all.h5, train: images", "plain"),
        ("named", "all.h5, train: named", "plain"),
        ("named_parts", "all.h5, train: named, " + PARTS % ("[px, 1]", '"2:3"', "energy"), "parts"),
        ("fixed_names", "all.h5, train: fixed_names, " + names, "parts"),
        ("ranges", "all.h5, train: named, " + PARTS % ('":2"', "[2]", "3"), "parts"),
    ]

    def check(run, data, like):
        train(flotilla, run, "validation: 0.2, files: " + data)
        same_arrays(state(flotilla, run), wanted[like], run)

    every(check, cases)
    flotilla.run("evaluate", "table", "all.h5:table").says("3000")
    for data, words in (("files: all.h5, train: events", ["data.columns", "group", "px", "run"]),
                        ("files: all.h5, train: table", ["data.columns", "table", "px", "hits[5]"]),
                        ("files: all.h5, train: table, columns: [px, pt]",
                         ["data.columns", "found pt", "energy"]),
                        ("files: all.h5, train: table, columns: [label]", ["found label", "px"]),
                        ("files: all.h5, train: table, columns: [px], context: enrgy",
                         ["data.context", "found enrgy", "did you mean energy"]),
                        ("files: all.h5, train: named, columns: [0:9]", ["found 0:9", "0 to 3"]),
                        ("files: all.h5, train: events, columns: [px, weights_of_files]",
                         ["weights_of_files", "3 rows", "3000", "px"])):
        train(flotilla, "refused", data, code=ERROR).says("all.h5", *words, times=None)


def check_shards(flotilla):
    x, wanted = plain(flotilla)
    cuts = [0, 1, 900, 900, 2300, N]
    for i, (first, last) in enumerate(zip(cuts, cuts[1:])):
        # As types differ in size, so do the files; an empty one is none to stumble over.
        flotilla.data(f"part-{i}.h5", {"train": x[first:last].astype(["f4", "f8"][i % 2])})
    files = ", ".join(f"part-{i}.h5" for i in range(5))
    cases = [("glob", "part-*.h5", "", "plain", 0), ("ranks", "part-*.h5", "", "plain", 3),
             ("list", f"[{files}]", "", "plain", 0),
             ("both", "[part-0.h5, part-1.h5, 'part-[2-4].h5']",
              PARTS % ("[0, 1]", "[2]", "3"), "parts", 2)]

    def check(run, written, parts, like, ranks):
        train(flotilla, run, f"{parts}validation: 0.2, files: {written}", ranks=ranks)
        same_arrays(state(flotilla, run), wanted[like], run)

    every(check, cases)
    # Other splits in other files, and DATA that is a pattern.
    train(flotilla, "apart", "files: 'part-[1-3].h5', validation: 'part-[04].h5:train', "
          "test: 'plain.h5:'")
    found = json.loads(flotilla.run("evaluate", "apart", "--json").out)
    again = json.loads(flotilla.run("evaluate", "apart", "part-*.h5:train", "--json",
                                    ranks=2).out)
    places = ("lowest_row", "lowest_file", "reconstruction_row", "reconstruction_file")
    same({key: value for key, value in found.items() if key not in places},
         {key: value for key, value in again.items() if key not in places})
    # The same row by its number in the file that holds it.
    shard = np.searchsorted(cuts, found["lowest_row"], "right") - 1
    same((again["lowest_file"], again["lowest_row"]),
         (f"part-{shard}.h5", int(found["lowest_row"] - cuts[shard])))
    flotilla.run("evaluate", "apart", "part-*.h5:train").says("part-0.h5 and 4 more")
    flotilla.run("train", "apart.yaml", "--resume", "--set", "train.steps=20")
    flotilla.data("part-2.h5", {"train": x[0:0]})  # one of many is enough
    flotilla.data("part-3.h5", {"train": x[900:2300] + 1})
    flotilla.run("train", "apart.yaml", "--resume", "--set", "train.steps=30", ranks=2,
                 code=ERROR).says("the training data changed", "other values", times=1)
    # A row is named by the file that holds it; a shard that is not like the first, too.
    bad = x[:100].copy()
    bad[7, 2] = np.nan
    flotilla.data("part-5.h5", {"train": bad})
    train(flotilla, "nan", "files: part-*.h5", code=ERROR, ranks=2).says(
        "part-5.h5", "row 7, column 2", times=1)
    for other, words in ((x[:9, :3], ["has 3 columns", "wanted 4"]),
                         (np.zeros((5, 4), "i4"), ["integers (int32)", "floating point"])):
        flotilla.data("part-5.h5", {"train": other})
        train(flotilla, "unlike", "files: part-*.h5", code=ERROR).says(
            "part-5.h5", "part-0.h5", *words)
    os.remove(flotilla.path("part-5.h5"))
    flotilla.data("part-5.h5", {"test": x})
    train(flotilla, "none", "files: part-*.h5", code=ERROR).says("part-5.h5", "'train'")


def check_many_shards(flotilla):
    """More files than a process may hold open."""
    x = normal_rows(1500, 3)
    flotilla.data("whole.h5", {"train": x})
    os.mkdir(flotilla.path("parts"))
    for i in range(300):
        flotilla.data(f"parts/{i:03}.h5", {"train": x[5 * i:5 * i + 5]})
    train(flotilla, "whole", "files: whole.h5, validation: 0.2")
    flotilla.write("many.yaml", CONFIG % ("many", "files: parts/*.h5, validation: 0.2"))
    command = flotilla.command(["train", "many.yaml"], 0)
    limited = subprocess.run(["sh", "-c", 'ulimit -n 64; exec "$@"', "-", *command],
                             cwd=flotilla.folder, env=flotilla.environment,
                             capture_output=True, text=True)
    require(limited.returncode == 0, limited.stderr)
    same_arrays(state(flotilla, "many"), state(flotilla, "whole"))


def check_showers(flotilla):
    """Calorimeter showers: [N, 368] voxels, compressed, with incident_energies [N, 1]."""
    random = np.random.default_rng(3)
    energies = 2.0 ** random.integers(8, 22, (800, 1))
    showers = (energies * random.random((800, 368)) * 1e-3).astype("f4").astype("f8")
    for i, (first, last) in enumerate(((0, 500), (500, 800))):
        flotilla.data(f"dataset_1_photons_{i}.hdf5",
                      {"incident_energies": energies[first:last], "showers": showers[first:last]},
                      compression="gzip")
    flotilla.data("plain.h5", {"train": np.hstack([showers, energies]).astype("f4")})
    flotilla.data("joined.h5", {"showers": showers.astype("f4"), "incident_energies": energies})
    train(flotilla, "showers", "files: dataset_1_photons_*.hdf5, train: showers, "
          "context: incident_energies, validation: 0.1")
    train(flotilla, "plain", "files: plain.h5, context: [368], validation: 0.1")
    same(state(flotilla, "showers")["run.fingerprint"], state(flotilla, "plain")["run.fingerprint"])
    flotilla.run("logprob", "showers", "dataset_1_photons_*.hdf5:showers", "-o", "a.h5", ranks=2)
    flotilla.run("logprob", "showers", "joined.h5:showers", "-o", "b.h5")
    same(flotilla.arrays("a.h5")["log_prob"].shape, (800,))
    same_arrays(flotilla.arrays("a.h5"), flotilla.arrays("b.h5"), but=("row", "file"))
    same(flotilla.arrays("a.h5")["row"].tolist(), [*range(500), *range(300)])
    same(flotilla.arrays("a.h5")["file"].tolist(), 500 * [0] + 300 * [1])
    # Contexts of one shard with the features of another would be silent nonsense.
    with h5py.File(flotilla.path("dataset_1_photons_1.hdf5"), "r+") as file:
        del file["incident_energies"]
        file["incident_energies"] = energies[:299]
    train(flotilla, "short", "files: dataset_1_photons_*.hdf5, train: showers, "
          "context: incident_energies", code=ERROR).says(
              "dataset_1_photons_1.hdf5", "the context", "299 rows", "300")


def check_types(flotilla):
    """Every type is what numpy makes of it: the densities of its rows have the same bits."""
    plain(flotilla)
    with h5py.File(flotilla.last("plain"), "r") as file:
        real = {b"float": "f4", b"double": "f8"}[file.attrs["real"]]
    random = np.random.default_rng(1)
    kinds = [o + k for k in ("f2", "f4", "f8", "i2", "u2", "i4", "u4", "i8", "u8") for o in "<>"]
    values = {}
    for kind in kinds + ["i1", "u1"]:
        v = random.normal(size=(200, D)) * (100 if "f" in kind else 50)
        if "u" in kind:
            v = np.abs(v)
        v = v.astype(kind)
        if kind[1:] == "f2":  # subnormals and the largest
            v[:3] = np.array([[6e-8, 1e-7, -6e-8, 6.1e-5], [65504, -65504, 0, -0.0],
                              [5.96e-8, 1e-5, 1, 2]])
        if kind[1:] in ("i8", "u8"):  # halfway between floats, and the ends
            v[:2] = np.array([[2**24 + 1, 2**24 + 3, 2**53 + 1, 2**62 + 1],
                              [2**63 - 1, 2**40 + 1, 2**33 - 1, 7]], kind)
        values[kind] = v
    with h5py.File(flotilla.path("types.h5"), "w") as file:
        for kind, v in values.items():
            name = kind.replace("<", "le_").replace(">", "be_")
            file["c_" + name] = v
            file["as_" + name] = v.astype(real)
            file.create_dataset("z_" + name, data=v, chunks=(30, 3), compression="gzip")

    def check(name):
        for how in ("c_", "z_", "as_"):
            flotilla.run("logprob", "plain", f"types.h5:{how}{name}", "-o", f"{how}{name}.h5")
        wanted = flotilla.arrays(f"as_{name}.h5")
        for how in ("c_", "z_"):
            same_arrays(flotilla.arrays(f"{how}{name}.h5"), wanted, how + name)

    some = list(values)[::5 if flotilla.sanitized else 1]
    every(check, [(kind.replace("<", "le_").replace(">", "be_"),) for kind in some])


def check_weights(flotilla):
    """A row of weight 3 counts as three rows, one of weight 0 as none."""
    x, _ = plain(flotilla)
    weights = np.arange(N) % 4
    flotilla.data("weighed.h5", {"test": x, "test_weights": weights.astype("u1"),
                                 "zeros": np.zeros(N), "negative": 1.0 - 2 * (weights == 3)})
    flotilla.data("repeated.h5", {"test": np.repeat(x, weights, axis=0)})
    # Training sees the weights: in the constants of standardize, and in validation.
    both = []
    for run, data in (("weighed", "files: weighed.h5, weights: test_weights, train: test, "
                       "validation: 'weighed.h5:test'"),
                      ("repeated", "files: repeated.h5, train: test, "
                       "validation: 'repeated.h5:test'")):
        train(flotilla, run, data)
        both.append({key: value for key, value in state(flotilla, run).items()
                     if "standardize" in key})
    require(both[0], "no constants of standardize")
    for key in both[0]:
        near(both[0][key] / both[1][key], 1, 1e-6, key)
    found = [json.loads(flotilla.run("evaluate", "weighed", data, "--json").out)
             for data in ("weighed.h5:test", "repeated.h5:test")]
    near(found[0]["log_likelihood"], found[1]["log_likelihood"], 1e-9)
    same(found[0]["rows"], int((weights > 0).sum()))
    for weights, words in (("zeros", ["no row with a weight above 0"]),
                           ("negative", ["'negative', row 3", "-1", "not negative"])):
        data = f"files: weighed.h5, train: test, weights: {weights}"
        for more in ("", ", validation: 0.1"):
            train(flotilla, "refused", data + more, code=ERROR, ranks=2).says(
                "weighed.h5", *words, times=1)
        flotilla.write("bare.yaml", flotilla.read("refused.yaml").replace(
            "preprocess: [{kind: standardize}]\n", ""))
        flotilla.run("train", "bare.yaml", code=ERROR).says("weighed.h5", *words, times=1)


WRITER = """\
    import sys, h5py
    with h5py.File("busy.h5", "w") as file:
        file.create_dataset("train", data=[[1.0, 2.0]] * 500, chunks=(10, 2), maxshape=(None, 2))
        file.flush()
        print("ready", flush=True)
        sys.stdin.read()
"""


def check_writer(flotilla):
    """A file that another program has open for writing is refused, by name."""
    environment = {k: v for k, v in os.environ.items() if k != "HDF5_USE_FILE_LOCKING"}
    writer = subprocess.Popen([sys.executable, "-c", textwrap.dedent(WRITER)],
                              cwd=flotilla.folder, env=environment, text=True,
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        same(writer.stdout.readline().strip(), "ready")
        for ranks in (0, 3):
            train(flotilla, "busy", "files: busy.h5", code=ERROR, ranks=ranks).says(
                "busy.h5", "another program", "HDF5_USE_FILE_LOCKING=FALSE", times=1)
        flotilla.run("inspect", "busy.h5", code=ERROR).says("another program")
        flotilla.environment["HDF5_USE_FILE_LOCKING"] = "FALSE"
        result = train(flotilla, "busy", "files: busy.h5", code=None)
        require("another program" not in result.err, result)
    finally:
        del flotilla.environment["HDF5_USE_FILE_LOCKING"]
        writer.communicate("")
    result = train(flotilla, "busy", "files: busy.h5", code=None)
    require("another program" not in result.err, result)


def check_virtual(flotilla):
    """A virtual data set reads as its sources; one that is missing or short is named."""
    x, wanted = plain(flotilla)

    def sources(counts):
        for i, count in enumerate(counts):
            flotilla.data(f"source_{i}.h5", {"x": x[1000 * i:1000 * i + count]})

    with h5py.File(flotilla.path("virtual.h5"), "w", libver="latest") as file:
        layout = h5py.VirtualLayout((N, D), "f4")
        for i in range(3):
            layout[1000 * i:1000 * i + 1000] = h5py.VirtualSource(f"source_{i}.h5", "x", (1000, D))
        file.create_virtual_dataset("train", layout)
    sources([1000, 1000, 1000])
    train(flotilla, "virtual", "files: virtual.h5, validation: 0.2")
    same_arrays(state(flotilla, "virtual"), wanted["plain"])
    sources([1000, 1000, 999])
    train(flotilla, "shrunk", "files: virtual.h5", code=ERROR).says(
        "virtual.h5", "source_2.h5", "another size")
    os.remove(flotilla.path("source_1.h5"))
    train(flotilla, "missing", "files: virtual.h5", code=ERROR, ranks=2).says(
        "virtual.h5", "source_1.h5", "cannot be opened", times=None)


main(globals())
