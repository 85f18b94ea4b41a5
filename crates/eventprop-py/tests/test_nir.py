"""Networks from and to NIR. These tests run where nir is installed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest

nir = pytest.importorskip("nir", reason="nir is not installed")
import h5py  # noqa: E402

DATA = os.environ.get("EVENTPROP_TEST_DATA")
reference_files = pytest.mark.skipif(DATA is None, reason="EVENTPROP_TEST_DATA names no folder of data")

CLOCK: dict[str, Any] = {"dt": 0.1, "trial": 20.0}


def cubalif(n: int, **other: Any) -> Any:
    values = {"tau_mem": 0.02, "tau_syn": 0.005, "r": 1.0, "v_leak": 0.0, "v_threshold": 1.0, "w_in": 0.005, **other}
    return nir.CubaLIF(**{key: np.broadcast_to(np.asarray(value, dtype=float), n).copy() for key, value in values.items()})


def cubali(n: int, **other: Any) -> Any:
    values = {"tau_mem": 0.02, "tau_syn": 0.005, "r": 1.0, "v_leak": 0.0, "w_in": 0.005, **other}
    return nir.CubaLI(**{key: np.broadcast_to(np.asarray(value, dtype=float), n).copy() for key, value in values.items()})


def source(*shape: int) -> Any:
    return nir.Input(input_type={"input": np.array(shape)})


def output(*shape: int) -> Any:
    return nir.Output(output_type={"output": np.array(shape)})


def chain(*middle: Any, inputs: int = 2, outputs: int = 2, check: bool = True) -> Any:
    """in, the nodes, out, in a row; the nodes are called 0, 1, …"""
    nodes = {"in": source(inputs), **{str(k): node for k, node in enumerate(middle)}, "out": output(outputs)}
    names = list(nodes)
    return nir.NIRGraph(nodes, list(zip(names, names[1:])), type_check=check)


def plain(**other: Any) -> Any:
    return chain(nir.Linear(np.full((3, 2), 4.0)), cubalif(3, **other), nir.Linear(np.full((2, 3), 0.5)), cubali(2))


def rich() -> ep.Network:
    """Recurrence, a skip, delays, constants of their own and values that a factor of 1000 rounds."""
    rng = np.random.default_rng(1)
    net = ep.Network(dt=0.3, trial=27.0, seed=5)
    x = net.add_input("in", 3)
    tau = 5 + rng.random(4) * 1990
    h = net.add_lif("hid.a", 4, tau_mem=1.953125 + rng.random(4) / 32, tau_syn=tau, trainable={"tau_mem": 0.7, "tau_syn": 1.0})
    g = net.add_lif("z", 2, tau_mem=17.3, tau_syn=[1.1, 3.3], v_thresh=0.7)
    y = net.add_li("a", 2, tau_mem=19.7, tau_syn=4.9)
    net.connect(h, y, rng.normal(size=(4, 2)))
    net.connect(x, g, ep.Normal(3.0, 1.0))
    net.connect(x, h, rng.normal(6, 1, size=(3, 4)))
    net.connect(x, h, rng.normal(6, 1, size=(3, 4)), delay=2.3)
    net.connect(h, h, rng.normal(size=(4, 4)), delay=1 / 3)
    net.connect(g, y)
    return net


@pytest.mark.parametrize("unit", ["s", "ms"])
@pytest.mark.parametrize("pulse", [None, 0.1])
def test_a_round_trip_keeps_every_bit(pulse: float | None, unit: str, tmp_path: Path) -> None:
    net = rich()
    path = tmp_path / "net.nir"
    graph = net.to_nir(path, pulse=pulse, time_unit=unit)
    in_unit = {"s": 1000.0, "ms": 1.0}[unit]
    assert graph.nodes["z"].w_in == pytest.approx(np.array([1.1, 3.3]) / (in_unit if pulse is None else pulse), rel=1e-15)
    back = ep.Network.from_nir(path)
    assert [path] == list(tmp_path.iterdir())
    assert (back.dt, back.trial, back.seed, back.populations) == (net.dt, net.trial, net.seed, net.populations)
    assert list(back.params) == list(net.params)
    for name, value in net.params.items():
        assert np.array_equal(back.params[name], value), name
    for one, other in zip(net.to_dict()["built"], back.to_dict()["built"]):
        for key in ("name", "size", "constants", "trainable", "connect", "delay"):
            if key != "constants":
                assert one.get(key) == other.get(key)
    constants = [{step["name"]: step["constants"] for step in one._built if "add" in step} for one in (net, back)]
    assert {name: values for name, values in constants[0].items() if name != "hid.a"} == {
        name: values for name, values in constants[1].items() if name != "hid.a"
    }
    batch = ep.Spikes([([1.0, 4.0, 9.0], [0, 1, 2])], labels=[1])
    for solver in ("grid", "event"):
        one, other = (each.evaluate(batch, "max", gradient=True, solver=solver) for each in (net, back))
        assert len(one.spikes["hid.a"].times_ms) > 0
        assert np.array_equal(one.losses, other.losses)
        assert all(np.array_equal(one.gradients[name], other.gradients[name]) for name in one.gradients)
    assert {row.verdict for row in back.nir_report.nodes} == {"faithful"}
    assert (back.nir_report.time_unit, back.nir_report.guessed, back.nir_report.version) == (unit, False, nir.version)


def test_an_exported_file_passes_the_checks_of_nir(tmp_path: Path) -> None:
    rich().to_nir(tmp_path / "net.nir")
    graph = nir.read(tmp_path / "net.nir", type_check=True)
    assert graph.check_types()
    lif = graph.nodes["hid.a"]
    assert np.array_equal(lif.w_in, lif.tau_syn) and (lif.r == 1).all() and not lif.v_leak.any()
    assert graph.nodes["in->z"].weight.shape == (2, 3)
    assert graph.nodes["in->hid.a#2:delay"].delay == pytest.approx([2.3e-3] * 3, rel=1e-15)


def test_without_the_metadata_a_graph_gives_the_same_network_but_for_a_rounding() -> None:
    net = rich()
    graph = net.to_nir()
    graph.metadata = {}
    with pytest.raises(ValueError, match="does not say dt; give dt=…"):
        ep.Network.from_nir(graph)
    back = ep.Network.from_nir(graph, dt=0.3, trial=27.0)
    assert back.nir_report.guessed and back.nir_report.time_unit == "ms"  # 1,990 ms are 1.99 s
    back = ep.Network.from_nir(graph, dt=0.3, trial=27.0, time_unit="s")
    for name in back.params:
        assert np.array_equal(back.params[name], net.params[name]), name
    find = {step["name"]: step["constants"] for step in back._built if "add" in step}
    assert find["hid.a"]["tau_mem"] == pytest.approx(net.params["hid.a.tau_mem"], rel=3e-16)


def response(t: Any, tau_mem: Any, tau_syn: Any) -> Any:
    """Voltage after a jump of the current by 1 at t = 0: the solution of τ_mem V̇ = I − V, τ_syn İ = −I."""
    return np.where(t > 0, tau_syn / (tau_mem - tau_syn) * (np.exp(-t / tau_mem) - np.exp(-t / tau_syn)), 0.0)


@pytest.mark.parametrize("unit, of", [("s", 1e-3), ("ms", 1.0), ("steps", 10.0)])
def test_voltages_are_those_of_the_equations_of_nir(unit: str, of: float) -> None:
    """τ_syn İ = −I + w_in S and τ_mem v̇ = v_leak − v + R I, for a Dirac pulse S of area 1 in the unit of the file."""
    r, w_in, leak, tau_mem, tau_syn = np.array([2.0, 0.5]), np.array([3.0, 7.0]), -0.4, np.array([20.0, 9.0]), np.array([4.0, 12.0])
    weight = np.array([[0.1, 0.7], [0.3, -0.2]])
    lif = cubalif(2, tau_mem=tau_mem * of, tau_syn=tau_syn * of, r=r, w_in=w_in * of, v_leak=leak, v_threshold=1e6, v_reset=leak)
    late, later = nir.Delay(np.full(2, 1.2 * of)), nir.Delay(np.full(2, 0.5 * of))
    readout = cubali(2, tau_mem=20 * of, tau_syn=5 * of, w_in=5 * of)
    graph = chain(late, nir.Scale(np.array([2.0, 0.25])), nir.Linear(weight), later, lif, nir.Linear(np.eye(2)), readout)
    net = ep.Network.from_nir(graph, **CLOCK, time_unit=unit)
    run = net.forward(ep.Spikes([([2.0, 5.5], [0, 1])]), solver="event", observe=["4.V"])
    t = run.nodes("4")[0][:, None]
    expected = 2.0 * weight[:, 0] * response(t - 3.7, tau_mem, tau_syn) + 0.25 * weight[:, 1] * response(t - 7.2, tau_mem, tau_syn)
    expected = expected * (w_in * r / tau_syn)
    assert np.abs(expected).max() > 0.05
    assert np.abs(run["4.V"][0] - expected).max() < 1e-12 * np.abs(expected).max()
    notes = {row.name: (row.verdict, row.note) for row in net.nir_report.nodes}
    assert notes["4"] == ("faithful", "potentials are relative to v_leak; r and w_in are multiplied into the weights")
    assert notes["1"] == ("faithful", "multiplied into the weights")


def test_a_leak_is_a_shift_of_potentials() -> None:
    """A neuron with v_leak spikes when one does whose threshold and reset are lower by it."""
    spikes = ep.Spikes([([1.0, 2.0, 3.0, 9.0], [0, 1, 0, 1])])
    nets = [plain(v_leak=-0.5, v_threshold=0.5, v_reset=-0.7), plain(v_leak=0.0, v_threshold=1.0, v_reset=-0.2)]
    one, other = (ep.Network.from_nir(graph, **CLOCK).forward(spikes, solver="event").spike_times("1") for graph in nets)
    assert len(one.times_ms) > 3
    assert np.allclose(one.times_ms, other.times_ms, rtol=1e-13)


def test_leaky_integrators_without_synapse_get_a_short_one() -> None:
    li = nir.LI(tau=np.array([0.02]), r=np.array([3.0]), v_leak=np.array([0.0]))
    graph = chain(nir.Linear(np.array([[0.01, 0.02]])), li, outputs=1)
    with pytest.raises(ValueError, match="tau_syn is 20.0 ms, not below tau of the LI node '1'"):
        ep.Network.from_nir(graph, **CLOCK, tau_syn=20.0)
    net = ep.Network.from_nir(graph, **CLOCK, tau_syn=0.05)
    assert {row.name: row.verdict for row in net.nir_report.nodes}["1"] == "approximate"
    run = net.forward(ep.Spikes([([2.0], [1])]), solver="event", observe=["1.V"])
    t = run.nodes("1")[0][0] - 2.0
    jump = 0.02 * 3.0 / 0.02
    error = run["1.V"][0][:, 0] - np.where(t > 0, jump * np.exp(-t / 20.0), 0.0)
    missing = np.where(t > 0, -jump * np.exp(-t / 0.05), 0.0)  # what the report says
    assert np.abs(error - missing).max() < 1e-12 * jump


def shown(graph: Any, spikes: ep.Spikes, **other: Any) -> Any:
    """Voltages of the last population by row, in double precision."""
    net = ep.Network.from_nir(graph, **{**CLOCK, **other})
    name = net.populations[-1].name
    return net, net.forward(spikes, solver="grid64", observe=[f"{name}.V"])[f"{name}.V"][0]


def test_neurons_without_synapse_take_a_spike_at_once() -> None:
    """A spike of weight w adds r·w/τ to V of LI and LIF, r·w to that of I and IF, one step of 0.1 ms after it was sent."""
    spikes = ep.Spikes([([2.0, 5.0], [0, 1])])
    weight = nir.Linear(np.array([[0.01, 0.02]]))
    one = np.ones(1)
    for node, jump, tau in (
        (nir.LI(tau=0.02 * one, r=3.0 * one, v_leak=0.0 * one), 3.0 / 0.02, 20.0),
        (nir.LIF(tau=0.02 * one, r=3.0 * one, v_leak=0.0 * one, v_threshold=9.0 * one), 3.0 / 0.02, 20.0),
        (nir.I(r=3.0 * one), 3.0, np.inf),
        (nir.IF(r=3.0 * one, v_threshold=9.0 * one), 3.0, np.inf),
    ):
        net, found = shown(chain(weight, node, outputs=1), spikes)
        rows = 0.1 * np.arange(len(found))[:, None]
        since = rows - np.array([2.1, 5.1])
        expected = (jump * np.array([0.01, 0.02]) * np.exp(-np.maximum(since, 0.0) / tau) * (since > -1e-9)).sum(axis=1)
        np.testing.assert_allclose(found[:, 0], expected, rtol=1e-12, atol=1e-14)
        assert net.nir_report.nodes[1].verdict == "faithful"


def test_biases_are_constant_currents() -> None:
    """They pass through Linear, Scale and Delay, add up where branches meet, and can be trained."""
    rows = 0.1 * np.arange(201)
    silent = ep.Spikes([([], [])])
    two = np.ones(2)
    affine = nir.Affine(np.ones((2, 2)), np.array([0.5, -1.0]))
    behind = [nir.Linear(np.array([[2.0, 0.0], [1.0, 1.0]])), nir.Scale(np.array([1.0, 3.0])), nir.Delay(np.full(2, 0.004))]
    drive = np.array([1.0, -1.5])
    leak = 1 - np.exp(-rows[:, None] / 20.0)
    _, found = shown(chain(affine, *behind, nir.LI(tau=0.02 * two, r=3.0 * two, v_leak=0.0 * two)), silent)
    np.testing.assert_allclose(found, 3.0 * drive * leak, rtol=1e-12, atol=1e-14)
    _, found = shown(chain(affine, *behind, nir.I(r=3.0 * two)), silent)
    np.testing.assert_allclose(found, 3.0 * drive * rows[:, None] / 1000.0, rtol=1e-12, atol=1e-14)
    net, found = shown(chain(affine, *behind, cubali(2, r=3.0, w_in=0.2)), silent)
    both = 1 - (20.0 * np.exp(-rows / 20.0) - 5.0 * np.exp(-rows / 5.0)) / 15.0
    np.testing.assert_allclose(found, 0.2 * 3.0 * drive * both[:, None], rtol=1e-12, atol=1e-14)
    name = net.populations[-1].name
    np.testing.assert_allclose(net.params[f"{name}.bias"], 0.6 * drive, rtol=1e-15)
    pull = np.sin(np.arange(402.0)).reshape(1, 201, 2)
    grads = net.forward(silent, solver="grid64", observe=[f"{name}.V"]).backward(voltage={name: pull})
    np.testing.assert_allclose(grads[f"{name}.bias"], pull[0].T @ both, rtol=1e-10)  # V is linear in it


def test_a_bias_above_the_threshold_fires_by_itself() -> None:
    one = np.ones(1)
    lif = nir.LIF(tau=0.01 * one, r=one, v_leak=1.2 * one, v_threshold=one)
    net = ep.Network.from_nir(chain(nir.Linear(np.ones((1, 2))), lif, outputs=1), dt=0.01, trial=60.0)
    for solver, late in (("event", 1e-9), ("grid64", 0.01)):
        found = net.forward(ep.Spikes([([], [])]), solver=solver).spike_times("1").times_ms
        ends = 10.0 * np.log(6.0) * np.arange(1, 4)  # from 0 to 1 on the way to 1.2
        assert len(found) == 3 and np.all(np.abs(found - ends) <= late * np.arange(1, 4))


def test_biases_of_kernels_are_currents_of_their_channels() -> None:
    conv = nir.Conv2d((3, 4), np.ones((2, 1, 2, 2)), 1, 0, 1, 1, np.array([0.5, 2.0]))
    ones = np.ones((2, 2, 3))
    nodes = {"in": source(1, 3, 4), "0": conv, "1": nir.LI(tau=0.02 * ones, r=ones, v_leak=0 * ones), "out": output(2, 2, 3)}
    names = list(nodes)
    net = ep.Network.from_nir(nir.NIRGraph(nodes, list(zip(names, names[1:])), type_check=False), **CLOCK)
    assert net.params["1.bias"].tolist() == [0.5, 2.0] * 6
    back = ep.Network.from_nir(net.to_nir())
    assert all(np.array_equal(back.params[name], value) for name, value in net.params.items())
    net.params["1.bias"] = np.arange(12.0)
    with pytest.raises(ValueError, match="'1' has constant currents, and no projection to it could carry them"):
        net.to_nir()


def test_pulses_of_a_step() -> None:
    """A tool that steps with dt adds dt/τ_syn where a Dirac pulse adds 1/τ_syn."""
    graph = plain(w_in=50.0)
    spec = ep.Network.from_nir(graph, **CLOCK)
    assert "a spike adds 1e+04 times its weight" in str(spec.nir_report)
    step = ep.Network.from_nir(graph, **CLOCK, pulse=0.1)
    assert step.params["in->1"] == pytest.approx(spec.params["in->1"] * 1e-4, rel=1e-15)
    assert {row.name: row.verdict for row in step.nir_report.nodes}["1"] == "approximate"


def test_graphs_in_graphs_and_branches() -> None:
    inner = nir.NIRGraph(
        {"input": source(2), "lif": cubalif(2), "rec": nir.Linear(np.array([[0.0, 1.0], [2.0, 0.0]])), "output": output(2)},
        [("input", "lif"), ("lif", "rec"), ("rec", "lif"), ("lif", "output")],
    )
    flat = nir.Flatten({"input": np.array([1, 2])}, 0, -1)
    late = nir.Delay(np.full(2, 0.004))
    nodes = {"in": source(1, 2), "flat": flat, "a": nir.Linear(np.eye(2)), "b": nir.Linear(3 * np.eye(2)), "late": late}
    nodes.update(graph=inner, out=output(2))
    edges = [("in", "flat"), ("graph", "out"), ("late", "graph"), ("a", "graph"), ("b", "graph")]
    edges += [("flat", name) for name in ("a", "b", "late")]
    net = ep.Network.from_nir(nir.NIRGraph(nodes, edges, type_check=False), **CLOCK)
    assert repr(net).startswith("<Network 2-2:")
    found = {(*step["connect"], step["delay"]): net.params[name] for step, name in zip(net._built[2:], net.params)}
    assert np.array_equal(found["in", "graph.lif", 0.0], 4 * np.eye(2))
    assert np.array_equal(found["in", "graph.lif", 4.0], np.eye(2))
    assert np.array_equal(found["graph.lif", "graph.lif", 0.0], [[0.0, 2.0], [1.0, 0.0]])


def edited(change: Any) -> Any:
    graph = plain()
    change(graph)
    return graph


def put(name: str, node: Any) -> Any:
    return lambda graph: graph.nodes.__setitem__(name, node)


def edges(*pairs: tuple[str, str]) -> Any:
    return lambda graph: graph.edges.extend(pairs)


def behind(name: str, node: Any) -> Any:
    """A node 'x' on the way out of another."""

    def change(graph: Any) -> None:
        graph.nodes["x"] = node
        graph.edges = [("x", b) if a == name else (a, b) for a, b in graph.edges] + [(name, "x")]

    return change


REFUSED = [
    (edges(("1", "x")), "edge '1' to 'x' of the graph names a node 'x' that is not there; there are '0', '1'"),
    (edges(("0", "1")), "edge '0' to '1' of the graph stands there twice"),
    (lambda graph: graph.edges.remove(("0", "1")), "node '0' of the graph leads nowhere; is an edge missing"),
    (lambda graph: graph.edges.clear(), "node 'in' of the graph leads nowhere"),
    (edges(("3", "0")), "voltage of '3', CubaLI, leads to '1'; only spikes pass on here: use CubaLIF"),
    (edges(("3", "2")), "'3' has 2 channels, and '2' takes 3"),
    (lambda graph: graph.nodes.pop("in") and graph.edges.remove(("in", "0")), "0 nodes of type Input; expected 1"),
    (lambda graph: (put("x", output(3))(graph), edges(("1", "x"))(graph)), "2 nodes of type Output"),
    (lambda graph: [put("x", nir.Scale(np.ones(2)))(graph), edges(("x", "x"), ("x", "3"))(graph)], "circle .* no neuron in it: 'x'"),
    (lambda graph: (put("x", cubalif(2))(graph), edges(("x", "x"), ("x", "3"))(graph)), "no edges lead from the input to the node 'x'"),
    (edges(("2", "out")), "2 edges lead to 'out', the output of the graph"),
    (lambda graph: graph.edges.remove(("3", "out")) or graph.edges.append(("2", "out")), "'3' of the graph leads nowhere"),
    (lambda graph: [graph.edges.pop(), put("3", cubalif(2))(graph), edges(("3", "3"), ("2", "out"))(graph)], "is '2', Linear; expected"),
    (edges(("out", "1")), "edges go through the node 'out' of the graph, which is an Output"),
    (put("x", nir.Scale(np.ones(2))), "nothing leads to the node 'x' of the graph; is an edge missing"),
    (put("0", nir.Affine(np.ones((3, 2)), np.ones(2))), "'0', Affine: it has 2 biases for 3 targets"),
    (put("0", nir.Conv1d(2, np.ones((3, 1, 1)), 1, 0, 1, 1, np.ones(2))), "'0', Conv1d: it has 2 biases for 3 channels"),
    (put("1", nir.IF(np.ones(3), np.ones(3), np.ones(3))), "'1', IF: .*fire for ever: expected v_reset below v_threshold"),
    (put("1", nir.I(np.ones(3))), "voltage of '1', I, leads to '3'; only spikes pass on here"),
    (put("1", nir.Threshold(np.ones(3))), "'1', Threshold"),
    (put("0", nir.SumPool2d(np.ones(2), np.ones(2), np.ones(2))), "'0', SumPool2d: windows lie side by side here"),
    (put("0", nir.AvgPool2d(np.full(2, 2), np.ones(2), np.zeros(2))), "'0', AvgPool2d: windows lie side by side here"),
    (put("0", nir.Conv1d(2, np.ones((1, 1, 1)), 1, 0, 1, 1, np.zeros(1))), "leads from 'in' to '0', Conv1d, is no image: expected"),
    (put("0", nir.Conv2d(None, np.ones((1, 1, 3, 3)), 1, 0, 2, 1, np.zeros(1))), r"'0', Conv2d: its kernel has gaps"),
    (put("0", nir.Conv2d(None, np.ones((1, 1, 2, 2)), 1, "same", 1, 1, np.zeros(1))), "'0', Conv2d: its padding is \"same\" with"),
    (put("0", nir.Conv2d(None, np.ones((1, 1, 2)), 1, 0, 1, 1, np.zeros(1))), r"'0', Conv2d: its weight has shape \(1, 1, 2\)"),
    (behind("0", nir.Delay(np.array([0.001, 0.002, 0.001]))), "'x', Delay, has delays that differ and stands behind weights"),
    (put("2", nir.Delay(np.array([-0.001] * 3))), "delay of the node '2' is -0.001, that is -1 ms"),
    (put("3", cubali(2, v_leak=0.1)), "'3', CubaLI: its v_leak is not 0"),
    (put("1", cubalif(3, v_reset=1.5)), "'1', CubaLIF: .*fire for ever"),
    (put("1", cubalif(3, tau_mem=[0.02, 0.0, 0.02])), "tau_mem of the node '1' is 0, that is 0 ms"),
    (put("1", cubalif(3, tau_mem=np.nan)), r"tau_mem of the node '1'\[0\] is nan"),
    (put("0", nir.Linear(np.full((3, 2), np.inf))), "weight of the node '0'"),
    (put("0", nir.Linear(np.ones((2, 3, 2)))), r"'0', Linear: its weight has shape \(2, 3, 2\)"),
    (put("0", nir.Linear(np.ones((4, 2)))), "'0' has 4 channels, and '1' takes 3"),
    (lambda graph: graph.metadata.update(eventprop="{"), "metadata 'eventprop' of the graph is damaged; delete it"),
    (lambda graph: graph.metadata.update(eventprop='{"times": 3}'), "metadata 'eventprop' of the graph is damaged"),
    (lambda graph: graph.metadata.update(eventprop='{"dt": "1"}'), "metadata 'eventprop' of the graph is damaged"),
    (lambda graph: graph.metadata.update(eventprop='{"times": {"1": {"tau_mem": [[2]]}}}'), "metadata 'eventprop' of the graph is damaged"),
    (lambda graph: graph.metadata.update(eventprop='{"order": [3]}'), "metadata 'eventprop' of the graph is damaged"),
    (lambda graph: graph.metadata.update(eventprop='{"projections": [["in", "1"]]}'), "metadata 'eventprop' of the graph is damaged"),
    (lambda graph: graph.metadata.update(eventprop="[1]"), "metadata 'eventprop' of the graph is damaged"),
]


@pytest.mark.parametrize("change, message", REFUSED, ids=range(len(REFUSED)))
def test_graphs_that_cannot_be_computed_are_refused(change: Any, message: str) -> None:
    ep.Network.from_nir(plain(), **CLOCK)
    with pytest.raises(ValueError, match=message):
        ep.Network.from_nir(edited(change), **CLOCK)


def test_all_that_is_unsupported_is_said_at_once() -> None:
    graph = edited(put("1", nir.Threshold(np.ones(3))))
    graph.nodes["3"].v_leak[:] = 1
    with pytest.raises(ValueError) as caught:
        ep.Network.from_nir(graph, **CLOCK)
    assert "'1', Threshold" in str(caught.value) and "'3', CubaLI" in str(caught.value)


def test_units_that_cannot_be() -> None:
    with pytest.raises(ValueError, match='is 20000, that is 2e[+]07 ms when times are in s; .*time_unit="s", "ms" or "steps"'):
        ep.Network.from_nir(plain(tau_mem=20000.0), **CLOCK, time_unit="s")
    with pytest.raises(ValueError, match="when times are in ms"):
        ep.Network.from_nir(plain(tau_mem=2e-5), **CLOCK, time_unit="ms")
    with pytest.raises(ValueError, match='time_unit is \'us\'; expected "s", "ms", "steps"'):
        ep.Network.from_nir(plain(), **CLOCK, time_unit="us")
    guesses = [ep.Network.from_nir(plain(), **CLOCK).nir_report, ep.Network.from_nir(plain(tau_mem=20.0, tau_syn=5.0), **CLOCK).nir_report]
    assert [(one.guessed, one.time_unit) for one in guesses] == [(True, "s"), (True, "ms")]
    assert str(guesses[0]).startswith("times are in s (guessed; time_unit=… says it)\n")


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    rich().to_nir(path)
    whole = path.read_bytes()
    for length in (0, 7, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="net.nir is no whole HDF5 file"):
            ep.Network.from_nir(path)
    with pytest.raises(FileNotFoundError):
        ep.Network.from_nir(tmp_path / "none.nir")
    with pytest.raises(TypeError, match="the graph is int; expected nir.NIRGraph, or the path"):
        ep.Network.from_nir(3)
    with h5py.File(path, "w") as file:
        file["version"] = "1.0.0"
    with pytest.raises(ValueError, match="has no group 'node'"):
        ep.Network.from_nir(path)


def test_a_damaged_byte_is_never_worse_than_an_error(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"
    rich().to_nir(path)
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(3)
    for at in rng.integers(0, len(whole), 30):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            ep.Network.from_nir(path)
        except ValueError:
            pass


def test_files_of_other_versions_and_types(tmp_path: Path) -> None:
    path = tmp_path / "net.nir"

    def write(version: str | None, kind: str) -> None:
        nir.write(path, plain())
        with h5py.File(path, "r+") as file:
            del file["version"], file["node/nodes/1/type"]
            file["node/nodes/1/type"] = kind
            if version is not None:
                file["version"] = version

    write("0.1.1", "CubaLIF")
    assert ep.Network.from_nir(path, **CLOCK).nir_report.version == "0.1.1"
    write(None, "CubaLIF")
    assert ep.Network.from_nir(path, **CLOCK).nir_report.version is None
    write("2.0.0", "CubaLIF")
    with pytest.raises(ValueError, match="was written by NIR 2.0.0; this reads versions 0 and 1: .*give the graph"):
        ep.Network.from_nir(path, **CLOCK)
    write("1.1.0", "Izhikevich")
    with pytest.raises(ValueError, match="'1', Izhikevich: nodes that are known are Input, "):
        ep.Network.from_nir(path, **CLOCK)
    write("1.0.8", "CubaLIF")
    with h5py.File(path, "r+") as file:
        del file["node/nodes/1/tau_syn"]
    with pytest.raises(ValueError, match="the node '1' of .* is CubaLIF and has no tau_syn"):
        ep.Network.from_nir(path, **CLOCK)
    with h5py.File(path, "r+") as file:
        file["node/nodes/loop"] = file["node"]
    with pytest.raises(ValueError, match="the group .* stands there twice, or in itself"):
        ep.Network.from_nir(path, **CLOCK)


def test_axonal_delays_go_there_and_back(tmp_path: Path) -> None:
    net = ep.Network(dt=0.1, trial=30.0, seed=3)
    net.add_input("in", shape=(1, 3, 2))
    net.add_lif("hid", 4)
    net.add_li("out", 2)
    net.connect("in", "hid", ep.Normal(3.0, 1.0), delay=ep.Delay(ep.Uniform(0.5, 7.0), most=9.0, by="source"))
    net.connect("hid", "out", ep.Normal(0.0, 1.0), delay=ep.Delay(1 / 3, most=4.0, by="projection", trainable=False))
    graph = net.to_nir(tmp_path / "net.nir")
    assert graph.nodes["in->hid:delay"].delay.shape == (2, 1, 3)
    back = ep.Network.from_nir(tmp_path / "net.nir")
    for name, value in net.params.items():
        assert np.array_equal(back.params[name], value), name
    delays = [[step["delay"] for step in one.to_dict()["built"] if "connect" in step] for one in (net, back)]
    for one, other in zip(*delays):
        assert [one[key] for key in ("most", "by", "trainable")] == [other[key] for key in ("most", "by", "trainable")]
    graph.metadata = {}
    of_others = ep.Network.from_nir(graph, dt=0.1, trial=30.0, time_unit="s")
    (axonal, constant) = (step["delay"] for step in of_others.to_dict()["built"] if "connect" in step)
    assert (axonal["by"], axonal["trainable"]) == ("source", False) and constant == pytest.approx(1 / 3, rel=1e-15)
    spikes = ep.Spikes([(np.linspace(0.0, 9.0, 24), np.arange(24) % 6)])
    found = [one.forward(spikes, solver="event").spike_times("hid").times_ms for one in (net, back, of_others)]
    assert len(found[0]) > 3 and np.array_equal(found[0], found[1])
    np.testing.assert_allclose(found[0], found[2], rtol=1e-12)


def test_what_cannot_be_exported_is_refused_or_said() -> None:
    def with_population(name: str, add: str, **constants: Any) -> ep.Network:
        net = ep.Network(dt=1.0, trial=10.0)
        net.connect(net.add_input("in", 1), getattr(net, add)(name, 1, **constants), [[1.0]])
        return net

    with pytest.raises(ValueError, match="thresholds of 'h' adapt, which no node of NIR does"):
        with_population("h", "add_alif").to_nir()
    with pytest.raises(ValueError, match="'a/b' cannot be a node of a NIR file"):
        with_population("a/b", "add_li").to_nir()
    for add, constant, value in (("add_li", "v_init", 0.3), ("add_lif", "v_reset", -0.1)):
        net = with_population("h", add, **{constant: value})
        with pytest.warns(UserWarning, match=f"{constant} of 'h' is not 0"):
            graph = net.to_nir()
        back = ep.Network.from_nir(graph)
        assert back._built[1]["constants"][constant] == value


def test_wirings_are_matrices_or_refused() -> None:
    def connected(shape: tuple[int, int, int] = (1, 1, 4), **how: Any) -> ep.Network:
        net = ep.Network(dt=1.0, trial=10.0)
        net.connect(net.add_input("in", shape=shape), net.add_li("out", 4), ep.Normal(1.0, 0.1), **how)
        return net

    mask = np.array([[1, 0, 1, 0], [0, 0, 0, 1], [1, 1, 0, 0], [0, 1, 0, 0]], bool)
    for wiring, pairs in ((ep.Sparse(mask), mask), (ep.OneToOne(), np.eye(4, dtype=bool))):
        net = connected(wiring=wiring)
        weights = net.to_nir().nodes["in->out"].weight.T
        assert ((weights != 0) == pairs).all()
        assert (weights[pairs] == net.params["in->out"]).all()
    with pytest.raises(ValueError, match="in->out is sparse behind a pooling"):
        connected((2, 2, 3), via=ep.SumPool(2), wiring=ep.Sparse(fan_in=2)).to_nir()
    net = ep.Network(dt=1.0, trial=10.0)
    net.connect(net.add_input("in", 4), net.add_li("out", shape=(2, 2, 1)), ep.Normal(1.0, 0.1))
    with pytest.raises(ValueError, match="in->out leads to an image without a convolution"):
        net.to_nir()
    with pytest.raises(ValueError, match="in->out has a delay for each synapse"):
        connected(delay=ep.Delay(1.0)).to_nir()


def images() -> ep.Network:
    """Convolutions, poolings, a matrix behind them, delays, and constants that differ from neuron to neuron."""
    rng = np.random.default_rng(2)
    net = ep.Network(dt=0.5, trial=20.0, seed=4)
    image = net.add_input("in", shape=(9, 7, 2))
    first = net.add_lif("first", shape=(4, 3, 4), tau_mem=15 + rng.random(48), trainable={"tau_mem": 3.0})
    second = net.add_lif("second", shape=(2, 3, 6), v_thresh=0.7)
    out = net.add_li("out", 3)
    net.connect(image, first, ep.Normal(3.0, 1.0), wiring=ep.Conv2d(3, stride=2))
    net.connect(first, second, ep.Normal(2.0, 1.0), wiring=ep.Conv2d((3, 3), padding=(0, 1), groups=2), delay=1.5)
    net.connect(second, out, ep.Normal(0.5, 1.0), via=ep.AvgPool((2, 1)))
    net.connect(image, out, ep.Normal(0.1, 0.3), via=[ep.SumPool(2), ep.SumPool((2, 1))])
    net.connect(first, out, ep.Normal(0.1, 0.3), wiring=ep.Sparse(fan_in=5))
    return net


def test_images_come_back_and_are_typed(tmp_path: Path) -> None:
    net = images()
    graph = net.to_nir(tmp_path / "net.nir")
    assert graph.nodes["in->first"].weight.shape == (4, 2, 3, 3)
    assert graph.nodes["first"].tau_mem.shape == (4, 4, 3)
    back = ep.Network.from_nir(tmp_path / "net.nir")
    assert back.populations == net.populations
    batch = ep.Spikes([(np.linspace(0.3, 15, 126), np.random.default_rng(1).permutation(126))], labels=[1])
    for name in ("in->first", "first->second", "second->out", "in->out", "first.tau_mem"):
        np.testing.assert_array_equal(back.params[name], net.params[name], err_msg=name)
    for solver in ("grid64", "event"):
        ours, theirs = (one.evaluate(batch, loss="sum", solver=solver) for one in (net, back))
        assert theirs.loss == pytest.approx(ours.loss, rel=1e-12)  # a sparse wiring comes back dense, with zeros
        assert theirs.spikes["second"].neurons.tolist() == ours.spikes["second"].neurons.tolist() != []


def test_convolutions_of_others_are_read() -> None:
    """Along one dimension, with padding in words, pools, a scale and neurons behind a pool."""
    rng = np.random.default_rng(3)
    kernel = rng.random((3, 2, 3))
    nodes = {
        "in": source(2, 6),
        "conv": nir.Conv1d(6, kernel, 1, "same", 1, 1, np.zeros(3)),
        "scale": nir.Scale(np.full((3, 6), 2.0)),
        "hid": nir.CubaLIF(*np.full((2, 3, 6), 0.01), np.ones((3, 6)), np.zeros((3, 6)), np.ones((3, 6)), w_in=np.full((3, 6), 0.01)),
        "pool": nir.SumPool2d(np.array([1, 2]), np.array([1, 2]), np.zeros(2)),
        "out": cubali(9),
    }
    order = list(nodes)
    nodes["end"] = output(9)
    graph = nir.NIRGraph(nodes, list(zip(order, [*order[1:], "end"])), type_check=False)
    net = ep.Network.from_nir(graph, **CLOCK)
    assert [population.shape for population in net.populations] == [(1, 6, 2), (1, 6, 3), (1, 1, 9)]
    np.testing.assert_allclose(net.params["in->hid"], 2 * kernel[:, :, None, :], rtol=1e-15)
    sources, targets = net.synapses("hid->out")
    # Neuron (x, c) of "hid" is pooled to position x // 2, and NIR lists channels first.
    assert {(int(s), int(t)) for s, t in zip(sources, targets)} == {(x * 3 + c, x // 2 * 3 + c) for x in range(6) for c in range(3)}


def test_metadata_of_a_graph_that_was_changed_are_not_believed() -> None:
    graph = rich().to_nir()
    graph.nodes["z"].tau_mem = graph.nodes["z"].tau_mem * 2
    back = ep.Network.from_nir(graph)
    constants = {step["name"]: step["constants"] for step in back._built if "add" in step}
    assert constants["z"]["tau_mem"] == pytest.approx(34.6, rel=1e-15)
    assert json.loads(graph.metadata["eventprop"])["times"]["z"]["tau_mem"] == [17.3, 17.3]


def test_another_event_based_simulator_reads_our_file_and_spikes_alike(tmp_path: Path) -> None:
    """jaxsnn 0.3 solves for the same spikes in double precision. It takes times in ms, and weights as [source, target], which NIR
    has the other way round."""
    conversion = pytest.importorskip("jaxsnn.event.utils.from_nir", reason="skipped: no jaxsnn")
    import jax
    import jax.numpy as jnp
    from jaxsnn.event.types import Spike

    net = ep.Network(dt=0.01, trial=40.0, seed=2)
    net.add_input("in", 5)
    net.add_lif("hid", 6, tau_mem=20.0, tau_syn=10.0)  # it knows a tau_mem of twice tau_syn only
    net.add_lif("out", 3, tau_mem=20.0, tau_syn=10.0)
    net.connect("in", "hid", ep.Normal(1.5, 0.7))
    net.connect("hid", "out", ep.Normal(1.0, 0.5))
    net.to_nir(tmp_path / "net.nir", time_unit="ms")
    spikes = ep.Spikes([(np.sort(np.random.default_rng(0).uniform(0.0, 20.0, 5)), np.arange(5))])
    run = net.forward(spikes, solver="event")
    jax.config.update("jax_enable_x64", True)
    try:
        config = conversion.ConversionConfig(t_max=0.04, n_steps={"hid": 60, "out": 120})
        init, apply = conversion.from_nir(nir.read(tmp_path / "net.nir"), config).done()
        weights = {name: None if value is None else value.T for name, value in init(jax.random.PRNGKey(0)).items()}
        times, neurons = spikes[0]
        zeros = jnp.zeros((1, 5))
        given = Spike(jnp.asarray([times / 1000.0]), jnp.asarray([neurons.astype(int)]), zeros, zeros.astype(int), zeros == 0)
        found = apply({"in": given}, weights)
        for name in ("hid", "out"):
            ours, theirs = run.spike_times(name), found[name]
            times_ms = 1000.0 * np.asarray(theirs.time[0])
            there = np.asarray(theirs.internal[0]) & (times_ms < net.trial)
            assert np.array_equal(np.asarray(theirs.idx[0])[there], ours.neurons)
            # Both solve a quadratic equation for each spike; an error of rounding grows from spike to spike.
            np.testing.assert_allclose(times_ms[there], ours.times_ms, rtol=0.0, atol=1e-9)
            assert len(ours.times_ms) > 10
    finally:
        jax.config.update("jax_enable_x64", False)


KINDS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")


def of_equations(kind: str, trial: float = 20.0) -> ep.Network:
    """A network whose second population has the equations of a node, with a constant current for each of its four neurons."""
    from eventprop.nir import _model

    rng = np.random.default_rng(KINDS.index(kind))
    given: dict[str, Any] = {"bias": rng.uniform(0.01, 0.2, 4)}
    if kind not in ("I", "IF"):
        given["tau_mem"] = rng.uniform(10.0, 30.0, 4)
    if kind.startswith("Cuba"):
        given["tau_syn"] = rng.uniform(2.0, 6.0, 4)
    spikes = kind in ("IF", "LIF", "CubaLIF")
    net = ep.Network(dt=0.1, trial=trial, seed=3)
    net.add_input("in", 3)
    net.add("mid", 4, _model(kind), trainable=["bias"], **given)
    net.connect("in", "mid", rng.uniform(2.0, 6.0, (3, 4)), delay=0.7)
    if spikes:
        net.add_li("out", 2)
        net.connect("mid", "out", rng.normal(size=(4, 2)))
    return net


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("unit", ["s", "ms"])
def test_equations_of_nodes_come_back_to_the_last_bit(kind: str, unit: str, tmp_path: Path) -> None:
    net = of_equations(kind)
    graph = net.to_nir(tmp_path / "net.nir", time_unit=unit)
    assert type(graph.nodes["mid"]).__name__ == kind and type(graph.nodes["in->mid"]).__name__ == "Affine"
    back = ep.Network.from_nir(tmp_path / "net.nir")
    assert list(back.params) == list(net.params)
    for name, value in net.params.items():
        assert np.array_equal(back.params[name], value), name
    batch = ep.Spikes([([1.0, 4.0, 6.0, 9.0], [0, 1, 0, 2])], labels=[1])
    one, other = (each.evaluate(batch, "max", gradient=True, solver="grid") for each in (net, back))
    assert np.array_equal(one.losses, other.losses)
    assert one.gradients["mid.bias"].any()
    assert all(np.array_equal(one.gradients[name], other.gradients[name]) for name in one.gradients)
    assert {row.verdict for row in back.nir_report.nodes} == {"faithful"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pulse", [None, 0.1])
def test_equations_of_nodes_need_no_metadata_but_for_a_rounding(kind: str, pulse: float | None) -> None:
    net = of_equations(kind)
    graph = net.to_nir(pulse=pulse)
    graph.metadata = {}
    back = ep.Network.from_nir(graph, dt=0.1, trial=20.0, time_unit="s", pulse=pulse)
    for name, value in net.params.items():
        np.testing.assert_allclose(back.params[name], value, rtol=1e-15, err_msg=name)


def test_equations_that_no_node_has_are_refused() -> None:
    net = ep.Network(dt=0.1, trial=20.0)
    net.add_input("in", 3)
    net.add("mid", 4, ep.NeuronModel.shipped("qif"))
    net.connect("in", "mid")
    with pytest.raises(ValueError, match="the neurons of 'mid' are equations that no node of NIR has; use add_lif or a model"):
        net.to_nir()
    net = of_equations("I")
    net._built = [step for step in net._built if "connect" not in step]
    with pytest.raises(ValueError, match="'mid' has constant currents, and no projection to it could carry them"):
        net.to_nir()


def test_spyx_reads_our_file_and_spikes_alike(tmp_path: Path) -> None:
    """spyx 1.0 knows neither r nor w_in, so that a spike adds its weight to V, as here. It decays by 1 - dt/tau in a step, takes
    spikes from the V of the step before and resets by the threshold: first spikes are one step later."""
    conversion = pytest.importorskip("spyx.nir", reason="skipped: no spyx")
    from eventprop.nir import _model

    tau, dt, trial = 20.0, 0.1, 30.0
    steps = round(trial / dt)
    rng = np.random.default_rng(5)
    net = ep.Network(dt=dt, trial=trial)
    net.add_input("input", 8)
    net.add("hid", 12, _model("LIF"), tau_mem=tau)
    net.connect("input", "hid", rng.uniform(0.05, 0.35, (8, 12)))
    net.to_nir(tmp_path / "net.nir", time_unit="ms")
    # In the middle of steps, so that both put them on the same.
    times = (rng.permutation(steps - 20)[:8] + 0.5) * dt
    order = np.argsort(times)
    spikes = ep.Spikes([(times[order], order)])
    run = net.forward(spikes, solver="grid64", observe=["hid.V"])
    ours = np.full(12, np.inf)
    found = run.spike_times("hid")
    np.minimum.at(ours, found.neurons, found.times_ms)
    dense = spikes.to_dense(trial, dt=dt, neurons=8)[0][:, None, :]
    _, theirs = conversion.from_nir(nir.read(tmp_path / "net.nir"), dense, dt=dt)
    fired = np.asarray(theirs)[:, 0] > 0
    there = np.where(fired.any(0), fired.argmax(0) * dt, np.inf)
    # Every weight has decayed by exp(-t/tau) here and by (1 - dt/tau)^(t/dt) there, which is less by at most t dt/(2 tau^2) exp(-t/tau),
    # that is dt/(2 e tau); spyx computes in single precision. A first spike is sure where V passes 1 by more, on either side.
    error = 8 * 0.35 * dt / (2 * np.e * tau) + 1e-4
    voltage, before = np.zeros(12), 0.0
    sure = np.ones(12, dtype=bool)
    for time, neuron in zip(times[order], order):
        voltage = voltage * np.exp(-(time - before) / tau) + net.params["input->hid"][neuron]
        before = time
        spiked = time > ours + 1.5 * dt
        sure &= spiked | (np.abs(voltage - 1.0) > error)
    assert sure.sum() >= 8 and np.isfinite(ours[sure]).sum() >= 4 and np.isinf(ours[sure]).any()
    assert np.array_equal(np.isfinite(there[sure]), np.isfinite(ours[sure]))
    both = sure & np.isfinite(ours)
    assert np.abs(there[both] - ours[both]).max() <= 1.5 * dt


def test_snntorch_reads_our_file_and_spikes_as_euler_steps_of_the_same_network(tmp_path: Path) -> None:
    """snnTorch 1.0 takes explicit Euler steps of 0.1 ms: I decays by 1 - dt/tau_syn and gets W, V decays and gets I dt/tau_mem."""
    conversion = pytest.importorskip("snntorch.import_nir", reason="skipped: no snntorch")
    torch = pytest.importorskip("torch", reason="skipped: no torch")
    dt, trial, tau_mem, tau_syn = 0.1, 60.0, 20.0, 5.0
    net = ep.Network(dt=dt, trial=trial, seed=2)
    net.add_input("input", 5)
    net.add_lif("hid", 8, tau_mem=tau_mem, tau_syn=tau_syn)
    net.connect("input", "hid", ep.Normal(3.0, 1.0))
    net.to_nir(tmp_path / "net.nir", profile="snntorch")
    steps = np.sort(np.random.default_rng(0).choice(np.arange(5, 400), 5, replace=False))
    spikes = ep.Spikes([((steps + 0.5) * dt, np.arange(5))])
    dense = spikes.to_dense(trial, dt=dt, neurons=5)[0]
    model, state, theirs = conversion.import_from_nir(nir.read(tmp_path / "net.nir")), None, []
    for step in dense:
        out, state = model(torch.tensor(step[None], dtype=torch.float32), state)
        theirs.append(out[0].detach().numpy() > 0)
    v, i, euler, near = np.zeros(8), np.zeros(8), [], np.inf
    for step in dense:
        i = (1 - dt / tau_syn) * i + step @ net.params["input->hid"]
        v = (1 - dt / tau_mem) * v + i * dt / tau_mem
        euler.append(v > 1.0)
        near = min(near, float(np.abs(v - 1.0).min()))
        v = np.where(v > 1.0, 0.0, v)
    assert near > 1e-5, "single precision could decide otherwise"
    assert np.array_equal(theirs, euler) and np.sum(euler) > 15
    # Ours are the exact flow; the error of Euler steps is of first order.
    ours = net.forward(spikes, solver="event").spike_times("hid")
    first = np.array([ours.times_ms[ours.neurons == n].min() for n in range(8)])
    assert np.abs(np.argmax(euler, axis=0) * dt - first).max() < 1.0
    back = ep.Network.from_nir(tmp_path / "net.nir")
    np.testing.assert_allclose(back.params["input->hid"], net.params["input->hid"], rtol=1e-15)


def test_profiles_that_contradict_are_refused() -> None:
    with pytest.raises(ValueError, match="profile is 'lava'; expected"):
        rich().to_nir(profile="lava")
    with pytest.raises(ValueError, match='profile="snntorch" has times in s and a pulse of 0.1 ms'):
        rich().to_nir(profile="snntorch", pulse=1.0)


def test_a_file_of_nir_becomes_one_of_the_program(tmp_path: Path) -> None:
    nir.write(tmp_path / "net.nir", chain(nir.Affine(np.full((2, 2), 4.0), np.array([0.0, 0.2])), cubalif(2), nir.Linear(np.eye(2)), cubali(2)))
    words = [sys.executable, "-m", "eventprop.nir", str(tmp_path / "net.nir"), str(tmp_path / "net.toml")]
    done = subprocess.run([*words, "--dt", "0.1", "--trial", "20"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "CubaLIF" in done.stdout, done.stderr
    net, same = ep.Network.from_nir(tmp_path / "net.nir", **CLOCK), ep.Network.from_file(tmp_path / "net.toml")
    spikes = ep.Spikes([([1.0, 2.0, 3.0], [0, 1, 0])])
    found, expected = (one.forward(spikes, solver="grid64", observe=["3.V"])["3.V"] for one in (same, net))
    assert np.array_equal(found, expected) and expected.any()
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "does not say dt; give dt=" in done.stderr


def test_a_unit_that_is_given_counts_more_than_metadata() -> None:
    back = ep.Network.from_nir(rich().to_nir(), time_unit="ms")
    constants = {step["name"]: step["constants"] for step in back._built if "add" in step}
    assert constants["z"]["tau_mem"] == 17.3 / 1000


def test_graphs_that_would_grow_without_bound() -> None:
    wide = nir.NIRGraph({"in": source(9000), "lif": cubalif(9000), "out": output(9000)}, [("in", "lif"), ("lif", "out")])
    with pytest.raises(ValueError, match="9000 channels lead one to one to 'lif'; projections are dense here"):
        ep.Network.from_nir(wide, **CLOCK)
    nodes: dict[str, Any] = {"in": source(1), "out": output(1), "lif": cubalif(1), "s0": nir.Scale(np.ones(1))}
    edges = [("in", "s0"), ("s12", "lif"), ("lif", "out")]
    for k in range(12):
        nodes[f"s{k + 1}"], nodes[f"d{k}"] = nir.Scale(np.ones(1)), nir.Delay(np.array([1e-3 * 2**k]))
        edges += [(f"s{k}", f"s{k + 1}"), (f"s{k}", f"d{k}"), (f"d{k}", f"s{k + 1}")]
    with pytest.raises(ValueError, match="more than 1000 delays lead to the node 's10'"):
        ep.Network.from_nir(nir.NIRGraph(nodes, edges), **CLOCK)


def test_without_the_package_an_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "nir", None)
    for call in (lambda: rich().to_nir(), lambda: ep.Network.from_nir(tmp_path / "net.nir")):
        with pytest.raises(ImportError, match="pip install nir"):
            call()


@reference_files
def test_the_braille_network_answers_as_its_equations_say() -> None:
    assert DATA is not None
    path = Path(DATA) / "nir" / "braille_noDelay_noBias_subtract.nir"
    net = ep.Network.from_nir(path, dt=0.01, trial=4.0)
    assert (net.nir_report.time_unit, net.nir_report.guessed, net.nir_report.version) == ("s", True, "0.2.0")
    graph = nir.read(path)
    lif, weight = graph.nodes["lif1.lif"], graph.nodes["fc1"].weight[:, 3].astype(float)
    tau_mem, tau_syn = lif.tau_mem * 1000, lif.tau_syn * 1000
    small = 1e-6  # of the weights, so that nothing spikes
    net.params["input->lif1.lif"] = net.params["input->lif1.lif"] * small
    run = net.forward(ep.Spikes([([0.5], [3])]), solver="event", observe=["lif1.lif.V"])
    assert not len(run.spike_times("lif1.lif").times_ms)
    t = run.nodes("lif1.lif")[0][:, None] - 0.5
    expected = small * weight * lif.w_in * lif.r / lif.tau_syn * response(t, tau_mem, tau_syn)
    assert np.abs(expected).max() > 1e-3
    assert np.abs(run["lif1.lif.V"][0] - expected).max() < 1e-6 * np.abs(expected).max()


@reference_files
def test_voltages_are_those_of_the_exact_trace_of_the_reference() -> None:
    """The neuron of lif_norse.nir without its threshold, up to the first spike of lif_exact.csv, whose rows end steps.

    Its spikes are pulses as long as a step of dt = 0.1 ms. After the pulse the exact response is that of an impulse at its start times
    (exp(x) − 1)/x with x = dt/τ, which is the "as if half a pulse early" of the report.
    """
    assert DATA is not None
    folder = Path(DATA) / "nir"
    lif = nir.read(folder / "lif_norse.nir").nodes["1"]
    trace = np.loadtxt(folder / "lif_exact.csv", delimiter=",")
    rows = int(np.flatnonzero(trace[:, 2])[0])
    li = nir.LI(tau=lif.tau, r=lif.r, v_leak=lif.v_leak)
    graph = chain(nir.Linear(np.ones((1, 1))), li, inputs=1, outputs=1)
    net = ep.Network.from_nir(graph, dt=0.1, trial=50.0, pulse=0.1, tau_syn=2e-3)
    times = np.flatnonzero(trace[:rows, 0]) * 0.1
    run = net.forward(ep.Spikes([(times, np.zeros(len(times), int))]), solver="event", observe=["1.V"])
    tau = 1000.0 * float(lif.tau[0])
    ends = 0.1 * np.arange(1, rows + 1)
    nodes, voltages = run.nodes("1")[0][0], run["1.V"][0][:, 0]
    before = np.searchsorted(nodes, ends - 1e-9) - 1  # from the last node before the end of a step V decays until there
    found = voltages[before] * np.exp((nodes[before] - ends) / tau)
    x = 0.1 / tau
    assert rows > 100 and trace[:rows, 1].max() > 0.05
    assert np.abs(found * np.expm1(x) / x - trace[:rows, 1]).max() < 1e-6


@reference_files
@pytest.mark.parametrize(
    "name, message",
    [
        ("braille_noDelay_bias_zero_subgraph", "of the graph 'lif1' in .* names a node 'lif' that is not there; there are .*'lif1'"),
    ],
)
def test_reference_files_that_are_refused(name: str, message: str) -> None:
    assert DATA is not None
    with pytest.raises(ValueError, match=message):
        ep.Network.from_nir(Path(DATA) / "nir" / f"{name}.nir", dt=0.1, trial=10.0)


@reference_files
def test_spikes_and_voltages_are_those_of_the_simulators_of_the_reference() -> None:
    """lif_norse.nir on a grid of 0.1 ms, the step of all traces: the first spikes of the six others lie between 45 and 46.1 ms."""
    assert DATA is not None
    folder = Path(DATA) / "nir"
    trace = np.loadtxt(folder / "lif_exact.csv", delimiter=",")
    net = ep.Network.from_nir(folder / "lif_norse.nir", dt=0.1, trial=100.0, pulse=0.1)
    times = np.flatnonzero(trace[:, 0]) * 0.1
    run = net.forward(ep.Spikes([(times, np.zeros(len(times), int))]), solver="grid64", observe=["1.V"])
    others = ("nengo", "norse", "rockpool", "sinabs", "snntorch", "spyx")
    traces = [np.loadtxt(folder / f"lif_{name}.csv", delimiter=",") for name in others]
    spread = np.array([0.1 * np.flatnonzero(one[:, 2]) for one in [trace, *traces]])
    found = run.spike_times("1").times_ms
    assert np.all((spread.min(axis=0) <= found + 1e-9) & (found <= spread.max(axis=0) + 1e-9))
    rows, x = int(np.flatnonzero(trace[:, 2])[0]), 0.1 / 2.5
    # A pulse of a step leaves behind what an impulse at its end does, times the mean decay over it; the files are in float32.
    pulses = run["1.V"][0][1 : rows + 1, 0] * -np.expm1(-x) / x
    assert np.abs(pulses - trace[:rows, 1]).max() < 1e-7


@reference_files
@pytest.mark.parametrize(
    "name, sizes, pulse",
    [
        ("lif_rockpool", "1-1", 0.1),
        ("two_lif_neurons", "1-1-1", None),
        ("cnn_sinabs", "2312-4096-4096-512-256-10", None),
        ("braille_noDelay_bias_zero", "12-38-7", 0.1),
    ],
)
def test_reference_files_that_are_read(name: str, sizes: str, pulse: float | None) -> None:
    assert DATA is not None
    net = ep.Network.from_nir(Path(DATA) / "nir" / f"{name}.nir", dt=0.1, trial=10.0, pulse=pulse)
    assert repr(net).startswith(f"<Network {sizes}:")
    spikes = ep.Spikes([(np.linspace(0.0, 9.0, 40), np.arange(40) % net.populations[0].size)])
    assert len(net.forward(spikes).spike_times(net.populations[1].name).times_ms) > 0


@reference_files
def test_a_braille_network_without_its_biases_is_read_from_a_graph() -> None:
    assert DATA is not None
    graph = nir.read(Path(DATA) / "nir" / "braille_noDelay_bias_zero.nir")
    for name in ("fc1", "fc2", "lif1.w_rec"):
        graph.nodes[name].bias[:] = 0
    net = ep.Network.from_nir(graph, dt=0.1, trial=10.0, pulse=0.1)
    # r and w_in of this file are τ/dt: with pulses of dt a spike moves the potential by its weight in the first step.
    lif, weight = graph.nodes["lif1.lif"], graph.nodes["fc1"].weight.T
    assert net.params["input->lif1.lif"] == pytest.approx(weight * lif.r[0], rel=1e-6)
