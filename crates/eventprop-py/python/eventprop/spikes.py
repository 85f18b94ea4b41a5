"""Spike trains of many samples: what goes into a network."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from . import _arrays, _engine
from ._warning import warn

__all__ = ["Spikes"]

_LARGEST = 2**32 - 1
_SHD_LARGEST = 2**16 - 1
_UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_LONGEST_S = 60.0
"""Samples that last longer are probably of another unit."""
_EXACT = (0.0, 0.0)
"""Noise of times in float64 and in whole numbers."""


class Spikes:
    """The input spikes of some samples, and their labels.

    Times are in ms from the start of the trial, neurons are numbered from 0. It remembers in which numbers the times
    came: on a grid, a time in float32 or float16 that differs from the start of a step by no more than the rounding of
    such numbers is that start. A `Spikes` does not change; its arrays are read-only. It can be iterated over (pairs of times and neurons), indexed
    (one such pair), sliced with a slice, a list of places or a mask (another `Spikes`), added to
    another, compared, and pickled.

    Parameters
    ----------
    samples
        One pair `(times_ms, neurons)` per sample, in any order of time.
    labels
        One class per sample, from 0; `None` when the classes are not known.

    Examples
    --------
    >>> import eventprop as ep
    >>> batch = ep.Spikes([([2.0, 8.0], [0, 1]), ([2.0], [1])], labels=[0, 1])
    >>> len(batch), batch.labels.tolist()
    (2, [0, 1])
    >>> times, neurons = batch[0]
    >>> neurons.tolist()
    [0, 1]
    """

    times_ms: npt.NDArray[np.float64]
    """Times of all spikes in ms, sample after sample; float64 [spikes]."""
    neurons: npt.NDArray[np.uint32]
    """Neurons of all spikes; uint32 [spikes]."""
    offsets: npt.NDArray[np.int64]
    """Where the spikes of every sample begin, and the end of the last; int64 [samples + 1]."""
    labels: npt.NDArray[np.uint32]
    """Classes; uint32 [samples]. Zeros when `has_labels` is false."""
    has_labels: bool
    """Whether classes were given."""
    amplitudes: npt.NDArray[np.float64] | None
    """Amplitudes of graded spikes, parallel to `times_ms`; `None` where all are 1."""

    _noise: tuple[float, float]
    """Noise of the times: share of the time, and ms."""

    __slots__ = ("_noise", "amplitudes", "has_labels", "labels", "neurons", "offsets", "times_ms")

    def __init__(self, samples: Iterable[Any], labels: Any = None) -> None:
        times: list[npt.NDArray[np.float64]] = []
        neurons: list[npt.NDArray[np.uint32]] = []
        noise = _EXACT
        for index, sample in enumerate(samples):
            try:
                sample_times, sample_neurons = sample
            except (TypeError, ValueError):
                raise TypeError(
                    f"samples[{index}] is {type(sample).__name__}; expected a pair (times_ms, neurons)"
                ) from None
            of = f"samples[{index}]"
            sample_times = _arrays.array(f"{of} times", sample_times)
            noise = _larger(noise, _noise_of(sample_times))
            times.append(_arrays.floats(f"{of} times", sample_times, (None,)))
            found = _arrays.indices(f"{of} neurons", sample_neurons, _LARGEST)
            neurons.append(found.astype(np.uint32))
            if len(times[-1]) != len(neurons[-1]):
                raise ValueError(
                    f"{of} has {len(times[-1])} times and {len(neurons[-1])} neurons; expected as many of both"
                )
        offsets = np.concatenate([[0], np.cumsum([len(t) for t in times])]).astype(np.int64)
        joined_times = np.concatenate(times) if times else np.zeros(0)
        joined_neurons = np.concatenate(neurons) if neurons else np.zeros(0, np.uint32)
        self._set(*_engine.sorted_events(joined_times, joined_neurons, offsets), offsets, labels, noise)

    def _set(
        self,
        times: npt.NDArray[np.float64],
        neurons: npt.NDArray[np.uint32],
        offsets: npt.NDArray[np.int64],
        labels: Any,
        noise: tuple[float, float],
        amplitudes: npt.NDArray[np.float64] | None = None,
    ) -> None:
        """Keeps what is sorted and belongs together already."""
        samples = len(offsets) - 1
        self.has_labels = labels is not None
        if labels is None:
            found = np.zeros(samples, np.uint32)
        else:
            found = _arrays.classes("labels", labels, _LARGEST).astype(np.uint32)
            if len(found) != samples:
                raise ValueError(f"labels has {len(found)} entries for {samples} samples; expected one for each")
        self.times_ms, self.neurons, self.offsets, self.labels = times, neurons, offsets, found
        self._noise, self.amplitudes = noise, amplitudes
        for one in (self.times_ms, self.neurons, self.offsets, self.labels, self.amplitudes):
            if one is not None:
                one.flags.writeable = False

    @classmethod
    def _of(
        cls,
        times: npt.NDArray[np.float64],
        neurons: npt.NDArray[np.uint32],
        offsets: npt.NDArray[np.int64],
        labels: Any,
        noise: tuple[float, float] = _EXACT,
        amplitudes: npt.NDArray[np.float64] | None = None,
    ) -> Spikes:
        """Spikes from arrays that nobody else has and that are sorted: those of the engine, and parts of others."""
        spikes = cls.__new__(cls)
        spikes._set(times, neurons, offsets, labels, noise, amplitudes)
        return spikes

    def _with_noise(self, noise: tuple[float, float]) -> Spikes:
        """The same with times that came in other numbers than float64."""
        labels = self.labels if self.has_labels else None
        return Spikes._of(self.times_ms, self.neurons, self.offsets, labels, noise, self.amplitudes)

    def with_amplitudes(self, amplitudes: Any) -> Spikes:
        """The same spikes with amplitudes, [spikes], parallel to `times_ms`: a spike of amplitude a acts a times as strongly.

        `None` for 1.
        """
        labels = self.labels if self.has_labels else None
        found = None
        if amplitudes is not None:
            found = _arrays.floats("amplitudes", amplitudes, (len(self.times_ms),)).copy()
        return Spikes._of(self.times_ms, self.neurons, self.offsets, labels, self._noise, found)

    @classmethod
    def from_csr(cls, times_ms: Any, neurons: Any, offsets: Any, labels: Any = None) -> Spikes:
        """Spikes from flat arrays: those of sample s lie from `offsets[s]` to `offsets[s + 1]`.

        Parameters
        ----------
        times_ms, neurons
            [spikes], in ms and from 0.
        offsets
            [samples + 1], ascending from 0 to the number of spikes.
        labels
            [samples] or `None`.
        """
        given = _arrays.array("times_ms", times_ms)
        times = _arrays.floats("times_ms", given, (None,))
        found = _arrays.indices("neurons", neurons, _LARGEST).astype(np.uint32)
        if len(times) != len(found):
            raise ValueError(f"{len(times)} times_ms and {len(found)} neurons; expected as many of both")
        bounds = _arrays.indices("offsets", offsets, 2**62).astype(np.int64)
        if len(bounds) == 0 or bounds[0] != 0 or bounds[-1] != len(times) or (np.diff(bounds) < 0).any():
            raise ValueError(f"offsets must ascend from 0 to the number of spikes, {len(times)}; found {_short(bounds)}")
        return cls._of(*_engine.sorted_events(times, found, bounds), bounds, labels, _noise_of(given))

    @classmethod
    def from_dense(
        cls, dense: Any, labels: Any = None, *, dt: float = 1.0, layout: str = "BTN", graded: bool = False
    ) -> Spikes:
        """Spikes from an array of zeros and ones, such as snnTorch, Norse and SpikingJelly use, or of amplitudes.

        Parameters
        ----------
        dense
            `[B, T, N]` (samples, steps, neurons), or `[T, B, N]` with `layout="TBN"`. Every entry is 0
            or 1 (or false or true). Step k becomes the time k · `dt`. Further dimensions, as in the frames
            `[B, T, polarities, height, width]` of tonic, are flattened into N.
        labels
            [B] or `None`.
        dt
            Length of a step in ms.
        layout
            `"BTN"` or `"TBN"`.
        graded
            Whether entries are amplitudes: any number, with 0 for no spike.
        """
        found = _arrays.array("dense", dense)
        if found.ndim < 3:
            raise ValueError(f"dense has shape {found.shape}; expected samples, steps and neurons: for one sample give dense[None]")
        if layout not in ("BTN", "TBN"):
            raise ValueError(f'layout is {layout!r}; expected "BTN" or "TBN"')
        found = found.reshape(*found.shape[:2], -1)
        dt = _arrays.positive("dt", dt)
        if layout == "TBN":
            found = found.swapaxes(0, 1)
        if labels is not None and len(labels) not in (len(found), 1) and len(labels) == found.shape[1]:
            other = "TBN" if layout == "BTN" else "BTN"
            raise ValueError(
                f"labels has {len(labels)} entries for {len(found)} samples and {found.shape[1]} steps; steps and samples are "
                f'the other way round: layout="{other}"'
            )
        flat = found.reshape(-1)
        # PERF: of most arrays most entries are 0; only the others are looked at again.
        places = np.flatnonzero(flat != 0)
        values = flat[places].astype(np.float64)
        wrong = np.flatnonzero(~np.isfinite(values) if graded else values != 1)
        if len(wrong):
            at = [int(i) for i in np.unravel_index(places[wrong[0]], found.shape)]
            expected = (
                "finite amplitudes"
                if graded
                else "0 or 1 (a neuron spikes once in a step, or not); numpy.minimum(dense, 1) clips counts, graded=True reads amplitudes"
            )
            raise ValueError(f"dense{at} is {values[wrong[0]]}; expected {expected}")
        samples, steps, neurons = np.unravel_index(places, found.shape)
        offsets = np.searchsorted(samples, np.arange(len(found) + 1)).astype(np.int64)
        spikes = cls.from_csr(steps * dt, neurons, offsets, labels)
        return spikes.with_amplitudes(values) if graded and (values != 1).any() else spikes

    @classmethod
    def from_events(
        cls,
        events: Any,
        labels: Any = None,
        *,
        time_unit: str | None = None,
        sensor_size: Sequence[int] | None = None,
    ) -> Spikes:
        """Spikes from structured arrays of events, as the package tonic has them.

        Parameters
        ----------
        events
            One structured array per sample (or a single one) with the fields `t` and `x`, and `y` and
            `p` where a camera has them. Also a data set of tonic, or a part of one: pairs of such an array
            and its class.
        labels
            One class per sample, or `None`: unknown, or in the pairs.
        time_unit
            Unit of `t`: `"us"` (tonic's), `"ms"` or `"s"`. Without it `t` is in µs, and fractions are refused.
        sensor_size
            `(width, height, polarities)`, needed where there is `y`; `None` for that of a data set of tonic, if it says one.
            The neuron of an event is
            (p · height + y) · width + x.
        """
        if time_unit is not None and time_unit not in _UNITS_MS:
            raise ValueError(f'time_unit is {time_unit!r}; expected "us", "ms" or "s"')
        if sensor_size is None:
            # Data sets of tonic say it.
            sensor_size = getattr(events, "sensor_size", None)
        arrays = [events] if isinstance(events, np.ndarray) and events.dtype.names else _listed(events)
        if arrays and all(isinstance(one, tuple) and len(one) == 2 for one in arrays):
            if labels is not None:
                raise ValueError("events are pairs of an array and its class, and labels are given, too; leave labels out")
            arrays, labels = [one[0] for one in arrays], [one[1] for one in arrays]
        samples = []
        noise = _EXACT
        for index, sample in enumerate(arrays):
            names = getattr(getattr(sample, "dtype", None), "names", None) or ()
            if "t" not in names or "x" not in names:
                raise TypeError(f"events[{index}] has the fields {list(names)}; expected a structured array with t and x")
            noise = _larger(noise, _noise_of(sample["t"]))
            times = sample["t"].astype(np.float64)
            fractions = np.flatnonzero(times != np.floor(times))
            if time_unit is None and len(fractions):
                raise ValueError(
                    f"events[{index}]: the time t[{fractions[0]}] is {times[fractions[0]]}, and t is in whole µs unless "
                    'time_unit says another unit; give time_unit="s", "ms" or "us"'
                )
            times *= _UNITS_MS[time_unit or "us"]
            samples.append((times, _neurons_of_events(index, sample, sensor_size)))
        return cls(samples, labels)._with_noise(noise)

    def to_events(self, *, time_unit: str = "us") -> list[npt.NDArray[Any]]:
        """One structured array per sample with tonic's fields `t`, `x` and `p` (always 1).

        `t` is int64 in µs, ms or s; a time between two of them is rounded.
        """
        if time_unit not in _UNITS_MS:
            raise ValueError(f'time_unit is {time_unit!r}; expected "us", "ms" or "s"')
        self._ungraded("to_events")
        arrays = []
        for times, neurons in self:
            events = np.zeros(len(times), dtype=[("t", np.int64), ("x", np.int64), ("p", np.int64)])
            events["t"] = np.rint(times / _UNITS_MS[time_unit])
            events["x"], events["p"] = neurons, 1
            arrays.append(events)
        return arrays

    def to_dense(self, trial: float, *, dt: float = 1.0, neurons: int | None = None) -> npt.NDArray[np.float32]:
        """Zeros and ones, or amplitudes, float32 [samples, steps, neurons], on a grid of steps of `dt` ms.

        A spike falls into the first step that does not begin before it, as in the grid solver; several spikes of a neuron
        in one step, which the grid solver counts, make a single 1; amplitudes add up.
        """
        trial, dt = _arrays.positive("trial", trial), _arrays.positive("dt", dt)
        steps = round(trial / dt)
        if neurons is None:
            neurons = int(self.neurons.max()) + 1 if len(self.neurons) else 0
        if len(self.neurons) and int(self.neurons.max()) >= neurons:
            raise ValueError(f"neurons is {neurons}, but neuron {int(self.neurons.max())} spikes")
        dense = np.zeros((len(self), steps, neurons), np.float32)
        step = _engine.steps_of(self.times_ms, self._noise, dt, trial)
        sample = np.repeat(np.arange(len(self)), np.diff(self.offsets))
        inside = step < steps
        places = (sample[inside], step[inside], self.neurons[inside])
        if self.amplitudes is None:
            dense[places] = 1.0
        else:
            np.add.at(dense, places, self.amplitudes[inside])
        return dense

    def to_hdf5(
        self,
        path: str | os.PathLike[str],
        *,
        speakers: Any = None,
        names: Iterable[str] = (),
    ) -> None:
        """Writes the layout of the Heidelberg data sets: `spikes/times` (s), `spikes/units`, `labels`.

        Times are float64, or float32 where they came in no better numbers.

        Neurons and labels have 16 bits there. The file appears only when it is complete.

        Parameters
        ----------
        path
            The file.
        speakers
            [samples], whole numbers, written as `extra/speaker`; or `None`.
        names
            Names of the classes, written as `extra/keys`.
        """
        self._ungraded("to_hdf5")
        for name, values in (("neurons", self.neurons), ("labels", self.labels)):
            _arrays.indices(name, values, _SHD_LARGEST)
        ids = None
        if speakers is not None:
            ids = _arrays.classes("speakers", speakers, _SHD_LARGEST).astype(np.uint16)
            _arrays.check_shape("speakers", ids.shape, (len(self),))
        _engine.write_spike_file(os.fspath(path), self, ids, [str(name) for name in names])

    @classmethod
    def from_hdf5(cls, path: str | os.PathLike[str], *, time_unit: str = "s") -> Spikes:
        """Reads a file in the layout of the Heidelberg data sets with the times that it has.

        The file may be packed with gzip or zip. `eventprop.data.shd` reads the sets as runs see them, and
        `eventprop.data.own` puts such a file on a grid.

        Parameters
        ----------
        time_unit
            Unit of the times in the file: `"s"` (that of the layout), `"ms"` or `"us"`.
        """
        if time_unit not in _UNITS_MS:
            raise ValueError(f'time_unit is {time_unit!r}; expected "us", "ms" or "s"')
        read = _engine.read_spike_file(os.fspath(path), _UNITS_MS[time_unit])
        longest_s = float(read["times_ms"].max(initial=0.0)) / 1000.0
        if time_unit == "s" and longest_s > _LONGEST_S:
            warn(
                f"{os.fspath(path)}: samples last up to {longest_s:g} s, if times are in s as in the layout of SHD; if they are in ms, "
                'give time_unit="ms"'
            )
        try:
            spikes = cls.from_csr(read["times_ms"], read["units"], read["offsets"], read["labels"])
        except ValueError as error:
            raise ValueError(f"{os.fspath(path)}: {error}") from None
        return spikes._with_noise(read["noise"])

    def crop(self, trial: float) -> Spikes:
        """The spikes before `trial` ms."""
        kept = self.times_ms < trial
        before = np.concatenate([[0], np.cumsum(kept)])
        labels = self.labels if self.has_labels else None
        amplitudes = None if self.amplitudes is None else self.amplitudes[kept]
        return Spikes._of(self.times_ms[kept], self.neurons[kept], before[self.offsets], labels, self._noise, amplitudes)

    def with_labels(self, labels: Any) -> Spikes:
        """The same spikes with other labels."""
        return Spikes._of(self.times_ms, self.neurons, self.offsets, labels, self._noise, self.amplitudes)

    def _stretch(self, start: int, end: int) -> Spikes:
        """Samples that lie side by side: a view."""
        end = max(start, end)
        first, last = self.offsets[start], self.offsets[end]
        return Spikes._of(
            self.times_ms[first:last],
            self.neurons[first:last],
            self.offsets[start : end + 1] - first,
            self.labels[start:end] if self.has_labels else None,
            self._noise,
            None if self.amplitudes is None else self.amplitudes[first:last],
        )

    def _ungraded(self, what: str) -> None:
        if self.amplitudes is not None:
            raise ValueError(f"{what} cannot keep the amplitudes of graded spikes; use .with_amplitudes(None).{what}(…)")

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __iter__(self) -> Iterator[tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32]]]:
        return (self[index] for index in range(len(self)))

    @overload
    def __getitem__(self, key: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32]]: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | npt.NDArray[Any]) -> Spikes: ...

    def __getitem__(self, key: Any) -> Any:
        if hasattr(key, "__index__") and not isinstance(key, np.ndarray):
            place = int(key.__index__())
            if not -len(self) <= place < len(self):
                raise IndexError(f"sample {place} of {len(self)}")
            place %= len(self)
            chosen = slice(self.offsets[place], self.offsets[place + 1])
            return self.times_ms[chosen], self.neurons[chosen]
        if isinstance(key, slice) and key.indices(len(self))[2] == 1:
            return self._stretch(*key.indices(len(self))[:2])
        places = np.arange(len(self))[key]
        counts = np.diff(self.offsets)[places]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        gather = np.repeat(self.offsets[places] - offsets[:-1], counts) + np.arange(offsets[-1])
        labels = self.labels[places] if self.has_labels else None
        amplitudes = None if self.amplitudes is None else self.amplitudes[gather]
        return Spikes._of(self.times_ms[gather], self.neurons[gather], offsets, labels, self._noise, amplitudes)

    def __add__(self, other: Spikes) -> Spikes:
        if not isinstance(other, Spikes):
            return NotImplemented
        both = self.has_labels and other.has_labels
        graded = [np.ones(len(one.times_ms)) if one.amplitudes is None else one.amplitudes for one in (self, other)]
        ungraded = self.amplitudes is None and other.amplitudes is None
        return Spikes._of(
            np.concatenate([self.times_ms, other.times_ms]),
            np.concatenate([self.neurons, other.neurons]),
            np.concatenate([self.offsets, self.offsets[-1] + other.offsets[1:]]),
            np.concatenate([self.labels, other.labels]) if both else None,
            _larger(self._noise, other._noise),
            None if ungraded else np.concatenate(graded),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spikes):
            return NotImplemented
        names = ("times_ms", "neurons", "offsets", "labels", "amplitudes")
        same = all(np.array_equal(getattr(self, name), getattr(other, name)) for name in names)
        return same and self.has_labels == other.has_labels

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        labels = self.labels if self.has_labels else None
        state = (self._noise, self.amplitudes)
        return Spikes.from_csr, (self.times_ms, self.neurons, self.offsets, labels), state

    def __setstate__(self, state: tuple[tuple[float, float], npt.NDArray[np.float64] | None]) -> None:
        self._noise, self.amplitudes = state
        if self.amplitudes is not None:
            self.amplitudes.flags.writeable = False

    def __repr__(self) -> str:
        labels = f"{len(np.unique(self.labels))} classes" if self.has_labels else "no labels"
        return f"<Spikes: {len(self)} samples, {len(self.times_ms)} spikes, {labels}>"


def _noise_of(times: npt.NDArray[Any]) -> tuple[float, float]:
    """Noise of times, for the type that they came in."""
    return _engine.time_noise(times.dtype.itemsize, None) if times.dtype.kind == "f" else _EXACT


def _larger(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return max(one[0], other[0]), max(one[1], other[1])


def _listed(many: Any) -> list[Any]:
    """All items; a data set of PyTorch has a length and need not say otherwise where it ends."""
    if hasattr(many, "__len__") and hasattr(many, "__getitem__") and not hasattr(many, "__iter__"):
        return [many[index] for index in range(len(many))]
    return list(many)


def _neurons_of_events(index: int, sample: Any, sensor_size: Sequence[int] | None) -> npt.NDArray[np.int64]:
    names = sample.dtype.names
    neurons: npt.NDArray[np.int64] = sample["x"].astype(np.int64)
    if "y" not in names:
        return neurons
    if sensor_size is None:
        raise ValueError(f"events[{index}] has a field y; give sensor_size=(width, height, polarities)")
    if len(sensor_size) != 3:
        raise ValueError(f"sensor_size is {tuple(sensor_size)}; expected three numbers, (width, height, polarities)")
    width, height, polarities = (int(size) for size in sensor_size)
    fields = [("x", width), ("y", height), ("p", polarities)]
    for name, size in fields:
        if name in names and len(sample):
            values = sample[name].astype(np.int64)
            if values.min() < 0 or values.max() >= size:
                raise ValueError(
                    f"events[{index}]: {name} runs from {values.min()} to {values.max()}; "
                    f"sensor_size {tuple(sensor_size)} allows 0 to {size - 1}"
                )
    neurons = neurons + sample["y"].astype(np.int64) * width
    if "p" in names and polarities > 1:
        neurons = neurons + sample["p"].astype(np.int64) * width * height
    return neurons


def _short(values: npt.NDArray[np.int64]) -> str:
    return np.array2string(values, threshold=6)
