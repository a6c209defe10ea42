#!/usr/bin/env python3
"""Use a model that flotilla trained in PyTorch: train with MPI, go on in Python.

  import flotilla_torch                       # scripts/ on PYTHONPATH, or a copy of this file
  model = flotilla_torch.load("runs/coads")   # a run directory, or a checkpoint
  log_prob = model.log_prob(x)                # [N] in nats, in the data's own units
  x = model.sample(1000, seed=1)              # the rows of `flotilla sample -n 1000 --seed 1`

`load` gives a torch.nn.Module. Its named parameters are the tensors of the file, "/" written
as ".", so autograd gives the gradient by each of them; it is in evaluation mode (no dropout)
until model.train(). It takes the moving average of the parameters where the run kept one, as
all verbs of flotilla do. A checkpoint that it does not understand to the last setting and
tensor is refused with a ModelError.

The mathematics is written from the papers, not from the C sources, which it checks
(tests/scripts/check_torch.py). Only how a file stores things is shared: names and shapes of
tensors, the order of raw parameters, offsets and clamps.

On the command line it writes log-densities, as `flotilla logprob` does:

  scripts/flotilla_torch.py MODEL --log-prob FILE[:dataset] [--context FILE[:dataset]] -o OUT.h5

Needs PyTorch (1.11 or newer), numpy, h5py and PyYAML.
"""
import argparse
import ctypes
import ctypes.util
import glob
import math
import os
import struct
import sys
import types
import warnings

if __name__ == "__main__":
    try:
        import right_python
    except ImportError:  # a copy of this file, alone
        pass
    else:
        right_python.need("h5py", "numpy", "torch", "yaml")

import h5py
import numpy as np
import torch
import yaml
from torch import nn
from torch.nn import functional

FORMAT_VERSIONS = (1, 2)  # 2: columns are shifted before the flow sees them
LOG_TWO_PI = math.log(2 * math.pi)


class ModelError(Exception):
    """A model that cannot be read, or rows that it cannot take."""


def total(values):
    """The sum over the columns of every row, in double."""
    return values.double().sum(dim=-1)


# ---- What a layer is built from


class Part:
    """Sizes, settings and tensors of one layer; a tensor is taken once, by its name."""

    def __init__(self, features, context, settings, parameters, constants, path, angles=None):
        self.features, self.context, self.settings = features, context, settings
        self.angles = angles  # which columns come as angles; None: none
        self._parameters, self._constants, self._path = parameters, constants, path

    def below(self, name):
        """The part of the tensors whose names go on with NAME/."""
        return Part(self.features, self.context, self.settings, self._parameters,
                    self._constants, f"{self._path}/{name}", self.angles)

    def without_context(self, settings):
        """For a network that reads something else than the layer."""
        return Part(self.features, 0, settings, self._parameters, self._constants, self._path)

    def parameter(self, name, *shape):
        return nn.Parameter(self._take(self._parameters, "parameter", name, shape))

    def constant(self, name, *shape):
        return self._take(self._constants, "constant", name, shape)

    def refuse(self, found, wanted):
        raise ModelError(f"{self._path}: found {found}, wanted {wanted}: the model in the "
                         "file is another one than its config says")

    def _take(self, tensors, what, name, shape):
        values = tensors.pop(f"{self._path}/{name}", None)
        if values is None:
            self.refuse(f"no {what} {name}", f"one of shape {list(shape)}")
        if values.shape != shape:
            self.refuse(f"{what} {name} of shape {list(values.shape)}", list(shape))
        if not np.isfinite(values).all():
            self.refuse(f"{what} {name} with values that are not finite", "numbers")
        return torch.from_numpy(values)


# ---- Settings: of each the type (bool, int, float, list of integers), the choices, or a Maybe


class Maybe:
    """A type, and the word that stands for no value, which is read as None."""

    def __init__(self, kind, word):
        self.kind, self.word = kind, word


COLUMNS = "columns"  # the type of the setting columns: all, or a list; kept as it is written


def chosen_columns(part):
    """The columns, rising, that a layer acts on: all (that are no angles), indices and
    ranges such as 0:3."""
    written, features = part.settings.columns, part.features
    if written == "all" and part.angles is not None:
        return torch.from_numpy((~part.angles).nonzero()[0])
    mask = np.zeros(features, bool)
    for item in [":"] if written == "all" else np.atleast_1d(written):
        first, colon, last = item.partition(":")
        mask[slice(int(first or 0), int(last or features)) if colon else int(first)] = True
    return torch.from_numpy(mask.nonzero()[0])


# ---- Conditioner networks

ACTIVATIONS = {"relu": functional.relu, "tanh": torch.tanh, "silu": functional.silu}

NETWORK = {"hidden": list, "width": int, "blocks": int, "activation": tuple(ACTIVATIONS),
           "dropout": float}


class Dense(nn.Module):
    """y = W x + b."""

    def __init__(self, part, inputs, outputs):
        super().__init__()
        self.weight = part.parameter("weight", outputs, inputs)
        self.bias = part.parameter("bias", outputs)

    def forward(self, x):
        return functional.linear(x, self.weight, self.bias)


class MaskedDense(nn.Module):
    """y = W x + b in which a unit reads those inputs whose degree is not above its own.

    The file holds W packed: degrees are cut into blocks of `block`; of every block the rows
    of its degrees, as many columns as the last of them reads (units are sorted by degree)."""

    def __init__(self, part, inputs, outputs, block):
        super().__init__()
        self.shape = len(outputs), len(inputs)
        index = []
        for first in range(0, part.features, block):
            rows = np.flatnonzero((first <= outputs) & (outputs < first + block))
            columns = np.flatnonzero(inputs <= outputs[rows[-1]]) if len(rows) else rows
            index.append((rows[:, None] * len(inputs) + columns).ravel())
        index = np.concatenate(index)
        seen = outputs[index // len(inputs)] >= inputs[index % len(inputs)]
        self.weight = None
        if len(index):
            self.weight = part.parameter("weight", len(index))
            if self.weight.detach().numpy()[~seen].any():
                part.refuse("weights of inputs that no unit reads", "zeros there")
        self.register_buffer("index", torch.from_numpy(index), persistent=False)
        self.register_buffer("seen", torch.from_numpy(seen), persistent=False)
        self.bias = part.parameter("bias", len(outputs))

    def forward(self, x):
        weight = self.bias.new_zeros(self.shape[0] * self.shape[1])
        if self.weight is not None:
            weight = weight.index_put((self.index,), self.weight * self.seen)
        return functional.linear(x, weight.view(self.shape), self.bias)


class Degrees:
    """Makes the maps of a masked network (MADE, Germain et al. 2015, arXiv 1502.03509): what
    it gives for column j reads columns 0 .. j - 1. A hidden unit of degree m reads columns
    0 .. m - 1; degrees are spread evenly over the units, from 1, or from 0 where there is
    a context or one column alone, so that column 0 has units too."""

    def __init__(self, part):
        settings = part.settings
        self.features = part.features
        self.low = 0 if part.context or part.features == 1 else 1
        self.block = -(-64 * part.features // max([settings.width, *settings.hidden]))

    def of(self, units):
        """The degrees of a hidden layer; an array already is that of inputs or outputs."""
        if isinstance(units, np.ndarray):
            return units
        return self.low + np.arange(units) * (self.features - self.low) // units

    def __call__(self, part, inputs, outputs):
        return MaskedDense(part, self.of(inputs), self.of(outputs), self.block)


class Mlp(nn.Module):
    """h_0 = f(W_0 x + V c), h_i = f(W_i h_{i-1}), y = W h, each map with its bias; dropout
    after every hidden layer. `dense` makes the maps between widths."""

    def __init__(self, part, inputs, outputs, dense=Dense):
        super().__init__()
        settings = part.settings
        self.activation = ACTIVATIONS[settings.activation]
        self.hidden = [f"hidden_{i}" for i in range(len(settings.hidden))]
        for name, width in zip(self.hidden, settings.hidden):
            self.add_module(name, dense(part.below(name), inputs, width))
            inputs = width
        self.context = None
        if part.context:
            self.context = Dense(part.below("context"), part.context, settings.hidden[0])
        self.output = dense(part.below("output"), inputs, outputs)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x, context):
        h = x
        for name in self.hidden:
            h = getattr(self, name)(h)
            if name == self.hidden[0] and self.context is not None:
                h = h + self.context(context)
            h = self.dropout(self.activation(h))
        return self.output(h)


class Block(nn.Module):
    """A residual block with pre-activation, gated by the context."""

    def __init__(self, part, dense):
        super().__init__()
        settings = part.settings
        self.activation = ACTIVATIONS[settings.activation]
        for name in "01":
            self.add_module(name, dense(part.below(name), settings.width, settings.width))
        self.gate = None
        if part.context:
            self.gate = Dense(part.below("gate"), part.context, settings.width)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, h, context):
        first, second = getattr(self, "0"), getattr(self, "1")
        branch = second(self.dropout(self.activation(first(self.activation(h)))))
        if self.gate is not None:
            branch = branch * torch.sigmoid(self.gate(context))
        return h + branch


class Residual(nn.Module):
    """A residual network (Durkan et al. 2019, arXiv 1906.04032, appendix B.1):
    h = W x + V c, then blocks, then y = W h."""

    def __init__(self, part, inputs, outputs, dense=Dense):
        super().__init__()
        settings = part.settings
        self.input = dense(part.below("input"), inputs, settings.width)
        self.context = None
        if part.context:
            self.context = Dense(part.below("context"), part.context, settings.width)
        self.blocks = [f"block_{i}" for i in range(settings.blocks)]
        for name in self.blocks:
            self.add_module(name, Block(part.below(name), dense))
        self.output = dense(part.below("output"), settings.width, outputs)

    def forward(self, x, context):
        h = self.input(x)
        if self.context is not None:
            h = h + self.context(context)
        for name in self.blocks:
            h = getattr(self, name)(h, context)
        return self.output(h)


def network(part, inputs, outputs, dense=Dense):
    """The network that the settings name: `hidden` a plain one, `width` a residual one."""
    settings = part.settings
    if bool(settings.hidden) == bool(settings.width):
        part.refuse(f"hidden: {settings.hidden}, width: {settings.width}", "one of them")
    return (Mlp if settings.hidden else Residual)(part, inputs, outputs, dense)


def masked_network(part, outputs):
    """The same with masked maps: [B, D] to [B, D * outputs], `outputs` for each column; an
    angle is two inputs."""
    columns = np.arange(part.features)
    inputs = np.repeat(columns + 1, 1 if part.angles is None else 1 + part.angles)
    return network(part, inputs, np.repeat(columns, outputs), Degrees(part))


class Inputs:
    """What a network reads of columns: numbers, or cosine and sine of those that `angles`,
    a mask or None, says."""

    def __init__(self, columns, angles, period=2 * math.pi):
        flags = np.zeros(columns, bool) if angles is None else angles
        places = [[columns + j, 2 * columns + j] if flag else [j]
                  for j, flag in enumerate(flags)]
        self.places = torch.tensor([place for pair in places for place in pair])
        self.any, self.count, self.period = flags.any(), len(self.places), period

    def __call__(self, x):
        if not self.any:
            return x
        angle = 2 * math.pi * torch.remainder(x, self.period) / self.period
        read = torch.cat([x, torch.cos(angle), torch.sin(angle)], dim=1)
        return read.index_select(1, self.places.to(x.device))


# ---- Bijections: forward gives z and log|det dz/dx|, inverse x and log|det dx/dz|


