"""`flotilla doctor`: a sound environment passes, and each ill that can be provoked is named.

Called as: check_doctor.py PROGRAM MPIEXEC. Made-up hosts and ranks: train_test_environment.
"""
import json
import os
import platform
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import DONE, USAGE, Result, every, main, normal_rows, require, same  # noqa: E402

CONFIG = """
run: {directory: runs/patient, seed: 1}
data: {files: [data.h5], train: train}
flow: {preset: realnvp, width: 8, blocks: 1, steps: 2}
train: {steps: 10, batch: 32, lanes: 8}
checkpoint: {keep: 3}
"""
CORES = len(os.sched_getaffinity(0))
# What may be set around the tests, and would be found.
UNWANTED = ("SLURM_", "OMP_PROC_BIND", "OMP_WAIT_POLICY", "PMI_", "PMIX_", "HDF5_USE",
            "OMPI_MCA_btl_vader")

# Runs a program that may not read the memory of others, as in a container without ptrace:
# a filter of system calls answers EPERM.
DENY = """
import ctypes, os, struct, sys
number = {"x86_64": 310, "aarch64": 270}[os.uname().machine]  # process_vm_readv
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x00050001), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
program = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(code))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def run(flotilla, launcher, arguments, environment):
    settings = {key: value for key, value in flotilla.environment.items()
                if not key.startswith(UNWANTED)}
    settings.update(environment)
    settings = {key: value for key, value in settings.items() if value is not None}
    command = [*launcher, flotilla.program, "doctor", *arguments]
    done = subprocess.run(command, cwd=flotilla.folder, env=settings, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, capture_output=True)
    return Result(command, done.returncode, done.stdout, done.stderr)


def mpirun(flotilla, ranks, *options):
    return (flotilla.mpiexec, *(options or ("--bind-to", "none")), "-n", str(ranks))


def expect(flotilla, name, level, *words, launcher=(), arguments=(), besides=(),
           **environment):
    """The check `name` is at this level (None: any) and says the words; no other is bad but
    those in `besides`. Returns all checks by name."""
    result = run(flotilla, launcher, ("--json", *arguments), environment)
    require(result.out.count('"checks"') == 1, "wanted one report in", result)
    checks = {check["check"]: check for check in
              json.loads(result.out[result.out.index("{"):result.out.rindex("}") + 1])["checks"]}
    require(name in checks, "no check", name, "in", result)
    found = checks[name]
    require(level in (None, found["level"]), "wanted", level, "of", name, "in", result)
    for word in words:
        require(word in found["found"] + found["cure"], repr(word), "is not in", found)
    bad = {check for check in checks if checks[check]["level"] == "bad"}
    require(bad <= {name, *besides}, "bad besides:", bad, result)
    require((result.code != DONE) == bool(bad), "exit code", result)
    return checks


def prepare(flotilla):
    flotilla.data("data.h5", {"train": normal_rows(500, 4)})
    flotilla.write("config.yaml", CONFIG)


def check_sound(flotilla):
    """Alone and on ranks, in lines that are printed once, and nothing is left behind."""
    prepare(flotilla)
    before = sorted(os.listdir(flotilla.folder))
    for launcher in ((), mpirun(flotilla, 2)):
        result = run(flotilla, launcher, ("config.yaml",), {})
        same(result.code, DONE, result)
        result.says("[ok]   launch", "[ok]   config", "bad: 0, warnings:", times=1)
        for line in result.out.splitlines()[:-1]:
            require(line.startswith(("[ok]   ", "[warn] ")), repr(line), result)
    same(sorted(os.listdir(flotilla.folder)), before)
    # How fast, other jobs have a say in.
    checks = expect(flotilla, "messages", None, "microseconds", "GB/s",
                    launcher=mpirun(flotilla, 2))
    require("2 ranks" in checks["launch"]["found"], checks["launch"])
    require("2 ranks on 1 host: " in checks["sharing"]["found"], checks["sharing"])
    same(run(flotilla, (), ("one.yaml", "two.yaml"), {}).code, USAGE)
    same(run(flotilla, (), ("--set", "run.seed=1"), {}).code, USAGE)


def check_launch(flotilla):
    alone = {"OMPI_ALLOW_RUN_AS_ROOT": None}
    cases = [
        ("launch", "bad", "4 tasks", "srun --mpi=pmix", dict(SLURM_STEP_NUM_TASKS="4")),
        ("launch", "warn", "8 tasks", "srun --mpi=pmix", dict(SLURM_NTASKS="8")),
        ("ssh", "warn", "plm=^rsh", "mpirun", dict(PATH="/nowhere")),
        ("slurm", "bad", "may use", "srun -c",
         dict(SLURM_JOB_ID="7", SLURM_STEP_ID="0", SLURM_CPUS_PER_TASK="5000")),
    ]
    if os.geteuid() == 0:
        cases.append(("root", "warn", "mpirun refuses", "OMPI_ALLOW_RUN_AS_ROOT=1", alone))

    def one(name, level, found, cure, environment):
        expect(flotilla, name, level, found, cure, **environment)

    every(one, cases)


def check_another_mpirun(flotilla):
    """Each process is a world of its own then; one speaks, and the job fails."""
    other = shutil.which("mpirun.openmpi" if "mpich" in flotilla.mpiexec else "mpiexec.mpich")
    if not other:
        require(not os.environ.get("FLOTILLA_TEST_ALL"), "no second MPI is installed")
        print("left out: no second MPI is installed")
        return
    expect(flotilla, "launch", "bad", "2 tasks were started, MPI sees 1", "start it with",
           launcher=(other, "-n", "2"))


def check_cores(flotilla):
    """Threads and ranks that share cores."""
    taskset = mpirun(flotilla, 2) + ("taskset", "-c", str(min(os.sched_getaffinity(0))))
    cases = [
        ("cores", "bad", "mpi_yield_when_idle=1", mpirun(flotilla, 4), ("binding",),
         dict(OMP_NUM_THREADS=str(CORES), OMPI_MCA_mpi_yield_when_idle="0")),
        ("cores", "warn", f"4 ranks x {CORES} threads", mpirun(flotilla, 4), ("binding",),
         dict(OMP_NUM_THREADS=str(CORES))),
    ]
    if os.cpu_count() > 1:
        cases += [
            ("binding", "bad", "2 threads share core ", taskset, (), {}),
            ("binding", "bad", "unset OMP_PROC_BIND", mpirun(flotilla, 2), (),
             dict(OMP_PROC_BIND="close")),
        ]

    def one(name, level, word, launcher, besides, environment):
        expect(flotilla, name, level, word, launcher=launcher, besides=besides, **environment)

    every(one, cases)
    # A physical core may be the whole machine.
    result = run(flotilla, mpirun(flotilla, 2, "--bind-to", "core"), (),
                 dict(OMP_NUM_THREADS="3"))
    require("[bad]  binding" in result.out or "[warn] cores" in result.out, result)


def check_copies(flotilla):
    """What makes Open MPI fail in large messages is found before one is sent."""
    if platform.machine() not in ("x86_64", "aarch64"):
        return
    flotilla.write("deny.py", DENY)
    denied = mpirun(flotilla, 2) + (sys.executable, "deny.py")
    expect(flotilla, "copies", "bad", "errno = 1", "single_copy_mechanism=none",
           launcher=denied)
    expect(flotilla, "copies", "ok", "copied twice", launcher=denied,
           OMPI_MCA_btl_vader_single_copy_mechanism="none")


def limited(limits):
    return ("sh", "-c", f'ulimit {limits} && exec "$@"', "sh")


def check_limits_and_files(flotilla):
    prepare(flotilla)
    config = ("config.yaml",)
    read_only = config + ("--set", "run.directory=/proc/none/run")
    cases = [
        ("ulimit -n", "bad", "100 open files", limited("-n 100"), (), ()),
        ("ulimit -v", "bad", "ulimit -v unlimited", limited("-v 1900000"), (), ()),
        ("ulimit -f", "bad", "ulimit -f unlimited", limited("-f 8"), (), ("directory",)),
        ("directory", "bad", "failed in write: File too large", limited("-f 8"), (),
         ("ulimit -f",)),
        ("directory", "bad", "choose a run.directory", (), read_only, ("disk",)),
        ("config", "bad", "none.yaml", (), ("none.yaml",), ()),
        ("config", "bad", "none.h5", (), config + ("--set", "data.files=none.h5"), ()),
        ("config", "bad", "train.lanes", mpirun(flotilla, 2),
         config + ("--set", "train.lanes=1"), ()),
    ]

    def one(name, level, word, launcher, arguments, besides):
        expect(flotilla, name, level, word, launcher=launcher, arguments=arguments,
               besides=besides)

    every(one, cases)


def check_full_disk(flotilla):
    """A small file system of its own, seen by nobody else and gone with the process."""
    prepare(flotilla)
    os.mkdir(flotilla.path("small"))
    mount = "mount -t tmpfs -o size=1m none small"
    private = ("unshare", "-m", "sh", "-c")
    if subprocess.run([*private, mount], cwd=flotilla.folder, capture_output=True).returncode:
        require(not os.environ.get("FLOTILLA_TEST_ALL"), "wanted root, to mount a tmpfs")
        print("left out: only root can mount a small file system")
        return
    there = ("config.yaml", "--set", "run.directory=small/run")
    expect(flotilla, "disk", "bad", "checkpoint.keep", arguments=there,
           launcher=(*private, mount + ' && exec "$@"', "sh"))
    full = mount + '; head -c 2m /dev/zero >small/all 2>/dev/null; exec "$@"'
    expect(flotilla, "directory", "bad", "make room", "small on tmpfs", arguments=there,
           besides=("disk",), launcher=(*private, full, "sh"))


if __name__ == "__main__":
    main(globals())
