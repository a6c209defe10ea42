"""Random ordinary use, and one independent reader: every door gives the same answer.

Called as: check_differential.py PROGRAM MPIEXEC. A generator makes files (layouts, types, links,
shards, names, gaps) and configs (selections, contexts, weights, splits, preprocessing), trains a
few steps, and scores through every door: the run's own test, evaluate, logprob and rows on the
same and on other files, samples, the C library. A reader that knows h5py and names alone says
which columns of which rows are meant; the PyTorch module says their densities. What the program
scores must agree; what it refuses, the reader must find to be without an answer.

FLOTILLA_CASES=2000 FLOTILLA_SEED=7 in the environment: more cases, others.
"""
import json
import os
import subprocess
import sys

import h5py
import numpy as np
import torch

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(ROOT, "scripts")]
import flotilla_torch  # noqa: E402
from support import DONE, Failure, every, main, require, same  # noqa: E402

torch.set_num_threads(1)

TEXT = h5py.string_dtype()
FLOATS = ["<f4", "<f8", ">f4", ">f8", "<f2"]
WHOLES = ["<i2", ">i4", "<i8", "u1", "<u2"]
LAYOUTS = ["plain", "chunked", "shaped", "compound", "group", "pandas"]
LINKS = [None, None, None, "soft", "external"]
NAMES = ["px", "a b", "1", "0:2", "null", "x,y", "all", "é", "e_t[0]", "#n", "True", "y: z", "-"]
FLOWS = ["{layers: [{kind: elementwise_affine}]}", "{preset: realnvp, steps: 1, width: 8}",
         "{preset: maf, steps: 1, width: 8}",
         "{layers: [{kind: elementwise_spline, bins: 4}, {kind: elementwise_affine}]}"]
PREPROCESS = ["[{kind: standardize}]", "[{kind: standardize}]",
              "[{kind: signed_log, scale: 5}, {kind: standardize}]"]


# ---- Writing


def write(folder, file, name, x, kinds, names, layout, link, g):
    """A table in one of the layouts, behind a link or not; names None: it has none."""
    home, target = file, name
    if link:
        target = f"elsewhere/{name}"
    if link == "external":
        home = f"home-{name}-{file}"
    with h5py.File(os.path.join(folder, home), "a",
                   userblock_size=512 if link == "external" and g.random() < .5 else 0) as f:
        write_layout(f, target, x, kinds, names, layout, g)
    with h5py.File(os.path.join(folder, file), "a") as f:
        if link == "soft":
            f[name] = h5py.SoftLink("/" + target)
        elif link == "external":
            f[name] = h5py.ExternalLink(home, target)


