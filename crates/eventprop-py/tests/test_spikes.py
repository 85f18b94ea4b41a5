"""Spike trains: made from what the field has, cut, kept, given back."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest


def some() -> ep.Spikes:
    return ep.Spikes([([3.0, 1.0, 1.0], [0, 2, 1]), ([], []), ([0.5], [2])], labels=[1, 0, 2])


def test_events_are_sorted_by_time_and_neuron() -> None:
    times, neurons = some()[0]
    assert times.tolist() == [1.0, 1.0, 3.0] and neurons.tolist() == [1, 2, 0]


def test_slices_masks_and_sums() -> None:
    spikes = some()
    assert spikes[1:] == ep.Spikes([([], []), ([0.5], [2])], [0, 2])
    assert spikes[[2, 0]] == ep.Spikes([([0.5], [2]), ([1.0, 1.0, 3.0], [1, 2, 0])], [2, 1])
    assert spikes[np.array([True, False, True])] == spikes[::2]
    assert spikes[:1] + spikes[1:] == spikes
    assert spikes[-1][1].tolist() == [2]
    assert [len(times) for times, _ in spikes] == [3, 0, 1]
    assert spikes[:0] == ep.Spikes([], []) and len(spikes[:0]) == 0
    with pytest.raises(IndexError, match="sample 3 of 3"):
        spikes[3]
    assert spikes.crop(1.0) == ep.Spikes([([], []), ([], []), ([0.5], [2])], [1, 0, 2])
    assert spikes.with_labels(None) != spikes and not spikes.with_labels(None).has_labels


def test_pickled_and_read_only() -> None:
    spikes = some()
    assert pickle.loads(pickle.dumps(spikes)) == spikes
    assert not pickle.loads(pickle.dumps(spikes.with_labels(None))).has_labels
    with pytest.raises(ValueError, match="read-only"):
        spikes.times_ms[0] = 9.0


def test_what_is_given_is_not_changed_or_shared() -> None:
    times = np.array([3.0, 1.0])
    spikes = ep.Spikes.from_csr(times, [0, 1], [0, 2])
    times[0] = 7.0
    assert spikes.times_ms.tolist() == [1.0, 3.0] and times.flags.writeable


def test_dense_in_both_layouts_and_back() -> None:
    rng = np.random.default_rng(0)
    dense = rng.random((4, 10, 3)) < 0.2
    spikes = ep.Spikes.from_dense(dense, [0, 1, 2, 0], dt=0.5)
    assert ep.Spikes.from_dense(dense.swapaxes(0, 1).astype(np.float32), [0, 1, 2, 0], dt=0.5, layout="TBN") == spikes
    np.testing.assert_array_equal(spikes.to_dense(5.0, dt=0.5, neurons=3), dense)
    sample, step, neuron = np.argwhere(dense)[0]
    times, neurons = spikes[int(sample)]
    assert (times[0], neurons[0]) == (step * 0.5, neuron)


def test_events_of_tonic_and_back() -> None:
    kind = [("t", "<i8"), ("x", "<i8"), ("p", "<i8")]
    events = np.array([(2500, 3, 1), (1000, 1, 1)], dtype=kind)
    spikes = ep.Spikes.from_events([events], [4])
    assert spikes == ep.Spikes([([1.0, 2.5], [1, 3])], [4])
    (back,) = spikes.to_events()
    assert back.tolist() == [(1000, 1, 1), (2500, 3, 1)]
    camera = np.array([(7, 2, 1, 1), (9, 0, 0, 0)], dtype=[("t", "u4"), ("x", "u2"), ("y", "u2"), ("p", "?")])
    # (p · height + y) · width + x
    seen = ep.Spikes.from_events(camera, [0], sensor_size=(5, 4, 2), time_unit="ms")
    assert seen == ep.Spikes([([7.0, 9.0], [(1 * 4 + 1) * 5 + 2, 0])], [0])
    with pytest.raises(ValueError, match="sensor_size=.width"):
        ep.Spikes.from_events(camera, [0])
    with pytest.raises(ValueError, match="x runs from 0 to 2"):
        ep.Spikes.from_events(camera, [0], sensor_size=(2, 4, 2))


class DataSet:
    """What a data set of tonic looks like: a length, and pairs that are read when they are asked for."""

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> Any:
        # As data sets of PyTorch may: nothing says where they end but their length.
        return np.array([(1000 * index, index, 1)], dtype=[("t", "<i8"), ("x", "<i8"), ("p", "<i8")]), 3 + index


def test_data_sets_of_tonic_bring_their_classes() -> None:
    expected = ep.Spikes([([0.0], [0]), ([1.0], [1])], [3, 4])
    assert ep.Spikes.from_events(DataSet()) == expected
    assert ep.Spikes.from_events([DataSet()[0], DataSet()[1]]) == expected
    with pytest.raises(ValueError, match="leave labels out"):
        ep.Spikes.from_events(DataSet(), [0, 1])


class Camera(DataSet):
    sensor_size = (4, 3, 2)

    def __getitem__(self, index: int) -> Any:
        return np.array([(0, 2, 1, 1)], dtype=[("t", "i8"), ("x", "u2"), ("y", "u2"), ("p", "i1")]), index


def test_data_sets_of_tonic_bring_the_size_of_their_sensor() -> None:
    assert ep.Spikes.from_events(Camera()).neurons.tolist() == [(3 + 1) * 4 + 2] * 2
    with pytest.raises(ValueError, match=r"sensor_size is \(4, 3\); expected three numbers"):
        ep.Spikes.from_events(Camera(), sensor_size=(4, 3))


def test_frames_of_tonic_are_numbered_like_their_events() -> None:
    events = np.array([(0, 2, 1, 1), (1000, 0, 3, 0)], dtype=[("t", "i8"), ("x", "u2"), ("y", "u2"), ("p", "u1")])
    frames = np.zeros((1, 2, 2, 4, 5), np.float32)  # samples, steps, polarities, height, width
    frames[0, 0, 1, 1, 2] = frames[0, 1, 0, 3, 0] = 1.0
    assert ep.Spikes.from_dense(frames, [0]) == ep.Spikes.from_events([events], [0], sensor_size=(5, 4, 2))
    with pytest.raises(ValueError, match=r"numpy.minimum\(dense, 1\) clips counts"):
        ep.Spikes.from_dense(2.0 * frames, [0])
    with pytest.raises(ValueError, match=r"shape \(2, 40\).*dense\[None\]"):
        ep.Spikes.from_dense(frames.reshape(2, -1))


KINDS = ["f8", "f4"]


def doors(steps: np.ndarray, dt: float, kind: str, folder: Path) -> dict[str, ep.Spikes]:
    """The times steps · dt of one neuron, in numbers of a type, through every door that takes times."""
    ms, s = steps.astype(kind) * np.dtype(kind).type(dt), (steps * dt / 1000).astype(kind)
    zeros = np.zeros(len(steps), int)
    events = np.zeros(len(steps), [("t", kind), ("x", "u2")])
    events["t"] = s
    found = {
        "Spikes": ep.Spikes([(ms, zeros)], [0]),
        "from_csr": ep.Spikes.from_csr(ms, zeros, [0, len(steps)], [0]),
        "from_events": ep.Spikes.from_events([events], [0], time_unit="s"),
    }
    found["pickled"] = pickle.loads(pickle.dumps(found["Spikes"]))
    found["parts"] = found["Spikes"][:1].with_labels([0]) + found["Spikes"][1:]
    found["to_hdf5"] = found["Spikes"]
    found["to_hdf5"].to_hdf5(folder / "a.h5")
    found["from_hdf5"] = ep.Spikes.from_hdf5(folder / "a.h5")
    np.savez(folder / "a.npz", times=s, units=zeros, offsets=[0, len(steps)], labels=[0])
    trial = (int(steps.max()) + 1) * dt
    for name in ("a.h5", "a.npz"):
        found[f"own {name}"] = ep.data.own(folder / name, trial=trial, dt=dt).spikes
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dt", [0.1, 0.3, 1.0])
def test_times_on_the_grid_are_its_steps_at_every_door(kind: str, dt: float, tmp_path: Path) -> None:
    steps = np.arange(1, 900, 2)
    for name, spikes in doors(steps, dt, kind, tmp_path).items():
        seen = spikes.to_dense(1000 * dt, dt=dt, neurons=1)
        assert np.nonzero(seen[0, :, 0])[0].tolist() == steps.tolist(), name


@pytest.mark.parametrize("kind", KINDS)
def test_the_solver_sees_times_on_the_grid_as_exact_ones(kind: str, tmp_path: Path) -> None:
    dt, steps = 0.1, np.arange(1, 900, 2)
    network = ep.Network(dt=dt, trial=100.0)
    network.add_input("i", 1)
    network.add_li("o", 2, tau_mem=0.5, tau_syn=0.2)
    network.connect("i", "o", weight=[[1.0, 0.5]])
    exact = network.evaluate(ep.Spikes([(steps * dt, np.zeros(len(steps), int))], [0]), "sum").readout.V
    for name, spikes in doors(steps, dt, kind, tmp_path).items():
        np.testing.assert_array_equal(network.evaluate(spikes, "sum").readout.V, exact, err_msg=name)


def test_float16_and_float32_values_and_steps() -> None:
    whole = np.arange(1, 200).astype("f2")
    dense = ep.Spikes([(whole * np.float16(0.5), np.zeros(199, int))]).to_dense(100.0, dt=0.5, neurons=1)
    assert np.nonzero(dense[0, :, 0])[0].tolist() == list(range(1, 200))
    values = (np.arange(161) / 160).astype("f4")
    latency = ep.data.latency(values[None], trial=20.0, dt=0.1)
    exact = ep.data.latency((np.arange(161) / 160)[None], trial=20.0, dt=0.1)
    np.testing.assert_array_equal(latency.to_dense(20.0, dt=0.1), exact.to_dense(20.0, dt=0.1))
    assert ep.Network(dt=np.float32(0.1), trial=np.float32(0.3)).dt == 0.1


def one_output(weight: float, trial: float = 10.0) -> ep.Network:
    network = ep.Network(dt=1.0, trial=trial)
    network.add_input("i", 1)
    network.add_li("o", 1, tau_mem=5.0, tau_syn=2.0)
    network.connect("i", "o", weight=[[weight]])
    return network


@pytest.mark.parametrize("solver", ["grid", "event"])
def test_two_spikes_in_one_step_count_twice(solver: str) -> None:
    def loss(times: list[float], weight: float) -> float:
        spikes = ep.Spikes([(times, [0] * len(times))], [0])
        return one_output(weight).evaluate(spikes, ep.loss.Max(), solver=solver).readout.V_max.max()

    assert loss([2.0, 2.0], 1.0) == loss([2.0], 2.0)


def test_times_in_another_unit_are_told() -> None:
    events = np.zeros(3, [("t", "f8"), ("x", "u2")])
    events["t"] = [0.1, 0.2, 0.3]
    with pytest.raises(ValueError, match=r"t\[0\] is 0.1.*time_unit=\"s\""):
        ep.Spikes.from_events([events], [0])
    assert ep.Spikes.from_events([events], [0], time_unit="us").times_ms.tolist() == [1e-4, 2e-4, 3e-4]
    network = one_output(1.0, trial=500.0)
    with pytest.warns(UserWarning, match="within one step of 1.0 ms.*by 1000"):
        network.evaluate(ep.Spikes([([0.1, 0.2, 0.3], [0, 0, 0])], [0]), "sum")
    with pytest.raises(ValueError, match="a clock or a date"):
        network.evaluate(ep.Spikes([([1.6e12], [0])], [0]), "sum")


def test_hdf5_in_the_layout_of_the_heidelberg_sets(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    some().to_hdf5(tmp_path / "some.h5")
    with h5py.File(tmp_path / "some.h5") as file:
        assert file["spikes/times"][0].tolist() == [0.001, 0.001, 0.003]
        assert file["spikes/units"][0].tolist() == [1, 2, 0]
        assert file["labels"][:].tolist() == [1, 0, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["some.h5"]
    assert ep.Spikes.from_hdf5(tmp_path / "some.h5") == some()
    in_ms = tmp_path / "ms.h5"
    ep.Spikes([([1000.0, 300000.0], [0, 1])], [0]).to_hdf5(in_ms)
    with pytest.warns(UserWarning, match=r"ms.h5: samples last up to 300 s.*time_unit=\"ms\""):
        ep.Spikes.from_hdf5(in_ms)
    assert ep.Spikes.from_hdf5(in_ms, time_unit="ms").times_ms.tolist() == [1.0, 300.0]
    some().to_hdf5(tmp_path / "some.h5", speakers=[3, 0, 3], names=["a", "b", "c"])
    with h5py.File(tmp_path / "some.h5") as file:
        assert file["extra/speaker"][:].tolist() == [3, 0, 3]
        assert file["extra/keys"][:].tolist() == [b"a", b"b", b"c"]


class Tensor:
    """What a torch tensor with a gradient looks like: it has no array until it is detached."""

    def __init__(self, value: Any, attached: bool = True) -> None:
        self.value, self.attached = np.asarray(value), attached

    def detach(self) -> Tensor:
        return Tensor(self.value, attached=False)

    def cpu(self) -> Tensor:
        return self

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        assert not self.attached, "a tensor with a gradient has no array"
        return self.value if dtype is None else self.value.astype(dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape

    def __len__(self) -> int:
        return len(self.value)


class Capsule:
    """Something that offers DLPack and nothing else."""

    def __init__(self, value: Any) -> None:
        self.value = np.asarray(value)

    def __dlpack__(self, **how: Any) -> Any:
        return self.value.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.value.__dlpack_device__()

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape


@pytest.mark.parametrize("kind", [Tensor, Capsule])
def test_tensors_without_their_library(kind: Any) -> None:
    imported = "torch" in sys.modules
    assert ep.Spikes([(kind([1.0, 3.0]), kind([1, 2]))], kind([1])) == ep.Spikes([([1.0, 3.0], [1, 2])], [1])
    net = ep.Network(1.0, 10.0)
    net.add_input("in", 2)
    net.add_li("out", 1)
    net.connect("in", "out", kind([[1.0], [2.0]]))
    assert net.params["in->out"].tolist() == [[1.0], [2.0]]
    assert imported or "torch" not in sys.modules


def test_samples_side_by_side_are_a_view() -> None:
    spikes = ep.Spikes([([1.0, 2.0], [0, 1]), ([3.0], [1]), ([], []), ([4.0, 5.0], [0, 0])], labels=[0, 1, 0, 1])
    spikes = spikes.with_amplitudes(np.arange(5.0))
    for start, end in ((0, 4), (1, 3), (2, 2), (3, 99), (-2, None), (3, 1), (None, None)):
        part, copied = spikes[start:end], spikes[np.arange(4)[start:end]]
        assert part == copied
        assert part.times_ms.base is not None or len(part.times_ms) == 0
    assert spikes[::2] == spikes[[0, 2]] and spikes[::-1] == spikes[[3, 2, 1, 0]]
