"""An independent implementation in PyTorch agrees: log-densities, samples, every gradient.

Called as: check_torch.py PROGRAM MPIEXEC. Small models of every kind of layer and base
are trained for some steps by the program and read by scripts/flotilla_torch.py, which is
written from the papers and has its derivatives by autograd. Compared are

  logprob and sample   with log_prob and sample of the same seed, number by number;
  every gradient       one step of plain SGD over all rows, started from the model, moves
                       theta by -rate times the gradient.

The kinds and their settings are read from `flotilla config`: one that no case has, or that
the reader does not know, is a failure.
"""
import copy
import math
import os
import re
import struct
import subprocess
import sys

import h5py
import numpy as np
import torch
import yaml

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [os.path.dirname(HERE), os.path.join(ROOT, "scripts")]
import flotilla_torch  # noqa: E402
from support import (Failure, every, main, near, normal_rows,  # noqa: E402
                     require, same, same_arrays)

torch.set_num_threads(1)

ROWS, COLUMNS, CONTEXT, SAMPLES = 96, 5, 2, 300

CONFIG = """
run: {directory: DIRECTORY, seed: 3, threads: 1}
data: {files: [data.h5]}
preprocess: [{kind: standardize}]
flow: {}
train: {batch: 96, lanes: 4, steps: 12, learning_rate: 0.03, schedule: constant,
        average: 0.9}
report: {samples: 0}
"""
# 2^6 in float: what a step rounds away is then small beside the gradient.
STEP = {"steps": 1, "optimizer": "sgd", "momentum": 0, "schedule": "constant", "clip": 0,
        "average": 0}
RATES = {torch.float64: 1, torch.float32: 64}
TOLERANCES = {torch.float64: 1e-9, torch.float32: 1e-3}

