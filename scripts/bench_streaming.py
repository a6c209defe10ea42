#!/usr/bin/env python3
"""How fast a run trains on data larger than its memory, beside the same run in memory.

Makes a compressed file, and trains on it by turns with a data.memory that holds all rows and
with one that holds a share of them, several times; prints the rates of both and their ratio
in each round, the time that steps waited for rows, and peak memory.

  scripts/bench_streaming.py build/release/flotilla --ranks 2 --threads 1

Ratios of runs that alternate mean something on a busy machine too; rates do not. Needs numpy
and h5py.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

CONFIG = """
run: {{directory: run, seed: 1, threads: {threads}}}
data: {{files: [data.h5], window_rows: auto}}
flow:
  layers:
    - repeat: 2
      layers:
        - {{kind: permutation}}
        - {{kind: affine_coupling, width: {width}, blocks: 2}}
train: {{batch: 2048, steps: {steps}, schedule: constant}}
checkpoint: {{every: 0, minutes: 0}}
report: {{every: {every}, validate_every: 0, samples: 0}}
"""


def make_data(path, rows, columns, chunk_rows, level):
    random = np.random.Generator(np.random.PCG64(1))
    mix = random.standard_normal((columns, columns))
    with h5py.File(path, "w") as file:
        data = file.create_dataset("train", (rows, columns), "f4", compression="gzip",
                                   compression_opts=level, chunks=(chunk_rows, columns))
        for first in range(0, rows, 65536):
            count = min(65536, rows - first)
            data[first:first + count] = random.standard_normal((count, columns)) @ mix


def decode_seconds(path):
    """Of one row, by h5py."""
    with h5py.File(path, "r") as file:
        begin = time.monotonic()
        for first in range(0, len(file["train"]), 65536):
            file["train"][first:first + 65536]
        return (time.monotonic() - begin) / len(file["train"])


def train(arguments, folder, memory):
    """Median rate over the lines of metrics but the first, seconds waited in all of these,
    and the peak memory of the largest rank in MB."""
    command = [os.path.abspath(arguments.program), "train", "config.yaml", "--fresh", "-q",
               "--set", f"data.memory={memory}"]
    if arguments.ranks:
        command = [arguments.mpiexec, "--bind-to", "none", "-n",
                   str(arguments.ranks)] + command
    environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1",
                       OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True,
                            text=True)
    if result.returncode:
        sys.exit(f"{' '.join(command)}\n{result.stderr}")
    with open(os.path.join(folder, "run", "metrics.jsonl")) as file:
        lines = [json.loads(line) for line in file][1:]
    with open(os.path.join(folder, "run", "log.txt")) as file:
        mode = next(line for line in file if "data.memory" in line)
    return (statistics.median(line["rows_per_second"] for line in lines),
            sum(line["data_wait_seconds"] for line in lines), mode.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program", help="flotilla")
    parser.add_argument("--mpiexec", default="mpirun")
    parser.add_argument("--ranks", type=int, default=0, help="0: without mpirun")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=120, help="of 2,048 rows, a run")
    parser.add_argument("--rows", type=int, default=1000000)
    parser.add_argument("--columns", type=int, default=63)
    parser.add_argument("--chunk-rows", type=int, default=1024)
    parser.add_argument("--level", type=int, default=1, help="of deflate")
    parser.add_argument("--width", type=int, default=256, help="of the flow's networks")
    parser.add_argument("--times", type=float, default=4, help="data over memory")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
        path = os.path.join(folder, "data.h5")
        make_data(path, arguments.rows, arguments.columns, arguments.chunk_rows,
                  arguments.level)
        with open(os.path.join(folder, "config.yaml"), "w") as file:
            file.write(CONFIG.format(threads=arguments.threads, width=arguments.width,
                                     steps=arguments.steps,
                                     every=max(1, arguments.steps // 12)))
        kept = arguments.rows * (arguments.columns + 1) * 4
        decode = decode_seconds(path)
        print(f"{arguments.rows} rows, {kept / 1e6:.0f} MB in memory, "
              f"{os.path.getsize(path) / 1e6:.0f} MB stored; "
              f"{decode * 1e6:.2f} us to decode a row")
        ratios = []
        for number in range(arguments.rounds):
            rate, _, mode = train(arguments, folder, 4 * kept)
            streaming, wait, streaming_mode = train(arguments, folder,
                                                    int(kept / arguments.times))
            if number == 0:
                workers = max(1, arguments.ranks) * arguments.threads
                print(f"{mode}\n{streaming_mode}\n{workers / rate / decode:.0f} times a "
                      "row's decoding is its training")
            ratios.append(streaming / rate)
            print(f"resident {rate:8.0f} rows/s   streaming {streaming:8.0f} rows/s   "
                  f"ratio {ratios[-1]:.3f}   waited {wait:.3f} s", flush=True)
    print(f"median ratio {statistics.median(ratios):.3f}")


if __name__ == "__main__":
    main()
