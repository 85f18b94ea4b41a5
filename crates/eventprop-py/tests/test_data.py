"""Data sets and encoders."""

from __future__ import annotations

import os
from pathlib import Path

import eventprop as ep
import numpy as np
import pytest

DATA = os.environ.get("EVENTPROP_TEST_DATA")


def test_yinyang_has_the_sizes_that_are_asked_for() -> None:
    parts = ep.data.yinyang(train=10, validation=4, test=7)
    assert [len(part) for part in parts] == [10, 4, 7]
    assert (parts.inputs, parts.classes) == (5, 3)
    # Two coordinates, their complements and a bias: five spikes, from 2 dt to trial − 2 dt.
    assert (np.diff(parts.train.offsets) == 5).all()
    assert parts.train.times_ms.min() >= 0.2 - 1e-12 and parts.train.times_ms.max() <= 29.8 + 1e-12


def test_yinyang_depends_on_its_seeds_only() -> None:
    one, same = ep.data.yinyang(train=9, test=9), ep.data.yinyang(train=9, test=9)
    other = ep.data.yinyang(train=9, test=9, seed=124)
    assert one.train == same.train and one.train != other.train and one.test == other.test


def test_the_published_yinyang() -> None:
    parts = ep.data.yinyang(published=True)
    assert [len(part) for part in parts] == [5000, 1000, 1000]


def test_the_digits_in_the_package_stand_in_with_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVENTPROP_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.warns(UserWarning, match="DEMONSTRATION"):
        parts = ep.data.mnist(train=100, validation=10, test=20)
    assert [len(part) for part in parts] == [100, 10, 20]
    assert (parts.inputs, parts.classes) == (784, 10)
    assert set(parts.train.labels) == set(range(10))


@pytest.mark.skipif(DATA is None, reason="EVENTPROP_TEST_DATA names no folder of data")
def test_mnist_from_its_files() -> None:
    assert DATA is not None
    parts = ep.data.mnist(data_dir=DATA)
    assert [len(part) for part in parts] == [55000, 5000, 10000]
    # 19.12 % of all pixels are inked (33.3 M of 47 M in the training set): about 150 spikes a digit.
    assert 140 < len(parts.train.times_ms) / 55000 < 160


def test_latency_and_no_spike_for_nan() -> None:
    spikes = ep.data.latency([[0.0, np.nan], [1.0, 0.25]], [0, 1], trial=12.0, dt=0.5)
    # 2 dt + x (trial − 4 dt)
    assert spikes == ep.Spikes([([1.0], [0]), ([11.0, 3.5], [0, 1])], [0, 1])
