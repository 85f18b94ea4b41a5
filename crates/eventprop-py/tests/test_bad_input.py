"""What is given wrongly is refused with the right exception, which names it, says what was found and what was expected."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest

NAN = float("nan")


def small() -> ep.Network:
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("in", 3)
    net.add_lif("hid", 2)
    net.add_li("out", 2)
    net.connect("in", "hid", np.ones((3, 2)))
    net.connect("hid", "out", np.ones((2, 2)))
    return net


def firing() -> ep.Network:
    net = small()
    net.params["in->hid"] = np.full((3, 2), 9.0)
    return net


def batch(times: Any = (1.0,), neurons: Any = (0,), label: Any = 0) -> ep.Spikes:
    return ep.Spikes([(times, neurons)], [label])


def event(x: int = 0) -> Any:
    return np.array([(0, x)], [("t", int), ("x", int)])


def connected(weight: Any) -> Any:
    return small().connect("in", "hid", weight)


def large(source: int, target: int, recurrent: bool = False) -> ep.Network:
    """Some 16 GB of weights on each of two projections."""
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("a", source)
    net.add_lif("b", target)
    net.add_lif("c", target)
    net.connect("b" if recurrent else "a", "b", ep.Normal(0.0, 1.0))
    net.connect("b", "c", ep.Normal(0.0, 1.0))
    return net


def long_trial() -> ep.Network:
    net = ep.Network(dt=1e-3, trial=2e6)
    net.add_input("in", 3)
    net.add_li("out", 2)
    net.connect("in", "out", np.ones((3, 2)))
    return net


def wide() -> ep.Network:
    """A sample takes 60 MB of states."""
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("in", 1)
    net.add_lif("hid", 5_000_000)
    net.add_li("out", 1)
    net.connect("in", "hid", ep.Normal(0.0, 1.0))
    net.connect("hid", "out", ep.Normal(0.0, 1.0))
    return net


def many(samples: int = 100_000) -> ep.Spikes:
    times, neurons, offsets = np.ones(1), np.zeros(1, int), np.ones(samples + 1, int)
    offsets[0] = 0
    return ep.Spikes.from_csr(times, neurons, offsets, np.zeros(samples, int))


CASES: list[tuple[str, Any, type[Exception], str]] = [
    # arrays
    ("strings", lambda: connected([["a", "b"]] * 3), TypeError, r"weight of in->hid has dtype <U1; expected numbers"),
    ("complex", lambda: connected(np.ones((3, 2)) * 1j), TypeError, "complex128"),
    ("shape", lambda: connected(np.ones((2, 3))), ValueError, r"shape \(2, 3\); expected \(3, 2\)"),
    ("dimensions", lambda: connected(np.ones(6)), ValueError, r"shape \(6,\); expected \(3, 2\)"),
    ("nan", lambda: connected(np.array([[1, 1], [1, NAN], [1, 1]])), ValueError, r"weight of in->hid\[1, 1\] is nan"),
    ("ragged", lambda: connected([[1.0], [1.0, 2.0], [1.0]]), ValueError, "weight of in->hid"),
    ("empty", lambda: connected([]), ValueError, r"shape \(0,\); expected \(3, 2\)"),
    ("sd", lambda: connected(ep.Normal(0.0, -1.0)), ValueError, "standard deviation is -1"),
    # spikes
    ("negative time", lambda: batch([-0.5]), ValueError, r"sample 0: spike 0 has time -0.5 ms"),
    ("time nan", lambda: batch([NAN]), ValueError, r"samples\[0\] times\[0\] is nan"),
    ("negative neuron", lambda: batch(neurons=[-1]), ValueError, r"neurons\[0\] is -1"),
    ("half neuron", lambda: batch(neurons=[0.5]), ValueError, r"neurons\[0\] is 0.5"),
    ("unequal", lambda: batch([1.0, 2.0], [0]), ValueError, "2 times and 1 neurons"),
    ("no pair", lambda: ep.Spikes([1.0]), TypeError, r"samples\[0\] is float"),
    ("labels missing", lambda: ep.Spikes([([1.0], [0])], [0, 1]), ValueError, "2 entries for 1 samples"),
    ("label -1", lambda: batch(label=-1), ValueError, r"labels\[0\] is -1"),
    ("dense", lambda: ep.Spikes.from_dense(np.full((1, 2, 3), 2)), ValueError, r"dense\[0, 0, 0\] is 2"),
    ("dense shape", lambda: ep.Spikes.from_dense(np.ones((2, 3))), ValueError, "samples, steps and neurons"),
    ("offsets", lambda: ep.Spikes.from_csr([1.0], [0], [0, 2]), ValueError, "ascend from 0"),
    ("events", lambda: ep.Spikes.from_events([np.zeros(2)]), TypeError, r"events\[0\]"),
    ("pickle", lambda: pickle.loads(pickle.dumps(batch()).replace(b"from_csr", b"from_xyz")), AttributeError, "from_xyz"),
    # evaluate
    ("neuron", lambda: small().evaluate(batch(neurons=[3])), ValueError, r"neuron 3, but there are 3 input neurons"),
    ("label", lambda: small().evaluate(batch(label=2)), ValueError, r"label 2, but there are 2 outputs \(0 to 1\)"),
    ("late", lambda: small().evaluate(batch([20.0])), ValueError, r"20.0 ms, outside of the trial of 20.0 ms.*crop"),
    ("no samples", lambda: small().evaluate(ep.Spikes([], [])), ValueError, "batch has no samples"),
    ("no labels", lambda: small().evaluate(ep.Spikes([([], [])])), ValueError, "batch has no labels"),
    ("no spikes object", lambda: small().evaluate([1]), TypeError, "batch is list; expected eventprop.Spikes"),
    ("loss", lambda: small().evaluate(batch(), "summ"), ValueError, "no loss 'summ'; there are sum"),
    ("loss type", lambda: small().evaluate(batch(), 3), TypeError, "loss is 3"),
    ("loss output", lambda: small().evaluate(batch(), "first_spike"), ValueError, "needs LIF neurons"),
    ("loss constant", lambda: small().evaluate(batch(), ep.loss.SumWeighInput(tau=0.0)), ValueError, "TAU_ACCUMULATOR"),
    ("solver", lambda: small().evaluate(batch(), solver="girl"), ValueError, '"grid64"'),
    ("record", lambda: small().evaluate(batch(), record=["hidden.V"]), ValueError, "in, hid, out"),
    ("record input", lambda: small().evaluate(batch(), record=["in.V"]), ValueError, "no state"),
    ("record variable", lambda: small().evaluate(batch(), record=["hid.W"]), ValueError, "V, I, B"),
    ("record adjoint", lambda: small().evaluate(batch(), record="hid.lambda_V"), ValueError, "gradient=True"),
    ("record event", lambda: small().evaluate(batch(), record=["hid.V"], solver="event"), ValueError, "no steps"),
    ("scale", lambda: small().evaluate(batch(), loss_scale="huge"), ValueError, "loss_scale"),
    ("grazing", lambda: small().evaluate(batch(), grazing="limit:0"), ValueError, "limit:x"),
    # networks
    ("no output", lambda: ep.Network(1.0, 20.0).evaluate(batch()), ValueError, "0 input populations"),
    ("dt", lambda: ep.Network(0.0, 20.0), ValueError, "steps of 0 ms"),
    ("dt text", lambda: ep.Network("1", 20.0), TypeError, "dt is '1'"),
    ("seed", lambda: ep.Network(1.0, 20.0, seed=-1), ValueError, "seed is -1"),
    ("size", lambda: small().add_lif("x", 0), ValueError, "size is 0"),
    ("size float", lambda: small().add_lif("x", 2.5), TypeError, "size is 2.5"),
    ("twice", lambda: small().add_lif("hid", 2), ValueError, 'two populations are called "hid"'),
    ("tau", lambda: small().add_lif("x", 2, tau_mem=0.0), ValueError, "tau_mem of neuron 0 is 0"),
    ("tau list", lambda: small().add_lif("x", 2, tau_mem=[1.0]), ValueError, r"tau_mem of 'x' has shape \(1,\)"),
    ("tau nan", lambda: small().add_lif("x", 2, tau_mem=[1.0, NAN]), ValueError, r"tau_mem of 'x'\[1\] is nan"),
    ("reset", lambda: small().add_lif("x", 2, v_reset=1.0), ValueError, "below the threshold"),
    ("refractory", lambda: small().add_lif("x", 2, refractory=-1.0), ValueError, "finite and not negative"),
    ("trainable", lambda: small().add_lif("x", 2, trainable=["v_reset"]), ValueError, "tau_mem, tau_syn"),
    ("delay", lambda: small().connect("in", "hid", np.ones((3, 2)), delay=-1.0), ValueError, "delay of -1 ms"),
    ("late", lambda: small().connect("in", "hid", np.ones((3, 2)), delay=20.0), ValueError, "shorter than the trial of 20 ms"),
    ("ends", lambda: small().connect("in", "hidden", 1), ValueError, "'hidden'.*'hid'"),
    ("into input", lambda: small().connect("hid", "in", np.ones((2, 3))), ValueError, "takes no spikes"),
    ("from li", lambda: small().connect("out", "hid", np.ones((2, 2))), ValueError, "never spike"),
    ("stranger", lambda: small().connect(small().populations[0], "hid", 1), ValueError, "another network"),
    ("param", lambda: small().params["in->out"], KeyError, "in->hid, hid->out"),
    ("param shape", lambda: small().params.__setitem__("in->hid", np.ones(6)), ValueError, r"expected \(3, 2\)"),
    ("delete", lambda: small().params.__delitem__("in->hid"), TypeError, "cannot be deleted"),
    # training
    ("epochs", lambda: small().fit(batch(), epochs=-1), ValueError, "epochs is -1"),
    ("batch size", lambda: small().fit(batch(), batch_size=0), ValueError, "batch_size is 0"),
    ("rate", lambda: small().fit(batch(), optimizer=ep.Adam(-1.0)), ValueError, "learning rate"),
    ("beta", lambda: ep.Adam(beta1=1.0), ValueError, "beta1 is 1.0"),
    ("clip", lambda: ep.Adam(clip=0.0), ValueError, "clip is 0.0"),
    ("freeze", lambda: small().fit(batch(), freeze=["x"]), KeyError, "in->hid, hid->out"),
    ("regularizer", lambda: small().fit(batch(), regularizer={"x": ep.Regularizer()}), KeyError, '"x"'),
    ("diverged", lambda: firing().fit(batch(), epochs=9, optimizer=ep.SGD(1e300)), FloatingPointError, "not finite|grad"),
    # data
    ("latency", lambda: ep.data.latency([[1.5]], trial=20.0), ValueError, "1.5; values must be from 0 to 1"),
    ("latency trial", lambda: ep.data.latency([[0.5]], trial=3.0), ValueError, "TRIAL_MS"),
    ("benchmark", lambda: ep.data.benchmark("mnits"), ValueError, "yinyang, mnist"),
    ("no data", lambda: ep.data.mnist(data_dir="no/such/folder"), FileNotFoundError, "no/such/folder"),
    ("log latency", lambda: ep.data.log_latency([[1.0]], tau=0.0, threshold=1.0), ValueError, "tau is 0.0; expected a number above 0"),
    ("log latency inf", lambda: ep.data.log_latency([[np.inf]], tau=1.0, threshold=1.0), ValueError, "is inf; values must be finite"),
    ("poisson", lambda: ep.data.poisson([[0.5, 1.5]], trial=9.0, rate=1.0), ValueError, r"values\[0, 1\] is 1.5; expected numbers from 0 to 1"),
    ("poisson rate", lambda: ep.data.poisson([[0.5]], trial=9.0, rate=-1.0), ValueError, "rate is -1.0"),
    ("poisson shape", lambda: ep.data.poisson([0.5], trial=9.0, rate=1.0), ValueError, r"values has shape \(1,\); expected 2 dimensions"),
    ("delta", lambda: ep.data.delta([[[0.0]]], threshold=0.0), ValueError, "threshold is 0.0"),
    ("delta nan", lambda: ep.data.delta([[[0.0]], [[NAN]]], threshold=1.0), ValueError, r"series\[1\]\[0, 0\] is nan"),
    ("delta shape", lambda: ep.data.delta([[0.0]], threshold=1.0), ValueError, r"series\[0\] has shape \(1,\)"),
    ("delta channels", lambda: ep.data.delta([np.zeros((3, 0))], threshold=1.0), ValueError, "expected at least one channel"),
    ("levels", lambda: ep.data.level_crossing([[[0.0], [1e9]]], level=1.0), ValueError, r"series\[0\]: the distance of levels is 1"),
    ("fields", lambda: ep.data.population([[0.0]], fields=2, low=0.0, high=1.0, window=1.0), ValueError, "fields is 2"),
    ("range", lambda: ep.data.population([[0.0]], fields=3, low=1.0, high=1.0, window=1.0), ValueError, "low is 1.0 and high 1.0"),
    ("window", lambda: ep.data.population([[0.0]], fields=3, low=0.0, high=1.0, window=NAN), ValueError, "window is nan"),
    ("side", lambda: ep.data.own("x", trial=1.0, side=0), ValueError, "side is 0"),
    ("polarity", lambda: ep.data.own("x", trial=1.0, polarity="off"), ValueError, 'polarity "off"; expected separate, merge or on'),
    ("origin", lambda: ep.data.own("x", trial=1.0, origin="start"), ValueError, 'origin is "start"'),
    ("like", lambda: ep.data.own("x", trial=1.0, like=3), TypeError, "like is int"),
    ("own file", lambda: ep.data.own(__file__, trial=1.0), ValueError, r"test_bad_input.py: neither HDF5 nor .npz"),
    ("no own", lambda: ep.data.own("no/such", trial=1.0), FileNotFoundError, "no/such"),
    ("no shd", lambda: ep.data.shd(data_dir="no/such"), FileNotFoundError, "shd_test.h5"),
    ("shd evaluation", lambda: ep.data.shd(evaluation="all"), ValueError, "evaluation=all"),
    ("no nmnist", lambda: ep.data.nmnist(data_dir="no/such"), FileNotFoundError, "N-MNIST is in none of"),
    ("no gestures", lambda: ep.data.dvs_gesture(data_dir="no/such"), FileNotFoundError, "no/such"),
    ("encoding", lambda: ep.data.smnist(encoding="rate"), ValueError, "encoding=rate"),
    ("no recording", lambda: ep.data.read_events("no/such"), FileNotFoundError, "no/such"),
    ("recording", lambda: ep.data.read_events(__file__), ValueError, "test_bad_input.py: "),
    ("format", lambda: ep.data.read_events(__file__, format="mp3"), ValueError, 'no event format is called "mp3"'),
    ("columns", lambda: ep.data.read_events(__file__, columns=["x"]), ValueError, "columns"),
    ("events", lambda: ep.data.write_events("x", np.zeros(3), sensor_size=(1, 1, 1)), TypeError, "events has the fields"),
    ("off sensor", lambda: ep.data.write_events("x", event(x=4), sensor_size=(4, 1, 1)), ValueError, "x of event 0 is 4; sensor_size allows 0 to 3"),
    ("sensor", lambda: ep.data.write_events("x", event(), sensor_size=(4, 1)), ValueError, "sensor_size is"),
    ("read only", lambda: ep.data.write_events("x", event(), sensor_size=(4, 1, 1), format="evt2"), ValueError, "read but not written"),
    ("no folder", lambda: ep.data.write_events("no/such/x", event(), sensor_size=(4, 1, 1)), FileNotFoundError, "no/such"),
    ("sound rate", lambda: ep.data.audio([np.ones(100)], channels=8), TypeError, "rate is None"),
    ("sound nan", lambda: ep.data.audio([[0.0, NAN]], rate=8000, channels=8), ValueError, r"sounds\[0\]\[1\] is nan"),
    ("silence", lambda: ep.data.audio([np.zeros(10000)], rate=8000, channels=8), ValueError, r"sounds\[0\]: "),
    ("preset", lambda: ep.data.audio([], preset="ear"), ValueError, 'no preset "ear"; there are shd'),
    ("constant", lambda: ep.data.audio([], constants={"rmap": 1}), ValueError, 'no constant "rmap"'),
    ("channels", lambda: ep.data.audio([], channels=0), ValueError, "channels is 0"),
    ("no sound", lambda: ep.data.audio(["no/such.wav"], channels=8), FileNotFoundError, "no/such.wav"),
    ("sound file", lambda: ep.data.audio([__file__], channels=8), ValueError, "neither WAV nor FLAC"),
    ("hdf5", lambda: ep.Spikes.from_hdf5(__file__), ValueError, "is no HDF5 file"),
    ("no hdf5", lambda: ep.Spikes.from_hdf5("no/such"), FileNotFoundError, "no/such"),
    ("hdf5 neuron", lambda: batch(neurons=[65536]).to_hdf5("x"), ValueError, r"neurons\[0\] is 65536; expected whole numbers from 0 to 65535"),
    ("hdf5 speakers", lambda: batch().to_hdf5("x", speakers=[1, 2]), ValueError, r"speakers has shape \(2,\); expected \(1,\)"),
    ("hdf5 names", lambda: batch(label=2).to_hdf5("x", names=["a"]), ValueError, "label|class"),
    ("hdf5 folder", lambda: batch().to_hdf5("no/such/x"), FileNotFoundError, "no/such/x"),
    ("threads", lambda: ep.set_threads(-1), ValueError, "count is -1"),
    ("no int64", lambda: ep.data.yinyang(test=10**30), ValueError, f"test is {10**30}; expected a whole number from 0 to {2**63 - 1}"),
    ("many threads", lambda: ep.set_threads(10**6), ValueError, "count is 1000000; this machine has .* choose at most"),
]


BEYOND: list[tuple[str, Any, str]] = [
    ("samples", lambda: ep.data.yinyang(train=10**12), "train is 1000000000000: .* train can be at most"),
    ("weights", lambda: large(45_000, 45_000), "the size of \"b\" is 45000: .* can be at most"),
    ("recurrence", lambda: large(2, 46_000, recurrent=True), "the size of \"b\" is 46000"),
    ("steps", lambda: long_trial().evaluate(batch()), r"the number of steps \(trial / dt\) is 2000000000"),
    ("batch", lambda: wide().evaluate(many()), "the number of samples in the batch is 100000: the batch"),
    ("batch of fit", lambda: wide().fit(many(), batch_size=2**40), "batch_size is 100000: .* batch_size can be"),
    ("recordings", lambda: small().evaluate(many(10**6), record=["hid.V"] * 500), "what is recorded"),
    ("rate", lambda: ep.data.poisson([[1.0]], trial=1e9, rate=1e9), "the number of spikes of rate · trial"),
]


@pytest.mark.parametrize(("action", "kind", "text"), [pytest.param(*rest, id=name) for name, *rest in CASES])
def test_bad_input(action: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as raised:
        action()
    assert type(raised.value) is kind


@pytest.fixture
def eight_gigabytes() -> Iterator[None]:
    """A machine with no more memory than that."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (8_000_000_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell how much memory is free")
