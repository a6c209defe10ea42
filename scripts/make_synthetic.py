#!/usr/bin/env python3
"""Make rows of a known density, and the exact log-density of every row beside them.

  scripts/make_synthetic.py moons -o moons.h5
  scripts/make_synthetic.py mixture --columns 100 --train 1000000 -o mixture.h5
  scripts/make_synthetic.py mixture --columns 1000 --train 5000000 --shards 64 \\
      --compress deflate -o big.h5       # big-00000.h5 .. big-00063.h5

  moons     two interleaved half circles in columns 0 and 1, with normal noise
  rings     three circles around each other in columns 0 and 1, with normal noise
  mixture   five normal distributions, each with correlated columns

Columns beyond the two of moons and rings follow them linearly, with noise that is correlated
among the columns: x = A (x0, x1) + s e + F g, as do those of each part of the mixture:
x = m + s e + F g, where e [D] and g [4] are standard normal. So the log-density needs no
inverse of a D x D matrix: it is exact in double for D = 1000 as for D = 4.

Data sets train, validation and test [N, D]; train_log_prob .. [N], float64, nats, of the rows
as stored. The mean of test_log_prob is what the best flow reaches on test, and the difference
is the Kullback-Leibler divergence from the truth. The seed decides the rows, whatever shards,
chunks and types are; more rows begin with the same rows. Needs numpy, scipy and h5py.
"""
import argparse
import itertools
import multiprocessing
import os
import signal
import sys
import time

# The products are small, processes share the cores, and the rows must not depend on threads.
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "numpy", "scipy")

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from scipy.special import i0e  # noqa: E402

SPLITS = ("train", "validation", "test")
TYPES = ("float16", "float32", "float64")
FACTORS = 4              # g: what correlates the columns
BLOCK_NUMBERS = 1 << 17  # numbers drawn at once; part of the recipe: it orders the draws
BLOCK_ROWS = 1 << 12
CHUNK_BYTES = 1 << 20
HALF_LOG_TWO_PI = 0.5 * np.log(2 * np.pi)


class Normals:
    """K normal distributions in D columns, N(m_k, S_k^2 + F_k F_k^T), S_k diagonal."""

    def __init__(self, parts, columns, spread, random):
        self.mean = spread * random.standard_normal((parts, columns))
        self.scale = np.exp(random.uniform(np.log(0.1), 0, (parts, columns)))
        self.factor = 0.5 * random.standard_normal((parts, FACTORS, columns))
        # Woodbury: with G = F / S the quadratic form is |y|^2 - |G y|^2 in the metric of
        # (1 + G G^T)^-1, y = (x - m) / S; and det = det S^2 det(1 + G G^T).
        G = self.factor / self.scale[:, None, :]
        root = np.linalg.cholesky(np.eye(FACTORS) + G @ G.transpose(0, 2, 1))
        inner = np.linalg.solve(root, G) / self.scale[:, None, :]  # [K, FACTORS, D]
        precision = self.scale**-2
        self.square = precision  # of x^2
        self.linear = np.concatenate([(self.mean * precision), inner.reshape(-1, columns)])
        self.inner_mean = np.einsum("kfd,kd->kf", inner, self.mean).reshape(-1, 1)
        self.constant = (-columns * HALF_LOG_TWO_PI - np.log(self.scale).sum(1)
                         - np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)
                         - 0.5 * (self.mean**2 * precision).sum(1))[:, None]

    def draw(self, part, rows, random):
        e = random.standard_normal((rows, self.mean.shape[1]))
        e *= self.scale[part]
        e += random.standard_normal((rows, FACTORS)) @ self.factor[part]
        e += self.mean[part]
        return e

    def log_prob(self, x):
        """[K, n]: of every row x [n, D] under each; matrix products do nearly all of it."""
        K = len(self.mean)
        linear = self.linear @ x.T
        inner = linear[K:] - self.inner_mean
        inner *= inner
        log_prob = inner.reshape(K, FACTORS, -1).sum(1)
        log_prob -= self.square @ (x * x).T
        log_prob *= 0.5
        log_prob += linear[:K]
        log_prob += self.constant
        return log_prob


