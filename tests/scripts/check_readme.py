"""Runs every command that README.md shows, in order, in a copy of the tree.

Called as: check_readme.py PROGRAM MPIEXEC. The page builds its own program. Left out is the
line `scripts/test`, which is what runs this. Slurm is played by two stand-ins: sbatch runs the
script, once for each task of an array; srun starts the ranks with MPIEXEC (tests/slurm has a
real Slurm).
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LEFT_OUT = ("scripts/test",)

SBATCH = """#!/bin/sh
while [ "${1#--}" != "$1" ]; do
  case $1 in --array=*-*) range=${1#--array=}; tasks=$(seq "${range%-*}" "${range#*-}") ;; esac
  shift
done
export SLURM_JOB_ID=1
[ -n "$tasks" ] || exec bash "$@"
for SLURM_ARRAY_TASK_ID in $tasks; do
  export SLURM_ARRAY_TASK_ID SLURM_ARRAY_JOB_ID=1
  bash "$@" || exit
done
"""
SRUN = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -c ] && shift; shift; done
exec MPIEXEC --oversubscribe --bind-to none -n 2 "$@"
"""


def copy_tree(target):
    """What git tracks or would track: no build folders, no runs."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True).stdout
    for name in listing.decode().split("\0"):
        if name and os.path.isfile(os.path.join(ROOT, name)):
            os.makedirs(os.path.join(target, os.path.dirname(name)), exist_ok=True)
            shutil.copy2(os.path.join(ROOT, name), os.path.join(target, name))


def write_tool(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, 0o755)


def run(command, folder, environment, what):
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit(f"README.md: this failed with {done.returncode}:\n{what}\n{done.stdout}")


def commands(block):
    """Lines without their comments; lines that end in a backslash go on."""
    text = re.sub(r"\\\n", " ", block)
    lines = [re.sub(r"\s+#.*", "", line).strip() for line in text.splitlines()]
    return [line for line in lines if line and line.split()[0] not in LEFT_OUT]


def main():
    mpiexec = sys.argv[2]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", open(f"{ROOT}/README.md").read(),
                        re.M | re.S)
    kinds = [kind for kind, _ in blocks]
    if kinds.count("sh") < 4 or kinds.count("python") < 2 or "yaml" not in kinds:
        sys.exit(f"README.md: found blocks {kinds}: is this test still reading it right?")
    with tempfile.TemporaryDirectory() as work:
        tree, tools = os.path.join(work, "tree"), os.path.join(work, "tools")
        os.mkdir(tools)
        copy_tree(tree)
        write_tool(tools, "sbatch", SBATCH)
        write_tool(tools, "srun", SRUN.replace("MPIEXEC", mpiexec))
        # `python3` on this page is one that has h5py: the one that runs this.
        os.symlink(sys.executable, os.path.join(tools, "python3"))
        environment = dict(os.environ, PATH=tools + os.pathsep + os.environ["PATH"])
        environment.pop("OMP_NUM_THREADS", None)
        for kind, block in blocks:
            if kind == "sh":
                for line in commands(block):
                    run(["bash", "-c", line], tree, environment, line)
            elif kind == "python":
                run([sys.executable, "-c", block], tree, environment, block)
            elif kind == "yaml":
                with open(os.path.join(tree, "shown.yaml"), "w") as file:
                    file.write(block)
                run(["build/release/flotilla", "train", "shown.yaml", "--check"], tree,
                    environment, block)


main()
