#!/usr/bin/env python3
"""Make the ocean-surface data set: 7 columns, one month of one cell of the ocean a row.

Source: the climatology of COADS, the Comprehensive Ocean-Atmosphere Data Set of NOAA
(public domain), as Debian packages it for Ferret (`apt install ferret-datasets`):
12 months x 90 latitudes x 180 longitudes, cells of 2 degrees. Rows are the cell-months
where all seven quantities are known (values below -1e30 are missing): 99,235 rows.

  SST   sea surface temperature   degrees C      UWND  zonal wind          m/s
  AIRT  air temperature           degrees C      VWND  meridional wind     m/s
  SPEH  specific humidity         g/kg           SLP   sea level pressure  mbar
  WSPD  wind speed                m/s

Written in these units as float32 train, validation and test, with the columns' names and
units as attributes. Standardising is the trainer's work.

Splits without leakage: neighbouring cells and the months of a cell are nearly copies of
each other. So the ocean is cut into squares of 10 degrees, and a hash of the square sends
all its cells, with their 12 months, to one split: about 8 in 10 to train, 1 to validation,
1 to test. The order of rows is by a hash too: the same file every time, no generator.

About the columns: they are averages, hence continuous, but a cell-month with a single
observation keeps the observation's digits (0.1 degrees, 0.1 m/s: 0.2 % of the rows), and
there the wind speed is exactly the length of the wind vector.

`--cut` writes a small part, chosen by the same hash, of each split: configs/data/
coads_small.h5 is made so. Needs numpy, scipy and h5py.
"""
import argparse
import os
import sys

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy", "scipy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from scipy.io import netcdf_file  # noqa: E402

SOURCE = "/usr/share/ferret-vis/data/coads_climatology.cdf"
COLUMNS = ["SST", "AIRT", "SPEH", "WSPD", "UWND", "VWND", "SLP"]
UNITS = ["degC", "degC", "g/kg", "m/s", "m/s", "m/s", "mbar"]
MISSING_BELOW = -1e30
SQUARE_CELLS = 5  # 10 degrees
SHARES = {"test": 0.1, "validation": 0.1}  # train is the rest
CUT_ROWS = {"train": 10000, "validation": 1700, "test": 2000}


def uniform(salt, *numbers):
    """A number in [0, 1) for each tuple of small integers: splitmix64's finaliser."""
    h = np.full(np.shape(numbers[0]), salt, np.uint64)
    with np.errstate(over="ignore"):
        for n in numbers:
            h = (h ^ np.asarray(n, np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
            h = (h ^ (h >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            h = (h ^ (h >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            h ^= h >> np.uint64(31)
    return (h >> np.uint64(11)) * 2.0**-53


def read_rows(path):
    """Rows [N, 7] without missing values, and month, latitude and longitude index [N]."""
    try:
        with netcdf_file(path, mmap=False) as file:
            cube = np.stack([file.variables[c].data for c in COLUMNS], axis=-1)
    except FileNotFoundError:
        sys.exit(f"{path}: no such file; wanted COADS' climatology: apt install "
                 "ferret-datasets, or give its path with --source")
    except KeyError as missing:
        sys.exit(f"{path}: no variable {missing}; wanted {' '.join(COLUMNS)}")
    except TypeError as error:
        sys.exit(f"{path}: not a NetCDF 3 file ({error})")
    known = (cube > MISSING_BELOW).all(axis=-1)
    return cube[known].astype(np.float32), np.nonzero(known)


def split_rows(place):
    """The rows of each split, in the order in which they are written."""
    month, latitude, longitude = place
    square = uniform(1, latitude // SQUARE_CELLS, longitude // SQUARE_CELLS)
    order = np.argsort(uniform(2, month, latitude, longitude), kind="stable")
    splits, below = {}, 0.0
    for name, share in SHARES.items():
        taken = (square >= below) & (square < below + share)
        splits[name] = order[taken[order]]
        below += share
    splits["train"] = order[(square >= below)[order]]
    return splits


def write(path, rows, splits):
    partial = path + ".partial"
    with h5py.File(partial, "w") as file:
        file.attrs["source"] = "COADS climatology, NOAA, public domain"
        for name in ("train", "validation", "test"):
            data = file.create_dataset(name, data=rows[splits[name]], track_times=False)
            data.attrs["columns"] = np.array(COLUMNS, "S")
            data.attrs["units"] = np.array(UNITS, "S")
            print(f"{name:10} {data.shape[0]} x {data.shape[1]}")
    os.replace(partial, path)
    print(f"wrote {path}, {os.path.getsize(path)} bytes")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", default="coads.h5")
    parser.add_argument("--source", default=SOURCE, metavar="FILE.cdf")
    parser.add_argument("--cut", action="store_true", help="write the small part only")
    a = parser.parse_args()
    rows, place = read_rows(a.source)
    splits = split_rows(place)
    if a.cut:
        splits = {name: splits[name][:count] for name, count in CUT_ROWS.items()}
    write(a.output, rows, splits)


if __name__ == "__main__":
    main()
