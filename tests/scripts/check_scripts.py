"""The scripts do what they say: data sets, pictures, packages, launchers.

Called as: check_scripts.py PROGRAM MPIEXEC. The launchers run a stand-in for the program, so
that what is judged is the launcher; scripts/demo and scripts/test are not run here.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import h5py
import numpy as np
from PIL import Image
from scipy.io import netcdf_file

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
SCRIPTS = os.path.join(ROOT, "scripts")
COADS = "/usr/share/ferret-vis/data/coads_climatology.cdf"


def check(truth, what):
    if not truth:
        raise AssertionError(what)


def run(*command, code=0, says="", **options):
    """Runs a script; its exit code and a part of what it prints must be as wanted."""
    command = [sys.executable, *command] if command[0].endswith(".py") else list(command)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, text=True, timeout=120, **options)
    check(done.returncode == code and says in done.stdout,
          f"{' '.join(command)}: exit {done.returncode}, wanted {code} and {says!r} in:\n"
          f"{done.stdout}")
    check(code == 0 or "Traceback" not in done.stdout, f"no clear message:\n{done.stdout}")
    return done.stdout


def script(name):
    return os.path.join(SCRIPTS, name)


def splits(path):
    with h5py.File(path) as file:
        return {name: file[name][:] for name in ("train", "validation", "test")}


def write_program(path, text):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755)


def same(a, b):
    return all(np.array_equal(a[k], b[k]) for k in a)


# ---- data sets

def check_affine(work):
    path = os.path.join(work, "affine.h5")
    text = run(script("make_affine_1d.py"), "-o", path, "--train", "5000", "--mean", "-2",
               "--std", "4")
    x = splits(path)
    check(not (x["validation"] == x["test"]).any(), "the splits of affine_1d differ")
    x = x["train"].astype(np.float64)
    check(x.shape == (5000, 1), "shape of affine_1d")
    check(abs(x.mean() + 2) < 0.3 and abs(x.std() - 4) < 0.3, "moments of affine_1d")
    best = -np.log(x.std()) - 0.5 * (1 + np.log(2 * np.pi))
    check(f"{best:.6f}" in text, f"affine_1d prints the closed form {best:.6f}: {text}")
    # The same number from the script that fits a Gaussian.
    told = json.loads(run(script("gaussian_baseline.py"), path, "--test", "train", "--json"))
    check(abs(told["train"]["log_likelihood"] - best) < 1e-9, "the Gaussian's likelihood")
    error = told["train"]["standard_error"]
    check(abs(error - np.sqrt(0.5 / 5000)) < 1e-3, f"half a nat squared a row: {error}")
    run(script("gaussian_baseline.py"), path, "--test", "train", says=f" +- {error:.3f} nats")
    run(script("gaussian_baseline.py"), path, "--test", "none", code=1, says="it has: ")
    run(script("gaussian_baseline.py"), "/nowhere.h5", code=1, says="cannot be read")
    with h5py.File(path, "a") as file:
        file["words"] = np.array([b"a", b"b"])
        file["complex"] = np.ones((9, 1), complex)
        file["fields"] = np.ones(9, [("a", "f4")])
        file["gap"] = np.array([[1.0], [2.0], [np.nan]])
        file["wide"] = np.ones((9, 2))
    for name, says in (("words", "type |S1, wanted real numbers"), ("complex", "complex128"),
                       ("fields", "wanted real numbers"), ("gap", "row 2, column 0: found nan"),
                       ("wide", "rows of 'wide' have shape [2], wanted [1] as in 'train'")):
        run(script("gaussian_baseline.py"), path, "--test", name, code=1, says=says)
        if name != "wide":
            run(script("gaussian_baseline.py"), path, "--train", name, code=1, says=says)


def make_climatology(path, random):
    """A stand-in for COADS: each value tells its cell and month; a tenth is missing."""
    names = ["SST", "AIRT", "SPEH", "WSPD", "UWND", "VWND", "SLP"]
    shape = (12, 30, 40)
    month, latitude, longitude = np.indices(shape)
    with netcdf_file(path, "w") as file:
        for name, size in zip("tyx", shape):
            file.createDimension(name, size)
        for i, name in enumerate(names):
            x = [month, latitude, longitude][min(i, 2)].astype(np.float32)
            x[random.random(shape) < 0.1] = -1e34
            file.createVariable(name, "f4", tuple("tyx"))[:] = x


def check_coads(work):
    source, path = os.path.join(work, "c.cdf"), os.path.join(work, "coads.h5")
    make_climatology(source, np.random.default_rng(0))
    run(script("make_coads.py"), "--source", source, "-o", path)
    x = splits(path)
    total = sum(len(v) for v in x.values())
    check(0.42 < total / (12 * 30 * 40) < 0.54, f"{total} rows: those without a gap")
    check(all(v.min() >= 0 for v in x.values()), "no missing value is left")
    squares = {k: {(int(r[1]) // 5, int(r[2]) // 5) for r in v} for k, v in x.items()}
    check(not (squares["train"] & squares["test"] or squares["train"] & squares["validation"]
               or squares["validation"] & squares["test"]), "no square gives to two splits")
    check(len(set(x["train"][:100, 0])) == 12, "the rows are shuffled")
    run(script("make_coads.py"), "--source", "/nowhere.cdf", code=1, says="ferret-datasets")
    run(script("make_coads.py"), "--source", __file__, code=1, says="not a NetCDF 3 file")


def check_coads_cut(work):
    cut = os.path.join(ROOT, "configs", "data", "coads_small.h5")
    check(os.path.getsize(cut) < 400000, "the committed cut is under 400 kB")
    with h5py.File(cut) as file:
        for name in ("train", "validation", "test"):
            data = file[name]
            check(data.dtype == np.float32 and data.shape[1] == 7 and data.chunks is None,
                  f"{name} of the committed cut: float32, 7 columns, contiguous")
            check(len(data.attrs["columns"]) == 7 and np.isfinite(data[:]).all(),
                  f"{name} of the committed cut: names, no gaps")
    if os.path.exists(COADS):
        again = os.path.join(work, "cut.h5")
        run(script("make_coads.py"), "--cut", "-o", again)
        check(same(splits(cut), splits(again)), "make_coads.py --cut makes the committed cut")


def make_images(folder, random):
    for split, count in (("train", 200), ("val", 100)):
        os.makedirs(os.path.join(folder, split))
        for i in range(count):
            pixels = random.integers(0, 256, (16, 24, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(os.path.join(folder, split, f"{1000 + i}.jpg"))


def check_bsds300(work):
    images = os.path.join(work, "images")
    make_images(images, np.random.default_rng(0))
    rows = ["--train", "300", "--validation", "60", "--test", "80"]
    a, b = os.path.join(work, "a.h5"), os.path.join(work, "b.h5")
    run(script("make_bsds300.py"), images, "-o", a, *rows)
    run(script("make_bsds300.py"), images, "-o", b, *rows, "--chunk-rows", "64", "--gzip", "4")
    x = splits(a)
    check([v.shape for v in x.values()] == [(300, 63), (60, 63), (80, 63)], "patch shapes")
    check(same(x, splits(b)), "the layout does not change the patches")
    with h5py.File(b) as file, h5py.File(a) as plain:
        check(file["train"].chunks == (64, 63) and file["train"].compression == "gzip",
              "chunked and compressed as asked")
        check(plain["train"].chunks is None, "contiguous unless asked")
        ids = [set(plain[k].attrs["image_ids"]) for k in ("train", "validation")]
        check(len(ids[0]) == 180 and len(ids[1]) == 20 and not ids[0] & ids[1],
              "180 images for training, 20 others for validation")
    # The dropped pixel is minus the sum of the others: all are within (-1, 1).
    whole = np.concatenate([x["test"], -x["test"].sum(axis=1, keepdims=True)], axis=1)
    check(np.abs(whole).max() < 1 and np.abs(whole.mean(axis=1)).max() < 1e-6, "zero mean")
    os.remove(os.path.join(images, "val", "1007.jpg"))
    run(script("make_bsds300.py"), images, "-o", a, code=1, says="found 99 images")
    run(script("make_bsds300.py"), work, "-o", a, code=1, says="no such folder")


# ---- speed

def check_bench_streaming(work):
    """It runs; what it measures is the machine."""
    said = run(script("bench_streaming.py"), os.path.abspath(sys.argv[1]), "--rows", "40000",
               "--chunk-rows", "64", "--steps", "4", "--rounds", "2", "--width", "8",
               says="data: streaming", cwd=work)
    check(said.count("   ratio ") == 2 and "median ratio" in said and "resident" in said, said)


# ---- the Python that has what a script needs

def python_scripts():
    """Those that need h5py; without those of torch, which may be nowhere."""
    for name in sorted(os.listdir(SCRIPTS)):
        if name.endswith(".py") and os.access(script(name), os.X_OK):
            with open(script(name)) as file:
                if name not in ("bench_torch.py", "flotilla_torch.py") and "h5py" in file.read():
                    yield name


def bare_python(folder):
    """A Python without the packages, as a virtual environment that leads on PATH."""
    os.makedirs(folder)
    for name in ("python", "python3"):
        write_program(os.path.join(folder, name),
                      f'#!/bin/sh\nexec {sys.executable} -I -S "$@"\n')
    return os.path.join(folder, "python3")


def check_python_is_found(work):
    """Under a Python that lacks h5py every script starts again under one that has it; where
    there is none it says so, in one line."""
    bare = bare_python(os.path.join(work, "bare"))
    env = dict(os.environ, PATH=f"{os.path.dirname(bare)}:{os.environ['PATH']}")
    check(subprocess.run([bare, "-c", "import h5py"], stderr=subprocess.DEVNULL,
                         env=env).returncode, "the bare Python has no h5py")
    names = list(python_scripts())
    check(len(names) >= 9, f"the scripts that need h5py: {names}")
    for name in names:  # -I hides the script's folder: as Python finds right_python
        text = ("import sys, runpy; sys.path.insert(0, sys.argv[1]); del sys.argv[0]; "
                "sys.argv[0] += '/' + sys.argv.pop(1); runpy.run_path(sys.argv[0], "
                "run_name='__main__')")
        said = run(bare, "-c", text, SCRIPTS, name, "--help", says="usage: " + name, env=env)
        check("Traceback" not in said, said)
    need = ("import sys; sys.path.insert(0, sys.argv[1]); import right_python; "
            "sys.argv = ['x.py']; right_python.need('h5py', 'no_such_package')")
    said = run(bare, "-c", need, SCRIPTS, code=1, says="lacks h5py, no_such_package", env=env)
    check(said.startswith("x.py: found no Python 3 with") and said.count("\n") == 1, said)


# ---- packages

def tool_folder(work, *tools):
    """A folder with nothing on PATH but the shell's own tools."""
    folder = tempfile.mkdtemp(dir=work)
    for tool in ("bash", "cat", "env", "grep", "sed", "dirname", "readlink", *tools):
        os.symlink(shutil.which(tool), os.path.join(folder, tool))
    return folder