# A case: its layers, base and direction, the data set `rows`, and other sections of the config.
CASES = {
    "elementwise_affine": "layers: [{kind: elementwise_affine}]",
    "permutation": """
        layers: [{kind: permutation}, {kind: elementwise_affine},
                 {kind: permutation, order: reverse}, {kind: lu_linear}]""",
    "lu_linear": "layers: [{kind: lu_linear}, {kind: lu_linear}]",
    "additive_coupling": """
        layers:
          - {kind: additive_coupling, hidden: [8]}
          - {kind: additive_coupling, hidden: [8, 6], mask: half, activation: tanh}
          - {kind: additive_coupling, width: 8, blocks: 1, mask: random, activation: silu,
             dropout: 0.2}
          - {kind: additive_coupling, hidden: [8], period: 1.5}
          - {kind: elementwise_affine}""",
    "affine_coupling": """
        layers:
          - repeat: 2
            layers: [{kind: affine_coupling, hidden: [8, 8], activation: silu}]
          - {kind: affine_coupling, width: 8, scale_limit: 0.5, mask: half}
          - {kind: affine_coupling, width: 8, blocks: 1, mask: random, activation: tanh,
             dropout: 0.3}
          - {kind: affine_coupling, width: 8, blocks: 0, mask: half, period: 2}""",
    "elementwise_spline": """
        layers: [{kind: elementwise_spline, bins: 4, tail_bound: 1.5}, {kind: lu_linear},
                 {kind: elementwise_spline}]""",
    "spline_coupling": """
        layers:
          - {kind: spline_coupling, hidden: [8], bins: 4, tail_bound: 1.5}
          - {kind: spline_coupling, width: 8, blocks: 1, activation: tanh, bins: 2}
          - {kind: spline_coupling, width: 8, mask: half, activation: silu, bins: 5}
          - {kind: spline_coupling, hidden: [8], mask: random, unconditional: true}""",
    "circular": """
        layers:
          - {kind: elementwise_spline, tails: circular, tail_bound: 0.7}
          - {kind: spline_coupling, hidden: [8], mask: random, unconditional: true,
             tails: circular, tail_bound: 1, period: 2}
          - {kind: spline_autoregressive, width: 3, blocks: 1, activation: silu, bins: 2,
             tails: circular, tail_bound: 1}
        base: {kind: uniform, low: -300, high: 300}
        preprocess: []""",
    "angles": """
        layers:
          - {kind: elementwise_spline, bins: 3}
          - {kind: permutation}
          - {kind: spline_coupling, hidden: [8], mask: random, unconditional: true}
          - {kind: permutation}
          - {kind: spline_coupling, width: 8, blocks: 1, bins: 4, tail_bound: 2}
          - {kind: spline_autoregressive, hidden: [70, 12], bins: 4, activation: tanh}
          - {kind: spline_autoregressive, width: 8, blocks: 1, activation: silu}
        data: {period: {1: 2.5, '3:': 36}}""",
    "angles_alone": """
        layers:
          - {kind: elementwise_spline, tails: circular}
          - {kind: spline_coupling, hidden: [8], tails: circular}
          - {kind: spline_autoregressive, hidden: [8], tails: circular}
        preprocess: [{kind: angle, period: 360, low: 90, columns: [4, '0:2']},
                     {kind: angle, period: 24}]""",
    "affine_autoregressive": """
        layers:
          - {kind: affine_autoregressive, hidden: [9, 8], activation: silu, scale_limit: 0.5}
          - {kind: affine_autoregressive, width: 8, blocks: 1, activation: tanh, dropout: 0.2}
          - {kind: affine_autoregressive, hidden: [160, 70]}""",
    "spline_autoregressive": """
        layers:
          - {kind: spline_autoregressive, hidden: [8], bins: 4, tail_bound: 1.5}
          - {kind: spline_autoregressive, width: 130, activation: tanh, dropout: 0.2}
          - {kind: spline_autoregressive, width: 3, blocks: 1, activation: silu, bins: 2}""",
    "one_column": """
        layers:
          - {kind: affine_autoregressive, hidden: [4]}
          - {kind: spline_autoregressive, width: 4, bins: 3, activation: tanh}
        data: {columns: [2]}""",
    "autoregressive_context": """
        layers:
          - {kind: affine_autoregressive, width: 8}
          - {kind: spline_autoregressive, hidden: [8, 90], bins: 3}
        data: {context: conditions}""",
    "planar": "layers: [{kind: planar}, {kind: planar}, {kind: planar}]",
    "radial": "layers: [{kind: radial}, {kind: radial}, {kind: radial}]",
    "sylvester": """
        layers: [{kind: sylvester, rank: 3, reflections: 2}, {kind: sylvester},
                 {kind: sylvester, rank: 1, reflections: 4}]""",
    "actnorm": "layers: [{kind: actnorm}, {kind: lu_linear}, {kind: actnorm}]",
    "householder": """
        layers: [{kind: householder, reflections: 3}, {kind: elementwise_affine},
                 {kind: householder}, {kind: elementwise_affine}]""",
    "whiten": """
        layers: [{kind: lu_linear}]
        preprocess: [{kind: signed_log, scale: 300, columns: [1]}, {kind: whiten}]""",
    "dequantize": """
        layers: [{kind: permutation}, {kind: affine_coupling, hidden: [8]}]
        preprocess:
          - {kind: permutation}
          - {kind: dequantize, levels: 9, low: -2}
          - {kind: logit, alpha: 0.01}
          - {kind: standardize}
        rows: counts""",
    "a_table": """
        layers: [{kind: lu_linear}, {kind: tanh, columns: 3}, {kind: lu_linear}]
        preprocess:
          - {kind: log, offset: 0.5, columns: [1]}
          - {kind: dequantize, columns: [0, 3]}
          - {kind: logit, alpha: 1e-3, columns: [0, '3:4']}
          - {kind: signed_log, scale: 0.2, columns: [2]}
          - {kind: standardize, columns: [':3']}
          - {kind: box, columns: 4, margin: 0.4}
        rows: table""",
    "box": """
        layers: [{kind: lu_linear}]
        preprocess: [{kind: box, low: -500, columns: ['1:3']},
                     {kind: box, low: -1000, high: 1000, columns: [3, 0]}]""",
    "log": "layers: [{kind: log}, {kind: lu_linear}]\npreprocess: []\nrows: positive",
    "leaky_relu": """
        layers: [{kind: lu_linear}, {kind: leaky_relu, slope: 0.4}, {kind: lu_linear},
                 {kind: leaky_relu, columns: [1, 4]}]""",
    "tanh": "layers: [{kind: lu_linear}, {kind: tanh, bound: 1.2}]",
    "sigmoid": "layers: [{kind: lu_linear}, {kind: sigmoid}]\nbase: {kind: uniform}",
    "sigmoid_columns": """
        layers: [{kind: lu_linear}, {kind: sigmoid, columns: ['2:']},
                 {kind: sigmoid, columns: [1, 0]}]
        base: {kind: uniform}""",
    "logit": """
        layers: [{kind: logit, alpha: 0.05}, {kind: lu_linear}]
        preprocess: []
        rows: shares""",
    "softplus": """
        layers: [{kind: lu_linear}, {kind: softplus}]
        direction: sampling
        rows: positive""",
    "softplus_columns": """
        layers: [{kind: lu_linear}, {kind: softplus, columns: [0, 3]},
                 {kind: inverse_softplus, columns: [3]}]
        direction: sampling
        rows: positive""",
    "inverse_softplus": """
        layers: [{kind: inverse_softplus}, {kind: lu_linear}]
        preprocess: []
        rows: positive""",
    "context": """
        layers:
          - {kind: additive_coupling, width: 8}
          - {kind: affine_coupling, hidden: [8, 8]}
          - {kind: spline_coupling, width: 8, blocks: 1, bins: 4, dropout: 0.2}
        data: {context: conditions}""",
    "categories": """
        layers:
          - {kind: affine_coupling, hidden: [8, 8]}
          - {kind: affine_autoregressive, width: 8, blocks: 1}
        base: {kind: diagonal_normal}
        data: {context: labels, categories: [1, 2]}""",
    "weights": """
        layers: [{kind: lu_linear}, {kind: affine_coupling, hidden: [8]}]
        data: {weights: weights}
        preprocess: []""",
    "normal": "layers: [{kind: lu_linear}]\nbase: {kind: normal}",
    "correlated_normal": """
        layers: [{kind: lu_linear}]
        base: {kind: correlated_normal, mean: 0.5, deviation: 1.5, correlation: -0.3}""",
    "diagonal_normal": """
        layers: [{kind: affine_coupling, hidden: [8]}]
        base: {kind: diagonal_normal, scale_limit: 1}""",
    "student_t": """
        layers: [{kind: affine_coupling, hidden: [8]}]
        base: {kind: student_t, degrees_of_freedom: 5, least_degrees: 2, scale_limit: 1}""",
    "mixture": """
        layers: [{kind: affine_coupling, hidden: [8]}]
        base: {kind: mixture, components: 3, scale_limit: 1, spread: 1}""",
    "autoregressive_mixture": """
        layers: [{kind: lu_linear}]
        base: {kind: autoregressive_mixture, components: 3, hidden: [8], scale_limit: 1,
               activation: silu}""",
    "autoregressive_mixture_context": """
        layers: [{kind: lu_linear}]
        base: {kind: autoregressive_mixture, components: 2, width: 8, blocks: 1, dropout: 0.2,
               activation: tanh}
        data: {context: conditions}""",
    "autoregressive_mixture_blocks": """
        layers: [{kind: elementwise_affine}]
        base: {kind: autoregressive_mixture, components: 2, hidden: [120]}""",
    "uniform": """
        layers: [{kind: lu_linear}]
        direction: sampling
        base: {kind: uniform, low: -1, high: 2}
        rows: shares""",
    "linear_context": """
        layers: [{kind: lu_linear}]
        base: {kind: diagonal_normal, activation: silu}
        data: {context: conditions}
        preprocess_context: []""",
    "reverse_kl": """
        layers:
          - {kind: lu_linear}
          - {kind: affine_coupling, width: 8, blocks: 1, activation: silu}
          - {kind: spline_coupling, hidden: [8], bins: 4}
          - {kind: elementwise_affine}
        direction: sampling
        objective: {kind: reverse_kl, target: {kind: correlated_normal, features: 5,
                                               mean: 0.5, deviation: 2, correlation: 0.6,
                                               log_evidence: 1}}""",
}
for KIND in ("diagonal_normal", "student_t", "mixture"):
    for ACTIVATION in ("relu", "tanh", "silu"):
        CASES[f"{KIND}_{ACTIVATION}"] = f"""
        layers: [{{kind: lu_linear}}]
        base: {{kind: {KIND}, hidden: [6, 4], activation: {ACTIVATION}}}
        data: {{context: conditions}}"""


