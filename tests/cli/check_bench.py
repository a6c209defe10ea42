"""flotilla bench: its figures are of one run and fit together, and it writes nothing.

How fast it is, nobody asks here. Called as: check_bench.py PROGRAM MPIEXEC.
"""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, USAGE, main, near, normal_rows, require, same  # noqa: E402

CONFIG = """
run: {directory: run}
data: {files: [data.h5]}
flow:
  layers:
    - repeat: 3
      layers:
        - {kind: permutation, order: reverse}
        - {kind: affine_coupling, mask: alternating, hidden: [16, 32]}
train: {batch: 64, lanes: 4, steps: 10, learning_rate: 1e-4}
"""
LAYERS, COLUMNS = 3, 6
WORK = LAYERS * (3 * 16 + 16 * 32 + 32 * 2 * 3)  # multiply-adds of a row, by hand
PHASES = ("products", "elementwise", "optimizer", "messages", "data")


def prepare(flotilla):
    flotilla.data("data.h5", {"train": normal_rows(1000, COLUMNS)})
    flotilla.write("config.yaml", CONFIG)


def check_figures(flotilla):
    prepare(flotilla)
    before = sorted(os.listdir(flotilla.folder))
    for ranks, threads in ((0, 1), (2, 1), (0, 2)):
        result = flotilla.run("bench", "config.yaml", "--seconds", "0.1", "--json",
                              "--set", f"run.threads={threads}", ranks=ranks)
        found = json.loads(result.out)
        same((found["ranks"], found["threads"]), (ranks or 1, threads))
        same(found["multiply_adds_per_row"], WORK)
        same(found["batch"], 64)
        near(sum(found[phase] for phase in PHASES), 1, 1e-4, "shares of a step")
        require(all(-1e-6 <= found[phase] <= 1 for phase in PHASES), found)
        require((found["messages"] > 0) == (ranks == 2), found)
        # A fraction is what its rate and that of the products come to: within a round; the
        # medians are of different ones.
        for name, passes in (("train", 3), ("evaluate", 1), ("sample", 1)):
            rate, fraction = found[f"{name}_rows_per_second"], found[f"{name}_fraction_of_gemm"]
            require(rate > 0, name, found)
            threads_in_all = found["ranks"] * found["threads"]
            wanted = 2e-9 * WORK * passes * rate / threads_in_all / found["gemm_gflops"]
            require(wanted / 4 < fraction < wanted * 4, name, fraction, wanted)
        require(found["own_gflops"] > 0 and found["step_gflops"] > 0, found)
        require((found["held_seconds"] > 0) == (ranks == 2), found)
        near(found["step_seconds"] * found["train_rows_per_second"], 64, 1e-3)
        require(0 < found["start_seconds"] < 100 and found["peak_bytes"] > 1e6, found)
    same(sorted(os.listdir(flotilla.folder)), before, "files:")


def check_words(flotilla):
    prepare(flotilla)
    result = flotilla.run("bench", "config.yaml", "--seconds", "0.1")
    result.says("rows/s", times=3)
    result.says("GFLOP/s", "multiply-adds", "medians of 3 rounds", "waiting for rows")


def check_prediction(flotilla):
    """Of the run that was measured: one node computes what it computed here, and a step's
    messages are those of its parameters."""
    prepare(flotilla)
    arguments = ("bench", "config.yaml", "--seconds", "0.1", "--set", "run.threads=1",
                 "--set", "comm.bucket_mb=0.002", "--predict",
                 "nodes=6,gbit=8e-3,latency_us=0,overlap=0")
    found = json.loads(flotilla.run(*arguments, "--json").out)
    strong, weak = found["prediction"]["strong"], found["prediction"]["weak"]
    require(found["buckets"] > 1, found)
    for lines, rows in ((strong, [64] * 4), (weak, [64, 128, 256, 384])):
        same([line["nodes"] for line in lines], [1, 2, 4, 6])
        same([line["rows_per_step"] for line in lines], rows)
        alone = lines[0]
        near(alone["compute_seconds"] / found["step_seconds"], 1 - found["data"], 1e-3)
        same((alone["exposed_seconds"], alone["efficiency"]), (0, 1))
        for line in lines[1:]:
            same(line["exposed_seconds"], line["exchange_seconds"], "overlap=0")
            step = line["compute_seconds"] + line["exposed_seconds"]
            near(line["rows_per_second"] * step / line["rows_per_step"], 1, 1e-4)
            near(line["efficiency"], line["rows_per_second"] / line["nodes"]
                 / alone["rows_per_second"], 1e-4)
        # Two lanes of four each, one vector of the parameters: half of it there, half back.
        real = lines[1]["exchange_seconds"] / (found["parameters"] / 1e6)
        require(abs(real - 4) < 1e-3 or abs(real - 8) < 1e-3, "bytes of a number:", real)
    near(weak[1]["compute_seconds"], weak[0]["compute_seconds"], 1e-6)
    flotilla.run(*arguments).says("strong scaling", "weak scaling", "Assumed", times=1)


def check_refused(flotilla):
    prepare(flotilla)
    for wrong, says in (("nodes=0", "nodes=0"), ("node=2", "latency_us="), ("nodes=", "nodes="),
                        ("gbit=1x", "gbit=1x"), ("nodes=2.5", "whole"), ("overlap=2", "to 1"),
                        ("nodes=4,,", "wanted nodes=")):
        flotilla.run("bench", "config.yaml", "--predict", wrong, code=USAGE).says(says)
    flotilla.run("bench", code=USAGE).says("CONFIG")
    flotilla.run("bench", "config.yaml", "--seconds", "no", code=USAGE).says("--seconds")
    flotilla.run("bench", "none.yaml", ranks=2, code=ERROR).says("none.yaml", times=1)


def check_without_data(flotilla):
    """A flow that learns from an analytic target draws the rows that it scores."""
    flotilla.write("config.yaml", """
run: {directory: run}
objective: {kind: reverse_kl, target: {kind: correlated_normal, features: 4}}
flow:
  direction: sampling
  layers: [{kind: affine_autoregressive, hidden: [8]}]
train: {batch: 64, lanes: 4, steps: 10, learning_rate: 1e-4}
""")
    found = json.loads(flotilla.run("bench", "config.yaml", "--seconds", "0.1", "--json").out)
    require(found["train_rows_per_second"] > 0 and found["evaluate_rows_per_second"] > 0)
    same(found["data"], 0)


if __name__ == "__main__":
    main(globals())
