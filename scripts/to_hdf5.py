#!/usr/bin/env python3
"""Convert tables and arrays to the HDF5 that flotilla reads fastest: contiguous rows.

  scripts/to_hdf5.py rows.csv -o rows.h5
  scripts/to_hdf5.py train=a.csv train=b.csv.gz test=c.csv -o rows.h5
  scripts/to_hdf5.py train=arrays.npz:x test=arrays.npz:y -o rows.h5

Each input is [DATASET=]FILE. Inputs of one data set are joined in the order given; those
without a name go to --dataset. What a file is, its content says:

  CSV, TSV    cells apart by comma, semicolon, tab, bar or spaces; names of columns in the
              first line or none; quoted or not. Missing: nothing, NA, N/A, NULL, null, None,
              nan (NaN in the result, and counted)
  .npy        [N], [N, D], [N, H, W ..], or a structured array: its fields are the columns
  .npz        every array is a data set of its own name; FILE.npz:NAME takes one
  Parquet     needs pyarrow
  IDX         the images of MNIST: [N, H, W]

all of them also compressed by gzip. Numbers become float32, or float64 where that would lose
what they tell (times in seconds, Julian dates, 1e-40; a note says which); a source of nothing
but whole numbers keeps them, in the smallest integer type that holds them all; --type chooses.
Whole numbers above 2^53 beside others are refused: no type holds both. Names
of columns are stored as the attribute `columns`, so that data.columns can use them. Memory
does not grow with the input; where the number of rows or the type is not known before all is
read, the disk holds the rows twice for a while. The output appears under its name when it is
complete. To make shards, convert each file to an output of its own. Needs numpy and h5py.
"""
import argparse
import os
import signal
import sys
import tempfile
import time

if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402

import tables as inputs  # noqa: E402
from precision import Loss  # noqa: E402
from tables import Refused  # noqa: E402
from text_table import EXACT  # noqa: E402

INTEGERS = [np.dtype(t) for t in ("u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8")]
TYPES = {np.dtype(t).name: np.dtype(t)
         for t in INTEGERS + [np.dtype(f) for f in ("<f2", "<f4", "<f8")]}


def smallest_integer(low, high):
    """The smallest type that holds low .. high (Python's integers), or None."""
    return next((t for t in INTEGERS
                 if np.iinfo(t).min <= low and high <= np.iinfo(t).max), None)


def final_type(tables, asked):
    """The type of a data set when its inputs tell it before they are read, else None."""
    if asked:
        return TYPES[asked]
    types = [table.type for table in tables]
    if any(t is not None and t.kind == "f" for t in types):
        return TYPES["float32"]
    if all(t is not None and t.itemsize == 1 for t in types):
        return np.result_type(*[TYPES["uint8"] if t.kind == "b" else t for t in types])
    return None


def column_words(j, columns):
    return f"column {j}" + (f" ('{columns[j]}')" if columns else "")


def place_words(index, first_row, columns):
    row, *rest = index
    where = f"row {first_row + row}"
    if rest:
        where += f", {column_words(rest[0], columns)}" if len(rest) == 1 else f", element {rest}"
    return where


def cast(block, type, path, first_row, columns):
    """The block as `type`, which must hold every number of it."""
    if type.kind == "f":
        with np.errstate(over="ignore", invalid="ignore"):
            out = block.astype(type)
        bad = np.isinf(out) & np.isfinite(block) if block.dtype.itemsize > 2 else None
        advice = "--type float64 holds it"
    else:
        limits = np.iinfo(type)
        bad = ~((block >= limits.min) & (block <= limits.max) & (block == np.trunc(block)))
        out = np.where(bad, 0, block).astype(type) if bad.any() else block.astype(type)
        advice = "without --type the type is found"
    if bad is not None and bad.any():
        index = tuple(np.argwhere(bad)[0].tolist())
        raise Refused(f"{path}: {place_words(index, first_row, columns)}: found "
                      f"{block[index]}, wanted a number of type {type.name}; {advice}")
    return out


class NeedsDouble(Exception):
    """float32 loses what Loss found, and nobody asked for it."""


