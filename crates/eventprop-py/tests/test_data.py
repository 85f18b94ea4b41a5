"""Data sets, encoders, recordings and sound."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def write_words(path: Path, samples: int) -> ep.Spikes:
    """A file in the layout of SHD: sample s has two spikes at s and 50 ms on channels s and 699, class s % 20."""
    numbers = np.arange(samples)
    spikes = ep.Spikes([([n, 50.0], [n, 699]) for n in numbers], numbers % 20)
    spikes.to_hdf5(path, speakers=numbers // 20, names=[f"word {n}" for n in range(20)])
    return spikes


def test_spoken_words_from_their_files(tmp_path: Path) -> None:
    write_words(tmp_path / "shd_train.h5", 40)
    test = write_words(tmp_path / "shd_test.h5", 20)
    parts = ep.data.shd(validation=10, trial=60.0, data_dir=tmp_path)
    assert [len(part) for part in parts] == [30, 10, 20]
    assert (parts.inputs, parts.classes) == (700, 20)
    # A float32 in seconds is a little off the whole ms, and a step is the floor.
    assert parts.test == ep.Spikes([([n, 50.0], [n, 699]) for n in range(20)], test.labels)
    with pytest.warns(UserWarning, match="50.0 % of the spikes come after the end"):
        parts = ep.data.shd(evaluation="speaker", speaker=1, trial=40.0, dt=2.0, delays=1, delay=10.0, test=5, data_dir=tmp_path)
    assert [len(part) for part in parts] == [20, 20, 5] and parts.inputs == 1400
    assert parts.test[3][0].tolist() == [2.0, 12.0] and parts.test[3][1].tolist() == [3, 703]
    with pytest.raises(FileNotFoundError, match="ssc_test.h5"):
        ep.data.ssc(data_dir=tmp_path)


def test_a_damaged_file_is_no_missing_file(tmp_path: Path) -> None:
    write_words(tmp_path / "shd_test.h5", 20)
    whole = (tmp_path / "shd_test.h5").read_bytes()
    (tmp_path / "shd_test.h5").write_bytes(whole[:-100])
    with pytest.raises(ValueError, match=r"shd_test.h5.*cut off"):
        ep.data.shd(data_dir=tmp_path)
    with pytest.raises(ValueError, match=r"shd_test.h5.*cut off"):
        ep.Spikes.from_hdf5(tmp_path / "shd_test.h5")


def test_speech_commands_have_a_validation_file(tmp_path: Path) -> None:
    for name, size in (("train", 30), ("valid", 12), ("test", 6)):
        write_words(tmp_path / f"ssc_{name}.h5", size)
    parts = ep.data.ssc(train=20, trial=60.0, data_dir=tmp_path)
    assert [len(part) for part in parts] == [20, 12, 6] and parts.inputs == 700


def test_moving_cameras_see_digits(tmp_path: Path) -> None:
    for part, per_digit in (("Train", 2), ("Test", 1)):
        for digit in range(10):
            for n in range(per_digit):
                events = np.array([(1500, digit, n, 1), (2500, 33, 33, 0)], [(k, int) for k in "txyp"])
                (tmp_path / part / str(digit)).mkdir(parents=True, exist_ok=True)
                path = tmp_path / part / str(digit) / f"{n:05}.bin"
                ep.data.write_events(path, events, sensor_size=(34, 34, 2), format="nmnist")
    with pytest.warns(UserWarning, match="of N-MNIST: figures on a subset are not N-MNIST's"):
        parts = ep.data.nmnist(train=12, validation=8, trial=10.0, data_dir=tmp_path)
    assert [len(part) for part in parts] == [12, 8, 10] and parts.inputs == 2312
    assert sorted(parts.test.labels) == list(range(10))
    digit = int(parts.test.labels[0])
    times, neurons = parts.test[0]
    assert times.tolist() == [1.0, 2.0]
    assert neurons.tolist() == [2 * digit + 1, 2 * (33 * 34 + 33)]
    both = parts.train.labels.tolist() + parts.validation.labels.tolist()
    assert sorted(both) == sorted(2 * list(range(10)))


def test_what_stands_in_for_cameras_and_sequences(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("EVENTPROP_DATA", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.warns(UserWarning, match="DEMONSTRATION") as warned:
        parts = ep.data.smnist(train=40, validation=10, test=20)
    assert warned[0].filename == __file__
    assert [len(part) for part in parts] == [40, 10, 20] and parts.inputs == 99
    # Every event of the sequence spikes twice, in the two steps of its pixel.
    times, neurons = parts.test[0]
    assert set(zip(times[times % 2 == 0] + 1, neurons[times % 2 == 0])) == set(zip(times[times % 2 == 1], neurons[times % 2 == 1]))
    with pytest.warns(UserWarning, match="DEMONSTRATION"):
        permuted = ep.data.smnist(train=40, validation=10, test=20, encoding="pixel", permute=3)
    assert permuted.inputs == 16
    with pytest.warns(UserWarning, match="DEMONSTRATION"):
        parts = ep.data.dvs_gesture(validation=10, test=11, trial=400.0, dt=10.0, side=8, polarity="merge")
    assert parts.inputs == 64 and parts.classes == 11 and len(parts.validation) >= 10 and len(parts.test) == 11


def events_of(label: int, n: int) -> Any:
    """ON events of a camera of 4 × 2 pixels in the column of the class, from 5 ms on."""
    return np.array([(5000 + 1000 * k, label, k % 2, 1) for k in range(n)], [(k, int) for k in "txyp"])


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    for label, name in enumerate(("left", "right")):
        (tmp_path / "train" / name).mkdir(parents=True)
        for n in (1, 2, 3):
            path = tmp_path / "train" / name / f"{n}.npy"
            ep.data.write_events(path, events_of(label, n), sensor_size=(4, 2, 2))
    (tmp_path / "test" / "right").mkdir(parents=True)
    ep.data.write_events(tmp_path / "test/right/1.npy", events_of(0, 1), sensor_size=(4, 2, 2))
    train = ep.data.own(tmp_path / "train", trial=10.0)
    assert train.names == ["left", "right"] and train.classes == 2
    assert train.camera is not None and train.inputs == np.prod(train.camera)
    assert train.spikes.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert train.spikes[2][0].tolist() == [0.0, 1.0, 2.0]
    with pytest.warns(UserWarning, match="1 of the 2 classes of the training set have no sample here: left"):
        test = ep.data.own(tmp_path / "test", trial=10.0, like=train)
    assert test.spikes.labels.tolist() == [1] and test.inputs == train.inputs and test.names == train.names
    (tmp_path / "test" / "middle").mkdir()
    (tmp_path / "test/right/1.npy").rename(tmp_path / "test/middle/1.npy")
    with pytest.raises(ValueError, match="class \"middle\" is not in the training set"):
        ep.data.own(tmp_path / "test", trial=10.0, like=train)


def test_files_of_ones_own(tmp_path: Path) -> None:
    spikes = ep.Spikes([([1.25, 3.0], [4, 2]), ([0.0], [1])], [1, 0])
    spikes.to_hdf5(tmp_path / "mine.h5", names=["no", "yes"])
    loaded = ep.data.own(tmp_path / "mine.h5", trial=8.0, dt=0.5)
    assert loaded.names == ["no", "yes"] and loaded.inputs == 5 and loaded.camera is None
    assert loaded.spikes == ep.Spikes([([1.0, 3.0], [4, 2]), ([0.0], [1])], [1, 0])
    np.savez(
        tmp_path / "mine.npz",
        times_ms=spikes.times_ms,
        units=spikes.neurons,
        offsets=spikes.offsets,
        labels=spikes.labels,
    )
    with pytest.warns(UserWarning, match="1 of 3 events come after TRIAL_MS"):
        cropped = ep.data.own(tmp_path / "mine.npz", trial=2.0)
    assert cropped.spikes == ep.Spikes([([1.0], [4]), ([0.0], [1])], [1, 0])


def test_the_encoders_by_hand() -> None:
    # tau ln(v / (v − threshold)): 10 ln 2 for twice the threshold; nothing at the threshold.
    spikes = ep.data.log_latency([[2.0, 1.0, np.nan]], [1], tau=10.0, threshold=1.0)
    assert spikes.times_ms.tolist() == [pytest.approx(10 * np.log(2))] and spikes.neurons.tolist() == [0]
    # Start 0, levels of 1 on a line from 0 to 2.5 in 10 ms, and back down to 0 in 10 ms.
    spikes = ep.data.level_crossing([[[0.0], [2.5], [0.0]], [[1.0], [1.0], [1.0]]], [0, 1], level=1.0, period=10.0)
    assert spikes[0][0].tolist() == pytest.approx([4.0, 8.0, 16.0, 20.0]) and spikes[0][1].tolist() == [0, 0, 1, 1]
    assert len(spikes[1][0]) == 0
    # Series of unequal length, two channels.
    spikes = ep.data.delta([np.array([[0.0, 0.0], [0.0, -1.0]]), np.zeros((5, 2))], threshold=1.0, period=2.0)
    assert spikes == ep.Spikes([([2.0], [3]), ([], [])])
    # Fields −0.5, 0.5, 1.5 of width 2/3; the value lies on the middle one, and the others have exp(−9/8).
    spikes = ep.data.population([[0.0, 0.5]], fields=3, low=0.0, high=1.0, window=10.0)
    assert spikes[0][1].tolist()[0] == 4
    np.testing.assert_allclose(spikes[0][0][spikes[0][1] == 3], 10 * (1 - np.exp(-9 / 8)))


def test_poisson_spikes_belong_to_their_seed() -> None:
    values = np.array([[0.0, 0.5, 1.0]] * 50)
    spikes = ep.data.poisson(values, trial=1000.0, rate=40.0, seed=3)
    assert spikes == ep.data.poisson(values, trial=1000.0, rate=40.0, seed=3)
    assert spikes != ep.data.poisson(values, trial=1000.0, rate=40.0, seed=4)
    counts = np.bincount(spikes.neurons, minlength=3)
    # 50 samples: 1000 and 2000 spikes expected, with standard deviations of 32 and 45; five of them.
    assert counts[0] == 0 and abs(counts[1] - 1000) < 160 and abs(counts[2] - 2000) < 225
    assert pickle.loads(pickle.dumps(spikes[10:20])) == spikes[10:20]


@pytest.mark.parametrize("form", ["npy", "csv", "aedat3.1", "nmnist", "dat", "es"])
def test_recordings_written_and_read(form: str, tmp_path: Path) -> None:
    events = np.array([(4000, 3, 1, 0), (1000, 2, 0, 1)], [(k, int) for k in "txyp"])
    ep.data.write_events(tmp_path / "file", events, sensor_size=(4, 2, 2), format=form)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # formats differ in what they say about the sensor
        read = ep.data.read_events(tmp_path / "file", origin="file")
    assert read.format == form
    for field in "txyp":
        assert read.events[field].tolist() == events[field][::-1].tolist()
    spikes = ep.Spikes.from_events([read.events], sensor_size=read.sensor_size)
    assert spikes.times_ms.tolist() == [1.0, 4.0]


def test_evt3_and_the_origin_of_times(tmp_path: Path) -> None:
    # Time 4096 + 2, row 4, an ON event in column 5; time 4096 + 5, OFF events in columns 6 and 8.
    words = np.array([0x8001, 0x6002, 0x0004, 0x2805, 0x6005, 0x3006, 0x4005], "<u2")
    (tmp_path / "a.raw").write_bytes(b"% evt 3.0\n% geometry 20x10\n% end\n" + words.tobytes())
    read = ep.data.read_events(tmp_path / "a.raw", origin="zero")
    assert (read.format, read.sensor_size, read.notes) == ("evt3", (20, 10, 2), [])
    assert read.events.tolist() == [(4098, 5, 4, 1), (4101, 6, 4, 0), (4101, 8, 4, 0)]
    for origin, first in (("file", 4098), ("first", 0), ("first_event", 0)):
        events = ep.data.read_events(tmp_path / "a.raw", origin=origin).events
        assert events["t"].tolist() == [first, first + 3, first + 3]
    with pytest.raises(ValueError, match='origin is "start"; expected first'):
        ep.data.read_events(tmp_path / "a.raw", origin="start")


def test_a_table_without_names(tmp_path: Path) -> None:
    (tmp_path / "table.txt").write_text("0.5 7 \n0.75 2\n".replace(" \n", "\n"))
    read = ep.data.read_events(tmp_path / "table.txt", columns=["t_ms", "channel"])
    assert read.events["t"].tolist() == [0, 250] and read.events["x"].tolist() == [7, 2]
    assert read.sensor_size[1:] == (1, 1)


@pytest.mark.skipif(DATA is None, reason="EVENTPROP_TEST_DATA names no folder of data")
def test_a_real_recording() -> None:
    assert DATA is not None
    read = ep.data.read_events(Path(DATA) / "event_formats/sample_nmnist.bin")
    assert read.format == "nmnist" and read.sensor_size == (34, 34, 2) and len(read.events) == 4325


def test_sound_becomes_spikes(tmp_path: Path) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    noise = np.random.default_rng(1).normal(0, 0.1, 3000)
    spikes = ep.data.audio([tone, noise], [1, 0], rate=8000, channels=70)
    assert len(spikes) == 2 and spikes.labels.tolist() == [1, 0]
    assert len(spikes.times_ms) > 100 and spikes.neurons.max() < 70 and spikes.times_ms.max() < 510
    again = ep.data.audio([tone, noise], [1, 0], rate=8000, channels=70)
    assert spikes == again
    assert spikes != ep.data.audio([tone, noise], [1, 0], rate=8000, channels=70, seed=1)
    # A file of whole numbers of 16 bits: within half a step of the samples, so of the same size.
    import wave

    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(np.rint(tone * 2**15).astype("<i2").tobytes())
    samples, rate = ep.data.read_sound(tmp_path / "tone.wav")
    assert rate == 8000 and np.abs(samples - tone).max() <= 2**-16
    from_file = ep.data.audio([tmp_path / "tone.wav", noise], rate=8000, channels=70)
    assert 0.8 < len(from_file[0][0]) / len(spikes[0][0]) < 1.25


@pytest.mark.skipif(DATA is None, reason="EVENTPROP_TEST_DATA names no folder of data")
def test_the_spikes_of_the_published_program() -> None:
    assert DATA is not None
    folder = Path(DATA) / "lauscher_reference"
    spikes = ep.data.audio([folder / "spoken_digit.flac"], channels=70, preset="lauscher-2020", exact=True, seed=123)
    times_s, channels = np.load(folder / "reference.npz")["arr_0"]
    found = np.stack([spikes.times_ms * 1e-3, spikes.neurons])
    order = np.lexsort((channels, times_s))
    np.testing.assert_allclose(found, np.stack([times_s, channels])[:, order], rtol=0, atol=1e-9)


@pytest.mark.parametrize("encode", [lambda v: ep.data.latency(v, trial=20.0), lambda v: ep.data.poisson(v, trial=20.0, rate=90.0)])
def test_values_that_a_scaler_rounded_past_their_ends_are_the_ends(encode: Callable[[list[list[float]]], ep.Spikes]) -> None:
    rounded, exact = encode([[1.0000000000000002, -1e-17, 1.0000001]]), encode([[1.0, 0.0, 1.0]])
    assert rounded.times_ms.tolist() == exact.times_ms.tolist()
    with pytest.raises(ValueError, match="from 0 to 1"):
        encode([[1.00001]])
def test_fetch_says_what_it_cannot_do(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"(?s)N-MNIST is not fetched; download it manually .*train.zip  MD5 20959b8e"):
        ep.data.fetch("nmnist", data_dir=tmp_path)
    with pytest.raises(ValueError, match="mnits"):
        ep.data.fetch("mnits", data_dir=tmp_path)


def test_messages_name_the_calls_of_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVENTPROP_DATA", str(tmp_path))
    with pytest.warns(UserWarning, match=r'eventprop.data.fetch\("mnist"\)`.* name their folder with data_dir'):
        ep.data.mnist(train=3, validation=3, test=3)
    with pytest.raises(FileNotFoundError, match=r'`eventprop.data.fetch\("nmnist"\)` says how to get it'):
        ep.data.nmnist(data_dir=tmp_path)