def check_setup(work):
    bash, setup = shutil.which("bash"), script("setup")
    folder = tool_folder(work, "id")
    text = run(bash, setup, code=1, says="no apt-get", env={"PATH": folder})
    for word in ("apt-get install cmake", "dnf install", "conda-forge", "spack install",
                 "libopenblas-openmp-dev", "Random123-devel"):
        check(word in text, f"setup's lists have {word!r}")

    # A stand-in for apt: it writes down how it was called.
    calls = os.path.join(work, "calls")
    open(calls, "w").close()
    write_program(os.path.join(folder, "apt-get"), f'#!{bash}\necho "$*" >> {calls}\n')
    os.remove(os.path.join(folder, "id"))
    write_program(os.path.join(folder, "id"), f"#!{bash}\necho 0\n")
    listing = 'for p; do case $p in -*) ;; *) echo "$p installed" ;; esac; done'
    write_program(os.path.join(folder, "dpkg-query"), f"#!{bash}\n{listing}\n")
    run(bash, setup, "--tests", env={"PATH": folder})
    check(os.path.getsize(calls) == 0, "nothing missing: apt-get is not called")

    write_program(os.path.join(folder, "dpkg-query"),
                  f"#!{bash}\n({listing}) | grep -v libyaml-dev\n")
    run(bash, setup, says="installing libyaml-dev", env={"PATH": folder})
    with open(calls) as file:
        lines = file.read().splitlines()
    check(len(lines) == 2 and lines[0].endswith(" update")
          and lines[1].endswith("--no-install-recommends libyaml-dev"), f"apt-get: {lines}")

    # Neither root nor sudo: say what to do, install nothing.
    write_program(os.path.join(folder, "id"), f"#!{bash}\necho 1000\n")
    run(bash, setup, "--yes", code=1, says="there is no sudo", env={"PATH": folder})
    run(bash, setup, "--wrong", code=64, says="--wrong", env={"PATH": folder})


