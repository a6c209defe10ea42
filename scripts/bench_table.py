#!/usr/bin/env python3
"""The speed of the flows of configs/bench, beside PyTorch's, as a table; see scripts/bench.

Everything that is compared runs by turns (A B A B ..), and ratios are taken within a turn:
machines drift, and absolute figures of other machines mean nothing here. Both sides must
agree on the densities of the same parameters. Without PyTorch the columns about it stay empty.
"""
import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
CONFIGS = os.path.join(os.path.dirname(HERE), "configs", "bench")
NAMES = ("maf63", "nsfar63", "realnvp63", "nsfc63", "nsfc6")
VERBS = ("train", "evaluate", "sample")
CHECKED = 64        # rows whose densities are compared
AGREEMENT = 1e-4    # of log-densities, relative
SHARED_BATCH = 1024  # of runs on two ranks or threads


class Unusable(Exception):
    """Why there is nothing to tell."""


def run(command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode:
        raise Unusable(f"{' '.join(map(str, command))}\nended with {result.returncode}:\n"
                       f"{result.stderr[-2000:]}")
    return result.stdout


def torch_version():
    """None where there is none."""
    command = [sys.executable, "-c", "import torch, yaml; print(torch.__version__)"]
    result = subprocess.run(command, capture_output=True, text=True)
    return None if result.returncode else result.stdout.strip()


def machine(program):
    with open("/proc/cpuinfo") as file:
        found = re.search(r"model name\s*: (.*)", file.read())
    version = run([program, "--version"])
    return {"cpu": found[1] if found else "unknown", "cores": len(os.sched_getaffinity(0)),
            "blas_core": re.search(r"core (\S+)", version)[1],
            "flotilla": version.splitlines()[0]}


class Bench:
    """One of the configs, with its data and a model of it for PyTorch."""

    def __init__(self, name, options):
        self.options = options
        self.name = os.path.basename(name).removesuffix(".yaml")
        self.config = name if name.endswith(".yaml") else os.path.join(CONFIGS, name + ".yaml")
        with open(self.config) as file:
            columns = re.search(r"columns(\d+)\.h5", file.read())
        if not columns:
            raise Unusable(f"{self.config}: found no file columnsN.h5 in data.files, wanted one: "
                           "it tells how many columns to make")
        self.columns = int(columns[1])
        self.data = os.path.join(options.folder, f"columns{self.columns}.h5")
        self.model = os.path.join(options.folder, name)
        self.settings = ["--set", f"data.files=[{self.data}]"]

    def make_data(self):
        if os.path.exists(self.data):
            with h5py.File(self.data, "r") as file:
                if file["train"].shape == (self.options.rows, self.columns):
                    return
        print(f"making {self.data}: {self.options.rows} rows", file=sys.stderr)
        run([sys.executable, os.path.join(HERE, "make_synthetic.py"), "mixture", "--columns",
             self.columns, "--train", self.options.rows, "--validation", CHECKED, "--test",
             CHECKED, "-o", self.data, "--force"])

    def takes_bf16(self):
        """Whether processor and build have products of bfloat16."""
        command = [self.options.program, "train", self.config, "--check", "-q", "--set",
                   "train.gemm=bf16", *self.settings]
        return subprocess.run(command, capture_output=True).returncode == 0

    def flotilla(self, ranks=0, threads=1, batch=None, gemm="full"):
        batch = ["--set", f"train.batch={batch}"] if batch else []
        launcher = self.options.mpiexec + ["-n", ranks] if ranks else []
        return json.loads(run(
            launcher + [self.options.program, "bench", self.config, "--json", "--seconds",
                        self.options.seconds, "--set", f"run.threads={threads}",
                        "--set", f"train.gemm={gemm}", *batch, *self.settings]))

    def torch(self, processes=1, batch=512, samples=None):
        return json.loads(run(
            [sys.executable, os.path.join(HERE, "bench_torch.py"), self.model,
             f"{self.data}:train", "--score", f"{self.data}:validation", "--seconds", self.options.seconds, "--batch", batch,
             "--samples", samples or self.options.samples, "--processes", processes]))

    def make_model(self):
        """Some steps away from the start, where the last layers are zero."""
        run([self.options.program, "train", self.config, "--fresh", "-q", "--set",
             f"run.directory={self.model}", "--set", "train.steps=20", "--set",
             "train.learning_rate=1e-3", "--set", "report.samples=0", "--set",
             "run.threads=1", *self.settings])
        scores = os.path.join(self.options.folder, self.name + "_log_prob.h5")
        run([self.options.program, "logprob", self.model, f"{self.data}:validation", "-o",
             scores, "--force"])
        with h5py.File(scores, "r") as file:
            self.log_prob = file["log_prob"][:].tolist()
        os.remove(scores)

    def check_same_flow(self, ours, theirs):
        """Returns the largest relative difference of log-densities."""
        wanted = np.array(self.log_prob)
        difference = float(np.max(abs(wanted - theirs["log_prob"])
                                  / np.maximum(1, abs(wanted))))
        if ours["parameters"] != theirs["parameters"] or not difference <= AGREEMENT:
            raise Unusable(
                f"{self.name}: PyTorch computes another flow: {theirs['parameters']} "
                f"parameters, log-densities off by {difference:.2g}; wanted "
                f"{ours['parameters']} and at most {AGREEMENT:g}")
        return difference


def middle(turns):
    """Of every figure of some runs the median."""
    return {key: statistics.median(turn[key] for turn in turns) for key in turns[0]
            if isinstance(turns[0][key], (int, float))}


def ratio(above, below, key="train_rows_per_second"):
    """The median over turns of the ratio within a turn."""
    return statistics.median(a[key] / b[key] for a, b in zip(above, below, strict=True))


def measure(bench, with_torch):
    """All figures of one config."""
    options = bench.options
    bench.make_data()
    kinds = {"flotilla": bench.flotilla}
    if bench.takes_bf16():
        kinds["bf16"] = lambda: bench.flotilla(gemm="bf16")
    if with_torch:
        bench.make_model()
        kinds["torch"] = bench.torch
    kinds["one"] = lambda: bench.flotilla(batch=SHARED_BATCH)
    kinds["two_ranks"] = lambda: bench.flotilla(ranks=2, batch=SHARED_BATCH)
    kinds["two_threads"] = lambda: bench.flotilla(threads=2, batch=SHARED_BATCH)
    if with_torch:
        kinds["torch_one"] = lambda: bench.torch(batch=SHARED_BATCH, samples=1)
        kinds["torch_two_processes"] = lambda: bench.torch(2, SHARED_BATCH)
    turns = {kind: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind, once in kinds.items():
            turns[kind].append(once())
    found = {kind: middle(all_turns) for kind, all_turns in turns.items()}
    found["two_ranks_over_one"] = ratio(turns["two_ranks"], turns["one"])
    found["two_threads_over_one"] = ratio(turns["two_threads"], turns["one"])
    if "bf16" in turns:
        found["bf16_over_full"] = ratio(turns["bf16"], turns["flotilla"])
    if with_torch:
        found["log_prob_difference"] = bench.check_same_flow(turns["flotilla"][0],
                                                             turns["torch"][0])
        found["over_torch"] = {verb: ratio(turns["flotilla"], turns["torch"],
                                           f"{verb}_rows_per_second") for verb in VERBS}
        found["torch_two_over_one"] = ratio(turns["torch_two_processes"], turns["torch_one"])
    return found


def print_table(heads, rows):
    widths = [max(map(len, column)) for column in zip(heads, *rows)]
    for row in (heads, ["-" * width for width in widths], *rows):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |")


def joined(form, values):
    return " ".join(format(value, form) for value in values)


def print_speeds(configs):
    rows = []
    for name, found in configs.items():
        own = found["flotilla"]
        peer = found.get("over_torch")
        rows.append([
            name, joined(".0f", (own[f"{verb}_rows_per_second"] for verb in VERBS)),
            joined(".2f", (own[f"{verb}_fraction_of_gemm"] for verb in VERBS)),
            joined(".2f", peer.values()) if peer else "-",
            format(found["bf16_over_full"], ".2f") if "bf16" in found else "-",
            format(found["two_ranks_over_one"], ".2f"),
            format(found["two_threads_over_one"], ".2f"),
            format(found["torch_two_over_one"], ".2f") if peer else "-",
            format(own["start_seconds"], ".2f"), format(own["peak_bytes"] / 1e6, ".0f")])
    print_table(["config", "rows/s: train, density, sample", "of sgemm", "x PyTorch",
                 "bf16", "2 ranks", "2 threads", "PyTorch, 2 processes", "start s", "MB"], rows)


def print_parameters(configs):
    for name, found in configs.items():
        if "torch" in found:
            theirs = found["torch"]
            print(f"{name}: {theirs['parameters']:.0f} parameters on both sides, of which "
                  f"masks leave {theirs['unmasked_parameters']:.0f}; PyTorch multiplies "
                  f"{theirs['dense_parameters']:.0f}; log-densities differ by "
                  f"{found['log_prob_difference']:.1g} of theirs")


def print_comparison(path, configs):
    with open(path) as file:
        recorded = json.load(file)
    about = recorded["machine"]
    print(f"\nFractions of sgemm beside those of {path} ({about['cpu']}, {about['cores']} cores, "
          f"{about['flotilla']}): now (recorded)")
    rows = []
    for name, found in configs.items():
        before = recorded["configs"].get(name)
        cells = []
        for verb in VERBS:
            key = f"{verb}_fraction_of_gemm"
            old = f"{before['flotilla'][key]:.3f}" if before else "none"
            cells.append(f"{found['flotilla'][key]:.3f} ({old})")
        rows.append([name, *cells])
    print_table(["config", "train", "density", "sample"], rows)


def write_json(path, results):
    with open(path + ".partial", "w") as file:
        json.dump(results, file, indent=1)
    os.replace(path + ".partial", path)


def measure_all(options):
    torch = torch_version()
    if not torch:
        print("found no PyTorch with PyYAML for this Python (Debian: python3-torch, "
              "python3-yaml): its columns stay empty", file=sys.stderr)
    os.makedirs(options.folder, exist_ok=True)
    results = {"machine": {**machine(options.program), "torch": torch}, "configs": {}}
    for name in options.configs:
        begin = time.monotonic()
        bench = Bench(name, options)
        results["configs"][bench.name] = measure(bench, torch)
        print(f"{bench.name}: {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return results


def report(options, results):
    about, configs = results["machine"], results["configs"]
    print(f"{about['cpu']}, {about['cores']} cores, BLAS core {about['blas_core']}; "
          f"{about['flotilla']}; PyTorch {about['torch'] or 'not there'}; one thread, float, batch 512; bf16: training with train.gemm=bf16 "
          f"against full; two ranks or threads against one at batch {SHARED_BATCH}; medians of {options.rounds} turns")
    if options.quick:
        print("(--quick: these figures mean nothing)")
    print_speeds(configs)
    print_parameters(configs)
    if options.compare:
        print_comparison(options.compare, configs)


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="flotilla, a Release build")
    parser.add_argument("--mpiexec", type=shlex.split, default=["mpirun", "--bind-to", "none"],
                        help="launcher with its options")
    parser.add_argument("--configs", nargs="+", default=NAMES, metavar="NAME",
                        help=f"some of {', '.join(NAMES)}, or configs of your own")
    parser.add_argument("--folder", help="of data and models; default: runs/bench, with "
                        "--quick runs/bench/quick")
    parser.add_argument("--rows", type=int, default=1000000, help="of the data")
    parser.add_argument("--seconds", type=float, default=3.0, help="of every run")
    parser.add_argument("--samples", type=int, default=512, help="PyTorch draws at a time")
    parser.add_argument("--rounds", type=int, default=2, help="turns of all kinds of runs")
    parser.add_argument("--json", metavar="FILE", help="write all figures")
    parser.add_argument("--compare", metavar="FILE", help="print what --json wrote beside")
    parser.add_argument("--quick", action="store_true", help="see whether it works")
    options = parser.parse_args()
    options.folder = options.folder or ("runs/bench/quick" if options.quick else "runs/bench")
    if options.quick:
        options.rows, options.seconds, options.samples, options.rounds = 4000, 0.1, 4, 1
    return options


def main():
    options = parse()
    try:
        results = measure_all(options)
        if options.json:
            write_json(options.json, results)
        report(options, results)
    except (Unusable, OSError) as error:
        sys.exit(f"bench: {error}")
    except KeyboardInterrupt:
        sys.exit("bench: stopped")


if __name__ == "__main__":
    main()
