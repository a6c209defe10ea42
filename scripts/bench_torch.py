#!/usr/bin/env python3
"""How fast plain PyTorch trains, scores and samples the flow of a flotilla model.

  scripts/bench_torch.py runs/mine mine.h5:train [--seconds S] [--processes N]

The flow is that of scripts/flotilla_torch.py, so both sides compute the same numbers, written
for training as PyTorch libraries of flows do it: dense weights times a mask, the inverse of
an autoregressive layer by one pass a column, float32, Adam with clipping, one thread a
process. With several processes only training is measured, by DistributedDataParallel over
gloo, each with its share of the batch. Prints one JSON object: rows a second, the rate of
products of 512 x 512 x 512 in the same rounds, the numbers of parameters (as flotilla packs
them, those that a mask lets count, those that PyTorch multiplies), and the log-densities of
the rows of --score.

Needs PyTorch (1.11 or newer), numpy, h5py and PyYAML.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
if __name__ == "__main__":
    import right_python
    right_python.need("h5py", "torch")

import h5py  # noqa: E402
import torch  # noqa: E402
from torch import distributed, multiprocessing, nn  # noqa: E402
from torch.nn import functional  # noqa: E402

import flotilla_torch  # noqa: E402

MOST_ROWS = 100000  # of the data that are kept
LEAST_ROUNDS = 3
PIECE_SECONDS = 0.25


class DenseMasked(flotilla_torch.MaskedDense):
    """The same map with its whole weight matrix [outputs, inputs] as the parameter; what the
    mask takes away is any number, as in libraries that draw all of it."""

    def __init__(self, part, inputs, outputs, block):
        super().__init__(part, inputs, outputs, block)
        weight = torch.randn(self.shape[0] * self.shape[1])
        mask = torch.zeros_like(weight)
        self.packed = 0
        if self.weight is not None:
            self.packed = len(self.weight)
            weight[self.index] = self.weight.detach()
            mask[self.index] = self.seen.float()
        del self.index, self.seen
        self.weight = nn.Parameter(weight.view(self.shape))
        self.register_buffer("mask", mask.view(self.shape), persistent=False)

    def forward(self, x):
        return functional.linear(x, self.weight * self.mask, self.bias)


def load(model):
    flotilla_torch.MaskedDense = DenseMasked
    flow = flotilla_torch.load(model, average=False)
    if flow.dtype != torch.float32:
        sys.exit(f"bench_torch.py: {model}: found a model in {flow.dtype}, wanted float: build "
                 "flotilla without FLOTILLA_DOUBLE")
    return flow.train()


def counts(flow):
    """Parameters: as flotilla packs them, those that a mask lets count, all of this side."""
    dense = sum(values.numel() for values in flow.parameters())
    masked = [module for module in flow.modules() if isinstance(module, DenseMasked)]
    packed = dense + sum(m.packed - m.weight.numel() for m in masked)
    unmasked = dense + sum(int(m.mask.sum()) - m.weight.numel() for m in masked)
    return {"parameters": packed, "unmasked_parameters": unmasked, "dense_parameters": dense}


class Loss(nn.Module):
    """Minus the mean log-density: what DistributedDataParallel wraps."""

    def __init__(self, flow):
        super().__init__()
        self.flow = flow

    def forward(self, x):
        return -self.flow.log_prob(x).mean()


class Training:
    """Steps over batches of random rows, like those of a loader with its data in memory."""

    def __init__(self, loss, rows, batch):
        self.loss, self.rows, self.batch = loss, rows, batch
        self.optimizer = torch.optim.Adam(loss.parameters(), lr=1e-4)

    def __call__(self):
        x = self.rows[torch.randint(len(self.rows), (self.batch,))]
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(x).backward()
        nn.utils.clip_grad_norm_(self.loss.parameters(), 5.0)
        self.optimizer.step()


def calls_a_second(piece, seconds):
    """At least one call, however long it takes."""
    begin = time.perf_counter()
    done = 0
    while not done or time.perf_counter() - begin < seconds:
        piece()
        done += 1
    return done / (time.perf_counter() - begin)


def measure_alone(flow, rows, options):
    a, b = torch.randn(2, 512, 512)
    x = rows[:options.batch]

    def evaluate():
        with torch.no_grad():
            flow.log_prob(x)

    pieces = {"gemm": lambda: a @ b, "train": Training(Loss(flow), rows, options.batch),
              "evaluate": evaluate}
    rates = {name: [] for name in pieces}
    for piece in pieces.values():
        piece()
    begin = time.perf_counter()
    while (len(rates["gemm"]) < LEAST_ROUNDS
           or time.perf_counter() - begin < 0.75 * options.seconds):
        for name, piece in pieces.items():
            rates[name].append(calls_a_second(piece, min(PIECE_SECONDS, options.seconds / 12)))
    rate = {name: statistics.median(values) for name, values in rates.items()}
    samples = calls_a_second(lambda: flow.sample(options.samples), options.seconds / 4)
    return {"train_rows_per_second": rate["train"] * options.batch,
            "evaluate_rows_per_second": rate["evaluate"] * options.batch,
            "sample_rows_per_second": samples * options.samples,
            "gemm_gflops": rate["gemm"] * 2e-9 * 512**3}


def measure_shared(rank, rows, options, meeting, answer):
    """One process of several; the first writes the rate of all to the file `answer`."""
    torch.set_num_threads(1)
    size = options.processes
    distributed.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank,
                                   world_size=size)
    loss = nn.parallel.DistributedDataParallel(Loss(load(options.model)),
                                               broadcast_buffers=False)
    train = Training(loss, rows, options.batch // size)
    rates = []
    begin = time.perf_counter()
    go_on = torch.ones(1)
    while go_on:  # the first round warms up
        calls = 1 if not rates else max(1, round(PIECE_SECONDS * rates[-1]))
        distributed.barrier()
        start = time.perf_counter()
        for _ in range(calls):
            train()
        distributed.barrier()
        rates.append(calls / (time.perf_counter() - start))
        spent = time.perf_counter() - begin
        go_on.fill_(len(rates) <= LEAST_ROUNDS or spent < options.seconds)
        pair = torch.tensor([float(go_on), rates[-1]])
        distributed.broadcast(pair, 0)
        go_on, rates[-1] = pair[0], float(pair[1])
    if rank == 0:
        with open(answer, "w") as file:
            json.dump(statistics.median(rates[1:]) * options.batch, file)
    distributed.destroy_process_group()


def measure_processes(rows, options):
    if options.batch % options.processes:
        sys.exit(f"bench_torch.py: --batch {options.batch}: wanted a multiple of --processes "
                 f"{options.processes}")
    with tempfile.TemporaryDirectory(prefix="flotilla-") as folder:
        answer = os.path.join(folder, "rate")
        multiprocessing.spawn(measure_shared, nprocs=options.processes, args=(
            rows, options, os.path.join(folder, "meeting"), answer))
        with open(answer) as file:
            return {"train_rows_per_second": json.load(file)}


def read_rows(source):
    path, _, name = source.rpartition(":")
    with h5py.File(path, "r") as file:
        return torch.from_numpy(file[name][:MOST_ROWS].astype("f4"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("model", metavar="MODEL", help="run directory or checkpoint")
    parser.add_argument("data", metavar="FILE:dataset", help="rows to train on")
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--batch", type=int, default=512, help="of all processes together")
    parser.add_argument("--samples", type=int, default=512, help="rows drawn at a time")
    parser.add_argument("--score", metavar="FILE:dataset", help="rows to tell the density of")
    parser.add_argument("--processes", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        flow = load(options.model)
        rows = read_rows(options.data)
        found = {"torch": torch.__version__, "processes": options.processes,
                 "batch": options.batch, **counts(flow)}
        if options.score:
            with torch.no_grad():
                found["log_prob"] = flow.log_prob(read_rows(options.score)).tolist()
    except (flotilla_torch.ModelError, OSError, KeyError) as error:
        sys.exit(f"bench_torch.py: {error}")
    found.update(measure_alone(flow, rows, options) if options.processes == 1
                 else measure_processes(rows, options))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
