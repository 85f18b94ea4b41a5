"""Networks as functions of JAX."""

from __future__ import annotations

from typing import Any

import eventprop as ep
import numpy as np
import pytest

jax = pytest.importorskip("jax", reason="jax is not installed")

from eventprop.jax import eventprop_call, init  # noqa: E402


def network(output: str = "li") -> ep.Network:
    net = ep.Network(dt=1.0, trial=20.0, seed=2)
    x, h = net.add_input("in", 3), net.add_lif("hid", 4, trainable=["tau_mem"])
    net.connect(x, h, ep.Normal(2.5, 0.5))
    net.connect(h, net.add_li("out", 2) if output == "li" else net.add_lif("out", 2), ep.Normal(0.8, 0.5))
    return net


def amplitudes() -> Any:
    rng = np.random.default_rng(3)
    return jax.numpy.asarray((rng.random((2, 20, 3)) < 0.2) * rng.uniform(0.5, 1.5, (2, 20, 3)))


def test_values_and_gradients_are_those_of_the_network() -> None:
    net, x = network(), amplitudes()
    run = net.forward(ep.Spikes.from_dense(np.asarray(x), graded=True), observe="out.V")
    rows = run["out.V"]
    found = eventprop_call(net, init(net), x)
    assert np.array_equal(np.asarray(found), rows[:, 1:])
    pull = 2 * rows
    pull[:, 0] = 0
    grads = run.backward(voltage={"out": pull}, inputs="graded")

    def loss(params: Any, x: Any) -> Any:
        return jax.numpy.sum(eventprop_call(net, params, x) ** 2)

    for function in (jax.grad(loss, (0, 1)), jax.jit(jax.grad(loss, (0, 1)))):
        by_params, by_x = function(init(net), x)
        assert set(by_params) == set(net.params)
        for name, value in by_params.items():
            assert np.allclose(value, grads[name], rtol=1e-6, atol=1e-6 * np.abs(grads[name]).max())
        assert np.allclose(by_x, grads.inputs, rtol=1e-6, atol=1e-6 * np.abs(grads.inputs).max())


def test_vmap_is_one_call_after_the_other() -> None:
    net, x = network(), amplitudes()
    params = init(net)
    scales = jax.numpy.asarray([0.5, 1.0, 1.5])

    def loss(scale: Any) -> Any:
        scaled = jax.tree.map(lambda one: one, params) | {"hid->out": scale * params["hid->out"]}
        return jax.numpy.sum(eventprop_call(net, scaled, x) ** 2)

    both = jax.vmap(jax.value_and_grad(loss))(scales)
    each = [jax.value_and_grad(loss)(scale) for scale in scales]
    for place in range(2):
        assert np.array_equal(both[place], np.asarray([one[place] for one in each]))
    # V is linear in the weights of the outputs.
    assert np.allclose(both[0], scales**2 * both[0][1], rtol=1e-5)


def test_times_have_their_derivatives() -> None:
    net = network("lif")
    times = jax.numpy.asarray(np.random.default_rng(1).uniform(1.0, 12.0, (2, 3, 3)).astype(np.float32))

    def loss(times: Any) -> Any:
        out = eventprop_call(net, init(net), times, output="times", inputs="times", solver="event", most=12)
        return jax.numpy.sum(jax.numpy.where(jax.numpy.isfinite(out), jax.numpy.sin(jax.numpy.where(jax.numpy.isfinite(out), out, 0.0)), 0.0))

    by_times = jax.jit(jax.grad(loss))(times)
    offsets, flat = [0, 9, 18], np.asarray(times, np.float64).reshape(-1)
    run = net.forward(ep.Spikes.from_csr(flat, np.tile(np.repeat(np.arange(3), 3), 2), offsets), solver="event")
    pull = np.cos(run.spike_times("out").times_ms.astype(np.float32))
    grads = run.backward(spike_times={"out": pull}, inputs="time")
    assert grads.inputs is not None
    order = [np.lexsort((np.repeat(np.arange(3), 3), flat[s * 9 : s * 9 + 9])) + 9 * s for s in range(2)]
    found = np.asarray(by_times).reshape(-1)[np.concatenate(order)]
    assert np.allclose(found, grads.inputs, rtol=1e-5, atol=1e-5 * np.abs(grads.inputs).max())


def test_what_is_given_wrongly_is_named() -> None:
    net, x = network(), amplitudes()
    with pytest.raises(KeyError, match="params has the names"):
        eventprop_call(net, {}, x)
    with pytest.raises(ValueError, match="expected three dimensions"):
        eventprop_call(net, init(net), x[0])
    with pytest.raises(ValueError, match="most is None with output='times'"):
        eventprop_call(network("lif"), init(net), x, output="times")
    with pytest.raises(TypeError, match="expected eventprop.Network"):
        eventprop_call(None, init(net), x)  # type: ignore[arg-type]
