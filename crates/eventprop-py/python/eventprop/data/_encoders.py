"""From values to spikes.

Values are [samples, inputs]; series are [samples, steps, channels], or a list of arrays
[steps, channels] of unequal length.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import _arrays, _engine
from ..spikes import Spikes

__all__ = ["delta", "latency", "level_crossing", "log_latency", "poisson", "population"]

_ROUNDING = 1e-6
"""What scalers leave of values in float32."""


def latency(values: Any, labels: Any = None, *, trial: float, dt: float = 1.0) -> Spikes:
    """One spike per value: the larger, the later.

    Parameters
    ----------
    values
        [samples, inputs], from 0 to 1. 0 is 2 dt, 1 is trial − 2 dt; NaN is no spike.
    labels
        [samples] or `None`.
    trial, dt
        Length of a trial and of a step in ms.

    Examples
    --------
    >>> import eventprop as ep
    >>> ep.data.latency([[0.0, 0.5, 1.0]], trial=20.0).times_ms.tolist()
    [2.0, 10.0, 18.0]
    """
    trial, dt = _arrays.number("trial", trial), _arrays.number("dt", dt)
    values = _arrays.array("values", values)
    spikes = _one_each(values, labels, lambda there: _engine.latency(_fractions(there), trial, dt))
    # The noise of the values is that of times as long as the trial.
    noisy = values.dtype.kind == "f"
    return spikes._with_noise(_engine.time_noise(values.dtype.itemsize, trial)) if noisy else spikes


def log_latency(values: Any, labels: Any = None, *, tau: float, threshold: float) -> Spikes:
    """One spike per value above the threshold: the larger, the earlier.

    The time is that at which a membrane driven by the value reaches the threshold,
    tau ln(value / (value − threshold)) in ms; it has no end, so `Spikes.crop` what a trial does not hold.

    Parameters
    ----------
    values
        [samples, inputs]; NaN is no spike.
    labels
        [samples] or `None`.
    tau
        Time constant in ms.
    threshold
        In the unit of the values; values at or below it give no spike.

    Examples
    --------
    >>> import eventprop as ep
    >>> ep.data.log_latency([[0.1, 0.4, 0.8]], tau=10.0, threshold=0.2).times_ms.round(2).tolist()
    [2.88, 6.93]
    """
    tau, threshold = _arrays.positive("tau", tau), _arrays.positive("threshold", threshold)
    return _one_each(values, labels, lambda there: _engine.log_latency(there, tau, threshold))


def poisson(values: Any, labels: Any = None, *, trial: float, rate: float, seed: int = 0) -> Spikes:
    """Poisson processes whose rates are the values times a highest rate.

    Parameters
    ----------
    values
        [samples, inputs], from 0 to 1.
    labels
        [samples] or `None`.
    trial
        Length of a trial in ms.
    rate
        Spikes per second of the value 1.
    seed
        Seed of the draws; every sample and input has its own.

    Examples
    --------
    >>> import eventprop as ep
    >>> spikes = ep.data.poisson([[0.0, 1.0]], trial=10_000.0, rate=100.0)
    >>> 900 < len(spikes.times_ms) < 1100, set(spikes.neurons.tolist())
    (True, {1})
    """
    found = _fractions(_arrays.floats("values", values, (None, None)))
    rate, trial = _arrays.positive("rate", rate), _arrays.positive("trial", trial)
    wrong = np.argwhere((found < 0) | (found > 1))
    if len(wrong):
        sample, neuron = wrong[0]
        raise ValueError(f"values[{sample}, {neuron}] is {found[sample, neuron]}; expected numbers from 0 to 1")
    _check_spikes("rate · trial", float(found.sum()) * rate * trial / 1000)
    spikes = _engine.poisson(found, rate, trial, _arrays.whole("seed", seed, 0, 2**64 - 1))
    return Spikes.from_csr(*spikes, labels)


def population(
    values: Any,
    labels: Any = None,
    *,
    fields: int,
    low: float,
    high: float,
    window: float,
    beta: float = 1.5,
) -> Spikes:
    """Neurons with overlapping Gaussian fields, which spike the earlier the nearer the value is (Bohte et al. 2002).

    Parameters
    ----------
    values
        [samples, inputs].
    labels
        [samples] or `None`.
    fields
        Neurons per input, at least 3: neuron input · fields + field.
    low, high
        The range of the values, over which the fields are spread.
    window
        A field with activation a spikes at (1 − a) · window ms; below a tenth it is silent.
    beta
        The larger, the narrower the fields: their width is (high − low) / (beta (fields − 2)).

    Examples
    --------
    >>> import eventprop as ep
    >>> times, neurons = ep.data.population([[0.25]], fields=4, low=0.0, high=1.0, window=10.0)[0]
    >>> neurons.tolist(), times.round(2).tolist()
    ([1, 0, 2], [0.0, 6.75, 6.75])
    """
    found = _arrays.floats("values", values, (None, None))
    low, high = _arrays.number("low", low), _arrays.number("high", high)
    if low >= high:
        raise ValueError(f"low is {low} and high {high}; expected low below high")
    fields = _arrays.whole("fields", fields, 3, 2**20)
    beta, window = _arrays.positive("beta", beta), _arrays.positive("window", window)
    return Spikes.from_csr(*_engine.population(found, fields, (low, high), beta, window), labels)


def delta(series: Any, labels: Any = None, *, threshold: float, period: float = 1.0) -> Spikes:
    """A spike at every sample of a series that differs from the one before by at least a threshold.

    Neuron 2c spikes when channel c rises, 2c + 1 when it falls.

    Parameters
    ----------
    series
        [samples, steps, channels], or a list of arrays [steps, channels].
    labels
        [samples] or `None`.
    threshold
        In the unit of the values.
    period
        Time from one step to the next in ms; the first is at 0.

    Examples
    --------
    >>> import eventprop as ep
    >>> times, neurons = ep.data.delta([[[0.0], [1.0], [1.2], [0.0]]], threshold=0.5, period=10.0)[0]
    >>> times.tolist(), neurons.tolist()
    ([10.0, 30.0], [0, 1])
    """
    return _of_series(series, labels, "delta", period, _arrays.positive("threshold", threshold))


def level_crossing(series: Any, labels: Any = None, *, level: float, period: float = 1.0) -> Spikes:
    """A spike whenever a signal, drawn as straight lines, has moved by a level since the spike before.

    Neuron 2c spikes when channel c rises by a level, 2c + 1 when it falls by one: start plus level times
    (rises − falls) follows the signal to within one level.

    Parameters
    ----------
    series
        [samples, steps, channels], or a list of arrays [steps, channels].
    labels
        [samples] or `None`.
    level
        Distance of the levels, in the unit of the values.
    period
        Time from one step to the next in ms; the first is at 0.

    Examples
    --------
    >>> import eventprop as ep
    >>> ep.data.level_crossing([[[0.0], [1.0]]], level=0.25, period=8.0).times_ms.tolist()
    [2.0, 4.0, 6.0, 8.0]
    """
    return _of_series(series, labels, "level_crossing", period, _arrays.positive("level", level))


def _fractions(values: _arrays.Floats) -> _arrays.Floats:
    """Values whose scaling has rounded them a little past 0 or 1, put back."""
    near = np.clip(values, 0.0, 1.0)
    return np.where(np.abs(values - near) <= _ROUNDING, near, values)


_SPIKE_BYTES = 28.0
"""Of a spike with the code, 16, and in the arrays, 12."""


def _check_spikes(of: str, count: float) -> None:
    """Refuses more spikes than fit into memory."""
    _engine.check_count(f"the number of spikes of {of}", int(min(count, 2.0**62)), "the code", _SPIKE_BYTES)


def _one_each(values: Any, labels: Any, times_of: Callable[[_arrays.Floats], _arrays.Floats]) -> Spikes:
    """At most one spike per value; NaN in or out is none."""
    found = np.ascontiguousarray(_arrays.array("values", values), dtype=np.float64)
    _arrays.check_shape("values", found.shape, (None, None))
    samples, inputs = np.nonzero(~np.isnan(found))
    times = times_of(found[samples, inputs])
    there = ~np.isnan(times)
    offsets = np.searchsorted(samples[there], np.arange(len(found) + 1))
    return Spikes.from_csr(times[there], inputs[there], offsets, labels)


def _of_series(series: Any, labels: Any, code: str, period: float, threshold: float) -> Spikes:
    period = _arrays.positive("period", period)
    samples = []
    for index, one in enumerate(series):
        name = f"series[{index}]"
        values = _arrays.floats(name, one, (None, None))
        if values.shape[1] == 0:
            raise ValueError(f"{name} has shape {values.shape}; expected at least one channel")
        try:
            samples.append(_engine.encode_series(values, period, code, threshold)[:2])
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
    return Spikes(samples, labels)