PRESET = "flow: {preset: PRESET, steps: 2, width: 8, blocks: 1}"
SAMPLING_PRESETS = {"iaf"}
# What a case with direction: sampling has in the place of data.
OBJECTIVE = {"kind": "reverse_kl", "target": {"kind": "correlated_normal", "features": COLUMNS}}


def cases_of(flotilla):
    """All cases by their names: those above, and one a preset."""
    cases = dict(CASES)
    for name in kinds_of(flotilla)["Presets"]:
        cases[f"preset_{name}"] = PRESET.replace("PRESET", name) + (
            "\ndirection: sampling" if name in SAMPLING_PRESETS else "")
    return {name: yaml.safe_load(text) for name, text in cases.items()}


def config_of(name, case):
    """The whole config of a case."""
    config = yaml.safe_load(CONFIG)
    config["run"]["directory"] = name
    config["data"]["train"] = case.get("rows", "rows")
    if case.get("direction") == "sampling":
        config.update(objective=OBJECTIVE, preprocess=[])
        del config["data"]
    for key, value in case.items():
        if key in ("layers", "base", "direction"):
            config["flow"][key] = value
        elif key in ("flow", "data"):
            config[key].update(value)
        elif key != "rows":
            config[key] = value
    return config


def arrays():
    random = np.random.default_rng(5)
    rows = normal_rows(ROWS, COLUMNS, kind=np.float64)
    counts = random.integers(-2, 7, size=rows.shape)
    table = np.stack([counts[:, 0], np.exp(rows[:, 1] / 5), rows[:, 2] ** 3, counts[:, 3],
                      rows[:, 4]], axis=1)
    return {"rows": rows, "counts": counts, "table": table, "positive": np.exp(rows / 5),
            "shares": random.uniform(size=rows.shape),
            "conditions": random.normal(2, 3, size=(ROWS, CONTEXT)),
            "weights": random.uniform(0.5, 2, size=ROWS),
            "samples_conditions": random.normal(size=(SAMPLES, CONTEXT)),
            "labels": labels(ROWS, random), "samples_labels": labels(SAMPLES, random)}


