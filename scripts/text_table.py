"""Blocks of numbers from a text table (CSV, TSV, columns apart by spaces), for to_hdf5.py.

A table is cut into blocks at line ends; numpy's C reader parses them, several at a time in
processes of their own, so memory does not grow with the table. A cell that is empty, NA,
N/A, NULL, null, None or nan is missing: NaN. Blocks with something else that is no number
are read again cell by cell, to say which line and column it is; so are blocks with whole
numbers that float64 does not hold, to keep them as integers. Lines end with LF, CR LF or CR.
"""
import array
import collections
import csv
import io
import itertools
import multiprocessing
import re
import signal
import warnings

import numpy as np

import precision

BLOCK_BYTES = 2 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
MISSING = frozenset(["", "na", "n/a", "null", "none", "nan", "-nan", "<na>"])
csv.field_size_limit(1 << 30)  # a line of a wide table, cut by another delimiter, is one
EXACT = 1 << 53  # whole numbers are exact in float64 up to here
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar", " ": "spaces"}


class BadTable(Exception):
    """What is wrong with the table, to be shown with its file's name."""


def is_missing(cell):
    return cell.strip().lower() in MISSING


def is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell  # 1_000 is a number to Python alone


def split(line, delimiter):
    """The cells of one line of text."""
    if delimiter == " ":
        return line.split()
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [])
    except csv.Error as error:
        raise BadTable(f"found a line that is no text table: {error}: "
                       f"\"{line[:60]}\"") from None


def guess_delimiter(lines):
    """The first that cuts all sample lines into the same number of cells above one."""
    for delimiter in DELIMITERS:
        counts = {len(split(line, delimiter)) for line in lines if line.strip()}
        if len(counts) == 1 and counts != {1} and counts != {0}:
            return delimiter
    # Lines of unlike length: the one that is there most, so that the message is about it.
    text = "".join(lines)
    return max(",;\t|", key=text.count) if re.search("[,;\t|]", text) else ","


class Lines:
    """A file whose lines all end with LF, whichever of the three ends they have there."""

    def __init__(self, file):
        self.file, self.held, self.after_cr = file, b"", False

    def translated(self, size):
        data = self.file.read(size)
        if self.after_cr and data.startswith(b"\n"):
            data = data[1:] or self.file.read(size)
            self.after_cr = False
        if data:
            self.after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data

    def read(self, size):
        data, self.held = self.held, b""
        return data or self.translated(size)

    def readline(self):
        pieces = [self.held]
        while b"\n" not in pieces[-1]:
            pieces.append(self.translated(1 << 16))
            if not pieces[-1]:
                break
        text = b"".join(pieces)
        end = text.find(b"\n") + 1 or len(text)
        self.held = text[end:]
        return text[:end]


class Head:
    """The lines before the rows: comments, names of columns; and the delimiter. `file` is
    a Lines. inexact: of the first whole number that float64 does not hold, line, column and
    text; is_rounded: such a number is rounded in a block; told: that was said."""

    def __init__(self, file, delimiter=None, header=None):
        lines = [line for line in (file.readline() for _ in range(50)) if line]
        text = [line.decode("utf-8-sig" if i == 0 else "utf-8", "replace")
                for i, line in enumerate(lines)]
        first = 0
        while first < len(text) and (text[first].startswith("#") or not text[first].strip()):
            first += 1
        if first == len(text):
            raise BadTable("found no row, wanted at least one line of numbers")
        self.delimiter = delimiter or guess_delimiter(text[first:first + 20])
        cells = split(text[first], self.delimiter)
        self.width = len(cells)
        words = not all(is_number(c) or is_missing(c) for c in cells)
        self.names = None
        if words if header is None else header:
            self.names, first = [c.strip() for c in cells], first + 1
        elif first and text[first - 1].startswith("#"):  # numpy.savetxt puts names there
            names = split(text[first - 1].lstrip("# "), self.delimiter)
            if len(names) == self.width:
                self.names = [name.strip() for name in names]
        self.inexact, self.is_rounded, self.told = None, False, False
        self.lines = first                     # before the rows
        self.rest = b"".join(lines[first:])    # read already
        if first == 0:
            self.rest = self.rest.removeprefix(BYTE_ORDER_MARK)
        if first < len(text) and self.names:
            self.check_width(split(text[first], self.delimiter), first + 1)

    def name(self, j):
        return f"column {j}" + (f" ('{self.names[j]}')" if self.names else "")

    def check_width(self, cells, line):
        if len(cells) != self.width and len(cells) > 0:
            raise BadTable(
                f"line {line}: found {len(cells)} cells apart by "
                f"{DELIMITERS.get(self.delimiter, repr(self.delimiter))}, wanted "
                f"{self.width} as in the first line; see --delimiter and --header")


