"""Conditional flows: the context's own steps, in training, scores and samples.

Called as: check_conditional.py PROGRAM MPIEXEC.
"""
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, main, near, require, same, same_arrays  # noqa: E402

CONFIG = """
run: {directory: run, seed: 2, threads: 1}
data: {files: [data.h5], validation: validation, test: test, context: "given/{split}"}
preprocess: [{kind: standardize}]
flow:
  layers:
    - {repeat: 2, layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [12]}]}
train: {batch: 100, lanes: 8, steps: 120, learning_rate: 1e-2, warmup_steps: 10}
report: {every: 10, validate_every: 20, samples: 5000}
"""
SPLITS = (("train", 900), ("validation", 300), ("test", 400))
MEAN, DEVIATION = "constants/context_00_standardize/mean", \
    "constants/context_00_standardize/deviation"


def prepare(flotilla, config=CONFIG):
    """x given c is normal with mean (2 c0 + c1, c1, 0). `moved` is the same context in
    other units; its values and those of `given` are exact in float."""
    random = np.random.Generator(np.random.PCG64(1))
    contents = {}
    for split, rows in SPLITS:
        c = np.round(64 * random.standard_normal((rows, 2))) / 64
        x = random.standard_normal((rows, 3)) * [0.3, 0.5, 1]
        x[:, 0] += 2 * c[:, 0] + c[:, 1]
        x[:, 1] += c[:, 1]
        contents[split] = x.astype("f4")
        contents[f"given/{split}"] = c.astype("f4")
        contents[f"moved/{split}"] = (c * [512, 0.0625] + [4096, -16]).astype("f4")
        contents[f"wide/{split}"] = np.hstack([x, c, c]).astype("f4")
    flotilla.data("data.h5", contents)
    flotilla.write("config.yaml", config)


def train(flotilla, run, *settings, flags=(), **options):
    words = [word for setting in settings for word in ("--set", setting)]
    return flotilla.run("train", "config.yaml", "--set", f"run.directory={run}", *words,
                        *flags, **options)


def log_prob(flotilla, run, ranks=0):
    flotilla.run("logprob", run, "data.h5:test", "-o", "out.h5", "--force", ranks=ranks)
    return flotilla.arrays("out.h5")["log_prob"]


def sample(flotilla, run, count, context, *more, ranks=0):
    flotilla.run("sample", run, "-n", count, "-o", "out.h5", "--force", "--context",
                 context, *more, ranks=ranks)
    return flotilla.arrays("out.h5")["samples"]


def check_without_preprocess(flotilla):
    """The context is standardized also where the columns have no steps of their own."""
    prepare(flotilla)
    train(flotilla, "bare", "preprocess=[]", "train.steps=5")
    found = flotilla.arrays(flotilla.last("bare"))
    given = flotilla.arrays("data.h5")["given/train"].astype("f8")
    near(found[MEAN], given.mean(0), 1e-6)
    near(found[DEVIATION], given.std(0), 1e-6)


def check_units_of_the_context_do_not_matter(flotilla):
    """Context columns shifted and scaled by constants give the same densities and samples."""
    prepare(flotilla)
    train(flotilla, "given")
    train(flotilla, "moved", "data.context='moved/{split}'", ranks=2)
    scores = log_prob(flotilla, "given")
    near(log_prob(flotilla, "moved", ranks=2), scores, 2e-3, "densities in other units:")
    x = sample(flotilla, "given", 400, "data.h5:given/test")
    near(sample(flotilla, "moved", 400, "data.h5:moved/test"), x, 2e-3, "samples:")
    with h5py.File(flotilla.path("data.h5")) as file:
        c = file["given/test"][()]
    near(np.polyfit(c[:, 1], x[:, 1], 1)[0], 1, 0.2, "slope of a sample by its context")
    best = -0.5 * 3 * np.log(2 * np.pi) - np.log(0.3 * 0.5) - 1.5
    require(scores.mean() > best - 0.4, "the context is not used:", scores.mean(), best)
    # Without steps for the context its units do matter: this data can tell.
    train(flotilla, "raw", "data.context='moved/{split}'", "preprocess_context=[]")
    require(log_prob(flotilla, "raw").mean() < scores.mean() - 0.2, "too easy a check")
    found = flotilla.arrays(flotilla.last("raw"))
    require(MEAN not in found, "constants of steps that there are not:", sorted(found))


