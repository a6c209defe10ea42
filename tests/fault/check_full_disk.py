"""Real disks: one that fills up under a run and is freed again, one that is full from the
start, one that becomes read-only. A small file system in memory, in a mount namespace.

Called as: check_full_disk.py PROGRAM MPIEXEC.
"""
import contextlib
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (ERROR, STOPPED, Failure, end, files_below, main, require, same,  # noqa: E402
                     skip)
from runs import newest_step, prepare, same_files, same_runs, train, wait_for_line  # noqa: E402

INSIDE = "FLOTILLA_TEST_MOUNTS"


def enter_namespace():
    """What is mounted from here on is ours alone, and goes with us."""
    if INSIDE in os.environ:
        return
    for flags in (["-m"], ["-r", "-m"]):
        command = ["unshare", *flags, "--propagation", "private"]
        tried = subprocess.run([*command, "mount", "-t", "tmpfs", "none", "/mnt"],
                               capture_output=True, text=True)
        if tried.returncode == 0:
            os.environ[INSIDE] = "1"
            os.execvp("unshare", [*command, sys.executable, *sys.argv])
    skip(f"no mount namespace to fill a disk in: {tried.stderr}")


@contextlib.contextmanager
def disk(flotilla, size="4m"):
    """A file system of that size in the folder `disk`."""
    path = flotilla.path("disk")
    os.mkdir(path)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def remount(flotilla, how):
    subprocess.run(["mount", "-o", f"remount,{how}", flotilla.path("disk")], check=True)


def fill(flotilla, leave=0):
    """All but so many bytes of the disk."""
    free = os.statvfs(flotilla.path("disk"))
    size = free.f_bavail * free.f_frsize - leave
    with open(flotilla.path("disk", "filler"), "wb") as file:
        while size > 0:
            try:
                size -= os.write(file.fileno(), bytes(min(size, 1 << 16)))
            except OSError:
                return  # somebody else took the rest


def free(flotilla):
    os.remove(flotilla.path("disk", "filler"))


def wait_until(condition, process, what, seconds=60):
    until = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > until:
            raise Failure("not within", seconds, "s:", what, *end(process))
        time.sleep(0.002)


def checkpoints(flotilla):
    return sorted(name for name in os.listdir(flotilla.path("disk", "run", "checkpoints"))
                  if name.startswith("step-"))


def check_filled_and_freed(flotilla):
    prepare(flotilla, 10**9, "constant")
    with disk(flotilla):
        process = flotilla.start("train", "config.yaml", "--set", "run.directory=disk/run", "-q", "--max-seconds", "90",
                                 ranks=2)
        try:
            wait_for_line(flotilla, "disk/run", process)
            wait_until(lambda: len(checkpoints(flotilla)) > 2, process, "three checkpoints")
            fill(flotilla)
            lines = []
            while not any("checkpoint failed" in line for line in lines):
                lines.append(process.stderr.readline())
                require(lines[-1], "it ended:", *lines)
            for words in ("disk/run/checkpoints/", "No space left on device", "MB free there",
                          "free some space", "training goes on, older checkpoints stay"):
                require(words in lines[-1], words, "is not in", lines[-1])
            kept = checkpoints(flotilla)
            require(kept, "no older checkpoint stayed")
            free(flotilla)
            wait_until(lambda: checkpoints(flotilla)[-1] > kept[-1], process, "a new checkpoint")
            process.send_signal(signal.SIGUSR1)
            flotilla.finish(process, STOPPED)
        finally:
            if process.poll() is None:
                end(process)
        steps = flotilla.status("disk/run")["step"] + 20
        train(flotilla, "disk/run", "--resume", "-q", "--set", f"train.steps={steps}", ranks=3)
        train(flotilla, "whole", "-q", "--set", f"train.steps={steps}")
        same_runs(flotilla, "disk/run", "whole")


def check_too_small(flotilla):
    """Room for everything but checkpoints, from the first on."""
    prepare(flotilla, 120)
    with disk(flotilla):
        fill(flotilla, leave=48 << 10)
        for ranks, arguments in ((0, []), (2, ["--resume"])):
            result = train(flotilla, "disk/run", *arguments, ranks=ranks, code=ERROR)
            result.says("No space left on device")
            result.says("checkpoint failed: disk/run/checkpoints/best.h5: cannot be written")
            result.says("flotilla train: disk/run/checkpoints/best.h5: cannot be written", times=1)
            same(checkpoints(flotilla), [])
            same(newest_step(flotilla, "disk/run"), 120, "the run did not go on:", result)
            same(flotilla.status("disk/run")["state"], "failed")
        free(flotilla)
        train(flotilla, "disk/run", "--resume").says("no checkpoint was written yet")
        train(flotilla, "whole")
        same_runs(flotilla, "disk/run", "whole")


def check_refused(flotilla):
    """No room at all, or nothing that may be written: one message, and nothing changes."""
    prepare(flotilla, 30)
    with disk(flotilla):
        train(flotilla, "disk/run")
        before = files_below(flotilla.path("disk", "run"))
        for how, words in (("full", "No space left on device"), ("ro", "Read-only file system")):
            fill(flotilla) if how == "full" else remount(flotilla, "ro")
            for ranks, run, arguments in (
                    (0, "run", ["--resume", "--set", "train.steps=60"]), (0, "run", ["--fresh"]),
                    (3, "run", ["--resume", "--set", "train.steps=60"]), (0, "new", [])):
                result = train(flotilla, f"disk/{run}", *arguments, ranks=ranks, code=ERROR)
                result.says("flotilla train: disk/", words, times=1)
                same_files(files_below(flotilla.path("disk", "run")), before, how, arguments)
            free(flotilla) if how == "full" else remount(flotilla, "rw")
        same(sorted(os.listdir(flotilla.path("disk"))), ["new", "run"])
        same(flotilla.status("disk/run")["state"], "finished")


if __name__ == "__main__":
    enter_namespace()
    main(globals())
