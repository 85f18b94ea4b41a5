"""Neuron models from equations in Python."""

import numpy as np
import pytest

import eventprop as ep

PARTS = {
    "state": {"v": "(v*(v - v_c) + i)/tau_mem", "i": "-i/tau_syn"},
    "spike": "v - v_peak",
    "reset": {"v": "v_reset"},
    "input": {"i": "i + w"},
    "parameters": {"tau_mem": 10, "tau_syn": 5, "v_c": 1, "v_peak": 5, "v_reset": -1},
}


def network(model, **options):
    net = ep.Network(dt=0.5, trial=30.0, seed=3)
    net.add_input("in", 3)
    net.add("hid", 4, model, **options)
    net.add_li("out", 2)
    net.connect("in", "hid", ep.Normal(6.0, 1.0))
    net.connect("hid", "hid", ep.Normal(0.0, 1.0))
    net.connect("hid", "out", ep.Normal(0.3, 0.5))
    return net


def samples():
    trains = [([1.0, 3.0, 6.0, 9.0], [0, 1, 2, 0]), ([2.0, 4.0, 5.0, 8.0], [2, 1, 0, 1])]
    return ep.Spikes([(np.array(times), np.array(neurons)) for times, neurons in trains], [0, 1])


def test_a_model_is_text_and_trains():
    model = ep.NeuronModel(**PARTS, name="qif")
    assert model.state == ["v", "i"] and model.spikes and not model.linear
    assert "dp_v/dt" in model.describe()
    assert ep.NeuronModel.from_toml(model.to_toml()).parameters == model.parameters
    net = network(model, trainable=["tau_mem", "v_c"])
    report = ep.gradcheck(net, samples())
    assert "hid.v_c" in {check.name for check in report}
    assert {check.verdict for check in report} <= {"correct", "spikes changed"}
    again = ep.Network.from_dict(net.to_dict())
    assert again.to_dict() == net.to_dict()


def test_errors_name_the_place():
    with pytest.raises(ValueError, match=r"state.v: unknown name \"tau_men\"; did you mean \"tau_mem\""):
        ep.NeuronModel(**{**PARTS, "state": {"v": "i/tau_men", "i": "-i/tau_syn"}})
    model = ep.NeuronModel.shipped("lif_two_synapses")
    net = ep.Network(dt=1.0, trial=20.0)
    net.add_input("in", 2)
    net.add("hid", 2, model)
    net.add_li("out", 2)
    name = net.connect("in", "hid", ep.Normal(1.0, 0.1), port="slow")
    assert name == "in->hid"
    with pytest.raises(ValueError, match="fast, slow"):
        net.connect("in", "hid", ep.Normal(1.0, 0.1), port="slwo")
    with pytest.raises(ValueError, match="no parameter 'tau'"):
        net.add("more", 2, model, tau=3.0)
    with pytest.raises(ValueError, match="there is no such model"):
        ep.NeuronModel.shipped("liff")


def test_a_step_that_overshoots_beyond_all_numbers_is_told():
    """The slope at the spike would be infinite, and the gradient not a number."""
    model = ep.NeuronModel(
        {"v": "(-v + dT*exp((v - 1)/dT) + i)/20", "i": "-i/5"},
        spike="v - 2",
        reset={"v": "0"},
        input={"i": "i + w"},
        parameters={"dT": 0.02},
    )
    net = ep.Network(dt=0.5, trial=30.0, seed=3)
    net.add_input("in", 3)
    net.add("hid", 4, model)
    net.add_li("out", 2)
    net.connect("in", "hid", ep.Normal(60.0, 1.0))
    net.connect("hid", "out", ep.Normal(0.3, 0.5))
    with pytest.raises(FloatingPointError, match="overshoots its threshold so far that its slope is not finite .* more substeps"):
        net.evaluate(samples(), "sum", gradient=True)
