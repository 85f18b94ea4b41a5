"""What is done after every epoch of a training: `fit(…, callbacks=[…])`."""

from __future__ import annotations

import math
import os
import weakref
from typing import TYPE_CHECKING, Any

from . import _arrays

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from .network import Network
    from .training import Epoch

__all__ = ["Checkpoint", "EarlyStopping", "ReduceOnPlateau"]

_WATCHED = {"loss": 1, "accuracy": -1, "validation_loss": 1, "validation_accuracy": -1}
"""Columns of the history that can be watched, and the sign that makes the best the least."""


class _Watch:
    """The best value of a column so far."""

    def __init__(self, monitor: str, least_change: float) -> None:
        _arrays.one_of("monitor", monitor, list(_WATCHED))
        self.monitor = monitor
        self.least_change = _arrays.number("least_change", least_change)
        if self.least_change < 0:
            raise ValueError(f"least_change is {least_change}; expected a number of at least 0")
        self.best = math.inf
        """The best value with the sign that makes it the least."""
        self.worse = 0
        """Epochs since."""
        self._seen: tuple[weakref.ref[Network], int] | None = None
        """The network, and the number of its next epoch."""

    def __getstate__(self) -> dict[str, Any]:
        # A copy in another process has seen no network of it.
        return {**self.__dict__, "_seen": None}

    def begin(self, network: Network) -> bool:
        """Whether a training goes on from the epochs that were seen; else it forgets them."""
        epochs = 0 if network._training is None else network._training[1]
        goes_on = self._seen is not None and self._seen[0]() is network and self._seen[1] == epochs
        if not goes_on:
            self.best, self.worse = math.inf, 0
        return goes_on

    def better(self, epoch: Epoch) -> bool:
        """Whether an epoch is better than all before it by more than `least_change`."""
        found = getattr(epoch, self.monitor)
        if found is None:
            raise ValueError(f"monitor is {self.monitor!r}, and fit has no validation set; give it one, or watch the loss")
        self._seen = weakref.ref(epoch.network), epoch.epoch + 1
        value = _WATCHED[self.monitor] * found
        if value < self.best - self.least_change:
            self.best, self.worse = value, 0
            return True
        self.worse += 1
        return False


class EarlyStopping:
    """Ends a training when a column of its history has not become better for some epochs.

    Given to another call of `fit` that goes on with the same network, it counts on, unless it had ended the training.

    Parameters
    ----------
    patience
        Epochs without anything better after which the training ends.
    monitor
        `"validation_loss"`, `"validation_accuracy"`, `"loss"` or `"accuracy"`.
    least_change
        What is better by no more than this does not count.
    restore
        Whether the network gets the parameters of the best epoch at the end of the training, stopped or not.

    Examples
    --------
    >>> import eventprop as ep
    >>> ep.EarlyStopping(patience=3, monitor="loss").best_epoch is None
    True
    """

    def __init__(
        self,
        patience: int = 5,
        monitor: str = "validation_loss",
        *,
        least_change: float = 0.0,
        restore: bool = True,
    ) -> None:
        self.patience = _arrays.whole("patience", patience, 1)
        self._watch = _Watch(monitor, least_change)
        self._restore = bool(restore)
        self._params: dict[str, npt.NDArray[np.float64]] = {}
        self._ended = False
        self.best_epoch: int | None = None
        """Number of the best epoch so far, from 0."""

    def __call__(self, epoch: Epoch) -> bool:
        if self._watch.better(epoch):
            self.best_epoch = epoch.epoch
            if self._restore:
                self._params = dict(epoch.network.params)
        self._ended = self._watch.worse >= self.patience
        return self._ended

    def begin(self, network: Network) -> None:
        """Called at the beginning of a training."""
        if not self._watch.begin(network):
            self._params, self.best_epoch = {}, None
        elif self._ended:
            self._watch.worse = 0
        self._ended = False

    def end(self, network: Network) -> None:
        """Called at the end of a training."""
        for name, values in self._params.items():
            network.params[name] = values


class ReduceOnPlateau:
    """A learning rate that falls by a factor when a column of the history has not become better for some epochs.

    It takes the place of the number: `ep.Adam(ep.ReduceOnPlateau(1e-2))`.

    Parameters
    ----------
    eta
        The rate of the first epochs.
    factor
        What the rate is multiplied by, above 0 and below 1.
    patience
        Epochs without anything better after which it is.
    monitor, least_change
        As for `EarlyStopping`.
    least
        The rate never falls below this.
    """

    def __init__(
        self,
        eta: float,
        factor: float = 0.5,
        patience: int = 3,
        monitor: str = "validation_loss",
        *,
        least_change: float = 0.0,
        least: float = 0.0,
    ) -> None:
        self.eta = _arrays.positive("eta", eta)
        self.factor = _arrays.positive("factor", factor)
        if self.factor >= 1:
            raise ValueError(f"factor is {factor}; expected a number above 0 and below 1")
        self.patience = _arrays.whole("patience", patience, 1)
        self.least = _arrays.number("least", least)
        self._watch = _Watch(monitor, least_change)
        self._now = self.eta

    def __call__(self, epoch: int) -> float:
        """The rate of an epoch."""
        return self._now

    def begin(self, network: Network) -> None:
        """Called at the beginning of a training."""
        if not self._watch.begin(network):
            self._now = self.eta

    def see(self, epoch: Epoch) -> None:
        """Called after every epoch."""
        if not self._watch.better(epoch) and self._watch.worse >= self.patience:
            self._watch.worse = 0
            self._now = max(self._now * self.factor, min(self.least, self._now))


class Checkpoint:
    """Writes the network to a file (`Network.save`) after every epoch that is better than all before it. A training goes on
    from it: `net = ep.Network.load(path)`, then `net.fit(…)` with the epochs that are left.

    Parameters
    ----------
    path
        The file. It appears only when it is complete, and replaces the one before.
    monitor, least_change
        As for `EarlyStopping`; `monitor=None` writes after every epoch.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str | None = "validation_loss",
        *,
        least_change: float = 0.0,
    ) -> None:
        self.path = os.fspath(path)
        self._watch = None if monitor is None else _Watch(monitor, least_change)

    def __call__(self, epoch: Epoch) -> None:
        if self._watch is None or self._watch.better(epoch):
            epoch.network.save(self.path)

    def begin(self, network: Network) -> None:
        """Called at the beginning of a training."""
        if self._watch is not None:
            self._watch.begin(network)
