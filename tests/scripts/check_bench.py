"""scripts/bench: both sides compute the same flow, the table holds what was measured, and
without PyTorch it goes on. How fast anything is, nobody asks here.

Called as: check_bench.py PROGRAM MPIEXEC.
"""
import contextlib
import importlib.util
import io
import json
import os
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCRIPTS = os.path.join(os.path.dirname(TESTS), "scripts")
sys.path[:0] = [TESTS, SCRIPTS]
import bench_table  # noqa: E402
from support import Failure, main, near, normal_rows, require, same, skip  # noqa: E402

COLUMNS, HIDDEN, BINS = 6, 40, 4
SMALL = f"""
run: {{directory: run, threads: 1}}
data: {{files: [columns{COLUMNS}.h5]}}
flow:
  layers:
    - {{kind: permutation, order: random}}
    - {{kind: affine_autoregressive, hidden: [{HIDDEN}, {HIDDEN}]}}
    - {{kind: spline_coupling, hidden: [8], bins: {BINS}}}
    - {{kind: spline_autoregressive, hidden: [{HIDDEN}], bins: {BINS}}}
train: {{batch: 64, lanes: 4, steps: 30, learning_rate: 1e-2}}
report: {{samples: 0}}
"""


def script(flotilla, name, *arguments, code=0, **environment):
    done = subprocess.run(
        [sys.executable, os.path.join(SCRIPTS, name), *map(str, arguments)],
        cwd=flotilla.folder, env=dict(flotilla.environment, **environment),
        capture_output=True, text=True, timeout=500)
    require(done.returncode == code, "wanted exit code", code, "of", name, arguments,
            "found", done.returncode, "\n", done.stdout, done.stderr)
    return done


def without_torch(flotilla):
    """An environment in which Python finds a torch that cannot be loaded."""
    os.makedirs(flotilla.path("stand-in"), exist_ok=True)
    flotilla.write("stand-in/torch.py", "raise ImportError('none here')\n")
    return {"PYTHONPATH": flotilla.path("stand-in")}


def table(flotilla, *arguments, **environment):
    return script(flotilla, "bench_table.py", flotilla.program, "--mpiexec",
                  f"{flotilla.mpiexec} --bind-to none", "--folder", "bench", "--quick",
                  "--configs", "small.yaml", *arguments, **environment)


def check_without_torch(flotilla):
    flotilla.write("small.yaml", SMALL)
    environment = without_torch(flotilla)
    first = table(flotilla, "--json", "a.json", **environment)
    require("found no PyTorch" in first.stderr and "these figures mean nothing" in first.stdout,
            first)
    found = json.loads(flotilla.read("a.json"))
    same(found["machine"]["torch"], None)
    speeds = found["configs"]["small"]
    half = {"bf16", "bf16_over_full"} if flotilla.has_bf16() else set()
    same(set(speeds), {"flotilla", "one", "two_ranks", "two_threads", "two_ranks_over_one",
                       "two_threads_over_one"} | half)
    same([(speeds[kind]["ranks"], speeds[kind]["threads"], speeds[kind]["batch"])
          for kind in ("flotilla", "one", "two_ranks", "two_threads")],
         [(1, 1, 64), (1, 1, 1024), (2, 1, 1024), (1, 2, 1024)])
    near(speeds["two_ranks_over_one"], speeds["two_ranks"]["train_rows_per_second"]
         / speeds["one"]["train_rows_per_second"], 1e-9)
    line = next(line for line in first.stdout.splitlines() if line.startswith("| small"))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    same(cells[1].split()[0], f"{speeds['flotilla']['train_rows_per_second']:.0f}")
    same((cells[3], cells[7]), ("-", "-"), "what only PyTorch gives, in", line)
    same(cells[4], f"{speeds['bf16_over_full']:.2f}" if half else "-")
    # Beside what was recorded: the old figure stays that of the file.
    speeds["flotilla"]["train_fraction_of_gemm"] = 0.123
    flotilla.write("old.json", json.dumps(found))
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        bench_table.print_comparison(flotilla.path("old.json"), {
            "small": json.loads(flotilla.read("a.json"))["configs"]["small"],
            "new": speeds})
    now = json.loads(flotilla.read("a.json"))["configs"]["small"]["flotilla"]
    require(f"| small  | {now['train_fraction_of_gemm']:.3f} (0.123)" in printed.getvalue()
            and "| new    | 0.123 (none)" in printed.getvalue(), printed.getvalue())


