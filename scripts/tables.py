"""Inputs of to_hdf5.py as tables: what is known of each before it is read, and its rows in
blocks. What a file is, its first bytes say.
"""
import gzip
import inspect
import os
import zipfile
import zlib

import numpy as np

import precision
import text_table

BLOCK_BYTES = 8 << 20
# What numpy, gzip, zipfile and pyarrow raise over the bytes of a file.
DAMAGE = (EOFError, ValueError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile,
          NotImplementedError, RuntimeError, SyntaxError)


class Refused(Exception):
    """The one line to end with."""


class Table:
    """rows: their number or None; shape: of one row; type: or None; columns: names or None;
    blocks: an iterator of arrays [n, *shape]; place: gives the bytes of the file read; head:
    of a text table."""

    def __init__(self, path, shape, blocks, rows=None, type=None, columns=None, place=None,
                 head=None):
        self.path, self.shape, self.rows, self.type = path, tuple(shape), rows, type
        self.columns, self.blocks, self.place, self.head = columns, blocks, place, head
        self.bytes = 0  # of the file

    def share(self, rows):
        """How much of it is done after so many rows, from 0 to 1."""
        if self.rows:
            return rows / self.rows
        return self.place() / max(1, self.bytes) if self.place else 1.0


def choose(args, names, width, path):
    """Column numbers by --columns and --drop (numbers, ranges, names), or None: all."""
    names = names or []

    def number(word):
        if word in names:
            return [names.index(word)]
        first, colon, end = word.partition(":")
        if first.isdigit() and (end.isdigit() or not colon):
            found = list(range(int(first), int(end) if colon else int(first) + 1))
            if found and found[-1] < width:
                return found
        known = f"names are {', '.join(names[:20])}" if names else "it has no names"
        raise Refused(f"{path}: no column \"{word}\", wanted a name, a number from 0 to "
                      f"{width - 1} or a range FIRST:END; {known}")

    if not args.columns and not args.drop:
        return None
    wanted = [j for word in (args.columns or f"0:{width}").split(",")
              for j in number(word.strip())]
    dropped = {j for word in (args.drop or "").split(",") if word.strip()
               for j in number(word.strip())}
    wanted = [j for j in wanted if j not in dropped]
    if not wanted:
        raise Refused(f"{path}: --columns and --drop leave no column of {width}")
    return wanted


def picked(names, wanted):
    return [names[j] for j in wanted] if names and wanted else names


def open_text(path, file, args, raw):
    file = text_table.Lines(file)
    try:
        head = text_table.Head(file, args.delimiter, args.header)
    except text_table.BadTable as error:
        raise Refused(f"{path}: {error}") from None
    wanted = choose(args, head.names, head.width, path)

    def blocks():
        try:
            yield from text_table.blocks(file, head, wanted, args.jobs)
        except text_table.BadTable as error:
            raise Refused(f"{path}: {error}") from None

    return Table(path, [len(wanted) if wanted else head.width], blocks(),
                 columns=picked(head.names, wanted), place=raw.tell, head=head)


def read_exactly(file, size, path):
    data = file.read(size)
    if len(data) < size:
        raise Refused(f"{path}: ends early: the header promises more than there is; copy the "
                      "file again")
    return data