def write_layout(f, name, x, kinds, names, layout, g):
    rows, width = x.shape
    if layout == "compound":
        table = np.zeros(rows, [("label", "S3")] + list(zip(names, kinds)))
        for j, key in enumerate(names):
            table[key] = x[:, j]
        f[name] = table
    elif layout == "group":
        for j, key in enumerate(names):
            f.create_dataset(f"{name}/{key.replace('/', '|')}", data=x[:, j].astype(kinds[j]))
    elif layout == "pandas" and names:
        f[f"{name}/block0_values"] = x.astype(kinds[0])
        f[f"{name}/block0_items"] = np.array(names, TEXT)
    else:
        shape = (rows, 2, width // 2) if layout == "shaped" and width % 2 == 0 else x.shape
        how = {}
        if layout == "chunked":
            how = {"chunks": (int(g.integers(1, rows + 1)), *shape[1:]),
                   "compression": [None, "gzip"][g.integers(2)], "shuffle": bool(g.integers(2))}
        f.create_dataset(name, data=x.reshape(shape).astype(kinds[0]), **how)
        if names:
            f[name].attrs["columns"] = np.array(names, TEXT)


def path_of(name, layout, names):
    return f"{name}/block0_values" if layout == "pandas" and names else name


# ---- The reader


class Table:
    """Names and numbers of a data set in some files, as h5py has them."""

    def __init__(self, folder, files, name):
        parts = []
        for file in files:
            with h5py.File(os.path.join(folder, file), "r") as f:
                self.names, x, self.by_name, self.shape = self.read(f, name)
            parts.append(x)
        self.files, self.lengths = files, [len(x) for x in parts]
        self.x = np.concatenate(parts)

    @staticmethod
    def read(f, name):
        item = f[name]
        if isinstance(item, h5py.Group):
            names = sorted(item, key=str.encode)
            return names, np.stack([item[k][()].astype("f8") for k in names], 1), True, ()
        if item.dtype.names:
            names = [k for k in item.dtype.names if item.dtype[k].kind != "S"]
            rows = item[()]
            return names, np.stack([rows[k].astype("f8") for k in names], 1), True, ()
        names = item.attrs.get("columns")
        if names is None and name.endswith("/block0_values"):
            names = f[name.replace("_values", "_items")][()]
        names = None if names is None else [k.decode() if isinstance(k, bytes) else k
                                            for k in names]
        return names, item[()].reshape(len(item), -1).astype("f8"), False, item.shape[1:]

    @property
    def width(self):
        return self.x.shape[1]

    def choose(self, entries):
        """The columns of a setting; None: it says nothing that could be meant."""
        found = []
        for entry in entries:
            if isinstance(entry, int):
                found.append(entry)
            elif self.names and entry in self.names:
                if self.names.count(entry) > 1:
                    return None
                found.append(self.names.index(entry))
            else:
                first, _, last = entry.partition(":")
                found += range(int(first or 0), int(last or self.width))
        return found

    def label(self, column):
        own = self.names and self.names[column]
        return own if own and self.names.count(own) == 1 else None


class Meaning:
    """What chosen columns of a table are, to be found in others."""

    def __init__(self, table, columns):
        self.columns, self.width = columns, table.width
        self.names = [table.label(c) for c in columns]
        self.shape = table.shape
        self.labels = [n or str(c) for n, c in zip(self.names, columns)]
        self.whole = columns == list(range(table.width))

    def find(self, table, alone=True):
        """The columns in another table; None: nothing says which."""
        if table.names and all(table.names.count(label) == 1 for label in self.labels):
            return [table.names.index(label) for label in self.labels]
        if table.by_name or (self.whole and len(self.shape) > 1 and len(table.shape) > 1
                             and self.shape != table.shape):
            return None
        tries = [self.columns] if table.width == self.width else []
        if alone and table.width == len(self.columns):
            tries.append(list(range(table.width)))
        for places in tries:
            if not table.names or all(mine is None or table.names[c] == mine
                                      for mine, c in zip(self.names, places)):
                return places
        return None


# ---- A case


class Case:
    def __init__(self, flotilla, number, seed):
        self.f, self.g = flotilla, np.random.default_rng([seed, number])
        self.number, self.seed = number, seed

    def chance(self, p):
        return self.g.random() < p

    def pick(self, items):
        return items[int(self.g.integers(len(items)))]

    def some_names(self, width, layout):
        names = [str(n) for n in self.g.permutation(NAMES)[:width]]
        if layout == "group":
            return sorted(names, key=str.encode)
        if layout == "compound":
            return names
        if self.chance(.35):
            return None
        if self.chance(.1):
            names[1] = names[0]
        return names

    def numbers(self, rows, kinds):
        x = self.g.normal(size=(rows, len(kinds)))
        mix = np.eye(len(kinds)) + .3 * self.mix
        x = x @ mix * self.scale + self.offset
        for j, kind in enumerate(kinds):
            if np.dtype(kind).kind in "iu":
                x[:, j] = np.clip(np.rint(x[:, j] / self.scale[j] * 9 + 60), 0, 127)
        return x

    def entries(self, columns, names):
        """A way to write down columns: indices, ranges, names."""
        out, at = [], 0
        while at < len(columns):
            c = columns[at]
            if (at + 1 < len(columns) and columns[at + 1] == c + 1 and self.chance(.5)
                    and not (names and f"{c}:{c + 2}" in names)):
                out.append(f"{c}:{c + 2}")
                at += 2
                continue
            out.append(names[c] if names and self.chance(.6) else c)
            at += 1
        return out

    def make(self):
        g = self.g
        self.width = int(g.integers(2, 7))
        self.layout = self.pick(LAYOUTS)
        one = self.layout not in ("compound", "group")
        kinds = [self.pick(FLOATS if self.chance(.7) else WHOLES) for _ in range(self.width)]
        self.kinds = [kinds[0]] * self.width if one else kinds
        self.mix = g.normal(size=(self.width, self.width))
        self.scale = 10 ** g.uniform(-1, 1, self.width)
        self.offset = g.uniform(-3, 3, self.width) * self.scale
        self.names = self.some_names(self.width, self.layout)
        if self.layout == "shaped":
            self.names = None if self.chance(.7) else self.names
        self.make_files()
        self.make_config()

    def gaps(self, x, kinds):
        x = x.copy()
        for j, kind in enumerate(kinds):
            if np.dtype(kind).kind == "f":
                x[self.g.random(len(x)) < .02, j] = np.nan
        return x

    def make_files(self):
        g, folder = self.g, self.f.folder
        shards = int(self.pick([1, 1, 1, 2, 3]))
        self.files = [f"part-{s}.h5" for s in range(shards)]
        self.has_gaps = self.chance(.25)
        link = self.pick(LINKS)
        for file in self.files:
            x = self.numbers(int(g.integers(60, 160)), self.kinds)
            x = self.gaps(x, self.kinds) if self.has_gaps else x
            write(folder, file, "train", x, self.kinds, self.names, self.layout, link, g)
        self.train = path_of("train", self.layout, self.names)
        self.made = {}
        for n in range(3):
            self.make_other(f"other{n}")

    def make_other(self, name):
        """The same columns once more in another file: in another order, layout or width."""
        g, names = self.g, self.names
        columns = list(range(self.width))
        what = self.pick(["same", "same", "mixed", "wider", "narrow", "unnamed", "renamed"])
        if what in ("mixed", "wider"):
            columns = [int(c) for c in g.permutation(self.width)]
        if what == "narrow":
            columns = columns[:int(g.integers(1, self.width + 1))]
        kinds = [self.kinds[c] for c in columns]
        x = self.numbers(int(g.integers(30, 90)), self.kinds)
        x = (self.gaps(x, self.kinds) if self.has_gaps else x)[:, columns]
        names = names and [names[c] for c in columns]
        if what == "wider":
            x, kinds = np.c_[x[:, :1], x], [kinds[0], *kinds]
            names = names and ["new", *names]
        if what == "unnamed":
            names = None
        if what == "renamed" and names:
            names = ["new", *names[1:]]
        unique = names and len(set(names)) == len(names)
        layout = self.pick(LAYOUTS if unique else ["plain", "chunked", "shaped"])
        if layout not in ("compound", "group"):
            kinds = [kinds[0]] * len(kinds)
            if np.dtype(kinds[0]).kind != "f" and any(np.dtype(k).kind == "f" for k in
                                                      self.kinds):
                kinds = ["<f8"] * len(kinds)
        write(self.f.folder, f"{name}.h5", name, x, kinds, names, layout, self.pick(LINKS), g)
        self.made[name] = path_of(name, layout, names)

    def make_config(self):
        order = [int(c) for c in self.g.permutation(self.width)]
        C = int(self.g.integers(1, 3)) if self.width > 3 and self.chance(.3) else 0
        self.context = self.entries(order[:C], self.names) if C else None
        rest = order[C:]
        self.columns = None
        if self.layout in ("compound", "group") or self.chance(.7):
            if self.chance(.5):
                rest.sort()
            rest = rest[:max(1, int(self.g.integers(len(rest) + 1)))]
            self.columns = self.entries(rest, self.names)
        self.test = self.pick(["fraction", "fraction", "other0"])
        self.drop = self.has_gaps and self.chance(.8)
        data = {"files": ["part-*.h5"] if len(self.files) > 1 else self.files,
                "train": self.train, "columns": self.columns or "all",
                "test": .25 if self.test == "fraction" else f"other0.h5:{self.made['other0']}",
                "on_bad_rows": "drop" if self.drop else "error"}
        if self.context:
            data["context"] = self.context
        flows = FLOWS if len(rest) > 1 else [f for f in FLOWS if "preset" not in f]
        self.config = (f"run: {{directory: run, threads: 1, seed: {self.number}}}\n"
                       f"data: {json.dumps(data, ensure_ascii=False)}\n"
                       f"preprocess: {self.pick(PREPROCESS)}\nflow: {self.pick(flows)}\n"
                       "train: {steps: 3, batch: 32, lanes: 2, learning_rate: 1e-2}\n"
                       "report: {samples: 3}\n")
        self.f.write("c.yaml", self.config)

    # -- What is wanted

    def read_all(self):
        table = Table(self.f.folder, self.files, self.train)
        context = table.choose(self.context or [])
        columns = table.choose(self.columns) if self.columns else [
            c for c in range(table.width) if c not in (context or [])]
        self.meaning = self.of_context = None
        if columns is None or context is None:
            return table
        self.meaning = Meaning(table, columns)
        self.of_context = Meaning(table, context) if context else None
        return table

    def find(self, table):
        """Features and context of another table; None: without an answer."""
        places = self.meaning.find(table, alone=not self.of_context)
        given = self.of_context.find(table, alone=False) if self.of_context else []
        if places is None or given is None:
            return None
        x, c = table.x[:, places], table.x[:, given]
        return x, c if given else None

    @staticmethod
    def bad(x, c):
        return ~np.isfinite(x).all(1) | (~np.isfinite(c).all(1) if c is not None else False)

    def scores(self, x, c):
        """By the PyTorch module; NaN where a row is bad."""
        keep = ~self.bad(x, c)
        out = np.full(len(x), np.nan)
        with torch.no_grad():
            out[keep] = self.model.log_prob(x[keep], None if c is None else c[keep]).numpy()
        return out

    def agree(self, found, wanted, *what):
        same(np.isnan(found).tolist(), np.isnan(wanted).tolist(), *what, "bad rows")
        keep = ~np.isnan(wanted)
        close = np.abs(found[keep] - wanted[keep]) <= 3e-3 + 1e-3 * np.abs(wanted[keep])
        require(close.all(), *what, "found", found[keep][~close][:4], "wanted",
                wanted[keep][~close][:4], "in", (~close).sum(), "of", len(found))

    # -- The doors

    def run(self):
        self.make()
        table = self.read_all()
        result = self.f.finish(self.f.start("train", "c.yaml"), None)
        refused = result.code != DONE
        wanted = self.why_not(table)
        require(refused == bool(wanted), "training", "refused" if refused else "went on",
                "and the reader:", wanted or "nothing wrong", result.err[-600:])
        if refused:
            return False
        self.checkpoint = flotilla_torch.checkpoint_of(self.f.path("run"))
        self.model = flotilla_torch.load(self.checkpoint)
        self.check_rows(table)
        self.check_evaluate(table)
        for name in list(self.made)[:2]:
            self.check_other(name)
        self.check_samples()
        return True

    def why_not(self, table):
        if self.meaning is None:
            return "a name that two columns have"
        x, c = self.find(table)
        if not self.drop and self.bad(x, c).any():
            return "gaps"
        if self.test == "fraction":
            return None
        other = self.find(self.other("other0"))
        if other is None:
            return "test has other columns"
        return "gaps in test" if not self.drop and self.bad(*other).any() else None

    def other(self, name):
        return Table(self.f.folder, [f"{name}.h5"], self.made[name])

    def check_rows(self, table):
        """The rows of the run's own test: their numbers, values and names."""
        self.f.run("rows", "run", "--split", "test", "-o", "rows.h5", "-n", 100000)
        with h5py.File(self.f.path("rows.h5")) as file:
            found = {key: file[key][()] for key in file}
            names = [str(n) for n in file["x"].attrs.get("columns", [])]
            files = [os.path.basename(str(n)) for n in np.ravel(file["x"].attrs.get("files", []))]
        source = table if self.test == "fraction" else self.other("other0")
        x, c = self.find(source)
        starts = dict(zip(source.files, np.cumsum([0, *source.lengths])))
        if files:
            same(files, source.files, "files of rows")
        at = found["row"] + np.array([starts[source.files[i]] for i in found["file"]])
        require(len(set(at)) == len(at), "rows twice")
        self.own = (x, c, at, source)
        same(found["x"].astype("f4").tobytes(), x[at].astype("f4").tobytes(), "values of rows")
        if c is not None:
            same(found["context"].astype("f4").tobytes(), c[at].astype("f4").tobytes(), "context")
        if names and all(self.meaning.names):
            same(names, self.meaning.names, "names of rows")

    def check_evaluate(self, table):
        x, c, at, source = self.own
        log_prob = self.scores(x[at], None if c is None else c[at])
        test = json.loads(self.f.read("run", "test.json"))
        e = json.loads(self.f.run("evaluate", "run", "--json").out)
        self.check_own_scores(log_prob)
        for key in ("log_likelihood", "rows", "lowest_log_prob", "lowest_row"):
            same(e[key], test[key], "evaluate and the run's own test:", key)
        same(e["rows"], len(at), "rows of the test")
        self.agree(np.array([e["log_likelihood"]]), np.array([log_prob.mean()]), "mean of test")
        self.agree(np.array([e["lowest_log_prob"]]), np.array([log_prob.min()]), "lowest")
        lowest = self.place(source, e)
        self.agree(np.array([self.scores(x[[lowest]], None if c is None else c[[lowest]])[0]]),
                   np.array([log_prob.min()]), "density of the lowest row", e["lowest_row"])

    def check_own_scores(self, wanted):
        """logprob without DATA: the run's test, with the numbers of its rows."""
        x, c, at, source = self.own
        self.f.run("logprob", "run", "-o", "own.h5")
        with h5py.File(self.f.path("own.h5")) as file:
            found = file["log_prob"][()]
            row = file["row"][()] if "row" in file else np.arange(len(found))
            number = file["file"][()] if "file" in file else 0
            files = [os.path.basename(n) for n in file["log_prob"].attrs["files"]]
        row = row + np.cumsum([0, *source.lengths])[number]
        bad = self.bad(x[row], None if c is None else c[row])
        same(files, source.files, "files of logprob")
        same(np.isnan(found).tolist(), bad.tolist(), "logprob without data: bad rows")
        same(row[~bad].tolist(), at.tolist(), "rows of logprob")
        self.agree(found[~bad], wanted, "logprob without data")

    @staticmethod
    def place(source, e):
        starts = dict(zip(source.files, np.cumsum([0, *source.lengths])))
        return e["lowest_row"] + starts[os.path.basename(e["lowest_file"])]

    def check_other(self, name):
        table, spec = self.other(name), f"{name}.h5:{self.made[name]}"
        found = self.find(table)
        wanted = found is not None
        out = f"{name}-scores.h5"
        result = self.f.finish(self.f.start("logprob", "run", spec, "-o", out), None)
        require((result.code == DONE) == wanted, "logprob of", spec, result.err[-600:],
                "the reader:", "has an answer" if wanted else "has none")
        if not wanted:
            require(not os.path.exists(self.f.path(out)), "refused, but wrote", out)
            return
        x, c = found
        log_prob = self.scores(x, c)
        self.agree(self.f.arrays(out)["log_prob"], log_prob, "logprob of", spec)
        self.agree(self.by_library(x, c), log_prob, "C library on", spec)
        e = json.loads(self.f.run("evaluate", "run", spec, "--json").out)
        self.agree(np.array([e["log_likelihood"]]), np.array([np.nanmean(log_prob)]),
                   "evaluate of", spec)
        read = flotilla_torch.read_rows(self.f.path(f"{name}.h5") + ":" + self.made[name],
                                        self.model.schema["features"])
        same(np.asarray(read, "f4").tobytes(), x.astype("f4").tobytes(), "the Python module")

    def by_library(self, x, c):
        keep = ~self.bad(x, c)
        rows = x[keep].astype("f8").tobytes()
        if c is not None:
            rows += c[keep].astype("f8").tobytes()
        with open(self.f.path("in.bin"), "wb") as file:
            file.write(rows)
        program = os.path.join(os.path.dirname(self.f.program), "tests", "library_scores")
        subprocess.run([program, self.checkpoint, str(int(keep.sum())),
                        self.f.path("in.bin"), self.f.path("out.bin")], check=True,
                       env=self.f.environment)
        out = np.full(len(x), np.nan)
        out[keep] = np.fromfile(self.f.path("out.bin"), "f8")
        return out

    def check_samples(self):
        with h5py.File(self.f.path("run", "samples", "step-0000000003.h5")) as file:
            found = file["samples"]
            names = [str(n) for n in found.attrs.get("columns", [])]
            shape = found.shape[1:]
        m = self.meaning
        nameless = m.whole and not any(m.names)
        same(names, [] if nameless else m.labels, "columns of samples")
        same(shape, m.shape if m.whole and m.shape else (len(m.columns),), "shape of samples")


def check_random_use(flotilla):
    whole = os.environ.get("FLOTILLA_TEST_ALL")
    cases = int(os.environ.get("FLOTILLA_CASES", 100 if whole else 40))
    seed = int(os.environ.get("FLOTILLA_SEED", 1))
    print(f"FLOTILLA_CASES={cases} FLOTILLA_SEED={seed}", flush=True)

    def check(number):
        case = Case(flotilla.part(f"case-{number}"), number, seed)
        try:
            return case.run()
        except Failure as failure:
            raise Failure(f"FLOTILLA_SEED={seed}, case {number}:", failure, "\n", case.config,
                          [case.layout, case.names, case.files, case.made]) from None

    scored = sum(every(check, [(number,) for number in range(cases)]))
    print(f"{scored} of {cases} cases scored, the others refused as they must be")
    require(scored > cases / 2, "most cases were refused")


if __name__ == "__main__":
    main(globals())
