"""A run that was stopped goes on as if it had not been: the same bits, on other ranks too.

Also what resuming must refuse, and what it does with damaged checkpoints. Called as:
check_resume.py PROGRAM MPIEXEC.
"""
import glob
import os
import shutil
import signal
import sys
import time

import h5py

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, STOPPED, files_below, main, normal_rows, require, same  # noqa: E402
from runs import (LONG, damage, newest_step, prepare, ranks_of, same_files,  # noqa: E402
                  same_runs, step_of, train, wait_for_line)


def stop(flotilla, run, number, ranks=0, to_rank=False, code=STOPPED):
    """Starts a run, sends it a signal in the middle, and returns where it stopped."""
    process = flotilla.start("train", "config.yaml", "--set", f"run.directory={run}",
                             ranks=ranks)
    wait_for_line(flotilla, run, process)
    os.kill(ranks_of(process)[-1] if to_rank else process.pid, number)
    result = flotilla.finish(process, code)
    state = flotilla.status(run)
    same(state["state"], "stopped", run, result)
    step = step_of(flotilla.last(run))
    same(state["step"], step, run)
    require(step < LONG, run, "was done before it was stopped", result)
    result.says(f"stopped at step {step}", times=1)
    return step


def check_max_seconds(flotilla):
    prepare(flotilla, LONG, "constant")
    result = train(flotilla, "run", "--max-seconds", "0.3", code=STOPPED)
    result.says("--resume", times=1)
    state = flotilla.status("run")
    same(state["state"], "stopped")
    stopped = state["step"]
    require(0 < stopped < LONG, "stopped at", stopped)
    same(step_of(flotilla.last("run")), stopped)
    require(newest_step(flotilla, "run") <= stopped)
    same(os.path.exists(flotilla.path("run", "test.json")), False, "test.json is there")
    more = ("--set", f"train.steps={stopped + 60}")
    train(flotilla, "run", "--resume", *more, ranks=3).says(f"at step {stopped}")
    same(flotilla.status("run")["state"], "finished")
    train(flotilla, "whole", *more)
    same_runs(flotilla, "run", "whole")
    # Under mpirun, with windows, stopped twice: the second time by another rank count.
    windows = ("--set", "data.window_rows=20")
    train(flotilla, "windows", "--max-seconds", "0.3", *windows, ranks=2, code=None)
    require(flotilla.status("windows")["state"] == "stopped", flotilla.status("windows"))
    train(flotilla, "windows", "--resume", "--max-seconds", "0.2", *windows, code=STOPPED)
    stopped = flotilla.status("windows")["step"]
    require(stopped < LONG, "stopped at", stopped)
    more = ("--set", f"train.steps={stopped + 33}", *windows)
    train(flotilla, "windows", "--resume", *more, ranks=4)
    train(flotilla, "windows-whole", *more)
    same_runs(flotilla, "windows", "windows-whole")


def check_signals(flotilla):
    prepare(flotilla, LONG, "constant")
    runs = {"term": stop(flotilla, "term", signal.SIGTERM),
            "int": stop(flotilla, "int", signal.SIGINT),
            "usr1": stop(flotilla, "usr1", signal.SIGUSR1),
            # mpirun forwards USR1 to every rank, and returns what they return.
            "mpirun": stop(flotilla, "mpirun", signal.SIGUSR1, ranks=3),
            # One rank is told; all stop at the same step. mpirun returns the first code.
            "rank": stop(flotilla, "rank", signal.SIGTERM, ranks=3, to_rank=True)}
    end = max(runs.values()) + 20
    train(flotilla, "whole", "--set", f"train.steps={end}")
    for number, run in enumerate(runs):
        train(flotilla, run, "--resume", "--set", f"train.steps={end}",
              ranks=(0, 2, 4, 1, 3)[number])
        same_runs(flotilla, run, "whole", run)


