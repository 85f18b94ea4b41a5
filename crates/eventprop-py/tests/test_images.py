"""Populations with shapes, convolutions and pooling."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest

IMAGE = (5, 4, 2)


def spikes(seed: int = 3, samples: int = 4) -> ep.Spikes:
    """Two or so spikes of every channel of an image."""
    rng = np.random.default_rng(seed)
    size = int(np.prod(IMAGE))
    each = [(rng.uniform(0, 12, 2 * size), rng.integers(0, size, 2 * size)) for _ in range(samples)]
    return ep.Spikes([(np.sort(times), neurons) for times, neurons in each], [n % 3 for n in range(samples)])


def network(
    conv: ep.Conv2d, channels: int, pool: ep.SumPool | None, delay: Any = 0.0, weight: Any = None, seed: int = 1
) -> ep.Network:
    net = ep.Network(dt=0.5, trial=20.0, seed=seed)
    net.add_input("in", shape=IMAGE)
    hidden = conv.output_shape(IMAGE, channels)
    net.add_lif("hid", shape=hidden)
    net.add_li("out", 3)
    net.connect("in", "hid", weight or ep.FanIn(4.0, mean=8.0), delay=delay, wiring=conv)
    net.connect("hid", "out", ep.FanIn(2.0), via=pool)
    return net


def expanded(net: ep.Network, conv: ep.Conv2d, pool: ep.SumPool | None) -> ep.Network:
    """The same network with dense projections, written out by the definitions."""
    kernel, stride, padding = ((v, v) if isinstance(v, int) else v for v in (conv.kernel, conv.stride, conv.padding))
    hidden = net.populations[1].shape
    weights = net.params["in->hid"]
    deep, wide = IMAGE[2] // conv.groups, hidden[2] // conv.groups
    full = np.zeros((*IMAGE, *hidden))
    for y, x, b, k, j, c in np.ndindex(*hidden, *kernel, deep):
        row, column = y * stride[0] - padding[0] + k, x * stride[1] - padding[1] + j
        if 0 <= row < IMAGE[0] and 0 <= column < IMAGE[1]:
            full[row, column, b // wide * deep + c, y, x, b] += weights[b, c, k, j]
    dense = ep.Network(dt=net.dt, trial=net.trial)
    dense.add_input("in", int(np.prod(IMAGE)))
    dense.add_lif("hid", net.populations[1].size)
    dense.add_li("out", 3)
    dense.connect("in", "hid", full.reshape(net.populations[0].size, -1))
    dense.connect("hid", "out", np.concatenate([of_source(net, pool, n) for n in range(net.populations[1].size)]))
    return dense


def of_source(net: ep.Network, pool: ep.SumPool | None, n: int) -> Any:
    """The row of weights of a hidden neuron."""
    weights, (height, width, channels) = net.params["hid->out"], net.populations[1].shape
    if pool is None:
        return weights[n : n + 1]
    window = pool.window
    assert isinstance(window, int)
    y, x, c = n // channels // width // window, n // channels % width // window, n % channels
    if y >= height // window or x >= width // window:
        return np.zeros((1, 3))
    share = 1 / window**2 if isinstance(pool, ep.AvgPool) else 1.0
    row = (y * (width // window) + x) * channels + c
    return share * weights[row : row + 1]


CASES = [
    (ep.Conv2d(3, padding=1), 4, ep.AvgPool(2)),
    (ep.Conv2d(2), 3, ep.SumPool(2)),
    (ep.Conv2d((3, 2), stride=(2, 1), padding=(1, 0), groups=2), 6, None),
    (ep.Conv2d(1), 2, ep.AvgPool(3)),
]


@pytest.mark.parametrize(("conv", "channels", "pool"), CASES)
@pytest.mark.parametrize("solver", ["grid64", "event"])
def test_an_image_is_its_dense_expansion(conv: ep.Conv2d, channels: int, pool: ep.SumPool | None, solver: str) -> None:
    """The same spikes, and sums of the same numbers in another order: some hundred of them, each off by 1e-16, times the
    condition of the spikes, below 1e3."""
    batch, net = spikes(), network(conv, channels, pool)
    dense = expanded(net, conv, pool)
    found = net.evaluate(batch, "sum_weigh_exp", solver=solver, gradient=True)
    expected = dense.evaluate(batch, "sum_weigh_exp", solver=solver, gradient=True)
    assert found.spikes["hid"].neurons.tolist() == expected.spikes["hid"].neurons.tolist()
    assert len(found.spikes["hid"].neurons) > 20
    assert found.loss == pytest.approx(expected.loss, rel=1e-11)
    # The derivative of a shared weight is that of all of its copies: moved together, as the chain rule says.
    weights = net.params["in->hid"]
    summed = np.zeros_like(weights)
    full = expected.gradients["in->hid"]
    for place in np.ndindex(*weights.shape):
        one = np.zeros_like(weights)
        one[place] = 1.0
        marked = ep.Network.from_dict(net.to_dict())
        marked.params["in->hid"] = one
        summed[place] = (expanded(marked, conv, pool).params["in->hid"] * full).sum()
    scale = np.abs(summed).max()
    np.testing.assert_allclose(found.gradients["in->hid"], summed, rtol=0, atol=1e-11 * scale)
    rows = np.zeros_like(net.params["hid->out"])
    for n in range(net.populations[1].size):
        for row in range(len(rows)):
            one = ep.Network.from_dict(net.to_dict())
            marks = np.zeros_like(rows)
            marks[row] = 1.0
            one.params["hid->out"] = marks
            rows[row] += of_source(one, pool, n)[0] * expected.gradients["hid->out"][n]
    np.testing.assert_allclose(found.gradients["hid->out"], rows, rtol=0, atol=1e-11 * np.abs(rows).max())


@pytest.mark.parametrize("by", ["projection", "source", "target", "synapse"])
def test_gradients_are_central_differences(by: str) -> None:
    conv, pool = ep.Conv2d(3, stride=2, padding=1), ep.AvgPool(2)
    net = network(conv, 4, pool, ep.Delay(ep.Uniform(0.3, 2.0), most=4.0, by=by))
    shapes = {"projection": (1,), "source": (40,), "target": (24,), "synapse": (4, 2, 3, 3)}
    assert net.params["in->hid.delay"].shape == shapes[by]
    report = ep.gradcheck(net, spikes(samples=2), "sum_weigh_exp", per_projection=12)
    assert report.correct, str(report)


def test_weights_are_seen_as_other_systems_see_them() -> None:
    """A kernel that is one at one place moves the image by that place."""
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("in", shape=(4, 3, 1))
    net.add_li("out", shape=(3, 3, 2))
    weights = np.zeros((2, 1, 2, 1))
    weights[1, 0, 1, 0] = 1.0
    net.connect("in", "out", weights, wiring=ep.Conv2d((2, 1)))
    assert (net.params["in->out"] == weights).all()
    # Neuron (2, 1) of the input reaches channel 1 of (1, 1).
    seen = net.evaluate(ep.Spikes([([1.0], [2 * 3 + 1])], [0]), "max", solver="grid64", record=["out.V"])
    reached = np.flatnonzero(np.abs(seen.records["out.V"][0]).max(axis=0))
    assert reached.tolist() == [(1 * 3 + 1) * 2 + 1]


def test_images_are_trained_and_kept(tmp_path: Path) -> None:
    net = network(ep.Conv2d(3, padding=1), 4, ep.AvgPool(2))
    batch = spikes(samples=12)
    before = net.evaluate(batch, "max").loss
    net.fit(batch, epochs=6, loss="max", progress=False)
    assert net.evaluate(batch, "max").loss < before
    net.save(tmp_path / "net.safetensors")
    for kept in (ep.Network.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(net))):
        assert kept.to_dict() == net.to_dict()
        assert kept.populations[1].shape == (5, 4, 4)
        for name, value in net.params.items():
            np.testing.assert_array_equal(kept.params[name], value)


def test_optimizers_outside_see_the_same_order() -> None:
    net, batch = network(ep.Conv2d(2), 3, None), spikes()
    gradients = net.evaluate(batch, "max", solver="grid64", gradient=True).gradients
    before = dict(net.params)
    net.update(gradients, ep.SGD(1.0))
    for name, gradient in gradients.items():
        np.testing.assert_allclose(net.params[name], before[name] - gradient, rtol=1e-12, atol=1e-15)


def test_fan_in_follows_kernels_and_windows() -> None:
    """The mean of all weights is that of a drive of 6 over as many places, within 5 standard errors."""
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("in", shape=(6, 6, 8))
    net.add_lif("hid", shape=(6, 6, 16))
    net.add_li("out", 40)
    net.connect("in", "hid", ep.FanIn(1.0, mean=6.0), wiring=ep.Conv2d(3, padding=1, groups=2))
    net.connect("hid", "out", ep.FanIn(1.0, mean=6.0), via=ep.SumPool(3))
    for name, places, spikes_of_place in (("in->hid", 9 * 4, 1), ("hid->out", 4 * 16, 9)):
        weights = net.params[name] * places * spikes_of_place
        assert abs(weights.mean() - 6.0) < 5 * places**0.5 / weights.size**0.5
        assert weights.std() == pytest.approx(places**0.5, rel=0.1)


def broken(**how: Any) -> Any:
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("in", **how.pop("source", {"shape": (4, 4, 2)}))
    net.add_li("out", **how.pop("target", {"shape": (2, 2, 3)}))
    return net.connect("in", "out", how.pop("weight", ep.Normal(0.0, 1.0)), **how)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"wiring": ep.Conv2d(5)}, "a kernel of 5 × 5 is larger than the image of 4 × 4 positions, with padding 4 × 4"),
        ({"wiring": ep.Conv2d(2)}, "gives the target the shape 3 × 3 × 3, and it has 2 × 2 × 3"),
        ({"wiring": ep.Conv2d(3), "source": {"size": 32}}, "larger than the image of 1 × 1 positions"),
        ({"wiring": ep.Conv2d(3, groups=2)}, "2 groups do not divide 3 channels"),
        ({"wiring": ep.Conv2d(0)}, "kernel of in->out"),
        ({"wiring": ep.Conv2d((1, 2, 3))}, "expected a number, or one for height and one for width"),
        ({"via": ep.SumPool(5)}, "a window of 5 × 5 is larger than the image of 4 × 4 positions"),
        ({"wiring": ep.Conv2d(3), "weight": np.ones((3, 2, 3, 4))}, "weight of in->out has shape"),
        ({"source": {"shape": (4, 4)}}, "expected height, width and channels"),
        ({"source": {"shape": (4, 4, 2), "size": 31}}, "has 32 neurons"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(how: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, TypeError)) as error:
        broken(**how)
    assert message in str(error.value), str(error.value)
