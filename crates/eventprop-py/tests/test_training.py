"""Training from Python: callbacks, learning rates, names that people bring along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest


def network() -> ep.Network:
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    x, h, y = net.add_input("in", 3), net.add_lif("hid", 8), net.add_li("out", 2)
    net.connect(x, h, ep.Normal(6.0, 2.0))
    net.connect(h, y, ep.Normal(0.0, 0.5))
    return net


def batch() -> ep.Spikes:
    samples = [([1.0, 4.0 + k % 3, 9.0], [k % 3, (k + 1) % 3, 2]) for k in range(12)]
    return ep.Spikes(samples, labels=[k % 2 for k in range(12)])


def epochs(values: list[float], net: ep.Network | None = None) -> list[ep.Epoch]:
    """Epochs whose validation loss is given."""
    return [
        ep.Epoch(
            epoch=k,
            loss=1.0,
            accuracy=0.5,
            validation_loss=value,
            validation_accuracy=1.0 - value,
            eta=0.1,
            seconds=0.0,
            activity={},
            network=net,  # type: ignore[arg-type]
        )
        for k, value in enumerate(values)
    ]


def test_early_stopping_waits_for_something_better() -> None:
    stop = ep.EarlyStopping(patience=2, restore=False)
    assert [stop(end) for end in epochs([0.9, 0.8, 0.85, 0.8])] == [False, False, False, True]
    assert stop.best_epoch == 1
    stop = ep.EarlyStopping(patience=2, monitor="validation_accuracy", least_change=0.06, restore=False)
    assert [stop(end) for end in epochs([0.9, 0.85, 0.8])] == [False, False, False]
    assert stop.best_epoch == 2


def test_early_stopping_restores_the_best_parameters() -> None:
    net, seen = network(), []
    stop = ep.EarlyStopping(patience=3, monitor="loss")

    def remember(end: ep.Epoch) -> None:
        seen.append(end.network.params["hid->out"].copy())

    history = net.fit(batch(), epochs=40, optimizer=ep.SGD(lr=3.0), loss="sum", callbacks=[remember, stop])
    best = int(np.argmin(history["loss"]))
    assert stop.best_epoch == best
    np.testing.assert_array_equal(net.params["hid->out"], seen[best])


def test_a_callback_that_watches_the_validation_needs_one() -> None:
    with pytest.raises(ValueError, match="fit has no validation set"):
        network().fit(batch(), loss="sum", callbacks=[ep.EarlyStopping()])


def test_the_rate_falls_on_a_plateau() -> None:
    rate = ep.ReduceOnPlateau(1.0, factor=0.5, patience=2, least=0.3)
    rates = []
    for end in epochs([0.9, 0.9, 0.9, 0.9, 0.9, 0.1, 0.1, 0.1]):
        rates.append(rate(end.epoch))
        rate.see(end)
    # Two epochs without anything better halve the rate, and the bound holds it.
    assert rates == [1.0, 1.0, 1.0, 0.5, 0.5, 0.3, 0.3, 0.3]
    # Steps of rate 0 change nothing, so that nothing becomes better, and the least rate is a number below it.
    rate = ep.ReduceOnPlateau(1e-12, factor=0.1, patience=1, monitor="accuracy")
    history = network().fit(batch(), epochs=3, optimizer=ep.SGD(rate), loss="sum")
    np.testing.assert_allclose(history["eta"], [1e-12, 1e-12, 1e-13])


def test_checkpoints_hold_the_best_network(tmp_path: Path) -> None:
    net, path = network(), tmp_path / "best.safetensors"
    keep = ep.Checkpoint(path)
    saved = []
    for end in epochs([0.9, 0.95, 0.4], net):
        net.params["hid->out"] = np.full((8, 2), float(end.epoch))
        keep(end)
        saved.append(ep.Network.load(path).params["hid->out"][0, 0])
    assert saved == [0.0, 0.0, 2.0]


@pytest.mark.parametrize(
    ("named", "meant"),
    [("adam", ep.Adam()), ("SGD", ep.SGD()), (ep.Adam(lr=0.01), ep.Adam(eta=0.01)), (ep.SGD(lr=0.5), ep.SGD(0.5))],
)
def test_optimizers_by_the_names_of_other_libraries(named: Any, meant: Any) -> None:
    losses = []
    for optimizer in (named, meant):
        losses.append(network().fit(batch(), epochs=2, optimizer=optimizer, loss="sum")["loss"])
    np.testing.assert_array_equal(*losses)
    assert meant.lr == meant.eta
    with pytest.raises(ValueError, match="one thing"):
        ep.Adam(eta=0.1, lr=0.2)
    with pytest.raises(TypeError, match="optimizer is 'rmsprop'; expected"):
        network().fit(batch(), optimizer="rmsprop", loss="sum")


def test_a_history_is_a_table() -> None:
    pandas = pytest.importorskip("pandas")
    history = network().fit(batch(), epochs=2, loss="sum")
    table = history.to_pandas()
    assert isinstance(table, pandas.DataFrame) and table.index.name == "epoch"
    np.testing.assert_array_equal(table["loss"], history["loss"])
    np.testing.assert_array_equal(table["hid.rate"], history["hid.rate"])
    with pytest.raises(KeyError, match="hid.silent"):
        history["hid.silence"]


def test_activity_is_that_of_the_spikes() -> None:
    net = network()
    spikes = net.evaluate(batch(), loss="sum").spikes["hid"]
    history = net.fit(batch(), epochs=1, batch_size=5, optimizer=ep.SGD(0.0), loss="sum")
    counts = np.bincount(spikes.neurons, minlength=8)
    found = history[0].activity["hid"]
    assert found.rate == pytest.approx(len(spikes.neurons) / (12 * 8), rel=1e-12)
    assert found.silent == np.mean(counts == 0)
    # A trial of 20 ms has eight halves of τ_syn, 2.5 ms.
    assert found.saturated == np.mean(counts / 12 >= 8)
    assert history["hid.rate"].tolist() == [found.rate]


@pytest.mark.parametrize(("weight", "text"), [(0.0, "100 % of the neurons of 'hid' did not spike in epoch 1"), (500.0, "'hid' spiked at least once in half of tau_syn in epoch 1")])
def test_fit_warns_once_of_a_layer_that_cannot_learn(weight: float, text: str) -> None:
    net = network()
    net.params["in->hid"] = np.full((3, 8), weight)
    with pytest.warns(UserWarning, match=text) as told:
        net.fit(batch(), epochs=3, optimizer=ep.SGD(0.0), loss="sum")
    assert len([one for one in told if "'hid'" in str(one.message)]) == 1