def labels(rows, random):
    """A number beside two labels, of values whose order means nothing."""
    return np.stack([random.normal(5, 2, rows), random.choice([-2, 3, 70], rows),
                     random.integers(0, 2, rows)], axis=1)


class Model:
    """A case as the program trained it, and as PyTorch reads it. `exact` computes in double
    whatever the file holds, so that a difference in float is the program's own."""

    def __init__(self, flotilla, name, case):
        self.flotilla, self.case, self.config = flotilla, name, config_of(name, case)
        self.file = flotilla.write(f"{name}.yaml", yaml.safe_dump(self.config))
        flotilla.run("train", self.file, "-q")
        self.model = flotilla_torch.load(flotilla.path(name))
        self.exact = copy.deepcopy(self.model).double()
        self.tolerance = TOLERANCES[self.model.dtype]
        self.data = flotilla.arrays("data.h5")
        self.source = case.get("rows", "rows")
        self.rows, self.conditions = self.data[self.source], None
        if "columns" in self.config.get("data", {}):
            self.rows = self.rows[:, self.config["data"]["columns"]]
        if self.model.context_features:
            self.conditions = self.data[self.config["data"]["context"]]

    def near(self, found, wanted, what):
        """Within the tolerance, beside the size of the numbers."""
        found, wanted = (np.asarray(v, dtype=np.float64) for v in (found, wanted))
        same(found.shape, wanted.shape, self.case, what, "shape:")
        error = np.linalg.norm(found - wanted) / max(np.linalg.norm(wanted), 1e-300)
        require(error <= self.tolerance, f"{self.case}: {what}: differs from PyTorch by "
                f"{error:.3g} of its size, tolerance {self.tolerance:.0e}"
                f"\n  found  {found.ravel()[:4]}\n  wanted {wanted.ravel()[:4]}")

    def compare_log_prob(self):
        out = f"{self.case}-logprob.h5"
        self.flotilla.run("logprob", self.case, f"data.h5:{self.source}", "-o", out)
        wanted = self.exact.log_prob(self.rows, self.conditions)
        self.near(self.flotilla.arrays(out)["log_prob"], wanted.detach().numpy(), "logprob")
        if self.exact.draws != 1 and any(n["kind"] == "dequantize" for n in nodes_of(self.config)):
            again = self.exact.log_prob(self.rows[::-1].copy(), None if self.conditions is None
                                        else self.conditions[::-1].copy())
            self.near(again.detach().numpy()[::-1], wanted.detach().numpy(), "other order")

    def compare_samples(self):
        out, conditions, words = f"{self.case}-samples.h5", None, []
        if self.conditions is not None:
            name = "samples_" + self.config["data"]["context"]
            conditions, words = self.data[name], ["--context", f"data.h5:{name}"]
        self.flotilla.run("sample", self.case, "-n", SAMPLES, "--seed", 11, "--temperature",
                          0.8, "-o", out, *words)
        wanted = self.model.sample(SAMPLES, 11, conditions, temperature=0.8)
        self.near(self.flotilla.arrays(out)["samples"], wanted.numpy(), "sample")

    def loss(self):
        """What one step over all rows lowers, in PyTorch."""
        whole = yaml.load(self.flotilla.read(self.case, "config.yaml"), yaml.BaseLoader)
        objective = whole["objective"]
        if objective["kind"] == "likelihood":
            weights = np.ones(ROWS)
            if self.config["data"].get("weights"):
                weights = self.data["weights"]
            weights = torch.from_numpy(weights)
            log_prob = self.exact.log_prob(self.rows, self.conditions)
            return -(weights * log_prob).sum() / weights.sum()
        numbers = np.float64 if self.model.dtype == torch.float64 else np.float32
        z = self.model.noise(ROWS, lambda b: flotilla_torch.Stream(
            self.config["run"]["seed"], flotilla_torch.OBJECTIVE, 0, b, numbers)).double()
        target, settings = flotilla_torch.settings_of(objective["target"],
                                                      flotilla_torch.DENSITIES, "target")
        target = target(flotilla_torch.Part(COLUMNS, 0, settings, {}, {}, "target"))
        x, logdet = self.exact(z)
        return -(target.log_prob(x, None) + logdet - self.exact.base.log_prob(z, None)).mean()

    def compare_gradients(self):
        step, rate = f"{self.case}-step", RATES[self.model.dtype]
        config = copy.deepcopy(self.config)
        config["run"]["directory"] = step
        config["train"].update(STEP, learning_rate=rate)
        for node in nodes_of(config["flow"]):
            node.pop("dropout", None)
        file = self.flotilla.write(f"{step}.yaml", yaml.safe_dump(config))
        self.flotilla.run("train", file, "-q", "--init", self.case)
        moved = flotilla_torch.load(self.flotilla.last(step))
        after = dict(moved.named_parameters())
        self.loss().backward()
        for name, parameter in self.exact.named_parameters():
            gradient = (parameter - after[name].double()).detach() / rate
            require(parameter.grad is not None and parameter.grad.norm() > 1e-6, self.case,
                    name, "has no gradient: this case tests nothing of it")
            self.near(gradient, parameter.grad, f"gradient of {name}")


