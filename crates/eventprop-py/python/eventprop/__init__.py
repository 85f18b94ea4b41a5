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

from . import augment, data, loss, plot
from ._arrays import whole as _whole
from ._engine import __version__, threads
from ._engine import set_threads as _set_threads
from .callbacks import Checkpoint, EarlyStopping, ReduceOnPlateau
from .checking import Diagnosis, Plan, doctor, plan
from .gradient import Check, GradientReport, gradcheck
from .network import (
    Activity,
    AvgPool,
    Conv2d,
    DeepR,
    Delay,
    Evaluation,
    FanIn,
    Gradients,
    Network,
    NeuronModel,
    Normal,
    OneToOne,
    Params,
    Population,
    Readout,
    Run,
    Sparse,
    SumPool,
    Uniform,
)
from .optim import SGD, Adam, Cosine, OneCycle
from .ranks import MPI
from .regularize import Regularizer
from .spikes import Spikes
from .training import Epoch, History
from .tuning import Between, Trial, Tuned, tune

if TYPE_CHECKING:
    from .estimators import EventPropClassifier, EventPropRegressor

__all__ = [
    "MPI",
    "SGD",
    "Activity",
    "Adam",
    "AvgPool",
    "Conv2d",
    "Cosine",
    "DeepR",
    "OneCycle",
    "Between",
    "Check",
    "Checkpoint",
    "Delay",
    "Diagnosis",
    "EarlyStopping",
    "Epoch",
    "Evaluation",
    "EventPropClassifier",
    "EventPropRegressor",
    "FanIn",
    "Tuned",
    "GradientReport",
    "Gradients",
    "History",
    "Network",
    "NeuronModel",
    "Normal",
    "OneToOne",
    "Params",
    "Plan",
    "Population",
    "Readout",
    "ReduceOnPlateau",
    "Regularizer",
    "Run",
    "Sparse",
    "Spikes",
    "SumPool",
    "Trial",
    "Uniform",
    "__version__",
    "augment",
    "data",
    "doctor",
    "gradcheck",
    "loss",
    "plan",
    "plot",
    "set_threads",
    "threads",
    "tune",
]


def set_threads(count: int) -> None:
    """Sets the number of threads that compute; 0 for one per core. Results do not depend on it."""
    _set_threads(_whole("count", count, 0))


def __getattr__(name: str) -> Any:
    # The estimators ask for scikit-learn, whose import takes a second.
    if name in ("EventPropClassifier", "EventPropRegressor"):
        from . import estimators

        return getattr(estimators, name)
    raise AttributeError(f"module 'eventprop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