def check_interrupted_mpirun(flotilla):
    """Ctrl-C and TERM to mpirun itself: it sends TERM a second later, kills the ranks after
    another and returns 1, but what they saved in that second is whole, and they say so."""
    prepare(flotilla, 1000000, "constant")
    for number in (signal.SIGTERM, signal.SIGINT):
        for attempt in range(3):  # a second may be too short where a disk is slow
            run = f"{number.name}-{attempt}"
            # Quiet: by now mpirun reads no output, and who fills the pipe is stuck.
            process = flotilla.start("train", "config.yaml", "--set",
                                     f"run.directory={run}", "-q", ranks=2)
            wait_for_line(flotilla, run, process)
            process.send_signal(number)
            flotilla.finish(process, None)
            state = flotilla.status(run)
            if state["state"] == "stopped":
                break
        same(state["state"], "stopped", run, state)
        same(step_of(flotilla.last(run)), state["step"])
        steps = state["step"] + 10
        train(flotilla, run, "--resume", "--set", f"train.steps={steps}")
        same(flotilla.status(run)["step"], steps)


def check_middle_of_an_epoch(flotilla):
    """Resumed from each checkpoint on the way, in the middle of windows, which are read
    ahead while the whole run had all rows in memory: the end is always the same."""
    prepare(flotilla)
    windows = ("--set", "data.window_rows=45", "--set", "checkpoint.keep=100",
               "--set", "checkpoint.every=45")
    train(flotilla, "whole", *windows, ranks=2)
    require("data: resident" in flotilla.read("whole", "log.txt"))
    for number, step in enumerate((45, 90, 135)):
        run = f"from-{step}"
        shutil.copytree(flotilla.path("whole"), flotilla.path(run))
        for path in glob.glob(flotilla.path(run, "checkpoints", "step-*.h5")):
            if step_of(path) > step:
                os.remove(path)
        # As a killed run leaves it: lines behind the checkpoint, the last one torn.
        os.remove(flotilla.path(run, "test.json"))
        lines = flotilla.read("whole", "metrics.jsonl").splitlines(keepends=True)
        flotilla.write(f"{run}/metrics.jsonl", "".join(lines[:-1]) + lines[-1][:30])
        result = train(flotilla, run, "--resume", *windows, "--set", "data.memory=1MiB",
                       ranks=number + 1)
        result.says(f"resuming from {run}/checkpoints/step-{step:010d}.h5 at step {step}",
                    "data: streaming", times=1)
        same_runs(flotilla, run, "whole", run)


def check_starting(flotilla):
    """--resume starts what never was, ends at once what is finished; without a flag an
    old run is refused; --fresh moves it aside."""
    prepare(flotilla, steps=60)
    train(flotilla, "run", "--resume", ranks=2)
    same(flotilla.status("run")["state"], "finished")
    before = files_below(flotilla.path("run"))

    def changed():
        now = files_below(flotilla.path("run"))
        return sorted(name for name in now.keys() | before.keys()
                      if now.get(name) != before.get(name)
                      and name not in ("log.txt", "lock", "status.json"))

    train(flotilla, "run", "--resume", ranks=3).says("finished already at step 60", times=1)
    same(changed(), [], "files that changed by resuming a finished run:")
    same(flotilla.status("run")["state"], "finished")
    for ranks in (0, 3):
        result = train(flotilla, "run", ranks=ranks, code=ERROR)
        result.says("--resume", "--fresh", "already holds a run", times=1)
        same(changed(), [], "files that changed by a refused start:")
        same(flotilla.status("run")["state"], "finished", "the refused start")
    # More steps go on from where the finished run ended; the schedule is a longer one.
    train(flotilla, "run", "--resume", "--set", "train.steps=80").says("at step 60")
    same(flotilla.status("run")["step"], 80)
    before = files_below(flotilla.path("run"))
    train(flotilla, "run", "--fresh", ranks=2)
    same(flotilla.status("run")["step"], 60)
    moved = files_below(flotilla.path("run.old-1"))
    for name in before:
        require(name == "lock" or moved.get(name) == before[name], "moved aside:", name)
    # What --fresh cannot start must not move the old run away.
    train(flotilla, "run", "--fresh", "--set", "data.train=none", code=ERROR)
    same(os.path.exists(flotilla.path("run.old-2")), False, "run.old-2 is there")