def blocks_of(file, rest):
    """Whole lines of about BLOCK_BYTES at a time."""
    held = [rest]
    while True:
        piece = file.read(BLOCK_BYTES)
        if not piece:
            break
        end = piece.rfind(b"\n") + 1
        if end:
            yield b"".join(held) + piece[:end]
            held = [piece[end:]]
        else:
            held.append(piece)
    last = b"".join(held)
    if last.strip():
        yield last


def fill_missing(block, delimiter):
    """The same lines with nan in the missing cells, where that is easily seen."""
    d = delimiter.encode()
    block = block.replace(b"\r\n", b"\n")
    if delimiter != " ":
        for _ in range(2):  # the second finds every other one of several in a row
            block = block.replace(d + d, d + b"nan" + d)
        block = block.replace(d + b"\n", d + b"nan\n").replace(b"\n" + d, b"\nnan" + d)
        if block.startswith(d):
            block = b"nan" + block
        if block.endswith(d):
            block += b"nan"
    # The letter first: Python's search for it is fast.
    edge = b"[\n" + re.escape(d) + b"]"
    for letter, rest in ((b"N", b"(?:A|/A|ULL|one)"), (b"n", b"(?:ull|a|/a)")):
        block = re.sub(letter + b"(?<=" + edge + letter + b")" + rest + b"(?=" + edge + b"|$)",
                       b"nan", block)
    return block


def is_rectangular(block, head):
    """Whether as many delimiters as its lines need are there; numpy looks no further than
    the last of the columns that are wanted."""
    lines = block.count(b"\n") + (not block.endswith(b"\n"))
    return block.count(head.delimiter.encode()) == lines * (head.width - 1)


def read_fast(block, head, wanted):
    if wanted is not None and not is_rectangular(block, head):
        raise ValueError
    return np.loadtxt(io.StringIO(block.decode("latin-1")), comments=None, ndmin=2,
                      delimiter=None if head.delimiter == " " else head.delimiter,
                      quotechar='"', usecols=wanted)


def read_slowly(block, head, wanted, first_line):
    """Cell by cell; says what is wrong with the first cell that is no number."""
    numbers = array.array("d")
    text = block.decode("utf-8", "replace").split("\n")
    for number, line in enumerate(text, first_line):
        cells = split(line, head.delimiter)
        if not cells:
            continue
        head.check_width(cells, number)
        for j in range(head.width) if wanted is None else wanted:
            if is_missing(cells[j]):
                numbers.append(np.nan)
            elif is_number(cells[j]):
                numbers.append(float(cells[j]))
            else:
                raise BadTable(
                    f"line {number}, {head.name(j)}: found \"{cells[j][:60]}\", wanted a "
                    "number, or nothing, NA, null or nan for a missing one; correct it, or "
                    f"leave the column out: --drop {head.names[j] if head.names else j}")
    return np.array(numbers).reshape(-1, head.width if wanted is None else len(wanted))


def read_rows(block, head, wanted, gaps):
    """Rows [n, columns] of a block, and whether gaps had to be filled."""
    for filled in (False, True):
        if filled or not gaps:
            try:
                text = fill_missing(block, head.delimiter) if filled else block
                rows = read_fast(text, head, wanted)
                # numpy compares the lines of a block with each other only.
                if rows.shape[1] == (head.width if wanted is None else len(wanted)):
                    return rows, filled
            except ValueError:
                pass
    return read_slowly(block, head, wanted, 0), True


def whole_number(cell):
    """The number that a cell of digits alone is, or None."""
    return int(cell) if re.fullmatch(r"\s*[+-]?\d+\s*", cell, re.ASCII) else None


def read_integers(block, head, columns):
    """Those columns [n, columns] as int64 or uint64; None where that is not what they are."""
    for type in ("i8", "u8"):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # an older numpy takes 1.5 for 1, and warns
                return np.loadtxt(io.StringIO(block.decode("latin-1")), type, comments=None,
                                  delimiter=None if head.delimiter == " " else head.delimiter,
                                  quotechar='"', usecols=columns, ndmin=2)
        except (ValueError, OverflowError, Warning):
            pass
    return None