def check_peer(flotilla):
    """PyTorch's side of flows with masks, splines and couplings has our densities, and the
    parameters that it should; several processes train."""
    if not importlib.util.find_spec("torch"):
        skip("no PyTorch")
    flotilla.data(f"columns{COLUMNS}.h5", {"train": normal_rows(640, COLUMNS) / 10,
                              "few": normal_rows(20, COLUMNS, seed=2) / 10})
    flotilla.write("config.yaml", SMALL)
    flotilla.run("train", "config.yaml", "-q")
    flotilla.run("logprob", "run", f"columns{COLUMNS}.h5:few", "-o", "scores.h5")
    small = ("run", f"columns{COLUMNS}.h5:train", "--seconds", 0.05, "--batch", 64, "--samples", 4)
    found = json.loads(script(flotilla, "bench_torch.py", *small, "--score",
                              f"columns{COLUMNS}.h5:few").stdout)
    wanted = flotilla.arrays("scores.h5")["log_prob"]
    near(found["log_prob"], wanted, 1e-4 * max(abs(wanted)), "log-densities")
    ours = json.loads(flotilla.run("bench", "config.yaml", "--seconds", "0.05", "--json").out)
    same(found["parameters"], ours["parameters"])
    same(found["dense_parameters"], dense_parameters())
    require(found["unmasked_parameters"] < found["parameters"] <= found["dense_parameters"],
            found)
    require(all(found[f"{verb}_rows_per_second"] > 0 for verb in bench_table.VERBS), found)
    two = json.loads(script(flotilla, "bench_torch.py", *small, "--processes", 2).stdout)
    require(two["processes"] == 2 and two["train_rows_per_second"] > 0, two)


def dense_parameters():
    """By hand."""
    def mlp(*widths):
        return sum(n * m + m for n, m in zip(widths, widths[1:]))
    spline = 3 * BINS - 1
    return (mlp(COLUMNS, HIDDEN, HIDDEN, 2 * COLUMNS) + mlp(3, 8, 3 * spline)
            + mlp(COLUMNS, HIDDEN, spline * COLUMNS))


def check_other_flow(flotilla):
    """A peer that computes something else is not compared with."""
    options = type("Options", (), {"folder": flotilla.folder})
    bench = bench_table.Bench("maf63", options)
    bench.log_prob = [-100.0, 2.0]
    ours = {"parameters": 10}
    near(bench.check_same_flow(ours, {"parameters": 10, "log_prob": [-100.001, 2.0]}), 1e-5,
         1e-9)
    for theirs in ({"parameters": 10, "log_prob": [-100.0, 2.1]},
                   {"parameters": 10, "log_prob": [-100.0, float("nan")]},
                   {"parameters": 11, "log_prob": [-100.0, 2.0]}):
        try:
            bench.check_same_flow(ours, theirs)
        except bench_table.Unusable as error:
            require("another flow" in str(error), error)
        else:
            raise Failure("taken for the same flow:", theirs)


def check_failing(flotilla):
    for arguments, says in ((["/bin/false"], "/bin/false --version\nended with 1"),
                            ([flotilla.program, "--configs", "none.yaml"], "none.yaml")):
        done = script(flotilla, "bench_table.py", *arguments, "--quick", "--folder", "bench",
                      code=1, **without_torch(flotilla))
        require(says in done.stderr and "Traceback" not in done.stderr, done)


def check_ratios(flotilla):
    """Ratios are taken within a turn, by their right sides, when PyTorch is there."""
    def turn(rate):
        return {f"{verb}_rows_per_second": rate * (i + 1)
                for i, verb in enumerate(bench_table.VERBS)} | {"parameters": 5}

    class Turns(bench_table.Bench):
        """Machine and peers that get slower from turn to turn."""
        speed = 1.0

        def make_data(self):
            pass

        def make_model(self):
            self.log_prob = [-1.0]

        def takes_bf16(self):
            return True

        def flotilla(self, ranks=0, threads=1, batch=None, gemm="full"):
            self.speed /= 2
            many = 1.9 if ranks else 1.8 if threads == 2 else 1.6 if gemm == "bf16" else 1.0
            return turn(100 * self.speed * many)

        def torch(self, processes=1, batch=512, samples=None):
            return turn(50 * self.speed * (1.5 if processes == 2 else 1)) | {"log_prob": [-1.0]}

    options = type("Options", (), {"folder": flotilla.folder, "rounds": 3})
    found = bench_table.measure(Turns("maf63", options), "a version")
    near([*found["over_torch"].values()], [4, 4, 4], 1e-9, "over PyTorch")
    near(found["two_ranks_over_one"], 1.9 / 2, 1e-9)  # each of our runs takes twice as long
    near(found["two_threads_over_one"], 1.8 / 4, 1e-9)
    near(found["bf16_over_full"], 1.6 / 2, 1e-9)
    near(found["torch_two_over_one"], 1.5, 1e-9)
    near(found["log_prob_difference"], 0, 0)


if __name__ == "__main__":
    main(globals())
