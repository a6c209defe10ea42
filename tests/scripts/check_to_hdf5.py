"""scripts/to_hdf5.py: every kind of input gives the rows that numpy reads, and every bad one
a message that says where, with nothing left behind.

Called as: check_to_hdf5.py PROGRAM MPIEXEC.
"""
import gzip
import json
import os
import pickle
import subprocess
import sys
import zipfile

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import main, require, same  # noqa: E402

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "scripts",
                      "to_hdf5.py")


def run(flotilla, *arguments, code=0, says="", **options):
    """Runs the script in the folder of the check; its exit code and text must be as wanted."""
    command = [sys.executable, SCRIPT, *map(str, arguments)]
    done = subprocess.run(command, cwd=flotilla.folder, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    require(done.returncode == code and says in done.stdout, *command, "\nexit",
            done.returncode, "wanted", code, "and", repr(says), "in\n", done.stdout)
    require(code == 0 or "Traceback" not in done.stdout, "no clear message:", done.stdout)
    require(not [n for n in os.listdir(flotilla.folder) if "partial" in n],
            "a partial file is left by", *command)
    return done.stdout


def convert(flotilla, *arguments, **options):
    """All data sets of what it makes, and the names of columns of the first."""
    run(flotilla, *arguments, "-o", "out.h5", "--force", **options)
    with h5py.File(flotilla.path("out.h5")) as file:
        for data in file.values():
            require(data.chunks is None and data.id.get_offset() is not None, "contiguous")
            require(data.dtype.isnative or data.dtype.byteorder == "<", "little-endian")
        arrays = {name: data[()] for name, data in file.items()}
        first = file[list(file)[0]]
        return arrays, [name.decode() for name in first.attrs.get("columns", [])]


def same_rows(found, wanted, type, *what):
    same(found.dtype, np.dtype(type), *what, "type")
    same(found.shape, np.shape(wanted), *what, "shape")
    np.testing.assert_array_equal(found, np.asarray(wanted), err_msg=" ".join(what))


NAN = np.nan
# Text, options, wanted rows, type, names of columns.
TEXTS = [
    ("a,b\n1.5,2\n3,4e2\n", [], [[1.5, 2], [3, 400]], "f4", ["a", "b"]),
    ("1.5,2\n3,4\n", [], [[1.5, 2], [3, 4]], "f4", []),
    ("1,2\n3,4\n", ["--header"], [[3, 4]], "u1", ["1", "2"]),
    ("a,b,c\n1,,3\n,,\nNA,N/A,null\nNULL,None,nan\n,5,NA\n", [],
     [[1, NAN, 3], [NAN] * 3, [NAN] * 3, [NAN] * 3, [NAN, 5, NAN]], "f4", ["a", "b", "c"]),
    ('"a, b","c"\n"1","2.5"\n"","3"\n"NA",4\n', [], [[1, 2.5], [NAN, 3], [NAN, 4]], "f4",
     ["a, b", "c"]),
    ("a\tb\r\n1\t\r\n\t2\r\n", [], [[1, NAN], [NAN, 2]], "f4", ["a", "b"]),
    ("x;y\n1;2\n", [], [[1, 2]], "u1", ["x", "y"]),
    ("# made by hand\n# x y\n 1.5   2\n\n3 4", [], [[1.5, 2], [3, 4]], "f4", ["x", "y"]),
    ("\ufeffmasse,größe\n1,2\n", [], [[1, 2]], "u1", ["masse", "größe"]),
    ("\ufeff1,2\n3,4\n", [], [[1, 2], [3, 4]], "u1", []),
    ("7\n\n300\n", [], [[7], [300]], "<u2", []),
    ("v\n-1\n127\n", [], [[-1], [127]], "i1", ["v"]),
    ("v\n-1\n128\n", [], [[-1], [128]], "<i2", ["v"]),
    ("v\n4294967295\n0\n", [], [[4294967295], [0]], "<u4", ["v"]),
    ("v\n4294967296\n-7\n", [], [[4294967296], [-7]], "<i8", ["v"]),
    ("v\ninf\n-inf\n", [], [[np.inf], [-np.inf]], "f4", ["v"]),
    ("v\n1e300\n", ["--type", "float64"], [[1e300]], "f8", ["v"]),
    ("v\n1\n2\n", ["--type", "float16"], [[1], [2]], "f2", ["v"]),
    ("a,id,b\n1,x7,2\n3,x8,4\n", ["--drop", "id"], [[1, 2], [3, 4]], "u1", ["a", "b"]),
    ("a,id,b\n1,x7,2\n3,x8,\n", ["--columns", "2,a"], [[2, 1], [NAN, 3]], "f4", ["b", "a"]),
    ("1|2|3|4\n", ["--columns", "1:4", "--drop", "2"], [[2, 4]], "u1", []),
    ("a,b\r1.5,2\r,4\r", [], [[1.5, 2], [NAN, 4]], "f4", ["a", "b"]),
    ("1,2\r3,4", [], [[1, 2], [3, 4]], "u1", []),
    ("a,b\r\n1,2\r3,4\n5,6", [], [[1, 2], [3, 4], [5, 6]], "u1", ["a", "b"]),
    ("id,x\n9007199254740993,1\n-9007199254740995,2\n", [],
     [[9007199254740993, 1], [-9007199254740995, 2]], "<i8", ["id", "x"]),
    ('id\n"18446744073709551615"\n\n0\n', [], [[18446744073709551615], [0]], "<u8", ["id"]),
    ("9007199254740992 1e3\n9007199254740993 2\n", [],
     [[9007199254740992, 1000], [9007199254740993, 2]], "<u8", []),
    ("id,x\n9007199254740993,1.5\n", ["--drop", "id"], [[1.5]], "f4", ["x"]),
    ("id,x\n9007199254740993,1.5\n", ["--type", "float64"], [[9007199254740992, 1.5]], "f8",
     ["id", "x"]),
    # What float32 would lose: steps of 128 s, of 6 hours, an origin, and small masses.
    ("t,x\n1700000001,0.5\n1700000002,1.5\n", [], [[1700000001, .5], [1700000002, 1.5]], "f8",
     ["t", "x"]),
    ("t,x\n1700000001,0.5\n", ["--type", "float32"], [[1.7e9, .5]], "f4", ["t", "x"]),
    ("jd\n2459000.125\n2459300.625\n", [], [[2459000.125], [2459300.625]], "f8", ["jd"]),
    ("m\n1e-40\n1e30\n", [], [[1e-40], [1e30]], "f8", ["m"]),
    ("m\n1\n1e39\n", [], [[1], [1e39]], "f8", ["m"]),
    ("x\n0.1\n1234567.5\n16777216\n", [], [[0.1], [1234567.5], [16777216]], "f4", ["x"]),
    ("x\n1e20\n1234567890123456789e3\n", [], [[1e20], [1234567890123456789e3]], "f4", ["x"]),
    ("c\n0.1\n0.1\n", [], [[0.1], [0.1]], "f4", ["c"]),
]


def check_texts(flotilla):
    for text, options, rows, type, names in TEXTS:
        flotilla.write("in.csv", text)
        arrays, found = convert(flotilla, "in.csv", *options, "--jobs", 1)
        if type == "f4":
            rows = np.float32(rows)
        same_rows(arrays["train"], rows, type, repr(text))
        same(found, names, "names of", repr(text))


# Text, options, what the message says.
BAD_TEXTS = [
    ("1 2\n", ["--delimiter", ",", "--no-header"], 'line 1, column 0: found "1 2"'),
    ("a,b\n1,2\n3,4\n5,blue\n", [], 'in.csv: line 4, column 1 (\'b\'): found "blue"'),
    ("a,b\n1,2\n3,blue\n", [], "--drop b"),
    ("1,2\n3,1_000\n", [], 'line 2, column 1: found "1_000"'),
    ("1,2\n3,0x10\n", [], 'found "0x10"'),
    ("a,b\n1,2\n3\n4,5\n", [], "line 3: found 1 cells apart by comma, wanted 2"),
    ("a,b\n1,2\n3,4,5\n", [], "line 3: found 3 cells apart by comma, wanted 2"),
    ("a,b\n1,2\n3,4,5\n", ["--columns", "a"], "line 3: found 3 cells"),
    ("a,b\n1\n", [], "line 2: found 1 cells"),
    ("a,a\n1,2\n", [], "columns 0 and 1 are both named 'a'"),
    ("", [], "found no row"),
    ("a,b\n", [], "found no row"),
    ("a,b\n1,2\n", ["--columns", "c"], 'no column "c"'),
    ("a,b\n1,2\n", ["--drop", "2"], "wanted a name, a number from 0 to 1"),
    ("a,b\n1,2\n", ["--drop", "0,b"], "leave no column"),
    ("v\n1\n1e39\n", ["--type", "float32"],
     "row 1, column 0 ('v'): found 1e+39, wanted a number of type float32"),
    ("v\n1\n256\n", ["--type", "uint8"], "row 1, column 0 ('v'): found 256.0"),
    ("v\n1\n\n0.5\n", ["--type", "int32"], "row 1, column 0 ('v'): found 0.5"),
    ("v,w\n1,1\n,2\n", ["--type", "int32"], "row 1, column 0 ('v'): found nan"),
    ("a,b\r1,2\r3,blue\r", [], "in.csv: line 3, column 1 ('b'): found \"blue\""),
    ("x,id\n1,2\n\n1.5,9007199254740993\n", [],
     "line 4, column 1 ('id'): found 9007199254740993, a whole number that float64 rounds to "
     "9007199254740992"),
    ("x,id\n1,2\n,-9007199254740993\n", [], "--drop id, or take what is nearest"),
    ("18446744073709551616\n-1\n18446744073709551617\n", [],
     "line 3, column 0: found 18446744073709551617"),
    ("id\n9007199254740993\n" + "8\n" * (1 << 20) + "0.5\n", [],
     "line 2, column 0 ('id'): found 9007199254740993"),
    ("9007199254740993,\n", ["--type", "int64"], "line 1, column 0: found 9007199254740993"),
    ("a,b\n1,2\n" + "x" * 200000 + ",1\n", [], "line 3, column 0 ('a'): found \"xxx"),
]


def check_bad_texts(flotilla):
    for text, options, says in BAD_TEXTS:
        flotilla.write("in.csv", text)
        run(flotilla, "in.csv", *options, "-o", "no.h5", code=1, says=says)
        require(not os.path.exists(flotilla.path("no.h5")), "an output after", repr(text))


def check_counts(flotilla):
    flotilla.write("in.csv", "a,b\n1,\n,\n3,inf\n")
    text = run(flotilla, "in.csv", "-o", "out.h5")
    for words in ("3 missing (b: 2, a: 1)", "1 infinite", "3 x 2 float32", "wrote out.h5: 3 rows",
                  "MB/s"):
        require(words in text, "no", words, "in", text)
    run(flotilla, "in.csv", "-o", "out.h5", code=1, says="out.h5: is there already; --force")
    run(flotilla, "in.csv", "-o", "out.h5", "--force")


def check_large_text(flotilla):
    """Many blocks: the same bytes for any number of processes, lines counted through all of
    them, types found late."""
    rows = np.random.default_rng(0).integers(0, 100, (50000, 12))
    np.savetxt(flotilla.path("part.csv"), rows, delimiter=",", fmt="%d")
    head, part = ",".join("abcdefghijkl") + "\n", flotilla.read("part.csv")
    flotilla.write("a.csv", head + 15 * part)
    require(os.path.getsize(flotilla.path("a.csv")) > 24e6, "many blocks of 2 MB")
    arrays, _ = convert(flotilla, "a.csv", "--jobs", 2)
    same_rows(arrays["train"], np.tile(rows, (15, 1)), "u1", "large")
    first = open(flotilla.path("out.h5"), "rb").read()
    convert(flotilla, "a.csv", "--jobs", 1)
    same(open(flotilla.path("out.h5"), "rb").read() == first, True, "same bytes")
    for last, type in (("1.5" + ",2" * 11, "f4"), ("70000" + ",2" * 11, "<u4")):
        flotilla.write("a.csv", head + 15 * part + last + "\n")
        found = convert(flotilla, "a.csv")[0]["train"]
        same_rows(found[:-1], np.tile(rows, (15, 1)), type, "with a late", last)
        same(found[-1, 0], float(last.split(",")[0]))
    flotilla.write("a.csv", head + 15 * part + "1,x" + ",2" * 10 + "\n")
    run(flotilla, "a.csv", "-o", "no.h5", code=1, says="line 750002, column 1 ('b')")


def check_memory(flotilla):
    """A table larger than the memory that converting it takes."""
    line = ",".join(["0.123456789012345678901234567890"] * 30) + "\n"
    with open(flotilla.path("a.csv"), "w") as file:
        for _ in range(300):
            file.write(line * 1100)
    require(os.path.getsize(flotilla.path("a.csv")) > 300e6, "a large table")
    # By way of a small process: one that is started has the peak of who started it.
    measure = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
               "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    done = subprocess.run([sys.executable, "-c", measure, sys.executable, SCRIPT, "a.csv", "-o",
                           "out.h5"], cwd=flotilla.folder, stdout=subprocess.PIPE, check=True)
    peak = int(done.stdout.split()[-1]) << 10
    require(peak < 200e6, f"converting took {1e-6 * peak:.0f} MB")
    same(flotilla.arrays("out.h5")["train"].shape, (330000, 30))