def check_models(flotilla):
    flotilla.data("data.h5", arrays())

    def compare(name, case):
        try:
            model = Model(flotilla, name, case)
        except flotilla_torch.ModelError as error:
            raise Failure(f"{name}: {error}") from None
        model.compare_log_prob()
        model.compare_samples()
        # In training the noise belongs to places in the batch, which PyTorch does not know.
        if not any(node["kind"] == "dequantize" for node in nodes_of(model.config)):
            model.compare_gradients()

    every(compare, cases_of(flotilla).items())


def check_shifted(flotilla):
    """A model whose columns and context are taken off an origin first: by numbers as they
    are stored, integers of 64 bits too."""
    random = np.random.default_rng(4)
    count = random.integers(0, 50, (ROWS, 2))
    begin = np.array([1700000000, 2 ** 61 + 3])
    flotilla.data("data.h5", {"rows": count + begin, "conditions": random.normal(size=(ROWS, 2)) + 1e12,
                              "more": random.normal(size=(SAMPLES, 2)) + 1e12})
    config = yaml.safe_load(CONFIG.replace("DIRECTORY", "shifted"))
    config["data"].update(train="rows", context="conditions")
    config["preprocess"] = [{"kind": "dequantize"}, {"kind": "logit"}]
    config["flow"] = {"layers": [{"kind": "affine_autoregressive", "hidden": [8]}]}
    flotilla.run("train", flotilla.write("c.yaml", yaml.safe_dump(config)), "-q")
    with h5py.File(flotilla.last("shifted")) as file:
        same(file.attrs["format_version"], 2)
        # Double holds all but the whole numbers beyond 2^53.
        real, wanted = file.attrs["real"], np.append(begin, [1e12, 1e12])
        taken = [True] * 4 if real in (b"float", "float") else [False, True, False, False]
        near(file["origin"][()] / wanted, np.asarray(taken, float), 1e-6)
    model, data = flotilla_torch.load(flotilla.path("shifted")), flotilla.arrays("data.h5")
    with h5py.File(flotilla.path("scored.h5"), "w") as file:
        file["rows"], file["conditions"] = data["rows"], data["conditions"]
    flotilla.run("logprob", "shifted", "scored.h5:rows", "-o", "scores.h5")
    scores = flotilla.arrays("scores.h5")["log_prob"]
    with torch.no_grad():
        near(model.log_prob(data["rows"], data["conditions"]).numpy(), scores, 1e-3)
        z, logdet = model(data["rows"][:4], data["conditions"][:4])
        back, less = model.inverse(z, data["conditions"][:4])
    near((logdet + less).numpy(), 0, 1e-4)
    near(back.numpy(), data["rows"][:4].astype("f8"), 0)
    flotilla.run("sample", "shifted", "-n", SAMPLES, "--seed", 11, "-o", "s.h5", "--context",
                 "data.h5:more")
    same_arrays({"": model.sample(SAMPLES, 11, data["more"]).numpy()},
                {"": flotilla.arrays("s.h5")["samples"]})


def kinds_of(flotilla):
    """What `flotilla config` says of presets and of the kinds of layers and densities: for
    each its settings, with their default and, of some, the choices."""
    text = flotilla.run("config").out
    text = re.sub(r"\n {8,}# ", " ", text)  # comments that go on
    sections = re.split(r"^# (?:Kinds of )?(bijections|densities|objective|Presets)\b", text,
                        flags=re.M)[1:]
    found = {}
    for title, section in zip(sections[::2], sections[1::2]):
        kinds = found.setdefault(title, {})
        for line in section.splitlines():
            kind = re.match(r"  (\w+):", line)
            setting = re.match(r"    (\w+): *(.*?) +# (.*)", line)
            if kind:
                kinds[kind[1]] = settings = {}
            elif setting:
                choices = re.search(r"; one of ([\w, ]+)$", setting[3])
                choices = tuple(choices[1].split(", ")) if choices else None
                settings[setting[1]] = setting[2], choices
    for title in ("bijections", "densities", "Presets"):
        require(found.get(title), f"flotilla config names no {title}:", text)
    return found


