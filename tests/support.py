"""What the check_*.py share: running the program as a user does, small data, comparing files.

A check_*.py is called as `check_x.py PROGRAM MPIEXEC [NAME..]`: `main` runs its functions
check_*, each in an empty folder of its own, and says which failed and why; names select some.
"""
import concurrent.futures
import functools
import inspect
import json
import os
import subprocess
import sys
import tempfile
import traceback

import h5py
import numpy as np

DONE, ERROR, USAGE, STOPPED = 0, 1, 64, 75
SKIPPED = 77  # what CTest takes for "skipped"


class Failure(AssertionError):
    """What a check found, with what it was looking at."""

    def __str__(self):
        return " ".join(str(part) for part in self.args)


def require(condition, *what):
    if not condition:
        raise Failure(*what)


def same(found, wanted, *what):
    require(found == wanted, *what, f"\n  found  {found!r}\n  wanted {wanted!r}")


def near(found, wanted, tolerance, *what):
    difference = np.max(np.abs(np.asarray(found) - np.asarray(wanted)))
    require(difference <= tolerance, *what, f"\n  found  {found}\n  wanted {wanted}"
            f"\n  differ by {difference:.4g}, tolerance {tolerance:.4g}")


class Result:
    def __init__(self, command, code, out, err):
        self.command, self.code, self.out, self.err = command, code, out, err

    def __str__(self):
        return (f"{' '.join(self.command)}\nexit code {self.code}\n"
                f"--- stdout\n{self.out}--- stderr\n{self.err}---")

    def says(self, *words, times=None):
        """Both streams together hold every word; `times`: exactly so often."""
        text = self.out + self.err
        for word in words:
            found = text.count(str(word))
            require(found if times is None else found == times,
                    f"{word!r} is there {found} times, wanted",
                    "at least once" if times is None else times, "in\n", self)
        return self


def skip(reason):
    """Ends the whole check as skipped, and says why; under `scripts/test --all` it fails."""
    if os.environ.get("FLOTILLA_TEST_ALL"):
        raise Failure("not to be skipped here:", reason)
    print("skipped:", reason, flush=True)
    sys.exit(SKIPPED)


@functools.lru_cache
def is_sanitized(program):
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


class Flotilla:
    """The program in one working folder."""

    def __init__(self, program, mpiexec, folder):
        self.program, self.mpiexec, self.folder = program, mpiexec, folder
        self.sanitized = is_sanitized(program)
        self.environment = dict(
            os.environ, FLOTILLA_CHECK_LEAKS="1", OMPI_ALLOW_RUN_AS_ROOT="1",
            OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1", OMPI_MCA_mpi_yield_when_idle="1",
            OMPI_MCA_rmaps_base_oversubscribe="1", OMP_NUM_THREADS="1")
        if self.sanitized:  # as tests/CMakeLists.txt says
            supp = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mpi.supp")
            for key, value in (
                    ("OMPI_MCA_mca_base_component_disable_dlclose", "1"),
                    ("ASAN_OPTIONS", "fast_unwind_on_malloc=0"),
                    ("LSAN_OPTIONS", f"suppressions={supp}:print_suppressions=0")):
                self.environment.setdefault(key, value)

    def often(self, number, ranks):
        """How case `number` of a table is run: alone, and some also on ranks, which take
        long to start (seconds, with a sanitizer)."""
        return (0,) if number % (10 if self.sanitized else 3) else (0, ranks)

    def command(self, arguments, ranks):
        launcher = []
        if ranks:
            launcher = [self.mpiexec, "--bind-to", "none", "-n", str(ranks)]
        return launcher + [self.program] + [str(word) for word in arguments]

    def start(self, *arguments, ranks=0, **options):
        """Starts it in the background, with its output in pipes."""
        return subprocess.Popen(
            self.command(arguments, ranks), cwd=self.folder, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, **options)

    def finish(self, process, code=DONE, seconds=None):
        seconds = seconds or (500 if self.sanitized else 120)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            out, err = end(process)
            raise Failure("still running after", seconds, "s:",
                          Result(process.args, None, out, err)) from None
        result = Result(process.args, process.returncode, out, err)
        require(code is None or process.returncode == code, "wanted exit code", code,
                "of", result)
        return result

    def run(self, *arguments, ranks=0, code=DONE):
        """Runs it; ranks 0: alone, else under mpirun. Fails unless it exits with code."""
        return self.finish(self.start(*arguments, ranks=ranks), code)

    def part(self, name):
        """A folder below, with links to all files of this one: a place for one case."""
        folder = self.path(name)
        os.mkdir(folder)
        for entry in os.scandir(self.folder):
            if entry.is_file():
                os.link(entry.path, os.path.join(folder, entry.name))
        return Flotilla(self.program, self.mpiexec, folder)

    def has_bf16(self):
        """Whether this processor has products of bfloat16, and this build may use them."""
        with open("/proc/cpuinfo") as file:
            return "avx512_bf16" in file.read() and "double" not in self.run("--version").out

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def read(self, *parts):
        with open(self.path(*parts)) as file:
            return file.read()

    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)
        return name

    def data(self, name, contents, **options):
        """An HDF5 file of named arrays."""
        with h5py.File(self.path(name), "w") as file:
            for key, values in contents.items():
                file.create_dataset(key, data=values, **options)
        return name

    def status(self, run):
        return json.loads(self.read(run, "status.json"))

    def metrics(self, run):
        return [json.loads(line) for line in self.read(run, "metrics.jsonl").splitlines()]

    def last(self, run):
        """The newest checkpoint of a run."""
        folder = self.path(run, "checkpoints")
        return os.path.join(folder, max(n for n in os.listdir(folder)
                                        if n.startswith("step-")))

    def arrays(self, *parts):
        with h5py.File(self.path(*parts), "r") as file:
            return arrays_of(file)

    def state(self, *parts):
        """All of a checkpoint that must not depend on where and how it was computed:
        arrays, and what it says of the run, but for config, schema and ranks."""
        with h5py.File(self.path(*parts), "r") as file:
            found = arrays_of(file)
            found.update({"run." + key: value for key, value in file["run"].attrs.items()})
        require(found.keys() >= {"config", "run.ranks", "run.step", "run.best"}, found.keys())
        return {key: value for key, value in found.items()
                if key not in ("config", "schema", "run.ranks")}


