"""Estimators in the manner of scikit-learn: an array of features in, classes or numbers out.

They need scikit-learn (`pip install eventprop[sklearn]`).
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.model_selection import train_test_split  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils.class_weight import compute_class_weight  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils.multiclass import check_classification_targets  # type: ignore[import-untyped,import-not-found,unused-ignore]
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data  # type: ignore[import-untyped,import-not-found,unused-ignore]

from . import _arrays, data
from .callbacks import EarlyStopping
from .loss import AvgXentropy, as_loss
from .network import Network, Normal, Run
from .optim import Adam
from .spikes import Spikes
from .training import History

__all__ = ["EventPropClassifier", "EventPropRegressor"]


_BLOCK = 256
"""Samples whose voltages are kept at once."""
_SHOWINGS_MOST = 10
"""Showings of an epoch for each sample, with weights of classes."""


class _Features(BaseEstimator):  # type: ignore[misc,unused-ignore]
    """What both have: features as spikes, and a network with one hidden layer."""

    hidden: int
    trial: float
    dt: float
    early_stopping: bool
    validation_fraction: float
    n_iter_no_change: int
    low_: npt.NDArray[np.float64]
    span_: npt.NDArray[np.float64]

    def _network(self, X: npt.NDArray[np.float64], outputs: int, seed: int) -> Network:
        """A network for these features, whose ranges are kept."""
        self.low_ = X.min(axis=0)
        span = X.max(axis=0) - self.low_
        self.span_ = np.where(span > 0, span, 1.0)
        inputs = 2 * X.shape[1] + 1
        network = Network(dt=self.dt, trial=self.trial, seed=seed)
        x = network.add_input("in", inputs)
        hidden = _arrays.whole("hidden", self.hidden, 1)
        h = network.add_lif("hid", hidden)
        out = network.add_li("out", outputs)
        # A neuron whose inputs all arrive at once reaches about a quarter of their sum.
        network.connect(x, h, Normal(8.0 / inputs, 8.0 / inputs**0.5))
        network.connect(h, out, Normal(0.0, 2.0 / hidden**0.5))
        return network

    def _encoded(self, X: npt.NDArray[np.float64]) -> Spikes:
        scaled = np.clip((X - self.low_) / self.span_, 0.0, 1.0)
        values = np.hstack([scaled, 1.0 - scaled, np.zeros((len(X), 1))])
        return data.latency(values, trial=self.trial, dt=self.dt)

    def _parts(self, X: Any, y: Any, seed: int, stratify: Any) -> tuple[Any, Any, Any, Any]:
        """Training and validation features, then training and validation targets."""
        if not self.early_stopping:
            return X, X[:0], y, y[:0]
        parts: tuple[Any, Any, Any, Any] = tuple(
            train_test_split(X, y, test_size=self.validation_fraction, random_state=seed, stratify=stratify)
        )
        return parts


class EventPropClassifier(ClassifierMixin, _Features):  # type: ignore[misc,unused-ignore]
    """A network with one hidden layer of LIF neurons that classifies rows of numbers.

    Every feature is scaled by its range in the training data and becomes two spikes, of x and of
    1 − x, in the latency code; a last input spikes at the beginning of every trial. What lies outside
    of the range is moved to its end. After `fit` the network is `network_`, and `history_` a `History`.

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
    class_weight
        How often samples of a class are shown: `None` for once an epoch, `"balanced"` for the inverse of the class's
        frequency, or a dictionary of factors by class. The least factor is one showing, less where an epoch would have
        more than ten showings for each sample; parts of a showing are drawn.
    early_stopping, validation_fraction, n_iter_no_change
        As for `sklearn.neural_network.MLPClassifier`: with `early_stopping` a stratified part of the samples is held out,
        training ends when its loss has not fallen for so many epochs, and the parameters of the best epoch are kept.
    random_state
        Seed of initial weights, of the order of the samples, and of what is held out.
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
        class_weight: Any = None,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
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
        self.class_weight = class_weight
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> EventPropClassifier:
        """Trains a new network on features `X` [samples, features] and classes `y` [samples]."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class, {self.classes_[0]!r}; expected at least 2")
        seed = int(check_random_state(self.random_state).randint(2**31))
        network = self._network(X, len(self.classes_), seed)
        X, held_out, labels, held_labels = self._parts(X, labels, seed, labels)
        shown = self._shown(labels, seed)
        batch = self._encoded(X[shown]).with_labels(labels[shown])
        validation = self._encoded(held_out).with_labels(held_labels) if len(held_out) else None
        self.history_ = network.fit(
            batch,
            validation,
            epochs=self.epochs,
            batch_size=min(self.batch_size, len(batch)),
            optimizer=Adam(self.eta),
            loss=self.loss,
            solver=self.solver,
            callbacks=[EarlyStopping(self.n_iter_no_change)] if self.early_stopping else [],
            progress=False,
        )
        self.network_ = network
        return self

    def _shown(self, labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.int64]:
        """Places of the samples of an epoch, with repetitions."""
        if self.class_weight is None:
            return np.arange(len(labels))
        known = self.class_weight
        if isinstance(known, dict):
            places = {label: place for place, label in enumerate(self.classes_.tolist())}
            unknown = [label for label in known if label not in places]
            if unknown:
                raise ValueError(f"class_weight has {unknown[0]!r}, which is no class of y; there are {list(places)}")
            known = {places[label]: factor for label, factor in known.items()}
        there = np.unique(labels)
        factors = np.zeros(len(self.classes_))
        factors[there] = compute_class_weight(known, classes=there, y=labels)
        if not (factors[there] > 0).all():
            raise ValueError(f"class_weight is {self.class_weight!r}; expected factors above 0")
        times = (factors / factors[there].min())[labels]
        times *= min(1.0, _SHOWINGS_MOST * len(labels) / times.sum())
        whole = np.floor(times)
        drawn = np.random.default_rng(seed).random(len(labels)) < times - whole
        return np.repeat(np.arange(len(labels)), (whole + drawn).astype(int))

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


_GAIN = 4.0
"""Standard deviations of the target for an output voltage of one threshold."""


class EventPropRegressor(RegressorMixin, _Features):  # type: ignore[misc,unused-ignore]
    """A network with one hidden layer of LIF neurons that predicts a number from a row of numbers.

    Features become spikes as for `EventPropClassifier`. The prediction is the average of the output voltage with the
    weight e^(−t/T), scaled to the mean and the standard deviation of the targets; the loss is the mean of half its squared
    error in standard deviations. After `fit` the network is `network_`, and `history_` a list with a dictionary for each
    epoch: `loss`, and with early stopping `validation_loss`.

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
    early_stopping, validation_fraction, n_iter_no_change
        As for `sklearn.neural_network.MLPRegressor`.
    random_state
        Seed of initial weights, of the order of the samples, and of what is held out.
    """

    def __init__(
        self,
        hidden: int = 64,
        *,
        epochs: int = 100,
        batch_size: int = 16,
        eta: float = 1e-2,
        trial: float = 20.0,
        dt: float = 1.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        random_state: Any = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.eta = eta
        self.trial = trial
        self.dt = dt
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> EventPropRegressor:
        """Trains a new network on features `X` [samples, features] and targets `y` [samples]."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True)
        y = y.astype(np.float64)
        seed = int(check_random_state(self.random_state).randint(2**31))
        network = self._network(X, 1, seed)
        self.mean_ = y.mean()
        self.deviation_ = y.std() or 1.0
        X, held_out, y, held_y = self._parts(X, (y - self.mean_) / self.deviation_, seed, None)
        spikes, order = self._encoded(X), np.random.default_rng(seed)
        validation = self._encoded(held_out)
        adam, size = Adam(self.eta), min(self.batch_size, len(X))
        self.history_: list[dict[str, float]] = []
        stopping = EarlyStopping(self.n_iter_no_change)
        for number in range(self.epochs):
            places, losses = order.permutation(len(X)), 0.0
            for first in range(0, len(X), size):
                chosen = places[first : first + size]
                run = network.forward(spikes[chosen], observe=["out.V"])
                error = self._read(run) - y[chosen]
                losses += 0.5 * float(error @ error)
                pull = error[:, None] / len(chosen) * self._weights(run)
                network.update(run.backward(voltage={"out": pull[:, :, None]}), adam)
            epoch = {"loss": losses / len(X)}
            if len(held_out):
                error = self._standardised(network, validation) - held_y
                epoch["validation_loss"] = 0.5 * float(error @ error) / len(held_y)
            self.history_.append(epoch)
            seen: Any = SimpleNamespace(epoch=number, network=network, **epoch)
            if self.early_stopping and stopping(seen):
                break
        stopping.end(network)
        self.network_ = network
        return self

    def predict(self, X: Any) -> npt.NDArray[np.float64]:
        """Predicted numbers of features `X` [samples, features]."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        found: npt.NDArray[np.float64] = self.mean_ + self.deviation_ * self._standardised(self.network_, self._encoded(X))
        return found

    def _standardised(self, network: Network, spikes: Spikes) -> npt.NDArray[np.float64]:
        blocks = [spikes[first : first + _BLOCK] for first in range(0, len(spikes), _BLOCK)]
        return np.concatenate([self._read(network.forward(block, observe=["out.V"])) for block in blocks])

    def _read(self, run: Run) -> npt.NDArray[np.float64]:
        V: npt.NDArray[np.float64] = np.asarray(run["out.V"], np.float64)[:, :, 0]
        read: npt.NDArray[np.float64] = V @ self._weights(run)
        return read

    def _weights(self, run: Run) -> npt.NDArray[np.float64]:
        """The weight of the voltage in every row."""
        rows = run["out.V"].shape[1]
        falling = np.exp(-np.arange(rows) / (rows - 1))
        weights: npt.NDArray[np.float64] = _GAIN * falling / falling.sum()
        return weights


def _softmax(z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """e^z over its sum in every row."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    shares: npt.NDArray[np.float64] = powers / powers.sum(axis=1, keepdims=True)
    return shares