def see(loss, block, path, first_row, columns):
    loss.see(block, lambda index: f"{path}: {place_words(index, first_row, columns)}")


class Spool:
    """Rows of a type and a number not yet known, kept on disk in the smallest type that
    holds each block."""

    def __init__(self, folder, type):
        self.file = tempfile.TemporaryFile(dir=folder)
        self.type, self.segments = type, []  # [type, numbers]
        self.low, self.high, self.whole = 0, 0, type is None

    def integers(self, block):
        """The block as integers, or None: it has other numbers."""
        if block.dtype.kind == "f" and not ((np.abs(block) <= EXACT)
                                            & (block == np.trunc(block))).all():
            return None
        low, high = int(block.min()), int(block.max())
        type = smallest_integer(low, high)
        self.low, self.high = min(low, self.low), max(high, self.high)
        return None if type is None else block.astype(type)

    def add(self, block, *where):
        out = self.integers(block) if self.type is None and block.size else None
        if out is None and block.size:
            self.whole = False
            out = cast(block, self.type or TYPES["float64"], *where)
        if block.size:
            self.file.write(np.ascontiguousarray(out))
            self.segments.append((out.dtype, out.size))

    def found_type(self, loss):
        if self.type is not None:
            return self.type
        return (smallest_integer(self.low, self.high) if self.whole else None) \
            or TYPES["float64" if loss.found else "float32"]

    def blocks(self, shape):
        self.file.seek(0)
        for type, count in self.segments:
            yield np.fromfile(self.file, type, count).reshape(-1, *shape)


class Progress:
    """A line on a terminal: how much of the inputs is done, and how fast."""

    def __init__(self, inputs):
        self.sizes = [table.bytes for table in inputs]
        self.begin, self.shown = time.monotonic(), 0.0
        self.done, self.terminal = 0, sys.stderr.isatty()

    def seconds(self):
        return max(1e-9, time.monotonic() - self.begin)

    def show(self, share, rows):
        now = time.monotonic()
        if self.terminal and now - self.shown > 0.2:
            self.shown = now
            read = sum(self.sizes[:self.done]) + share * self.sizes[self.done]
            sys.stderr.write(f"\r{read / max(1, sum(self.sizes)):4.0%}  {rows:,} rows  "
                             f"{1e-6 * read / self.seconds():.0f} MB/s \033[K")
            sys.stderr.flush()

    def clear(self):
        if self.terminal and self.shown:
            sys.stderr.write("\r\033[K")


class Counts:
    """Missing and infinite numbers of a data set."""

    def __init__(self):
        self.missing, self.infinite, self.rows = 0, 0, 0

    def add(self, block):
        if block.dtype.kind == "f":
            self.missing = self.missing + np.isnan(block).sum(axis=0)
            self.infinite += int(np.isinf(block).sum())

    def text(self, columns):
        missing = np.atleast_1d(self.missing)
        text = f", {missing.sum()} missing" if missing.any() else ""
        if missing.any() and missing.ndim == 1:
            most = np.argsort(-missing, kind="stable")[:5]
            text += " (" + ", ".join(
                f"{columns[j] if columns else 'column ' + str(j)}: {missing[j]}"
                for j in most if missing[j]) + (", .." if (missing > 0).sum() > 5 else "") + ")"
        return text + (f", {self.infinite} infinite" if self.infinite else "")


def check_alike(name, tables):
    first = tables[0]
    for table in tables[1:]:
        if table.shape != first.shape:
            raise Refused(f"{table.path}: rows of shape {list(table.shape)}, wanted "
                          f"{list(first.shape)} as in {first.path}, for both become data set "
                          f"'{name}'; give one another name: NAME={table.path}")
        if table.columns and first.columns and table.columns != first.columns:
            j = next(j for j, pair in enumerate(zip(table.columns, first.columns))
                     if pair[0] != pair[1])
            raise Refused(f"{table.path}: column {j} is '{table.columns[j]}', wanted "
                          f"'{first.columns[j]}' as in {first.path}; --columns puts them in "
                          "order")


