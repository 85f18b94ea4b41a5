"""A classifier in the manner of scikit-learn: an array of features in, classes out.

Needs scikit-learn (`pip install eventprop[sklearn]`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data  # type: ignore[import-untyped,import-not-found,unused-ignore]

from . import data
from .loss import AvgXentropy, as_loss
from .network import Network, Normal
from .optim import Adam
from .spikes import Spikes

__all__ = ["EventPropClassifier"]


_BLOCK = 256
"""Samples whose voltages are kept at once."""


class EventPropClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc,unused-ignore]
    """A network with one hidden layer of LIF neurons that classifies rows of numbers.

    Every feature is scaled by its range in the training data and becomes two spikes, of x and of
    1 − x, in the latency code; a last input spikes at the beginning of every trial. What lies outside
    of the range is moved to its end.

    Parameters
    ----------
    hidden
        Hidden neurons.
    epochs, batch_size
        Epochs of training and samples in a batch.
    eta
        Learning rate of Adam.
    trial, dt
        Length of a trial and of a step in ms.
    loss
        A loss of voltages, by name or as an object of `eventprop.loss`.
    solver
        `"grid"`, `"grid64"` or `"event"`.
    random_state
        Seed of initial weights and of the order of the samples.
    """

    def __init__(
        self,
        hidden: int = 64,
        *,
        epochs: int = 60,
        batch_size: int = 16,
        eta: float = 3e-2,
        trial: float = 20.0,
        dt: float = 1.0,
        loss: Any = "avg_xentropy",
        solver: str = "grid",
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.eta = eta
        self.trial = trial
        self.dt = dt
        self.loss = loss
        self.solver = solver
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> EventPropClassifier:
        """Trains a new network on features `X` [samples, features] and classes `y` [samples]."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; expected at least 2")
        self.low_ = X.min(axis=0)
        span = X.max(axis=0) - self.low_
        self.span_ = np.where(span > 0, span, 1.0)
        seed = int(check_random_state(self.random_state).randint(2**31))
        inputs = 2 * X.shape[1] + 1
        network = Network(dt=self.dt, trial=self.trial, seed=seed)
        x = network.add_input("in", inputs)
        h = network.add_lif("hid", self.hidden)
        out = network.add_li("out", len(self.classes_))
        # A neuron whose inputs all arrive at once reaches about a quarter of their sum.
        network.connect(x, h, Normal(8.0 / inputs, 8.0 / inputs**0.5))
        network.connect(h, out, Normal(0.0, 2.0 / self.hidden**0.5))
        batch = self._encoded(X).with_labels(labels)
        adam = Adam(self.eta)
        network.fit(
            batch,
            epochs=self.epochs,
            batch_size=min(self.batch_size, len(batch)),
            optimizer=adam,
            loss=self.loss,
            solver=self.solver,
            progress=False,
        )
        self.network_ = network
        return self

    def predict(self, X: Any) -> npt.NDArray[Any]:
        """Classes of features `X` [samples, features]."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        classes: npt.NDArray[Any] = self.classes_[self.network_.predict(self._encoded(X), solver=self.solver)]
        return classes

    def predict_proba(self, X: Any) -> npt.NDArray[np.float64]:
        """Probabilities of the classes, [samples, classes] in the order of `classes_`.

        They are those of the loss: for `"avg_xentropy"` the softmax of the mean output voltages, of which the
        largest is predicted, for the others e^−L with the loss L that a sample of this class would have.
        """
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        batch = self._encoded(X)
        blocks = [batch[first : first + _BLOCK] for first in range(0, len(batch), _BLOCK)]
        return np.concatenate([self._probabilities(block) for block in blocks])

    def _probabilities(self, block: Spikes) -> npt.NDArray[np.float64]:
        samples, classes = len(block), len(self.classes_)
        if isinstance(as_loss(self.loss), AvgXentropy):
            r = self.network_.evaluate(block.with_labels(np.zeros(samples, int)), solver=self.solver).readout
            # The grid has one row more, the end of the last step.
            V = r.V if self.solver == "event" else r.V[:, :-1]
            widths = r.widths_ms if self.solver == "event" else [r.widths_ms] * samples
            found = _softmax(np.stack([w @ v.astype(float) / w.sum() for v, w in zip(V, widths)]))
        else:
            labelled = (block.with_labels(np.full(samples, label)) for label in range(classes))
            losses = [self.network_.evaluate(batch, solver=self.solver).losses for batch in labelled]
            found = _softmax(-np.stack(losses, axis=1))
        probabilities: npt.NDArray[np.float64] = found / found.sum(axis=1, keepdims=True)
        return probabilities

    def _encoded(self, X: npt.NDArray[np.float64]) -> Spikes:
        scaled = np.clip((X - self.low_) / self.span_, 0.0, 1.0)
        values = np.hstack([scaled, 1.0 - scaled, np.zeros((len(X), 1))])
        return data.latency(values, trial=self.trial, dt=self.dt)


def _softmax(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """e^z over its sum in every row."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