def nodes_of(node):
    """Every {kind: .., ..} below a node of a config."""
    if isinstance(node, dict) and "kind" in node:
        yield node
    for child in node.values() if isinstance(node, dict) else node:
        if isinstance(child, (dict, list)):
            yield from nodes_of(child)


def check_the_reader_knows_every_kind(flotilla):
    kinds = kinds_of(flotilla)
    for title, table in (("bijections", flotilla_torch.BIJECTIONS),
                         ("densities", flotilla_torch.DENSITIES)):
        same(sorted(table), sorted(kinds[title]), f"{title} in flotilla_torch.py:")
        for name, settings in kinds[title].items():
            known = table[name].settings
            same(sorted(known), sorted(settings), f"settings of {name} in flotilla_torch.py:")
            for setting, (_, choices) in settings.items():
                same(known[setting] if isinstance(known[setting], tuple) else None, choices,
                     f"choices of {name}.{setting} in flotilla_torch.py:")


def check_every_setting_has_a_case(flotilla):
    """Of every kind every choice, and of every other setting a value that is not its
    default."""
    kinds = kinds_of(flotilla)
    used = [node for case in cases_of(flotilla).items() for node in nodes_of(config_of(*case))]
    for name, settings in (kinds["bijections"] | kinds["densities"]).items():
        nodes = [node for node in used if node["kind"] == name]
        require(nodes, "no case has kind", name)
        for setting, (default, choices) in settings.items():
            values = {yaml.safe_dump(node[setting]).split("\n")[0] if setting in node
                      else default for node in nodes}
            missing = set(choices) - values if choices else not values - {default}
            require(not missing, f"no case has {name}.{setting}",
                    missing if choices else f"other than {default}")


def edit(source, target, change):
    """A copy of a checkpoint that `change(file)` was applied to, sealed anew."""
    with open(source, "rb") as file:
        image = file.read()[:-32]
    with open(target, "wb") as file:
        file.write(image)
    with h5py.File(target, "r+") as file:
        change(file)
    with open(target, "rb") as file:
        image = file.read()
    trailer = b"FLOSEAL1" + struct.pack("<QQ", len(image), flotilla_torch.checksum(image))
    with open(target, "ab") as file:
        file.write(trailer + struct.pack("<Q", flotilla_torch.checksum(trailer)))
    return target


def rewrite(file, path, values):
    kind = file[path].dtype
    del file[path]
    file.create_dataset(path, data=values, dtype=kind)


def in_config(old, new):
    def change(file):
        text = file["config"].asstr()[()]
        require(old in text, old, "not in", text)
        rewrite(file, "config", text.replace(old, new))
    return change


SHIFT = "average/01_elementwise_affine/shift"

# What is changed in a checkpoint, and what the refusal says.
REFUSED = [
    (lambda f: f.attrs.modify("format", b"other"), "no flotilla model"),
    (lambda f: f.attrs.modify("format_version", 3), "model format 3, wanted one of (1, 2)"),
    (lambda f: f.attrs.modify("format_version", 2), "origin, scale"),
    (lambda f: f.attrs.create("colour", 1), "colour"),
    (lambda f: f.attrs.create("real", "half"), "in a model that says half"),
    (lambda f: f.attrs.__delitem__("seed"), "seed"),
    (lambda f: f.create_group("extra"), "extra"),
    (lambda f: rewrite(f, SHIFT, np.zeros(4)), "shift of shape [4], wanted [5]"),
    (lambda f: rewrite(f, SHIFT, np.full(5, np.nan)), "not finite"),
    (lambda f: f.__delitem__(SHIFT), "no parameter shift"),
    (lambda f: f.create_dataset("average/base/mean", data=np.zeros(5)), "base/mean"),
    (lambda f: f.create_dataset("constants/bounds", data=np.zeros(5)), "bounds"),
    (lambda f: rewrite(f, "constants/00_standardize/deviation", -np.ones(5)), "positive"),
    (in_config("kind: elementwise_affine", "kind: elementwise_cubic"), "elementwise_cubic"),
    (in_config("kind: elementwise_affine", "kind: elementwise_affine, power: 2"), "power"),
    (in_config("kind: standardize", "kind: rank"), "00_rank"),
    (in_config("direction: density", "direction: both"), "'both', wanted one of density"),
    (in_config("direction: density", "direction: density\n  dequantize: true"), "dequantize"),
    (in_config("kind: normal", "kind: cauchy"), "cauchy"),
]


def refuses(path, says):
    try:
        flotilla_torch.load(path)
    except flotilla_torch.ModelError as error:
        require(says in str(error) and str(path) in str(error), "wanted", says, "in:", error)
    else:
        raise Failure(f"{path}: was read, wanted a refusal that says: {says}")