class Layer(nn.Module):
    """What bijections and densities share: `settings`, by name and type."""
    settings = {}

    def adopt(self, conditioner):
        """Keeps a network whose maps carry the names of this layer in the file: they become
        children of the layer, the network itself stays out of the list of modules."""
        for name, child in conditioner.named_children():
            self.add_module(name, child)
        self.__dict__["conditioner"] = conditioner


class Bijection(Layer):
    noise = 0  # uniform numbers that a row takes on its way forward, as one more argument

    def angles_behind(self, angles):
        """Which columns it gives as angles, of those that came so; None: none."""
        return angles

    def forward(self, x, context):
        raise NotImplementedError

    def inverse(self, z, context):
        raise NotImplementedError


class Standardize(Bijection):
    """z = (x - mean) / deviation, in double: x may be large against its deviation. Columns
    that it leaves alone have mean 0 and deviation 1."""
    settings = {"columns": COLUMNS}

    def __init__(self, part):
        super().__init__()
        self.register_buffer("mean", part.constant("mean", part.features))
        self.register_buffer("deviation", part.constant("deviation", part.features))
        if not (self.deviation > 0).all():
            part.refuse(f"deviations {self.deviation.tolist()}", "positive ones")

    def forward(self, x, context):
        z = ((x.double() - self.mean) / self.deviation).to(x.dtype)
        return z, -torch.log(self.deviation).sum().expand(len(x))

    def inverse(self, z, context):
        x = (z.double() * self.deviation + self.mean).to(z.dtype)
        return x, torch.log(self.deviation).sum().expand(len(z))


class Whiten(Bijection):
    """z = s U ((x - mean) / deviation), U unit lower triangular: the inverse of a Cholesky
    factor of the correlations of the training rows, s on the diagonal of `factors`."""
    settings = {}

    def __init__(self, part):
        super().__init__()
        D = part.features
        self.register_buffer("mean", part.constant("mean", D))
        self.register_buffer("deviation", part.constant("deviation", D))
        self.register_buffer("factors", part.constant("factors", D, D))
        if not (self.deviation > 0).all() or not (self.factors.diagonal() > 0).all():
            part.refuse("deviations or scales that are not positive", "positive ones")

    def _matrix(self):
        scale = self.factors.diagonal()
        unit = torch.tril(self.factors, -1) + torch.eye(len(scale), dtype=scale.dtype,
                                                        device=scale.device)
        return scale[:, None] * unit

    def _logdet(self):
        return (torch.log(self.factors.diagonal()) - torch.log(self.deviation)).sum()

    def forward(self, x, context):
        z = ((x.double() - self.mean) / self.deviation) @ self._matrix().T
        return z.to(x.dtype), self._logdet().expand(len(x))

    def inverse(self, z, context):
        y = torch.linalg.solve_triangular(self._matrix(), z.double().T, upper=False).T
        return (y * self.deviation + self.mean).to(z.dtype), -self._logdet().expand(len(z))


class Dequantize(Bijection):
    """z = (x - low + u) / levels of whole numbers x, u uniform in (0, 1) (Uria et al. 2013,
    arXiv 1306.0186): NaN for other numbers. The inverse rounds down."""
    settings = {"levels": Maybe(int, "auto"), "low": Maybe(int, "auto"), "columns": COLUMNS}

    def __init__(self, part):
        super().__init__()
        self.register_buffer("columns", chosen_columns(part))
        self.noise = len(self.columns)
        for name in ("low", "levels"):
            self.register_buffer(name, part.constant(name, self.noise))
        if not (self.levels >= 1).all():
            part.refuse(f"levels {self.levels.tolist()}", "positive ones")

    def _logdet(self, x):
        return -torch.log(self.levels).sum().expand(len(x))

    def forward(self, x, context, noise):
        level = x[:, self.columns].double() - self.low
        fits = (level == level.floor()) & (level >= 0) & (level < self.levels)
        z = torch.where(fits, (level + noise) / self.levels, torch.full_like(level, math.nan))
        return x.index_copy(1, self.columns, z.to(x.dtype)), self._logdet(x)

    def inverse(self, z, context):
        level = torch.floor(z[:, self.columns].double() * self.levels)
        x = torch.minimum(level.clamp(min=0), self.levels - 1) + self.low
        return z.index_copy(1, self.columns, x.to(z.dtype)), -self._logdet(z)


class ElementwiseAffine(Bijection):
    """z = exp(s) x + t; also actnorm (Kingma & Dhariwal 2018, arXiv 1807.03039), which only
    starts otherwise."""

    def __init__(self, part):
        super().__init__()
        self.log_scale = part.parameter("log_scale", part.features)
        self.shift = part.parameter("shift", part.features)

    def forward(self, x, context):
        return (torch.exp(self.log_scale) * x + self.shift,
                total(self.log_scale).expand(len(x)))

    def inverse(self, z, context):
        return ((z - self.shift) * torch.exp(-self.log_scale),
                -total(self.log_scale).expand(len(z)))


def unchanged(x):
    """The log-determinant of a map that keeps the volume."""
    return x.new_zeros(len(x), dtype=torch.float64)


class Permutation(Bijection):
    """z_j = x_{order(j)}; the order is stored."""
    settings = {"order": ("reverse", "random")}

    def __init__(self, part):
        super().__init__()
        order = part.constant("order", part.features).long()
        if sorted(order.tolist()) != list(range(part.features)):
            part.refuse(f"order {order.tolist()}", "every column once")
        self.register_buffer("order", order)

    def forward(self, x, context):
        return x.index_select(1, self.order), unchanged(x)

    def inverse(self, z, context):
        return z.index_select(1, torch.argsort(self.order)), unchanged(z)

    def angles_behind(self, angles):
        return None if angles is None else angles[self.order.numpy()]


def reflected(x, vectors):
    """x [B, D] through the reflections I - 2 v v^T / |v|^2 of vectors [K, D] in turn."""
    for v in vectors:
        x = x - 2 * torch.outer(x @ v / (v @ v), v)
    return x


class Householder(Bijection):
    """z = H_K .. H_1 x (Tomczak & Welling 2016, arXiv 1611.09630)."""
    settings = {"reflections": int}

    def __init__(self, part):
        super().__init__()
        self.vectors = part.parameter("vectors", part.settings.reflections, part.features)

    def forward(self, x, context):
        return reflected(x, self.vectors), unchanged(x)

    def inverse(self, z, context):
        return reflected(z, self.vectors.flip(0)), unchanged(z)


SMALLEST = 1e-3  # scale, slope of a spline, share of a bin


def positive(raw):
    """softplus(raw + c) + the smallest, with c such that it is 1 at raw = 0."""
    return functional.softplus(raw + math.log(math.expm1(1 - SMALLEST))) + SMALLEST


class LuLinear(Bijection):
    """z = L S U x + b, L and U unit triangular, S positive (Kingma & Dhariwal 2018, arXiv
    1807.03039, section 3.2); one tensor holds L below, U above and the raw S on the
    diagonal."""

    def __init__(self, part):
        super().__init__()
        self.factors = part.parameter("factors", part.features, part.features)
        self.bias = part.parameter("bias", part.features)

    def _parts(self):
        one = torch.eye(len(self.bias), dtype=self.bias.dtype, device=self.bias.device)
        scale = positive(torch.diagonal(self.factors))
        return (torch.tril(self.factors, -1) + one, scale,
                torch.triu(self.factors, 1) + one)

    def forward(self, x, context):
        lower, scale, upper = self._parts()
        return (x @ upper.T * scale @ lower.T + self.bias,
                total(torch.log(scale)).expand(len(x)))

    def inverse(self, z, context):
        lower, scale, upper = self._parts()
        v = torch.linalg.solve_triangular(lower, (z - self.bias).T, upper=False)
        x = torch.linalg.solve_triangular(upper, v / scale[:, None], upper=True).T
        return x, -total(torch.log(scale)).expand(len(z))


# ---- Transforms of single numbers: y and log dy/dx of x [..] by raw parameters
# [.., parameters], and back


def clamped(raw, limit):
    """A log-scale between -limit and limit, with slope 1 at 0."""
    return raw / (1 + raw.abs() / limit)


class Shift:
    """y = x + t."""
    settings = {}
    parameters = 1

    def __init__(self, settings):
        pass

    def forward(self, x, raw):
        return x + raw[..., 0], torch.zeros_like(x)

    def inverse(self, y, raw):
        return y - raw[..., 0], torch.zeros_like(y)


class Affine:
    """y = exp(s) x + t; raw are s before its clamp and t."""
    settings = {"scale_limit": float}
    parameters = 2

    def __init__(self, settings):
        self.limit = settings.scale_limit

    def forward(self, x, raw):
        log_scale = clamped(raw[..., 0], self.limit)
        return torch.exp(log_scale) * x + raw[..., 1], log_scale

    def inverse(self, y, raw):
        log_scale = clamped(raw[..., 0], self.limit)
        return torch.exp(-log_scale) * (y - raw[..., 1]), -log_scale


class Spline:
    """Monotone rational-quadratic splines (Durkan et al. 2019, arXiv 1906.04032, equations
    4 to 8 and 29) of K bins on [-bound, bound]. Outside, linear tails are the identity; with
    circular ones (Rezende et al. 2020, arXiv 2002.02428) every turn of 2 bound is like the
    first. Raw parameters: K of widths, K of heights, then of slopes at the K - 1 inner knots,
    or at K knots, the ends of a circle being one."""
    settings = {"bins": int, "tail_bound": float, "tails": ("linear", "circular")}

    def __init__(self, settings):
        self.bins, self.bound = settings.bins, settings.tail_bound
        self.circular = settings.tails == "circular"
        self.parameters = 3 * self.bins - (not self.circular)

    def forward(self, x, raw):
        at, turn, inside = self._place(x)
        x0, y0, w, h, d0, d1 = self._bin(at, raw, along_y=False)
        s = h / w
        t = (at - x0) / w
        q = s + (d1 + d0 - 2 * s) * t * (1 - t)
        y = y0 + h * (s * t ** 2 + d0 * t * (1 - t)) / q
        return (torch.where(inside, y + turn, x),
                self._log_slope(t, s, d0, d1).masked_fill(~inside, 0))

    def inverse(self, y, raw):
        at, turn, inside = self._place(y)
        x0, y0, w, h, d0, d1 = self._bin(at, raw, along_y=True)
        s, r = h / w, at - y0
        a = h * (s - d0) + r * (d1 + d0 - 2 * s)
        b = h * d0 - r * (d1 + d0 - 2 * s)
        c = -s * r
        root = torch.sqrt((b ** 2 - 4 * a * c).clamp(min=torch.finfo(y.dtype).tiny))
        # The root in [0, 1], in the one of its two forms that does not cancel.
        t = torch.where(b >= 0, 2 * c, root - b) / torch.where(b >= 0, -b - root, 2 * a)
        return (torch.where(inside, x0 + t * w + turn, y),
                -self._log_slope(t, s, d0, d1).masked_fill(~inside, 0))

    def _place(self, v):
        """Where in [-bound, bound] numbers lie (0 for those outside), the middle of their
        turn, and which the spline acts on."""
        if self.circular:
            turn = torch.round(v.detach() / (2 * self.bound)) * 2 * self.bound
            return v - turn, turn, torch.isfinite(v)
        inside = (v > -self.bound) & (v < self.bound)
        return v.masked_fill(~inside, 0), torch.zeros_like(v), inside

    def _log_slope(self, t, s, d0, d1):
        q = s + (d1 + d0 - 2 * s) * t * (1 - t)
        m = d1 * t ** 2 + 2 * s * t * (1 - t) + d0 * (1 - t) ** 2
        return 2 * torch.log(s) + torch.log(m) - 2 * torch.log(q)

    def _knots(self, raw):
        sizes = 2 * self.bound * (
            SMALLEST + (1 - SMALLEST * self.bins) * torch.softmax(raw, dim=-1))
        inner = torch.cumsum(sizes, dim=-1)[..., :-1] - self.bound
        edge = torch.full_like(inner[..., :1], self.bound)
        return torch.cat([-edge, inner, edge], dim=-1)

    def _slopes(self, raw):
        """The slopes at all K + 1 knots; 1 where the identity begins."""
        slopes = positive(raw)
        if self.circular:
            return torch.cat([slopes, slopes[..., :1]], dim=-1)
        one = torch.ones_like(slopes[..., :1])
        return torch.cat([one, slopes, one], dim=-1)

    def _bin(self, v, raw, along_y):
        """Corner, width, height and slopes of the bin of each v."""
        K = self.bins
        raw = raw.expand(*v.shape, self.parameters)
        x, y = self._knots(raw[..., :K]), self._knots(raw[..., K:2 * K])
        slope = self._slopes(raw[..., 2 * K:])
        inner = (y if along_y else x)[..., 1:-1]
        k = (v[..., None] >= inner).sum(dim=-1, keepdim=True)

        ends = torch.cat([k, k + 1], dim=-1)
        (x0, x1), (y0, y1), (d0, d1) = (torch.gather(knots, -1, ends).unbind(dim=-1)
                                        for knots in (x, y, slope))
        return x0, y0, x1 - x0, y1 - y0, d0, d1