@pytest.mark.parametrize(("action", "text"), [pytest.param(*rest, id=name) for name, *rest in BEYOND])
def test_counts_beyond_memory_are_refused_by_name(eight_gigabytes: None, action: Any, text: str) -> None:
    with pytest.raises(MemoryError, match=text):
        action()


@pytest.mark.parametrize("kind", ["empty", "text", "cut", "huge header", "other tensors", "no network"])
def test_a_file_that_is_no_network(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "net.safetensors"
    small().save(path)
    whole = path.read_bytes()
    spoiled = {
        "empty": b"",
        "text": b"hello, this is not a network",
        "cut": whole[:-8],
        "huge header": b"\xff" * 8 + whole[8:],
        "other tensors": whole.replace(b"in->hid", b"in->hix", 1),
        "no network": whole.replace(b"populations", b"x").replace(b'\\"built\\"', b'\\"bluit\\"'),
    }[kind]
    path.write_bytes(spoiled)
    with pytest.raises(ValueError, match="net.safetensors"):
        ep.Network.load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ep.Network.load(tmp_path / "none")
    with pytest.raises(OSError):
        small().save(tmp_path / "no" / "such" / "folder")


def test_arrays_in_any_order_and_of_any_type_are_the_same() -> None:
    weights = np.arange(6.0).reshape(3, 2)
    wide = np.zeros((6, 4))
    wide[::2, ::2] = weights
    for form in (weights, weights.tolist(), np.asfortranarray(weights), wide[::2, ::2], weights.astype(">f4"), weights.astype(int)):
        net = ep.Network(dt=1.0, trial=20.0)
        net.add_input("in", 3)
        net.add_li("hid", 2)
        name = net.connect("in", "hid", form)
        np.testing.assert_array_equal(net.params[name], weights)
