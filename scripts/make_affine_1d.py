#!/usr/bin/env python3
"""Make the textbook example: 1 column, numbers of a normal distribution.

A flow of affine transformations of a standard normal can fit it exactly, and then the mean
and standard deviation of `train` are its maximum-likelihood answer, and its mean
log-likelihood on them is -log(std) - (1 + log(2 pi)) / 2: both are printed. Writes float32
train, validation and test of shape [N, 1]. Needs numpy and h5py.
"""
import argparse
import os

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="affine_1d.h5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--mean", type=float, default=3.0)
    parser.add_argument("--std", type=float, default=0.5)
    parser.add_argument("--train", type=int, default=10000, metavar="ROWS")
    parser.add_argument("--validation", type=int, default=2000, metavar="ROWS")
    parser.add_argument("--test", type=int, default=2000, metavar="ROWS")
    a = parser.parse_args()
    if min(a.train, a.validation, a.test) < 1 or not a.std > 0:
        parser.error("wanted at least 1 row in each split and a positive --std")
    partial = a.output + ".partial"
    with h5py.File(partial, "w") as file:
        seeds = np.random.SeedSequence(a.seed).spawn(3)
        for name, seed in zip(("train", "validation", "test"), seeds):
            random = np.random.Generator(np.random.PCG64(seed))
            x = a.mean + a.std * random.standard_normal((getattr(a, name), 1))
            x = x.astype(np.float32)
            data = file.create_dataset(name, data=x, track_times=False)
            data.attrs["columns"] = np.array(["x"], "S")
            if name == "train":
                mean, std = x.mean(dtype=np.float64), x.std(dtype=np.float64)
                best = -np.log(std) - 0.5 * (1.0 + np.log(2.0 * np.pi))
                print(f"train mean {mean:.6f} std {std:.6f} best log-likelihood {best:.6f}")
    os.replace(partial, a.output)
    print(f"wrote {a.output}, {os.path.getsize(a.output)} bytes")


if __name__ == "__main__":
    main()