def end(process):
    """Ends it with its ranks, which mpirun kills when it is asked, not when it is killed."""
    process.terminate()
    for _ in range(2):
        try:
            return process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
    return "", "(a process that it left behind still holds its output)\n"


def every(check, cases, at_once=4):
    """check(*case) of every case, some at a time (starting takes longer than running);
    fails with all that failed. Gives what they returned."""
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        tasks = [pool.submit(check, *case) for case in cases]
        failures = [str(task.exception()) for task in tasks
                    if isinstance(task.exception(), Failure)]
        require(not failures, "\n".join(failures))
        return [task.result() for task in tasks]


def arrays_of(group):
    """Every data set below a group, by its path."""
    found = {}

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    group.visititems(visit)
    return found


def bits(value):
    return np.asarray(value).tobytes() if not isinstance(value, (bytes, str)) else value


def same_arrays(left, right, *what, but=()):
    """The same names and the same bits, but for the names in `but`."""
    left = {key: value for key, value in left.items() if key not in but}
    right = {key: value for key, value in right.items() if key not in but}
    same(sorted(left), sorted(right), *what, "names of arrays:")
    require(left, *what, "no arrays at all")
    for name in left:
        a, b = left[name], right[name]
        if bits(a) == bits(b):
            continue
        text = isinstance(a, bytes)
        require(False, *what, f"{name} differs:", f"\n{a}\n{b}" if text else
                f"{np.sum(np.asarray(a) != np.asarray(b))} of {np.size(a)} elements")


# What a line of metrics.jsonl says of the machine, not of the run.
TIMES = ("rows_per_second", "data_wait_seconds", "exposed_communication_seconds")


def without_times(lines):
    return [{key: value for key, value in line.items() if key not in TIMES}
            for line in lines]


def files_below(folder):
    """Every file and its bytes, by its path."""
    found = {}
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, folder)] = file.read()
    return found


def normal_rows(rows, columns, seed=0, kind=np.float32):
    """Rows of a normal distribution with correlated columns of different scales."""
    random = np.random.Generator(np.random.PCG64(seed))
    mix = np.random.Generator(np.random.PCG64(99)).standard_normal((columns, columns))
    x = random.standard_normal((rows, columns)) @ (mix + 2 * np.eye(columns))
    return (x * (1 + np.arange(columns)) + 3 * np.arange(columns)).astype(kind)


def main(checks):
    """Runs the functions check_* of a module: main(globals())."""
    program, mpiexec, *wanted = sys.argv[1:]
    program = os.path.abspath(program)
    failed = []
    for name, check in list(checks.items()):
        if not name.startswith("check_") or not inspect.isfunction(check):
            continue
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
            try:
                check(Flotilla(program, mpiexec, folder))
            except Failure as failure:
                line = traceback.extract_tb(sys.exc_info()[2])[1]
                print(f"{line.filename}:{line.lineno}: {name}: {failure}\n", flush=True)
                failed.append(name)
            except Exception:  # a broken check must not hide the others
                print(f"{name}: {traceback.format_exc()}\n", flush=True)
                failed.append(name)
    if failed:
        print(f"{len(failed)} failed: {' '.join(failed)}")
    sys.exit(1 if failed else 0)