def check_arrays(flotilla):
    random = np.random.default_rng(1)
    x, counts = random.normal(size=(3000, 3)), random.integers(-3, 300, (50, 4, 5))
    record = np.zeros(4, [("mass", "f4"), ("count", "i4")])
    record["count"] = range(4)
    for name, array, wanted, type in (
            ("x", x, x.astype("f4"), "f4"),
            ("columns", np.asfortranarray(x), x.astype("f4"), "f4"),
            ("big-endian", x.astype(">f4"), x.astype("f4"), "f4"), ("half", x.astype("f2"),
            x.astype("f2"), "f4"), ("counts", counts, counts, "<i2"), ("flags", counts > 5,
            counts > 5, "u1"), ("one", np.arange(9), np.arange(9), "u1"),
            ("record", record, [[0, i] for i in range(4)], "f4"),
            ("large", np.array([2**63, 1], "u8"), [2**63, 1], "<u8"),
            ("times", np.array([[1.7e9 + 1, .5], [1.7e9, 1]]), [[1.7e9 + 1, .5], [1.7e9, 1]],
             "f8"),
            ("origin", 1e12 + np.arange(20.0) / 8, 1e12 + np.arange(20.0) / 8, "f8"),
            ("tiny", np.array([1, 1e-40]), np.array([1, 1e-40]), "f8")):
        np.save(flotilla.path("in.npy"), array)
        arrays, names = convert(flotilla, "in.npy", "--dataset", name)
        same_rows(arrays[name], wanted, type, name)
        same(names, ["mass", "count"] if name == "record" else [], "names of", name)
        with gzip.open(flotilla.path("in.gz"), "wb") as file:
            file.write(open(flotilla.path("in.npy"), "rb").read())
        if name == "columns":
            run(flotilla, "in.gz", "-o", "no.h5", code=1, says="column by column and compressed")
        else:
            same_rows(convert(flotilla, "in.gz")[0]["train"], wanted, type, name, "gz")
    for save in (np.savez, np.savez_compressed):
        save(flotilla.path("in.npz"), x=x, turned=np.asfortranarray(x), counts=counts)
        arrays, _ = convert(flotilla, "in.npz")
        same(sorted(arrays), ["counts", "turned", "x"], "arrays by name")
        same_rows(arrays["turned"], x.astype("f4"), "f4", "npz")
        same_rows(arrays["counts"], counts, "<i2", "npz")
        arrays, _ = convert(flotilla, "train=in.npz:x", "in.npz:turned", "test=in.npz:x",
                            "--columns", "2,0", "--type", "float64")
        same_rows(arrays["train"], np.concatenate([x, x])[:, [2, 0]], "f8", "joined")
        same_rows(arrays["test"], x[:, [2, 0]], "f8", "another data set")


