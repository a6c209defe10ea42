"""Starts a script again under a Python that has what it needs, where this one has not.

The packages of scripts/setup belong to the system's Python; another that leads on PATH (a
virtual environment, conda, pyenv) may lack them. A script begins with

    if __name__ == "__main__":
        import right_python
        right_python.need("h5py", "numpy")

as common.sh does for the shell scripts.
"""
import importlib
import os
import shutil
import subprocess
import sys

MARK = "FLOTILLA_PYTHON_FROM"  # who started us again: once is enough


def missing(modules):
    """Those that cannot be imported here: not there, or broken."""
    lacks = []
    for name in modules:
        try:
            importlib.import_module(name)
        except ImportError:
            lacks.append(name)
    return lacks


def has(python, modules):
    done = subprocess.run([python, "-c", "import " + ", ".join(modules)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL)
    return done.returncode == 0


def need(*modules):
    """Comes back where this Python has the modules, and else not at all."""
    lacks = missing(modules)
    if not lacks:
        return
    if MARK not in os.environ:
        for candidate in ("/usr/bin/python3", "python3", "python"):
            python = shutil.which(candidate)
            if python and has(python, modules):
                os.environ[MARK] = sys.executable
                sys.stdout.flush()
                os.execv(python, [python, *sys.argv])
    sys.exit(f"{os.path.basename(sys.argv[0])}: found no Python 3 with {', '.join(modules)}; "
             f"{sys.executable} lacks {', '.join(lacks)}; scripts/setup installs what the "
             "scripts need")