def log_sum(each):
    """log sum_k exp each[k]."""
    most = each.max(0)
    return most + np.log(np.exp(each - most).sum(0))


class Mixture:
    PARTS = 5

    def __init__(self, columns, noise, random):
        weight = random.uniform(1, 3, self.PARTS)
        self.weight = weight / weight.sum()
        self.normals = Normals(self.PARTS, columns, 2.0, random)

    def draw(self, rows, random):
        counts = random.multinomial(rows, self.weight)
        x = np.concatenate([self.normals.draw(k, n, random) for k, n in enumerate(counts)])
        return x[random.permutation(rows)]

    def log_prob(self, x):
        return log_sum(self.normals.log_prob(x) + np.log(self.weight)[:, None])


class Rings:
    """A point of circle k, plus normal noise of deviation s: its distance r from the centre
    is Rice's, p(x) = sum_k w_k exp(-(r - R_k)^2 / (2 s^2)) I0e(r R_k / s^2) / (2 pi s^2)."""
    RADII = np.array([1.0, 2.0, 3.0])

    def __init__(self, noise):
        self.noise, self.weight = noise, self.RADII / self.RADII.sum()

    def draw(self, rows, random):
        radius = self.RADII[random.choice(len(self.RADII), rows, p=self.weight)]
        angle = 2 * np.pi * random.random(rows)
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius[:, None]
        return x + self.noise * random.standard_normal((rows, 2))

    def log_prob(self, x):
        variance = self.noise**2
        r, R = np.hypot(x[:, 0], x[:, 1]), self.RADII[:, None]
        each = (-(r - R)**2 / (2 * variance) + np.log(i0e(r * R / variance))
                + np.log(self.weight / (2 * np.pi * variance))[:, None])
        return log_sum(each)


class Moons:
    """Half of the points on the upper half of the unit circle, half on its image under
    x -> (1, 1/2) - x, plus normal noise of deviation s."""
    TURN = np.array([1.0, 0.5])
    NODES, DROP = 40, 40.0  # of the quadrature; where its integrand is exp(-DROP) it ends

    def __init__(self, noise):
        self.noise = noise
        self.node, self.weight = np.polynomial.legendre.leggauss(self.NODES)

    def draw(self, rows, random):
        angle = np.pi * random.random(rows)
        x = np.stack([np.cos(angle), np.sin(angle)], axis=1)
        x = np.where(random.random((rows, 1)) < 0.5, x, self.TURN - x)
        return x + self.noise * random.standard_normal((rows, 2))

    def log_part(self, r, low, high):
        """log int_low^high exp(r cos u / s^2) du for low, high in [-pi, pi]. The integrand
        has one peak, as wide as the noise: Gauss-Legendre over the part where it is not
        negligible is exact to rounding."""
        sharpness = r / self.noise**2
        top = np.cos(np.clip(0, low, high))
        least = top - self.DROP / np.maximum(sharpness, 1e-300)
        width = np.arccos(np.clip(least, -1, 1))
        low, high = np.maximum(low, -width), np.minimum(high, width)
        u = 0.5 * ((low + high)[:, None] + (high - low)[:, None] * self.node)
        integral = np.exp(sharpness[:, None] * (np.cos(u) - top[:, None])) @ self.weight
        return sharpness * top + np.log(integral * 0.5 * (high - low))

    def log_half(self, x):
        """log 1/pi int_0^pi N(x; (cos t, sin t), s^2) dt. With x = r (cos a, sin a), t = a + u
        the integrand is exp(-(r^2 + 1 - 2 r cos u) / (2 s^2)) / (2 pi s^2); of u in [-a, pi -
        a] what lies beyond pi, for a < 0, is a part of its own."""
        variance = self.noise**2
        r, a = np.hypot(x[:, 0], x[:, 1]), np.arctan2(x[:, 1], x[:, 0])
        log_prob = self.log_part(r, -a, np.minimum(np.pi - a, np.pi))
        below = np.flatnonzero(a < 0)
        log_prob[below] = np.logaddexp(log_prob[below], self.log_part(
            r[below], np.full(len(below), -np.pi), -np.pi - a[below]))
        return log_prob - (r * r + 1) / (2 * variance) - np.log(2 * np.pi**2 * variance)

    def log_prob(self, x):
        return np.logaddexp(self.log_half(x), self.log_half(self.TURN - x)) - np.log(2)