class SplinesOfAngles:
    """Splines of columns of which some are angles, which have circular tails at -pi and pi,
    the others those of the settings; all have the parameters of a circle."""

    def __init__(self, settings, angles):
        circle = types.SimpleNamespace(bins=settings.bins, tail_bound=math.pi,
                                       tails="circular")
        self.line, self.circle, self.angles = Spline(settings), Spline(circle), angles
        self.parameters = self.circle.parameters

    def _choose(self, way, x, raw):
        angles = torch.from_numpy(self.angles).to(x.device)
        line = getattr(self.line, way)(x, raw[..., :self.line.parameters])
        circle = getattr(self.circle, way)(x, raw)
        return tuple(torch.where(angles, *pair) for pair in zip(circle, line))

    def forward(self, x, raw):
        return self._choose("forward", x, raw)

    def inverse(self, y, raw):
        return self._choose("inverse", y, raw)


def law_of(transform, part, columns=slice(None)):
    """The transform of some columns of a layer."""
    if part.angles is None:
        return transform(part.settings)
    if transform is not Spline:
        part.refuse("columns that are angles", "none in such a layer")
    return SplinesOfAngles(part.settings, part.angles[columns])


class ElementwiseSpline(Bijection):
    """Every column through a spline of its own."""
    settings = Spline.settings

    def __init__(self, part):
        super().__init__()
        self.spline = law_of(Spline, part)
        self.splines = part.parameter("splines", part.features, self.spline.parameters)

    def forward(self, x, context):
        z, slope = self.spline.forward(x, self.splines)
        return z, total(slope)

    def inverse(self, z, context):
        x, slope = self.spline.inverse(z, self.splines)
        return x, total(slope)


# ---- Maps of every column that have nothing to learn


class Elementwise(Bijection):
    """z = f(x) in some columns: `apply_to` gives f(x) and log f'(x), `undo` x and log dx/dz."""
    settings = {"columns": COLUMNS}

    def __init__(self, part):
        super().__init__()
        vars(self).update(vars(part.settings))
        self.columns = chosen_columns(part)

    def _changed(self, rows, change):
        columns = self.columns.to(rows.device)
        changed, slope = change(rows[:, columns])
        return rows.index_copy(1, columns, changed), total(slope)

    def forward(self, x, context):
        return self._changed(x, self.apply_to)

    def inverse(self, z, context):
        return self._changed(z, self.undo)

    def apply_to(self, x):
        raise NotImplementedError

    def undo(self, z):
        raise NotImplementedError


class Angle(Elementwise):
    """z = 2 pi x / period without whole turns, in [-pi, pi); back, x from low on."""
    settings = {"period": float, "low": Maybe(float, "auto"), **Elementwise.settings}

    def __init__(self, part):
        super().__init__(part)
        self.low = part.constant("low", len(self.columns)).double()
        found = part.constant("period", len(self.columns))
        if not (found == self.period).all():
            part.refuse(f"periods {found.tolist()}", self.period)
        self.features = part.features

    def angles_behind(self, angles):
        found = np.zeros(self.features, bool) if angles is None else angles.copy()
        found[self.columns.numpy()] = True
        return found

    def apply_to(self, x):
        turns = x.double() / self.period
        z = 2 * math.pi * (turns - torch.floor(turns.detach() + 0.5))
        return z.to(x.dtype), torch.full_like(z, math.log(2 * math.pi / self.period))

    def undo(self, z):
        low = self.low.to(z.device)
        x = z.double() / (2 * math.pi) * self.period
        x = x - self.period * torch.floor((x.detach() - low) / self.period)
        rounded = x.to(z.dtype)
        out = (rounded.double() < low) | (rounded.double() >= low + self.period)
        first = low.to(z.dtype)
        first = torch.where(first.double() < low,
                            torch.nextafter(first, torch.full_like(first, math.inf)), first)
        return (torch.where(out, first, rounded),
                torch.full_like(x, -math.log(2 * math.pi / self.period)))


class LeakyRelu(Elementwise):
    """z = x, and slope x where x < 0."""
    settings = {"slope": float, **Elementwise.settings}

    def apply_to(self, x):
        slope = torch.ones_like(x).masked_fill(x < 0, self.slope)
        return slope * x, torch.log(slope)

    def undo(self, z):
        slope = torch.ones_like(z).masked_fill(z < 0, self.slope)
        return z / slope, -torch.log(slope)


class LeakyTanh(Elementwise):
    """z = tanh(x) where |x| <= bound, beyond it the straight line that goes on with the slope
    that tanh has there."""
    settings = {"bound": float, **Elementwise.settings}

    def _line(self):
        height = math.tanh(self.bound)
        return height, 1 - height ** 2

    def _log_slope(self, x):
        return 2 * (math.log(2) - x - functional.softplus(-2 * x))  # log(1 - tanh(x)^2)

    def apply_to(self, x):
        height, tail = self._line()
        size, inside = x.abs(), x.abs() <= self.bound
        z = torch.where(inside, torch.tanh(x), x.sign() * (height + tail * (size - self.bound)))
        return z, self._log_slope(x).masked_fill(~inside, math.log(tail))

    def undo(self, z):
        height, tail = self._line()
        size, inside = z.abs(), z.abs() <= height
        curve = torch.atanh(torch.where(inside, z, torch.zeros_like(z)))
        x = torch.where(inside, curve, z.sign() * (self.bound + (size - height) / tail))
        return x, -self._log_slope(x).masked_fill(~inside, math.log(tail))


def logistic(x):
    """sigmoid(x), inside (0, 1) also where it rounds to an end, and the log of its slope."""
    info = torch.finfo(x.dtype)
    return (torch.sigmoid(x).clamp(info.tiny, 1 - info.eps / 2),
            functional.logsigmoid(x) + functional.logsigmoid(-x))


class Sigmoid(Elementwise):
    def apply_to(self, x):
        return logistic(x)

    def undo(self, z):
        x = torch.log(z) - torch.log1p(-z)
        return x, -logistic(x)[1]


class Logit(Elementwise):
    """z = logit(p), p = alpha + (1 - 2 alpha) x (Dinh et al. 2017, section 4.1)."""
    settings = {"alpha": float, **Elementwise.settings}

    def apply_to(self, x):
        scale = 1 - 2 * self.alpha
        p, q = self.alpha + scale * x, self.alpha + scale * (1 - x)
        return torch.log(p) - torch.log(q), math.log(scale) - torch.log(p) - torch.log(q)

    def undo(self, z):
        p, slope = logistic(z)
        scale = 1 - 2 * self.alpha
        return (p - self.alpha) / scale, slope - math.log(scale)


class Box(Elementwise):
    """z = logit((x - low) / (high - low)); what is outside is not finite."""
    settings = {"low": Maybe(float, "auto"), "high": Maybe(float, "auto"), "margin": float,
                **Elementwise.settings}

    def __init__(self, part):
        super().__init__(part)
        self.low, self.high = (part.constant(name, len(self.columns)).double()
                               for name in ("low", "high"))
        if not (self.low < self.high).all():
            part.refuse(f"boxes from {self.low.tolist()} to {self.high.tolist()}", "low < high")

    def _ends(self, rows):
        return self.low.to(rows.device), self.high.to(rows.device)

    def apply_to(self, x):
        low, high = self._ends(x)
        below, above = torch.log(x.double() - low), torch.log(high - x.double())
        return (below - above).to(x.dtype), torch.log(high - low) - below - above

    def undo(self, z):
        low, high = self._ends(z)
        p, q = torch.sigmoid(z.double()), torch.sigmoid(-z.double())
        x = torch.where(z < 0, low + (high - low) * p, high - (high - low) * q)
        return x.to(z.dtype), logistic(z)[1] + torch.log(high - low)


class Log(Elementwise):
    """z = log(x + offset)."""
    settings = {"offset": float, **Elementwise.settings}

    def apply_to(self, x):
        z = torch.log(x + self.offset)
        return z, -z

    def undo(self, z):
        return torch.exp(z) - self.offset, z


class SignedLog(Elementwise):
    """z = sign(x) log(1 + |x| / scale)."""
    settings = {"scale": float, **Elementwise.settings}

    def apply_to(self, x):
        size = torch.log1p(x.abs() / self.scale)
        return x.sign() * size, -math.log(self.scale) - size

    def undo(self, z):
        return (z.sign() * self.scale * torch.expm1(z.abs()),
                math.log(self.scale) + z.abs())


def softplus(x):
    """log(1 + e^x), above 0 also where it rounds to it, and the log of its slope."""
    y = torch.logaddexp(x, torch.zeros_like(x))
    return y.clamp(torch.finfo(x.dtype).tiny), functional.logsigmoid(x)


def inverse_softplus(y):
    correction = torch.log(-torch.expm1(-y))
    return y + correction, -correction


class Softplus(Elementwise):
    def apply_to(self, x):
        return softplus(x)

    def undo(self, z):
        return inverse_softplus(z)


class InverseSoftplus(Elementwise):
    def apply_to(self, x):
        return inverse_softplus(x)

    def undo(self, z):
        return softplus(z)


# ---- Couplings and autoregressive layers: transforms whose raw parameters a network gives


