"""Optimisers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Union

import numpy as np

from . import _arrays

__all__ = ["SGD", "Adam"]

Rate = Union[float, Callable[[int], float]]


def rate(eta: Rate, epoch: int) -> float:
    """The learning rate of an epoch."""
    found = _arrays.number("the learning rate", eta(epoch) if callable(eta) else eta)
    if found < 0:
        raise ValueError(f"the learning rate of epoch {epoch} is {found}; expected a number of at least 0")
    return found


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015).

    Parameters
    ----------
    eta
        The learning rate, or a function from the epoch (from 0) to it.
    beta1, beta2
        Decay of the first and second moment, at least 0 and below 1.
    eps
        Added to the root of the second moment.
    clip
        Gradients of a projection whose norm exceeds so many times the root mean square of its norms in the batches before
        are scaled down to that; `None`: gradients are taken as they are. One batch that explodes then does not carry the
        network away.
    """

    eta: Rate = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    clip: float | None = None

    def __post_init__(self) -> None:
        for name in ("beta1", "beta2"):
            beta = _arrays.number(name, getattr(self, name))
            if not 0 <= np.float32(beta) < 1:
                raise ValueError(f"{name} is {beta}; expected a number of at least 0 and below 1 (in float32)")
        if np.float32(_arrays.number("eps", self.eps)) <= 0:
            raise ValueError(f"eps is {self.eps}; expected a number above 0 (in float32)")
        if self.clip is not None and _arrays.number("clip", self.clip) <= 0:
            raise ValueError(f"clip is {self.clip}; expected a number above 0, or None")

    def _adam(self) -> tuple[float, float, float, float | None] | None:
        return (self.beta1, self.beta2, self.eps, self.clip)


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent.

    Parameters
    ----------
    eta
        The learning rate, or a function from the epoch (from 0) to it.
    """

    eta: Rate = 1e-3

    def _adam(self) -> tuple[float, float, float, float | None] | None:
        return None
