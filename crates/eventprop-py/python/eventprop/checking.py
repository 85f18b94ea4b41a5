"""Looks at a network before a training: what is wrong with it on a batch, and what a training will cost."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass, field

import numpy as np

from . import _arrays, _engine
from .loss import LossLike
from .network import Network
from .network.evaluation import Activity
from .optim import Adam
from .spikes import Spikes
from .training import chosen_batch_size

__all__ = ["Diagnosis", "Plan", "doctor", "plan"]

_SILENT = 0.25
"""The fraction of silent or of saturated neurons from which it is a complaint."""
_GRAZING = 0.05
"""The fraction of spikes that only graze the threshold from which it is a complaint."""
_ROUNDS = 3
"""Batches that are timed."""


@dataclass(frozen=True)
class Diagnosis:
    """What `doctor` found. Printed, it is a table and the complaints."""

    loss: float
    """Mean loss of the samples."""
    activity: dict[str, Activity]
    """Activity of the populations that spike, by name."""
    gradients: dict[str, float]
    """Euclidean norms of the gradients, by name of the parameter."""
    complaints: list[str] = field(default_factory=list)
    """What is wrong, each with the way out; none for a network that is ready."""

    def __str__(self) -> str:
        lines = [f"{'population':<12} {'spikes':>8} {'silent':>8} {'saturated':>10}"]
        for name, one in self.activity.items():
            lines.append(f"{name:<12} {one.rate:>8.2f} {100 * one.silent:>6.0f} % {100 * one.saturated:>8.0f} %")
        lines.append(f"{'parameter':<20} {'gradient':>10}")
        lines += [f"{name:<20} {norm:>10.3g}" for name, norm in self.gradients.items()]
        lines.append(f"loss {self.loss:.4g}")
        return "\n".join([*lines, *(f"- {text}" for text in self.complaints or ["nothing to complain of"])])


def doctor(net: Network, batch: Spikes, loss: LossLike | None = None, *, solver: str = "grid") -> Diagnosis:
    """Looks for what keeps a network from learning: silent and saturated populations, gradients that are 0, samples without
    spikes, weights that are not calibrated. The network stays as it is.

    Parameters
    ----------
    net
        The network.
    batch
        Labelled samples like those of the training; some dozens suffice.
    loss, solver
        As for `Network.evaluate`.

    Examples
    --------
    >>> import eventprop as ep
    >>> net = ep.Network(dt=1.0, trial=20.0, seed=1)
    >>> x, h, y = net.add_input("in", 2), net.add_lif("hid", 10), net.add_li("out", 2)
    >>> _ = net.connect(x, h, ep.Normal(0.01, 0.0)), net.connect(h, y, ep.Normal(0.0, 0.5))
    >>> batch = ep.Spikes([([2.0], [0]), ([2.0], [1])], labels=[0, 1])
    >>> print(ep.doctor(net, batch).complaints[0])
    100 % of the neurons of 'hid' never spike, and learn nothing: net.calibrate(batch), or larger weights to 'hid'
    """
    seen = net.evaluate(batch, loss, gradient=True, solver=solver)
    gradients = {name: float(np.linalg.norm(values)) for name, values in seen.gradients.items()}
    found = [
        f"{name} was connected without weights, and is not calibrated: fit does so first; for your own loop, "
        "net.calibrate(batch)"
        for name in sorted(net._uncalibrated)
    ]
    empty = int(np.count_nonzero(np.diff(batch.offsets) == 0))
    if empty:
        found.append(f"{empty} of {len(batch)} samples have no spikes: leave them out, or look at how they are made")
    for name, one in seen.activity.items():
        if one.silent >= _SILENT:
            found.append(
                f"{100 * one.silent:.0f} % of the neurons of {name!r} never spike, and learn nothing: net.calibrate(batch), "
                f"or larger weights to {name!r}"
            )
        if one.saturated >= _SILENT and name != net._output.name:
            found.append(
                f"{100 * one.saturated:.0f} % of the neurons of {name!r} spike at least once in half of tau_syn "
                f"({one.rate:.1f} spikes per neuron and sample): smaller weights to {name!r}, or net.calibrate(batch)"
            )
        spikes = len(seen.spikes[name].times_ms)
        if seen.grazing.get(name, 0) > _GRAZING * spikes:
            found.append(
                f"{seen.grazing[name]} of {spikes} spikes of {name!r} only graze the threshold, where gradients are large: "
                'Adam(clip=1), or grazing="limit:1"'
            )
    zero = [name for name, norm in gradients.items() if norm == 0.0]
    if zero:
        found.append(f"the gradient is 0 for {', '.join(zero)}: nothing is learned there")
    return Diagnosis(seen.loss, seen.activity, gradients, found)


@dataclass(frozen=True)
class Plan:
    """What a training will cost, by `plan`."""

    batches: int
    """Batches of an epoch."""
    ms_per_batch: float
    """Time of a batch in ms, the median of some that were tried."""
    seconds: float
    """Time of the whole training in s, without validation. It changes with the activity."""
    parameters: int
    """Number of parameters."""
    data_mb: float
    """Memory of the samples in MB."""

    def __str__(self) -> str:
        return (
            f"{self.parameters} parameters, {self.data_mb:.1f} MB of samples; {self.batches} batches of {self.ms_per_batch:.2f} ms "
            f"in an epoch, {self.seconds:.1f} s in all"
        )


def plan(
    net: Network,
    train: Spikes,
    *,
    epochs: int = 1,
    batch_size: int | None = None,
    loss: LossLike | None = None,
    solver: str = "grid",
) -> Plan:
    """Tries some batches and says what a training would take. The network stays as it is.

    Parameters
    ----------
    net
        The network. Weights that `fit` would calibrate are calibrated in a copy.
    train, epochs, batch_size, loss, solver
        As for `Network.fit`.
    """
    net._check("train", train, labels=True)
    epochs, batch_size = _arrays.whole("epochs", epochs, 0), chosen_batch_size(batch_size, len(train))
    some = train[: min(len(train), batch_size)]
    tried = copy.deepcopy(net)
    if tried._uncalibrated:
        tried.calibrate(some, solver=solver)
    session = _session(tried, loss, solver)
    places = np.arange(len(some), dtype=np.int64)
    took = []
    for _ in range(_ROUNDS + 1):
        begin = time.perf_counter()
        session.train_batch(some, places, 0.0, 0.0)
        took.append(1e3 * (time.perf_counter() - begin))
    batches = -(-len(train) // batch_size)
    each = float(np.median(took[1:]))
    arrays = (train.times_ms, train.neurons, train.offsets, train.labels)
    parameters = sum(int(np.prod(net.params.shape(name))) for name in net.params)
    return Plan(batches, each, 1e-3 * each * batches * epochs, parameters, sum(one.nbytes for one in arrays) / 1e6)


def _session(net: Network, loss: LossLike | None, solver: str) -> _engine.Session:
    request = net._request(net._chosen(loss), Adam()._adam(), None, "exact", "keep", ())
    return _engine.Session(net._engine, solver, request)