def check_what_is_not_understood_is_refused(flotilla):
    flotilla.data("data.h5", arrays())
    flotilla.write("config.yaml", yaml.safe_dump(config_of("elementwise_affine", {"layers": [
        {"kind": "elementwise_affine"}]})))
    flotilla.run("train", "config.yaml", "-q")
    good, bad = flotilla.last("elementwise_affine"), flotilla.path("bad.h5")
    flotilla_torch.load(edit(good, bad, lambda file: None))
    for change, says in REFUSED:
        refuses(edit(good, bad, change), says)
    with open(good, "rb") as file:
        whole = file.read()
    for damaged, says in ((whole[:-1], "no seal"), (whole + b"x", "no seal"),
                          (whole[:1000] + whole[1001:], "damaged"),
                          (whole[:1000] + bytes([whole[1000] ^ 1]) + whole[1001:], "damaged")):
        with open(bad, "wb") as file:
            file.write(damaged)
        refuses(bad, says)
    refuses(flotilla.path("nowhere"), "run directory")
    refuses(flotilla.folder, "no checkpoint")


def check_module(flotilla):
    """A module as PyTorch has them: parameters with the names and bits of the file, of the
    average or not; dropout in training; samples that are the first of more."""
    flotilla.data("data.h5", arrays())
    flotilla.write("config.yaml", yaml.safe_dump(config_of("dropout", {"layers": [
        {"kind": "affine_coupling", "width": 8, "dropout": 0.5},
        {"kind": "affine_autoregressive", "hidden": [8]}]})))
    flotilla.run("train", "config.yaml", "-q")
    file = flotilla.arrays(flotilla.last("dropout"))
    for group in ("average", "parameters"):
        model = flotilla_torch.load(flotilla.path("dropout"), average=group == "average")
        found = {f"{group}/{name.replace('.', '/')}": values.detach().numpy()
                 for name, values in model.named_parameters()}
        same_arrays(found, {name: file[name] for name in file if name.startswith(group)})
    rows = file["constants/00_standardize/mean"] + np.eye(COLUMNS)
    require(torch.equal(model.log_prob(rows), model.log_prob(rows)), "evaluation is random")
    model.train()
    require(not torch.equal(model.log_prob(rows), model.log_prob(rows)), "no dropout")
    model.eval()
    near(model.sample(7, 3).numpy(), model.sample(20, 3)[:7].numpy(), 1e-4, "more samples")
    x, logdet = model.inverse(model(rows)[0])
    near(x.detach().numpy(), rows, 1e-4, "rows after forward and inverse")
    for wrong in (rows[:, :4], rows[0]):
        try:
            model.log_prob(wrong)
        except flotilla_torch.ModelError as error:
            require("wanted [rows, 5]" in str(error), error)
        else:
            raise Failure(f"log_prob took rows of shape {wrong.shape}")


def check_unknown_categories(flotilla):
    """NaN, as `flotilla logprob` says it; refused where samples are wanted under it."""
    flotilla.data("data.h5", arrays())
    flotilla.write("config.yaml", yaml.safe_dump(
        config_of("categories", yaml.safe_load(CASES["categories"]))))
    flotilla.run("train", "config.yaml", "-q")
    model, data = flotilla_torch.load(flotilla.path("categories")), flotilla.arrays("data.h5")
    context = data["labels"].copy()
    context[[4, 9], 1] = [4, 2.5]
    found = model.log_prob(data["rows"], context).isnan().numpy()
    same(np.flatnonzero(found).tolist(), [4, 9])
    try:
        model.sample(len(context), 1, context)
    except flotilla_torch.ModelError as error:
        require("1 one of [-2, 3, 70]" in str(error), error)
    else:
        raise Failure("samples under a category that is not known")


def check_rows_outside(flotilla):
    """-inf and NaN are those of `flotilla logprob`."""
    flotilla.data("data.h5", arrays())
    flotilla.write("config.yaml", yaml.safe_dump(
        config_of("table", yaml.safe_load(CASES["a_table"]))))
    flotilla.run("train", "config.yaml", "-q")
    rows = flotilla.arrays("data.h5")["table"].astype("f4")
    for row, (column, value) in enumerate(((0, 1e5), (0, 0.5), (1, -0.5), (3, -9), (4, 1e6),
                                           (2, math.nan))):
        rows[row, column] = value
    flotilla.data("new.h5", {"x": rows})
    flotilla.run("logprob", "table", "new.h5:x", "-o", "out.h5")
    wanted = flotilla.arrays("out.h5")["log_prob"]
    same(np.isneginf(wanted).tolist(), [True] * 5 + [False] * (len(rows) - 5))
    same(np.flatnonzero(np.isnan(wanted)).tolist(), [5])
    model = flotilla_torch.load(flotilla.path("table"))
    found = model.log_prob(rows).detach().numpy()
    near(np.nan_to_num(found, nan=7, neginf=8), np.nan_to_num(wanted, nan=7, neginf=8), 1e-2)