def array_blocks(file, path, rows, shape, type):
    """Rows of an array that is stored row after row."""
    row_bytes = int(np.prod(shape, dtype=np.int64)) * type.itemsize
    step = max(1, BLOCK_BYTES // max(1, row_bytes))
    for first in range(0, rows, step):
        count = min(step, rows - first)
        data = read_exactly(file, count * row_bytes, path)
        yield np.frombuffer(data, type).reshape(count, *shape)


def side_by_side(path, columns, names, first_row):
    """Columns [n] each as [n, columns], of a type that holds all: whole numbers beside
    floating-point ones, or of unlike sign, must survive it."""
    out = np.stack(columns, axis=1)
    for j, column in enumerate(columns):
        if out.dtype.kind != "f" or column.dtype.kind not in "iu":
            continue
        bad = precision.rounded(column, out.dtype)
        if bad.any():
            row = int(np.argmax(bad))
            raise Refused(f"{path}: row {first_row + row}, column '{names[j]}': found "
                          f"{column[row]}, a whole number that {out.dtype} does not hold, as "
                          f"which the columns are kept side by side; leave it out: --drop "
                          f"{names[j]}")
    return out


def fields_as_columns(path, blocks, names):
    first_row = 0
    for block in blocks:
        yield side_by_side(path, [block[name] for name in names], names, first_row)
        first_row += len(block)


def array_table(path, rows, shape, type, blocks, args):
    """A table of an array, structured or not."""
    if type.names:
        names = list(type.names)
        names = picked(names, choose(args, names, len(names), path))
        kinds = [type[name] for name in names]
        for name, kind in zip(names, kinds):
            if kind.kind not in "biuf":
                raise Refused(f"{path}: field '{name}' is of type {kind}, wanted numbers: "
                              f"convert it first, or leave it out: --drop {name}")
        return Table(path, [len(names)], fields_as_columns(path, blocks, names), rows,
                     np.result_type(*kinds), names)
    if type.kind not in "biuf":
        raise Refused(f"{path}: found an array of type {type}, wanted real numbers")
    wanted = choose(args, None, shape[0], path) if len(shape) == 1 else None
    if wanted:
        blocks, shape = (block[:, wanted] for block in blocks), [len(wanted)]
    return Table(path, shape, blocks, rows, type)


def read_header(path, file):
    """Shape, whether it is stored column by column, and type of an .npy."""
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if not read:
        raise Refused(f"{path}: found .npy version {version}, wanted 1.0 or 2.0; its names of "
                      "fields are not Latin: save it with others")
    # Newer numpy stops at 10,000 bytes, which some hundred fields are.
    limit = {"max_header_size": 1 << 26} \
        if "max_header_size" in inspect.signature(read).parameters else {}
    return read(file, **limit)


def open_npy(path, file, args, whole=None):
    """`whole` gives the array at once, where rows are not stored one after another."""
    shape, by_column, type = read_header(path, file)
    if type.hasobject or not shape:
        raise Refused(f"{path}: found {'Python objects' if type.hasobject else 'one number'}, "
                      "wanted an array of numbers [N, D]")
    rows, *shape = shape
    if by_column and shape and whole:
        array = whole()
        step = max(1, BLOCK_BYTES // (array[:1].nbytes or 1))
        blocks = (np.ascontiguousarray(array[i:i + step]) for i in range(0, rows, step))
    elif by_column and shape:
        raise Refused(f"{path}: stored column by column and compressed; unpack it first")
    else:
        blocks = array_blocks(file, path, rows, shape, type)
    return array_table(path, rows, shape, type, blocks, args)


def open_npz(path, name, dataset, args):
    """One table an array: (data set, table)."""
    archive = zipfile.ZipFile(path)
    names = [n[:-4] for n in archive.namelist() if n.endswith(".npy")]
    if not names:
        raise Refused(f"{path}: found a zip archive without arrays ({archive.namelist()[:3]}), "
                      f"{WANTED}; save a spreadsheet as CSV, unpack an archive")
    if name and name not in names:
        raise Refused(f"{path}: no array '{name}'; it has: {', '.join(names)}")
    for one in [name] if name else names:
        table = open_npy(f"{path}:{one}", archive.open(one + ".npy"), args,
                         lambda one=one: np.load(path)[one])
        yield dataset or (args.dataset if name else one), table


def open_idx(path, file, args):
    magic = read_exactly(file, 4, path)
    types = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
    rows, *shape = np.frombuffer(read_exactly(file, 4 * magic[3], path), ">u4").tolist()
    type = np.dtype(types[magic[2]])
    return array_table(path, rows, shape, type,
                       array_blocks(file, path, rows, shape, type), args)


def check_gaps(path, columns, names, kinds, is_integer, first_row):
    """Of whole numbers with gaps pyarrow makes float64, which may have rounded large ones."""
    for name, kind, column in zip(names, kinds, columns):
        if is_integer(kind) and column.dtype.kind == "f":
            large = np.flatnonzero(np.abs(column) >= text_table.EXACT)
            if large.size:
                raise Refused(f"{path}: row {first_row + large[0]}, column '{name}': found "
                              f"{column[large[0]]:.0f} in a column of whole numbers with "
                              f"missing ones, which only float64 holds, and whole numbers not "
                              f"above 2^53; leave it out: --drop {name}")


def open_parquet(path, args):
    try:
        from pyarrow import parquet, types
    except ImportError:
        raise Refused(f"{path}: a Parquet file needs pyarrow, which is not installed: pip "
                      "install pyarrow, or save the table as CSV") from None
    file = parquet.ParquetFile(path)
    schema = file.schema_arrow
    wanted = choose(args, schema.names, len(schema.names), path)
    names = picked(schema.names, wanted)
    kinds = [schema.field(name).type for name in names]
    for name, kind in zip(names, kinds):
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            raise Refused(f"{path}: column '{name}' is of type {kind}, wanted numbers; leave "
                          f"it out: --drop {name}")

    def blocks():
        step, first_row = max(1, BLOCK_BYTES // (8 * len(names))), 0
        for batch in file.iter_batches(step, columns=names):
            columns = [batch.column(batch.schema.get_field_index(name))
                       .to_numpy(zero_copy_only=False) for name in names]
            check_gaps(path, columns, names, kinds, types.is_integer, first_row)
            yield side_by_side(path, columns, names, first_row)
            first_row += len(columns[0])

    # Of integers with gaps numpy makes floating-point numbers.
    some_float = any(types.is_floating(kind) for kind in kinds)
    return Table(path, [len(names)], blocks(), file.metadata.num_rows,
                 np.dtype("f8") if some_float else None, names)


# First bytes of what is no table of numbers here, what it is, and what to do.
FOREIGN = [
    (b"\x80\x02", "Python pickle", "PICKLE"), (b"\x80\x03", "Python pickle", "PICKLE"),
    (b"\x80\x04", "Python pickle", "PICKLE"), (b"\x80\x05", "Python pickle", "PICKLE"),
    (b"\xff\xfe", "text in UTF-16", "iconv -f utf-16 -t utf-8"),
    (b"\xfe\xff", "text in UTF-16", "iconv -f utf-16 -t utf-8"),
    (b"BZh", "bzip2 file", "bunzip2"), (b"\xfd7zXZ", "xz file", "unxz"),
    (b"\x28\xb5\x2f\xfd", "Zstandard file", "unzstd"),
    (b"SIMPLE  =", "FITS file", "astropy.table.Table.read"),
    (b"ARROW1", "Arrow file", "pyarrow.feather.read_table"),
    (b"FEA1", "Feather file", "pyarrow.feather.read_table"),
    (b"ORC", "ORC file", "pyarrow.orc.read_table"),
    (b"CDF\x01", "netCDF-3 file", "nccopy -k nc4"),
    (b"CDF\x02", "netCDF-3 file", "nccopy -k nc4"),
    (b"CDF\x05", "netCDF-3 file", "nccopy -k nc4"),
    (b"MATLAB 5.0", "MATLAB file", "save -v7.3, which is HDF5"),
    (b"root", "ROOT file", "uproot"), (b"SQLite format 3", "SQLite file", "sqlite3 -csv"),
    (b"\xd0\xcf\x11\xe0", "Excel file", "its own export to CSV"),
    (b"%PDF", "PDF", "what made it"),
]
WANTED = "wanted text (CSV and the like), .npy, .npz, Parquet or IDX"


def check_readable(path, start):
    """`start`: the first bytes, unpacked; of text a good part of them."""
    what = next(((what, by) for first, what, by in FOREIGN if start.startswith(first)), None)
    if not what and path.lower().endswith((".pkl", ".pickle")):
        what = "Python pickle", "PICKLE"
    if what and what[1] == "PICKLE":
        raise Refused(f"{path}: found a Python pickle, which can run any program when it is "
                      f"read, {WANTED}; load it where you trust it and save the table, as by "
                      "numpy.save or DataFrame.to_csv")
    if what:
        raise Refused(f"{path}: found a {what[0]}, {WANTED}; convert it first, as by {what[1]}")


def check_text(path, start):
    if b"\0" in start:
        raise Refused(f"{path}: found bytes that are no text (a zero at byte "
                      f"{start.index(0)}), {WANTED}")


def open_input(path, name, dataset, args):
    """(data set, table) of a file, told by its first bytes."""
    raw = open(path, "rb")
    if raw.read(2) == b"\x1f\x8b":
        raw.seek(0)
        file = gzip.GzipFile(fileobj=raw)
    else:
        file = raw
    file.seek(0)
    start = file.read(4096)
    file.seek(0)
    check_readable(path, start)
    if name and not start.startswith(b"PK"):
        raise Refused(f"{path}: :{name} names an array of an .npz file, which this is not")
    if start.startswith(b"PK"):
        return list(open_npz(path, name, dataset, args))
    if start.startswith(b"\x89HDF"):
        raise Refused(f"{path}: is HDF5 already: flotilla reads it as it is; see "
                      f"`flotilla inspect {path}`")
    if start.startswith(b"PAR1"):
        table = open_parquet(path, args)
    elif start.startswith(b"\x93NUMPY"):
        whole = None if file is not raw else lambda: np.load(path, mmap_mode="r")
        table = open_npy(path, file, args, whole)
    elif (start[:2] == b"\0\0" and len(start) > 3 and start[2] in (8, 9, 11, 12, 13, 14)
          and start[3] > 0):
        table = open_idx(path, file, args)
    else:
        check_text(path, start)
        table = open_text(path, file, args, raw)
    return [(dataset or args.dataset, table)]


def check_names(table):
    names = table.columns or []
    twice = next((n for n in names if names.count(n) > 1), None) if names else None
    if twice is not None:
        both = [j for j, n in enumerate(names) if n == twice]
        raise Refused(f"{table.path}: columns {both[0]} and {both[1]} are both named "
                      f"'{twice}', wanted names that differ; leave one out by number: --drop "
                      f"{both[1]}")


def cut_input(text):
    """DATASET, FILE and array of [DATASET=]FILE[.npz:ARRAY]."""
    dataset, equals, path = text.partition("=")
    if not equals or not dataset or os.path.exists(text):
        dataset, path = None, text
    before, npz, name = path.rpartition(".npz:")
    return (dataset, before + ".npz", name) if npz and name else (dataset, path, None)


def open_inputs(args):
    """The tables of each data set, in the order of the command line."""
    sets = {}
    for text in args.inputs:
        dataset, path, name = cut_input(text)
        try:
            found = open_input(path, name, dataset, args)
        except DAMAGE as error:
            raise Refused(f"{path}: damaged: {error}; copy the file again") from None
        for dataset, table in found:
            check_names(table)
            table.bytes = os.path.getsize(path) // len(found)
            sets.setdefault(dataset, []).append(table)
    return sets
