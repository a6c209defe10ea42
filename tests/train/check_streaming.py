"""Data larger than memory: trained within the bound; what goes wrong on the way is said once.

Called as: check_streaming.py PROGRAM MPIEXEC.
"""
import os
import re
import signal
import sys
import time

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (ERROR, STOPPED, Failure, Flotilla, end, main, require,  # noqa: E402
                     same)

COLUMNS = 15
CONFIG = """
run: {directory: run, seed: 3, threads: 1}
data: {files: [data.h5], validation: validation}
flow: {layers: [{kind: affine_coupling, hidden: [8]}]}
train: {batch: 4096, lanes: 8, steps: 1000000}
report: {every: 10, validate_every: 100, samples: 0}
checkpoint: {every: 1000, minutes: 0}
"""

# Runs the program it stands for, and says how much memory that took at most.
PEAK = """#!%s
import os, resource, subprocess, sys
code = subprocess.run([%r, *sys.argv[1:]]).returncode
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(f"peak {peak * 1024e-6:%s} MB", file=sys.stderr, flush=True)
sys.exit(code)
"""


def make_data(flotilla, rows, **layout):
    """Of 1 byte a number, 4 in memory."""
    random = np.random.Generator(np.random.PCG64(4))
    block = random.integers(0, 16, (65536, COLUMNS)).astype("u1")
    with h5py.File(flotilla.path("data.h5"), "w") as file:
        file.create_dataset("validation", data=block, **layout)
        data = file.create_dataset("train", (rows, COLUMNS), "u1", **layout)
        for first in range(0, rows, len(block)):
            count = min(len(block), rows - first)
            data[first:first + count] = block[:count]


COMPRESSED = {"compression": "gzip", "compression_opts": 1, "chunks": (8192, COLUMNS)}


def measured(flotilla):
    """The program, which tells its peak memory."""
    path = flotilla.path("peak")
    with open(path, "w") as file:
        file.write(PEAK % (sys.executable, flotilla.program, ".1f"))
    os.chmod(path, 0o755)
    other = Flotilla(path, flotilla.mpiexec, flotilla.folder)
    other.sanitized, other.environment = flotilla.sanitized, flotilla.environment
    return other


def peak_megabytes(flotilla, run, memory, ranks, *more):
    result = flotilla.run("train", "config.yaml", "--set", f"run.directory={run}",
                          "--set", f"data.memory={memory}MB", *more, ranks=ranks)
    peaks = re.findall(r"peak ([\d.]+) MB", result.err)
    same(len(peaks), max(1, ranks), result)
    return max(map(float, peaks)), result


def check_memory(flotilla):
    """A data set of 1 GB in memory, and what a run on it takes beside one on few rows. The
    windows are chosen for one rank, which uses what it was given; two use half each."""
    rows, memory, steps = (16000000, 150, 600) if not flotilla.sanitized else (400000, 10, 100)
    flotilla.write("config.yaml", CONFIG)
    program = measured(flotilla)
    steps = ("--set", f"train.steps={steps}")
    make_data(flotilla, 16384, **COMPRESSED)
    base, result = peak_megabytes(program, "base", memory, 0, *steps)
    result.says("data: resident", times=1)
    base -= 16384 * 64 / 1e6
    make_data(flotilla, rows, **COMPRESSED)
    for ranks, share in ((0, 1), (2, 0.5)):
        peak, result = peak_megabytes(program, f"run{ranks}", memory, ranks, *steps)
        result.says("data: streaming", times=1)
        if not flotilla.sanitized:
            require(0.7 * share * memory < peak - base < 1.15 * memory, ranks, "ranks:",
                    peak, "MB, of which the program takes", base, "of", memory, "MB", result)


