"""What h5py writes in ways of its own is read: lzf compression; and a file whose writer was
killed, by the cure that is printed.

Called as: check_writers.py PROGRAM MPIEXEC.
"""
import os
import signal
import subprocess
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, main, require, same  # noqa: E402

CONFIG = """run: {directory: run, threads: 1}
data: {files: [plain.h5], train: float32}
flow: {preset: realnvp, steps: 2, width: 8}
train: {steps: 5, batch: 256}
"""
WRITER = """
import sys
import h5py, numpy as np
file = h5py.File(sys.argv[1], "w", libver=sys.argv[2])
x = np.random.default_rng(4).normal(size=(1000, 3)).astype("f4")
file["train"] = x
if sys.argv[3] == "flush":
    file.flush()
    file["more"] = x
print("ready", flush=True)
sys.stdin.read()
"""


def arrays():
    """What LZF has to do: nothing, copies near and far, long ones, plain runs, several types."""
    random = np.random.default_rng(2)
    normal = random.normal(size=(3000, 3))
    levels = np.round(normal)
    levels[1000:2000] = 1
    far = np.tile(random.normal(size=(600, 3)), (5, 1))
    return {"float32": normal.astype("f4"), "float64": levels, "far": far.astype("f4"),
            "big": levels.astype(">f8"), "bytes": (levels + 8).astype("u1"),
            "zeros": np.concatenate([np.zeros((2999, 3)), np.ones((1, 3))])}


def scores(flotilla, spec):
    flotilla.run("logprob", "run", spec, "-o", "scores.h5", "--force")
    with h5py.File(flotilla.path("scores.h5"), "r") as file:
        return file["log_prob"][()]


def check_lzf(flotilla):
    flotilla.data("plain.h5", arrays())
    flotilla.data("lzf.h5", arrays(), compression="lzf")
    flotilla.data("more.h5", arrays(), compression="lzf", shuffle=True, fletcher32=True,
                  chunks=(700, 2))
    flotilla.write("c.yaml", CONFIG)
    flotilla.run("train", "c.yaml")
    for name in arrays():
        wanted = scores(flotilla, "plain.h5:" + name)
        for file in ("lzf.h5", "more.h5"):
            require(np.array_equal(scores(flotilla, f"{file}:{name}"), wanted), file, name)
    flotilla.run("inspect", "lzf.h5").says("lzf", "read by H5Dread")
    # A damaged chunk is told.
    with h5py.File(flotilla.path("lzf.h5"), "r") as file:
        place = file["float64"].id.get_chunk_info(0)
    with open(flotilla.path("lzf.h5"), "r+b") as file:
        file.seek(place.byte_offset)
        file.write(b"\xff" * 40)
    flotilla.run("logprob", "run", "lzf.h5:float64", "-o", "s.h5", code=ERROR).says(
        "lzf.h5", "'float64'", "cannot be read")


def leave_killed(flotilla, name, *arguments):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, flotilla.path(name), *arguments],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same(writer.stdout.readline(), b"ready\n")
    writer.send_signal(signal.SIGKILL)
    writer.communicate()


def check_killed_writers(flotilla):
    """The newer format keeps a mark for which HDF5 refuses the file."""
    lost = ("killed",)
    for libver, flush, refused in (("latest", "flush", ("HDF5_USE_FILE_LOCKING=FALSE",)),
                                   ("earliest", "flush", ()), ("latest", "no", lost),
                                   ("earliest", "no", lost)):
        flotilla.environment.pop("HDF5_USE_FILE_LOCKING", None)
        name = f"{libver}-{flush}.h5"
        leave_killed(flotilla, name, libver, flush)
        spec = name + ":train"
        flotilla.run("inspect", spec, code=ERROR if refused else 0).says(*refused)
        flotilla.environment["HDF5_USE_FILE_LOCKING"] = "FALSE"
        with open(flotilla.path(name), "rb") as file:
            before = file.read()
        if refused != lost:
            said = flotilla.run("inspect", spec)
            said.says("1000 rows x 3 columns")
            require("constant" not in said.out, "zeros in the place of numbers", said)
        else:
            said = flotilla.run("inspect", spec, code=ERROR)
            require("written again" in said.err or "has no data set" in said.err, said)
        with open(flotilla.path(name), "rb") as file:
            require(file.read() == before, name, "was changed")


main(globals())