def all_blocks(tables, progress, counts, rows_done):
    """(block, path, its first row in that file, names) of all tables."""
    for table in tables:
        rows = 0
        try:
            for block in table.blocks:
                counts.add(block)
                yield block, table.path, rows, table.columns
                rows += len(block)
                progress.show(table.share(rows), rows_done + counts.rows + rows)
        except inputs.DAMAGE as error:
            raise Refused(f"{table.path}: damaged: {error}; copy the file again") from None
        counts.rows += rows
        progress.done += 1


def create(file, name, rows, shape, type, columns):
    try:
        data = file.create_dataset(name, (rows, *shape), type, track_times=False)
    except (ValueError, TypeError) as error:
        raise Refused(f"data set '{name}' cannot be made: {error}") from None
    if columns:
        longest = max(len(c.encode()) for c in columns)
        data.attrs.create("columns", [c.encode() for c in columns],
                          dtype=h5py.string_dtype("utf-8", max(1, longest)))
    return data


def format_for(sets):
    """The versions of the format to write: the oldest, in which the same rows are the same
    bytes; names of thousands of columns fit an attribute only of a newer one."""
    most = max(len(t.columns or []) * max(map(len, map(str.encode, t.columns or [""])))
               for tables in sets.values() for t in tables)
    return ("v108", "v110") if most > 60000 else ("earliest", "v110")


def check_exact(tables, type, asked):
    """Whole numbers of text that float64 rounds are kept where all are whole."""
    for table in tables:
        head = table.head
        if not head or not head.inexact or head.told or (type.kind != "f"
                                                         and not head.is_rounded):
            continue
        head.told = True
        line, j, cell = head.inexact
        what = (f"{table.path}: line {line}, {head.name(j)}: found {cell}, a whole number that "
                f"float64 rounds to {float(cell):.0f}")
        if asked and type.kind == "f":
            print(f"note: {what}", file=sys.stderr)
        else:
            raise Refused(f"{what}, and the table has other numbers or gaps too, so that no "
                          f"type of integers holds all; leave the column out: --drop "
                          f"{head.names[j] if head.names else j}, or take what is nearest: "
                          "--type float64")


def say_loss(loss, type, asked):
    if loss.found:
        print(f"note: {loss.found}" + ("" if asked else f"; so it is kept as {type.name} "
                                       "(--type float32 makes it float32 all the same)"),
              file=sys.stderr)


def write_at_once(file, name, tables, blocks, type, columns, asked):
    """A data set whose rows and type are known; gives it, and what it lost."""
    data, at = create(file, name, sum(t.rows for t in tables), tables[0].shape, type,
                      columns), 0
    loss = Loss(type)
    for block, *where in blocks:
        see(loss, block, *where)
        if loss.found and not asked:
            break
        data[at:at + len(block)] = cast(block, type, *where)
        at += len(block)
    loss.see_end(lambda j: f"{tables[0].path}: {column_words(j, columns)}")
    if loss.found and not asked and type.itemsize == 4:
        del data, file[name]
        raise NeedsDouble(loss)
    if loss.found and not asked:
        raise Refused(f"{loss.found}: no type holds it and the others; leave it out")
    return data, loss


def write_by_spool(file, name, tables, blocks, type, columns, args, counts):
    """The same where they are known once all is read."""
    loss = Loss(type or TYPES["float32"])
    spool = Spool(os.path.dirname(os.path.abspath(args.output)), type)
    for block, *where in blocks:
        see(loss, block, *where)
        if any(table.head and table.head.is_rounded for table in tables):
            check_exact(tables, type or TYPES["float64"], args.type)
        spool.add(block, *where)
    loss.see_end(lambda j: f"{tables[0].path}: {column_words(j, columns)}")
    if not counts.rows:
        raise Refused(f"{tables[0].path}: found no row after the names of columns")
    type = spool.found_type(loss)
    check_exact(tables, type, args.type)
    data, at = create(file, name, counts.rows, tables[0].shape, type, columns), 0
    for block in spool.blocks(tables[0].shape):
        data[at:at + len(block)] = block.astype(type)
        at += len(block)
    if type.kind != "f":
        loss.found = None
    return data, loss


