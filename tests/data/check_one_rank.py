"""What one rank alone cannot read, or sees otherwise, ends all of them with one message.

Called as: check_one_rank.py PROGRAM MPIEXEC.
"""
import os
import shutil
import subprocess
import sys

import h5py

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, main, normal_rows, require, same  # noqa: E402

CONFIG = """
run: {directory: run, threads: 1}
data: {files: data.h5, validation: 0.1}
flow:
  layers: [{kind: lu_linear}]
train: {steps: 5, batch: 64, lanes: 8, learning_rate: 1e-3}
"""

# Root reads what nobody may: without these rights it does not.
NOBODY = (["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
          if os.geteuid() == 0 else [])


def refused(flotilla, words, wrap=()):
    """Two ranks work in the test's folder, the third in `other`; config.yaml is read by the
    first alone."""
    arguments = ["train", "config.yaml"]
    there = flotilla.path("other")
    before = os.listdir(there)
    process = subprocess.Popen(
        [*flotilla.command(arguments, 2), ":", "-n", "1", "-wdir", there, *wrap,
         *flotilla.command(arguments, 0)], cwd=flotilla.folder, env=flotilla.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    result = flotilla.finish(process, code=ERROR)
    own = [line for line in result.err.splitlines() if line.startswith("flotilla ")]
    same(len(own), 1, "messages of", result)
    for word in words:
        require(word in own[0], repr(word), "is not in", result)
    require(not os.path.exists(flotilla.path("run")), "a run was begun by", result)
    same(os.listdir(there), before, "files of", result)


def prepare(flotilla):
    flotilla.write("config.yaml", CONFIG)
    flotilla.data("data.h5", {"train": normal_rows(500, 4)})
    os.mkdir(flotilla.path("other"))


def check_missing(flotilla):
    prepare(flotilla)
    refused(flotilla, ["data.h5", "No such file"])


def check_unreadable(flotilla):
    prepare(flotilla)
    shutil.copy(flotilla.path("data.h5"), flotilla.path("other"))
    os.chmod(flotilla.path("other", "data.h5"), 0)
    refused(flotilla, ["data.h5", "Permission denied"], NOBODY)


def check_cut(flotilla):
    prepare(flotilla)
    with open(flotilla.path("data.h5"), "rb") as file:
        content = file.read()
    with open(flotilla.path("other", "data.h5"), "wb") as file:
        file.write(content[:-1000])
    refused(flotilla, ["data.h5", "cut short"])


def check_other_rows(flotilla):
    prepare(flotilla)
    with h5py.File(flotilla.path("other", "data.h5"), "w") as file:
        file["train"] = normal_rows(500, 4, seed=9)
    refused(flotilla, ["data.h5", "'train'", "other rows", "all nodes"])


def check_fewer_rows(flotilla):
    prepare(flotilla)
    with h5py.File(flotilla.path("other", "data.h5"), "w") as file:
        file["train"] = normal_rows(499, 4)
    refused(flotilla, ["data.h5", "'train'", "other rows", "all nodes"])


if __name__ == "__main__":
    main(globals())
