"""Optimisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import InitVar, dataclass
from typing import Any, Union

import numpy as np

from . import _arrays, _engine

__all__ = ["SGD", "Adam", "Cosine", "OneCycle"]


@dataclass(frozen=True)
class Cosine:
    """A learning rate that falls from `eta` to 0 along half a cosine, over all batches of a training."""

    eta: float
    """The rate of the first batch."""


@dataclass(frozen=True)
class OneCycle:
    """A learning rate that rises from a 25th of `eta` to `eta` in three tenths of all batches of a training and falls to
    0 in the rest, both along half a cosine (Smith & Topin 2019).
    """

    eta: float
    """The largest rate."""


Rate = Union[float, Callable[[int], float], Cosine, OneCycle]


def rate(eta: Rate, epoch: int, done: float) -> float:
    """The learning rate in an epoch, when the part `done` of all batches has been trained on."""
    if isinstance(eta, (Cosine, OneCycle)):
        name = "cosine" if isinstance(eta, Cosine) else "one_cycle"
        found = _arrays.number("the learning rate", eta.eta) * _engine.course_factor(name, done)
    else:
        found = _arrays.number("the learning rate", eta(epoch) if callable(eta) else eta)
    if found < 0:
        raise ValueError(f"the learning rate of epoch {epoch} is {found}; expected a number of at least 0")
    return found


_ETA = 1e-3
"""The learning rate if none is given."""


def _take_lr(optimizer: Adam | SGD, lr: Rate | None) -> None:
    """Takes the learning rate by the name that most libraries have for it."""
    if lr is not None and optimizer.eta != _ETA:
        raise ValueError(f"eta is {optimizer.eta} and lr {lr}, which are one thing; give one of them")
    rate = optimizer.eta if lr is None else lr
    number = getattr(rate, "eta", rate)
    if not callable(number) and _arrays.number("the learning rate", number) < 0:
        raise ValueError(f"the learning rate is {number}; expected a number of at least 0")
    for name in ("eta", "lr"):
        object.__setattr__(optimizer, name, rate)


def chosen_optimizer(optimizer: Adam | SGD | str | None) -> Adam | SGD:
    """An optimiser, one at its defaults by its name, or the one that suits networks of any size."""
    if optimizer is None:
        return Adam(OneCycle(0.05), relative=True)
    if isinstance(optimizer, (Adam, SGD)):
        return optimizer
    named: dict[str, type[Adam | SGD]] = {"adam": Adam, "sgd": SGD}
    if isinstance(optimizer, str) and optimizer.lower() in named:
        return named[optimizer.lower()]()
    raise TypeError(f'optimizer is {optimizer!r}; expected ep.Adam(…), ep.SGD(…), "adam" or "sgd"')


def delay_rate(optimizer: Adam | SGD, eta: float) -> float:
    """The learning rate of delays in ms where that of weights is `eta`: it follows the course of that."""
    course = optimizer.eta
    # Courses and plateaus have the rate that they begin with or reach.
    rate: Any = getattr(course, "eta", course)
    first = rate(0) if callable(rate) else rate
    return float(optimizer.delay_eta * (eta / first if first > 0 else 1.0))


def _check_delay_eta(delay_eta: float) -> None:
    if _arrays.number("delay_eta", delay_eta) < 0:
        raise ValueError(f"delay_eta is {delay_eta}; expected a number of at least 0, in ms")


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015).

    Parameters
    ----------
    eta, lr
        The learning rate under either name: a number, a function from the epoch (from 0) to it, `Cosine`, `OneCycle` or
        `ReduceOnPlateau`.
    beta1, beta2
        Decay of the first and second moment, at least 0 and below 1.
    eps
        Added to the root of the second moment.
    clip
        Gradients of a projection whose norm exceeds so many times the root mean square of its norms in the batches before
        are scaled down to that; `None`: gradients are taken as they are. One batch that explodes then does not carry the
        network away.
    weight_decay
        Before each step weights are multiplied by 1 − rate · `weight_decay` (AdamW, Loshchilov & Hutter 2019). Trained
        constants of neurons do not decay.
    relative
        Whether the rate of each projection is `eta` times the root mean square of its weights at the start of the
        training. One rate then suits weights from three neurons, which are large, and from a thousand, which are small.
    delay_eta
        The learning rate of delays in ms, which follows the course of `eta`.
    """

    eta: Rate = _ETA
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    clip: float | None = None
    weight_decay: float = 0.0
    relative: bool = False
    delay_eta: float = 0.1
    lr: InitVar[Rate | None] = None

    def __post_init__(self, lr: Rate | None) -> None:
        _take_lr(self, lr)
        for name in ("beta1", "beta2"):
            beta = _arrays.number(name, getattr(self, name))
            if not 0 <= np.float32(beta) < 1:
                raise ValueError(f"{name} is {beta}; expected a number of at least 0 and below 1 (in float32)")
        if np.float32(_arrays.number("eps", self.eps)) <= 0:
            raise ValueError(f"eps is {self.eps}; expected a number above 0 (in float32)")
        if self.clip is not None and _arrays.number("clip", self.clip) <= 0:
            raise ValueError(f"clip is {self.clip}; expected a number above 0, or None")
        if _arrays.number("weight_decay", self.weight_decay) < 0:
            raise ValueError(f"weight_decay is {self.weight_decay}; expected a number of at least 0")
        _check_delay_eta(self.delay_eta)

    def _adam(self) -> dict[str, Any] | None:
        return {
            "beta1": self.beta1,
            "beta2": self.beta2,
            "eps": self.eps,
            "clip": self.clip,
            "weight_decay": self.weight_decay,
            "relative": bool(self.relative),
        }


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    Parameters
    ----------
    eta, lr
        As for `Adam`.
    delay_eta
        The learning rate of delays in ms, which follows the course of `eta`.
    """

    eta: Rate = _ETA
    delay_eta: float = 0.1
    lr: InitVar[Rate | None] = None

    def __post_init__(self, lr: Rate | None) -> None:
        _take_lr(self, lr)
        _check_delay_eta(self.delay_eta)

    def _adam(self) -> dict[str, Any] | None:
        return None