# ---- build folders

def check_generators(work):
    """A folder that was configured for one generator is built by it, whatever is there."""
    folder = os.path.join(work, "project")
    os.makedirs(folder)
    with open(os.path.join(folder, "CMakeLists.txt"), "w") as file:
        file.write("cmake_minimum_required(VERSION 3.20)\nproject(p NONE)\n"
                   "add_custom_target(hello ALL COMMAND ${CMAKE_COMMAND} -E touch made)\n")
    with open(os.path.join(folder, "CMakePresets.json"), "w") as file:
        json.dump({"version": 3, "configurePresets": [
            {"name": "some", "generator": "Ninja", "binaryDir": "${sourceDir}/build"}]}, file)
    build = f". {script('common.sh')}; build_folder build hello --"
    for first in ("Unix Makefiles", "Ninja"):
        for options in ("-DCMAKE_BUILD_TYPE=Release", "--preset some"):
            shutil.rmtree(os.path.join(folder, "build"), ignore_errors=True)
            run("cmake", "-S", folder, "-B", os.path.join(folder, "build"), "-G", first)
            run("bash", "-ec", f"{build} {options}", cwd=folder)
            check(os.path.exists(os.path.join(folder, "build", "made")), f"{first} {options}")
    shutil.rmtree(os.path.join(folder, "build"))
    run("bash", "-ec", f"{build} -DCMAKE_BUILD_TYPE=Release", cwd=folder)
    with open(os.path.join(folder, "build", "CMakeCache.txt")) as file:
        check("CMAKE_GENERATOR:INTERNAL=Ninja" in file.read(), "Ninja where nothing is built")


