"""What doctor and plan say of networks that will not learn, and of one that will."""

from __future__ import annotations

import warnings

import eventprop as ep
import numpy as np
import pytest


def network(weight: ep.Normal | None, output: ep.Normal | None = ep.Normal(0.1, 0.3)) -> ep.Network:
    net = ep.Network(dt=0.5, trial=30.0, seed=1)
    net.add_input("in", 5)
    net.add_lif("hid", 30)
    net.add_li("out", 3)
    net.connect("in", "hid", weight)
    net.connect("hid", "out", output)
    return net


DATA = ep.data.yinyang(train=200, validation=20, test=20, trial=30.0, dt=0.5)


def test_a_network_that_is_active_has_nothing_to_complain_of() -> None:
    net = network(ep.Normal(2.0, 0.8))
    before = np.array(net.params["in->hid"])
    found = ep.doctor(net, DATA.train[:64])
    assert found.complaints == []
    assert str(found).endswith("nothing to complain of")
    assert 0.5 < found.activity["hid"].rate < 5 and found.gradients["in->hid"] > 0
    assert np.array_equal(net.params["in->hid"], before)


def test_silence_saturation_and_empty_samples_are_complaints() -> None:
    silent = ep.doctor(network(ep.Normal(0.01, 0.0)), DATA.train[:64])
    assert silent.complaints[0].startswith("100 % of the neurons of 'hid' never spike")
    assert silent.complaints[-1] == "the gradient is 0 for in->hid, hid->out: nothing is learned there"
    saturated = ep.doctor(network(ep.Normal(200.0, 0.0)), DATA.train[:64])
    assert any("'hid' spike at least once in half of tau_syn" in text for text in saturated.complaints)
    empty = ep.Spikes([([1.0], [0]), ([], [])], labels=[0, 1])
    assert "1 of 2 samples have no spikes" in ep.doctor(network(ep.Normal(2.0, 0.8)), empty).complaints[0]


def test_weights_that_nobody_gave_are_told_where_fit_does_not_calibrate_them() -> None:
    net = network(None)
    assert "in->hid was connected without weights" in ep.doctor(net, DATA.train[:64]).complaints[0]
    with pytest.warns(UserWarning, match="in->hid: connected without weights, and not calibrated"):
        net.forward(DATA.train[:8])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.forward(DATA.train[:8])
        fresh = network(None)
        fresh.calibrate(DATA.train[:64])
        fresh.forward(DATA.train[:8])


def test_a_calibration_that_overshoots_is_told() -> None:
    net = network(ep.Normal(-1.0, 0.0))
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        reached = net.calibrate(DATA.train[:64], "in->hid")["hid"]
    assert float(np.abs(net.params["in->hid"]).max()) < 1e4
    assert bool(told) == (reached > 10 or reached < 0.25)


def test_a_plan_counts_batches_and_leaves_the_network() -> None:
    net = network(None)
    found = ep.plan(net, DATA.train, epochs=3, batch_size=32)
    assert (found.batches, found.parameters) == (7, 5 * 30 + 30 * 3)
    assert found.seconds == pytest.approx(3 * 7 * found.ms_per_batch / 1000)
    assert found.data_mb > 0 and "7 batches of" in str(found)
    assert net._uncalibrated == {"in->hid"}


def test_a_loss_that_is_refused_is_not_kept() -> None:
    net = network(ep.Normal(2.0, 0.8))
    with pytest.raises(ValueError, match="first_spike needs LIF neurons"):
        net.fit(DATA.train, loss="first_spike")
    assert 0.0 <= net.score(DATA.test) <= 1.0


def test_mistakes_at_the_door_have_a_way_out() -> None:
    net = network(ep.Normal(2.0, 0.8))
    with pytest.raises(TypeError, match=r"callbacks has the class EarlyStopping; expected one of it: EarlyStopping\(…\)"):
        net.fit(DATA.train, callbacks=[ep.EarlyStopping])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="voltage is ndarray; expected derivatives by name"):
        net.forward(DATA.train[:4], observe="out.V").backward(np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the learning rate is '1e-3'; expected a number"):
        ep.Adam("1e-3")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="expected one of 'source', 'target', 'synapse', 'projection'"):
        ep.Delay(by="synaps")
    with pytest.warns(UserWarning, match="dt=0.3 does not divide trial=20.0: a trial is 67 steps, 20.1 ms"):
        ep.Network(dt=0.3, trial=20.0)
    with pytest.warns(UserWarning, match="no expression of the neuron model reads its parameter 'tau_ref'"):
        ep.NeuronModel({"v": "-v"}, input={"v": "v + w"}, parameters={"tau_ref": 2.0})
    assert repr(net.evaluate(DATA.test)).startswith("<Evaluation: 20 samples, loss ")
