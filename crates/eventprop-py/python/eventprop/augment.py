"""Variation of training samples from epoch to epoch: `net.fit(…, augment=[Shift(10, neurons=700)])`.

An augmentation is a callable that takes the `Spikes` of all training samples and a `numpy.random.Generator` and returns
other `Spikes`; `fit` calls each anew before every epoch, in the order in which they are listed. Your own needs no more
than that. Those here are the ones of the program's key `AUGMENTATION` (Nowotny, Turner & Knight 2025), on times in ms
instead of steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from . import _arrays, _engine
from .spikes import Spikes

__all__ = ["Blend", "Dilate", "Drop", "NeuronJitter", "Shift", "TimeJitter"]

Augmentation = Callable[[Spikes, np.random.Generator], Spikes]


@dataclass(frozen=True)
class Shift:
    """All neurons of a sample move by trunc(U(−most, most)); what leaves the input is dropped.

    Parameters
    ----------
    most
        In neurons (channels).
    neurons
        Size of the input.
    """

    most: float
    neurons: int

    def __post_init__(self) -> None:
        _least("most", self.most)
        _arrays.whole("neurons", self.neurons, 1)

    def __call__(self, spikes: Spikes, rng: np.random.Generator) -> Spikes:
        """The samples, varied."""
        by = np.trunc(rng.uniform(-self.most, self.most, len(spikes))).astype(np.int64)
        return _changed(spikes, None, spikes.neurons + by[_samples(spikes)], self.neurons)


@dataclass(frozen=True)
class Dilate:
    """All times of a sample are multiplied by exp(U(ln `least`, ln `most`)); what comes after the trial is lost.

    Parameters
    ----------
    least, most
        Above 0.
    """

    least: float
    most: float

    def __post_init__(self) -> None:
        _arrays.positive("least", self.least)
        if not _arrays.positive("most", self.most) >= self.least:
            raise ValueError(f"most is {self.most}; expected at least least = {self.least}")

    def __call__(self, spikes: Spikes, rng: np.random.Generator) -> Spikes:
        """The samples, varied."""
        factor = np.exp(rng.uniform(np.log(self.least), np.log(self.most), len(spikes)))
        return _changed(spikes, spikes.times_ms * factor[_samples(spikes)], None, None)


@dataclass(frozen=True)
class NeuronJitter:
    """Every spike moves by round(N(0, `std`)) neurons; what leaves the input is dropped.

    Parameters
    ----------
    std
        In neurons (channels).
    neurons
        Size of the input.
    """

    std: float
    neurons: int

    def __post_init__(self) -> None:
        _least("std", self.std)
        _arrays.whole("neurons", self.neurons, 1)

    def __call__(self, spikes: Spikes, rng: np.random.Generator) -> Spikes:
        """The samples, varied."""
        by = np.rint(rng.normal(0.0, self.std, len(spikes.neurons))).astype(np.int64)
        return _changed(spikes, None, spikes.neurons + by, self.neurons)


@dataclass(frozen=True)
class TimeJitter:
    """Every spike moves by N(0, `std_ms`); what leaves the trial is dropped.

    Parameters
    ----------
    std_ms
        In ms.
    """

    std_ms: float

    def __post_init__(self) -> None:
        _least("std_ms", self.std_ms)

    def __call__(self, spikes: Spikes, rng: np.random.Generator) -> Spikes:
        """The samples, varied."""
        return _changed(spikes, spikes.times_ms + rng.normal(0.0, self.std_ms, len(spikes.times_ms)), None, None)


@dataclass(frozen=True)
class Drop:
    """A fraction of the spikes of every sample is dropped, drawn from U(0, `most`) for the sample. See also `dropout` of
    `fit`, which drops the same fraction from all.

    Parameters
    ----------
    most
        From 0 to 1.
    """

    most: float

    def __post_init__(self) -> None:
        if not 0.0 <= _arrays.number("most", self.most) <= 1.0:
            raise ValueError(f"most is {self.most}; expected a number from 0 to 1")

    def __call__(self, spikes: Spikes, rng: np.random.Generator) -> Spikes:
        """The samples, varied."""
        lost = rng.uniform(0.0, self.most, len(spikes))
        return _kept(spikes, rng.random(len(spikes.times_ms)) >= lost[_samples(spikes)])


@dataclass(frozen=True)
class Blend:
    """Adds new samples, each from several of one class that are moved to their common centre in time and neurons, and of
    which every spike is kept with the probability of its sample.

    Parameters
    ----------
    keep
        Probabilities, one for each sample that is combined.
    samples
        Samples of an epoch, those that there were among them.
    neurons
        Size of the input.
    """

    keep: Sequence[float]
    samples: int
    neurons: int

    def __post_init__(self) -> None:
        if len(self.keep) == 0 or not all(0.0 <= one <= 1.0 for one in self.keep):
            raise ValueError(f"keep is {self.keep}; expected probabilities from 0 to 1, at least one")
        _arrays.whole("samples", self.samples, 1)
        _arrays.whole("neurons", self.neurons, 1)

    def __call__(self, spikes: Spikes, rng: np.random.Generator) -> Spikes:
        """The samples, varied."""
        if not spikes.has_labels:
            raise ValueError("samples without labels cannot be blended: a blend is of one class")
        if spikes.amplitudes is not None:
            raise ValueError("graded spikes cannot be blended")
        filled = np.flatnonzero(np.diff(spikes.offsets) > 0)
        if self.samples <= len(spikes) or len(filled) == 0:
            return spikes
        of_class = {label: filled[spikes.labels[filled] == label] for label in np.unique(spikes.labels[filled])}
        chosen = spikes.labels[rng.choice(filled, self.samples - len(spikes))]
        blends = [self._blend(spikes, rng.choice(of_class[label], len(self.keep)), rng) for label in chosen]
        return spikes + Spikes(blends, chosen)._with_noise(spikes._noise)

    def _blend(
        self, spikes: Spikes, places: npt.NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        parts = [spikes[int(place)] for place in places]
        times = [part[0] for part in parts]
        neurons = [part[1].astype(np.int64) for part in parts]
        time, neuron = np.mean([t.mean() for t in times]), np.mean([n.mean() for n in neurons])
        for index, probability in enumerate(self.keep):
            kept = rng.random(len(times[index])) < probability
            times[index] = (times[index] + np.trunc(time - times[index].mean()))[kept]
            neurons[index] = (neurons[index] + int(neuron - neurons[index].mean()))[kept]
        joined, units = np.concatenate(times), np.concatenate(neurons)
        inside = (joined >= 0.0) & (units >= 0) & (units < self.neurons)
        return joined[inside], units[inside]


def varied(spikes: Spikes, augment: Sequence[Augmentation], seed: int, epoch: int) -> Spikes:
    """The samples of an epoch."""
    for place, one in enumerate(augment):
        spikes = one(spikes, np.random.default_rng([seed, epoch, place]))
        if not isinstance(spikes, Spikes):
            raise TypeError(f"augment[{place}] returned {type(spikes).__name__}; expected Spikes")
    return spikes


def _least(name: str, value: float) -> None:
    if not _arrays.number(name, value) >= 0.0:
        raise ValueError(f"{name} is {value}; expected a number of at least 0")


def _samples(spikes: Spikes) -> npt.NDArray[np.int64]:
    """The sample of every spike."""
    return np.repeat(np.arange(len(spikes)), np.diff(spikes.offsets))


def _changed(
    spikes: Spikes,
    times: npt.NDArray[np.float64] | None,
    neurons: npt.NDArray[np.int64] | None,
    size: int | None,
) -> Spikes:
    """The same spikes at other times or of other neurons, without those before the trial or outside of the input."""
    inside = np.ones(len(spikes.times_ms), bool)
    if times is None:
        times = spikes.times_ms
    else:
        inside &= times >= 0.0
    if neurons is None:
        neurons = spikes.neurons.astype(np.int64)
    else:
        inside &= (neurons >= 0) & (neurons < (size or 0))
    left = _kept(spikes, inside)
    amplitudes = left.amplitudes
    found, units = times[inside], neurons[inside].astype(np.uint32)
    if amplitudes is not None:
        order = np.lexsort((found, _samples(left)))
        found, units, amplitudes = found[order], units[order], amplitudes[order]
    else:
        found, units = _engine.sorted_events(found, units, left.offsets)
    labels = left.labels if left.has_labels else None
    return Spikes._of(found, units, left.offsets, labels, spikes._noise, amplitudes)


def _kept(spikes: Spikes, kept: npt.NDArray[np.bool_]) -> Spikes:
    """The spikes that are marked."""
    counts = np.bincount(_samples(spikes)[kept], minlength=len(spikes))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    labels = spikes.labels if spikes.has_labels else None
    amplitudes = None if spikes.amplitudes is None else spikes.amplitudes[kept]
    return Spikes._of(spikes.times_ms[kept], spikes.neurons[kept], offsets, labels, spikes._noise, amplitudes)
