"""The loop of a training, and what it leaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from . import _arrays, _engine, optim
from ._warning import warn
from .augment import Augmentation, varied
from .network.evaluation import Activity
from .progress import Bar
from .spikes import Spikes

if TYPE_CHECKING:
    from .network import Network
    from .ranks import Link

__all__ = ["Epoch", "History"]

_MANY = 0.9
"""The fraction of silent or of saturated neurons from which a population is warned of."""


@dataclass(frozen=True)
class Epoch:
    """What an epoch gave."""

    epoch: int
    """Its number, from 0; another call of `fit` counts on."""
    loss: float
    """Mean loss of the training samples, each with the parameters before its batch."""
    accuracy: float
    """Accuracy on them: fraction of correct predictions, 0 to 1."""
    validation_loss: float | None
    """Mean loss of the validation samples; `None` without them."""
    validation_accuracy: float | None
    """Accuracy on them: fraction of correct predictions, 0 to 1."""
    eta: float
    """The learning rate of the last batch."""
    seconds: float
    """Time for the training part."""
    activity: dict[str, Activity]
    """Activity of the populations that spike, by name."""
    network: Network = field(repr=False, compare=False)
    """The network with the parameters after the epoch."""
    rewired: int = 0
    """Synapses of sparse projections that were drawn anew (see `DeepR`)."""
    stuck: int = 0
    """Synapses that should have been, and no pair was free."""

    def __repr__(self) -> str:
        names = ("loss", "accuracy", "validation_loss", "validation_accuracy")
        seen = [f"{name} {value:.4g}" for name in names if (value := getattr(self, name)) is not None]
        return f"<Epoch {self.epoch}: {', '.join(seen)}>"


_COLUMNS = ("epoch", "loss", "accuracy", "validation_loss", "validation_accuracy", "eta", "seconds", "rewired", "stuck")


class History(Sequence[Epoch]):
    """The epochs of a training. A column is an array: `history["loss"]`, `history["hid.rate"]` (see `Activity`)."""

    def __init__(self) -> None:
        self._epochs: list[Epoch] = []

    @overload
    def __getitem__(self, key: int) -> Epoch: ...
    @overload
    def __getitem__(self, key: slice) -> list[Epoch]: ...
    @overload
    def __getitem__(self, key: str) -> npt.NDArray[np.float64]: ...

    def __getitem__(self, key: int | slice | str) -> Any:
        if not isinstance(key, str):
            return self._epochs[key]
        name, _, what = key.rpartition(".")
        if what in ("rate", "silent", "saturated") and all(name in epoch.activity for epoch in self._epochs):
            return np.array([getattr(epoch.activity[name], what) for epoch in self._epochs], np.float64)
        if key not in _COLUMNS:
            raise KeyError(f"there is no column {key!r}; there are {', '.join([*_COLUMNS, *self._of_layers()])}")
        values = [getattr(epoch, key) for epoch in self._epochs]
        return np.array([np.nan if value is None else value for value in values], np.float64)

    def _of_layers(self) -> list[str]:
        layers = self._epochs[0].activity if self._epochs else {}
        return [f"{name}.{what}" for name in layers for what in ("rate", "silent", "saturated")]

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame` with a row for each epoch; asks for pandas."""
        import pandas  # type: ignore[import-untyped,import-not-found,unused-ignore]

        columns = {name: self[name] for name in [*_COLUMNS[1:], *self._of_layers()]}
        return pandas.DataFrame(columns, index=pandas.Index(self["epoch"].astype(int), name="epoch"))

    def __len__(self) -> int:
        return len(self._epochs)

    def __repr__(self) -> str:
        last = f", last {self._epochs[-1]}" if self._epochs else ""
        return f"<History: {len(self)} epochs{last}>"


@dataclass(frozen=True)
class Course:
    """What a training is made of."""

    network: Network
    session: _engine.Session
    first: int
    epochs: int
    batch_size: int
    optimizer: optim.Adam | optim.SGD
    shuffle: bool
    callbacks: Sequence[Callable[[Epoch], Any]]
    progress: bool | None
    link: Link | None
    augment: Sequence[Augmentation]
    dropout: dict[str, float]
    noise: dict[str, float]
    lift_silent: float


