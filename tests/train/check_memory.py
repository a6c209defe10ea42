"""Ranks take the memory that the log says they take, also while a run resumes and saves.

What ranks of a host share counts once: a set of its own for each rank, of moments or of the
checkpoint that a run starts from, is more. Called as: check_memory.py PROGRAM MPIEXEC.
"""
import os
import re
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from runs import ranks_of  # noqa: E402
from support import main, normal_rows, require  # noqa: E402

COLUMNS, RANKS = 20, 4
CONFIG = """
run: {directory: run, seed: 5, threads: %d}
data: {files: [data.h5], memory: 16MB}
flow:
  layers:
    - repeat: 4
      layers:
        - {kind: permutation, order: reverse}
        - {kind: affine_autoregressive, hidden: [1200, 1200]}
train: {batch: 64, lanes: 8, steps: %d, average: 0.99, schedule: constant}
checkpoint: {every: 2, keep: 1}
report: {every: 1, samples: 0}
"""


def megabytes(process):
    """Of a process, with its share of what it shares with others; 0 when it has ended."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            return int(re.search(r"^Pss: *(\d+) kB", file.read(), re.M)[1]) * 1.024e-3
    except (OSError, TypeError):
        return 0


def peak_and_said(flotilla, ranks, *options):
    process = flotilla.start("train", "config.yaml", *options, ranks=ranks)
    peak = 0
    while process.poll() is None:
        found = ranks_of(process) if ranks else [process.pid]
        peak = max(peak, sum(map(megabytes, found)))
        time.sleep(0.01)
    result = flotilla.finish(process)
    said = int(re.search(r"about (\d+) MB a rank", result.out + result.err)[1])
    return peak, said * (ranks or 1)


def check_memory(flotilla):
    flotilla.data("data.h5", {"train": normal_rows(2000, COLUMNS, seed=1)})
    for ranks, threads in ((0, 1), (0, 2), (RANKS, 1)):
        for steps, option in ((4, "--fresh"), (6, "--resume")):
            flotilla.write("config.yaml", CONFIG % (threads, steps))
            peak, said = peak_and_said(flotilla, ranks, option)
            print(f"{ranks or 1} ranks x {threads} threads, {option}: {peak:.0f} MB, said {said}")
            require(0.85 * said < peak < 1.15 * said, ranks or 1, "ranks,", threads, "threads,",
                    option, "took", peak, "MB; said", said)


if __name__ == "__main__":
    main(globals())
