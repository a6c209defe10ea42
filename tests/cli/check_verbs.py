"""Every verb does what its help says, and the verbs agree with each other.

Called as: check_verbs.py PROGRAM MPIEXEC.
"""
import json
import math
import os
import re
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import (arrays_of, every, files_below, main, near,  # noqa: E402
                     normal_rows, require, same, same_arrays)

VERBS = ("train", "init", "evaluate", "logprob", "sample", "rows", "inspect", "config")

CONFIG = """
run: {directory: run, seed: 2, threads: 1}
data: {files: [data.h5], validation: validation, test: test}
preprocess: [{kind: standardize}]
flow:
  layers:
    - {kind: lu_linear}
    - {kind: affine_coupling, hidden: [16], activation: tanh}
train: {batch: 100, lanes: 8, steps: 60, learning_rate: 5e-3, average: 0.9}
report: {every: 10, validate_every: 20, samples: 40}
"""
SPLITS = (("train", 800), ("validation", 300), ("test", 9000))


def prepare(flotilla, config=CONFIG, columns=4):
    flotilla.data("data.h5", {name: normal_rows(rows, columns, seed=rows)
                              for name, rows in SPLITS})
    flotilla.write("config.yaml", config)


def train(flotilla, *settings, flags=(), run="run", **options):
    words = [word for setting in settings for word in ("--set", setting)]
    return flotilla.run("train", "config.yaml", "--set", f"run.directory={run}", *words,
                        *flags, **options)


def evaluate(flotilla, model, *data, ranks=0):
    return json.loads(flotilla.run("evaluate", model, *data, "--json", ranks=ranks).out)


def log_prob(flotilla, model, data, ranks=0):
    flotilla.run("logprob", model, data, "-o", "out.h5", "--force", ranks=ranks)
    found = flotilla.arrays("out.h5")
    same(list(found), ["log_prob"])
    same(found["log_prob"].dtype, np.dtype("f8"))
    return found["log_prob"]


def sample(flotilla, model, count, *more, ranks=0, out="out.h5"):
    flotilla.run("sample", model, "-n", count, "-o", out, "--force", *more, ranks=ranks)
    found = flotilla.arrays(out)
    same(list(found), ["samples"])
    return found["samples"]


def real(flotilla):
    return np.dtype("f8" if "double" in flotilla.run("--version").out else "f4")