def check_too_little_memory(flotilla):
    """Windows that do not fit are refused, also by --check, with the memory that they take."""
    flotilla.write("config.yaml", CONFIG)
    make_data(flotilla, 200000, **COMPRESSED)
    sets = ("--set", "data.memory=2MiB", "--set", "data.window_rows=24000")
    for ranks in (0, 3):
        flotilla.run("train", "config.yaml", *sets, ranks=ranks, code=ERROR).says(
            "data.memory: found \"2MiB\", wanted at least", "data.window_rows", times=1)
    said = flotilla.run("train", "config.yaml", "--check", *sets, code=ERROR)
    wanted = float(re.search(r"at least ([\d.]+) MB", said.err)[1])
    require(13 < wanted < 28, said)  # in float or double
    flotilla.run("train", "config.yaml", "--check", "--set", f"data.memory={wanted + 1}MB",
                 *sets[2:]).says("resident")
    said = flotilla.run("train", "config.yaml", "--check", "--set", "data.memory=8MB")
    said.says("rows: streaming", "(data.memory: 8 MB)", times=1)


def check_large_chunks(flotilla):
    """Windows of less than a chunk: the note says which memory has them decoded once."""
    flotilla.write("config.yaml", CONFIG)
    make_data(flotilla, 800000, **COMPRESSED)

    def said(run, memory):
        return flotilla.run("train", "config.yaml", "--set", "train.steps=1", "--set",
                            f"run.directory={run}", "--set", f"data.memory={memory}")

    memory = re.search(r"8192 rows is decoded about [2-9] times .*data.memory: (\d+MB)",
                       said("few", "8MB").err)[1]
    said("enough", memory).says("data: streaming").says("decoded", times=0)


def wait_for_line(flotilla, process, run="run"):
    path, until = flotilla.path(run, "metrics.jsonl"), time.monotonic() + 60
    while not (os.path.exists(path) and os.path.getsize(path)):
        if process.poll() is not None or time.monotonic() > until:
            raise Failure("no metrics", *end(process))
        time.sleep(0.005)


def check_a_file_that_is_cut_off_meanwhile(flotilla):
    """Every rank ends with the one message; so does what is compressed."""
    flotilla.write("config.yaml", CONFIG)
    for ranks, layout in ((0, {}), (3, {}), (2, COMPRESSED)):
        make_data(flotilla, 400000, **layout)
        run = f"run{ranks}"
        process = flotilla.start("train", "config.yaml", "--set", f"run.directory={run}",
                                 "--set", "data.memory=8MB", "--set", "data.validation=null",
                                 ranks=ranks)
        wait_for_line(flotilla, process, run)
        os.truncate(flotilla.path("data.h5"), 1200000)
        flotilla.finish(process, ERROR).says("data.h5: data set 'train'", "cannot be read",
                                             times=1)
        same(flotilla.status(run)["state"], "failed")


def check_a_bad_row_on_the_way(flotilla):
    """Found by the thread of one rank, told at the step that needs the row, by all. Rows
    before it are trained on."""
    flotilla.write("config.yaml", CONFIG)
    for ranks in (0, 3):
        random = np.random.Generator(np.random.PCG64(5))
        rows = random.standard_normal((200000, COLUMNS)).astype("f4")
        rows[123456, 7] = np.nan
        flotilla.data("data.h5", {"train": rows}, **COMPRESSED)
        run = f"run{ranks}"
        flotilla.run("train", "config.yaml", "--set", f"run.directory={run}",
                     "--set", "data.memory=6MB", "--set", "data.validation=null",
                     "--set", "report.every=1", ranks=ranks, code=ERROR).says(
            "data.h5: data set 'train', row 123456, column 7: found nan", times=1)
        same(flotilla.status(run)["state"], "failed")
        # All of it is read within one epoch, 49 steps.
        require(0 < len(flotilla.metrics(run)) < 49, flotilla.metrics(run))
    same(flotilla.metrics("run0")[-1]["step"], flotilla.metrics("run3")[-1]["step"])


def check_a_stop(flotilla):
    """In the middle of windows that are being read."""
    flotilla.write("config.yaml", CONFIG)
    make_data(flotilla, 1000000, **COMPRESSED)
    for ranks in (0, 2):
        run = f"run{ranks}"
        process = flotilla.start("train", "config.yaml", "--set", f"run.directory={run}",
                                 "--set", "data.memory=30MB", ranks=ranks)
        wait_for_line(flotilla, process, run)
        os.kill(process.pid, signal.SIGUSR1)
        flotilla.finish(process, STOPPED)
        same(flotilla.status(run)["state"], "stopped")


if __name__ == "__main__":
    main(globals())