def check_command_line(flotilla):
    """The same numbers as `flotilla logprob`; never over another file."""
    flotilla.data("data.h5", arrays())
    flotilla.write("config.yaml", yaml.safe_dump(
        config_of("context", yaml.safe_load(CASES["context"]))))
    flotilla.run("train", "config.yaml", "-q")
    flotilla.run("logprob", "context", "data.h5:rows", "-o", "wanted.h5")
    command = [sys.executable, flotilla_torch.__file__, "context", "--log-prob",
               "data.h5:rows", "--context", "data.h5:conditions", "-o", "found.h5"]
    for code, says in ((0, ""), (1, "found.h5: cannot be written")):
        done = subprocess.run(command, cwd=flotilla.folder, capture_output=True, text=True)
        require(done.returncode == code and says in done.stderr, command, done)
    found, wanted = (flotilla.arrays(f"{name}.h5")["log_prob"] for name in ("found", "wanted"))
    near(found, wanted, 1e-3, "log_prob on the command line")


MEANINGS = {  # type, stored numbers by those that they stand for, attributes
    "plain": ("f4", lambda x: x, {}),
    "packed": ("i2", lambda x: np.round(x * 1000) - 500,
               {"_FillValue": np.array([-7], "i2"), "scale_factor": 0.001, "add_offset": 0.5}),
    "big": (">f4", lambda x: x, {"missing_value": 1e20}),
    "wide": ("f8", lambda x: x, {"_FillValue": np.float32(1e20), "valid_range": [-2.0, 1e19]}),
    "limits": ("i4", lambda x: np.round(x * 100), {
        "valid_min": np.float32(-1), "valid_max": np.int32(90), "scale_factor": 0.01}),
    "bytes": ("i1", lambda x: np.round(x * 20), {
        "_Unsigned": "true", "_FillValue": np.int8(-3), "scale_factor": np.float32(0.125)}),
    "text": ("i4", lambda x: np.round(x * 9), {"missing_value": "4"}),
    "netcdf": ("f4", lambda x: x, {})}


def check_missing_and_packed_numbers(flotilla):
    """What a file says that its numbers stand for is read as the program reads it."""
    x = np.random.default_rng(6).normal(size=(ROWS, COLUMNS))
    with h5py.File(flotilla.path("data.h5"), "w") as file:
        file["train"] = x
        for name, (kind, store, attributes) in MEANINGS.items():
            stored = store(x)
            stored[3, 1] = {"f": 1e20, "i": attributes.get("_FillValue", 4)}[np.dtype(kind).kind]
            if name == "netcdf":
                stored[3, 1] = 9.96920996838687e36
            data = file.create_dataset(name, data=stored.astype(kind),
                                       fillvalue=9.96920996838687e36 if name == "netcdf" else None)
            for key, value in attributes.items():
                data.attrs[key] = value
        holes = file.create_dataset("holes", x.shape, "f4", chunks=(20, 2))
        holes[:40], holes[60:, :3] = x[:40], x[60:, :3]
        table = np.zeros(3, [("a", "f4"), ("b", ">i8"), ("a.mask", "?")])
        table["a"], table["a.mask"], table["b"] = [1, 2, 3], [0, 1, 0], [-2**63, 5, -1]
        file["table"] = table
        file["table"].attrs["b_dtype"] = "datetime64[ns]"
        file["table"].attrs["_FillValue"] = np.array((3, -1), [("a", "f4"), ("b", "i8")])
    flotilla.write("config.yaml", """
run: {directory: model, threads: 1}
data: {files: [data.h5], on_bad_rows: drop}
flow: {layers: [{kind: elementwise_affine}]}
train: {batch: 96, lanes: 4, steps: 3}
""")
    flotilla.run("train", "config.yaml", "-q")
    model = flotilla_torch.load(flotilla.path("model"))
    for name in [*MEANINGS, "holes"]:
        flotilla.run("logprob", "model", "data.h5:" + name, "-o", name + ".h5")
        wanted = flotilla.arrays(name + ".h5")["log_prob"]
        found = flotilla_torch.log_prob_of(
            model, flotilla_torch.read_rows(flotilla.path("data.h5") + ":" + name), None)
        same(np.isfinite(found).tolist(), np.isfinite(wanted).tolist(), name)
        require(name == "plain" or 0 < np.isnan(found).sum() < len(found), name, found)
        finite = np.isfinite(wanted)
        near(found[finite], wanted[finite], 1e-4 * (1 + np.abs(wanted[finite]).max()), name)
    with h5py.File(flotilla.path("data.h5"), "r") as file:
        for field, wanted in (("a", [1, np.nan, np.nan]), ("b", [np.nan, 5, np.nan])):
            found = flotilla_torch.meant(file["table"], field)
            require(np.array_equal(found, wanted, equal_nan=True), field, found)


if __name__ == "__main__":
    main(globals())
