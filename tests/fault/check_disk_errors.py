"""Every system call of a run on its own files fails once, or from some time on: the run
goes on and tells it, and what is missing is made up for, by itself or by --resume.

Called as: check_disk_errors.py PROGRAM MPIEXEC.
"""
import errno
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import DONE, ERROR, every, main, require, same  # noqa: E402
from disk import (LAST, ON_THE_WAY, PLACES, STEPS, calls, count, failing, heal,  # noqa: E402
                  killed_at_the_last_checkpoint, prepare, same_ends, train)

# What disks and file servers say, in turn.
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT)


def is_on_the_way(listed, number):
    """Whether a call is of the status.json of a run that goes on, which the next one makes
    up for: only the first and the last are made durable."""
    call, path = listed[number - 1]
    if not path.startswith("status.json") or call == "unlink":
        return False
    calls_of_it = [i for i, (_, other) in enumerate(listed, 1) if other.startswith("status.json")]
    ends = [0] + [i for i in calls_of_it if listed[i - 1][0] == "rename"]
    first = max(i for i in ends if i < number)
    last = min(i for i in ends if i >= number)
    return not any(first < i <= last and listed[i - 1][0] == "fsync" for i in calls_of_it)


def must_be_told(call, path):
    """What makes a run end with an error even if nothing is missing in the end. A line of
    metrics is written with the next."""
    if path in ("log.txt", "metrics.jsonl", "lock"):
        return False
    return call in ("write", "fsync", "rename") or (call, path[:12]) == ("open", "checkpoints/")


def log_of(part):
    return part.read("run", "log.txt") if os.path.exists(part.path("run", "log.txt")) else ""


def fail(flotilla, wanted, place, number, how, start=None, always=None, on_the_way=False):
    """One run with a call that fails (`always`: those calls from there on), and after it,
    if need be, one that goes on. `on_the_way`: see is_on_the_way."""
    name = f"{place}-{number}-{how}" + ("-resumed" if start else "")
    more = {"calls": always, "times": 10**9} if always else {}
    part = failing(flotilla, name, number, how, start, **PLACES[place], **more)
    result = train(part, *(["--resume"] if start else []), code=None)
    call, path = calls(part)[number - 1]
    what = f"{name}: {call} {path}:"
    require(result.code in ((DONE,) if on_the_way else (DONE, ERROR)), what, result)
    path = path.split(".tmp.")[0]
    but = [ON_THE_WAY] if path in (ON_THE_WAY, "samples") or always else []
    if result.code == DONE:
        require(start or on_the_way or not must_be_told(call, path), what,
                "was not told:", result)
        require(not on_the_way or os.path.join("run", path) in result.err, what, result)
        if call == "unlink":  # what could not be removed goes at the next start
            heal(part)
            train(part, "--resume")
        same_ends(part, wanted, what)
        return
    told = result.err + log_of(part)
    require(os.path.join("run", path) in told or path == ".", what, "is not named in", told)
    if os.path.dirname(path) == "checkpoints" and path != LAST and not always:
        same(part.status("run")["step"], STEPS, what, "did not go on:", result)
    heal(part)
    train(part, "--resume")
    same_ends(part, wanted, what, "resumed:", but=but)


def check_each_call(flotilla):
    wanted = prepare(flotilla)
    cases = []
    for place in ("checkpoints", "others"):
        listed = count(flotilla, place)
        for number, (call, path) in enumerate(listed, 1):
            way = is_on_the_way(listed, number)
            if call == "close" and ".tmp." not in path and path != "metrics.jsonl":
                continue  # nothing was written to it
            cases.append((flotilla, wanted, place, number, ERRORS[number % len(ERRORS)],
                          None, None, way))
            if call == "write":
                cases.append((flotilla, wanted, place, number, "short", None, None, way))
    every(fail, cases)
    print(len(cases), "calls failed")


def check_a_disk_that_stays_full(flotilla):
    """From a write on no other succeeds."""
    wanted = prepare(flotilla)
    writes = len(count(flotilla, "all", calls="write"))
    every(fail, [(flotilla, wanted, "all", number, errno.ENOSPC, None, "write")
                 for number in range(1, writes + 1)])
    print(writes, "times a disk filled up")


def check_each_call_of_a_resume(flotilla):
    """Up to the first thing that it writes as any run does."""
    wanted = prepare(flotilla)
    base = killed_at_the_last_checkpoint(flotilla)
    cases = []
    for place, until in (("checkpoints", "open checkpoints/best.h5.tmp"),
                         ("others", "rename status.json")):
        for number, (call, path) in enumerate(
                count(flotilla, place, "--resume", start=base), 1):
            if f"{call} {path}".startswith(until):
                break
            cases.append((flotilla, wanted, place, number, errno.EIO, base))
    every(fail, cases)
    print(len(cases), "calls failed")


if __name__ == "__main__":
    main(globals())
