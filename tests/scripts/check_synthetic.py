"""scripts/make_synthetic.py: the densities are exact, the rows are drawn from them, and a flow
comes near the truth from below.

Called as: check_synthetic.py PROGRAM MPIEXEC.
"""
import argparse
import glob
import importlib.util
import json
import os
import subprocess
import sys

import h5py
import numpy as np
from scipy.stats import multivariate_normal

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import main, near, require, same  # noqa: E402

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts",
                      "make_synthetic.py")


def load():
    spec = importlib.util.spec_from_file_location("make_synthetic", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


synthetic = load()


def make(flotilla, *arguments, code=0, says=""):
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, cwd=flotilla.folder, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    require(done.returncode == code and says in done.stdout, *command, "\nexit",
            done.returncode, "wanted", code, "and", repr(says), "in\n", done.stdout)
    require(code == 0 or "Traceback" not in done.stdout, "no clear message:", done.stdout)
    require(not glob.glob(flotilla.path("*.partial")), "a partial file after", *command)
    return done.stdout


def density(kind, columns, noise=0.1, seed=0):
    return synthetic.density_of(argparse.Namespace(kind=kind, columns=columns, noise=noise,
                                                   seed=seed))


def check_integrals(flotilla):
    """In two dimensions, by the trapezoidal rule, which is exact for what is so smooth."""
    side = np.linspace(-6, 7, 326)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for kind in ("moons", "rings"):
        for noise in (0.05, 0.1, 0.4):
            total = np.exp(density(kind, 2, noise).log_prob(grid)).sum() * (side[1] - side[0])**2
            near(total, 1, 1e-10, "integral of", kind, noise)


def check_moons_by_brute_force(flotilla):
    """The quadrature, anywhere: in the middle, at the ends of the arcs, far away."""
    angle = (np.arange(300000) + 0.5) * np.pi / 300000
    x, y = np.cos(angle), np.sin(angle)
    points = np.concatenate([np.random.default_rng(0).normal(0, 2, (30, 2)), [
        [0, 0], [1, 0], [-1, 0], [0, -1], [1e-9, 0], [0, -9], [1e-4, -2], [50, 3]]])
    for noise in (0.03, 0.1, 1.0):
        found = synthetic.Moons(noise).log_half(points)
        for point, log_prob in zip(points, found):
            exponent = ((point[0] - x)**2 + (point[1] - y)**2) / (-2 * noise**2)
            most = exponent.max()
            wanted = most + np.log(np.exp(exponent - most).mean() / (2 * np.pi * noise**2))
            near(log_prob, wanted, 2e-8 * (1 + abs(wanted)), "at", point, "noise", noise)


def check_mixture(flotilla):
    """Against the covariance matrix itself."""
    for columns in (4, 11, 300):
        mixture = density("mixture", columns, seed=5)
        normals = mixture.normals
        x = mixture.draw(200, np.random.default_rng(1))
        each = [multivariate_normal(m, np.diag(s**2) + F.T @ F).logpdf(x)
                for m, s, F in zip(normals.mean, normals.scale, normals.factor)]
        near(normals.log_prob(x) / (1 + np.abs(each)), each / (1 + np.abs(each)), 1e-9,
             "parts,", columns, "columns")
        wanted = np.logaddexp.reduce(np.array(each) + np.log(mixture.weight)[:, None])
        near(mixture.log_prob(x), wanted, 1e-7, columns, "columns")
        correlation = np.corrcoef(normals.draw(0, 4000, np.random.default_rng(2)).T)
        require(np.abs(correlation - np.eye(columns)).mean() > 0.1, "columns are correlated")


def tighter(normals):
    """The parts of it, each with 0.94 of its covariance: of bounded ratio to it."""
    return [multivariate_normal(m, 0.94 * (np.diag(s**2) + F.T @ F))
            for m, s, F in zip(normals.mean, normals.scale, normals.factor)]


def densities_within(kind, columns):
    """Log-densities that differ from that of the kind, each inside a part of it: a spot of
    the shape, or one part of the mixture."""
    whole = density(kind, columns)
    if kind == "mixture":
        return [part.logpdf for part in tighter(whole.normals)]
    spots = [[1, 0], [0, 1], [-1, 0], [0, 0.5], [1, -0.5], [2, 0.5]] if kind == "moons" else [
        [1, 0], [0, -1], [-2, 0], [0, 2], [3, 0], [-2.4, -1.8]]

    def log_density(x, spot):
        found = multivariate_normal(spot, 0.07**2 * np.eye(2)).logpdf(x[:, :2])
        if columns > 2:
            found += tighter(whole.rest)[0].logpdf(x[:, 2:] - x[:, :2] @ whole.slope)
        return found

    return [lambda x, spot=spot: log_density(x, spot) for spot in spots]


def check_rows_are_drawn_from_it(flotilla):
    """For any density q, the mean of q / p over rows of p is 1: which holds only when the
    stored numbers are the density of what the rows are drawn from."""
    for kind, columns in (("moons", 2), ("moons", 6), ("rings", 2), ("rings", 9),
                          ("mixture", 4), ("mixture", 12)):
        text = make(flotilla, kind, "-o", "x.h5", "--columns", columns, "--train", 60000,
                    "--force", "--type", "float64")
        with h5py.File(flotilla.path("x.h5")) as file:
            x, log_prob = file["train"][:], file["train_log_prob"][:]
            same(len(file["test"].attrs["columns"]), columns)
            same(file["validation_log_prob"].shape, (5000,))
        same((x.shape, log_prob.dtype), ((60000, columns), np.dtype("f8")))
        require(f"mean log-density {log_prob.mean():.5f}" in text, text)
        for number, log_density in enumerate(densities_within(kind, columns)):
            ratio = np.exp(log_density(x) - log_prob)
            error = ratio.std() / np.sqrt(len(ratio))
            require(error < 0.06, "a bounded ratio", kind, columns, number, error)
            near(ratio.mean(), 1, 4.5 * error, kind, "of", columns, "columns, part", number)


def splits(flotilla, pattern):
    """Every data set, shards joined in the order of their names."""
    found = {}
    for path in sorted(glob.glob(flotilla.path(pattern))):
        with h5py.File(path) as file:
            for name, data in file.items():
                found.setdefault(name, []).append(data[:])
    return {name: np.concatenate(parts) for name, parts in found.items()}


def check_recipe(flotilla):
    rows = ["--columns", 5, "--train", 9001, "--validation", 700, "--test", 333]
    make(flotilla, "mixture", "-o", "a.h5", *rows)
    whole = splits(flotilla, "a.h5")
    same([whole[name].shape for name in ("train", "validation", "test")],
         [(9001, 5), (700, 5), (333, 5)])
    require(not set(whole["test"][:, 0]) & set(whole["validation"][:, 0]), "splits differ")
    for name, options in (
            ("b", []), ("c", ["--shards", 7]), ("d", ["--shards", 3, "--jobs", 1]),
            ("e", ["--chunk-rows", 100]), ("f", ["--compress", "deflate", "--shards", 2]),
            ("g", ["--compress", "deflate", "--chunk-rows", 64])):
        make(flotilla, "mixture", "-o", name + ".h5", *rows, *options)
        found = splits(flotilla, name + "*.h5")
        for key in whole:
            require(np.array_equal(found[key], whole[key]), "the same rows with", *options, key)
    same(len(glob.glob(flotilla.path("c-0000[0-6].h5"))), 7)
    with h5py.File(flotilla.path("g.h5")) as file, h5py.File(flotilla.path("a.h5")) as plain:
        same((file["train"].chunks, file["train"].compression), ((64, 5), "gzip"))
        same((plain["train"].chunks, plain["train"].dtype), (None, np.dtype("f4")))
    make(flotilla, "mixture", "-o", "more.h5", "--columns", 5, "--train", 20000)
    require(np.array_equal(splits(flotilla, "more.h5")["train"][:9001], whole["train"]),
            "more rows begin with the same rows")
    make(flotilla, "mixture", "-o", "seed.h5", *rows, "--seed", 1)
    require(not np.array_equal(splits(flotilla, "seed.h5")["train"], whole["train"]), "the seed")
    for type in ("float16", "float64"):
        make(flotilla, "mixture", "-o", f"{type}.h5", *rows, "--type", type)
        found = splits(flotilla, f"{type}.h5")
        same(found["train"].dtype, np.dtype(type))
        near(found["train_log_prob"], density("mixture", 5).log_prob(found["train"].astype("f8")),
             1e-9, "the density of the rows as stored")


def check_heights(flotilla):
    """A BLAS gives a row other last bits among other rows: so it sees whole blocks alone,
    whatever the shards and the number of rows. On every machine."""
    for kind, columns in (("mixture", 5), ("moons", 6), ("rings", 2)):
        args = argparse.Namespace(kind=kind, columns=columns, noise=0.1, seed=0, type="float32")
        heights, found = set(), []
        truth = density(kind, columns)
        log_prob = truth.log_prob
        truth.log_prob = lambda x: heights.add(x.shape) or log_prob(x)
        for cuts in ([0, 9001], [0, 1285, 1290, 4096, 9001]):
            parts = [piece for first, last in zip(cuts, cuts[1:])
                     for piece in synthetic.pieces(args, truth, 0, first, last)]
            found.append([np.concatenate(each).tobytes() for each in zip(*parts)])
        same(heights, {(synthetic.block_rows(columns), columns)}, kind)
        same(found[0], found[1], kind, "the same bits in other pieces")


def can_run(core):
    """Whether numpy's BLAS is OpenBLAS and runs the kernels of this core here."""
    text = ("import numpy as n; n.ones((9, 5)) @ n.ones((5, 7)); "
            "print('openblas' in open('/proc/self/maps').read())")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True,
                          env=dict(os.environ, OPENBLAS_CORETYPE=core))
    return done.returncode == 0 and done.stdout == "True\n"


