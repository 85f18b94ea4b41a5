"""Delays and wirings."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest

Task = tuple[ep.Network, ep.Spikes]


def two_layers(delay: Any = 0.0, wiring: Any = None, seed: int = 1) -> ep.Network:
    net = ep.Network(dt=1.0, trial=20.0, seed=seed)
    x = net.add_input("in", 2)
    h = net.add_lif("hid", 6)
    y = net.add_li("out", 2)
    net.connect(x, h, ep.Normal(8.0, 1.0), delay=delay, wiring=wiring)
    net.connect(h, y, ep.Normal(0.0, 0.5))
    return net


@pytest.mark.parametrize(("by", "shape"), [("projection", (1,)), ("source", (2,)), ("target", (6,)), ("synapse", (2, 6))])
def test_delays_are_parameters_with_exact_gradients(task: Task, by: str, shape: tuple[int, ...]) -> None:
    """A central difference in float64 of the event solver: its error is about h²|f‴| + ε/h, 1e-9 here."""
    _, batch = task
    net = two_layers(ep.Delay(ep.Uniform(0.5, 3.0), most=6.0, by=by))
    delays = net.params["in->hid.delay"]
    assert delays.shape == shape and (delays >= 0.5).all() and (delays < 3.0).all()
    found = net.evaluate(batch, "sum_weigh_exp", solver="event", gradient=True).gradients["in->hid.delay"]
    at = tuple(np.unravel_index(np.argmax(np.abs(found)), shape))
    losses = []
    for sign in (1, -1):
        moved = delays.copy()
        moved[at] += sign * 1e-5
        net.params["in->hid.delay"] = moved
        losses.append(net.evaluate(batch, "sum_weigh_exp", solver="event").loss)
    assert found[at] == pytest.approx((losses[0] - losses[1]) / 2e-5, rel=1e-5)


def test_trained_delays_move_within_their_bounds_and_fixed_ones_do_not(task: Task) -> None:
    _, batch = task
    net = two_layers(ep.Delay(ep.Uniform(0.0, 4.0), most=4.0))
    before = net.params["in->hid.delay"]
    net.fit(batch, epochs=3, optimizer=ep.Adam(0.01, delay_eta=0.5), progress=False)
    after = net.params["in->hid.delay"]
    assert np.abs(after - before).max() > 0.4
    assert (after >= 0.0).all() and (after <= 4.0).all()
    fixed = two_layers(ep.Delay(2.0, trainable=False))
    fixed.fit(batch, epochs=1, progress=False)
    assert (fixed.params["in->hid.delay"] == 2.0).all()
    assert (fixed.evaluate(batch, gradient=True).gradients["in->hid.delay"] == 0.0).all()


def test_a_delay_of_one_number_is_that_of_every_synapse(task: Task) -> None:
    _, batch = task
    for solver in ("grid", "event"):
        constant = two_layers(2.4).evaluate(batch, "max", solver=solver).loss
        each = two_layers(ep.Delay(2.4)).evaluate(batch, "max", solver=solver).loss
        assert each == pytest.approx(constant, rel=1e-6)


def test_a_number_is_no_mask() -> None:
    with pytest.raises(TypeError, match=r"mask is 0.1; expected a matrix \[source, target\]; a fraction of all pairs is probability=0.1"):
        ep.Sparse(0.1)


@pytest.mark.parametrize("wiring", [ep.Sparse(probability=0.5), ep.Sparse(fan_in=1), ep.Sparse(np.eye(2, 6, dtype=bool))])
def test_a_sparse_projection_is_a_dense_one_with_zeros(task: Task, wiring: ep.Sparse) -> None:
    _, batch = task
    sparse = two_layers(wiring=wiring)
    sources, targets = sparse.synapses("in->hid")
    weights = np.zeros((2, 6))
    weights[sources, targets] = sparse.params["in->hid"]
    dense = two_layers()
    dense.params["in->hid"] = weights
    dense.params["hid->out"] = sparse.params["hid->out"]
    found = sparse.evaluate(batch, "sum", solver="event", gradient=True)
    expected = dense.evaluate(batch, "sum", solver="event", gradient=True)
    assert found.loss == pytest.approx(expected.loss, rel=1e-12)
    np.testing.assert_allclose(
        found.gradients["in->hid"], expected.gradients["in->hid"][sources, targets], rtol=1e-9, atol=1e-15
    )
    again = two_layers(wiring=wiring)
    assert (again.params["in->hid"] == sparse.params["in->hid"]).all()


def test_matrices_of_scipy_are_masks() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    mask = np.zeros((2, 6))
    mask[1, 4] = mask[0, 2] = 1.0
    net = two_layers(wiring=ep.Sparse(sparse.csc_matrix(mask)))
    assert [found.tolist() for found in net.synapses("in->hid")] == [[0, 1], [2, 4]]


def test_connections_are_kept(task: Task, tmp_path: Path) -> None:
    _, batch = task
    for delay, wiring in [
        (ep.Delay(ep.Uniform(0.0, 3.0), most=5.0, by="target"), ep.Sparse(np.arange(12).reshape(2, 6) % 3 > 0)),
        (ep.Delay(np.array([1.0, 2.5]), by="source", trainable=False), ep.Sparse(fan_in=2)),
        (1.5, None),
    ]:
        net = two_layers(delay, wiring)
        net.fit(batch, epochs=1, progress=False)
        net.save(tmp_path / "net.safetensors")
        for kept in (ep.Network.load(tmp_path / "net.safetensors"), pickle.loads(pickle.dumps(net))):
            assert kept.to_dict() == net.to_dict()
            for name, value in net.params.items():
                np.testing.assert_array_equal(kept.params[name], value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: two_layers(ep.Delay(-1.0)), "-1 ms is not between 0 and the longest"),
        (lambda: two_layers(ep.Delay(5.0, most=4.0)), "5 ms is not between 0 and the longest, 4 ms"),
        (lambda: two_layers(ep.Delay(0.0, most=20.0)), "shorter than the trial of 20 ms"),
        (lambda: two_layers(ep.Delay(np.ones(3))), "delay of in->hid has shape"),
        (lambda: two_layers(ep.Delay(by="axon")), "by is 'axon'"),
        (lambda: two_layers(wiring=ep.Sparse(np.ones((3, 6), bool))), "mask of in->hid has shape"),
        (lambda: two_layers(wiring=ep.Sparse(np.zeros((2, 6), bool))), "no pair of 2 and 6 neurons is connected"),
        (lambda: two_layers(wiring=ep.Sparse(fan_in=3)), "3 sources for each target are not possible; expected 1 to 2"),
        (lambda: two_layers(wiring=ep.Sparse(probability=0.0)), "a probability of 0 is not possible"),
        (lambda: two_layers(wiring=ep.OneToOne()), "one to one needs two populations of one size"),
        (lambda: ep.Sparse(), "expected one of mask, probability and fan_in"),
    ],
)
def test_impossible_connections_are_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert message in str(caught.value)


def test_a_delay_out_of_its_bounds_is_refused(task: Task) -> None:
    _, batch = task
    net = two_layers(ep.Delay(1.0, most=4.0))
    net.params["in->hid.delay"] = np.full((2, 6), 4.5)
    with pytest.raises(ValueError, match="a delay of 4.5 ms is not between 0 and the longest, 4 ms"):
        net.evaluate(batch)
