#!/usr/bin/env python3
"""The row to beat: the mean log-likelihood of a full-covariance Gaussian.

Fits mean and covariance to the train split of an HDF5 file and prints, for each other
split given, the mean log-likelihood in nats +- its standard error.

  scripts/gaussian_baseline.py bsds300.h5
  scripts/gaussian_baseline.py mine.h5 --train x --test y --json

Needs numpy and h5py. Reads by blocks: memory does not grow with the rows.
"""
import argparse
import json
import sys

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

BLOCK_ROWS = 65536


def blocks(data):
    """The rows of a data set as float64 [count, D]; further axes are flattened."""
    for first in range(0, data.shape[0], BLOCK_ROWS):
        block = data[first:first + BLOCK_ROWS]
        block = block.reshape(len(block), -1).astype(np.float64)
        bad = np.argwhere(~np.isfinite(block))
        if len(bad):
            sys.exit(f"{data.file.filename}: data set '{data.name[1:]}', row "
                     f"{first + bad[0][0]}, column {bad[0][1]}: found "
                     f"{block[tuple(bad[0])]}, wanted finite numbers: a Gaussian has no "
                     "density of a missing one; leave such rows out")
        yield block


def fit(data):
    """Mean [D] and covariance [D, D]; the sums are taken about the first block's mean."""
    centre = next(blocks(data)).mean(axis=0)
    total, products = 0.0, 0.0
    for x in blocks(data):
        x = x - centre
        total = total + x.sum(axis=0)
        products = products + x.T @ x
    shift = total / data.shape[0]
    return centre + shift, products / data.shape[0] - np.outer(shift, shift)


def score(data, mean, covariance):
    """Mean log-likelihood and its standard error."""
    factor = np.linalg.cholesky(covariance)
    constant = (np.log(np.diag(factor)).sum()
                + 0.5 * len(mean) * np.log(2.0 * np.pi))
    values = [-0.5 * (np.linalg.solve(factor, (x - mean).T) ** 2).sum(axis=0) - constant
              for x in blocks(data)]
    values = np.concatenate(values)
    return values.mean(), values.std() / np.sqrt(len(values))


def open_split(file, path, name):
    if name not in file or not isinstance(file[name], h5py.Dataset):
        have = ", ".join(k for k in file if isinstance(file[k], h5py.Dataset)) or "none"
        sys.exit(f"{path}: no data set '{name}'; it has: {have}; choose with --train, --test")
    if file[name].shape[:1] in ((), (0,)):
        sys.exit(f"{path}: data set '{name}' has no rows")
    if file[name].dtype.kind not in "biuf":
        sys.exit(f"{path}: data set '{name}' is of type {file[name].dtype}, wanted real "
                 "numbers [N, D]: a table with fields and a group of columns can be written "
                 "so by `flotilla rows` of a run")
    return file[name]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", metavar="DATA.h5")
    parser.add_argument("--train", default="train", metavar="DATASET")
    parser.add_argument("--test", nargs="+", default=None, metavar="DATASET",
                        help="default: validation and test, where they are there")
    parser.add_argument("--json", action="store_true")
    a = parser.parse_args()
    try:
        file = h5py.File(a.file, "r")
    except OSError as error:
        sys.exit(f"{a.file}: cannot be read as HDF5: {error}")
    with file:
        train = open_split(file, a.file, a.train)
        mean, covariance = fit(train)
        names = a.test or [n for n in ("validation", "test") if n in file] or [a.train]
        result = {}
        for name in names:
            try:
                split = open_split(file, a.file, name)
                if split.shape[1:] != train.shape[1:]:
                    sys.exit(f"{a.file}: rows of '{name}' have shape {list(split.shape[1:])}, "
                             f"wanted {list(train.shape[1:])} as in '{a.train}'")
                value, error = score(split, mean, covariance)
            except np.linalg.LinAlgError:
                sys.exit(f"{a.file}: the covariance of '{a.train}' is singular (a column is "
                         "constant or a sum of others): a Gaussian has no density there")
            result[name] = {"log_likelihood": value, "standard_error": error,
                            "rows": file[name].shape[0]}
    if a.json:
        print(json.dumps(result))
        return
    for name, r in result.items():
        print(f"{name:10} {r['log_likelihood']:.3f} +- {r['standard_error']:.3f} nats "
              f"({r['rows']} rows)")


if __name__ == "__main__":
    main()
