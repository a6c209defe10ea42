"""scripts/plot_run.py draws the rows that it says it draws: whatever section `data` of the run
is, they are what h5py reads at the named row of the named file; and so does `flotilla rows`.

Called as: check_plot.py PROGRAM MPIEXEC.
"""
import glob
import os
import subprocess
import sys

import h5py
import numpy as np
from PIL import Image

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import USAGE, every, main, near, require, same  # noqa: E402

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts",
                      "plot_run.py")
NAMES = ["energy", "px", "py", "pz", "eta", "phi", "mass", "w"]
CONFIG = """
run: {{directory: {run}, seed: 5, threads: 1}}
data: {data}
flow: {{layers: [{{kind: affine_coupling, hidden: [4]}}]}}
train: {{batch: 50, lanes: 2, steps: 4}}
report: {{every: 2, samples: 60}}
"""


def rows(count, seed, columns=8):
    """Every value says where it is from: seed, row, column."""
    x = seed * 1000.0 + np.arange(columns) + np.arange(count)[:, None] / 4096
    return x.astype(np.float32)


def write_data(flotilla):
    for name, seed in (("a", 1), ("b", 2), ("other", 3)):
        with h5py.File(flotilla.path(name + ".h5"), "w") as file:
            for split, count in (("train", 700), ("test", 90)):
                data = file.create_dataset(split, data=rows(count, seed + (split == "test") * 5))
                if name != "other":
                    data.attrs["columns"] = NAMES
            file["given_train"] = rows(700, 20 + seed, 2)
            file["given_test"] = rows(90, 30 + seed, 2)
    with h5py.File(flotilla.path("gaps.h5"), "w") as file:
        x = rows(800, 4)
        x[::3, 2] = np.nan
        file["train"] = x
    with h5py.File(flotilla.path("table.h5"), "w") as file:
        x = rows(400, 6)
        table = np.zeros(400, [(name, "f4") for name in NAMES])
        for j, name in enumerate(NAMES):
            table[name] = x[:, j]
        file["events"] = table
        for j, name in enumerate(NAMES):
            file[f"tree/{name}"] = x[:, j]
    with h5py.File(flotilla.path("images.h5"), "w") as file:
        file["train"] = rows(300, 7, 12).reshape(300, 3, 4)


# Section data; options of plot_run; the files, data set and columns that are wanted, how many
# rows there are (None: a part of all), and words that the title must have.
CASES = [
    ("{files: [a.h5], test: test}", [], ["a.h5"], "test", range(8), 90,
     ["test split", "90 of 90 rows of a.h5:test", "6 of 8 columns"]),
    ("{files: [a.h5], test: 'other.h5:train'}", [], ["other.h5"], "train", range(8), 700,
     ["700 of 700 rows of other.h5:train"]),
    ("{files: [a.h5], test: 'b.h5:'}", [], ["b.h5"], "train", range(8), 700, ["b.h5:train"]),
    ("{files: [a.h5], test: 0.25, validation: 0.25}", [], ["a.h5"], "train", range(8), None,
     ["test split", "the test part (0.25) of a.h5:train"]),
    ("{files: [a.h5], validation: 0.2}", [], ["a.h5"], "train", range(8), None,
     ["validation split", "the validation part (0.2) of a.h5:train"]),
    ("{files: [a.h5], validation: 0.2}", ["--split", "train"], ["a.h5"], "train", range(8),
     None, ["train split", "the train part (0.8) of a.h5:train"]),
    ("{files: [a.h5]}", [], ["a.h5"], "train", range(8), 700, ["train split"]),
    ("{files: ['[ab].h5'], test: test}", [], ["a.h5", "b.h5"], "test", range(8), 180, []),
    ("{files: [b.h5, a.h5], test: 0.5, columns: [pz, energy]}", [], ["b.h5", "a.h5"], "train",
     [3, 0], None, []),
    ("{files: [a.h5], test: test, columns: [5, '0:2', 3]}", [], ["a.h5"], "test",
     [5, 0, 1, 3], 90, []),
    ("{files: [a.h5], test: test, columns: [mass, px, py]}", ["--columns", "py,0"], ["a.h5"],
     "test", [2, 6], 90, ["2 of 3 columns"]),
    ("{files: [a.h5], test: test, columns: [mass, px], context: [py, 4]}", [], ["a.h5"],
     "test", [6, 1], 90, ["2 context columns"]),
    ("{files: [a.h5], test: test, context: 'given_{split}'}", [], ["a.h5"], "test", range(8),
     90, ["2 context columns"]),
    ("{files: [a.h5], test: test, weights: w}", [], ["a.h5"], "test", range(7), 90, []),
    ("{files: [gaps.h5], test: 0.5, on_bad_rows: drop, columns: [3, 2]}", [], ["gaps.h5"],
     "train", [3, 2], None, ["were bad"]),
    ("{files: [table.h5], train: events, test: 0.5, columns: [eta, px]}", [], ["table.h5"],
     "events", [4, 1], None, ["of table.h5:events"]),
    ("{files: [table.h5], train: tree, test: 0.5, columns: [eta, px]}", [], ["table.h5"],
     "tree", [4, 1], None, ["of table.h5:tree"]),
    ("{files: [images.h5], validation: 0.5}", [], ["images.h5"], "train", range(12), None,
     ["6 of 12 columns"]),
    ("{files: [a.h5], test: test, columns: [3, 1]}", ["--data", "b.h5:train", "--rows", "100"],
     ["b.h5"], "train", [3, 1], 700, ["data: 100 of 700 rows of b.h5:train"]),
]