def check_kernels(flotilla):
    """The same bits in 1, 3 and 7 shards by the kernels of other processors too: this one's
    own are tried above, and those of SkylakeX (and Sapphire Rapids) are the touchy ones."""
    rows = ["--columns", 5, "--train", 9001, "--validation", 700, "--test", 333, "--force"]
    before = os.environ.pop("OPENBLAS_CORETYPE", None)
    for core in filter(can_run, ("SkylakeX", "Nehalem")):
        os.environ["OPENBLAS_CORETYPE"] = core
        make(flotilla, "mixture", "-o", "one.h5", *rows)
        whole = splits(flotilla, "one.h5")
        for shards in (3, 7):
            make(flotilla, "mixture", "-o", f"by{shards}.h5", "--shards", shards, *rows)
            found = splits(flotilla, f"by{shards}-*.h5")
            for key in whole:
                require(np.array_equal(found[key], whole[key]), core, shards, "shards:", key)
        del os.environ["OPENBLAS_CORETYPE"]
    if before is not None:
        os.environ["OPENBLAS_CORETYPE"] = before


def check_bad_options(flotilla):
    for options, says in (
            (["squares", "-o", "x.h5"], "invalid choice"), (["moons"], "-o"),
            (["moons", "-o", "x.h5", "--columns", 1], "at least 2"),
            (["mixture", "-o", "x.h5", "--columns", 3], "at least 4"),
            (["moons", "-o", "x.h5", "--train", 0], "at least 1 row"),
            (["moons", "-o", "x.h5", "--shards", 9, "--test", 8], "as many rows"),
            (["moons", "-o", "x.h5", "--noise", 0], "above 0")):
        make(flotilla, *options, code=2, says=says)
    make(flotilla, "moons", "-o", "no/folder/x.h5", code=1, says="no/folder/x.h5")
    make(flotilla, "moons", "-o", "no/folder/x.h5", "--shards", 2, code=1, says="no/folder/x.h5")
    os.mkdir(flotilla.path("y-00001.h5.partial"))  # in the way of the second shard
    command = [sys.executable, SCRIPT, "moons", "-o", "y.h5", "--shards", "2"]
    same(subprocess.run(command, cwd=flotilla.folder, capture_output=True).returncode, 1)
    same(os.listdir(flotilla.folder), ["y-00001.h5.partial"])
    os.rmdir(flotilla.path("y-00001.h5.partial"))
    make(flotilla, "moons", "-o", "x.h5", "--shards", 2)
    make(flotilla, "moons", "-o", "x.h5", "--shards", 3, code=1, says="x-00000.h5: is there")
    make(flotilla, "moons", "-o", "x.h5", "--shards", 2, "--force")


CONFIG = """
run: {directory: run, seed: 1, threads: 1}
data: {files: [moons.h5], validation: validation, test: test}
flow: {preset: nsf_coupling, steps: 4, width: 32, blocks: 1}
train: {batch: 512, lanes: 8, steps: 900, learning_rate: 4e-3, warmup_steps: 50, average: 0.98}
report: {every: 300, validate_every: 300}
"""


def check_a_flow_comes_near(flotilla):
    make(flotilla, "moons", "-o", "moons.h5")
    truth = splits(flotilla, "moons.h5")["test_log_prob"].mean()
    flotilla.write("c.yaml", CONFIG)
    flotilla.run("train", "c.yaml", "-q")
    found = json.loads(flotilla.run("evaluate", "run", "--json").out)["log_likelihood"]
    require(truth - 0.12 < found < truth, f"a flow reaches {found}, the truth is {truth}")


main(globals())