def check_help_and_version(flotilla):
    for words in (["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)):
        alone = flotilla.run(*words)
        same(alone.err, "", alone)
        for ranks in (1, 3) if words[0] in ("--help", "--version", "train") else ():
            out = flotilla.run(*words, ranks=ranks).says("MPI:", times=1).out \
                if words == ["--version"] else flotilla.run(*words, ranks=ranks).out
            if words != ["--version"]:
                same(out, alone.out, f"{ranks} ranks")
    text = flotilla.run("--help").out
    for verb in VERBS:
        require(f"\n  {verb} " in text, verb, "is not in", text)
        flotilla.run(verb, "--help").says(f"Usage: flotilla {verb}", times=1)
    for option in ("--resume", "--fresh", "--check", "--init", "--set", "--max-seconds",
                   "--quiet"):
        flotilla.run("train", "--help").says(option)
    flotilla.run("--version").says("flotilla 0.", "MPI:", "BLAS:", times=1)
    same(os.listdir(flotilla.folder), [])


def kinds_in(text):
    """{kind: {key: default}} of a part of `flotilla config` that describes kinds."""
    found, kind = {}, None
    for line in text.splitlines():
        name = re.match(r"  (\w+): +#", line)
        key = re.match(r"    (\w+): (.*?)  +#", line)
        if name:
            kind = found.setdefault(name[1], {})
        elif key:
            kind[key[1]] = key[2].strip()
    return found


def check_config(flotilla):
    """The printed settings are a config themselves, once the required ones are filled."""
    prepare(flotilla)
    text = flotilla.run("config").out
    same(flotilla.run("config", ranks=2).out, text)
    head, *parts = re.split(r"# (?=preprocess:|Kinds of )", text)
    filled = head.replace("directory:     #", "directory: run #")
    filled = filled.replace("files:              #", "files: [data.h5]   #")
    filled = filled.replace("layers:               #", "layers: [{kind: lu_linear}] #")
    filled = filled.replace("\n  steps: 0 ", "\n  steps: 5 ")
    same(sum(a != b for a, b in zip(head.splitlines(), filled.splitlines())), 4,
         "settings that were filled in of", head)
    flotilla.write("all.yaml", filled)
    flotilla.run("train", "all.yaml", "-q")
    stored = flotilla.read("run", "config.yaml")
    keys = re.findall(r"^  (\w+):", head, re.MULTILINE)
    require(len(keys) > 40, "settings:", keys)
    for key in keys:
        require(re.search(rf"\b{key}:", stored), key, "is not in config.yaml:", stored)
    bijections = kinds_in(parts[1])
    require(bijections.keys() >= {"additive_coupling", "affine_coupling", "lu_linear",
                                  "elementwise_affine", "permutation", "standardize"},
            bijections.keys())
    layers, fitted = "", {}
    for kind, settings in bijections.items():
        settings = dict(settings)
        if "width" in settings:
            settings["width"] = "6"
        if kind == "angle":  # its period has no default
            settings["period"] = "7"
        pairs = "".join(f", {key}: {value}" for key, value in settings.items())
        if kind in ("standardize", "whiten", "dequantize", "box", "angle"):
            fitted[kind] = f"{{kind: {kind}{pairs}}}"
        else:
            layers += f"    - {{kind: {kind}{pairs}}}\n"
    flotilla.write("kinds.yaml", "run: {directory: kinds}\ndata: {files: [data.h5]}\n"
                   f"flow:\n  layers:\n{layers}train: {{steps: 3}}\n")
    flotilla.run("train", "kinds.yaml", "--check").says(*bijections.keys() - fitted.keys())
    for kind, layer in fitted.items():
        flotilla.run("train", "kinds.yaml", "--check", "--set", f"preprocess=[{layer}]",
                     "--set", "flow.layers=[{kind: elementwise_spline}]" if kind == "angle" else
                     "flow.layers=[{kind: logit}, {kind: lu_linear}]").says(kind)
    bases = kinds_in(parts[2])
    require(bases.keys() >= {"normal", "student_t", "autoregressive_mixture"}, bases.keys())
    for kind, settings in bases.items():
        pairs = "".join(f", {key}: {'6' if key == 'width' else value}"
                        for key, value in settings.items())
        flotilla.run("train", "kinds.yaml", "--check", "--set",
                     f"flow.base={{kind: {kind}{pairs}}}").says(kind)
    target = bases["correlated_normal"]
    require({"features", "mean", "deviation", "correlation", "log_evidence"} <= set(target))
    require({"likelihood", "reverse_kl"} <= set(kinds_in(parts[3] + "\n")) or
            "reverse_kl" in parts[3], parts[3])


def init_and_train(flotilla, data, steps, checks, *settings):
    text = flotilla.run("init", data).out
    flotilla.write("config.yaml", text)
    require(flotilla.run("init", data, ranks=2).out == text, "init on 2 ranks differs")
    before = files_below(flotilla.folder)
    flotilla.run("train", "config.yaml", "--check").says("layers", "parameters", "memory",
                                                         times=None)
    same(files_below(flotilla.folder), before, "--check wrote something")
    more = ["--set", f"train.steps={steps}", "--set", "report.every=5", "--set",
            "report.validate_every=10"] if steps else []
    flotilla.run("train", "config.yaml", *more, *settings, ranks=2)
    run = re.search(r"directory: (.*)", text)[1].strip('"')
    checks(run, text)


def check_init(flotilla):
    """The config that init prints trains: on 1, 2 and 10 columns, any way they lie."""

    def improves(run, text):
        values = [line["train_log_likelihood"] for line in flotilla.metrics(run)]
        # One column's affine map starts at its answer.
        require(values[-1] > values[0] - 0.2, run, values)

    for columns in (1, 2, 10):
        name = flotilla.data(f"d{columns}.h5", {
            split: normal_rows(rows // 2, columns, seed=rows) for split, rows in SPLITS})
        init_and_train(flotilla, name, 40, improves)
        require("validation: validation" in flotilla.read("config.yaml"))
    x = normal_rows(500, 3)
    flotilla.data("alone.h5", {"train": x})
    init_and_train(flotilla, "alone.h5", 40, improves)
    require("validation: 0.1" in flotilla.read("config.yaml"))
    flotilla.data("named one.h5", {"group/rows": x, "other": x[:, :2]})
    init_and_train(flotilla, "named one.h5:group/rows", 40, improves)
    flotilla.data("flat.h5", {"x": x[:, 0], })  # a rank-1 array is one column
    init_and_train(flotilla, "flat.h5", 40, improves)
    flotilla.data("small.h5", {"train": x[:20]})
    init_and_train(flotilla, "small.h5", 40, lambda run, text: None)

    def beats_gaussian(run, text):
        with h5py.File(flotilla.path("d2.h5")) as file:
            x, test = (file[name][()].astype("f8") for name in ("train", "test"))
        d = test - x.mean(0)
        covariance = np.cov(x.T)
        gaussian = np.mean(-0.5 * np.sum(d @ np.linalg.inv(covariance) * d, 1)
                           - 0.5 * np.log(np.linalg.det(2 * np.pi * covariance)))
        found = json.loads(flotilla.read(run, "test.json"))["log_likelihood"]
        require(found > gaussian - 0.05, run, found, "is far below a Gaussian's", gaussian)

    init_and_train(flotilla, "d2.h5", None, beats_gaussian, "--set",
                   "run.directory=runs/d2", "--fresh")


def check_check(flotilla):
    """train --check and inspect CONFIG tell the plan and write nothing."""
    prepare(flotilla)
    before = files_below(flotilla.folder)
    result = train(flotilla, flags=["--check"])
    same(result.err, "")
    result.says("00_standardize", "01_lu_linear", "02_affine_coupling", "800 rows x 4",
                "8 of about 100 rows", "60 of 100 rows", "pread", "memory: about", times=1)
    P = 4 * 3 // 2 * 2 + 4 + 4 + (2 * 16 + 16) + (16 * 4 + 4)
    result.says(f"{P} parameters")
    inspected = flotilla.run("inspect", "config.yaml").out
    require(inspected.endswith(result.out) and inspected.startswith("preprocess:"), inspected)
    # But for the memory of a rank, of which each has a part.
    same(flotilla.run("inspect", "config.yaml", ranks=2).out.split("\nrows:")[0],
         inspected.split("\nrows:")[0])
    same(train(flotilla, flags=["--check"], ranks=2).out.count("layers, from"), 1)
    same(files_below(flotilla.folder), before, "files:")
    train(flotilla, "train.steps=5")
    before = files_below(flotilla.folder)
    train(flotilla, flags=["--check"])
    train(flotilla, flags=["--check", "--resume"])
    train(flotilla, flags=["--check", "--fresh"])
    same(files_below(flotilla.folder), before, "files of a run that was there:")


def check_threads(flotilla):
    """How many, where the config says auto: what OMP_NUM_THREADS says, at most the lanes."""
    prepare(flotilla)
    for words, threads in (("3", 3), ("2,4", 2), ("100", 8)):
        flotilla.environment["OMP_NUM_THREADS"] = words
        train(flotilla, "run.threads=auto", flags=["--check"]).says(
            f"1 ranks x {threads} threads", times=1)


def check_scores(flotilla):
    """evaluate, logprob and test.json tell the same; on any number of ranks."""
    prepare(flotilla)
    train(flotilla, ranks=2)
    scores = log_prob(flotilla, "run", "data.h5:test")
    same(scores.shape, (9000,))
    e = evaluate(flotilla, "run")
    test = json.loads(flotilla.read("run", "test.json"))
    same({key: test[key] for key in e}, e, "evaluate and test.json:")
    same([key for key in test if key not in e and not key.startswith("normal_")], [])
    same(e, evaluate(flotilla, "run", "data.h5:test"))
    same(e, evaluate(flotilla, "run", "data.h5:/test", ranks=3))
    near(e["log_likelihood"], scores.mean(), 1e-9 * abs(scores.mean()), "mean")
    near(e["standard_error"], scores.std() / math.sqrt(9000), 1e-5, "standard error")
    near(e["bits_per_dimension"], -scores.mean() / 4 / math.log(2), 1e-9, "bits")
    same((e["rows"], e["nonfinite_rows"]), (9000, 0))
    same(e["lowest_row"], int(scores.argmin()))
    near(e["lowest_log_prob"], scores.min(), 1e-9 * abs(scores.min()), "lowest")
    same(e["trimmed_rows"], 0)
    for ranks in (1, 3, 4):
        same(log_prob(flotilla, "run", "data.h5:test", ranks).tobytes(), scores.tobytes(),
             "bits of logprob on ranks:", ranks)
    flotilla.run("evaluate", "run").says(f"{scores.mean():.6f}", "rows", "9000")
    best = flotilla.path("run", "checkpoints", "best.h5")
    same(evaluate(flotilla, best), e, "a run directory stands for its best checkpoint")
    require(evaluate(flotilla, flotilla.last("run")) != e or
            flotilla.metrics("run")[-1]["validation_log_likelihood"] ==
            max(line.get("validation_log_likelihood", -1e9)
                for line in flotilla.metrics("run")))
    # One row's score does not depend on the rows around it, nor on the file's type.
    flotilla.data("some.h5", {"x": normal_rows(9000, 4, seed=9000)[:257].astype("f8")})
    same(log_prob(flotilla, "run", "some.h5").tobytes(), scores[:257].tobytes())


def check_reconstruction(flotilla):
    """How far rows come back from noise: small for a flow; told where digits are lost."""
    prepare(flotilla)
    train(flotilla, ranks=2).says("reconstruction_error", times=0)
    e = evaluate(flotilla, "run", ranks=3)
    require(0 <= e["reconstruction_error"] < (1e-4 if real(flotilla) == np.dtype("f4")
                                              else 1e-12), e)
    same(e["reconstruction_rows"], 9000)
    require(0 <= e["reconstruction_row"] < 9000 and 0 <= e["reconstruction_column"] < 4, e)
    flotilla.run("evaluate", "run").says("reconstruction ", times=1).says(
        "note: row", times=0)
    offset = 1e6 if real(flotilla) == np.dtype("f4") else 1e15
    rows = normal_rows(400, 3).astype("f8")
    rows[:, 1] += offset
    flotilla.data("data.h5", {name: rows for name, _ in SPLITS})
    # Mixed into a column of small numbers, large ones take its digits.
    said = train(flotilla, "preprocess=[]", "train.learning_rate=0.1", run="lossy")
    said.says("comes back from noise", times=1)
    require("comes back from noise" in flotilla.read("lossy", "log.txt"), said)
    e = json.loads(flotilla.read("lossy", "test.json"))
    require(e["reconstruction_error"] > 1e-3, e)
    for ranks in (0, 2):
        result = flotilla.run("evaluate", "lossy", "--json", ranks=ranks)
        found = json.loads(result.out)
        same(found, {key: e[key] for key in found})
        same(result.err.count("comes back from noise"), 1, result)


def check_many_rows_are_trimmed(flotilla):
    prepare(flotilla)
    train(flotilla, "train.steps=5")
    flotilla.data("many.h5", {"x": normal_rows(25000, 4, seed=5)})
    scores = np.sort(log_prob(flotilla, "run", "many.h5", ranks=2))
    e = evaluate(flotilla, "run", "many.h5", ranks=3)
    same(e["trimmed_rows"], 2)
    near(e["trimmed_log_likelihood"], scores[2:].mean(), 1e-9 * abs(scores.mean()))


def check_samples(flotilla):
    prepare(flotilla)
    train(flotilla)
    x = sample(flotilla, "run", 9001)
    same((x.shape, x.dtype), ((9001, 4), real(flotilla)))
    require(np.all(np.isfinite(x)))
    same(len(np.unique(x, axis=0)), 9001, "different samples:")
    for ranks in (1, 3):
        same(sample(flotilla, "run", 9001, ranks=ranks).tobytes(), x.tobytes(), ranks)
    for count in (1, 255, 4097):
        same(sample(flotilla, "run", count).tobytes(), x[:count].tobytes(),
             "a smaller set is a prefix:", count)
    same(sample(flotilla, "run", 100, "--seed", "1").tobytes(), x[:100].tobytes())
    other = sample(flotilla, "run", 9001, "--seed", "2")
    require(not np.any(np.all(other == x, 1)), "seeds 1 and 2 share rows")
    near(other.mean(0), x.mean(0), 6 * np.max(x.std(0)) / math.sqrt(9001) * 1.5, "means")
    # Those that training left are of the same kind: seed of the run, parameters at the end.
    end = flotilla.arrays("run", "samples", "step-0000000060.h5")["samples"]
    same(end.tobytes(), sample(flotilla, "run", 40, "--seed", "2").tobytes())
    # Temperature scales the base: towards the image of 0, and away from it.
    cold, warm = (sample(flotilla, "run", 4000, "--temperature", t) for t in (1e-6, 2))
    near(cold.std(0) / x.std(0), np.zeros(4), 1e-4, "spread of cold samples")
    require(np.all(warm.std(0) > 1.5 * x.std(0)), warm.std(0), x.std(0))
    # They are drawn from what logprob tells: the entropy is that of the density.
    flotilla.run("sample", "run", "-n", "9000", "-o", "drawn.h5")
    own = log_prob(flotilla, "run", "drawn.h5")
    test = evaluate(flotilla, "run")
    near(own.mean(), test["log_likelihood"], 1.0, "log-density of own samples")


BASES = ("{kind: diagonal_normal}", "{kind: student_t, degrees_of_freedom: 20}",
         "{kind: mixture, components: 3}", "{kind: uniform, low: -40, high: 40}",
         "{kind: autoregressive_mixture, hidden: [16], components: 3}",
         "{kind: autoregressive_mixture, width: 12, blocks: 1, dropout: 0.1}")


def check_bases(flotilla):
    """With every base density: train, and samples that the model's own density knows."""
    prepare(flotilla)
    for number, base in enumerate(BASES):
        run = f"base-{number}"
        train(flotilla, f"flow.base={base}", run=run, ranks=2)
        x = sample(flotilla, run, 4000)
        require(np.all(np.isfinite(x)), base)
        same(sample(flotilla, run, 1000, ranks=2).tobytes(), x[:1000].tobytes(), base)
        learned = {name for name in flotilla.arrays(flotilla.last(run))
                   if name.startswith("average/base/")}
        require(bool(learned) != ("uniform" in base), base, learned)
        flotilla.data("drawn.h5", {"x": x})
        own = log_prob(flotilla, run, "drawn.h5")
        require(np.all(np.isfinite(own)), base)
        if "uniform" not in base:
            near(own.mean(), evaluate(flotilla, run)["log_likelihood"], 1.5, base)
        cold, cool, warm = (sample(flotilla, run, 4000, "--temperature", t).std(0)
                            for t in (1e-6, 0.5, 2))
        require(np.all(cold < x.std(0)) and np.all(np.isfinite(warm)), base, cold, warm)
        require(np.all(cool < x.std(0)) and np.all(cold < cool), base, cold, cool)
        require(np.all(warm > x.std(0)) or "uniform" in base, base, warm, x.std(0))


def check_inspect(flotilla):
    prepare(flotilla)
    train(flotilla, "train.steps=5")
    result = flotilla.run("inspect", "data.h5").says("800 rows x 4 columns", "pread")
    for name, _ in SPLITS:
        result.says(f"  {name} ")
    for model in ("run", "run/checkpoints/best.h5", flotilla.last("run")):
        said = flotilla.run("inspect", model).says("01_lu_linear", "learning_rate",
                                                   "4 columns", "data to noise")
        same(flotilla.run("inspect", model, ranks=2).out, said.out)
    with h5py.File(flotilla.path("run", "checkpoints", "best.h5")) as file:
        said = flotilla.run("inspect", "run").out
        parameters = sum(v.size for v in arrays_of(file["parameters"]).values())
        require(f"{parameters} parameters" in said, parameters, said)


def check_start_from_another(flotilla):
    """--init takes the average of MODEL, its constants, and nothing else of it."""
    prepare(flotilla)
    train(flotilla)
    with h5py.File(flotilla.path("run", "checkpoints", "best.h5")) as file:
        model = arrays_of(file["average"])
    train(flotilla, "train.learning_rate=0", "train.steps=1", flags=["--init", "run"],
          run="from", ranks=2)
    with h5py.File(flotilla.last("from")) as file:
        same_arrays(arrays_of(file["parameters"]), model, "--init run:")
        same(int(file["run"].attrs["step"]), 1)
    same(evaluate(flotilla, "from"), evaluate(flotilla, "run"))


def check_set_and_quiet(flotilla):
    prepare(flotilla)
    result = train(flotilla, "flow.layers[1].hidden=[5, 6]", "flow.layers[1].activation=relu",
                   "train.steps=3", "data.files=data.h5", flags=["--quiet"], ranks=2)
    same((result.out, result.err), ("", ""))
    stored = flotilla.read("run", "config.yaml")
    for word in ("hidden: [5, 6]", "activation: relu", "steps: 3"):
        require(word in stored, word, "is not in", stored)
    require("log_likelihood" in flotilla.read("run", "log.txt"), "log.txt is quiet too")
    same(flotilla.arrays(flotilla.last("run"))["parameters/02_affine_coupling/network/weight_1"]
         .shape if "parameters/02_affine_coupling/network/weight_1" in
         flotilla.arrays(flotilla.last("run")) else (6, 5), (6, 5))
    # The stored config starts the same run again.
    flotilla.run("train", "run/config.yaml", "--set", "run.directory=again", "-q")
    same_arrays(flotilla.arrays(flotilla.last("run")), flotilla.arrays(flotilla.last("again")),
                but=("config", "schema"))


def check_context(flotilla):
    """Conditional densities: context as columns and as a data set are the same."""
    random = np.random.Generator(np.random.PCG64(1))
    contents = {}
    for split, rows in SPLITS:
        c = random.standard_normal((rows, 1)).astype("f4")
        x = np.hstack([2 * c, -c]) + 0.5 * random.standard_normal((rows, 2))
        contents[split] = x.astype("f4")
        contents[f"given/{split}"] = c
        contents[f"wide/{split}"] = np.hstack([contents[split][:, :1], c,
                                               contents[split][:, 1:]])
    flotilla.data("data.h5", contents)
    flotilla.write("config.yaml", CONFIG)
    more = ("train.learning_rate=2e-2", "train.steps=300", "train.warmup_steps=20",
            "flow.layers[1].hidden=[16, 16]",
            "flow.layers=[{repeat: 2, layers: [{kind: affine_coupling, hidden: [16]}]}]")
    train(flotilla, "data.context='given/{split}'", *more, run="beside")
    train(flotilla, "data.context=[1]", "data.train=wide/train", *more,
          "data.validation=wide/validation", "data.test=wide/test", run="within", ranks=2)
    same_arrays(flotilla.arrays(flotilla.last("beside")),
                flotilla.arrays(flotilla.last("within")), "beside and within:",
                but=("config", "schema"))
    e = evaluate(flotilla, "beside")
    same(e, evaluate(flotilla, "within"))
    same(e, evaluate(flotilla, "beside", "data.h5:test"))
    same(e, evaluate(flotilla, "within", "data.h5:wide/test"))
    # The answer: x given c is normal with deviation 0.5, two independent columns.
    best = -1 - math.log(2 * math.pi * 0.25)
    near(e["log_likelihood"], best, 0.1, "log-likelihood of a conditional flow")
    flotilla.data("conditions.h5", {"c": np.repeat([[2.0], [-1.0]], 3000, 0)})
    x = sample(flotilla, "beside", 6000, "--context", "conditions.h5:c", ranks=2)
    same(x.tobytes(), sample(flotilla, "beside", 6000, "--context",
                             "conditions.h5:c").tobytes())
    near(x[:3000].mean(0), [4, -2], 0.3, "mean given c = 2")
    near(x[3000:].mean(0), [-2, 1], 0.3, "mean given c = -1")


def check_columns(flotilla):
    """A choice of columns trains on them in that order, and is applied to DATA."""
    prepare(flotilla)
    picked = [2, 0]
    with h5py.File(flotilla.path("data.h5"), "a") as file:
        for name, _ in SPLITS:
            file[f"picked/{name}"] = file[name][()][:, picked]
    train(flotilla, "data.columns=[2, 0]", run="chosen")
    train(flotilla, *(f"data.{name}=picked/{name}" for name, _ in SPLITS), run="cut")
    same_arrays(flotilla.arrays(flotilla.last("chosen")), flotilla.arrays(flotilla.last("cut")),
                but=("config", "schema"))
    e = evaluate(flotilla, "chosen")
    for run, data in (("chosen", "data.h5:test"), ("chosen", "data.h5:picked/test"),
                      ("cut", "data.h5:picked/test")):
        same(evaluate(flotilla, run, data), e, run, data)


def check_weights(flotilla):
    """Weights are multiplicities; evaluate uses them, logprob has no need to."""
    prepare(flotilla)
    random = np.random.Generator(np.random.PCG64(8))
    with h5py.File(flotilla.path("data.h5"), "a") as file:
        for name, rows in SPLITS:
            file[f"w/{name}"] = random.integers(0, 3, rows).astype("f4")
            file[f"weighted/{name}"] = np.hstack([file[name][()],
                                                   file[f"w/{name}"][()][:, None]])
        w = file["w/test"][()].astype("f8")
    train(flotilla, "data.weights='w/{split}'", run="beside")
    train(flotilla, "data.weights=4", *(f"data.{n}=weighted/{n}" for n, _ in SPLITS),
          run="within", ranks=2)
    same_arrays(flotilla.arrays(flotilla.last("beside")),
                flotilla.arrays(flotilla.last("within")), but=("config", "schema"))
    scores = log_prob(flotilla, "beside", "data.h5:test")
    mean = np.sum(w * scores) / np.sum(w)
    error = math.sqrt(np.sum((w * (scores - mean)) ** 2)) / np.sum(w)
    for e in (evaluate(flotilla, "beside"), evaluate(flotilla, "within"),
              evaluate(flotilla, "beside", "data.h5:test", ranks=2),
              evaluate(flotilla, "within", "data.h5:weighted/test")):
        near(e["log_likelihood"], mean, 1e-9 * abs(mean))
        near(e["standard_error"], error, 1e-5)
        same(e["rows"], int(np.sum(w > 0)))
    same(log_prob(flotilla, "within", "data.h5:weighted/test").tobytes(), scores.tobytes())
    # A file without weights, and a data set of the features alone: every row counts once.
    near(evaluate(flotilla, "within", "data.h5:test")["log_likelihood"], scores.mean(), 1e-6)


def check_fractions(flotilla):
    """Fractions of train: no row is in two splits, and none is lost."""
    flotilla.data("data.h5", {"train": normal_rows(1000, 4, seed=800)})
    flotilla.write("config.yaml", CONFIG)
    result = train(flotilla, "data.validation=0.1", "data.test=0.2", ranks=2)
    rows = int(re.search(r"data: (\d+) rows", result.err)[1])
    test = json.loads(flotilla.read("run", "test.json"))["rows"]
    same(evaluate(flotilla, "run")["rows"], test)
    require(150 < test < 250 and 650 < rows < 750, "rows of test and train:", test, rows)
    e = evaluate(flotilla, "run", "data.h5:train")
    same(e["rows"], 1000, "an explicit DATA is all of it")
    # Another seed takes other rows; the same seed the same.
    first = json.loads(flotilla.read("run", "test.json"))
    train(flotilla, "data.validation=0.1", "data.test=0.2", run="same")
    same(json.loads(flotilla.read("same", "test.json")), first)


def check_dropped_rows_have_no_density(flotilla):
    prepare(flotilla)
    train(flotilla, "data.on_bad_rows=drop", "train.steps=5")
    x = normal_rows(600, 4, seed=4)
    flotilla.data("whole.h5", {"x": x})
    wanted = log_prob(flotilla, "run", "whole.h5")
    x[[3, 599]] = np.nan
    flotilla.data("holes.h5", {"x": x})
    scores = log_prob(flotilla, "run", "holes.h5", ranks=2)
    same(np.flatnonzero(np.isnan(scores)).tolist(), [3, 599])
    keep = np.isfinite(scores)
    same(scores[keep].tobytes(), wanted[keep].tobytes())
    same(evaluate(flotilla, "run", "holes.h5")["rows"], 598)


def few_rows(flotilla):
    """A data set that a large network learns by heart."""
    with h5py.File(flotilla.path("data.h5"), "a") as file:
        file["few"] = normal_rows(100, 4, seed=77)


OVERFIT = ("data.train=few", "train.average=0", "train.learning_rate=1e-3",
           "flow.layers[1].hidden=[64, 64]")


def check_early_stop_and_best(flotilla):
    """Patience ends a run that does not get better; best.h5 is what validated best."""
    prepare(flotilla)
    few_rows(flotilla)
    result = train(flotilla, *OVERFIT, "train.steps=1000", "train.patience=3",
                   "report.validate_every=10", "checkpoint.every=10", "checkpoint.keep=1000",
                   "train.schedule=constant", ranks=2)
    lines = [line for line in flotilla.metrics("run") if "validation_log_likelihood" in line]
    values = [line["validation_log_likelihood"] for line in lines]
    best = int(np.argmax(values))
    last = lines[-1]["step"]
    require(best >= 3, "the best came at once: too easy for this check", values)
    require(last < 1000, "did not stop early", values)
    same(len(values), best + 4, "validations; the best was number", best)
    result.says("early", times=1)
    same(flotilla.status("run")["state"], "finished")
    step = lines[best]["step"]
    with h5py.File(flotilla.path("run", "checkpoints", "best.h5")) as file, \
            h5py.File(flotilla.path("run", "checkpoints", f"step-{step:010d}.h5")) as other:
        same(int(file["run"].attrs["step"]), step)
        same_arrays(arrays_of(file), arrays_of(other), "best and its step:")
    near(evaluate(flotilla, "run", "data.h5:validation")["log_likelihood"], values[best],
         1e-9 * abs(values[best]), "of best.h5")


def check_optimizers_and_schedules(flotilla):
    """Each optimizer learns; each schedule has the rates of its formula."""
    prepare(flotilla)
    base, steps = 3e-3, 60

    def cosine(step):
        return 1 if step <= 10 else 0.5 * (1 + math.cos(math.pi * (step - 11) / 50))

    schedules = {"constant": lambda step: 1, "cosine": cosine,
                 "step": lambda step: 0.5 ** ((step - 1) // 20)}

    def check(optimizer, schedule):
        run = f"{optimizer}-{schedule}"
        case = flotilla.part(run)
        train(case, f"train.optimizer={optimizer}", f"train.schedule={schedule}",
              f"train.learning_rate={base}", "train.schedule_steps=20",
              "train.warmup_steps=10", "report.every=1", "train.average=0")
        lines = case.metrics("run")
        same([line["step"] for line in lines], list(range(1, steps + 1)), run)
        if schedule in schedules:
            wanted = [base * min(1, step / 10) * schedules[schedule](step)
                      for step in range(1, steps + 1)]
            near([line["learning_rate"] for line in lines], wanted, 1e-7 * base, run)
        values = [line["train_log_likelihood"] for line in lines]
        require(np.mean(values[-5:]) > np.mean(values[:5]) + 0.05, run, values)
        arrays = case.arrays(case.last("run"))
        same(sum(name.startswith("optimizer/") for name in arrays),
             1 if optimizer == "sgd" else 2, run, "moments")
        return arrays

    found = every(check, [("adam", "constant"), ("adamw", "cosine"), ("sgd", "step"),
                          ("adam", "plateau"), ("adamw", "constant")])
    adam, adamw = found[0], found[4]
    differ = {name for name in adam if name.startswith("parameters") and
              np.any(adam[name] != adamw[name])}
    require(differ, "weight decay changes nothing")
    # A plateau: validations without a new best halve the rate.
    few_rows(flotilla)
    train(flotilla, *OVERFIT, "train.schedule=plateau", "train.schedule_patience=2",
          "train.steps=200", "report.validate_every=5", "report.every=5",
          "train.schedule_factor=0.1")
    lines = flotilla.metrics("run")
    values = [line["validation_log_likelihood"] for line in lines]
    rate, wait, best, wanted = 1e-3, 0, -math.inf, []
    for value in values:
        wanted.append(rate)
        if value > best:
            best, wait = value, 0
        else:
            wait += 1
            if wait == 2:
                rate, wait = rate * 0.1, 0
    near([line["learning_rate"] for line in lines], wanted, 1e-9, values)
    require(wanted[-1] < 1e-3, "the plateau was never reached", values)


def check_lost_digits_are_told(flotilla):
    """A spread that is small beside the mean is lost in the rounding of the values, where
    the file has rounded them, or no origin can be taken off first."""
    rows = normal_rows(400, 3).astype("f8")
    rows[:, 1] += 1e6 if real(flotilla) == np.dtype("f4") else 1e15
    if real(flotilla) == np.dtype("f4"):
        flotilla.data("data.h5", {"train": rows})
        flotilla.write("config.yaml", CONFIG)
        more = ("data.validation=null", "data.test=null", "train.steps=2")
        train(flotilla, *more, run="origin").says("taken off in double", times=1).says(
            "levels apart", times=0)
    flotilla.data("data.h5", {"train": rows.astype(real(flotilla))})
    flotilla.write("config.yaml", CONFIG)
    more = ("data.validation=null", "data.test=null", "train.steps=2")
    train(flotilla, *more).says("note: column 1 has mean", "levels apart", times=1)
    rows[:, 1] = rows[:, 0]
    flotilla.data("data.h5", {"train": rows})
    train(flotilla, *more, run="fine").says("levels apart", times=0)


def check_epochs(flotilla):
    prepare(flotilla)
    train(flotilla, "train.steps=0", "train.epochs=1.5")
    same(flotilla.metrics("run")[-1]["step"], 12)  # 1.5 x 800 / 100
    near(flotilla.metrics("run")[-1]["epoch"], 1.5, 0)


if __name__ == "__main__":
    main(globals())