def check_constants_are_those_of_the_training_context(flotilla):
    prepare(flotilla)
    for ranks in (0, 3):
        train(flotilla, f"run-{ranks}", "train.steps=3", ranks=ranks)
        found = flotilla.arrays(flotilla.last(f"run-{ranks}"))
        with h5py.File(flotilla.path("data.h5")) as file:
            c = file["given/train"][()].astype("f8")
        near(found[MEAN], c.mean(0), 1e-12, "mean of the context")
        near(found[DEVIATION], c.std(0), 1e-12, "deviation of the context")
        require("preprocess_context" in flotilla.read(f"run-{ranks}", "config.yaml"))
    same_arrays(flotilla.arrays(flotilla.last("run-0")),
                flotilla.arrays(flotilla.last("run-3")), but=("config",))
    flotilla.run("inspect", "run-0").says("context_00_standardize", times=1)
    train(flotilla, "check", flags=["--check"]).says("context_00_standardize", times=1)


def check_samples_of_training_have_validation_contexts(flotilla):
    """In their order, from the first again after the last; of train without validation."""
    prepare(flotilla)
    for run, split, rows, more in (("held", "validation", 300, ()),
                                   ("all", "train", 900, ("data.validation=null",))):
        train(flotilla, run, "report.sample_every=50", *more, ranks=2)
        names = sorted(os.listdir(flotilla.path(run, "samples")))
        same(names, [f"step-{step:010d}.h5" for step in (50, 100, 120)])
        found = flotilla.arrays(run, "samples", names[-1])["samples"]
        with h5py.File(flotilla.path("data.h5")) as file:
            c = file[f"given/{split}"][()]
        same((len(c), len(found)), (rows, 5000))
        flotilla.data("twice.h5", {"c": c[np.arange(5000) % rows]})
        same(found.tobytes(), sample(flotilla, run, len(found), "twice.h5:c", "--seed",
                                     "2").tobytes(), run)


def check_resume_keeps_the_steps(flotilla):
    """A run that was started without steps for its context goes on without."""
    prepare(flotilla)
    train(flotilla, "run", "train.steps=10", "preprocess_context=[]")
    train(flotilla, "run", flags=["--resume"])
    require("preprocess_context: []" in flotilla.read("run", "config.yaml"))
    train(flotilla, "other", "train.steps=10")
    said = train(flotilla, "other", "preprocess_context=[]", flags=["--resume"], code=ERROR)
    said.says("preprocess_context", "--resume", times=None)


def check_bad_input(flotilla):
    prepare(flotilla)
    train(flotilla, "run", "train.steps=3")
    wide = ("data.train=wide/train", "data.validation=wide/validation",
            "data.test=wide/test", "data.columns=[0, 1, 2]")
    train(flotilla, "within", *wide, "data.context=[3, 4]", "train.steps=3")
    random = np.random.Generator(np.random.PCG64(2))
    x, c = random.standard_normal((300, 3)), random.standard_normal((300, 3))
    flotilla.data("bad.h5", {"x": x, "given/x": c, "lone": x, "c": c})
    flotilla.data("constant.h5", {"train": x, "given/train": np.hstack([c[:, :1], x[:, :1] * 0])})
    none = ("data.validation=null", "data.test=null")
    out = ("-o", "new.h5")
    cases = (
        (["logprob", "run", "bad.h5:x", *out],
         ["bad.h5", "3 of context", "3 and 2", "trained on"]),
        (["evaluate", "run", "bad.h5:lone"], ["bad.h5", "given/lone"]),
        (["logprob", "within", "bad.h5:x", *out],
         ["bad.h5", "data.context", "found 3"]),
        (["sample", "run", "-n", "5", *out], ["2 context columns", "--context"]),
        (["sample", "run", "-n", "5", *out, "--context", "bad.h5:c"],
         ["bad.h5:c", "3 columns", "2 context columns"]),
        (["sample", "run", "-n", "5", *out, "--context", "bad.h5:d"], ["bad.h5", "'d'"]),
    )
    for ranks in (0, 2):
        for arguments, words in cases:
            flotilla.run(*arguments, ranks=ranks, code=ERROR).says(*words)
            require(not os.path.exists(flotilla.path("new.h5")), arguments)
        train(flotilla, "none", "data.context=null", "preprocess_context=[{kind: standardize}]",
              ranks=ranks, code=ERROR).says("preprocess_context", "data.context", times=None)
        train(flotilla, "none", "data.files=constant.h5", *none, ranks=ranks,
              code=ERROR).says("context", "column 1", "data.context")
        train(flotilla, "none", "data.context='taken/{split}'", ranks=ranks,
              code=ERROR).says("data.h5", "taken/train")
    require(not os.path.exists(flotilla.path("none")))


if __name__ == "__main__":
    main(globals())
