"""One rule for a thing, whichever door it comes in by: a table of what people bring and where they bring it.

A new kind of thing or a new door is a row or a column; the test fails until each of its cells is filled.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import eventprop as ep
import h5py
import numpy as np
import pytest

LABELS = np.array([0, 1, 0, 1])
ONE_HOT = np.eye(2)[LABELS]


def hdf5(folder: Path, labels: Any = LABELS, times: str = "f8", **options: Any) -> Path:
    """Four samples with a spike each in the layout of SHD."""
    with h5py.File(folder / "a.h5", "w", **options) as file:
        t = file.create_dataset("spikes/times", (4,), dtype=h5py.vlen_dtype(np.dtype(times)))
        u = file.create_dataset("spikes/units", (4,), dtype=h5py.vlen_dtype(np.dtype("u2")))
        for sample in range(4):
            t[sample], u[sample] = [0.0625], [sample]
        file["labels"] = labels
    return folder / "a.h5"


def npz(folder: Path, labels: Any = LABELS, times: str = "f8") -> Path:
    """The same in an archive."""
    times_ms = np.full(4, 62.5, times)
    np.savez(folder / "a.npz", times_ms=times_ms, units=np.arange(4), offsets=np.arange(5), labels=labels)
    return folder / "a.npz"


def classes(folder: Path, text: str = "t,x,y,p\n1,0,0,1\n", names: tuple[str, ...] = ("a", "b")) -> Path:
    """A folder per class with a table in each."""
    for name in names:
        (folder / "set" / name).mkdir(parents=True)
        (folder / "set" / name / "1.csv").write_text(text, encoding="utf-8")
    return folder / "set"


def own(path: Path, **settings: Any) -> list[int]:
    """The labels of a set of one's own, whose spikes are where they were put."""
    return [int(label) for label in ep.data.own(path, trial=100.0, **settings).spikes.labels]


def file(path: Path) -> list[int]:
    """The labels of a file in the layout of SHD; its times are right."""
    spikes = ep.Spikes.from_hdf5(path)
    assert spikes.times_ms.tolist() == [62.5] * 4
    return [int(label) for label in spikes.labels]


def spikes(labels: Any) -> list[int]:
    """The labels of spikes from arrays."""
    return [int(label) for label in ep.Spikes([([1.0], [0])] * 4, labels).labels]


def table(folder: Path, text: str, **options: Any) -> list[int]:
    """The columns x of a table."""
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return [int(x) for x in ep.data.read_events(folder / "t.csv", **options).events["x"]]


Cell = Callable[[Path], Any]

BARE = "5,0,1,1000\n6,0,1,9000\n"

WHAT: dict[str, Any] = {
    "labels as floats": [0, 1, 0, 1],
    "labels in a column": [0, 1, 0, 1],
    "labels in a row": [0, 1, 0, 1],
    "labels as booleans": [0, 1, 0, 1],
    "one-hot labels": "in a row or a column",
    "half a label": "whole number",
    "a block of the user": [0, 1, 0, 1],
    "float16 times": [0, 1, 0, 1],
    "a byte order mark": [5, 6],
    "columns": [5, 6],
    "a format that is not that of the file": ".",
    "columns for what has none": "leave",
    "classes 10, 2, 9": ["2", "9", "10"],
}
"""What people bring, and what comes of it: a result, or words of the refusal."""

WHERE = ("HDF5, own", "HDF5, from_hdf5", "npz", "folder", "table", "arrays")

NOT_THERE = None
"""A cell of a thing that cannot come in by this door."""