def read_integers_slowly(block, head, columns):
    """The same for any columns: Python's integers, None for what is not one."""
    lines = (split(line, head.delimiter)
             for line in block.decode("utf-8", "replace").split("\n"))
    return np.array([[whole_number(cells[j]) for j in columns] for cells in lines if cells],
                    object)


def is_inexact(number):
    try:
        return number is not None and float(number) != number
    except OverflowError:
        return True


def as_integers(rows, large, whole):
    """The rows, whose columns `large` are exactly `whole`, as int64 or uint64; None where
    they are not all whole, or no such type holds all."""
    if np.isinf(rows).any() or not (rows == np.trunc(rows)).all():
        return None
    if whole.dtype == object:
        for i, k in np.argwhere(whole == None).tolist():  # noqa: E711, of every element
            whole[i, k] = int(rows[i, large[k]])
    others = np.delete(rows, large, axis=1)
    ends = [int(f(x)) for x in (whole, others) if x.size for f in (np.min, np.max)]
    type = next((t for t in ("i8", "u8") if np.iinfo(t).min <= min(ends)
                 and max(ends) <= np.iinfo(t).max), None)
    if type is None:
        return None
    out = np.empty(rows.shape, type)
    out[:, np.setdiff1d(np.arange(rows.shape[1]), large)] = others
    out[:, large] = whole
    return out


def line_of(block, head, row):
    """The number of the line in the block, from 0, that has a row."""
    lines = (i for i, line in enumerate(block.decode("utf-8", "replace").split("\n"))
             if (line.split() if head.delimiter == " " else line))
    return next(itertools.islice(lines, row, None))


def keep_exact(block, head, wanted, rows):
    """The rows as integers where float64 does not hold all of their whole numbers and there
    are no others; and (line of the block, column, text) of the first such number."""
    large = np.flatnonzero((np.abs(rows) >= EXACT).any(axis=0))
    if not large.size:
        return rows, None
    columns = [k if wanted is None else wanted[k] for k in large.tolist()]
    whole = read_integers(block, head, columns)
    if whole is None or len(whole) != len(rows):
        whole = read_integers_slowly(block, head, columns)
        bad = np.array([[is_inexact(number) for number in row] for row in whole])
    else:
        bad = precision.rounded(whole, np.dtype("f8"))
    if not bad.any():
        return rows, None
    row, k = np.argwhere(bad)[0].tolist()
    first = line_of(block, head, row), columns[k], str(whole[row, k])
    kept = as_integers(rows, large, whole)
    return rows if kept is None else kept, first


def parse(block, head, wanted, gaps):
    """Rows [n, columns] of a block, whether gaps had to be filled, and the first number that
    float64 does not hold. A BadTable is returned, not raised: its line number counts from
    the block's beginning."""
    if not block.strip():
        return np.empty((0, head.width if wanted is None else len(wanted))), gaps, None
    try:
        rows, gaps = read_rows(block, head, wanted, gaps)
        rows, inexact = keep_exact(block, head, wanted, rows)
        return rows, gaps, inexact
    except BadTable as error:
        return error, gaps, None


def located(error, lines):
    """The error of a block, with the number of its line in the file."""
    return BadTable(re.sub(r"^line (\d+)", lambda m: f"line {int(m[1]) + lines + 1}",
                           str(error)))


def start_quietly():
    """In a process that parses: Ctrl-C is for the one that started it, and TERM ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def start_pool(jobs):
    """TERM waits until a new process no longer has our handler, which would swallow the
    one that ends a pool at once, and leave a process that nobody ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    try:
        return multiprocessing.get_context("fork").Pool(jobs, start_quietly)
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def blocks(file, head, wanted, jobs):
    """Parsed blocks in the order of the file: rows [n, columns]. `wanted` are column
    numbers or None: all."""
    lines = head.lines
    waiting = collections.deque()  # (result to come, its number of lines)
    gaps = False

    def take():
        nonlocal gaps, lines
        result, count = waiting.popleft()
        rows, gaps, inexact = result.get()
        if isinstance(rows, BadTable):
            raise located(rows, lines)
        if inexact:
            head.inexact = head.inexact or (inexact[0] + lines + 1, *inexact[1:])
            head.is_rounded |= rows.dtype.kind == "f"
        lines += count
        return rows

    with start_pool(jobs) as pool:
        for block in blocks_of(file, head.rest):
            if len(waiting) > jobs:
                yield take()
            waiting.append((pool.apply_async(parse, (block, head, wanted, gaps)),
                            block.count(b"\n")))
        while waiting:
            yield take()