def check_damaged(flotilla):
    prepare(flotilla, steps=150)
    train(flotilla, "whole")
    for how in ("bit", "truncated", "empty"):
        shutil.copytree(flotilla.path("whole"), flotilla.path(how))
        newest = flotilla.last(how)
        damage(newest, how)
        result = train(flotilla, how, "--resume", ranks=2)
        result.says(f"skipped {how}/checkpoints/{os.path.basename(newest)}",
                    "resuming from", "at step 100", times=1)
        require(f"skipped {how}/checkpoints" in flotilla.read(how, "log.txt"))
        same_runs(flotilla, how, "whole", how)
    # The best is lost, which is told; the validations after it make another.
    shutil.copytree(flotilla.path("whole"), flotilla.path("best"))
    for path in (flotilla.last("best"), flotilla.path("best", "checkpoints", "best.h5")):
        damage(path, "bit")
    result = train(flotilla, "best", "--resume", ranks=2)
    result.says("skipped best/checkpoints/best.h5", "of step 100, are lost", times=1)
    same_runs(flotilla, "best", "whole")
    # Also where they are worse than the one that is lost.
    worse = ("--set", "train.learning_rate=0.2", "--set", "train.average=0",
             "--set", "train.schedule=constant")
    train(flotilla, "worse", *worse, "--set", "train.steps=100")
    require(flotilla.state("worse", "checkpoints", "best.h5")["run.step"] < 100)
    damage(flotilla.path("worse", "checkpoints", "best.h5"), "bit")
    train(flotilla, "worse", "--resume", *worse, "--set", "train.steps=120")
    same(flotilla.state("worse", "checkpoints", "best.h5")["run.step"], 120)
    before = files_below(flotilla.path("whole", "checkpoints"))
    for path in glob.glob(flotilla.path("whole", "checkpoints", "step-*.h5")):
        damage(path, "bit")
    for ranks in (0, 3):
        train(flotilla, "whole", "--resume", ranks=ranks, code=ERROR).says(
            "none of its 3 checkpoints is whole", "--fresh", times=1)
    same(sorted(files_below(flotilla.path("whole", "checkpoints"))), sorted(before))
    # A verb that is given a damaged model says which file and why.
    for verb in (["evaluate", flotilla.last("whole"), "data.h5:test"],
                 ["sample", flotilla.last("whole"), "-n", "5", "-o", "samples.h5"]):
        flotilla.run(*verb, ranks=2, code=ERROR).says(flotilla.last("whole"), times=1)
    same(os.path.exists(flotilla.path("samples.h5")), False, "samples.h5 is there")


def check_changes(flotilla):
    """What may change between a stop and a resume, and what is refused by name."""
    prepare(flotilla, steps=50)
    train(flotilla, "run")
    before = files_below(flotilla.path("run"))
    refused = {"run.seed": "6", "train.batch": "101", "train.lanes": "7",
               "train.learning_rate": "2e-3", "train.optimizer": "sgd",
               "train.average": "0", "flow.layers[2].dropout": "0.2",
               "flow.layers[2].hidden": "[24, 25]", "data.window_rows": "5",
               "data.validation": "0.2", "preprocess": "[]", "data.columns": "[0, 1]"}
    for number, (key, value) in enumerate(refused.items()):
        result = train(flotilla, "run", "--resume", "--set", f"{key}={value}",
                       "--set", "train.steps=70", code=ERROR,
                       ranks=3 if number % 4 == 0 else 0)
        # An item of a list has its index behind the key.
        result.says(f"flotilla train: {key}", ": found another value",
                    "wanted the same for --resume", times=1)
        same_files(files_below(flotilla.path("run")), before, key)
    allowed = {"train.steps": "60", "train.patience": "1000", "train.max_bad_steps": "3",
               "checkpoint.every": "7", "checkpoint.keep": "1", "report.every": "3",
               "report.samples": "20", "comm.bucket_mb": "1",
               "comm.timeout_seconds": "60", "comm.shared_ranks": "1", "run.threads": "2",
               "data.memory": "3MiB", "data.files": "[copy.h5]"}
    shutil.copyfile(flotilla.path("data.h5"), flotilla.path("copy.h5"))
    sets = [word for key, value in allowed.items() for word in ("--set", f"{key}={value}")]
    os.rename(flotilla.path("run"), flotilla.path("moved"))
    train(flotilla, "moved", "--resume", *sets)
    same(flotilla.status("moved")["step"], 60)


