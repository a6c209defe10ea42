#!/usr/bin/env python3
"""Make two moons: 2 columns, two interleaved half circles with Gaussian noise.

The shape that a Gaussian cannot have and a small flow learns in seconds. Writes float32
train, validation and test. The same seed gives the same rows. Needs numpy and h5py.
"""
import argparse
import os

import h5py
import numpy as np


def moons(rows, noise, random):
    angle = np.pi * random.random(rows)
    lower = random.random(rows) < 0.5
    x = np.where(lower, 1.0 - np.cos(angle), np.cos(angle))
    y = np.where(lower, 0.5 - np.sin(angle), np.sin(angle))
    clean = np.stack([x, y], axis=1)
    return (clean + noise * random.standard_normal((rows, 2))).astype(np.float32)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="moons.h5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--train", type=int, default=20000, metavar="ROWS")
    parser.add_argument("--validation", type=int, default=5000, metavar="ROWS")
    parser.add_argument("--test", type=int, default=5000, metavar="ROWS")
    a = parser.parse_args()
    if min(a.train, a.validation, a.test) < 1 or a.noise < 0:
        parser.error("wanted at least 1 row in each split and a noise of at least 0")
    partial = a.output + ".partial"
    with h5py.File(partial, "w") as file:
        seeds = np.random.SeedSequence(a.seed).spawn(3)
        for name, seed in zip(("train", "validation", "test"), seeds):
            random = np.random.Generator(np.random.PCG64(seed))
            data = file.create_dataset(name, data=moons(getattr(a, name), a.noise, random),
                                       track_times=False)
            data.attrs["columns"] = np.array(["x", "y"], "S")
    os.replace(partial, a.output)
    print(f"wrote {a.output}, {os.path.getsize(a.output)} bytes")


if __name__ == "__main__":
    main()