def convert(file, name, tables, args, progress, rows_done, type=None, reason=None):
    """Writes one data set; returns its rows. `type` is asked for, or found by `reason`."""
    check_alike(name, tables)
    columns = next((table.columns for table in tables if table.columns), None)
    counts, begin, done = Counts(), progress.seconds(), progress.done
    blocks = all_blocks(tables, progress, counts, rows_done)
    type = type or final_type(tables, args.type)
    if type is not None and all(table.rows is not None for table in tables):
        try:
            data, loss = write_at_once(file, name, tables, blocks, type, columns, args.type)
        except NeedsDouble as needs:
            progress.done = done
            return convert(file, name, inputs.open_inputs(args)[name], args, progress,
                           rows_done, TYPES["float64"], needs.args[0])
    else:
        data, loss = write_by_spool(file, name, tables, blocks, type, columns, args, counts)
    progress.clear()
    size = " x ".join(str(n) for n in data.shape)
    print(f"{name:10} {size} {data.dtype.name}, {1e-6 * data.nbytes:.1f} MB in "
          f"{progress.seconds() - begin:.1f} s{counts.text(columns)}")
    say_loss(reason or loss, data.dtype, args.type)
    return counts.rows


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("inputs", nargs="+", metavar="[DATASET=]FILE")
    parser.add_argument("-o", "--output", required=True, metavar="OUT.h5")
    parser.add_argument("--dataset", default="train", metavar="NAME",
                        help="of inputs without a name; default train")
    parser.add_argument("--type", choices=sorted(TYPES), metavar="TYPE",
                        help=" ".join(TYPES) + "; default: float32, or the smallest integer "
                        "type for whole numbers")
    parser.add_argument("--columns", metavar="LIST",
                        help="keep these, in this order: names, numbers from 0, ranges 3:8 (8 is "
                        "left out)")
    parser.add_argument("--drop", metavar="LIST", help="leave these out")
    parser.add_argument("--delimiter", metavar="CHARACTER",
                        help="between the cells of text; default: seen in the first lines; "
                        "tab and space may be written so")
    parser.add_argument("--header", action=argparse.BooleanOptionalAction,
                        help="whether the first line of text names the columns; default: when "
                        "a cell of it is no number")
    parser.add_argument("--jobs", type=int, default=min(4, len(os.sched_getaffinity(0))),
                        help="processes that parse text; default: one a core, 4 at most")
    parser.add_argument("--force", action="store_true", help="write over OUT.h5")
    a = parser.parse_args()
    a.delimiter = {"tab": "\t", "\\t": "\t", "space": " "}.get(a.delimiter, a.delimiter)
    if a.delimiter is not None and len(a.delimiter) != 1:
        parser.error(f"--delimiter {a.delimiter}: wanted one character, tab or space")
    if a.jobs < 1:
        parser.error("--jobs: wanted at least 1")
    return a


def run(args):
    if os.path.exists(args.output) and not args.force:
        raise Refused(f"{args.output}: is there already; --force writes over it, or give "
                      "another name")
    sets = inputs.open_inputs(args)
    progress = Progress([table for tables in sets.values() for table in tables])
    partial = args.output + ".partial"
    rows = 0
    try:
        with h5py.File(partial, "w", libver=format_for(sets)) as file:
            for name, tables in sets.items():
                rows += convert(file, name, tables, args, progress, rows)
        os.replace(partial, args.output)
    finally:
        progress.clear()
        if os.path.exists(partial):
            os.remove(partial)
    read = sum(progress.sizes)
    print(f"wrote {args.output}: {rows} rows, {os.path.getsize(args.output)} bytes, from "
          f"{1e-6 * read:.1f} MB in {progress.seconds():.1f} s, "
          f"{1e-6 * read / progress.seconds():.0f} MB/s")


def main():
    args = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `finally` runs
    try:
        run(args)
    except Refused as error:
        sys.exit(f"to_hdf5.py: {error}")
    except OSError as error:
        sys.exit(f"to_hdf5.py: {error.filename or args.output}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("to_hdf5.py: stopped; nothing was written")


if __name__ == "__main__":
    main()
