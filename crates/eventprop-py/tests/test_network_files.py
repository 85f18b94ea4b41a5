"""Networks from and to files in TOML."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import eventprop as ep


def images() -> ep.Network:
    """Every wiring, and delays of every kind."""
    net = ep.Network(dt=0.5, trial=20, seed=3)
    image = net.add_input("in", shape=(6, 6, 2))
    conv = net.add_lif("conv", shape=(4, 4, 3), tau_mem=15.0, trainable={"tau_mem": 5.0})
    hid = net.add_alif("hid", 4, v_thresh=[1.0, 1.1, 1.2, 1.3])
    out = net.add_li("out", 4)
    net.connect(image, conv, ep.FanIn(1.5, 1.0), wiring=ep.Conv2d(3), delay=ep.Delay(ep.Uniform(0, 2), most=4.0))
    net.connect(conv, hid, ep.Normal(0.5, 0.1), via=ep.AvgPool(2), delay=1.5)
    net.connect(hid, hid, ep.Normal(0.0, 0.1), wiring=ep.Sparse(fan_in=2))
    net.connect(hid, out, np.arange(4.0), wiring=ep.OneToOne())
    net.connect(image, out, ep.Normal(0.0, 0.1), wiring=ep.Sparse(probability=0.3))
    return net


def test_a_network_comes_back_from_its_file(tmp_path: Path) -> None:
    net = images()
    path = tmp_path / "net.toml"
    net.to_file(path)
    again = ep.Network.from_file(path, seed=3)
    assert (again.dt, again.trial, again.seed) == (net.dt, net.trial, 3)
    for name in net.params:
        np.testing.assert_array_equal(again.params[name], net.params[name], err_msg=name)
    for one, other in zip(net.synapses("hid->hid"), again.synapses("hid->hid")):
        np.testing.assert_array_equal(one, other)
    again.to_file(tmp_path / "again.toml")
    text = path.read_text()
    assert "kernel = [3, 3]" in text and "trial_ms = 20.0" in text
    batch = ep.Spikes([([1.0, 2.0, 3.0, 4.0], [0, 9, 30, 60])], labels=[1])
    for solver in ("grid64", "event"):
        assert net.evaluate(batch, loss="sum", solver=solver).loss == again.evaluate(batch, loss="sum", solver=solver).loss


def test_the_clock_may_be_another(tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    images().to_file(path)
    net = ep.Network.from_file(path, dt=0.25, trial=10)
    assert (net.dt, net.trial) == (0.25, 10.0)
    path.write_text(path.read_text().split("\n\n", 1)[1])
    with pytest.raises(ValueError, match=r"net.toml: it has no \[clock\]; give dt and trial"):
        ep.Network.from_file(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('neuron_type = "LI"', 'neuron_type = "Li"', r'there is no "Li"; did you mean LI\?'),
        ("size = 4", "size = -4", "size of population hid is -4; expected a whole number of at least 1"),
        ("v_thresh", "v_tresh", "population conv has no key v_tresh; did you mean v_thresh"),
        ("weights = ", "train_weights = false\nweights = ", "projection in->conv has train_weights = false"),
        ("kernel = [3, 3]", "kernel = [9, 9]", "a kernel of 9 × 9 is larger than the image"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "net.toml"
    images().to_file(path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ValueError, match=message):
        ep.Network.from_file(path)


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ep.Network.from_file(tmp_path / "none.toml")
