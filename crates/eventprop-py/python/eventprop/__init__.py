"""Exact, event-based gradients for spiking neural networks.

EventProp (Wunderlich & Pehle 2021) finds the exact gradient of a loss by integrating an adjoint
system backwards and exchanging information only at spikes. This package is the Python side of one
engine: networks are built in a few lines (`Network`), or the scripts of `genn_eventprop` run as
they are (`eventprop.simulator_MNIST` and its siblings).

Times are in ms, potentials in units of the threshold. The same seed gives the same bits, with any
number of threads. Documentation: `docs/python.md`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import data, loss, plot
from ._arrays import whole as _whole
from ._engine import __version__, threads
from ._engine import set_threads as _set_threads
from .callbacks import Checkpoint, EarlyStopping, ReduceOnPlateau
from .gradient import Check, GradientReport, gradcheck
from .network import (
    Delay,
    Evaluation,
    Gradients,
    Network,
    Normal,
    OneToOne,
    Params,
    Population,
    Readout,
    Run,
    Sparse,
    Uniform,
)
from .optim import SGD, Adam, Cosine, OneCycle
from .regularize import Regularizer
from .spikes import Spikes
from .training import Activity, Epoch, History
from .tuning import Between, Trial, Tuned, tune

if TYPE_CHECKING:
    from .classifier import EventPropClassifier

__all__ = [
    "SGD",
    "Activity",
    "Adam",
    "Cosine",
    "OneCycle",
    "Between",
    "Check",
    "Checkpoint",
    "Delay",
    "EarlyStopping",
    "Epoch",
    "Evaluation",
    "EventPropClassifier",
    "Tuned",
    "GradientReport",
    "Gradients",
    "History",
    "Network",
    "Normal",
    "OneToOne",
    "Params",
    "Population",
    "Readout",
    "ReduceOnPlateau",
    "Regularizer",
    "Run",
    "Sparse",
    "Spikes",
    "Trial",
    "Uniform",
    "__version__",
    "data",
    "gradcheck",
    "loss",
    "plot",
    "set_threads",
    "threads",
    "tune",
]


def set_threads(count: int) -> None:
    """Sets the number of threads that compute; 0 for one per core. Results do not depend on it."""
    _set_threads(_whole("count", count, 0))


def __getattr__(name: str) -> Any:
    # The classifier asks for scikit-learn, whose import takes a second.
    if name == "EventPropClassifier":
        from .classifier import EventPropClassifier

        return EventPropClassifier
    raise AttributeError(f"module 'eventprop' has no attribute {name!r}")