def idx(path, array, code, type):
    with gzip.open(path, "wb") as file:
        file.write(bytes([0, 0, code, array.ndim]))
        file.write(np.array(array.shape, ">u4").tobytes() + array.astype(type).tobytes())


def check_images(flotilla):
    images = np.random.default_rng(2).integers(0, 256, (20, 6, 5))
    for code, type, wanted in ((8, "u1", "u1"), (11, ">i2", "u1"), (13, ">f4", "f4")):
        idx(flotilla.path("images-idx3.gz"), images, code, type)
        same_rows(convert(flotilla, "images-idx3.gz")[0]["train"], images, wanted, type)


# What to_hdf5.py uses of pyarrow, over columns that a JSON file gives; a stand-in, because
# pyarrow is not among the packages of every system that runs this.
PYARROW = '''
import json
class types:
    is_integer = staticmethod(lambda t: t == "int64")
    is_floating = staticmethod(lambda t: t == "double")
    is_boolean = staticmethod(lambda t: t == "bool")
'''
PARQUET = '''
import json, numpy, types
space = types.SimpleNamespace
class ParquetFile:
    def __init__(self, path):
        self.table = json.loads(open(path).read()[4:])
        self.schema_arrow = space(names=list(self.table),
                                  field=lambda name: space(type=self.table[name][0]))
        self.metadata = space(num_rows=len(next(iter(self.table.values()))[1]))
    def iter_batches(self, batch_size, columns):
        arrays = [numpy.array([numpy.nan if v is None else v for v in self.table[c][1]])
                  for c in columns]
        for i in range(0, self.metadata.num_rows, 2):
            yield space(schema=space(get_field_index=columns.index), column=lambda j, i=i: space(
                to_numpy=lambda zero_copy_only: arrays[j][i:i + 2]))
'''