class Coupling(Bijection):
    """The columns of the mask pass; the others are transformed by a network of them (Dinh et
    al. 2017, arXiv 1605.08803), of their cosine and sine where they are angles with a
    `period`. It gives the raw parameters column by column, or, with `by_parameter`, the
    first of all columns, then the second."""
    settings = {"mask": ("alternating", "half", "random"), "period": Maybe(float, "null"),
                **NETWORK}
    transform = Shift
    by_parameter = False

    def __init__(self, part):
        super().__init__()
        mask = part.constant("mask", part.features)
        if not ((mask == 0) | (mask == 1)).all() or mask.min() == mask.max():
            part.refuse(f"mask {mask.tolist()}", "ones and zeros, some of both")
        passed, moved = (torch.nonzero(mask == value)[:, 0] for value in (1, 0))
        self.register_buffer("passed", passed)
        self.register_buffer("moved", moved)
        self.register_buffer("places", torch.argsort(torch.cat([passed, moved])))
        self.law = law_of(self.transform, part, moved.numpy())
        self.own_law = law_of(self.transform, part, passed.numpy())
        columns = int(mask.sum())
        if part.settings.period:
            self.read = Inputs(columns, np.ones(columns, bool), part.settings.period)
        else:
            angles = part.angles
            self.read = Inputs(columns, None if angles is None else angles[passed.numpy()])
        self.adopt(network(part, self.read.count,
                           self.law.parameters * (part.features - columns)))

    def _raw(self, half, context):
        out = self.conditioner(self.read(half), context)
        if self.by_parameter:
            return out.view(len(out), self.law.parameters, -1).transpose(1, 2)
        return out.view(len(out), -1, self.law.parameters)

    def _join(self, half, changed):
        return torch.cat([half, changed], dim=1).index_select(1, self.places)

    def _halves(self, rows):
        return rows.index_select(1, self.passed), rows.index_select(1, self.moved)

    def forward(self, x, context):
        half, other = self._halves(x)
        z, slope = self.law.forward(other, self._raw(half, context))
        return self._join(half, z), total(slope)

    def inverse(self, z, context):
        half, other = self._halves(z)
        x, slope = self.law.inverse(other, self._raw(half, context))
        return self._join(half, x), total(slope)


class AdditiveCoupling(Coupling):
    """NICE (Dinh et al. 2015, arXiv 1410.8516)."""


class AffineCoupling(Coupling):
    """RealNVP."""
    settings = {**Coupling.settings, **Affine.settings}
    transform = Affine
    by_parameter = True


class SplineCoupling(Coupling):
    """RQ-NSF (C); with `unconditional` the other half goes through splines of its own,
    behind the network, which reads it before."""
    settings = {**Coupling.settings, **Spline.settings, "unconditional": bool}
    transform = Spline

    def __init__(self, part):
        super().__init__(part)
        self.unconditional = None
        if part.settings.unconditional:
            self.unconditional = part.parameter("unconditional", len(self.passed),
                                                self.law.parameters)

    def forward(self, x, context):
        z, logdet = super().forward(x, context)
        if self.unconditional is None:
            return z, logdet
        own, slope = self.own_law.forward(x.index_select(1, self.passed), self.unconditional)
        return self._join(own, z.index_select(1, self.moved)), logdet + total(slope)

    def inverse(self, z, context):
        if self.unconditional is None:
            return super().inverse(z, context)
        own, other = self._halves(z)
        half, slope = self.own_law.inverse(own, self.unconditional)
        x, logdet = super().inverse(self._join(half, other), context)
        return x, logdet + total(slope)


class Autoregressive(Bijection):
    """Every column is transformed by a masked network of those before it; back, one column
    after the other."""
    settings = NETWORK
    transform = None

    def __init__(self, part):
        super().__init__()
        self.law, self.read = law_of(self.transform, part), Inputs(part.features, part.angles)
        self.adopt(masked_network(part, self.law.parameters))

    def _raw(self, x, context):
        out = self.conditioner(self.read(x), context)
        return out.view(*x.shape, self.law.parameters)

    def forward(self, x, context):
        z, slope = self.law.forward(x, self._raw(x, context))
        return z, total(slope)

    def inverse(self, z, context):
        x = slope = torch.zeros_like(z)
        for j in range(z.shape[1]):
            column, slope = self.law.inverse(z, self._raw(x, context))
            x = torch.cat([x[:, :j], column[:, j:j + 1], x[:, j + 1:]], dim=1)
        return x, total(slope)


class AffineAutoregressive(Autoregressive):
    """MAF (Papamakarios et al. 2017, arXiv 1705.07057)."""
    settings = {**NETWORK, **Affine.settings}
    transform = Affine


class SplineAutoregressive(Autoregressive):
    """RQ-NSF (AR)."""
    settings = {**NETWORK, **Spline.settings}
    transform = Spline


# ---- Maps along one direction, around one point


def root(function, y, low, high):
    """The a [..] in [low, high] at which the rising function(a) is y, by bisection; a last
    step of Newton's method makes it exact, and its derivatives those of the root."""
    with torch.no_grad():
        for _ in range(100):
            middle = (low + high) / 2
            above = function(middle) > y
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    a = ((low + high) / 2).detach().requires_grad_()
    with torch.enable_grad():
        slope, = torch.autograd.grad(function(a).sum(), a)
    a = a.detach()
    return a - (function(a) - y) / slope


class Planar(Bijection):
    """z = x + u' tanh(w . x + b) (Rezende & Mohamed 2015, arXiv 1505.05770, equation 10), u'
    moved along w so that w . u' = positive(w . u) - 1 > -1 (their appendix A.1)."""

    def __init__(self, part):
        super().__init__()
        self.w, self.u = (part.parameter(name, part.features) for name in "wu")
        self.b = part.parameter("b", 1)

    def _direction(self):
        w, u, b = self.w.double(), self.u.double(), self.b.double()
        return w, u + (positive(w @ u) - 1 - w @ u) * w / (w @ w), b

    def forward(self, x, context):
        w, u, b = self._direction()
        h = torch.tanh(x.double() @ w + b)
        z = x.double() + h[:, None] * u
        return z.to(x.dtype), torch.log(1 + (1 - h ** 2) * (w @ u))

    def inverse(self, z, context):
        w, u, b = self._direction()
        along = w @ u
        y = z.double() @ w + b
        a = root(lambda a: a + along * torch.tanh(a), y, y - along.abs(), y + along.abs())
        h = torch.tanh(a)
        x = z.double() - h[:, None] * u
        return x.to(z.dtype), -torch.log(1 + (1 - h ** 2) * along)


class Sylvester(Bijection):
    """z = x + Q R1 tanh(R2 Q^T x + b) (van den Berg et al. 2018, arXiv 1803.05649): Q^T is the
    first M rows of the identity after Householder reflections, R1 and R2 are upper
    triangular, positive(t) = 1 + the product of their diagonals. One tensor holds R1 above
    its diagonal, t on it and the transpose of R2 below."""
    settings = {"rank": Maybe(int, "auto"), "reflections": Maybe(int, "auto")}

    def __init__(self, part):
        super().__init__()
        rank = part.settings.rank or min(part.features, 16)
        count = part.settings.reflections or rank
        self.reflections = part.parameter("reflections", count, part.features)
        self.triangles = part.parameter("triangles", rank, rank)
        self.raw_r2, self.b = part.parameter("raw_r2", rank), part.parameter("b", rank)

    def _matrices(self):
        triangles, r2 = self.triangles.double(), positive(self.raw_r2.double())
        r1 = (positive(triangles.diagonal()) - 1) / r2
        rows = torch.eye(len(r2), self.reflections.shape[1], dtype=torch.float64,
                         device=self.b.device)
        return (torch.triu(triangles, 1) + torch.diag(r1),
                torch.tril(triangles, -1).T + torch.diag(r2),
                reflected(rows, self.reflections.double()))

    def _logdet(self, h, R1, R2):
        return total(torch.log(1 + (1 - h ** 2) * R1.diagonal() * R2.diagonal()))

    def forward(self, x, context):
        R1, R2, W = self._matrices()
        h = torch.tanh(x.double() @ W.T @ R2.T + self.b.double())
        return (x.double() + h @ R1.T @ W).to(x.dtype), self._logdet(h, R1, R2)

    def inverse(self, z, context):
        """W z = y + R1 tanh(R2 y + b) is solved for y from its last number up."""
        R1, R2, W = self._matrices()
        f, b = z.double() @ W.T, self.b.double()
        h = torch.zeros_like(f)
        y = torch.zeros_like(f)
        for j in reversed(range(len(b))):
            known = f[:, j] - h @ R1[j]
            offset = y @ R2[j] + b[j]
            r1, r2 = R1[j, j], R2[j, j]
            want, bend = r2 * known + offset, r1 * r2
            a = root(lambda a: a + bend * torch.tanh(a), want, want - bend.abs(),
                     want + bend.abs())
            one = torch.zeros_like(b)
            one[j] = 1
            h = h + torch.outer(torch.tanh(a), one)
            y = y + torch.outer(known - r1 * torch.tanh(a), one)
        return (z.double() - h @ R1.T @ W).to(z.dtype), -self._logdet(h, R1, R2)


class Radial(Bijection):
    """z = x + beta (x - x0) / (alpha + r), r = |x - x0| (Rezende & Mohamed 2015, equation 14),
    with alpha > 0 and beta > -alpha (their appendix A.2)."""

    def __init__(self, part):
        super().__init__()
        self.centre = part.parameter("centre", part.features)
        self.raw_alpha = part.parameter("raw_alpha", 1)
        self.raw_beta = part.parameter("raw_beta", 1)

    def _ball(self):
        alpha = positive(self.raw_alpha.double())
        return self.centre.double(), alpha, alpha * (positive(self.raw_beta.double()) - 1)

    def _logdet(self, r, alpha, beta):
        stretch = 1 + beta / (alpha + r)
        return ((len(self.centre) - 1) * torch.log(stretch)
                + torch.log(stretch - beta * r / (alpha + r) ** 2))

    def forward(self, x, context):
        centre, alpha, beta = self._ball()
        v = x.double() - centre
        r = v.norm(dim=1)
        z = x.double() + (beta / (alpha + r))[:, None] * v
        return z.to(x.dtype), self._logdet(r, alpha, beta)

    def inverse(self, z, context):
        centre, alpha, beta = self._ball()
        v = z.double() - centre
        p = v.norm(dim=1) - alpha - beta
        r = (p + torch.sqrt(p ** 2 + 4 * alpha * v.norm(dim=1))) / 2
        x = centre + v / (1 + beta / (alpha + r))[:, None]
        return x.to(z.dtype), -self._logdet(r, alpha, beta)


BIJECTIONS = {
    "standardize": Standardize,
    "whiten": Whiten,
    "dequantize": Dequantize,
    "angle": Angle,
    "box": Box,
    "log": Log,
    "signed_log": SignedLog,
    "elementwise_affine": ElementwiseAffine,
    "permutation": Permutation,
    "lu_linear": LuLinear,
    "additive_coupling": AdditiveCoupling,
    "affine_coupling": AffineCoupling,
    "elementwise_spline": ElementwiseSpline,
    "spline_coupling": SplineCoupling,
    "affine_autoregressive": AffineAutoregressive,
    "spline_autoregressive": SplineAutoregressive,
    "actnorm": ElementwiseAffine,
    "householder": Householder,
    "leaky_relu": LeakyRelu,
    "tanh": LeakyTanh,
    "sigmoid": Sigmoid,
    "logit": Logit,
    "softplus": Softplus,
    "inverse_softplus": InverseSoftplus,
    "planar": Planar,
    "radial": Radial,
    "sylvester": Sylvester,
}


# ---- Densities: a sample is a function of `normals` normal and `uniforms` uniform numbers


class Density(Layer):
    normals = uniforms = 0  # of a sample

    def log_prob(self, z, context):
        raise NotImplementedError

    def sample(self, normals, uniforms, context, temperature):
        raise NotImplementedError


