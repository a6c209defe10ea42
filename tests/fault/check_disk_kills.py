"""SIGKILL at every system call by which a run changes its own files, and in the middle of
every write: --resume ends with the bits of a run that was never killed, and no file that
is half written was ever in place.

Called as: check_disk_kills.py PROGRAM MPIEXEC.
"""
import os
import signal
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import every, main, require  # noqa: E402
from disk import (PLACES, count, calls, failing, heal,  # noqa: E402
                  killed_at_the_last_checkpoint, prepare, same_ends, train)

CHANGES = ("write", "fsync", "rename", "ftruncate", "unlink", "mkdir")


def kill(flotilla, wanted, place, number, how, start=None):
    name = f"{place}-{number}-{how}" + ("-resumed" if start else "")
    part = failing(flotilla, name, number, how, start, **PLACES[place])
    arguments = ["--resume"] if start else []
    train(part, *arguments, code=-signal.SIGKILL)
    what = f"{name}: {' '.join(calls(part)[-1])}:"
    heal(part)
    result = train(part, "--resume")
    require("skipped" not in result.err, what, "a damaged file was in place:", result)
    same_ends(part, wanted, what)


def cases_of(flotilla, wanted, start, until):
    cases = []
    for place in ("checkpoints", "others"):
        arguments = ["--resume"] if start else []
        for number, (call, path) in enumerate(
                count(flotilla, place, *arguments, start=start), 1):
            if until and f"{call} {path}".startswith(until[place]):
                break
            if call in CHANGES:
                cases.append((flotilla, wanted, place, number, "kill", start))
            if call == "write":
                cases.append((flotilla, wanted, place, number, "half", start))
    return cases


def check_each_call(flotilla):
    wanted = prepare(flotilla)
    cases = cases_of(flotilla, wanted, None, None)
    base = killed_at_the_last_checkpoint(flotilla)
    # Of a resumed run, up to the first thing that it writes as any run does.
    cases += cases_of(flotilla, wanted, base, {"checkpoints": "open checkpoints/best.h5.tmp",
                                               "others": "write status.json"})
    every(kill, cases)
    print(len(cases), "kills survived")


if __name__ == "__main__":
    main(globals())
