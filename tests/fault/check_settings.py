"""What may change between a stop and a resume: every setting that `flotilla config` prints is
either refused by name or allowed by the message that refuses others, and does what it says.

Called as: check_settings.py PROGRAM MPIEXEC.
"""
import os
import re
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from support import (DONE, ERROR, every, files_below, main, normal_rows,  # noqa: E402
                     require)
from runs import same_files  # noqa: E402
from disk import STEPS, prepare, train  # noqa: E402

# Values that the defaults do not lead to.
OTHERS = {
    "run.directory": "moved", "run.threads": "2",
    "data.files": "copy.h5", "data.train": "more", "data.validation": "0.3",
    "data.test": "more", "data.columns": "[0, 1]", "data.context": "[2]",
    "data.categories": "[2]", "context_categories": "[{column: 0, values: [1]}]",
    "data.weights": "2", "data.period": "{0: 360}", "report.draws": "5",
    "data.window_rows": "7", "data.memory": "3MiB",
    "flow.direction": "sampling", "flow.base": "{kind: student_t}",
    "flow.layers": "[{kind: lu_linear}]",
    "train.steps": str(STEPS + 4), "train.epochs": "3", "train.average": "0.25",
    "train.lanes": "3", "train.batch": "41", "train.clip": "2",
    "preprocess": "[]", "preprocess_context": "[]",
    "objective": "{kind: reverse_kl, target: {kind: correlated_normal, features: 3}}",
}
# Where another message comes first.
REFUSALS = {"flow.direction": "flow.direction: sampling",
            "data.categories": "data.categories: found",
            "data.period": "layers that keep angles on their circle",
            "context_categories": "context_categories[0].column",
            "objective": "flow.direction"}


def settings(flotilla):
    """(path, default, help) of every setting of the sections."""
    found, section = [], None
    for line in flotilla.run("config").out.split("# Presets:")[0].splitlines():
        if re.match(r"\w+:  #", line):
            section = line.split(":")[0]
        elif section and (match := re.match(r"  (\w+): +(.*?) *# (.*)", line)):
            found.append([f"{section}.{match[1]}", match[2], match[3]])
        elif found and (match := re.match(r" +# (.*)", line)):
            found[-1][2] += " " + match[1]
        elif match := re.match(r"#   (preprocess\w*|context_categories):", line):
            found.append([match[1], "", ""])
    return found + [["objective", "", ""]]


def other(path, default, text):
    """Another value of the setting."""
    if path in OTHERS:
        return OTHERS[path]
    if match := re.search(r"one of ([\w, ]+)", text):
        return next(word for word in match[1].split(", ") if word != default)
    require(re.fullmatch(r"[0-9.e-]+", default), "another value for", path, "is wanted here")
    return str(int(default) + 1) if default.isdigit() else str(float(default) / 2)


def check_every_setting(flotilla):
    prepare(flotilla)
    for name in ("copy.h5", "data.h5"):
        rows = {"train": normal_rows(240, 3, seed=1), "test": normal_rows(50, 3, seed=2)}
        flotilla.data(name, {**rows, "more": rows["test"]})
    whole = flotilla.part("base")
    train(whole)
    before = files_below(whole.path("run"))
    refusal = train(whole, "--resume", "--set", "run.seed=6", code=ERROR)
    allowed = re.search(r"These may change: (.*)", refusal.err)[1].split(", ")
    found = settings(flotilla)
    require(len(found) > 40, found)
    require({"run.seed", "data.files", "flow.layers", "train.patience", "checkpoint.keep",
             "report.samples", "comm.bucket_mb", "preprocess"} <= {row[0] for row in found},
            found)

    def check(path, value):
        part = whole.part(path)
        run = value if path == "run.directory" else "run"
        shutil.copytree(whole.path("run"), part.path(run))
        sets = {"train.steps": 0 if path == "train.epochs" else STEPS + 2, path: value}
        may = any(path == name or path.startswith(name + ".") for name in allowed)
        result = train(part, "--resume", code=DONE if may else ERROR,
                       *[word for key in sets for word in ("--set", f"{key}={sets[key]}")])
        if may:
            require(part.status(run)["step"] > STEPS, path, "did not go on:", result)
        else:
            result.says(REFUSALS.get(path, f"flotilla train: {path}"), times=1)
            same_files(files_below(part.path("run")), before, path)

    every(check, [(path, other(path, default, text)) for path, default, text in found])


if __name__ == "__main__":
    main(globals())