class Normal(Density):
    """The standard normal density; columns that are angles are uniform on their circle."""

    def __init__(self, part):
        super().__init__()
        self.normals, self.angles = part.features, part.angles
        if part.angles is not None:
            self.uniforms = part.features

    def log_prob(self, z, context):
        squares = z.double() ** 2 + LOG_TWO_PI
        if self.angles is None:
            return -0.5 * total(squares)
        angles = torch.from_numpy(self.angles).to(z.device)
        return -0.5 * total(torch.where(angles, 0 * z.double() + 2 * LOG_TWO_PI, squares))

    def sample(self, normals, uniforms, context, temperature):
        if self.angles is None:
            return temperature * normals
        angles = torch.from_numpy(self.angles).to(normals.device)
        turned = 2 * math.pi * (uniforms.double() - 0.5)
        return torch.where(angles, turned.to(normals.dtype), temperature * normals)


class CorrelatedNormal(Density):
    """A stationary first-order autoregression over the columns: corr(x_i, x_j) = r^|i-j|."""
    settings = {"features": int, "mean": float, "deviation": float, "correlation": float,
                "log_evidence": float}

    def __init__(self, part):
        super().__init__()
        settings = part.settings
        self.normals = part.features
        self.mean, self.deviation = settings.mean, settings.deviation
        self.correlation, self.log_evidence = settings.correlation, settings.log_evidence

    def log_prob(self, z, context):
        u = (z.double() - self.mean) / self.deviation
        variance = 1 - self.correlation ** 2
        step = u[:, 1:] - self.correlation * u[:, :-1]
        return (self.log_evidence - 0.5 * (u[:, 0] ** 2 + LOG_TWO_PI)
                - 0.5 * total(step ** 2 / variance + LOG_TWO_PI + math.log(variance))
                - u.shape[1] * math.log(self.deviation))

    def sample(self, normals, uniforms, context, temperature):
        spread = math.sqrt(1 - self.correlation ** 2)
        e = temperature * normals.double()
        u = [e[:, 0]]
        for j in range(1, e.shape[1]):
            u.append(self.correlation * u[-1] + spread * e[:, j])
        return (self.mean + self.deviation * torch.stack(u, dim=-1)).to(normals.dtype)


class Learned(Density):
    """A density whose numbers are learned, and moved by a network of the context where
    there is one."""
    settings = {"hidden": list, "activation": tuple(ACTIVATIONS)}

    def learn(self, part, shapes):
        """Takes the tensors of `shapes` and the network, which gives all of them."""
        self.shapes = shapes
        for name, shape in shapes.items():
            setattr(self, name, part.parameter(name, *shape))
        self.context = None
        if part.context:
            settings = types.SimpleNamespace(dropout=0.0, **vars(part.settings))
            count = sum(math.prod(shape) for shape in shapes.values())
            self.context = Mlp(part.below("context").without_context(settings), part.context,
                               count)
        elif part.settings.hidden:
            part.refuse(f"hidden: {part.settings.hidden}", "[] without context")

    def numbers(self, context):
        """The tensors [1, *shape], or [B, *shape] by context, in double."""
        values = [getattr(self, name).double()[None] for name in self.shapes]
        if self.context is None:
            return values
        moved = self.context(context, None).double()
        moved = moved.split([value[0].numel() for value in values], dim=1)
        return [value + move.view(-1, *value.shape[1:]) for value, move in zip(values, moved)]


def log_normal(z, mean, log_scale):
    return -0.5 * (((z - mean) * torch.exp(-log_scale)) ** 2 + LOG_TWO_PI) - log_scale


class DiagonalNormal(Learned):
    """Independent normal columns."""
    settings = {"scale_limit": float, **Learned.settings}

    def __init__(self, part):
        super().__init__()
        self.normals, self.limit = part.features, part.settings.scale_limit
        self.learn(part, {"mean": (part.features,), "log_scale": (part.features,)})

    def log_prob(self, z, context):
        mean, raw = self.numbers(context)
        return total(log_normal(z.double(), mean, clamped(raw, self.limit)))

    def sample(self, normals, uniforms, context, temperature):
        mean, raw = self.numbers(context)
        scale = torch.exp(clamped(raw, self.limit))
        return (mean + temperature * scale * normals.double()).to(normals.dtype)


class StudentT(Learned):
    """Independent Student t columns of learned location, scale and degrees of freedom nu."""
    settings = {"degrees_of_freedom": float, "least_degrees": float, "scale_limit": float,
                **Learned.settings}

    def __init__(self, part):
        super().__init__()
        self.uniforms = 2 * part.features
        self.least, self.limit = part.settings.least_degrees, part.settings.scale_limit
        self.learn(part, {name: (part.features,)
                          for name in ("location", "log_scale", "degrees")})

    def _numbers(self, context):
        location, raw, degrees = self.numbers(context)
        return (location, clamped(raw, self.limit),
                self.least + functional.softplus(degrees))

    def log_prob(self, z, context):
        location, log_scale, nu = self._numbers(context)
        u = (z.double() - location) * torch.exp(-log_scale)
        return total(torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2)
                     - 0.5 * torch.log(nu * math.pi) - log_scale
                     - (nu + 1) / 2 * torch.log1p(u ** 2 / nu))

    def sample(self, normals, uniforms, context, temperature):
        """By two uniforms a column (Bailey 1994, Math. Comp. 62, 779)."""
        location, log_scale, nu = self._numbers(context)
        u, v = uniforms.double()[:, 0::2], uniforms.double()[:, 1::2]
        t = torch.sqrt(nu * torch.expm1(-2 / nu * torch.log(u))) * torch.cos(2 * math.pi * v)
        return (location + temperature * torch.exp(log_scale) * t).to(uniforms.dtype)


class Mixture(Learned):
    """A mixture of K normals with diagonal covariance."""
    settings = {"components": int, "scale_limit": float, "spread": float, **Learned.settings}

    def __init__(self, part):
        super().__init__()
        K, D = part.settings.components, part.features
        self.normals, self.uniforms, self.limit = D, 1, part.settings.scale_limit
        self.learn(part, {"logit": (K,), "mean": (K, D), "log_scale": (K, D)})

    def log_prob(self, z, context):
        logit, mean, raw = self.numbers(context)
        component = log_normal(z.double()[:, None, :], mean, clamped(raw, self.limit))
        return torch.logsumexp(torch.log_softmax(logit, dim=-1) + total(component), dim=-1)

    def sample(self, normals, uniforms, context, temperature):
        logit, mean, raw = self.numbers(context)
        row, k = torch.arange(len(normals)), component_of(logit, uniforms[:, 0])
        mean, raw = (v.expand(len(row), *v.shape[1:])[row, k] for v in (mean, raw))
        scale = torch.exp(clamped(raw, self.limit))
        return (mean + temperature * scale * normals.double()).to(normals.dtype)


def component_of(logit, uniform):
    """The component [B] of a mixture that a uniform number [B] falls to."""
    share = torch.cumsum(torch.softmax(logit, dim=-1), dim=-1)[..., :-1]
    return (uniform[..., None] >= share).sum(dim=-1)


class AutoregressiveMixture(Density):
    """A mixture of K normals for every column, by a masked network of the columns before it
    (MADE MoG, Papamakarios et al. 2017, arXiv 1705.07057): it gives logits, means and raw
    log-scales of a column, then of the next."""
    settings = {"components": int, "scale_limit": float, **NETWORK}

    def __init__(self, part):
        super().__init__()
        self.normals = self.uniforms = part.features
        self.limit = part.settings.scale_limit
        self.adopt(masked_network(part, 3 * part.settings.components))

    def _mixtures(self, z, context):
        """Logits, means and log-scales [B, D, K]."""
        out = self.conditioner(z, context).view(*z.shape, 3, -1).double()
        return out[:, :, 0], out[:, :, 1], clamped(out[:, :, 2], self.limit)

    def log_prob(self, z, context):
        logit, mean, log_scale = self._mixtures(z, context)
        component = log_normal(z.double()[:, :, None], mean, log_scale)
        return total(torch.logsumexp(torch.log_softmax(logit, dim=-1) + component, dim=-1))

    def sample(self, normals, uniforms, context, temperature):
        z = torch.zeros_like(normals)
        for j in range(z.shape[1]):
            logit, mean, log_scale = (v[:, j] for v in self._mixtures(z, context))
            k = component_of(logit, uniforms[:, j])[:, None]
            mean, log_scale = mean.gather(1, k)[:, 0], log_scale.gather(1, k)[:, 0]
            column = mean + temperature * torch.exp(log_scale) * normals[:, j].double()
            z = torch.cat([z[:, :j], column[:, None].to(z.dtype), z[:, j + 1:]], dim=1)
        return z


class Uniform(Density):
    """Uniform on a box; -infinity outside."""
    settings = {"low": float, "high": float}

    def __init__(self, part):
        super().__init__()
        self.uniforms = part.features
        self.low, self.high = part.settings.low, part.settings.high

    def log_prob(self, z, context):
        inside = ((z >= self.low) & (z <= self.high)).all(dim=1)
        log_prob = unchanged(z) - z.shape[1] * math.log(self.high - self.low)
        return log_prob.masked_fill(~inside, -math.inf)

    def sample(self, normals, uniforms, context, temperature):
        """A temperature below 1 shrinks the box to its middle."""
        spread = min(temperature, 1) * (self.high - self.low)
        z = (self.low + self.high) / 2 + spread * (uniforms.double() - 0.5)
        return z.clamp(self.low, self.high).to(uniforms.dtype)


DENSITIES = {
    "normal": Normal,
    "diagonal_normal": DiagonalNormal,
    "student_t": StudentT,
    "mixture": Mixture,
    "autoregressive_mixture": AutoregressiveMixture,
    "uniform": Uniform,
    "correlated_normal": CorrelatedNormal,
}


# ---- Random numbers (Philox4x32-10, Salmon et al. 2011; Box & Muller 1958)

UNIFORM, NORMAL = 1, 2  # kinds of draws
# Purposes: base samples that are kept, of reverse KL.
SAMPLES, OBJECTIVE = 7, 8


def philox(counter, key):
    """The four words [N] of every block, from a counter of four words and a key of two."""
    low = np.uint64(0xFFFFFFFF)
    c = [np.asarray(word, dtype=np.uint64) for word in counter]
    k = [int(word) for word in key]
    for _ in range(10):
        a, b = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(b >> np.uint64(32)) ^ c[1] ^ np.uint64(k[0]), b & low,
             (a >> np.uint64(32)) ^ c[3] ^ np.uint64(k[1]), a & low]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