def chosen_batch_size(given: int | None, samples: int) -> int:
    """Samples in a batch: those that were given, or as many as leave a small set enough steps."""
    return min(max(samples // 16, 4), 32) if given is None else _arrays.whole("batch_size", given, 1)


def trained(course: Course, train: Spikes, validation: Spikes | None) -> History:
    """Trains; whatever ends it, the network has the parameters after the last complete batch."""
    history = History()
    network = course.network
    warned: set[tuple[str, str]] = set()
    network._training = course.session, course.first
    for one in (*course.callbacks, course.optimizer.eta):
        if hasattr(one, "begin"):
            one.begin(network)
    try:
        with Bar(float(course.epochs), course.progress) as bar:
            for epoch in range(course.first, course.first + course.epochs):
                before = course.session.rewired()
                try:
                    samples = _samples(course, train, epoch)
                    course.session.activity()
                    loss, accuracy, eta, seconds = _epoch(course, samples, epoch, bar)
                    activity = {name: Activity(*found) for name, *found in course.session.activity()}
                finally:
                    network._take(course.session)
                    network._training = course.session, epoch
                network._training = course.session, epoch + 1
                found = None if validation is None else tested(course.session, validation, course.batch_size)
                end = Epoch(
                    epoch=epoch,
                    loss=loss,
                    accuracy=accuracy,
                    validation_loss=None if found is None else float(np.mean(found[0])),
                    validation_accuracy=None if validation is None or found is None else _right(found[1], validation),
                    eta=eta,
                    seconds=seconds,
                    activity=activity,
                    network=network,
                    rewired=course.session.rewired()[0] - before[0],
                    stuck=course.session.rewired()[1] - before[1],
                )
                _warn_of_layers(end, warned)
                history._epochs.append(end)
                stop = any([callback(end) is True for callback in course.callbacks])
                if course.link is not None:
                    stop = any(course.link.texts("stop" if stop else ""))
                if stop:
                    break
    finally:
        # The session has the memory of its batches, too, which nobody needs any more.
        network._training = course.session.state(), network._training[1]
    for callback in course.callbacks:
        if hasattr(callback, "end"):
            callback.end(network)
    return history


def _samples(course: Course, train: Spikes, epoch: int) -> Spikes:
    """The samples of an epoch; sets what disturbs their training."""
    network = course.network
    if epoch > 0 and course.lift_silent:
        course.session.lift_silent(course.lift_silent)
    course.session.disturb(course.dropout, course.noise, network.seed, epoch)
    if not course.augment:
        return train
    samples = varied(train, course.augment, network.seed, epoch).crop(network.trial)
    network._check("what augment returned", samples, labels=True)
    return samples


def _warn_of_layers(epoch: Epoch, warned: set[tuple[str, str]]) -> None:
    """Warns of silent and saturated populations, each once in a training."""
    for name, found in epoch.activity.items():
        if found.silent >= _MANY and (name, "silent") not in warned:
            warned.add((name, "silent"))
            warn(
                f"{100 * found.silent:.0f} % of the neurons of {name!r} did not spike in epoch {epoch.epoch + 1}, and a neuron that "
                "never spikes learns nothing: give it larger weights, calibrate the network "
                "(net.calibrate(batch)), or pull silent neurons up with a Regularizer"
            )
        # Outputs that must spike first may spike often: only the first of their spikes counts.
        outputs = epoch.network._output.name
        if found.saturated >= _MANY and name != outputs and (name, "saturated") not in warned:
            warned.add((name, "saturated"))
            warn(
                f"{100 * found.saturated:.0f} % of the neurons of {name!r} spiked at least once in half of tau_syn in epoch "
                f"{epoch.epoch + 1} ({found.rate:.1f} spikes per neuron and sample): give it smaller weights, calibrate the "
                "network (net.calibrate(batch)), or hold it down with a Regularizer"
            )


def _epoch(course: Course, train: Spikes, epoch: int, bar: Bar) -> tuple[float, float, float, float]:
    samples = len(train)
    order = np.arange(samples, dtype=np.int64)
    if course.shuffle:
        order = _engine.permutation(course.network.seed, epoch, samples)
    begin = time.perf_counter()
    rate = course.optimizer.eta
    loss, right, eta = 0.0, 0, optim.rate(rate, epoch, (epoch - course.first) / course.epochs)
    batches = range(0, samples, course.batch_size)
    for batch, start in enumerate(batches):
        if batch > 0 and isinstance(rate, (optim.Cosine, optim.OneCycle)):
            eta = optim.rate(rate, epoch, (epoch - course.first + batch / len(batches)) / course.epochs)
        places = order[start : start + course.batch_size]
        batch_loss, batch_right = course.session.train_batch(train, places, eta, optim.delay_rate(course.optimizer, eta))
        loss, right = loss + batch_loss, right + batch_right
        done = start + len(places)
        if bar.due():
            text = f"epoch {epoch + 1}/{course.first + course.epochs} loss {loss / done:.3f} acc {100 * right / done:.1f} %"
            bar.show(epoch - course.first + done / samples, text)
    return loss / samples, right / samples, eta, time.perf_counter() - begin


def tested(
    session: _engine.Session, spikes: Spikes, batch_size: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Losses and predictions of all samples."""
    places = np.arange(len(spikes), dtype=np.int64)
    parts = [
        session.test_batch(spikes, places[start : start + batch_size])
        for start in range(0, len(spikes), batch_size)
    ]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _right(predictions: npt.NDArray[np.int64], spikes: Spikes) -> float:
    return float(np.mean(predictions == spikes.labels))
