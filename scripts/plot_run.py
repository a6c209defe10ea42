#!/usr/bin/env python3
"""Draw a run: its training curves, and its samples against the data.

  scripts/plot_run.py runs/coads                      writes runs/coads/plot.png
  scripts/plot_run.py runs/coads --columns 0,3,6 -o three.png
  scripts/plot_run.py runs/coads --split train
  scripts/plot_run.py runs/coads --data other.h5:test

Top: log-likelihood, learning rate and gradient norm over steps, from metrics.jsonl. Below:
one histogram a column, and for each pair of columns the density of the data (shaded) under
that of the samples (lines), from the newest file of samples/. The data are rows of the run's
test split, else of its validation, else of its train split, as `flotilla rows` gives them: the
columns, weights and rows that the flow gets. The picture says which rows and columns they are.

Needs numpy, h5py and matplotlib, and the flotilla program: FLOTILLA, else build/release,
build/dev, or PATH.
"""
import argparse
import glob
import json
import os
import shutil
import subprocess
import sys
import tempfile

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy", "matplotlib")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
import matplotlib  # noqa: E402
matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

ROWS = 20000        # of data and of samples: enough for smooth outlines
COLUMNS = 6         # shown unless --columns says otherwise
INSIDE = (0.9, 0.5)  # shares of the rows inside the outlines of a panel
BINS = 48
DATA, FLOW, VALID, GREY = "#4c78a8", "#e4572e", "#e4572e", "#6b7280"
STYLE = {
    "font.size": 8.5, "font.family": "sans-serif", "axes.edgecolor": "#9ca3af",
    "axes.linewidth": 0.7, "axes.labelcolor": "#374151", "text.color": "#111827",
    "xtick.color": "#6b7280", "ytick.color": "#6b7280", "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": False, "legend.frameon": False, "figure.facecolor": "white",
}


def fail(message):
    sys.exit(f"plot_run.py: {message}")


def read_metrics(run):
    """The lines of metrics.jsonl as a dict of arrays (step, value) a key."""
    path = os.path.join(run, "metrics.jsonl")
    try:
        with open(path) as file:
            text = file.read().splitlines()
    except OSError as error:
        fail(f"{path}: {error.strerror}; wanted the run directory of `flotilla train`")
    series = {}
    for number, line in enumerate(text, 1):
        try:
            record = json.loads(line)
        except ValueError:
            if number == len(text):  # a run that is going on
                continue
            fail(f"{path}, line {number}: not JSON: {line[:60]!r}")
        for key, value in record.items():
            if isinstance(value, (int, float)) and "step" in record:
                series.setdefault(key, []).append((record["step"], value))
    if not series:
        fail(f"{path}: no line with a step yet; wait for the first report")
    return {key: np.array(value, float).T for key, value in series.items()}


def find_program():
    here = os.path.dirname(os.path.abspath(__file__))
    given = os.environ.get("FLOTILLA")
    for path in [given] if given else [os.path.join(here, "..", "build", kind, "flotilla")
                                       for kind in ("release", "dev")]:
        if os.access(path, os.X_OK):
            return path
    if given:
        fail(f"FLOTILLA={given} is no program")
    return shutil.which("flotilla") or fail(
        "no flotilla program in build/release, build/dev or PATH; build it, or set FLOTILLA")


def texts(attributes, key):
    return [n.decode() if isinstance(n, bytes) else str(n)
            for n in np.ravel(attributes.get(key, []))]


class Data:
    """Rows as the flow gets them: x [n, D], weight [n], row [n] and file [n] (a path), names
    [D]; source, and total, the number of rows that there are."""

    def __init__(self, file):
        self.x = file["x"][:].astype(np.float64)
        self.weight = file["weight"][:].astype(np.float64)
        self.row, self.file = file["row"][:], file["file"][:]
        files = texts(file["x"].attrs, "files")
        self.file = np.array([files[i] if files else str(i) for i in self.file])
        self.known = texts(file["x"].attrs, "columns")
        self.names = self.known or [f"column {j}" for j in file["column"][:]]
        self.source, self.split = (texts(file.attrs, key)[0] for key in ("source", "split"))
        self.total, self.left_out = int(file.attrs["rows"]), int(file.attrs["left_out"])
        self.contexts = file["context"].shape[1] if "context" in file else 0

    def told(self):
        """Which rows they are, in words."""
        of = "data" if self.split == "data" else f"{self.split} split"
        text = f"{of}: {len(self.x):,} of {self.total:,} rows of {self.source}"
        if self.left_out:
            text += f" ({self.left_out:,} more were bad or have no weight)"
        return text + (f"; {self.contexts} context columns are not shown" if self.contexts else "")