def plot(flotilla, run, *options, code=0, says=()):
    command = [sys.executable, SCRIPT, run, *map(str, options)]
    done = subprocess.run(command, cwd=flotilla.folder, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(flotilla.environment, FLOTILLA=flotilla.program))
    require(done.returncode == code and "Traceback" not in done.stdout, *command, "\nexit",
            done.returncode, "wanted", code, "in\n", done.stdout)
    for word in says:
        require(word in done.stdout, *command, "\nwanted", repr(word), "in\n", done.stdout)
    return done.stdout


def stored(flotilla, path, dataset):
    """Every column that h5py reads, [N, D]."""
    with h5py.File(flotilla.path(path)) as file:
        data = file[dataset]
        if isinstance(data, h5py.Group):
            return np.stack([data[name][:] for name in NAMES], 1)
        x = data[:]
        return np.stack([x[name] for name in NAMES], 1) if x.dtype.names else \
            x.reshape(len(x), -1)


def train(flotilla, run, data):
    name = flotilla.write(run + ".yaml", CONFIG.format(run=run, data=data))
    flotilla.run("train", name, "-q")


def check_rows_drawn(flotilla):
    """Every case: each number drawn is the one at its row of its file, in its column."""
    write_data(flotilla)

    def case(number, data, options, files, dataset, columns, total, words):
        run, columns = f"run{number}", list(columns)
        train(flotilla, run, data)
        plot(flotilla, run, "--dump", run + ".npz", *options, says=words)
        with np.load(flotilla.path(run + ".npz")) as found:
            x, row, where = found["data"], found["row"], found["in_file"]
        same(sorted(set(where)), sorted(files), data, "files")
        shown = columns if "--columns" in options else columns[:6]
        for file in files:
            wanted = stored(flotilla, file, dataset)[row[where == file]][:, shown]
            require(np.array_equal(x[where == file], wanted), data, options, file,
                    "other numbers than h5py reads:\n", x[where == file], wanted)
            step = np.diff(row[where == file])
            require((step > 0).all(), data, "rows in order, each once")
        if total is not None and "--rows" not in options:
            same(len(x), total, data)
        elif "--rows" in options:
            same(list(row), list(range(0, 700, 7)), "evenly spaced")
        else:
            require(0 < len(x) < sum(len(stored(flotilla, f, dataset)) for f in files), data)

    every(case, [(number, *each) for number, each in enumerate(CASES)], at_once=2)


def check_splits_share_out_the_rows(flotilla):
    """`flotilla rows` of the three splits: all rows that can be used, each once; with their
    weights and contexts, and the same file from two ranks."""
    write_data(flotilla)
    with h5py.File(flotilla.path("gaps.h5"), "r+") as file:
        file["train"][:, 7] = np.arange(800) % 5
    train(flotilla, "run", "{files: [gaps.h5], validation: 0.1, test: 0.2, weights: 7, "
                           "context: [5, 4], columns: [6, 2], on_bad_rows: drop}")
    x, seen = stored(flotilla, "gaps.h5", "train"), []
    for split in ("train", "validation", "test"):
        flotilla.run("rows", "run", "--split", split, "-o", split + ".h5").says("rows to")
        found = flotilla.arrays(split + ".h5")
        row = found["row"]
        for key, columns in (("x", [6, 2]), ("context", [5, 4]), ("weight", 7)):
            require(np.array_equal(found[key], x[row][:, columns]), split, key)
        same([list(found["column"]), list(found["context_column"])], [[6, 2], [5, 4]])
        seen += list(row)
    usable = np.isfinite(x).all(1) & (x[:, 7] > 0)
    same(sorted(seen), list(np.flatnonzero(usable)), "rows of all splits")
    flotilla.run("rows", "run", "-o", "two.h5", "-n", "20", ranks=2)
    flotilla.run("rows", "run", "-o", "one.h5", "-n", "20")
    with open(flotilla.path("one.h5"), "rb") as one, open(flotilla.path("two.h5"), "rb") as two:
        same(one.read(), two.read(), "from one rank and from two")
    flotilla.run("rows", "run", "-o", "one.h5", code=1).says("one.h5: exists already")
    flotilla.run("rows", "run", "-o", "one.h5", "--force")
    flotilla.run("rows", "run", "nowhere.h5:x", "-o", "x.h5", code=1).says("nowhere.h5")
    for words, says in ((["--split", "tset", "-o", "x.h5"], "tset"), ([], "-o OUT.h5"),
                        (["gaps.h5", "--split", "test", "-o", "x.h5"], "one of them")):
        flotilla.run("rows", "run", *words, code=USAGE).says(says)


