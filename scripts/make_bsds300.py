#!/usr/bin/env python3
"""Make the BSDS300 natural-image-patch benchmark: 63 columns, one patch a row.

The recipe is the one of Uria, Murray and Larochelle (RNADE, 2013) that later papers on
density estimation follow:

  1. the 200 training images of BSDS300, of which 20 are held out for validation, and its
     100 test images; so no image gives rows to two splits;
  2. grey values 0..255 (the weights of MATLAB's rgb2gray, rounded);
  3. 8 x 8 patches: image and place uniform, with replacement;
  4. dequantised: (grey + U[0, 1)) / 256;
  5. the mean of the patch subtracted; the last pixel, now minus the sum of the others,
     dropped.

The images are free for research and education only, so they are not in this repository:
get BSDS500 from its authors (its folders train and val are the 200 and 100 images of
BSDS300, named train/ID.jpg and val/ID.jpg) and give the folder that holds both.

  scripts/make_bsds300.py BSDS500/data/images -o bsds300.h5

The same seed gives the same bytes of data. Needs numpy, h5py and Pillow.
"""
import argparse
import hashlib
import os
import sys

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy", "PIL")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

GREY = np.array([0.298936021293775, 0.587043074451121, 0.114020904255103])
BLOCK_ROWS = 50000  # rows drawn at once; part of the recipe: it orders the random draws
HELD_OUT = 20


def read_grey(path):
    with Image.open(path) as image:
        rgb = np.asarray(image.convert("RGB"), dtype=np.float64)
    return np.floor(rgb @ GREY + 0.5).clip(0, 255).astype(np.uint8)


def image_ids(folder, wanted):
    """The numbers of the images in a folder, in increasing order."""
    if not os.path.isdir(folder):
        sys.exit(f"{folder}: no such folder; found nothing, wanted {wanted} images "
                 "NUMBER.jpg of BSDS500 (see --help)")
    ids = sorted(int(n[:-4]) for n in os.listdir(folder)
                 if n.endswith(".jpg") and n[:-4].isdigit())
    if len(ids) != wanted:
        sys.exit(f"{folder}: found {len(ids)} images NUMBER.jpg, wanted {wanted}; "
                 "give the folder of BSDS500 that holds train/ and val/")
    return ids


def draw_patches(images, rows, side, random):
    """rows patches of side x side pixels, as rows [rows, side * side - 1]."""
    offsets = np.arange(side)
    for first in range(0, rows, BLOCK_ROWS):
        count = min(BLOCK_ROWS, rows - first)
        chosen = random.integers(0, len(images), count)
        down, right = random.random(count), random.random(count)
        grey = np.empty((count, side, side))
        for number, image in enumerate(images):
            mine = np.flatnonzero(chosen == number)
            top = (down[mine] * (image.shape[0] - side + 1)).astype(int)
            left = (right[mine] * (image.shape[1] - side + 1)).astype(int)
            grey[mine] = image[top[:, None, None] + offsets[None, :, None],
                               left[:, None, None] + offsets[None, None, :]]
        noise = random.random((count, side * side))
        x = (grey.reshape(count, side * side) + noise) / 256.0
        x -= x.mean(axis=1, keepdims=True)
        yield first, x[:, :-1].astype(np.float32)


def write_split(file, name, folder, ids, rows, side, random, layout):
    images = [read_grey(os.path.join(folder, f"{i}.jpg")) for i in ids]
    shape = (rows, side * side - 1)
    if layout["chunks"]:
        layout = dict(layout, chunks=(min(layout["chunks"], rows), shape[1]))
    else:
        layout = {}
    data = file.create_dataset(name, shape, np.float32, track_times=False, **layout)
    data.attrs["image_ids"] = np.array(ids, np.int32)
    digest = hashlib.sha256()
    for first, x in draw_patches(images, rows, side, random):
        data[first:first + len(x)] = x
        digest.update(x.tobytes())
    print(f"{name:10} {rows} x {shape[1]}  sha256 {digest.hexdigest()[:16]}")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("images", metavar="IMAGE_FOLDER",
                        help="holds train/*.jpg (200) and val/*.jpg (100)")
    parser.add_argument("-o", "--output", default="bsds300.h5")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--train", type=int, default=1000000, metavar="ROWS")
    parser.add_argument("--validation", type=int, default=50000, metavar="ROWS")
    parser.add_argument("--test", type=int, default=250000, metavar="ROWS")
    parser.add_argument("--patch", type=int, default=8, metavar="SIDE",
                        help="8, the benchmark: 63 columns; 16: 255 columns")
    parser.add_argument("--chunk-rows", type=int, default=0, metavar="ROWS",
                        help="write chunks of so many rows; 0: contiguous, read fastest")
    parser.add_argument("--gzip", type=int, metavar="LEVEL",
                        help="compress the chunks; needs --chunk-rows")
    a = parser.parse_args()
    if min(a.train, a.validation, a.test) < 1:
        parser.error("--train, --validation and --test must be at least 1")
    if not 2 <= a.patch <= 64:
        parser.error(f"--patch {a.patch}: wanted a side of 2 to 64 pixels")
    if a.chunk_rows < 0 or (a.gzip is not None and not a.chunk_rows):
        parser.error("--gzip needs --chunk-rows of at least 1")
    return a


def main():
    a = parse()
    train_folder = os.path.join(a.images, "train")
    test_folder = os.path.join(a.images, "val")
    ids, test_ids = image_ids(train_folder, 200), image_ids(test_folder, 100)

    seeds = np.random.SeedSequence(a.seed).spawn(4)
    split, *draws = [np.random.Generator(np.random.PCG64(s)) for s in seeds]
    order = split.permutation(len(ids))
    held_out = sorted(ids[i] for i in order[:HELD_OUT])
    kept = sorted(ids[i] for i in order[HELD_OUT:])

    layout = {"chunks": a.chunk_rows}
    if a.gzip is not None:
        layout.update(compression="gzip", compression_opts=a.gzip, shuffle=True)
    partial = a.output + ".partial"
    with h5py.File(partial, "w") as file:
        file.attrs["recipe"] = (
            f"BSDS300 {a.patch}x{a.patch} grey patches, (grey + U[0, 1)) / 256, mean of "
            "the patch subtracted, last pixel dropped")
        file.attrs["seed"] = a.seed
        for name, folder, of, rows, random in (
                ("train", train_folder, kept, a.train, draws[0]),
                ("validation", train_folder, held_out, a.validation, draws[1]),
                ("test", test_folder, test_ids, a.test, draws[2])):
            write_split(file, name, folder, of, rows, a.patch, random, layout)
    os.replace(partial, a.output)
    print(f"wrote {a.output}, {os.path.getsize(a.output)} bytes")


if __name__ == "__main__":
    main()
