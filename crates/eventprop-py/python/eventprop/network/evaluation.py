"""What the evaluation of a batch gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..spikes import Spikes

__all__ = ["Activity", "Evaluation", "Readout", "one_readout"]


@dataclass(frozen=True)
class Activity:
    """What the neurons of a population did in a batch, or in the training part of an epoch."""

    rate: float
    """Spikes per neuron and sample."""
    silent: float
    """Fraction of the neurons that never spiked. They have no gradient."""
    saturated: float
    """Fraction of the neurons that spiked at least once in half of `tau_syn` (in two steps, if these are longer)."""


@dataclass(frozen=True)
class Readout:
    """The outputs as the loss sees them; `None` for what it does not use.

    On the grid the nodes are the starts of the steps, and V has one more row, the end of the last
    step. Between events they are quadrature points, which differ from sample to sample: V, times and
    widths are then lists with one array per sample.
    """

    V: Any = None
    """Output voltages, [samples, steps + 1, outputs] on the grid; a list of [nodes, outputs] between events."""
    times_ms: Any = None
    """Times of the nodes in ms, [steps]; a list of [nodes] between events."""
    widths_ms: Any = None
    """Widths of the nodes in ms, in the shape of `times_ms`."""
    V_max: Any = None
    """Maxima of the output voltages, [samples, outputs]."""
    V_max_ms: Any = None
    """Times of the maxima in ms, [samples, outputs]."""
    first_spikes_ms: Any = None
    """Times of the first output spikes in ms, infinite where there is none, [samples, outputs]."""


@dataclass(frozen=True)
class Evaluation:
    """The result of `Network.evaluate` on a batch. B is the number of samples, T that of steps."""

    loss: float
    """Mean loss of the samples."""
    losses: npt.NDArray[np.float64]
    """Losses of the samples, [B]."""
    predictions: npt.NDArray[np.int64]
    """Predicted classes, [B]; −1 where no output spiked."""
    labels: npt.NDArray[np.uint32]
    """Classes, [B]."""
    accuracy: float
    """Accuracy: fraction of correct predictions, 0 to 1."""
    readout: Readout
    """What the loss saw."""
    spikes: dict[str, Spikes]
    """Spikes of every population."""
    drives: dict[str, npt.NDArray[Any]]
    """Drives J = I − V just before the spikes, parallel to `spikes[name].times_ms`; none for the input."""
    grazing: dict[str, int]
    """Per population, the number of spikes that only grazed the threshold: their gradient is large."""
    activity: dict[str, Activity]
    """Activity of the populations that spike, by name."""
    gradients: dict[str, npt.NDArray[Any]]
    """Derivatives of the mean loss: weights [source, target], constants [size]. Empty without `gradient`."""
    records: dict[str, npt.NDArray[Any]]
    """What was recorded, [B, T, size]: V, I and B at the end of each step, λ at its start."""
    dt: float
    """Length of a step in ms."""

    def __repr__(self) -> str:
        gradients = ", with gradients" if self.gradients else ""
        return f"<Evaluation: {len(self.losses)} samples, loss {self.loss:.6g}, accuracy {self.accuracy:.4g}{gradients}>"


def one_readout(samples: list[dict[str, Any]], solver: str) -> Readout:
    """One readout of many."""
    parts: dict[str, Any] = {}
    for key in samples[0]:
        values = [sample[key] for sample in samples]
        if key in ("times_ms", "widths_ms") and solver != "event":
            parts[key] = values[0]
        elif key in ("V", "times_ms", "widths_ms") and solver == "event":
            parts[key] = values
        else:
            parts[key] = np.stack(values)
    return Readout(**parts)