# ---- launchers

# Stands in for `flotilla train`: trains until USR1, then takes 2 s to write a checkpoint.
STAND_IN = f"""#!{sys.executable}
import os, signal, sys, time
stop = []
signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
open(os.environ["SEEN"] + os.environ.get("OMPI_COMM_WORLD_RANK", "0"), "w").write(
    " ".join(sys.argv[1:]))
until = time.time() + float(os.environ["SECONDS_TO_TRAIN"])
while time.time() < until and not stop:
    time.sleep(0.05)
if stop:
    time.sleep(2)
    os._exit(75)  # at once: at its end Python gives USR1 back its deadly default
"""


def start_local(work, seconds, *options):
    program = os.path.join(work, "stand_in")
    write_program(program, STAND_IN)
    seen = os.path.join(work, "seen.")
    env = dict(os.environ, FLOTILLA=program, SEEN=seen, SECONDS_TO_TRAIN=str(seconds))
    config = os.path.join(ROOT, "configs", "coads.yaml")
    return seen, subprocess.Popen(
        [script("train_local.sh"), config, "2", *options], env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler))


def wait_for(paths):
    until = time.time() + 30
    while not all(os.path.exists(p) and os.path.getsize(p) for p in paths):
        check(time.time() < until, f"{paths} did not appear: the ranks never started")
        time.sleep(0.05)