def check_parquet(flotilla):
    flotilla.write("in.parquet", 'PAR1{"a": ["double", [1.5, 2, null]], "b": ["int64", [1, 2, '
                   '300]], "c": ["bool", [true, false, true]], "d": ["string", ["x", "y", "z"]]}')
    os.makedirs(flotilla.path("no", "pyarrow"))
    flotilla.write("no/pyarrow/__init__.py", "raise ImportError")
    without = dict(os.environ, PYTHONPATH=flotilla.path("no"))
    run(flotilla, "in.parquet", "-o", "no.h5", code=1, says="needs pyarrow", env=without)
    os.makedirs(flotilla.path("with", "pyarrow"))
    flotilla.write("with/pyarrow/__init__.py", PYARROW)
    flotilla.write("with/pyarrow/parquet.py", PARQUET)
    env = dict(os.environ, PYTHONPATH=flotilla.path("with"))
    run(flotilla, "in.parquet", "-o", "no.h5", code=1, says="column 'd' is of type string",
        env=env)
    arrays, names = convert(flotilla, "in.parquet", "--drop", "d", env=env)
    same_rows(arrays["train"], [[1.5, 1, 1], [2, 2, 0], [NAN, 300, 1]], "f4", "parquet")
    same(names, ["a", "b", "c"])
    flotilla.write("ids.parquet", 'PAR1{"a": ["double", [1.5, 2]], "b": ["int64", [1, '
                   '9007199254740993]], "c": ["int64", [9007199254740993, null]]}')
    run(flotilla, "ids.parquet", "--drop", "c", "-o", "no.h5", code=1, env=env,
        says="row 1, column 'b': found 9007199254740993")
    run(flotilla, "ids.parquet", "--drop", "a,b", "-o", "no.h5", code=1, env=env,
        says="row 0, column 'c': found 9007199254740992")
    arrays, _ = convert(flotilla, "ids.parquet", "--columns", "b", env=env)
    same_rows(arrays["train"], [[1], [9007199254740993]], "<u8", "parquet of ids")
    arrays, _ = convert(flotilla, "in.parquet", "--columns", "b,c", env=env)
    same_rows(arrays["train"], [[1, 1], [2, 0], [300, 1]], "<u2", "parquet of integers")


