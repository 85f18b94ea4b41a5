"""Files of event cameras and other lists of (time, channel)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine
from .._warning import warn

__all__ = ["Recording", "read_events", "write_events"]

_EVENT = [("t", np.int64), ("x", np.int64), ("y", np.int64), ("p", np.int64)]


@dataclass(frozen=True)
class Recording:
    """Events of a file."""

    events: npt.NDArray[Any]
    """A structured array with tonic's fields `t` (µs), `x`, `y` and `p` (1 for ON), in order of time."""
    sensor_size: tuple[int, int, int]
    """Width, height and number of polarities, as `Spikes.from_events` takes them; height 1 for a list of channels."""
    format: str
    """The format of the file."""
    notes: list[str]
    """What the reader skipped or put right."""


def read_events(
    path: str | os.PathLike[str],
    *,
    format: str | None = None,
    columns: Sequence[str] | str | None = None,
    origin: str = "first_event",
) -> Recording:
    """Reads a recording; the format is recognised by the content.

    `Spikes.from_events([r.events], sensor_size=r.sensor_size)` makes spikes of it.

    Parameters
    ----------
    path
        AEDAT 2.0, 3.1 or 4.0, N-MNIST's five bytes, Prophesee EVT 2.0, 2.1 or 3.0 or DAT, Event Stream,
        HDF5 of cameras or MATLAB 7.3, NumPy or text.
    format
        The format, where the content does not tell.
    columns
        Meaning of the columns of a table without names: `t` (µs), `t_ms` or `t_s`; `x`, `y`, `p`, or
        `channel`; `_` for what is not read. A list, or text with commas.
    origin
        What times count from: the `"first_event"`, or the zero of the `"file"`; `"first"` and `"zero"` for short.
    """
    read = _engine.read_events(os.fspath(path), format, column_names(columns), origin)
    for note in read["notes"]:
        warn(f"{os.fspath(path)}: {note}")
    events = np.zeros(len(read["t"]), _EVENT)
    for field, _ in _EVENT:
        events[field] = read[field]
    return Recording(events, read["sensor_size"], read["format"], read["notes"])


def column_names(columns: Sequence[str] | str | None) -> list[str] | None:
    """The columns of a table: a list, or text with commas as on the command line."""
    if columns is None:
        return None
    return columns.split(",") if isinstance(columns, str) else list(columns)


def write_events(
    path: str | os.PathLike[str],
    events: npt.NDArray[Any],
    *,
    sensor_size: Sequence[int],
    format: str = "npy",
) -> None:
    """Writes a recording. The file appears only when it is complete.

    Parameters
    ----------
    path
        The file.
    events
        A structured array with the fields `t` (µs) and `x`, and `y` and `p` where a camera has them.
    sensor_size
        `(width, height, polarities)`; height 1 for a list of channels.
    format
        `"npy"`, `"csv"`, `"aedat3.1"`, `"nmnist"`, `"dat"` or `"es"`.
    """
    names = getattr(getattr(events, "dtype", None), "names", None) or ()
    if "t" not in names or "x" not in names:
        raise TypeError(f"events has the fields {list(names)}; expected a structured array with t and x")
    size = [_arrays.whole("sensor_size", one, 1, 65536) for one in sensor_size]
    if len(size) != 3:
        raise ValueError(f"sensor_size is {tuple(sensor_size)}; expected (width, height, polarities)")
    order = np.argsort(events["t"], kind="stable")
    table = {name: np.zeros(len(events), np.int64) for name, _ in _EVENT}
    for name, most in (("t", 2**62), ("x", size[0] - 1), ("y", size[1] - 1), ("p", size[2] - 1)):
        if name in names:
            found = _arrays.array(f"events[{name!r}]", events[name]).astype(np.int64)[order]
            least = -(2**62) if name == "t" else 0
            wrong = np.flatnonzero((found < least) | (found > most))
            if wrong.size:
                value = found[wrong[0]]
                raise ValueError(f"{name} of event {order[wrong[0]]} is {value}; sensor_size allows 0 to {most}")
            table[name] = found
    _engine.write_events(os.fspath(path), table, (size[0], size[1], size[2]), format)
