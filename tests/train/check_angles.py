"""Columns that are angles, by data.period: a density of the circle, whatever the branch.

Von Mises mixtures with their mass at the seam, an angle in degrees and a number that
depend on them: figures agree with the truth, the density integrates to 1 over the circle
and is continuous at the seam, that of the other columns too, samples stay within one
turn; what cannot be kept on the circle is refused. Called as: check_angles.py PROGRAM
MPIEXEC.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from support import ERROR, every, main, near, require, same, same_arrays  # noqa: E402

PI = np.pi
FIELDS = np.dtype([("r", "f4"), ("phi", "f4"), ("theta", "f4")])
CONFIG = """
run: {directory: %s, threads: 1}
data: {files: [data.h5], train: train, test: test, columns: [phi, theta, r],
       period: {phi: 6.283185307179586, theta: 360}}
flow: {preset: %s, steps: 3, width: 24}
train: {steps: %d, batch: 200, lanes: 4, learning_rate: 5e-3}
report: {samples: 4000, validate_every: 0}
"""
PRESETS = ("nsf_coupling", "nsf_autoregressive")


def von_mises(x, mean, kappa):
    return kappa * np.cos(x - mean) - np.log(2 * PI * np.i0(kappa))


def truth(phi, theta, r):
    """log p, by the units of the columns."""
    mixture = np.logaddexp(np.log(0.6) + von_mises(phi, PI, 4),
                           np.log(0.4) + von_mises(phi, 0.5, 8))
    turned = von_mises(np.radians(theta), phi + 1, 3) + np.log(PI / 180)
    return mixture + turned - 2 * (r - 2 * np.cos(phi)) ** 2 - np.log(0.5 * np.sqrt(2 * PI))


def wrap(x, low, period):
    return low + (x - low) % period


def rows(count, seed):
    """[count, 3]: phi in [-pi, pi), most of it near both ends, theta in [0, 360), r."""
    random = np.random.default_rng(seed)
    first = random.random(count) < 0.6
    phi = np.where(first, random.vonmises(PI, 4, count), random.vonmises(0.5, 8, count))
    theta = np.degrees(random.vonmises(0, 3, count) + phi + 1)
    r = 2 * np.cos(phi) + 0.5 * random.standard_normal(count)
    return np.stack([wrap(phi, -PI, 2 * PI), wrap(theta, 0, 360), r], axis=1)


def table(x):
    found = np.zeros(len(x), FIELDS)
    for k, name in enumerate(("phi", "theta", "r")):
        found[name] = x[:, k]
    return found


def prepare(flotilla, **more):
    flotilla.data("data.h5", {"train": table(rows(8000, 1)), "test": table(rows(4000, 2)),
                              **{name: table(x) for name, x in more.items()}})


def train(flotilla, config, run, *words, code=0):
    flotilla.write(f"{run}.yaml", config)
    return flotilla.run("train", f"{run}.yaml", "-q", *words, code=code)


def log_prob(flotilla, run, x):
    """log p of rows [.., 3]: phi, theta, r."""
    name = f"rows-{run}.h5"
    flotilla.data(name, {"test": table(x)})
    flotilla.run("logprob", run, f"{name}:test", "-o", "scores-" + name, "--force")
    return flotilla.arrays("scores-" + name)["log_prob"]


def samples(flotilla, run):
    folder = flotilla.path(run, "samples")
    with h5py.File(os.path.join(folder, max(os.listdir(folder))), "r") as file:
        return file["samples"][:]


def check_figures(flotilla):
    """Score, integral, seam, branches and samples of flows of both kinds, trained on one
    angle in radians, one in degrees and a number."""
    prepare(flotilla)
    for preset in PRESETS:
        train(flotilla, CONFIG % (preset, preset, 900), preset)
        compare_scores(flotilla, preset)
        compare_integral(flotilla, preset)
        compare_seam(flotilla, preset)
        compare_branches(flotilla, preset)
        compare_samples(flotilla, preset)


def compare_scores(flotilla, run):
    x = rows(4000, 2)
    lost = np.mean(truth(*x.T) - log_prob(flotilla, run, x))
    require(-0.02 < lost < 0.08, run, "nats below the truth:", lost)


def compare_integral(flotilla, run):
    """Over both circles and the line: by equal steps, which are exact on a circle."""
    u = (np.arange(64) + 0.5) / 64
    line = np.linspace(-6, 6, 97)[:-1] + 1 / 16
    grid = np.stack(np.meshgrid(wrap(2 * PI * u, -PI, 2 * PI), 360 * u, line), -1)
    p = np.exp(log_prob(flotilla, run, grid.reshape(-1, 3)))
    near(p.sum() * 2 * PI / 64 * 360 / 64 / 8, 1, 0.01, run, "integral:")


def compare_seam(flotilla, run):
    """Either side of both seams, at many places of the other columns."""
    random = np.random.default_rng(3)
    x = np.stack([random.uniform(-PI, PI, 400), random.uniform(0, 360, 400),
                  random.uniform(-3, 3, 400)], axis=1)
    for column, low, period in ((0, -PI, 2 * PI), (1, 0, 360)):
        below, above = x.copy(), x.copy()
        below[:, column] = low + period - 1e-6 * period
        above[:, column] = low + 1e-6 * period
        near(log_prob(flotilla, run, below), log_prob(flotilla, run, above), 0.02, run,
             "across the seam of column", column)


def compare_branches(flotilla, run):
    x = rows(1000, 4)
    wanted = log_prob(flotilla, run, x)
    for phi, theta in ((2 * PI, 360), (-2 * PI, -360), (6 * PI, -1080)):
        found = log_prob(flotilla, run, x + [phi, theta, 0])
        near(found, wanted, 0.02, run, "turned by", phi, theta)
    shown = flotilla.run("evaluate", run, f"rows-{run}.h5:test", "--json").out
    error = json.loads(shown)["reconstruction_error"]
    require(error < 1e-2, run, "an angle comes back in another branch:", error)


def compare_samples(flotilla, run):
    phi, theta, r = samples(flotilla, run).astype(float).T
    require(np.all((-PI <= phi) & (phi < PI)), run, phi.min(), phi.max())
    require(np.all((0 <= theta) & (theta < 360)), run, theta.min(), theta.max())
    x = rows(40000, 5)
    for found, wanted in ((phi, x[:, 0]), (2 * phi, 2 * x[:, 0]),
                          (np.radians(theta), np.radians(x[:, 1])),
                          (np.radians(theta) - phi, np.radians(x[:, 1]) - x[:, 0])):
        near(np.mean(np.exp(1j * found)), np.mean(np.exp(1j * wanted)), 0.06, run)
    near(np.mean(r * np.cos(phi)), np.mean(x[:, 2] * np.cos(x[:, 0])), 0.08, run)


def check_one_angle(flotilla):
    """The density of a single angle, whatever the branch and unit of the training data:
    the same score at the same angle, but for the unit, and samples in the data's branch."""
    random = np.random.default_rng(6)
    phi = np.where(random.random(6000) < 0.7, random.vonmises(PI, 3, 6000),
                   random.vonmises(1, 20, 6000))
    grid = (np.arange(720) + 0.5) / 720 * 2 * PI
    wanted = np.logaddexp(np.log(0.7) + von_mises(grid, PI, 3),
                          np.log(0.3) + von_mises(grid, 1, 20))
    found = {}
    for name, low, period in (("zero", 0, 2 * PI), ("minus", -PI, 2 * PI),
                              ("degrees", 0, 360), ("hours", -12, 24)):
        unit = period / (2 * PI)
        flotilla.data(f"{name}.h5", {
            "train": wrap(phi * unit, low, period)[:, None],
            "grid": wrap(grid * unit, low, period)[:, None]})
        train(flotilla, f"""
run: {{directory: {name}, threads: 1}}
data: {{files: [{name}.h5], period: {{0: {period!r}}}}}
flow: {{preset: nsf_autoregressive, steps: 2, hidden: [8], bins: 16}}
train: {{steps: 500, batch: 200, lanes: 4, learning_rate: 1e-2}}
report: {{samples: 3000}}
""", name)
        flotilla.run("logprob", name, f"{name}.h5:grid", "-o", f"{name}-scores.h5")
        found[name] = flotilla.arrays(f"{name}-scores.h5")["log_prob"] + np.log(unit)
        drawn = samples(flotilla, name).astype(float)
        require(low <= drawn.min() and drawn.max() < low + period, name, drawn.min(),
                drawn.max())
        require(drawn.max() - drawn.min() > 0.9 * period, name, "one turn of samples")
        near(np.exp(found[name]).sum() * 2 * PI / 720, 1, 2e-3, name, "integral:")
        apart = np.abs(found[name] - found["zero"]) @ np.exp(wanted) * 2 * PI / 720
        require(apart < 0.02, name, "beside the branch from zero, nats:", apart)
    loss = np.sum(np.exp(wanted) * (wanted - found["zero"])) * 2 * PI / 720
    require(0 <= loss < 0.02, "nats below the truth:", loss)