def check_train_local(work):
    seen, process = start_local(work, 0.2, "--fresh", "--set", "train.steps=5")
    text, _ = process.communicate(timeout=60)
    check(process.returncode == 0, f"a finished run returns 0: {text}")
    for rank in "01":
        with open(seen + rank) as file:
            arguments = file.read()
        check(arguments.startswith("train ") and
              arguments.endswith("coads.yaml --fresh --set train.steps=5"), arguments)

    # TERM to the launcher, and Ctrl-C to its whole group as a terminal sends it.
    for name, send in (("TERM", lambda p: p.send_signal(signal.SIGTERM)),
                       ("Ctrl-C", lambda p: os.killpg(p.pid, signal.SIGINT))):
        for rank in "01":
            os.remove(seen + rank)
        seen, process = start_local(work, 60)
        wait_for([seen + "0", seen + "1"])
        send(process)
        text, _ = process.communicate(timeout=60)
        check(process.returncode == 75 and "--resume" in text,
              f"{name}: exit {process.returncode}, wanted 75 after the checkpoint: {text}")
    run(script("train_local.sh"), "no-such.yaml", code=1, says="no such config file")
    run(script("train_local.sh"), code=64, says="usage")


def stand_in_for_slurm(folder):
    """srun, mpirun, scontrol that write down how they are called; the file of calls."""
    calls = os.path.join(folder, "calls")
    for name in ("srun", "mpirun", "scontrol", "squeue"):
        write_program(os.path.join(folder, name),
                      f'#!/bin/sh\n[ "$*" = --version ] || echo "{name} $*" >> {calls}\n'
                      f'case {name} in [sm]*run) exit "$SRUN_CODE" ;; esac\n')
    return calls


def check_sbatch(work):
    """The ranks as Slurm or mpirun would start them; 75 queues the job again, anything else
    does not; of an array only the task."""
    for name, start in (("train.sbatch", "srun --mpi=pmix -c 3 "),
                        ("train_mpirun.sbatch", "mpirun ")):
        folder = tempfile.mkdtemp(dir=work)
        calls = stand_in_for_slurm(folder)
        write_program(os.path.join(folder, "flotilla"), "#!/bin/sh\n")
        env = dict(os.environ, PATH=f"{folder}:{os.environ['PATH']}", SLURM_JOB_ID="41",
                   SLURM_CPUS_PER_TASK="3", FLOTILLA=os.path.join(folder, "flotilla"))
        for code, array in ((0, None), (75, None), (75, "7"), (1, None)):
            open(calls, "w").close()
            env["SRUN_CODE"] = str(code)
            if array:
                env.update(SLURM_ARRAY_JOB_ID="40", SLURM_ARRAY_TASK_ID=array)
            run(script(name), "my-%a.yaml", "--set", "a=b %a", code=code, env=env)
            with open(calls) as file:
                lines = [line for line in file.read().splitlines() if "squeue" not in line]
            check(lines[0].startswith(start) and lines[0].endswith(
                f"train my-{array or '%a'}.yaml --set a=b {array or '%a'} --resume"), lines[0])
            wanted = [f"scontrol requeue {'40_' + array if array else '41'}"]
            check(lines[1:] == (wanted if code == 75 else []),
                  f"after {code}: {lines[1:]}, wanted {wanted} after 75 only")
            for variable in ("SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID"):
                env.pop(variable, None)
        run(script(name), code=64, says="usage", env=env)


def check_sbatch_twins(work):
    """Slurm copies a script away from the others, so the two repeat what they share."""
    parts = []
    for name in ("train.sbatch", "train_mpirun.sbatch"):
        with open(script(name)) as file:
            text = file.read()
        parts.append(text[text.index("# ---- the same"):text.index("# ---- end of what")])
    check(parts[0] == parts[1], "what train.sbatch and train_mpirun.sbatch share differs")


CHECKS = [check_affine, check_coads, check_coads_cut, check_bsds300, check_bench_streaming,
          check_python_is_found, check_generators, check_setup, check_train_local, check_sbatch,
          check_sbatch_twins]


def main():
    failed = False
    for one in CHECKS:
        with tempfile.TemporaryDirectory() as work:
            try:
                one(work)
            except AssertionError as error:
                failed = True
                print(f"{one.__name__}: {error}", file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
