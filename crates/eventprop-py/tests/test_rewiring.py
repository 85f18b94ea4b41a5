"""Deep rewiring of sparse projections."""

from __future__ import annotations

from pathlib import Path

import eventprop as ep
import numpy as np
import pytest

Task = tuple[ep.Network, ep.Spikes]


def sparse(seed: int = 1) -> ep.Network:
    net = ep.Network(dt=1.0, trial=20.0, seed=seed)
    net.add_input("in", 2)
    net.add_lif("hid", 20)
    net.add_li("out", 2)
    net.connect("in", "hid", ep.Normal(8.0, 4.0), wiring=ep.Sparse(probability=0.6))
    net.connect("hid", "hid", ep.Normal(0.0, 0.5), wiring=ep.Sparse(fan_in=4))
    net.connect("hid", "out", ep.Normal(0.0, 0.5))
    return net


def pairs(net: ep.Network, name: str) -> list[tuple[int, int]]:
    sources, targets = net.synapses(name)
    return list(zip(sources.tolist(), targets.tolist()))


def test_pairs_change_and_their_number_stays(task: Task, tmp_path: Path) -> None:
    _, batch = task
    net = sparse()
    before = {name: pairs(net, name) for name in ("in->hid", "hid->hid")}
    history = net.fit(batch, epochs=20, batch_size=8, optimizer=ep.Adam(0.02), rewire=ep.DeepR(0.1), progress=False)
    assert history["rewired"].sum() > 10 and history["stuck"].sum() == 0
    for name, old in before.items():
        new = pairs(net, name)
        assert len(new) == len(old) and len(set(new)) == len(new) and new == sorted(new)
    assert pairs(net, "hid->hid") != before["hid->hid"]
    assert history["loss"][-1] < history["loss"][0]
    net.save(tmp_path / "net.safetensors")
    kept = ep.Network.load(tmp_path / "net.safetensors")
    assert pairs(kept, "hid->hid") == pairs(net, "hid->hid")
    for solver in ("grid", "event"):
        assert kept.evaluate(batch, solver=solver).loss == net.evaluate(batch, solver=solver).loss
    again = sparse()
    again.fit(batch, epochs=20, batch_size=8, optimizer=ep.Adam(0.02), rewire=ep.DeepR(0.1), progress=False)
    for name, value in net.params.items():
        np.testing.assert_array_equal(again.params[name], value)


def test_only_named_projections_are_rewired(task: Task) -> None:
    _, batch = task
    net = sparse()
    before = pairs(net, "in->hid")
    net.fit(batch, epochs=5, optimizer=ep.Adam(0.05), rewire=ep.DeepR(0.1, ["hid->hid"]), progress=False)
    assert pairs(net, "in->hid") == before


def test_what_cannot_be_rewired_is_refused(task: Task) -> None:
    dense, batch = task
    for net, rewire, message in (
        (dense, ep.DeepR(), "there is no sparse projection to rewire"),
        (sparse(), ep.DeepR(projections=["hid->out"]), "hid->out is not sparse"),
        (sparse(), ep.DeepR(projections=["a->b"]), "there is no projection \"a->b\" to rewire; there are in->hid"),
        (sparse(), ep.DeepR(-0.1), "the pull of rewiring is -0.1"),
    ):
        with pytest.raises(ValueError, match="rewir") as error:
            net.fit(batch, rewire=rewire, progress=False)
        assert message in str(error.value)