def check_resume(flotilla):
    """A run goes on by the config it was started with and by its own; both are the same
    as without a stop, and so are scores on ranks."""
    prepare(flotilla)
    constant = ("--set", "train.schedule=constant")
    train(flotilla, CONFIG % ("whole", PRESETS[0], 60), "whole", *constant)
    for run, config in (("old", "old.yaml"), ("own", "own/config.yaml")):
        train(flotilla, CONFIG % (run, PRESETS[0], 60), run, *constant, "--set",
              "train.steps=30")
        more = constant if run == "old" else ("--set", "train.steps=60")
        flotilla.run("train", config, "-q", "--resume", *more)
        same_arrays(flotilla.state(flotilla.last(run)), flotilla.state(flotilla.last("whole")),
                    run, but=("run.started_step",))
    other = (CONFIG % ("old", PRESETS[0], 90)).replace("360}", "180}")
    train(flotilla, other, "old", "--resume", *constant, code=ERROR).says("data.period")
    flotilla.run("evaluate", "whole", ranks=2)
    flotilla.run("sample", "whole", "-n", 10, "-o", "drawn.h5")
    x = flotilla.arrays("drawn.h5")["samples"]
    require(np.all((x[:, 1] >= 0) & (x[:, 1] < 360)), x)


# What is said of configs that do not keep an angle on its circle, by words to replace.
REFUSED = [
    ("preset: nsf_coupling", "preset: maf", ["affine_autoregressive is an angle",
                                             "nsf_autoregressive"]),
    ("preset: nsf_coupling", "preset: realnvp", ["affine_coupling is an angle"]),
    ("steps: 3", "steps: 3, mixing: lu", ["lu_linear is an angle", "permutation"]),
    ("width: 24", "width: 24, tails: circular", ["tails", "is none"]),
    ("width: 24}", "width: 24, base: {kind: student_t}}", ["flow.base", "{kind: normal}"]),
    ("width: 24}", "width: 24}\npreprocess: [{kind: whiten}]",
     ["whiten is an angle", "standardize"]),
    ("width: 24}", "width: 24}\npreprocess: [{kind: standardize, columns: [1, 2]}]",
     ["column 1 of 02_standardize is an angle"]),
    ("width: 24}", "width: 24}\npreprocess: [{kind: angle, period: 24, columns: [2]}]",
     ["data.period", "either"]),
    ("theta: 360", "tetha: 360", ["data.period", "tetha", "theta"]),
    ("theta: 360", "theta: -360", ["data.period", "-360", "above 0"]),
    ("theta: 360", "theta: all", ["data.period", "number above 0"]),
    ("theta: 360", "phi: 360", ["phi"]),
    ("columns: [phi, theta, r]", "columns: [phi, r]", ["period", "not among data.columns"]),
    ("columns: [phi, theta, r]", "columns: [phi, r], context: [theta]",
     ["period", "cosine and the sine"]),
    # Without the declaration circular tails close no circle.
    ("period: {phi: 6.283185307179586, theta: 360}}\nflow: {preset: nsf_coupling,",
     "weights: null}\nflow: {preset: nsf_coupling, tails: circular,",
     ["tails", "circular", "period:", "standardize"]),
    ("period: {phi: 6.283185307179586, theta: 360}}\nflow: {preset: nsf_coupling,",
     "weights: null}\npreprocess: []\nflow: {preset: nsf_coupling, tails: circular,",
     ["tails", "circular", "period:", "base that is not uniform"]),
]