class Stream:
    """Numbers of (seed, purpose, a, b): number i depends on i alone. In single precision a
    block of Philox gives four numbers, in double precision two."""

    def __init__(self, seed, purpose, a=0, b=0, dtype=np.float64):
        self.seed, self.purpose, self.a, self.b = seed, purpose, a, b
        self.double = np.dtype(dtype) == np.float64

    def _words(self, kind, count, first=0):
        """Draws first .. first + count - 1: words of 32 bits, or of 64."""
        halves = [self.seed & 0xFFFFFFFF, self.seed >> 32]
        name = [self.a & 0xFFFFFFFF, self.a >> 32, self.b, self.purpose | kind << 16]
        derived = [int(word) for word in philox(name, halves)]
        width = 2 if self.double else 4
        block = np.arange(first // width, -(-(first + count) // width), dtype=np.uint64)
        upper = [np.full_like(block, word) for word in derived[2:]]
        words = philox([block & np.uint64(0xFFFFFFFF), block >> np.uint64(32), *upper],
                       derived[:2])
        if self.double:
            words = [words[0] | words[1] << np.uint64(32),
                     words[2] | words[3] << np.uint64(32)]
        skipped = first % width
        return np.stack(words, axis=-1).reshape(-1)[skipped:skipped + count]

    def _unit(self, words):
        """The middle of one of 2^52 (2^23) equal cells of (0, 1)."""
        bits = 52 if self.double else 23
        cell = words >> np.uint64((64 if self.double else 32) - bits)
        return (cell.astype(np.float64) + 0.5) * 2.0 ** -bits

    def uniform(self, count, first=0):
        return self._unit(self._words(UNIFORM, count, first))

    def normal(self, count):
        """By pairs: the first uniform gives the radius, the second the angle."""
        words = self._words(NORMAL, count + count % 2)
        radius = self._unit(words[0::2])
        if not self.double:  # 31 bits, as their float holds them
            half = (words[0::2] >> np.uint64(1)).astype(np.float32) + np.float32(0.5)
            radius = half.astype(np.float64) * 2.0 ** -31
        radius = np.sqrt(-2 * np.log(radius))
        angle = 2 * np.pi * self._unit(words[1::2])
        return np.stack([radius * np.cos(angle), radius * np.sin(angle)],
                        axis=-1).reshape(-1)[:count]


# ---- Noise on whole numbers, by what a row holds: a scrambled Sobol sequence a row (directions
# of Joe & Kuo 2008; Burley 2020, Practical Hash-based Owen Scrambling)

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
# Degree and inner coefficients of the polynomial, initial numbers: of a dimension each.
DIRECTIONS = ((0, 0, ()), (1, 0, (1,)), (2, 1, (1, 3)), (3, 1, (1, 3, 1)), (3, 2, (1, 1, 1)),
              (4, 1, (1, 1, 3, 3)), (4, 4, (1, 3, 5, 13)), (5, 2, (1, 1, 5, 5, 17)))


def mix(z):
    """The finalizer of SplitMix64 (Steele et al. 2014), of uint64 [N]."""
    z = (z ^ z >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ z >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    return z ^ z >> np.uint64(31)


def row_hash(seed, values):
    """A number of 64 bits [N] for rows of values [N, columns]."""
    found = np.full(len(values), seed, dtype=np.uint64)
    for column in (values.astype(np.float64) + 0.0).T:
        found = mix((found ^ np.ascontiguousarray(column).view(np.uint64)) + GOLDEN)
    return found


def reversed_bits(v):
    for shift, mask in ((1, 0x55555555), (2, 0x33333333), (4, 0x0F0F0F0F), (8, 0x00FF00FF)):
        shift, mask = np.uint32(shift), np.uint32(mask)
        v = (v >> shift & mask) | (v & mask) << shift
    return v >> np.uint32(16) | v << np.uint32(16)


def scrambled(v, seed):
    """Nested uniform scrambling of the bits of v, uint32 [N]."""
    v = reversed_bits(v) + seed
    for factor in (0x6C50B47C, 0xB82F1E52, 0xC7AFE638, 0x8D22F6E6):
        v = v ^ v * np.uint32(factor)
    return reversed_bits(v)


def sobol(dimension, index):
    """Numbers index [N] of the sequence in a dimension."""
    degree, inner, first = DIRECTIONS[dimension]
    numbers, value = [], np.zeros_like(index)
    for i in range(int(index.max()).bit_length()):
        if i < degree or not degree:
            number = (first[i] if degree else 1) << 31 - i
        else:
            number = numbers[i - degree] ^ numbers[i - degree] >> degree
            for k in range(1, degree):
                if inner >> degree - 1 - k & 1:
                    number ^= numbers[i - k]
        numbers.append(number)
        value = np.where(index >> np.uint32(i) & np.uint32(1), value ^ np.uint32(number), value)
    return value


def row_noise(layer, hashes, columns, draw, draws):
    """Draw `draw` of `draws` for rows of these hashes [N]: [N, columns], in (0, 1)."""
    noise = np.empty((len(hashes), columns))
    name = mix(hashes + np.uint64(layer))
    index, bits = np.full(len(hashes), draw, dtype=np.uint32), (draws - 1).bit_length()
    for j in range(columns):
        name = name + GOLDEN
        seed = mix(name)
        if j and j % len(DIRECTIONS) == 0 and bits:
            up = np.full(len(hashes), draw << 32 - bits, dtype=np.uint32)
            index = scrambled(up, (seed >> np.uint64(32)).astype(np.uint32))
            index = index >> np.uint32(32 - bits)
        low = (seed & np.uint64(0xFFFFFFFF)).astype(np.uint32)
        cell = scrambled(sobol(j % len(DIRECTIONS), index), low) >> np.uint32(9)
        noise[:, j] = (cell + 0.5) * 2.0 ** -23
    return noise


# ---- The flow


class Shift:
    """What is taken off columns in double before the flow sees them: it sees
    (x - origin) / scale, of which float keeps the digits."""

    def __init__(self, origin, scale):
        self.origin, self.scale = np.asarray(origin), np.asarray(scale)
        self.logdet = -float(np.log(self.scale).sum())

    @staticmethod
    def _less(values, origin):
        """A column less its origin, of 64-bit integers before they are rounded."""
        if values.dtype.kind in "iu" and values.dtype.itemsize == 8 and origin == int(origin):
            bits = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("=")).view(np.uint64)
            return (bits - np.uint64(int(origin) % 2 ** 64)).view(np.int64).astype(np.float64)
        return values.astype(np.float64) - origin

    def off(self, values):
        if torch.is_tensor(values) and values.is_floating_point():
            return ((values.double() - torch.as_tensor(self.origin, device=values.device))
                    / torch.as_tensor(self.scale, device=values.device))
        values = np.asarray(values)
        if values.ndim != 2 or values.shape[1] != len(self.origin):
            return values  # what checks the shape says so
        return np.stack([self._less(column, origin) / scale for column, origin, scale
                         in zip(values.T, self.origin, self.scale)], axis=1)

    def on(self, x):
        return (x.double() * torch.as_tensor(self.scale, device=x.device)
                + torch.as_tensor(self.origin, device=x.device))


class Categories:
    """Context columns that are labels, by column their values, rising: networks see one column
    for every value, 0 or 1, in the place of the label."""

    def __init__(self, entries, columns):
        self.values = {}
        for entry in entries:
            where = "context_categories"
            if not isinstance(entry, dict) or entry.keys() != {"column", "values"}:
                raise ModelError(f"{where}: found {entry!r}, wanted column and values")
            values = entry["values"] if isinstance(entry["values"], list) else [entry["values"]]
            self.values[convert(entry["column"], int, where)] = [
                convert(value, int, where) for value in values]
        self.columns = columns
        self.width = columns + sum(len(values) - 1 for values in self.values.values())

    def encode(self, context):
        """Rows [N, C] as networks see them; which of them have known labels [N]."""
        known, parts = torch.ones(len(context), dtype=torch.bool, device=context.device), []
        for j in range(self.columns):
            column = context[:, j:j + 1]
            if j in self.values:
                hot = column == torch.tensor(self.values[j]).to(context)
                known = known & hot.any(dim=1)
                column = hot.to(context.dtype)
            parts.append(column)
        return torch.cat(parts, dim=1), known


class Flow(nn.Module):
    """A chain of bijections and a base density. With direction density, forward maps data
    to noise; with direction sampling, noise to data. Where data is shifted (Shift) rows
    are best given in double or as the integers they are, and come back in double."""

    def __init__(self, features, context_features, direction, categories, context_layers,
                 layers, base, seed, real, draws):
        super().__init__()
        self.categories = categories
        self.seed, self.real = seed, real  # of the run; the type of its random numbers
        self.features, self.context_features = features, context_features
        self.direction = direction
        self.context_layers, self.layers = list(context_layers), list(layers)
        for name, layer in {**context_layers, **layers}.items():
            self.add_module(name, layer)
        self.base = base
        self.shift = self.context_shift = None
        noise = sum(layer.noise for layer in layers.values())
        self.draws = draws or min(128, max(8, 2048 // max(noise, 1)))  # of the noise

    @property
    def dtype(self):
        return next(self.parameters()).dtype

    def _rows(self, values, columns, what, shift=None):
        values = shift.off(values) if shift else values
        device = next(self.parameters()).device
        rows = torch.as_tensor(values, dtype=self.dtype, device=device)
        if rows.dim() != 2 or rows.shape[1] != columns:
            raise ModelError(f"found {what} of shape {list(rows.shape)}, "
                             f"wanted [rows, {columns}]")
        return rows

    def _context(self, context, count):
        if (context is None) != (self.context_features == 0):
            raise ModelError(f"the model has {self.context_features} context columns, found "
                             f"{'no' if context is None else 'a'} context")
        if context is None:
            return None
        context = self._rows(context, self.context_features, "context", self.context_shift)
        if len(context) != count:
            raise ModelError(f"found {len(context)} rows of context for {count} rows")
        return context

    def _condition(self, context):
        """Context as the layers see it, through a chain of its own."""
        for name in self.context_layers:
            context, _ = getattr(self, name)(context, None)
        return self._known(context)[0]

    def _known(self, context):
        return (context, None) if context is None else self.categories.encode(context)

    def _hashes(self, x, context):
        """What the noise of whole numbers depends on: rows and context as the data have
        them. None where there is no noise, or other noise every time: in training."""
        if self.training or not any(getattr(self, name).noise for name in self.layers):
            return None
        values = x if context is None else torch.cat([x, context], dim=1)
        return row_hash(self.seed, values.detach().cpu().numpy().astype(self.real))

    def _noise(self, k, x, columns, hashes, draw, draws):
        if hashes is None:
            return torch.rand(len(x), columns, dtype=torch.float64)
        return torch.from_numpy(row_noise(k, hashes, columns, draw, draws))

    def _run(self, x, context, inverse, hashes=None, draw=0, draws=1):
        logdet = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        order = list(enumerate(self.layers))
        for k, name in reversed(order) if inverse else order:
            layer, more = getattr(self, name), ()
            if layer.noise and not inverse:
                noise = self._noise(k, x, layer.noise, hashes, draw, draws)
                more = (noise.to(x.device),)
            x, log_slope = (layer.inverse if inverse else layer)(x, context, *more)
            logdet = logdet + log_slope
        return x, logdet

    def forward(self, x, context=None):
        """Through the layers in their order: z [N, D] and log|det dz/dx| [N] of x [N, D];
        whole numbers with the first draw of their noise."""
        x = self._rows(x, self.features, "rows", self.shift)
        context = self._context(context, len(x))
        hashes = self._hashes(x, context)
        z, logdet = self._run(x, self._condition(context), False, hashes)
        return z, logdet + self.shift.logdet if self.shift else logdet

    def inverse(self, z, context=None):
        """Back through the layers: x and log|det dx/dz|."""
        z = self._rows(z, self.features, "rows")
        x, logdet = self._run(z, self._condition(self._context(context, len(z))), True)
        return (self.shift.on(x), logdet - self.shift.logdet) if self.shift else (x, logdet)

    def _refused(self, x, context, inverse):
        """Rows outside of what the layers next to the data take, those without parameters."""
        refused = torch.zeros(len(x), dtype=torch.bool, device=x.device)
        order = list(enumerate(self.layers))
        for k, name in reversed(order) if inverse else order:
            layer, more = getattr(self, name), ()
            if list(layer.parameters()):
                break
            if layer.noise and not inverse:
                more = (torch.full((len(x), layer.noise), 0.5, dtype=torch.float64,
                                   device=x.device),)
            x, slope = (layer.inverse if inverse else layer)(x, context, *more)
            refused = refused | ~(torch.isfinite(x).all(dim=1) & torch.isfinite(slope))
        return refused

    def _say(self, x, context, finite, log_prob):
        """-inf for rows outside of what the model takes, NaN where it cannot be said."""
        scored = torch.isfinite(log_prob) | torch.isneginf(log_prob)
        if not (scored & finite).all():
            with torch.no_grad():
                refused = self._refused(x, context, self.direction == "sampling")
            outside = torch.where(refused, -math.inf, math.nan).to(log_prob)
            log_prob = torch.where(scored, log_prob, outside)
        return torch.where(finite, log_prob, torch.full_like(log_prob, math.nan))

    def log_prob(self, x, context=None, draws=None):
        """log p(x) [N] in nats, in double, of x [N, D] under context [N, C]; -inf for a row
        outside of what the first layers take, whose probability is zero, NaN for one that
        is not finite or has a category that training had not. Of whole numbers the mean
        density over `draws` of noise that what the row holds decides, as in `flotilla
        logprob`; None: as many as there."""
        x = self._rows(x, self.features, "rows", self.shift)
        context = self._context(context, len(x))
        finite = torch.isfinite(x).all(dim=1)
        if context is not None:
            finite = finite & torch.isfinite(context).all(dim=1) & self._known(context)[1]
        hashes = self._hashes(x, context)
        context = self._condition(context)
        draws = 1 if hashes is None else draws or self.draws
        found = []
        for draw in range(draws):
            z, logdet = self._run(x, context, self.direction == "sampling", hashes, draw, draws)
            found.append(self.base.log_prob(z, context) + logdet)
        log_prob = found[0] if draws == 1 else \
            torch.logsumexp(torch.stack(found), dim=0) - math.log(draws)
        log_prob = log_prob + self.shift.logdet if self.shift else log_prob
        return self._say(x, context, finite, log_prob)

    def noise(self, n, stream, context=None, temperature=1.0):
        """Base samples 0 .. n - 1 of streams: stream(b) is that of the normal (b = 0) and of
        the uniform numbers (b = 1)."""
        device = next(self.parameters()).device

        def tensor(values, columns):
            return torch.from_numpy(values.reshape(n, columns)).to(device, self.dtype)

        normals = tensor(stream(0).normal(n * self.base.normals), self.base.normals)
        uniforms = tensor(stream(1).uniform(n * self.base.uniforms), self.base.uniforms)
        return self.base.sample(normals, uniforms, context, temperature)

    @torch.no_grad()
    def sample(self, n, seed=1, context=None, temperature=1.0):
        """x [n, D]: the rows that `flotilla sample` draws with this seed; n rows are the first
        of more."""
        context = self._context(context, n)
        if context is not None and not self._known(context)[1].all():
            raise ModelError("found a category that the model does not know, wanted in column "
                             + "; ".join(f"{column} one of {values}" for column, values in
                                         self.categories.values.items()))
        context = self._condition(context)
        dtype = np.float64 if self.dtype == torch.float64 else np.float32
        z = self.noise(n, lambda b: Stream(seed, SAMPLES, 0, b, dtype), context, temperature)
        x = self._run(z, context, self.direction == "density")[0]
        return self.shift.on(x) if self.shift else x


# ---- The file


def checkpoint_of(model):
    """The checkpoint that MODEL names, as the verbs of flotilla take it: a file, or the best
    (else the newest) checkpoint of a run directory."""
    if not os.path.isdir(model):
        return model
    for folder in (os.path.join(model, "checkpoints"), model):
        found = [os.path.join(folder, "best.h5")]
        found += sorted(glob.glob(os.path.join(folder, "step-*.h5")), reverse=True)
        for path in found:
            if os.path.isfile(path):
                return path
    raise ModelError(f"{model}: holds no checkpoint; looked for checkpoints/best.h5, "
                     "checkpoints/step-*.h5, best.h5 and step-*.h5 in it")


def checksum(data):
    """XXH3 of bytes, None where libxxhash is not installed."""
    library = ctypes.util.find_library("xxhash")
    if not library:
        return None
    function = ctypes.CDLL(library).XXH3_64bits
    function.restype, function.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    return function(data, len(data))


def verify_seal(path):
    """Refuses a file that was cut or changed: behind its HDF5 image a checkpoint has magic,
    length and checksum of the image, and the checksum of these three."""
    with open(path, "rb") as file:
        data = file.read()
    image, trailer = data[:-32], data[-32:]
    if len(trailer) < 32 or trailer[:8] != b"FLOSEAL1":
        raise ModelError("its last 32 bytes are no seal: it was cut short or appended to, or "
                         "flotilla did not write it")
    length, image_sum, trailer_sum = struct.unpack("<QQQ", trailer[8:])
    if length != len(image):
        raise ModelError(f"damaged: it holds {len(image)} bytes before its seal, which wants "
                         f"{length}")
    found = checksum(image)
    if found is None:
        warnings.warn(f"{path}: its checksum was not verified: found no libxxhash")
    elif (found, checksum(trailer[:24])) != (image_sum, trailer_sum):
        raise ModelError("damaged: its checksum does not match its seal")


def convert(text, kind, where):
    """The value of a setting from the text in the config."""
    if isinstance(kind, Maybe):
        return None if text == kind.word else convert(text, kind.kind, where)
    if kind == COLUMNS and isinstance(text, (str, list)):
        return text
    if isinstance(text, list) and kind is list:
        return [convert(item, int, where) for item in text]
    try:
        if kind is bool:
            return {"true": True, "false": False}[text]
        if kind in (int, float):
            number = float(text)
            if kind is float or number == int(number):
                return kind(number)
        if isinstance(kind, tuple) and text in kind:
            return text
    except (KeyError, TypeError, ValueError):
        pass
    wanted = f"one of {', '.join(kind)}" if isinstance(kind, tuple) else kind.__name__
    raise ModelError(f"{where}: found {text!r}, wanted {wanted}")


def settings_of(node, table, where):
    """The class of a config node {kind: .., ..} and its settings: all of them, no other."""
    if not isinstance(node, dict) or node.get("kind") not in table:
        raise ModelError(f"{where}: found {node!r}, wanted a kind of {', '.join(table)}; is "
                         "this model of another version of flotilla?")
    kind = table[node["kind"]]
    found = {key: value for key, value in node.items() if key != "kind"}
    if "columns" in kind.settings:  # models from before layers could leave columns alone
        found.setdefault("columns", "all")
    if found.keys() != kind.settings.keys():
        raise ModelError(f"{where}: {node['kind']}: found settings {', '.join(found) or 'none'}"
                         f", wanted {', '.join(kind.settings) or 'none'}; is this model of "
                         "another version of flotilla?")
    return kind, types.SimpleNamespace(**{
        key: convert(value, kind.settings[key], f"{where}: {node['kind']}.{key}")
        for key, value in found.items()})


def unrolled(nodes, where):
    """The layers of a list in which {repeat: n, layers: [..]} may occur."""
    if not isinstance(nodes, list):
        raise ModelError(f"{where}: found {nodes!r}, wanted a list of layers")
    for node in nodes:
        if isinstance(node, dict) and node.keys() == {"repeat", "layers"}:
            for _ in range(convert(node["repeat"], int, where)):
                yield from unrolled(node["layers"], where)
        else:
            yield node


def tensors_below(file, group):
    """Every data set below a group, by its name there."""
    found = {}
    if group in file:
        file[group].visititems(lambda name, item: found.update({name: item[()]})
                               if isinstance(item, h5py.Dataset) else None)
    return found


ATTRIBUTES = {"format", "format_version", "flotilla_version", "real", "features",
              "context_features", "seed", "direction"}
GROUPS = {"config", "schema", "constants", "parameters", "average", "optimizer", "run"}


def check_format(file):
    form = file.attrs.get("format", b"")
    if form not in (b"flotilla model", "flotilla model"):
        raise ModelError("found no flotilla model in it, wanted a checkpoint or a run "
                         "directory")
    version = int(file.attrs.get("format_version", 0))
    if version not in FORMAT_VERSIONS:
        raise ModelError(f"found model format {version}, wanted one of {FORMAT_VERSIONS}: take the "
                         "flotilla_torch.py of the flotilla that wrote it")
    shift = {"origin", "scale"} if version == 2 else set()
    unknown = (set(file.attrs) ^ ATTRIBUTES) | (set(file) - GROUPS - shift) | (shift - set(file))
    if unknown:
        raise ModelError(f"found or missing, not as wanted: {', '.join(sorted(unknown))}; is "
                         "this model of another version of flotilla?")


REALS = {"float": np.float32, "double": np.float64}


def real_of(file):
    real = file.attrs["real"]
    return real.decode() if isinstance(real, bytes) else real


def vector(file, group):
    """The tensors of a group of parameters, all of the type that the model says."""
    real = real_of(file)
    tensors = tensors_below(file, group)
    for name, values in tensors.items():
        if real not in REALS or values.dtype != REALS[real]:
            raise ModelError(f"{group}/{name}: found {values.dtype} in a model that says "
                             f"{real}")
    return tensors


def build(config, features, context, seed, real, parameters, constants):
    """The flow of a config; takes its tensors out of `parameters` and `constants`."""
    flow = config.get("flow")
    if not isinstance(flow, dict) or flow.keys() != {"direction", "base", "layers"}:
        raise ModelError(f"config: found flow: {flow!r}, wanted direction, base and layers")
    direction = convert(flow["direction"], ("density", "sampling"), "flow.direction")

    def make(node, table, name, columns, conditions, angles=None):
        kind, settings = settings_of(node, table, name)
        return kind(Part(columns, conditions, settings, parameters, constants, name, angles))

    def chain(lists, prefix, columns, conditions):
        layers, angles = {}, None
        for node in (node for where, nodes in lists.items() for node in unrolled(nodes, where)):
            kind = node.get("kind") if isinstance(node, dict) else node
            name = f"{prefix}{len(layers):02d}_{kind}"
            layers[name] = make(node, BIJECTIONS, name, columns, conditions, angles)
            angles = layers[name].angles_behind(angles)
        return layers, angles

    categories = Categories(config.get("context_categories", []), context)
    context_layers, _ = chain({"preprocess_context": config.get("preprocess_context", [])},
                              "context_", context, 0)
    layers, angles = chain({"preprocess": config.get("preprocess", []),
                            "flow.layers": flow["layers"]}, "", features, categories.width)
    base = make(flow["base"], DENSITIES, "base", features, categories.width, angles)
    if parameters or constants:
        raise ModelError("found tensors that no layer of its config has: "
                         f"{', '.join(sorted([*parameters, *constants]))}")
    draws = (config.get("report") or {}).get("draws", "auto")
    draws = None if draws == "auto" else convert(draws, int, "report.draws")
    return Flow(features, context, direction, categories, context_layers, layers, base, seed,
                real, draws)


def read_model(path, average):
    verify_seal(path)
    with h5py.File(path, "r") as file:
        check_format(file)
        config = yaml.load(file["config"].asstr()[()], Loader=yaml.BaseLoader)
        group = "average" if average and "average" in file else "parameters"
        tensors = vector(file, group)
        features = int(file.attrs["features"])
        model = build(config, features, int(file.attrs["context_features"]),
                     int(file.attrs["seed"]), REALS[real_of(file)], tensors,
                     tensors_below(file, "constants")).eval()
        if "origin" in file:
            origin, scale = file["origin"][()], file["scale"][()]
            model.shift = Shift(origin[:features], scale[:features])
            model.context_shift = Shift(origin[features:], scale[features:])
        model.schema = (yaml.load(file["schema"].asstr()[()], Loader=yaml.BaseLoader)
                        if "schema" in file else {})
        return model


def load(model, average=True):
    """The model of a run directory or checkpoint file as a torch.nn.Module; average=False
    takes the parameters themselves where the run kept a moving average. Fails with a
    ModelError that says what was found and what is wanted."""
    path = checkpoint_of(os.fspath(model))
    try:
        return read_model(path, average)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error}; wanted a run directory or a "
                         "checkpoint file") from None


# ---- What a file says that its numbers stand for


def said(item, name, field=None):
    """The numbers of an attribute; none where it is not there. That of a compound may be a
    compound of the same fields."""
    value = item.attrs.get(name)
    if value is None or isinstance(value, h5py.Empty):
        return []
    value = np.asarray(value)
    if value.dtype.names:
        if field not in value.dtype.names:
            return []
        value = value[field]
    try:
        return [float(v) if value.dtype.kind in "SUO" else v for v in value.ravel()]
    except (TypeError, ValueError):
        raise ModelError(f"{item.name}: attribute {name} is no number: correct or delete "
                         "it") from None


def held(value, dtype):
    """A number of an attribute in the type of the stored ones; None where that lacks it."""
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            return dtype.type(value)
    if not isinstance(value, (int, np.integer)) and not float(value).is_integer():
        return None
    whole = int(value)
    if dtype.kind == "u" and whole < 0:  # _Unsigned: the attribute is of the signed type
        whole += 1 << 8 * dtype.itemsize
    return dtype.type(whole) if np.iinfo(dtype).min <= whole <= np.iinfo(dtype).max else None


def marks(item, name, field, dtype):
    """The stored numbers that an attribute marks."""
    found = []
    for value in said(item, name, field):
        found.append(held(value, dtype))
        if isinstance(value, np.float32):  # 1e20 that was written as a float
            found.append(held(float(str(value)), dtype))
    return [mark for mark in found if mark is not None]


NETCDF_FILLS = {"i2": -32767, "i4": -(2**31 - 1), "i8": -(2**63 - 2), "u2": 2**16 - 1,
                "u4": 2**32 - 1, "u8": 2**64 - 2, "f4": np.float32(9.969209968386869e36),
                "f8": 9.969209968386869e36}


def netcdf_fill(item, dtype):
    """What netCDF fills with where no attribute says otherwise."""
    fill = NETCDF_FILLS.get(dtype.str[1:])
    return [dtype.type(fill)] if fill is not None and item.fillvalue == fill else []


def lacking(item):
    """Which elements lie in chunks that were never written; None: none does."""
    if not item.chunks or not item.size:
        return None
    grid = [-(-n // c) for n, c in zip(item.shape, item.chunks)]
    found = item.id.get_num_chunks()
    if found == np.prod(grid, dtype=np.int64):
        return None
    absent = np.ones(item.shape, bool)
    for k in range(found):
        begin = item.id.get_chunk_info(k).chunk_offset
        absent[tuple(slice(b, b + c) for b, c in zip(begin, item.chunks))] = False
    return absent


def meant(item, field=None):
    """The numbers of a data set, or of a field of it: as they are stored, or, where the file
    says what they stand for, in double with NaN for those that are missing. As the program
    reads them: src/hdf5/meaning.c."""
    rows = item[()]
    values = rows[field] if field else rows
    mask = (rows[field + ".mask"].astype(bool)
            if field and field + ".mask" in rows.dtype.names else None)
    values = values.astype(values.dtype.newbyteorder("="), copy=False)
    if values.dtype.kind == "i" and text_of(item.attrs.get("_Unsigned", "")) in ("true", "True"):
        values = values.view("u" + values.dtype.str[2:])
    dtype = values.dtype
    gaps = marks(item, "_FillValue", field, dtype) + marks(item, "missing_value", field, dtype)
    if not field and "_FillValue" not in item.attrs:
        gaps += netcdf_fill(item, dtype)
    kind = text_of(item.attrs.get(field + "_dtype" if field else "value_type", ""))
    if dtype == np.int64 and kind.startswith(("datetime64", "timedelta64")):
        gaps.append(np.iinfo(dtype).min)
    scale, offset = (said(item, name, field) for name in ("scale_factor", "add_offset"))
    limits = said(item, "valid_range", field)
    low = limits[:1] or said(item, "valid_min", field)
    high = limits[1:] or said(item, "valid_max", field)
    absent = lacking(item)
    if not (gaps or scale or offset or low or high) and absent is None and mask is None:
        return values
    missing = np.zeros(values.shape, bool)
    for gap in gaps:
        missing |= values == gap
    unpacked = (values.astype(np.float64) * float(scale[0] if scale else 1)
                + float(offset[0] if offset else 0))
    for limit, beyond in ((low, np.less), (high, np.greater)):
        if limit:
            of_unpacked = ((scale or offset) and dtype.kind in "iu"
                           and not isinstance(limit[0], (int, np.integer)))
            stored = None if of_unpacked else held(limit[0], dtype)
            missing |= (beyond(values, stored) if stored is not None
                        else beyond(unpacked if of_unpacked else values, float(limit[0])))
    for holes in (mask, absent):
        if holes is not None:
            missing |= holes.reshape(holes.shape + (1,) * (missing.ndim - holes.ndim))
    unpacked[missing] = np.nan
    return unpacked


def text_of(value):
    """A text of an attribute, or of the array of one that it may be."""
    value = np.ravel(value)[0] if np.size(value) == 1 else ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


# ---- The command line


def text(value):
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class Table:
    """What FILE[:dataset] stands for: a plain data set, a compound, or a group of columns."""

    def __init__(self, item, beside):
        self.item, self.shape = item, ()
        self.plain = isinstance(item, h5py.Dataset) and item.dtype.names is None
        if self.plain:
            self.shape = item.shape[1:]
            self.width = int(np.prod(self.shape, dtype=np.int64))
            names = item.attrs.get("columns", beside)
            names = [] if names is None else [text(name) for name in np.ravel(names)]
            self.names = names if len(names) == self.width else []
        elif isinstance(item, h5py.Dataset):
            self.names = [name for field in item.dtype.names
                          for name in self.fields(field, item.dtype[field])]
            self.width = len(self.names)
        else:
            self.names = [name for name in sorted(item, key=str.encode)
                          if isinstance(item[name], h5py.Dataset)
                          and item[name].dtype.kind in "iuf"
                          and item[name].shape[1:] in ((), (1,))]
            self.width = len(self.names)

    @staticmethod
    def fields(name, kind):
        count = int(np.prod(kind.shape, dtype=np.int64))
        if kind.base.kind not in "iuf":
            return []
        return [f"{name}[{i}]" for i in range(count)] if kind.shape else [name]

    def read(self, columns):
        """Numbers as the file means them; integers stay so where all columns are of one type."""
        if self.plain:
            return meant(self.item).reshape(len(self.item), -1)[:, columns]
        if isinstance(self.item, h5py.Group):
            parts = [meant(self.item[self.names[c]]).ravel() for c in columns]
        else:
            kinds = self.item.dtype
            flat = [(name, i) for name in kinds.names if kinds[name].base.kind in "iuf"
                    for i in range(int(np.prod(kinds[name].shape, dtype=np.int64)))]
            parts = [meant(self.item, name).reshape(len(self.item), -1)[:, i]
                     for name, i in (flat[c] for c in columns)]
        if len({part.dtype for part in parts}) > 1:
            parts = [part.astype(np.float64) for part in parts]
        return np.stack(parts, axis=1)


def bind(table, wanted, source):
    """The columns of a Table that are those of a schema, as the program finds them: by name
    where both sides have names, by the recorded selection where the width is that of its
    source, as they stand where it is the model's and nothing contradicts."""
    columns, width = wanted["columns"], int(wanted["width"])
    labels = [column.get("name", column["index"]) for column in columns]
    if table.names and all(table.names.count(label) == 1 for label in labels):
        return [table.names.index(label) for label in labels]

    def agrees(places):
        return not table.names or all("name" not in column or table.names[c] == column["name"]
                                      for c, column in zip(places, columns))

    places = [int(column["index"]) for column in columns]
    whole = places == list(range(width))
    shape = tuple(int(extent) for extent in wanted["shape"])
    shaped = (whole and len(shape) > 1 and len(table.shape) > 1 and table.shape != shape)
    if table.plain and not shaped and table.width == width and agrees(places):
        return places
    if table.plain and not shaped and table.width == len(columns) \
            and agrees(range(len(columns))):
        return list(range(len(columns)))
    raise ModelError(f"{source}: found {table.width} columns"
                     f"{' ' + ', '.join(table.names[:20]) if table.names else ''}, wanted "
                     f"{', '.join(labels[:20])}: by these names, all {width} columns of "
                     f"'{wanted['dataset']}', or just these {len(columns)} in this order")


def beside(file, name):
    """The names that pandas keeps beside NAME_values."""
    if not name.endswith("_values"):
        return None
    items = file.get(name[:-len("_values")] + "_items")
    return None if items is None else items[()]


def read_rows(source, wanted=None):
    """The rows FILE[:dataset] (without a name, of the only data set of the file): the columns
    of one table of a model's schema ("features" or "context"), or all without one."""
    path, _, name = source.partition(":")
    try:
        with h5py.File(path, "r") as file:
            names = [name] if name else [key for key in file if hasattr(file[key], "shape")]
            if len(names) != 1 or names[0] not in file:
                raise ModelError(f"{source}: it has {', '.join(file) or 'nothing'}; wanted "
                                 "FILE:dataset")
            table = Table(file[names[0]], beside(file, names[0]))
            return table.read(bind(table, wanted, source) if wanted
                              else list(range(table.width)))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error}") from None


def log_prob_of(model, x, context, draws=None, rows=4096):
    """log_prob in pieces, without gradients."""
    with torch.no_grad():
        pieces = [model.log_prob(x[i:i + rows], context if context is None
                                 else context[i:i + rows], draws).numpy()
                  for i in range(0, len(x), rows)]
    return np.concatenate(pieces)


def main():
    parser = argparse.ArgumentParser(
        description="Writes the log-density, in nats, of every row under MODEL, by PyTorch.")
    parser.add_argument("model", metavar="MODEL", help="run directory or checkpoint")
    parser.add_argument("--log-prob", metavar="FILE[:dataset]", required=True,
                        help="rows: the model's columns by their names, the data that it "
                        "was trained on, or just its columns [N, D]")
    parser.add_argument("--context", metavar="FILE[:dataset]",
                        help="context, found like the rows; else theirs")
    parser.add_argument("-o", "--output", metavar="OUT.h5", required=True,
                        help="file to write: data set log_prob [N], double")
    parser.add_argument("--draws", metavar="K", type=int, help="of whole numbers: draws of "
                        "noise that a score is the mean density over (as the run has it)")
    options = parser.parse_args()
    try:
        model = load(options.model)
        context = model.schema.get("context")
        of_rows = context and "path" not in context and not options.context
        given = options.log_prob if of_rows else options.context
        context = read_rows(given, context) if given else None
        log_prob = log_prob_of(model, read_rows(options.log_prob,
                                                model.schema.get("features")), context,
                               options.draws)
        with h5py.File(options.output, "x") as file:
            file["log_prob"] = log_prob
    except ModelError as error:
        sys.exit(f"flotilla_torch.py: {error}")
    except OSError as error:
        sys.exit(f"flotilla_torch.py: {options.output}: cannot be written: {error}")


if __name__ == "__main__":
    main()
