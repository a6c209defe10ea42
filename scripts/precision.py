"""Whether a type holds the numbers of a table, for to_hdf5.py: float32 has 24 bits, of which
an origin far away leaves few; times, Julian dates and numbers of detectors are such.
"""
import numpy as np

STEPS = 1e4  # at least so many steps from the lowest to the highest number of a column


def rounded(whole, type):
    """Where whole numbers are others once they are of this floating-point type."""
    whole = whole.astype("u8" if whole.dtype.kind in "bu" else "i8")
    out = whole.astype(type).astype("f8")
    held = (out >= np.iinfo(whole.dtype).min) & (out < float(np.iinfo(whole.dtype).max))
    return ~held | (np.where(held, out, 0).astype(whole.dtype) != whole)


class Loss:
    """Looks at blocks that become `type`; `found` is the first that it does not keep: what is
    there, and what it would be. What is kept to 24 bits of its own size is no loss, but for
    whole numbers, and for columns that lie in a narrow range far from 0."""

    def __init__(self, type):
        self.type, self.found = type, None
        self.low = self.high = None

    def see(self, block, place):
        """`place` gives the words for where in the block an index [row, ..] is."""
        if self.found or not block.size or self.type.kind != "f" or (
                block.dtype.kind == "f" and block.dtype.itemsize <= self.type.itemsize):
            return
        if block.dtype.kind != "f":
            bad = rounded(block, self.type)
        else:
            self.see_range(block)
            bad = self.bad_numbers(block)
        if bad.any():
            index = tuple(np.argwhere(bad)[0].tolist())
            with np.errstate(over="ignore"):
                kept = block[index].astype(self.type)
            self.found = (f"{place(index)}: found {whole_text(block[index])}, which as "
                          f"{self.type.name} is {whole_text(kept)}")

    def bad_numbers(self, block):
        size = np.abs(block)
        with np.errstate(over="ignore", invalid="ignore"):
            bad = (size < np.finfo(self.type).tiny) & (size > 0)
            bad |= (size > np.finfo(self.type).max) & (size < np.inf)
            some = (size > 2 << np.finfo(self.type).nmant) & (size <= 1 << 53)
            if some.any():
                bad |= some & (block == np.trunc(block)) & (block.astype(self.type) != block)
        return bad

    def see_range(self, block):
        if self.type.itemsize < 4:
            return
        rows = np.where(np.isfinite(block), block, np.nan).reshape(len(block), -1)
        low, high = np.fmin.reduce(rows, axis=0), np.fmax.reduce(rows, axis=0)
        self.low = low if self.low is None else np.fmin(low, self.low)
        self.high = high if self.high is None else np.fmax(high, self.high)

    def see_end(self, column):
        """After all blocks; `column` gives the words for one by number."""
        if self.found or self.low is None:
            return
        with np.errstate(invalid="ignore", over="ignore"):
            most = np.fmax(np.abs(self.low), np.abs(self.high)).astype(self.type)
            bad = (self.high > self.low) & (np.spacing(most) * STEPS > self.high - self.low)
        if bad.any():
            j = int(np.argmax(bad))
            self.found = (f"{column(j)}: found {self.low[j]:.15g} to {self.high[j]:.15g}, "
                          f"where {self.type.name} has steps of {np.spacing(most)[j]:.3g}")


def whole_text(number):
    whole = np.isfinite(number) and number == int(number) and abs(number) < 2 ** 64
    return str(int(number)) if whole else f"{number:.15g}"
