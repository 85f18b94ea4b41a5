"""What `eventprop.torch.EventProp` costs over `Network.fit`: the same network and batches, epoch against epoch.

    python crates/eventprop-py/benches/torch_module.py [THREADS]

Needs PyTorch. Learning rates are so small that both keep their spikes. Ratios are medians over pairs of epochs.
"""

from __future__ import annotations

import statistics
import sys
import time

import eventprop as ep
import numpy as np
import torch
from eventprop.torch import EventProp

PAIRS, SAMPLES, BATCH, ETA = 30, 256, 32, 1e-9


def spikes() -> ep.Spikes:
    """As many input spikes as spoken words have, at random."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(8000, SAMPLES)
    samples = [(np.sort(rng.uniform(0, 900, n)), rng.integers(0, 700, n)) for n in counts]
    return ep.Spikes(samples, labels=rng.integers(0, 20, SAMPLES))


def network() -> ep.Network:
    net = ep.Network(dt=1.0, trial=1000.0, seed=1)
    net.add_input("in", 700)
    net.add_lif("hid", 256)
    net.add_li("out", 20)
    net.connect("in", "hid", ep.Normal(0.03, 0.01))
    net.connect("hid", "hid", ep.Normal(0.0, 0.02))
    net.connect("hid", "out", ep.Normal(0.0, 0.03))
    return net


def main() -> None:
    threads = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    ep.set_threads(threads)
    # The threads of OpenMP would wait for work on the cores that the solvers compute on.
    torch.set_num_threads(1)
    data, net, module = spikes(), network(), EventProp(network())
    optimizer = torch.optim.Adam(module.parameters(), ETA, fused=True)
    weighting = torch.exp(-torch.arange(1, 1001) / 1000).reshape(-1, 1, 1)

    def fit() -> float:
        begin = time.perf_counter()
        net.fit(data, epochs=1, batch_size=BATCH, loss="sum_weigh_exp", optimizer=ep.Adam(ETA))
        return time.perf_counter() - begin

    def train() -> tuple[float, float]:
        """Seconds of an epoch, and those of the loss, its derivative and the optimiser in it."""
        theirs, begin = 0.0, time.perf_counter()
        for start in range(0, SAMPLES, BATCH):
            batch = data[start : start + BATCH]
            out = module(batch)
            before = time.perf_counter()
            read = out.detach().requires_grad_()
            loss = torch.nn.functional.cross_entropy((read * weighting).mean(0), torch.tensor(batch.labels.astype(np.int64)))
            loss.backward()
            after = time.perf_counter()
            optimizer.zero_grad()
            out.backward(read.grad)
            stepped = time.perf_counter()
            optimizer.step()
            theirs += after - before + time.perf_counter() - stepped
        return time.perf_counter() - begin, theirs

    fit(), train()
    pairs = [(fit(), *train()) for _ in range(PAIRS)]
    whole = statistics.median(trained / fitted for fitted, trained, _ in pairs)
    module_alone = statistics.median((trained - theirs) / fitted for fitted, trained, theirs in pairs)
    print(f"{threads} threads: module with loss and Adam of PyTorch {whole:.2f} of fit, module alone {module_alone:.2f}")


if __name__ == "__main__":
    main()