def read_data(a):
    """By the program, so that columns, splits and weights are what they are in training."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.h5")
        command = [find_program(), "rows", a.run, *([a.data] if a.data else []),
                   *(["--split", a.split] if a.split else []), "-n", str(a.rows), "-o", path]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            fail(f"{done.stderr.strip()}\n(paths in a config are relative to the folder where "
                 "the run was started; --data FILE.h5:DATASET takes other rows)")
        with h5py.File(path, "r") as file:
            return Data(file)


def read_samples(a, data):
    """At most as many samples as rows are asked for, [n, D], in the order of the data's
    columns, where both have names."""
    path = a.samples
    if not path:
        found = sorted(glob.glob(os.path.join(a.run, "samples", "step-*.h5")))
        if not found:
            fail(f"{os.path.join(a.run, 'samples')}: no step-*.h5 yet; draw some with "
                 "`flotilla sample` and give --samples FILE.h5, or use --curves-only")
        path = found[-1]
    try:
        with h5py.File(path, "r") as file:
            if "samples" not in file:
                fail(f"{path}: no data set 'samples'; it has: {', '.join(file)}")
            x, names = file["samples"][:a.rows], texts(file["samples"].attrs, "columns")
    except OSError as error:
        fail(f"{path}: cannot be read as HDF5: {error}")
    x = x.reshape(len(x), -1).astype(np.float64)
    if x.shape[1] != data.x.shape[1]:
        fail(f"{path}: the samples have {x.shape[1]} columns, {data.source} gives "
             f"{data.x.shape[1]}: they are not of one run; see --samples, --data")
    if len(names) == x.shape[1] and data.known and names != data.known:
        if sorted(names) != sorted(data.known) or len(set(names)) < len(names):
            fail(f"{path}: the columns of the samples are {', '.join(names[:9])}, those of "
                 f"{data.source} {', '.join(data.known[:9])}: they are not of one run")
        x = x[:, [names.index(name) for name in data.known]]
    return x


def inner_range(x, tail=0.002):
    """The range of most of a column, a little widened: far rows must not squeeze it."""
    low, high = np.quantile(x, [tail, 1.0 - tail])
    margin = 0.06 * (high - low) or 0.5
    return low - margin, high + margin


def smooth(counts, width=1.1):
    """A histogram blurred by a Gaussian of `width` bins."""
    offsets = np.arange(-4, 5)
    kernel = np.exp(-0.5 * (offsets / width) ** 2)
    kernel /= kernel.sum()
    for axis in range(counts.ndim):
        counts = np.apply_along_axis(np.convolve, axis, counts, kernel, mode="same")
    return counts


def density(x, y, weight, x_range, y_range):
    counts, x_edges, y_edges = np.histogram2d(x, y, BINS, [x_range, y_range], weights=weight)
    return (0.5 * (x_edges[1:] + x_edges[:-1]), 0.5 * (y_edges[1:] + y_edges[:-1]),
            smooth(counts).T)


def levels(counts):
    """The densities whose outlines hold the shares INSIDE of the rows, increasing."""
    ordered = np.sort(counts.ravel())[::-1]
    held = np.cumsum(ordered) / max(ordered.sum(), 1e-300)
    found = [ordered[min(np.searchsorted(held, share), len(ordered) - 1)]
             for share in INSIDE]
    return found if 0 < found[0] < found[1] else None


def draw_curves(figure, space, metrics):
    """One panel of log-likelihood, one of learning rate and gradient norm."""
    grid = space.subgridspec(1, 2, width_ratios=[2.2, 1], wspace=0.36)
    axis = figure.add_subplot(grid[0])
    shown = []
    for key, label, colour, width in (
            ("train_log_likelihood", "train", DATA, 1.2),
            ("validation_log_likelihood", "validation", VALID, 1.8)):
        if key in metrics:
            steps, values = metrics[key]
            good = np.isfinite(values)
            axis.plot(steps[good], values[good], color=colour, lw=width, label=label,
                      marker="o" if good.sum() < 12 else None, ms=3)
            shown.append(values[good])
    if shown:
        everything = np.concatenate(shown)
        late = np.concatenate([v[len(v) // 10:] for v in shown])
        if late.size:  # the first steps are far below; they must not flatten the rest
            low, high = late.min(), everything.max()
            axis.set_ylim(low - 0.08 * (high - low) - 1e-9, high + 0.08 * (high - low) + 1e-9)
        axis.legend(loc="lower right")
    axis.set_xlabel("step")
    axis.set_ylabel("log-likelihood (nats a row)")
    axis.grid(axis="y", color="#e5e7eb", lw=0.6)
    axis.margins(x=0.01)

    side = figure.add_subplot(grid[1])
    side.set_xlabel("step")
    side.margins(x=0.02)
    if "gradient_norm" in metrics:
        steps, values = metrics["gradient_norm"]
        good = np.isfinite(values) & (values > 0)
        if good.any():
            side.semilogy(steps[good], values[good], color=GREY, lw=1.0)
        side.set_ylabel("gradient norm", color=GREY)
    if "learning_rate" in metrics:
        rate = side.twinx()
        rate.plot(*metrics["learning_rate"], color="#54a24b", lw=1.4)
        rate.set_ylabel("learning rate", color="#54a24b")
        rate.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2), useMathText=True)
        rate.spines["right"].set_visible(True)
        rate.set_ylim(bottom=0)


def draw_corner(figure, space, data, weight, samples, names):
    """Histograms on the diagonal, pairs below it: data [n, d] of weight [n]."""
    count = data.shape[1]
    grid = space.subgridspec(count, count, wspace=0.08, hspace=0.08)
    ranges = [inner_range(data[:, i]) for i in range(count)]
    for row in range(count):
        for column in range(row + 1):
            axis = figure.add_subplot(grid[row, column])
            axis.set_xlim(ranges[column])
            axis.locator_params(nbins=4)
            if row == column:
                draw_histogram(axis, data[:, row], weight, samples[:, row], ranges[row])
            else:
                axis.set_ylim(ranges[row])
                draw_pair(axis, (data[:, column], data[:, row], weight),
                          (samples[:, column], samples[:, row], None),
                          ranges[column], ranges[row])
                for side in ("top", "right"):
                    axis.spines[side].set_visible(True)
            if row == count - 1:
                axis.set_xlabel(names[column])
            else:
                axis.tick_params(labelbottom=False)
            if column == 0 and row > 0:
                axis.set_ylabel(names[row])
            elif row != column:
                axis.tick_params(labelleft=False)
    names_with_offsets(figure)
    if count > 1:  # the free corner above the diagonal
        axis = figure.add_subplot(grid[0, max(1, count - 2):])
        axis.axis("off")
    handles = [plt.Rectangle((0, 0), 1, 1, color=DATA, alpha=0.45),
               plt.Line2D([], [], color=FLOW, lw=1.6)]
    axis.legend(handles, [f"data ({len(data):,} rows)", f"samples ({len(samples):,} rows)"],
                loc="upper right", fontsize=9.5, borderaxespad=0)


def names_with_offsets(figure):
    """Puts what matplotlib takes out of tick labels (1e-8, +2.45e6) behind the name."""
    figure.canvas.draw()
    for axis in figure.axes:
        for line in (axis.xaxis, axis.yaxis):
            offset, name = line.get_offset_text(), line.get_label_text()
            if offset.get_text() and name and "rate" not in name:
                line.set_label_text(f"{name} ({offset.get_text()})")
                offset.set_visible(False)
            elif offset.get_text() and axis.get_subplotspec() and not name:
                offset.set_visible(False)


def draw_histogram(axis, data, weight, samples, limits):
    edges = np.linspace(*limits, BINS + 1)
    # Both over all their rows, also those outside the panel.
    counts = np.histogram(data, edges, weights=weight)[0] / (weight.sum() * np.diff(edges))
    axis.stairs(counts, edges, color=DATA, alpha=0.45, fill=True)
    counts = np.histogram(samples, edges)[0] / (max(len(samples), 1) * np.diff(edges))
    axis.stairs(counts, edges, color=FLOW, lw=1.4)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_ylim(bottom=0)


def draw_pair(axis, data, samples, x_range, y_range):
    x, y, counts = density(*data, x_range, y_range)
    at = levels(counts)
    if at:
        axis.contourf(x, y, counts, [*at, counts.max() * 1.01], colors=[DATA, DATA],
                      alpha=0.28)
        axis.contourf(x, y, counts, [at[1], counts.max() * 1.01], colors=[DATA], alpha=0.3)
    x, y, counts = density(*samples, x_range, y_range)
    at = levels(counts)
    if at:
        axis.contour(x, y, counts, at, colors=[FLOW], linewidths=[0.9, 1.3])


def chosen_columns(text, names):
    """Numbers of columns, by number or name."""
    if text is None:
        return list(range(min(len(names), COLUMNS)))
    columns = []
    for word in (part.strip() for part in text.split(",")):
        if names.count(word) == 1:
            columns.append(names.index(word))
        elif word.isdigit() and int(word) < len(names):
            columns.append(int(word))
        else:
            fail(f"--columns {text}: {word!r} is not among the {len(names)} columns of the "
                 f"model: numbers from 0 to {len(names) - 1}, or {', '.join(names[:20])}")
    return columns


def title(data, columns):
    """What is drawn: which rows, and which columns of how many."""
    lines = [data.told()]
    if len(columns) < len(data.names):
        lines.append(f"{len(columns)} of {len(data.names)} columns are shown; --columns takes "
                     "others")
    return lines


def draw_rows(figure, a, metrics):
    """The lower part; gives what is drawn, by name, and which rows in words."""
    data = read_data(a)
    samples = read_samples(a, data)
    columns = chosen_columns(a.columns, data.names)
    samples = samples[np.isfinite(samples).all(axis=1)]
    names = [data.names[j] for j in columns]
    side = max(3.6, min(10.0, 1.55 * len(columns)))
    figure.set_size_inches(max(side, 7.6), side + 3.1)
    grid = figure.add_gridspec(2, 1, height_ratios=[2.1, side], hspace=0.62 / side + 0.1)
    drawn = {"data": data.x[:, columns], "weight": data.weight, "samples": samples[:, columns]}
    draw_curves(figure, grid[0], metrics)
    draw_corner(figure, grid[1], *drawn.values(), names)
    lines = title(data, columns)
    figure.suptitle("\n".join(lines), fontsize=9, y=0.95)
    return dict(drawn, row=data.row, in_file=data.file, names=names, column=columns,
                title=lines), lines


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run directory")
    parser.add_argument("-o", "--output", metavar="FILE.png", help="default: RUN/plot.png")
    parser.add_argument("--columns", metavar="I,J,..", help="which columns of the model: "
                        "numbers from 0, or names; default: the first six")
    parser.add_argument("--samples", metavar="FILE.h5", help="default: the newest of the run")
    parser.add_argument("--split", choices=("train", "validation", "test"),
                        help="rows of the run's data; default: test, or what there is")
    parser.add_argument("--data", metavar="FILE.h5[:DATASET]", help="rows of another file")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N",
                        help=f"of data and of samples, at most; default {ROWS}")
    parser.add_argument("--dump", metavar="FILE.npz", help="also write the numbers that are "
                        "drawn, and which rows of which files they are")
    parser.add_argument("--curves-only", action="store_true")
    a = parser.parse_args()
    if a.data and a.split:
        parser.error("--split is of the run's own data: wanted it or --data")
    if a.rows < 1:
        parser.error("--rows: wanted at least 1")
    return a


def main():
    a = parse()
    if not os.path.isdir(a.run):
        fail(f"{a.run}: no such run directory")
    metrics = read_metrics(a.run)
    output = a.output or os.path.join(a.run, "plot.png")
    with plt.rc_context(STYLE):
        figure, lines = plt.figure(figsize=(9, 3)), []
        try:
            if a.curves_only:
                draw_curves(figure, figure.add_gridspec(1, 1)[0], metrics)
            else:
                drawn, lines = draw_rows(figure, a, metrics)
                if a.dump:
                    np.savez(a.dump, **drawn)
            figure.savefig(output, dpi=150, bbox_inches="tight")
        except OSError as error:
            fail(f"{error.filename or output}: cannot be written: {error.strerror or error}")
    print("\n".join([*lines, f"wrote {output}"]))


if __name__ == "__main__":
    main()