def check_far_apart(flotilla):
    """A few of many rows: floor(k N / n), whether they are read together or one by one; and
    their names come with them."""
    with h5py.File(flotilla.path("a.h5"), "w") as file:
        file.create_dataset("train", data=rows(5000, 1, 2)).attrs["columns"] = ["u", "v"]
    train(flotilla, "run", "{files: [a.h5], columns: [v, u]}")
    for n in (7, 400, 4999, 9000):
        flotilla.run("rows", "run", "-o", "x.h5", "-n", n, "--force")
        found, n = flotilla.arrays("x.h5"), min(n, 5000)
        same(list(found["row"]), [k * 5000 // n for k in range(n)], n)
        require(np.array_equal(found["x"], rows(5000, 1, 2)[found["row"]][:, [1, 0]]), n)
        with h5py.File(flotilla.path("x.h5")) as file:
            same([list(file["x"].attrs["columns"]), list(file["x"].attrs["files"])],
                 [["v", "u"], ["a.h5"]])


def check_samples(flotilla):
    """Columns of samples in another order are bound by their names, or refused."""
    write_data(flotilla)
    train(flotilla, "run", "{files: [a.h5], test: test, columns: [mass, px]}")
    drawn = np.arange(80.0).reshape(40, 2)
    for names, wanted in ((["mass", "px"], [0, 1]), (["px", "mass"], [1, 0]),
                          (["px", "py"], None)):
        with h5py.File(flotilla.path("s.h5"), "w") as file:
            file.create_dataset("samples", data=drawn).attrs["columns"] = names
        out = plot(flotilla, "run", "--samples", "s.h5", "--dump", "d.npz",
                   code=0 if wanted else 1)
        if wanted:
            with np.load(flotilla.path("d.npz")) as found:
                near(found["samples"], drawn[:, wanted], 0, names)
        else:
            require("not of one run" in out, out)


def check_weights_count(flotilla):
    """The histogram of weighted rows is the weighted one: the flow learns that."""
    import importlib.util
    spec = importlib.util.spec_from_file_location("plot_run", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    figure, axis = module.plt.subplots()
    module.draw_histogram(axis, np.array([0.5, 1.5]), np.array([3.0, 1.0]), np.array([0.5]),
                          (0.0, 2.0))
    values = axis.patches[0].get_data().values
    near(values[values > 0] * 2 / module.BINS, [0.75, 0.25], 1e-12)
    module.plt.close(figure)
    x, y, counts = module.density(np.array([0.5, 1.5]), np.array([0.5, 1.5]),
                                  np.array([3.0, 1.0]), (0, 2), (0, 2))
    near(counts[:24, :24].sum() / counts[24:, 24:].sum(), 3, 1e-12)


def check_picture(flotilla):
    write_data(flotilla)
    train(flotilla, "run", "{files: [a.h5], validation: 0.1, test: test}")
    plot(flotilla, "run")
    with Image.open(flotilla.path("run", "plot.png")) as picture:
        same(picture.format, "PNG")
        require(all(600 < side < 3000 for side in picture.size), picture.size)
        require(len(picture.convert("RGB").getcolors(1 << 24)) > 50, "the picture is empty")
    with open(flotilla.path("run", "metrics.jsonl"), "a") as file:
        file.write('{"step": 110, "tra')  # a run that is going on
    plot(flotilla, "run", "--columns", "0,6", "-o", "few.png")
    plot(flotilla, "run", "--curves-only", "-o", "few.png")
    plot(flotilla, "run", "--columns", "8", code=1, says=["not among the 8"])
    plot(flotilla, "run", "--split", "test", "--data", "b.h5", code=2, says=["--data"])
    plot(flotilla, "run", "-o", "no/where.png", code=1, says=["no/where.png"])
    plot(flotilla, "nothing", code=1, says=["no such run directory"])
    plot(flotilla, "run", "--samples", "a.h5", code=1, says=["no data set 'samples'"])
    plot(flotilla, "run", "--data", "gone.h5:x", code=1, says=["gone.h5"])
    for path in glob.glob(flotilla.path("run", "samples", "*")):
        os.remove(path)
    plot(flotilla, "run", code=1, says=["no step-*.h5 yet"])
    os.remove(flotilla.path("run", "metrics.jsonl"))
    plot(flotilla, "run", code=1, says=["run directory of `flotilla train`"])


main(globals())