def check_joined(flotilla):
    flotilla.write("a.csv", "x,y\n1,2\n")
    flotilla.write("b.csv", "x,y\n300,4\n")
    with gzip.open(flotilla.path("b.csv.gz"), "wt") as file:
        file.write("x,y\n300,4\n")
    arrays, names = convert(flotilla, "train=a.csv", "train=b.csv.gz", "test=b.csv")
    same_rows(arrays["train"], [[1, 2], [300, 4]], "<u2", "joined")
    same_rows(arrays["test"], [[300, 4]], "<u2", "of its own")
    same(names, ["x", "y"])
    flotilla.run("inspect", "out.h5").says("train", "test", "uint16")
    flotilla.write("c.csv", "y,x\n1,2\n")
    run(flotilla, "a.csv", "c.csv", "-o", "no.h5", code=1,
        says="c.csv: column 0 is 'y', wanted 'x'")
    arrays, _ = convert(flotilla, "a.csv", "c.csv", "--columns", "x,y")
    same_rows(arrays["train"], [[1, 2], [2, 1]], "u1", "in the order asked for")
    flotilla.write("d.csv", "x\n1\n")
    run(flotilla, "a.csv", "d.csv", "-o", "no.h5", code=1, says="d.csv: rows of shape [1]")


def check_bad_files(flotilla):
    np.save(flotilla.path("words.npy"), np.array(["a"]))
    np.save(flotilla.path("objects.npy"), np.array([{}], object))
    np.save(flotilla.path("complex.npy"), np.array([1j]))
    np.save(flotilla.path("number.npy"), np.float64(3))
    np.save(flotilla.path("x.npy"), np.arange(3000.0))
    np.savez(flotilla.path("x.npz"), x=np.arange(3000.0))
    whole = open(flotilla.path("x.npy"), "rb").read()
    open(flotilla.path("short.npy"), "wb").write(whole[:9000])
    open(flotilla.path("head.npy"), "wb").write(whole[:20])
    open(flotilla.path("short.npz"), "wb").write(open(flotilla.path("x.npz"), "rb").read()[:9000])
    open(flotilla.path("short.gz"), "wb").write(gzip.compress(b"a\n" + b"12\n" * 9000)[:40])
    flotilla.data("x.h5", {"x": np.zeros(3)})
    for protocol in range(6):
        with open(flotilla.path(f"x{protocol}.pkl"), "wb") as file:
            pickle.dump(np.arange(3), file, protocol)
        run(flotilla, f"x{protocol}.pkl", "-o", "out.h5", code=1, says="found a Python pickle")
    os.rename(flotilla.path("x5.pkl"), flotilla.path("x5.csv"))
    record = np.zeros(2, [("mass", "f4"), ("id", "i8"), ("name", "U3")])
    record["id"] = 1, 2**60 + 1
    np.save(flotilla.path("record.npy"), record)
    np.save(flotilla.path("mixed.npy"), record[["mass", "id"]])
    open(flotilla.path("wide.csv"), "wb").write("a,b\n1,2\n".encode("utf-16"))
    open(flotilla.path("zeros.csv"), "wb").write(b"1,2\n3,\0\n")
    open(flotilla.path("x.fits"), "wb").write(b"SIMPLE  =                    T")
    with zipfile.ZipFile(flotilla.path("book.xlsx"), "w") as file:
        file.writestr("xl/workbook.xml", "<xml/>")
    for name, says in (
            ("no.csv", "no.csv: No such file"), (".", "Is a directory"),
            ("words.npy", "type <U1"), ("objects.npy", "Python objects"),
            ("complex.npy", "complex128"), ("number.npy", "one number"),
            ("short.npy", "ends early"), ("head.npy", "damaged"), ("short.npz", "damaged"),
            ("short.gz", "damaged"), ("x.h5", "is HDF5 already"), ("x.npz:y", "it has: x"),
            ("x5.csv", "found a Python pickle"), ("wide.csv", "text in UTF-16"),
            ("zeros.csv", "a zero at byte 6"), ("x.fits", "a FITS file"),
            ("book.xlsx", "zip archive without arrays"),
            ("record.npy", "'name' is of type <U3"),
            ("mixed.npy", "row 1, column 'id': found 1152921504606846977, a whole number")):
        run(flotilla, name, "-o", "out.h5", code=1, says=says)
        require(not os.path.exists(flotilla.path("out.h5")), "an output after", name)
    arrays, names = convert(flotilla, "record.npy", "--drop", "name,mass")
    same_rows(arrays["train"], [[1], [2**60 + 1]], "<u8", "the number of a structured array")
    run(flotilla, "x.npy", "-o", "no/such/folder/out.h5", code=1)
    run(flotilla, "x.npy", code=2, says="-o")
    run(flotilla, "x.npy", "-o", "out.h5", "--delimiter", "ab", code=2, says="one character")


def check_many_names(flotilla):
    """Names that no attribute of the old format could hold."""
    names = [f"a rather long name {j}" for j in range(5000)]
    flotilla.write("wide.csv", ",".join(names) + "\n" + ",".join(["1.5"] * 5000) + "\n")
    arrays, found = convert(flotilla, "wide.csv")
    same(found, names, "5000 names")
    told = json.loads(flotilla.run("inspect", "out.h5", "--json").out)
    np.save(flotilla.path("wide.npy"), np.ones(2, [(name, "f4") for name in names[:1500]]))
    same(convert(flotilla, "wide.npy")[1], names[:1500], "1500 fields")
    flotilla.write("wider.csv", ",".join(["1.25"] * 30000) + "\n")
    same(convert(flotilla, "wider.csv")[0]["train"].shape, (1, 30000))
    same([column["name"] for column in told["column"]], names, "as flotilla reads them")


main(globals())