def check_failed_starts(flotilla):
    """What could not start leaves nothing behind, and is no run afterwards."""
    prepare(flotilla, steps=5)
    for flag in ([], ["--resume"], ["--fresh"]):
        train(flotilla, "run", *flag, "--set", "data.train=none", ranks=0 if flag else 2,
              code=ERROR)
        same(os.path.exists(flotilla.path("run")), False, flag, "a run directory is there")
    train(flotilla, "run")
    before = files_below(flotilla.path("run"))
    for flag in ([], ["--resume"], ["--fresh"]):
        train(flotilla, "run", *flag, "--set", "data.train=none", code=ERROR)
        same_files(files_below(flotilla.path("run")), before, flag)


def check_killed(flotilla):
    """Killed before the first checkpoint, and after: nothing is counted twice."""
    prepare(flotilla, LONG, "constant")
    end = 0
    for run, every in (("early", 100000), ("late", 30)):
        process = flotilla.start("train", "config.yaml", "--set", f"run.directory={run}",
                                 "--set", f"checkpoint.every={every}")
        until = time.monotonic() + 60
        while time.monotonic() < until and not (
                glob.glob(flotilla.path(run, "checkpoints", "step-*.h5"))
                if run == "late" else newest_step(flotilla, run)):
            time.sleep(0.005)
        process.kill()
        process.communicate()
        same(flotilla.status(run)["state"], "running")
        end = max(end, newest_step(flotilla, run) + 30)
    require(end < LONG, "the runs were done before they were killed:", end)
    train(flotilla, "whole", "--set", f"train.steps={end}")
    for ranks, run in ((2, "early"), (3, "late")):
        train(flotilla, run, "--resume", "--set", f"train.steps={end}", ranks=ranks)
        same_runs(flotilla, run, "whole", run)


def check_other_data(flotilla):
    prepare(flotilla, steps=50)
    train(flotilla, "run")
    more = ("--resume", "--set", "train.steps=60")
    rows = normal_rows(1234, 6, seed=1)
    for name, other in (("value", rows + 1e-3), ("rows", rows[:-1]),
                        ("columns", rows[:, :5]), ("order", rows[::-1])):
        flotilla.data("data.h5", {"train": other, "test": normal_rows(300, len(other[0]))})
        result = train(flotilla, "run", *more, ranks=2 * (name == "value"), code=ERROR)
        if name == "rows":
            result.says("the training data changed", "found 1100 rows", "wanted 1101 rows",
                        times=1)
        elif name != "columns":  # those are found sooner, by the shape of the model
            result.says("the training data changed", "same shape, but other values", times=1)
    # The same numbers, stored otherwise, at another time, in another type: the same data, but
    # where rows would come in another order.
    for chunk_rows in (7, 300):
        with h5py.File(flotilla.path("data.h5"), "w") as file:
            file.create_dataset("train", data=rows.astype("f8"), chunks=(chunk_rows, 6),
                                compression="gzip")
            file.create_dataset("test", data=normal_rows(300, 6, seed=2))
        if chunk_rows == 7:
            train(flotilla, "run", *more, code=ERROR).says("in other files or chunks", times=1)
    train(flotilla, "run", *more)
    same(flotilla.status("run")["step"], 60)


def check_kept_checkpoints(flotilla):
    prepare(flotilla, steps=130)
    for keep in (1, 2):
        run = f"keep-{keep}"
        train(flotilla, run, "--set", f"checkpoint.keep={keep}",
              "--set", "checkpoint.every=20")
        steps = sorted(step_of(p) for p in
                       glob.glob(flotilla.path(run, "checkpoints", "step-*.h5")))
        same(steps, [120, 130][2 - keep:], run)
        require(os.path.exists(flotilla.path(run, "checkpoints", "best.h5")))
        same(sorted(os.listdir(flotilla.path(run, "checkpoints")))[1:],
             [f"step-{step:010d}.h5" for step in steps], "nothing else is left:")


def check_second_job(flotilla):
    """While a run is going on, another is refused on any flag."""
    prepare(flotilla, 100000, "constant")
    process = flotilla.start("train", "config.yaml", ranks=2)
    wait_for_line(flotilla, "run", process)
    try:
        for flag in ([], ["--resume"], ["--fresh"]):
            flotilla.run("train", "config.yaml", *flag, ranks=2, code=ERROR)
        same(flotilla.status("run")["state"], "running")
    finally:
        process.send_signal(signal.SIGUSR1)
        flotilla.finish(process, None)
    same(flotilla.status("run")["state"], "stopped")


if __name__ == "__main__":
    main(globals())