# `classes` of two samples are brought to the labels or columns of the other doors.
CELLS: dict[str, tuple[Cell | None, ...]] = {
    "labels as floats": (
        lambda at: own(hdf5(at, LABELS.astype("f8"))),
        lambda at: file(hdf5(at, LABELS.astype("f8"))),
        lambda at: own(npz(at, LABELS.astype("f8"))),
        NOT_THERE,
        NOT_THERE,
        lambda at: spikes(LABELS.astype("f8")),
    ),
    "labels in a column": (
        lambda at: own(hdf5(at, LABELS[:, None])),
        lambda at: file(hdf5(at, LABELS[:, None])),
        lambda at: own(npz(at, LABELS[:, None])),
        NOT_THERE,
        NOT_THERE,
        lambda at: spikes(LABELS[:, None]),
    ),
    "labels in a row": (
        lambda at: own(hdf5(at, LABELS[None, :])),
        lambda at: file(hdf5(at, LABELS[None, :])),
        lambda at: own(npz(at, LABELS[None, :])),
        NOT_THERE,
        NOT_THERE,
        lambda at: spikes(LABELS[None, :]),
    ),
    "labels as booleans": (
        lambda at: own(hdf5(at, LABELS > 0)),
        lambda at: file(hdf5(at, LABELS > 0)),
        lambda at: own(npz(at, LABELS > 0)),
        NOT_THERE,
        NOT_THERE,
        lambda at: spikes(LABELS > 0),
    ),
    "one-hot labels": (
        lambda at: own(hdf5(at, ONE_HOT)),
        lambda at: file(hdf5(at, ONE_HOT)),
        lambda at: own(npz(at, ONE_HOT)),
        NOT_THERE,
        NOT_THERE,
        lambda at: spikes(ONE_HOT),
    ),
    "half a label": (
        lambda at: own(hdf5(at, LABELS + 0.5)),
        lambda at: file(hdf5(at, LABELS + 0.5)),
        lambda at: own(npz(at, LABELS + 0.5)),
        NOT_THERE,
        NOT_THERE,
        lambda at: spikes(LABELS + 0.5),
    ),
    "a block of the user": (
        lambda at: own(hdf5(at, userblock_size=512)),
        lambda at: file(hdf5(at, userblock_size=512)),
        NOT_THERE,
        NOT_THERE,
        NOT_THERE,
        NOT_THERE,
    ),
    "float16 times": (
        lambda at: own(hdf5(at, times="f2")),
        lambda at: file(hdf5(at, times="f2")),
        NOT_THERE,
        NOT_THERE,
        NOT_THERE,
        lambda at: [int(x) for x in ep.Spikes([(np.ones(1, "f2"), [0])] * 4, LABELS).labels],
    ),
    "a byte order mark": (
        NOT_THERE,
        NOT_THERE,
        NOT_THERE,
        lambda at: columns_of(classes(at, "\ufeffx,y,p,t\n" + BARE)),
        lambda at: table(at, "\ufeffx,y,p,t\n" + BARE),
        NOT_THERE,
    ),
    "columns": (
        NOT_THERE,
        NOT_THERE,
        NOT_THERE,
        lambda at: columns_of(classes(at, "%geometry:7,1\n" + BARE), columns="x,y,p,t"),
        lambda at: table(at, "%geometry:7,1\n" + BARE, columns=["x", "y", "p", "t"]),
        NOT_THERE,
    ),
    "a format that is not that of the file": (
        lambda at: own(hdf5(at), format="es"),
        NOT_THERE,
        lambda at: own(npz(at), format="es"),
        lambda at: own(classes(at), format="es"),
        lambda at: table(at, "t,x\n1,0\n", format="es"),
        NOT_THERE,
    ),
    "columns for what has none": (
        lambda at: own(hdf5(at), columns="t,x"),
        NOT_THERE,
        lambda at: own(npz(at), columns="t,x"),
        lambda at: own(binary(at), columns="t,x"),
        lambda at: ep.data.read_events(binary(at) / "a" / "1", columns="t,x"),
        NOT_THERE,
    ),
    "classes 10, 2, 9": (
        NOT_THERE,
        NOT_THERE,
        NOT_THERE,
        lambda at: ep.data.own(classes(at, names=("10", "2", "9")), trial=100.0).names,
        NOT_THERE,
        NOT_THERE,
    ),
}


def columns_of(folder: Path, **settings: Any) -> list[int]:
    """The columns of the pixels that spike in the first sample; a sensor of 7 columns and a row."""
    data = ep.data.own(folder, trial=100.0, polarity="merge", **settings)
    assert data.camera == (7, 1, 1)
    _, neurons = data.spikes[0]
    return [int(neuron) for neuron in neurons]


def binary(folder: Path) -> Path:
    """A folder of a class with a recording that is no table."""
    (folder / "set" / "a").mkdir(parents=True)
    events = np.array([(0, 0, 0, 1)], [("t", "i8"), ("x", "i8"), ("y", "i8"), ("p", "i8")])
    ep.data.write_events(folder / "set" / "a" / "1", events, sensor_size=(2, 2, 2), format="es")
    return folder / "set"


def test_every_cell_is_filled() -> None:
    assert set(CELLS) == set(WHAT)
    assert all(len(cells) == len(WHERE) for cells in CELLS.values())


@pytest.mark.parametrize(("what", "where"), list(itertools.product(WHAT, range(len(WHERE)))))
def test_a_thing_at_a_door(what: str, where: int, tmp_path: Path) -> None:
    cell, expected = CELLS[what][where], WHAT[what]
    if cell is None:
        return
    if isinstance(expected, str):
        with pytest.raises(ValueError, match=expected):
            cell(tmp_path)
    else:
        assert cell(tmp_path) == expected, WHERE[where]


def test_recordings_of_people_and_takes_are_read(tmp_path: Path) -> None:
    for name in ("a", "b"):
        for below in ("", "anna", "ben/take 1"):
            (tmp_path / name / below).mkdir(parents=True, exist_ok=True)
            (tmp_path / name / below / "1.csv").write_text("t,x\n1,0\n")
    assert own(tmp_path) == [0, 0, 0, 1, 1, 1]
    (tmp_path / "notes.txt").write_text("")
    with pytest.warns(UserWarning, match=r"not read \(1\).*notes.txt"):
        own(tmp_path)


def test_settings_that_have_no_use_are_refused(tmp_path: Path) -> None:
    archive = npz(tmp_path)
    for setting in ({"side": 8}, {"polarity": "on"}, {"origin": "file"}):
        with pytest.raises(ValueError, match=next(iter(setting))):
            own(archive, **setting)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("train", lambda: ep.data.yinyang(train=9, published=True)),
        ("test_seed", lambda: ep.data.yinyang(test_seed=9, published=True)),
        ("speaker", lambda: ep.data.shd(speaker=2)),
        ("speaker", lambda: ep.data.dvs_gesture(speaker=2)),
        ("delay", lambda: ep.data.ssc(delay=9.0)),
    ],
)
def test_arguments_that_change_nothing_are_refused(name: str, call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=f"^{name} is .* has no use"):
        call()
