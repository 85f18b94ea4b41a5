"""Data sets: those of the benchmarks, and your own recordings."""

from __future__ import annotations

import os
import pathlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


from .. import _arrays, _engine
from .._warning import warn
from ..progress import Bar
from ..spikes import Spikes
from ._recordings import column_names

__all__ = ["OwnData", "Parts", "benchmark", "dvs_gesture", "fetch", "mnist", "nmnist", "own", "shd", "smnist", "ssc", "yinyang"]

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
    """Points in the Yin-Yang symbol (Kriener et al. 2022), 5 spikes each, 3 classes.

    Neuron 0 is a bias that spikes at 2 dt, neurons 1 to 4 are x, y, 1 − x and 1 − y.

    Parameters
    ----------
    train, validation, test
        Numbers of samples, each a multiple of 3 or rounded up to one.
    trial, dt
        The latency code of a trial in ms: coordinate 0 is 2 dt, coordinate 1 is trial − 2 dt.
    published
        The 5000, 1000 and 1000 published samples instead, bit for bit; sizes and seeds then have no use.
    seed, test_seed
        Seeds of the generated samples.
    """
    params: dict[str, Any] = {"TRIAL_MS": trial, "DT_MS": dt, "TRAIN_DATA_SEED": seed, "TEST_DATA_SEED": test_seed}
    sizes = {"N_TRAIN": train, "N_VALIDATE": validation, "N_TEST": test}
    if published:
        given = (train, validation, test, seed, test_seed)
        for name, value, default in zip(("train", "validation", "test", "seed", "test_seed"), given, _YINYANG):
            _unused(name, value, default, "for the published samples")
        params["DATA"] = "published"
        return benchmark("yinyang", params | {"N_BATCH": 1})
    for name, (key, size) in zip(("train", "validation", "test"), sizes.items()):
        size = _arrays.whole(name, size, 0)
        _engine.check_count(name, size, "its samples", _POINT_BYTES)
        params[key] = -(-size // 3)
    parts = benchmark("yinyang", params | {"N_BATCH": 1})
    return Parts(parts.train[:train], parts.validation[:validation], parts.test[:test], parts.inputs, parts.classes)


# A point with its class and its places in the part; its five spikes, offset and label, which are cut to size once more.
_POINT_BYTES = 49.0 + 2 * (5 * 12.0 + 12.0)

_YINYANG = (5000, 1000, 1000, 123, 456)


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
    return _set("mnist", locals())


def shd(
    *,
    train: int = 7644,
    validation: int = 512,
    test: int | None = None,
    trial: float = 1400.0,
    dt: float = 1.0,
    evaluation: str = "random",
    speaker: int = 0,
    delays: int = 0,
    delay: float = 50.0,
    seed: int = 123,
    test_seed: int = 456,
    data_dir: Path = None,
) -> Parts:
    """Spoken digits, the Spiking Heidelberg Digits (Cramer et al. 2020): 700 channels, 20 classes.

    Times are those of steps: t becomes ⌊t / dt⌋ · dt, and a channel spikes at most once in a step. The
    whole set takes 0.9 GB. Without the files a few synthetic samples stand in, with a warning.

    Parameters
    ----------
    train, validation, test
        Most samples of each part; `None` for all of the test file. `validation` counts with
        `evaluation="random"`.
    trial, dt
        Length of a trial and of a step in ms; later spikes are cut off.
    evaluation
        What is validated on: `"random"` samples of the training file, or one `"speaker"` of it.
    speaker
        The speaker who is left out, by place in the ascending list of speakers.
    delays, delay
        Delayed copies of the whole input beside the undelayed one, and the delay from one to the next
        in ms: neuron copy · 700 + channel.
    seed, test_seed
        Seeds of the split, and of draws for test samples.
    data_dir
        Folder of the files.
    """
    if evaluation != "speaker":
        _unused("speaker", speaker, 0, 'without evaluation="speaker"')
    if delays == 0:
        _unused("delay", delay, 50.0, "without delays")
    return _set("shd", locals())


def ssc(
    *,
    train: int = 75466,
    validation: int = 9981,
    test: int | None = None,
    trial: float = 1400.0,
    dt: float = 1.0,
    evaluation: str = "validation_set",
    delays: int = 0,
    delay: float = 50.0,
    seed: int = 123,
    test_seed: int = 456,
    data_dir: Path = None,
) -> Parts:
    """The Spiking Speech Commands (Cramer et al. 2020): 700 channels, 35 classes.

    As `shd`. The whole set takes 10 GB, so take a part of it.

    Parameters
    ----------
    train, validation, test
        Most samples of each part; `None` for all of the test file. `validation` counts with
        `evaluation="random"`; the validation file is taken whole.
    trial, dt, delays, delay, seed, test_seed, data_dir
        As for `shd`.
    evaluation
        What is validated on: the `"validation_set"`, or `"random"` samples of the training file.
    """
    if delays == 0:
        _unused("delay", delay, 50.0, "without delays")
    return _set("ssc", locals())


def smnist(
    *,
    train: int = 55000,
    validation: int = 5000,
    test: int | None = None,
    trial: float = 1568.0,
    dt: float = 1.0,
    encoding: str = "threshold",
    permute: int | None = None,
    seed: int = 123,
    test_seed: int = 456,
    data_dir: Path = None,
) -> Parts:
    """Sequential MNIST: handwritten digits pixel after pixel, one every 2 ms, 10 classes.

    Without the files the 500 digits that come with the package stand in, with a warning.

    Parameters
    ----------
    train, validation, test
        Most samples of each part; `None` for all test images.
    trial, dt
        Length of a trial and of a step in ms; a sequence has 1568 ms, and later spikes are cut off.
    encoding
        `"threshold"`: 99 channels for grey values that are crossed from one pixel to the next.
        `"pixel"`: 16 channels for the grey value of every pixel.
    permute
        Seed of an order of the pixels that is the same for all images; `None` for row by row.
    seed, test_seed
        Seeds of the split, and of draws for test samples.
    data_dir
        Folder of the files.
    """
    return _set("smnist", locals())


def nmnist(
    *,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    trial: float = 320.0,
    dt: float = 1.0,
    side: int = 34,
    polarity: str = "separate",
    seed: int = 123,
    test_seed: int = 456,
    data_dir: Path = None,
) -> Parts:
    """Digits before a moving event camera, N-MNIST (Orchard et al. 2015): 34 × 34 pixels, 10 classes.

    Without the files a few digits before a synthetic camera stand in, with a warning.

    Parameters
    ----------
    train, validation, test
        Most samples of each part; `None` for all, and for a tenth of the training recordings.
    trial, dt
        Length of a trial and of a step in ms; later events are cut off.
    side, polarity
        As for `own`.
    seed, test_seed
        Seeds of the split, and of draws for test samples.
    data_dir
        Folder that holds `Train/0` to `Test/9`, or `nmnist/` with them.
    """
    return _set("nmnist", locals())


def dvs_gesture(
    *,
    train: int = 1045,
    validation: int = 32,
    test: int | None = None,
    trial: float = 18000.0,
    dt: float = 1.0,
    side: int = 32,
    polarity: str = "separate",
    clip_start: float = 0.0,
    clip_end: float | None = None,
    evaluation: str = "random",
    speaker: int = 0,
    seed: int = 123,
    test_seed: int = 456,
    data_dir: Path = None,
) -> Parts:
    """Gestures before an event camera, DVS128 Gesture (Amir et al. 2017): 128 × 128 pixels, 11 classes.

    Without the files synthetic clips of moving hands stand in, with a warning.

    Parameters
    ----------
    train, validation, test
        Most samples of each part; `None` for all of the test part. People are drawn for validation until
        they have so many clips, and no clip of theirs is trained on.
    trial, dt
        Length of a trial and of a step in ms; later events are cut off.
    side, polarity
        As for `own`.
    clip_start, clip_end
        What is taken of every clip, in ms; `None` for its end.
    evaluation, speaker
        What is validated on: clips of people drawn at `"random"`, or of one, the `"speaker"`, by place in
        the ascending list of people.
    seed, test_seed
        Seeds of the split, and of draws for test samples.
    data_dir
        Folder of the recordings, or of tonic's clips.
    """
    if evaluation != "speaker":
        _unused("speaker", speaker, 0, 'without evaluation="speaker"')
    return _set("dvs-gesture", locals())


def _unused(name: str, value: Any, default: Any, why: str) -> None:
    """Refuses an argument that is not at its default and changes nothing."""
    if value != default:
        raise ValueError(f"{name} is {value!r}, which has no use {why}; leave it out")


_KEYS = {
    "train": "N_TRAIN",
    "validation": "N_VALIDATE",
    "test": "N_TEST",
    "trial": "TRIAL_MS",
    "dt": "DT_MS",
    "evaluation": "EVALUATION",
    "speaker": "SPEAKER_LEFT",
    "delays": "N_INPUT_DELAY",
    "delay": "INPUT_DELAY",
    "encoding": "SMNIST_ENCODING",
    "permute": "PERMUTE_SEED",
    "side": "CAMERA_SIDE",
    "polarity": "POLARITY",
    "clip_start": "CLIP_START_MS",
    "clip_end": "CLIP_END_MS",
    "seed": "TRAIN_DATA_SEED",
    "test_seed": "TEST_DATA_SEED",
}


def _set(benchmark_name: str, given: dict[str, Any]) -> Parts:
    """The data of a benchmark with arguments in place of its parameters."""
    params = {}
    try:
        for name, key in _KEYS.items():
            if name in given:
                _, params[key] = _engine.accept_parameter(benchmark_name, key, given[name])
        return benchmark(benchmark_name, params | {"N_BATCH": 1}, data_dir=given["data_dir"])
    except (TypeError, ValueError) as error:
        # The names that were written, not those of the parameters they stand for.
        text = str(error)
        for name, key in _KEYS.items():
            if name in given:
                text = re.sub(rf"\b{key}\b", name, text)
        raise type(error)(text) from None


def fetch(name: str, *, data_dir: Path = None, progress: bool | None = None) -> list[pathlib.Path]:
    """Downloads what is missing of a data set, and checks it. What is there and whole is left alone.

    Parameters
    ----------
    name
        `"mnist"`, `"shd"` or `"ssc"`. `"nmnist"` and `"dvs-gesture"` must be downloaded manually: the error says how.
    data_dir
        Folder for data sets; `None` for that of `EVENTPROP_DATA`, else that of the system.
    progress
        Whether to show a bar; `None` for only in a terminal or notebook.

    Returns
    -------
    Paths of the files.
    """
    with Bar(1.0, progress) as bar:

        def show(file: str, done: int, total: int | None) -> None:
            if bar.due() and total:
                bar.show(done / total, f"{file}: {done / 1e6:.1f} of {total / 1e6:.1f} MB")

        return [pathlib.Path(path) for path in _engine.fetch_data(name, _folder(data_dir), show)]


def benchmark(name: str, params: dict[str, Any] | None = None, *, data_dir: Path = None) -> Parts:
    """The data of a benchmark as its runs see them, without what is drawn anew in every epoch.

    Parameters
    ----------
    name
        `"yinyang"`, `"mnist"`, `"shd"`, `"ssc"`, `"smnist"`, `"nmnist"`, `"dvs-gesture"` or `"custom"`.
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
    loaded = _engine.load_data(name, list((params or {}).items()), _folder(data_dir))
    for notice in loaded["notices"]:
        warn(notice)
    train, validation, test = (Spikes._of(*loaded[part]) for part in ("train", "validation", "test"))
    return Parts(train, validation, test, loaded["inputs"], loaded["classes"])


@dataclass(frozen=True)
class OwnData:
    """Your own recordings as spike trains."""

    spikes: Spikes
    """The samples, with classes."""
    inputs: int
    """Number of input neurons."""
    classes: int
    """Number of classes."""
    names: list[str]
    """Names of the classes by number; empty where the file has none."""
    camera: tuple[int, int, int] | None
    """Columns, rows and copies of the inputs of a camera: neuron (y · columns + x) · copies + polarity."""
    _shape: _engine.Shape = field(repr=False, compare=False)


def own(
    path: str | os.PathLike[str],
    *,
    trial: float,
    dt: float = 1.0,
    side: int = 32,
    polarity: str = "separate",
    origin: str = "first_event",
    format: str | None = None,
    columns: Sequence[str] | str | None = None,
    like: OwnData | None = None,
    merge_spikes: bool = False,
) -> OwnData:
    """Your own recordings as spikes on steps of a trial.

    Parameters
    ----------
    path
        A folder with a folder per class, named as the class, that holds recordings in any format of
        `read_events`, also in folders below it; or one file of spike trains: HDF5 in the layout of SHD, or `.npz` with `times_ms`
        (or `times` in s), `units`, `offsets` and `labels`.
    trial, dt
        Length of a trial and of a step in ms; later events are cut off, with a warning.
    side
        Pixels of the longer side on which a camera's picture is drawn; never more than it has.
    polarity
        What becomes of a camera's polarities: `"separate"` inputs, `"merge"` them, or only `"on"`.
    origin
        What the times of a recording count from: its `"first_event"`, or the zero of the `"file"`.
    format, columns
        The format of the recordings and the columns of tables without names, as for `read_events`.
    like
        What was trained on: classes, sensor and inputs are then those, and what does not fit is an error.
    merge_spikes
        Whether several spikes of an input in one step count as one, with a warning that says how many; otherwise each
        counts.

    Settings that the content has no use for are errors: those of a camera for channels, all of them for spike trains.
    """
    if like is not None and not isinstance(like, OwnData):
        raise TypeError(f"like is {type(like).__name__}; expected what an earlier own(…) returned")
    shape = None if like is None else like._shape
    recordings = {
        "origin": origin,
        "format": format,
        "columns": column_names(columns),
        "given": [
            name
            for name, value, default in (
                ("side", side, 32),
                ("polarity", polarity, "separate"),
                ("origin", origin, "first_event"),
            )
            if value != default
        ],
    }
    grid = _grid(trial, dt, side, polarity) | {"merge_spikes": bool(merge_spikes)}
    samples, found, notices = _engine.read_own(os.fspath(path), grid, recordings, shape)
    for notice in notices:
        warn(notice)
    return OwnData(Spikes._of(*samples), found.inputs, found.classes, found.names, found.camera, found)


def _grid(trial: float, dt: float, side: int, polarity: str) -> dict[str, Any]:
    return {
        "trial_ms": _arrays.positive("trial", trial),
        "dt_ms": _arrays.positive("dt", dt),
        "side": _arrays.whole("side", side, 1, 65535),
        "polarity": polarity,
    }


def _folder(data_dir: Path) -> str | None:
    return None if data_dir is None else os.fspath(data_dir)
