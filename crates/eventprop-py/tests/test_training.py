"""Training from Python: callbacks, learning rates, names that people bring along."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest
from eventprop import files


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
            network=net or network(),
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


def the_same(one: ep.Network, other: ep.Network) -> None:
    assert list(one.params) == list(other.params)
    for name, value in one.params.items():
        np.testing.assert_array_equal(other.params[name], value, err_msg=name)


def sparse() -> ep.Network:
    """A network whose training has all kinds of state."""
    net = ep.Network(dt=1.0, trial=20.0, seed=3)
    net.add_input("in", 3)
    net.add_lif("hid", 12, trainable="tau_mem")
    net.add_li("out", 2)
    net.connect("in", "hid", ep.Normal(4.0, 3.0), wiring=ep.Sparse(probability=0.6))
    net.connect("hid", "hid", ep.Normal(0.0, 0.5), delay=ep.Delay(ep.Uniform(0.0, 3.0)))
    net.connect("hid", "out", ep.Normal(0.0, 0.5))
    return net


ADAM = ep.Adam(0.02, clip=2.0, weight_decay=0.01, relative=True)

KINDS: dict[str, dict[str, Any]] = {
    "plain": {"optimizer": ep.Adam(0.02)},
    "steps": {"optimizer": ep.SGD(lambda epoch: 0.1 / (1 + epoch))},
    "event": {"optimizer": ADAM, "solver": "event"},
    "average": {"optimizer": ADAM, "average_epochs": 1.5},
    "disturbed": {"optimizer": ADAM, "dropout": {"in": 0.2, "hid": 0.2}, "noise": 0.1, "augment": ep.augment.TimeJitter(1.0)},
    "lifted": {"optimizer": ADAM, "lift_silent": 0.5},
    "rewired": {"optimizer": ADAM, "rewire": ep.DeepR(0.1), "average_epochs": 1.0},
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("between", ["nothing", "file", "pickle", "copy"])
def test_two_trainings_are_one(kind: str, between: str, tmp_path: Path) -> None:
    options = {"batch_size": 5, "loss": "sum_weigh_exp", "progress": False, **KINDS[kind]}
    once = sparse()
    whole = once.fit(batch(), batch(), epochs=7, **options)
    net = sparse()
    first = net.fit(batch(), batch(), epochs=3, **options)
    if between == "file":
        net.save(tmp_path / "net.safetensors")
        net = ep.Network.load(tmp_path / "net.safetensors")
    elif between == "pickle":
        net = pickle.loads(pickle.dumps(net))
    elif between == "copy":
        net = copy.deepcopy(net)
    second = net.fit(batch(), batch(), epochs=4, **options)
    the_same(once, net)
    for column in ("epoch", "loss", "validation_loss", "eta", "hid.rate", "rewired"):
        np.testing.assert_array_equal([*first[column], *second[column]], whole[column], err_msg=column)


def test_another_optimizer_begins_anew() -> None:
    def trained(*optimizers: Any, **options: Any) -> tuple[ep.Network, ep.History]:
        net = network()
        for optimizer in optimizers:
            history = net.fit(batch(), epochs=2, batch_size=5, loss="sum", optimizer=optimizer, **options)
        return net, history

    _, rate = trained(ep.Adam(0.02), ep.Adam(0.01))
    assert rate["epoch"].tolist() == [2.0, 3.0]
    decay, _ = trained(ep.Adam(0.02), ep.Adam(0.02, beta1=0.8))
    goes_on, _ = trained(ep.Adam(0.02), ep.Adam(0.02))
    restarted, history = trained(ep.Adam(0.02), ep.Adam(0.02), restart=True)
    assert history["epoch"].tolist() == [0.0, 1.0]
    # The same parameters after the first training, another order and other moments in the second.
    assert not np.array_equal(goes_on.params["in->hid"], restarted.params["in->hid"])
    assert not np.array_equal(goes_on.params["in->hid"], decay.params["in->hid"])
    # A copy of the parameters without the training begins anew, too.
    copied = network()
    first, _ = trained(ep.Adam(0.02))
    for name, value in first.params.items():
        copied.params[name] = value
    copied.fit(batch(), epochs=2, batch_size=5, loss="sum", optimizer=ep.Adam(0.02))
    the_same(restarted, copied)


def test_a_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    options: dict[str, Any] = {"batch_size": 5, "loss": "sum", "optimizer": ep.Adam(0.02), "average_epochs": 2.0}
    once = network()
    once.fit(batch(), epochs=6, **options)
    net, file = network(), tmp_path / "net.safetensors"

    def interrupt(end: ep.Epoch) -> None:
        if end.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.fit(batch(), epochs=6, callbacks=[ep.Checkpoint(file, monitor=None), interrupt], **options)
    loaded = ep.Network.load(file)
    assert loaded.fit(batch(), epochs=2, **options)["epoch"].tolist() == [4.0, 5.0]
    the_same(once, loaded)
    # The network that was interrupted has it all, too.
    net.fit(batch(), epochs=2, **options)
    the_same(once, net)
    net.save(file, training=False)
    short = file.stat().st_size
    assert ep.Network.load(file).fit(batch(), epochs=1, **options)["epoch"].tolist() == [0.0]
    net.save(file)
    assert file.stat().st_size > 2 * short


def test_parameters_set_between_two_trainings_are_those_it_goes_on_from() -> None:
    options: dict[str, Any] = {"batch_size": 5, "loss": "sum", "optimizer": ep.SGD(0.1), "shuffle": False}
    net, other = network(), network()
    options["average_epochs"] = 2.0
    net.fit(batch(), epochs=3, **options)
    given = {name: np.full_like(value, 6.0) for name, value in net.params.items()}
    for one in (net, other):
        for name, value in given.items():
            one.params[name] = value
        one.fit(batch(), epochs=1, **options)
    the_same(net, other)


def test_callbacks_count_on() -> None:
    options: dict[str, Any] = {"batch_size": 5, "loss": "sum", "optimizer": ep.Adam(ep.ReduceOnPlateau(3.0, patience=1, monitor="loss"))}
    once, net = network(), network()
    whole = once.fit(batch(), epochs=12, **options)
    parts = [net.fit(batch(), epochs=4, **options) for _ in range(3)]
    assert len(set(whole["eta"])) > 2
    np.testing.assert_array_equal(np.concatenate([part["eta"] for part in parts]), whole["eta"])
    the_same(once, net)
    again = pickle.loads(pickle.dumps(options["optimizer"]))
    assert isinstance(again.eta, ep.ReduceOnPlateau) and again.eta(0) == options["optimizer"].eta(0)
    # It had ended a training: another one gets its patience anew.
    stop = ep.EarlyStopping(patience=2, monitor="accuracy", least_change=1.0)
    for _ in range(2):
        assert len(net.fit(batch(), epochs=9, callbacks=stop, **options)) in (2, 3)


def populations(chosen: bool, model: str = "li") -> ep.Network:
    """Populations whose output is the last one, or the one that was chosen before."""
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    net.add_input("in", 3)
    add: Any = getattr(net, f"add_{model}")
    if chosen:
        add("out", 2, output=True)
    net.add_lif("hid", 8)
    if not chosen:
        add("out", 2)
    return net


def connected(net: ep.Network) -> ep.Network:
    net.connect("in", "hid", ep.Normal(6.0, 2.0))
    net.connect("hid", "out", ep.Normal(0.0, 0.5))
    return net


def test_the_output_is_chosen() -> None:
    last, chosen = connected(populations(False)), connected(populations(True))
    the_same(last, chosen)
    for solver in ("grid", "grid64", "event"):
        one, other = (net.evaluate(batch(), loss="sum", solver=solver) for net in (last, chosen))
        np.testing.assert_array_equal(one.losses, other.losses)
        for name, value in one.gradients.items():
            np.testing.assert_array_equal(value, other.gradients[name])
    for net in (last, chosen):
        net.fit(batch(), epochs=3, loss="sum")
    the_same(last, chosen)
    again = pickle.loads(pickle.dumps(chosen))
    assert again.evaluate(batch()).loss == last.evaluate(batch()).loss
    with pytest.raises(ValueError, match="'out' is the output already; 'more' cannot be it, too"):
        chosen.add_li("more", 2, output=True)


def test_a_file_of_a_network_ends_with_the_chosen_output(tmp_path: Path) -> None:
    net = connected(populations(True))
    net.to_file(tmp_path / "net.toml")
    read = ep.Network.from_file(tmp_path / "net.toml", seed=1)
    assert [one.name for one in read.populations] == ["in", "hid", "out"]
    the_same(net, read)
    np.testing.assert_array_equal(read.evaluate(batch(), loss="sum").losses, net.evaluate(batch(), loss="sum").losses)


def test_the_chosen_output_counts_as_the_last_population() -> None:
    last, chosen = populations(False, "lif"), populations(True, "lif")
    for net in (last, chosen):
        for ends in (("in", "hid"), ("hid", "hid"), ("hid", "out"), ("out", "hid")):
            net.connect(*ends)
        net.calibrate(batch(), spikes=3.0)
    the_same(last, chosen)


@pytest.mark.parametrize(("samples", "batches"), [(3, 1), (40, 10), (160, 16), (1600, 50)])
def test_small_sets_have_small_batches(samples: int, batches: int) -> None:
    train = ep.Spikes([([1.0], [0])] * samples, labels=[0] * samples)
    assert ep.plan(network(), train, loss="sum").batches == batches


@pytest.mark.parametrize(("trial", "spikes"), [(10.0, 1.0), (100.0, 5.0), (300.0, 10.0), (800.0, 20.0)])
def test_calibration_asks_for_spikes_by_the_length_of_a_trial(trial: float, spikes: float) -> None:
    net = ep.Network(dt=1.0, trial=trial, seed=1)
    net.add_input("in", 20)
    net.add_lif("hid", 30, tau_mem=20.0)
    net.add_li("out", 2)
    net.connect("in", "hid")
    net.connect("hid", "out")
    rng = np.random.default_rng(1)
    count = int(trial)
    samples = ep.Spikes([(np.sort(rng.uniform(0.0, 0.99 * trial, count)), rng.integers(0, 20, count)) for _ in range(8)])
    # The rate is found to within the last of the halvings, and neurons that hardly spike are raised after it.
    assert spikes <= net.calibrate(samples)["hid"] <= 1.7 * spikes


@pytest.mark.parametrize(
    ("key", "value"),
    [("steps", -1), ("steps", None), ("scales", [1.0]), ("scales", [1.0, -1.0]), ("epochs", -2), ("average", 3.0), ("beta1", 2.0), ("eps", 0.0)],
)
def test_a_damaged_training_is_refused(key: str, value: Any, tmp_path: Path) -> None:
    net, file = network(), tmp_path / "net.safetensors"
    net.fit(batch(), epochs=1, loss="sum", optimizer=ep.Adam(0.02, relative=True))
    net.save(file)
    description, tensors = files.load(file)
    training = description["training"]
    (training["adam"] if key in training["adam"] else training)[key] = value
    files.save(file, description, tensors)
    with pytest.raises(ValueError, match="holds no network of eventprop"):
        ep.Network.load(file)


def test_a_training_needs_all_its_arrays_and_no_others(tmp_path: Path) -> None:
    net, file = network(), tmp_path / "net.safetensors"
    net.fit(batch(), epochs=1, loss="sum")
    net.save(file)
    description, tensors = files.load(file)
    less = {name: value for name, value in tensors.items() if name != "adam/second/hid->out"}
    for given, message in ((less, 'no tensor "adam/second/hid->out"'), ({**tensors, "x": np.ones(1)}, "['x'], which are no part")):
        files.save(file, description, given)
        with pytest.raises(ValueError, match=re.escape(message)):
            ep.Network.load(file)