class Padded:
    """A shape in columns 0 and 1; the others are normal around linear functions of it."""

    def __init__(self, shape, columns, random):
        self.shape = shape
        self.slope = random.standard_normal((2, columns - 2))
        self.rest = Normals(1, columns - 2, 0.0, random) if columns > 2 else None

    def draw(self, rows, random):
        x = self.shape.draw(rows, random)
        if not self.rest:
            return x
        return np.concatenate([x, self.rest.draw(0, rows, random) + x @ self.slope], axis=1)

    def log_prob(self, x):
        log_prob = self.shape.log_prob(x[:, :2])
        if self.rest:
            log_prob += self.rest.log_prob(x[:, 2:] - x[:, :2] @ self.slope)[0]
        return log_prob


KINDS = {"moons": lambda D, noise, random: Padded(Moons(noise), D, random),
         "rings": lambda D, noise, random: Padded(Rings(noise), D, random),
         "mixture": Mixture}


def generator(seed, *key):
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=key)))


def density_of(args):
    return KINDS[args.kind](args.columns, args.noise, generator(args.seed))


def block_rows(columns):
    return max(1, min(BLOCK_ROWS, BLOCK_NUMBERS // columns))


def pieces(args, density, split, first, last):
    """Rows first .. last - 1 of a split as stored, and their log-densities, by blocks.

    Both are made of whole blocks, whatever part is wanted: the last bits that a BLAS gives a
    row depend on how many rows there are beside it, and where it stands among them."""
    size = block_rows(args.columns)
    for block in range(first // size, -(-last // size)):
        x = density.draw(size, generator(args.seed, split, block)).astype(args.type)
        log_prob = density.log_prob(x.astype(np.float64))
        begin = block * size
        part = slice(max(first - begin, 0), last - begin)
        yield x[part], log_prob[part]


def layout(args, rows, columns):
    if not args.chunk_rows or not rows:
        return {}
    found = {"chunks": (min(args.chunk_rows, rows), *columns)}
    if args.compress == "deflate":
        found.update(compression="gzip", compression_opts=1, shuffle=True)
    return found


def write_split(file, args, density, split, first, last):
    """Returns the sums of log-densities and of their squares."""
    name, rows, sums = SPLITS[split], last - first, np.zeros(2)
    data = file.create_dataset(name, (rows, args.columns), args.type, track_times=False,
                               **layout(args, rows, [args.columns]))
    data.attrs["columns"] = np.array([f"x{j}" for j in range(args.columns)], "S")
    scores = file.create_dataset(name + "_log_prob", (rows,), np.float64, track_times=False,
                                 **layout(args, rows, []))
    at = 0
    for x, log_prob in pieces(args, density, split, first, last):
        data[at:at + len(x)] = x
        scores[at:at + len(x)] = log_prob
        at += len(x)
        sums += log_prob.sum(), (log_prob**2).sum()
    return sums


def shard_name(args, shard):
    stem = args.output.removesuffix(".h5")
    return f"{stem}-{shard:05d}.h5" if args.shards > 1 else args.output


def write_shard(job):
    """Writes shard k of K: rows floor(k N / K) .. of every split. Returns [splits, 2] sums."""
    args, shard = job
    density, sums = density_of(args), []
    with h5py.File(shard_name(args, shard) + ".partial", "w") as file:
        file.attrs["recipe"] = (f"make_synthetic.py {args.kind} --columns {args.columns} "
                                f"--seed {args.seed} --noise {args.noise}")
        for split, name in enumerate(SPLITS):
            rows = getattr(args, name)
            sums.append(write_split(file, args, density, split, shard * rows // args.shards,
                                    (shard + 1) * rows // args.shards))
    return np.array(sums)


def progress(done, args, begin):
    if sys.stderr.isatty() and args.shards > 1:
        sys.stderr.write(f"\r{done} of {args.shards} shards, "
                         f"{time.monotonic() - begin:.0f} s \033[K")


def write_all(args):
    """Returns the sums over all shards; the files appear together."""
    names = [shard_name(args, k) for k in range(args.shards)]
    begin, sums = time.monotonic(), 0
    jobs = list(zip(itertools.repeat(args), range(args.shards)))
    try:
        if args.jobs > 1 and args.shards > 1:
            with multiprocessing.get_context("fork").Pool(
                    args.jobs, signal.signal, (signal.SIGINT, signal.SIG_IGN)) as pool:
                for done, one in enumerate(pool.imap(write_shard, jobs), 1):
                    sums = sums + one
                    progress(done, args, begin)
        else:
            for done, job in enumerate(jobs, 1):
                sums = sums + write_shard(job)
                progress(done, args, begin)
        for name in names:
            os.replace(name + ".partial", name)
    finally:
        for name in names:
            if os.path.isfile(name + ".partial"):
                os.remove(name + ".partial")
    return names, sums, time.monotonic() - begin


def report(args, names, sums, seconds):
    total = 0
    for split, name in enumerate(SPLITS):
        rows = getattr(args, name)
        mean = sums[split, 0] / rows
        error = np.sqrt(max(0.0, sums[split, 1] / rows - mean**2) / rows)
        print(f"{name:10} {rows} x {args.columns} {args.type}, mean log-density {mean:.5f} +- "
              f"{error:.5f}")
        total += rows * (args.columns * np.dtype(args.type).itemsize + 8)
    size = sum(map(os.path.getsize, names))
    which = names[0] if len(names) == 1 else f"{names[0]} .. {names[-1]}"
    print(f"wrote {which}, {size} bytes, in {seconds:.1f} s: {1e-6 * total / seconds:.0f} MB/s "
          "of numbers")


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=sorted(KINDS))
    parser.add_argument("-o", "--output", required=True, metavar="OUT.h5")
    parser.add_argument("--columns", type=int, metavar="D",
                        help="default: 2; of mixture: 8, at least 4")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--noise", type=float, default=0.1, help="of moons and rings")
    for name, rows in zip(SPLITS, (20000, 5000, 5000)):
        parser.add_argument("--" + name, type=int, default=rows, metavar="ROWS")
    parser.add_argument("--type", choices=TYPES, default="float32")
    parser.add_argument("--shards", type=int, default=1, metavar="K",
                        help="files OUT-00000.h5 .., each with a part of every split")
    parser.add_argument("--chunk-rows", type=int, default=0, metavar="ROWS",
                        help="write chunks of so many rows; 0: contiguous, read fastest")
    parser.add_argument("--compress", choices=("none", "deflate"), default="none",
                        help="deflate of level 1 after shuffle; chunks of 1 MiB by default")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)),
                        help="processes that write shards; default: one a core")
    parser.add_argument("--force", action="store_true", help="write over the output")
    a = parser.parse_args()
    least = 4 if a.kind == "mixture" else 2
    a.columns = a.columns if a.columns is not None else 2 * least if least > 2 else 2
    if a.columns < least:
        parser.error(f"--columns {a.columns}: wanted at least {least} for {a.kind}")
    if min(a.train, a.validation, a.test, a.shards, a.jobs) < 1:
        parser.error("wanted at least 1 row in each split, 1 shard and 1 job")
    if min(a.train, a.validation, a.test) < a.shards:
        parser.error(f"--shards {a.shards}: wanted as many rows in each split at least")
    if not a.noise > 0 or a.chunk_rows < 0 or a.seed < 0:
        parser.error("wanted --noise above 0, --chunk-rows and --seed of at least 0")
    if a.compress != "none" and not a.chunk_rows:
        a.chunk_rows = max(1, CHUNK_BYTES // (a.columns * np.dtype(a.type).itemsize))
    return a


def main():
    args = parse()
    for name in (shard_name(args, k) for k in range(args.shards)):
        if os.path.exists(name) and not args.force:
            sys.exit(f"make_synthetic.py: {name}: is there already; --force writes over it, or "
                     "give another name")
    try:
        report(args, *write_all(args))
    except OSError as error:
        sys.exit(f"make_synthetic.py: {args.output}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("make_synthetic.py: stopped; nothing was written")


if __name__ == "__main__":
    main()