def check_refusals(flotilla):
    prepare(flotilla)

    def refuse(number, old, new, words):
        part = flotilla.part(f"case-{number}")
        config = CONFIG % ("run", "nsf_coupling", 20)
        require(old in config, old)
        part.write("config.yaml", config.replace(old, new))
        part.run("train", "config.yaml", code=ERROR).says(*words)
        require(not os.path.exists(part.path("run")), "a refused run leaves no directory")

    every(refuse, [(n, *case) for n, case in enumerate(REFUSED)])


def check_declared_in_preprocess(flotilla):
    """A step stands for what the declaration stands for: the same model, to the bit."""
    prepare(flotilla)
    train(flotilla, CONFIG % ("declared", PRESETS[1], 30), "declared")
    by_step = (CONFIG % ("step", PRESETS[1], 30)).replace(
        "period: {phi: 6.283185307179586, theta: 360}", "weights: null")
    by_step = by_step.replace("width: 24}", """width: 24, mixing: permutation}
preprocess:
  - {kind: angle, period: 6.283185307179586, columns: 0}
  - {kind: angle, period: 360, columns: 1}
  - {kind: standardize}""")
    train(flotilla, by_step, "step")
    same_arrays(flotilla.state(flotilla.last("declared")), flotilla.state(flotilla.last("step")))
    same(flotilla.read("declared", "test.json"), flotilla.read("step", "test.json"))


if __name__ == "__main__":
    main(globals())
