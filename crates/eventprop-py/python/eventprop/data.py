"""Data sets and encoders: everything returns `Spikes`.

Files are looked for in `data_dir`, else in the folders of the environment variable `EVENTPROP_DATA`,
else in the cache folder of the system, where `eventprop data fetch` puts them. Nothing is ever
downloaded from here.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import _arrays, _engine
from .spikes import Spikes

__all__ = ["Parts", "benchmark", "latency", "mnist", "yinyang"]

Path = str | os.PathLike[str] | None


@dataclass(frozen=True)
class Parts:
    """A data set in three parts that share no sample. Iterates as train, validation, test."""

    train: Spikes
    validation: Spikes
    test: Spikes
    inputs: int
    """Number of input neurons."""
    classes: int
    """Number of classes."""

    def __iter__(self) -> Iterator[Spikes]:
        return iter((self.train, self.validation, self.test))


def yinyang(
    *,
    train: int = 5000,
    validation: int = 1000,
    test: int = 1000,
    trial: float = 30.0,
    dt: float = 0.1,
    published: bool = False,
    seed: int = 123,
    test_seed: int = 456,
) -> Parts:
    """Points in the Yin-Yang symbol (Kriener et al. 2022), 4 coordinates and a bias as 5 spikes, 3 classes.

    Parameters
    ----------
    train, validation, test
        Numbers of samples, each a multiple of 3 or rounded up to one.
    trial, dt
        The latency code of a trial in ms: coordinate 0 is 2 dt, coordinate 1 is trial − 2 dt.
    published
        The 5000, 1000 and 1000 published samples instead, bit for bit.
    seed, test_seed
        Seeds of the generated samples.
    """
    params: dict[str, Any] = {"TRIAL_MS": trial, "DT_MS": dt, "TRAIN_DATA_SEED": seed, "TEST_DATA_SEED": test_seed}
    sizes = {"N_TRAIN": train, "N_VALIDATE": validation, "N_TEST": test}
    if published:
        params["DATA"] = "published"
        return benchmark("yinyang", params | {"N_BATCH": 1})
    for key, size in sizes.items():
        params[key] = -(-_arrays.whole(key, size, 0) // 3)
    parts = benchmark("yinyang", params | {"N_BATCH": 1})
    return Parts(parts.train[:train], parts.validation[:validation], parts.test[:test], parts.inputs, parts.classes)


def mnist(
    *,
    train: int = 55000,
    validation: int = 5000,
    test: int = 10000,
    trial: float = 20.0,
    dt: float = 1.0,
    seed: int = 123,
    test_seed: int = 456,
    data_dir: Path = None,
) -> Parts:
    """Handwritten digits (LeCun et al. 1998), one spike per inked pixel, 784 inputs, 10 classes.

    Without the files the 500 digits that come with the package stand in, with a warning.

    Parameters
    ----------
    train, validation, test
        Numbers of samples: the first and the last of the shuffled training images, and the first of the
        shuffled test images.
    trial, dt
        The latency code of a trial in ms: the darkest ink is 2 dt, the faintest just before trial − 2 dt.
    seed, test_seed
        Seeds of the two shuffles.
    data_dir
        Folder of the files.
    """
    params = {
        "TRIAL_MS": trial,
        "DT_MS": dt,
        "N_TRAIN": train,
        "N_VALIDATE": validation,
        "N_TEST": test,
        "TRAIN_DATA_SEED": seed,
        "TEST_DATA_SEED": test_seed,
        "N_BATCH": 1,
    }
    return benchmark("mnist", params, data_dir=data_dir)


def benchmark(name: str, params: dict[str, Any] | None = None, *, data_dir: Path = None) -> Parts:
    """The data of a benchmark as its runs see them, without what is drawn anew in every epoch.

    Parameters
    ----------
    name
        `"yinyang"`, `"mnist"`, …; `eventprop params` lists the benchmarks.
    params
        Parameters of the benchmark that are not at their defaults.
    data_dir
        Folder of the files.

    Examples
    --------
    >>> import eventprop as ep
    >>> parts = ep.data.benchmark("yinyang", {"N_TRAIN": 20, "N_VALIDATE": 5, "N_TEST": 5, "N_BATCH": 5})
    >>> len(parts.train), parts.inputs, parts.classes
    (60, 5, 3)
    """
    folder = None if data_dir is None else os.fspath(data_dir)
    loaded = _engine.load_data(name, list((params or {}).items()), folder)
    for notice in loaded["notices"]:
        warnings.warn(notice, stacklevel=3)
    train, validation, test = (Spikes.from_csr(*loaded[part]) for part in ("train", "validation", "test"))
    return Parts(train, validation, test, loaded["inputs"], loaded["classes"])


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
    found = np.ascontiguousarray(_arrays.array("values", values), dtype=np.float64)
    _arrays.check_shape("values", found.shape, (None, None))
    there = ~np.isnan(found)
    samples, inputs = np.nonzero(there)
    times = _engine.latency(found[there], _arrays.number("trial", trial), _arrays.number("dt", dt))
    offsets = np.searchsorted(samples, np.arange(len(found) + 1)).astype(np.int64)
    return Spikes.from_csr(times, inputs, offsets, labels)
