"""A small run whose system calls can be made to fail one by one, by tests/fail_calls.so."""
import os
import re
import shutil
import signal

from support import TIMES, files_below, normal_rows, require, same

CONFIG = """
run: {directory: run, seed: 5, threads: 1}
data: {files: [data.h5], validation: 0.2, test: test}
preprocess: [{kind: standardize}]
flow: {layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [8]}]}
train: {batch: 40, lanes: 2, steps: 9, learning_rate: 1e-2, average: 0.5}
checkpoint: {every: 3, keep: 2}
report: {every: 4, validate_every: 3, sample_every: 5, samples: 20}
"""
STEPS = 9
LAST = "checkpoints/step-0000000009.h5"
# Samples of a step on the way, which are not drawn again when they could not be written.
ON_THE_WAY = "samples/step-0000000005.h5"


def prepare(flotilla):
    """Data, config, and the ends of a run that nothing disturbs."""
    flotilla.data("data.h5", {"train": normal_rows(240, 3, seed=1),
                              "test": normal_rows(50, 3, seed=2)})
    flotilla.write("config.yaml", CONFIG)
    whole = flotilla.part("whole")
    train(whole)
    found = ends(whole)
    same(sorted(found), sorted(["checkpoints/best.h5", LAST, "config.yaml", "metrics.jsonl",
                                ON_THE_WAY, "samples/step-0000000009.h5", "test.json"]))
    best = [line["validation_log_likelihood"] for line in whole.metrics("run")
            if "validation_log_likelihood" in line]
    require(best[0] < best[1] < best[2], "wanted a new best at each validation:", best)
    return found


def train(flotilla, *more, code=0):
    return flotilla.run("train", "config.yaml", "-q", *more, code=code)


def is_older(name):
    return re.fullmatch(r"checkpoints/step-\d{10}\.h5", name) and name != LAST


def ends(flotilla, run="run"):
    """What a run leaves that must be the same, bit for bit, whatever befell it: all but
    what tells of the machine and of the time, and older checkpoints: which are there
    depends on which were written."""
    found = {name: content for name, content in files_below(flotilla.path(run)).items()
             if name not in ("log.txt", "lock", "status.json") and not is_older(name)}
    found["metrics.jsonl"] = re.sub(rb', "(%s)": [^,}]*' % "|".join(TIMES).encode(), b"",
                                    found.get("metrics.jsonl", b""))
    return found


def same_ends(flotilla, wanted, *what, but=()):
    found = ends(flotilla)
    same(sorted(found.keys() - set(but)), sorted(wanted.keys() - set(but)), *what, "files:")
    same([name for name in wanted if name not in but and found[name] != wanted[name]], [],
         *what, "other bits:")


def failing(flotilla, name, number, how, start=None, **more):
    """A place for a run whose call `number` fails; it goes on from the run of `start`.
    `below` and `but` are parts of the run directory; the other names are those of
    fail_calls.c."""
    part = flotilla.part(name)
    if start:
        shutil.copytree(start.path("run"), part.path("run"))
    library = os.path.join(os.path.dirname(flotilla.program), "tests", "fail_calls.so")
    require(os.path.exists(library), library, "is not built")
    part.environment = dict(
        part.environment, LD_PRELOAD=library, FAIL_NUMBER=str(number), FAIL_HOW=str(how),
        FAIL_LIST=part.path("calls.txt"), FAIL_BELOW=part.path("run" + more.pop("below", "")),
        **({"FAIL_EXCEPT": part.path("run" + more.pop("but"))} if "but" in more else {}),
        **{"FAIL_" + key.upper(): str(value) for key, value in more.items()})
    return part


def heal(part):
    """From here on its calls succeed."""
    part.environment = {key: value for key, value in part.environment.items()
                        if key != "LD_PRELOAD"}


def calls(part):
    """The calls that counted, in their order: (call, path below the run)."""
    lines = [line.split() for line in part.read("calls.txt").splitlines()]
    return [(call, os.path.relpath(path, part.path("run"))) for call, path in lines]


# Checkpoints are written by a thread of their own: their calls are counted by themselves,
# so that the same number is the same call in every run.
PLACES = {"checkpoints": {"below": "/checkpoints"}, "others": {"but": "/checkpoints"},
          "all": {}}


def count(flotilla, place, *arguments, start=None, **more):
    """The calls of a run in one of the PLACES."""
    part = failing(flotilla, f"listed-{place}-{bool(start)}-{'-'.join(more)}", 0, "", start,
                   **PLACES[place], **more)
    train(part, *arguments)
    return calls(part)


def killed_at_the_last_checkpoint(flotilla):
    """A run that was killed when its last checkpoint was written but not in place: best.h5
    is newer than the newest checkpoint, metrics go further, a temporary file is left."""
    part = failing(flotilla, "killed", 1, "kill", below="/" + LAST, calls="rename")
    train(part, code=-signal.SIGKILL)
    same(sorted(f for f in files_below(part.path("run")) if ".tmp." in f)[0].split(".tmp.")[0],
         LAST)
    same([part.status("run")[key] for key in ("state", "step")],
         ["running", part.metrics("run")[-1]["step"]], "status.json of a killed run")
    heal(part)
    return part
