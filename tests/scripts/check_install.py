"""The installed package serves a program of its own, found by CMake and by pkg-config.

Called as: check_install.py PROGRAM MPIEXEC. Installs the build that PROGRAM belongs to into a
temporary prefix, moves the prefix (a package must not depend on where it was put by CMake),
builds a consumer against it, and compares what it says of a trained model with
`flotilla logprob`: the same bits.
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np

CONSUMER_CMAKE = """
cmake_minimum_required(VERSION 3.22)
project(consumer LANGUAGES C)
find_package(flotilla REQUIRED)
add_executable(consumer consumer.c)
target_link_libraries(consumer PRIVATE flotilla::flotilla)
"""

# Scoring rows with a model pulls in HDF5, YAML, BLAS and the rest: whatever the linker must
# find. The rows are those of rows(): small multiples of 1/4, the same in float and double.
CONSUMER_C = """
#include <flotilla/flotilla.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 5, COLUMNS = 2 };

static int score(flo_context *context, const char *path)
{
    flo_model *model;
    if (flo_model_open(context, path, 1, &model) != FLO_OK) {
        fprintf(stderr, "%s\\n", flo_context_message(context));
        return 1;
    }
    flo_real x[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * COLUMNS; i++)
        x[i] = (flo_real)(i - 4) / 4;
    double log_prob[ROWS];
    flo_model_log_prob(model, 0, ROWS, x, NULL, log_prob);
    for (int i = 0; i < ROWS; i++)
        printf("%.17g\\n", log_prob[i]);
    flo_model_close(&model);
    return 0;
}

int main(int count, char **arguments)
{
    flo_context *context;
    if (count != 2 || flo_context_create(&context) != FLO_OK)
        return 2;
    const int result = score(context, arguments[1]);
    return flo_context_destroy(&context) == 0 ? result : 3;
}
"""

CONFIG = """
run: {directory: run, seed: 1, threads: 1}
data: {files: [train.h5]}
preprocess: [{kind: standardize}]
flow:
  layers:
    - {kind: lu_linear}
    - {kind: affine_coupling, mask: alternating, hidden: [8, 8]}
train: {batch: 64, lanes: 4, steps: 20}
"""


def run(command, **options):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, **options)
    if done.returncode != 0:
        sys.exit(f"check_install: {' '.join(command)} returned {done.returncode}:\n"
                 f"{done.stdout}")
    return done.stdout


def cache(build, name, default=""):
    with open(os.path.join(build, "CMakeCache.txt")) as file:
        found = re.search(rf"^{name}:[A-Z]+=(.*)$", file.read(), re.MULTILINE)
    return found.group(1) if found else default


def write(folder, name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def rows():
    return ((np.arange(10) - 4) / 4).reshape(5, 2).astype(np.float32)


def make_model(program, work):
    """A small trained model, and what the program says of rows() under it."""
    with h5py.File(os.path.join(work, "train.h5"), "w") as file:
        file["train"] = np.random.default_rng(1).normal(size=(500, 2)).astype(np.float32)
    with h5py.File(os.path.join(work, "rows.h5"), "w") as file:
        file["rows"] = rows()
    write(work, "config.yaml", CONFIG)
    run([program, "train", "config.yaml"], cwd=work)
    run([program, "logprob", "run", "rows.h5:rows", "-o", "scores.h5"], cwd=work)
    with h5py.File(os.path.join(work, "scores.h5")) as file:
        wanted = file["log_prob"][:]
    found = glob.glob(os.path.join(work, "run", "checkpoints", "best.h5"))
    found += sorted(glob.glob(os.path.join(work, "run", "checkpoints", "step-*.h5")))[::-1]
    return found[0], wanted


def expect_scores(consumer, model, wanted):
    text = run([consumer, model])
    scores = np.array([float(line) for line in text.split()])
    if scores.shape != wanted.shape or not (scores == wanted).all():
        sys.exit(f"check_install: {consumer} says {scores}, `flotilla logprob` {wanted}")


def main():
    build = os.path.dirname(os.path.abspath(sys.argv[1]))
    cmake = cache(build, "CMAKE_COMMAND", "cmake")
    compiler = cache(build, "CMAKE_C_COMPILER", "cc")
    with tempfile.TemporaryDirectory() as work:
        first, prefix = os.path.join(work, "first"), os.path.join(work, "prefix")
        run([cmake, "--install", build, "--prefix", first])
        shutil.move(first, prefix)
        model, wanted = make_model(os.path.join(prefix, "bin", "flotilla"), work)

        source, target = os.path.join(work, "consumer"), os.path.join(work, "build")
        os.mkdir(source)
        write(source, "CMakeLists.txt", CONSUMER_CMAKE)
        write(source, "consumer.c", CONSUMER_C)
        run([cmake, "-S", source, "-B", target, "-G", cache(build, "CMAKE_GENERATOR", "Ninja"),
             f"-DCMAKE_PREFIX_PATH={prefix}",
             f"-DCMAKE_C_COMPILER={compiler}"])
        run([cmake, "--build", target])
        expect_scores(os.path.join(target, "consumer"), model, wanted)

        packages = glob.glob(os.path.join(prefix, "**", "flotilla.pc"), recursive=True)
        if len(packages) != 1:
            sys.exit(f"check_install: found {packages}, wanted one flotilla.pc")
        env = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(packages[0]))
        flags = run(["pkg-config", "--cflags", "--libs", "flotilla"], env=env).split()
        plain = os.path.join(work, "plain")
        run([compiler, "-std=c11", os.path.join(source, "consumer.c"), "-o", plain, *flags])
        expect_scores(plain, model, wanted)


if __name__ == "__main__":
    main()
