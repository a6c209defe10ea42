#!/usr/bin/env python3
"""Draw a run: its training curves, and its samples against the data.

  scripts/plot_run.py runs/coads                      writes runs/coads/plot.png
  scripts/plot_run.py runs/coads --columns 0,3,6 -o three.png

Top: log-likelihood, learning rate and gradient norm over steps, from metrics.jsonl. Below:
one histogram a column, and for each pair of columns the density of the data (shaded) under
that of the samples (lines), from the newest file of samples/. The data is the test split of
the run's config.yaml, else its validation, else its train split.

Needs numpy, h5py, matplotlib and PyYAML.
"""
import argparse
import glob
import json
import os
import sys

import h5py
import numpy as np

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    import yaml
except ImportError as error:
    sys.exit(f"plot_run.py: {error}; apt install python3-matplotlib python3-yaml")

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


def read_config(run):
    path = os.path.join(run, "config.yaml")
    try:
        with open(path) as file:
            return yaml.safe_load(file)
    except OSError as error:
        fail(f"{path}: {error.strerror}")
    except yaml.YAMLError as error:
        fail(f"{path}: not YAML: {error}")


def take(dataset):
    """At most ROWS rows, spread over the data set, [n, D]; and the names of columns."""
    rows = dataset.shape[0]
    step = max(1, rows // ROWS)
    x = dataset[:rows:step][:ROWS]
    x = x.reshape(len(x), -1).astype(np.float64)
    names = [n.decode() if isinstance(n, bytes) else str(n)
             for n in np.ravel(dataset.attrs.get("columns", []))]
    return x, names


def read_data(config, file_given, dataset_given):
    data = config.get("data") or {}
    files = data.get("files") or []
    path = file_given or (files[0] if isinstance(files, list) and files else files)
    if not path:
        fail("config.yaml names no data.files; give --data FILE.h5")
    try:
        with h5py.File(path, "r") as file:
            wanted = [dataset_given] if dataset_given else [
                n for n in (data.get("test"), data.get("validation"),
                            data.get("train", "train")) if isinstance(n, str)]
            for name in wanted:
                if name in file:
                    x, names = take(file[name])
                    break
            else:
                fail(f"{path}: no data set {' or '.join(map(repr, wanted))}; it has: "
                     f"{', '.join(file)}; choose with --dataset")
    except OSError as error:
        fail(f"{path}: cannot be read as HDF5 ({error}); paths in a config are relative to "
             "the folder where the run was started; or give --data FILE.h5")
    chosen = data.get("columns", "all")
    if isinstance(chosen, list) and x.shape[1] > max(chosen):
        x = x[:, chosen]
        names = [names[i] for i in chosen] if len(names) > max(chosen) else []
    return x, names, name


def read_samples(run, given):
    path = given
    if not path:
        found = sorted(glob.glob(os.path.join(run, "samples", "step-*.h5")))
        if not found:
            fail(f"{os.path.join(run, 'samples')}: no step-*.h5 yet; draw some with "
                 "`flotilla sample` and give --samples FILE.h5, or use --curves-only")
        path = found[-1]
    try:
        with h5py.File(path, "r") as file:
            if "samples" not in file:
                fail(f"{path}: no data set 'samples'; it has: {', '.join(file)}")
            return take(file["samples"])[0]
    except OSError as error:
        fail(f"{path}: cannot be read as HDF5: {error}")


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


def density(x, y, x_range, y_range):
    counts, x_edges, y_edges = np.histogram2d(x, y, BINS, [x_range, y_range])
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


def draw_corner(figure, space, data, samples, names):
    """Histograms on the diagonal, pairs below it."""
    count = data.shape[1]
    grid = space.subgridspec(count, count, wspace=0.08, hspace=0.08)
    ranges = [inner_range(data[:, i]) for i in range(count)]
    for row in range(count):
        for column in range(row + 1):
            axis = figure.add_subplot(grid[row, column])
            axis.set_xlim(ranges[column])
            axis.locator_params(nbins=4)
            if row == column:
                draw_histogram(axis, data[:, row], samples[:, row], ranges[row])
            else:
                axis.set_ylim(ranges[row])
                draw_pair(axis, (data[:, column], data[:, row]),
                          (samples[:, column], samples[:, row]),
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


def draw_histogram(axis, data, samples, limits):
    edges = np.linspace(*limits, BINS + 1)
    axis.hist(data, edges, density=True, color=DATA, alpha=0.45)
    # Both over all their rows, also those outside the panel.
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


def chosen_columns(text, width):
    if text is None:
        return list(range(min(width, COLUMNS)))
    try:
        columns = [int(c) for c in text.split(",")]
    except ValueError:
        fail(f"--columns {text}: wanted numbers from 0 to {width - 1}, like 0,3,6")
    for column in columns:
        if not 0 <= column < width:
            fail(f"--columns {text}: column {column} is not among the {width} of the data "
                 "(they count from 0)")
    return columns


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN", help="a run directory")
    parser.add_argument("-o", "--output", metavar="FILE.png", help="default: RUN/plot.png")
    parser.add_argument("--columns", metavar="I,J,..", help="which columns, from 0")
    parser.add_argument("--samples", metavar="FILE.h5", help="default: the newest of the run")
    parser.add_argument("--data", metavar="FILE.h5", help="default: that of the run's config")
    parser.add_argument("--dataset", metavar="NAME", help="default: the test split")
    parser.add_argument("--curves-only", action="store_true")
    return parser.parse_args()


def main():
    a = parse()
    if not os.path.isdir(a.run):
        fail(f"{a.run}: no such run directory")
    metrics = read_metrics(a.run)
    output = a.output or os.path.join(a.run, "plot.png")
    with plt.rc_context(STYLE):
        if a.curves_only:
            figure = plt.figure(figsize=(9, 3))
            draw_curves(figure, figure.add_gridspec(1, 1)[0], metrics)
        else:
            data, names, split = read_data(read_config(a.run), a.data, a.dataset)
            samples = read_samples(a.run, a.samples)
            if samples.shape[1] != data.shape[1]:
                fail(f"the samples have {samples.shape[1]} columns, data set '{split}' has "
                     f"{data.shape[1]}: they are not of one run; see --data, --dataset")
            columns = chosen_columns(a.columns, data.shape[1])
            names = [names[i] if i < len(names) else f"column {i}" for i in columns]
            side = max(3.6, min(10.0, 1.55 * len(columns)))
            width = max(side, 7.6)
            figure = plt.figure(figsize=(width, side + 2.9))
            grid = figure.add_gridspec(2, 1, height_ratios=[2.1, side], hspace=0.62 / side + 0.08)
            draw_curves(figure, grid[0], metrics)
            samples = samples[np.isfinite(samples).all(axis=1)]
            draw_corner(figure, grid[1], data[:, columns], samples[:, columns], names)
        try:
            figure.savefig(output, dpi=150, bbox_inches="tight")
        except OSError as error:
            fail(f"{output}: cannot be written: {error}")
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
