"""What varies and disturbs training samples: augmentation, dropout, noise, silent neurons."""

from __future__ import annotations

from typing import Any

import eventprop as ep
import numpy as np
import pytest
from eventprop.augment import Blend, Dilate, Drop, NeuronJitter, Shift, TimeJitter, varied

NEURONS = 20


def samples(count: int = 40, spikes: int = 50) -> ep.Spikes:
    rng = np.random.default_rng(3)
    times = [rng.uniform(0.0, 20.0, spikes) for _ in range(count)]
    return ep.Spikes([(t, rng.integers(0, NEURONS, spikes)) for t in times], np.arange(count) % 2)


def network(**kwargs: Any) -> ep.Network:
    net = ep.Network(dt=1.0, trial=20.0, seed=1, **kwargs)
    x, h, y = net.add_input("in", NEURONS), net.add_lif("hid", 30), net.add_li("out", 2)
    net.connect(x, h, ep.Normal(0.4, 0.3))
    net.connect(h, y, ep.Normal(0.0, 0.3))
    return net


@pytest.mark.parametrize(
    "one",
    [Shift(5, NEURONS), Dilate(0.5, 2.0), NeuronJitter(2.0, NEURONS), TimeJitter(3.0), Drop(0.5), Blend((0.5, 0.5), 60, NEURONS)],
)
def test_samples_are_varied_anew_in_every_epoch_and_stay_sorted(one: Any) -> None:
    given = samples()
    first, again, other = (varied(given, [one], 1, epoch) for epoch in (0, 0, 1))
    assert first == again and first != other and first != given
    assert first.neurons.max(initial=0) < NEURONS and first.times_ms.min(initial=0.0) >= 0.0
    assert all(np.all(np.diff(times) >= 0.0) for times, _ in first)
    assert len(first) == (60 if isinstance(one, Blend) else len(given))
    assert first.labels[: len(given)].tolist() == given.labels.tolist()


def test_shift_moves_all_neurons_of_a_sample_alike() -> None:
    given = ep.Spikes([([1.0, 2.0], [8, 11])] * 200)
    moved = Shift(3, NEURONS)(given, np.random.default_rng(1))
    by = moved.neurons.reshape(-1, 2).astype(int) - [8, 11]
    assert np.array_equal(by[:, 0], by[:, 1])
    # trunc(U(−3, 3)) is 0 as often as −1 and −2, or 1 and 2, together.
    assert sorted(set(by[:, 0])) == [-2, -1, 0, 1, 2]
    assert abs(np.mean(by[:, 0] == 0) - 1 / 3) < 5 * np.sqrt(2 / 9 / 200)
    assert len(Shift(40, NEURONS)(given, np.random.default_rng(1)).neurons) < 400


def test_amplitudes_go_with_their_spikes() -> None:
    given = ep.Spikes([([1.0, 2.0, 3.0], [0, 1, 2])] * 50).with_amplitudes(np.tile([0.1, 0.2, 0.3], 50))
    late = TimeJitter(2.0)(given, np.random.default_rng(1))
    assert late.amplitudes is not None and np.allclose(late.amplitudes, (late.neurons + 1) / 10)
    assert all(np.all(np.diff(times) >= 0.0) for times, _ in late)
    with pytest.raises(ValueError, match="blended"):
        Blend([0.5], 60, 3)(given.with_labels([0] * 50), np.random.default_rng(1))


def test_a_blend_lies_in_the_common_centre_of_its_class() -> None:
    given = ep.Spikes([([2.0] * 4, [4] * 4), ([10.0] * 4, [8] * 4), ([18.0], [0])], [0, 0, 1])
    blended = Blend((1.0, 1.0), 300, NEURONS)(given, np.random.default_rng(1))
    for (times, neurons), label in list(zip(blended, blended.labels))[3:]:
        assert (len(times) == 8) == (label == 0)
        centre = (times.min(), neurons.min()) == (times.max(), neurons.max())
        assert centre and (times[0], neurons[0]) in [(2.0, 4), (6.0, 6), (10.0, 8), (18.0, 0)]


def test_training_with_all_of_it_has_the_same_bits_again() -> None:
    given = samples()

    def trained(**kwargs: Any) -> list[float]:
        net = network()
        net.fit(given, epochs=3, batch_size=8, loss="sum", progress=False, **kwargs)
        return [float(value) for name in net.params for value in np.ravel(net.params[name])]

    plain = trained()
    for kwargs in (
        {"augment": [Shift(2, NEURONS), Blend((0.5, 0.5), 50, NEURONS)]},
        {"augment": [lambda spikes, rng: spikes[: len(spikes) // 2]]},
        {"dropout": 0.3},
        {"dropout": {"hid": 0.3}},
        {"dropout": {"in": 0.1, "hid": 0.1}},
        {"noise": 0.05},
        {"noise": {"hid": 0.05}},
    ):
        changed = trained(**kwargs)
        assert changed != plain and changed == trained(**kwargs), kwargs
    assert trained(dropout=0.0, noise=0.0, augment=[Shift(0, NEURONS)]) == plain


def test_dropout_leaves_out_the_fraction_that_is_asked_for() -> None:
    """With a dropout of 1 nothing arrives, and voltages stay at 0; hidden neurons that never fire leave the outputs so."""
    given = samples()
    for dropout in (1.0, {"hid": 1.0}):
        net = network()
        with pytest.warns(UserWarning, match="did not spike"):
            history = net.fit(given, epochs=1, loss="sum", dropout=dropout, progress=False)
        assert history["hid.rate"].tolist() == [0.0]
        assert history["loss"][0] == pytest.approx(np.log(2.0))
    half = network().fit(given, epochs=1, loss="sum", dropout=0.5, progress=False)["hid.rate"][0]
    assert 0.0 < half < network().fit(given, epochs=1, loss="sum", progress=False)["hid.rate"][0]


def test_silent_neurons_are_lifted_until_they_spike() -> None:
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    x, h, y = net.add_input("in", NEURONS), net.add_lif("hid", 30), net.add_li("out", 2)
    net.connect(x, h, ep.Normal(0.0, 1e-3))
    net.connect(h, h, ep.Normal(0.0, 1e-3))
    net.connect(h, y, ep.Normal(0.0, 0.3))
    before = {name: net.params[name].copy() for name in net.params}
    with pytest.warns(UserWarning, match="did not spike"):
        history = net.fit(samples(), epochs=30, loss="sum", lift_silent=0.02, progress=False)
    silent = history["hid.silent"]
    assert silent[0] == 1.0 and silent[-1] < 0.1
    lifted = net.params["in->hid"] - before["in->hid"]
    assert np.all(lifted.mean(axis=0) > 0.01)
    assert abs((net.params["hid->hid"] - before["hid->hid"]).mean()) < 0.02


@pytest.mark.parametrize(
    ("kwargs", "kind", "text"),
    [
        ({"dropout": 1.5}, ValueError, "dropout of 'in' is 1.5; expected a probability"),
        ({"dropout": {"no": 0.1}}, ValueError, "dropout names 'no'; the populations are 'in', 'hid', 'out'"),
        ({"noise": -1.0}, ValueError, "noise of 'hid' is -1.0; expected a number of at least 0"),
        ({"noise": 0.1, "solver": "event"}, ValueError, "noise"),
        ({"augment": [lambda spikes, rng: 3]}, TypeError, r"augment\[0\] returned int"),
        ({"augment": [lambda spikes, rng: spikes[:0]]}, ValueError, "what augment returned has no samples"),
        ({"lift_silent": "x"}, TypeError, "lift_silent"),
    ],
)
def test_what_cannot_be_is_named(kwargs: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        network().fit(samples(), loss="sum", progress=False, **kwargs)


@pytest.mark.parametrize(
    "make",
    [lambda: Shift(-1, 5), lambda: Dilate(2.0, 1.0), lambda: Drop(2.0), lambda: Blend([], 5, 5), lambda: TimeJitter(-1.0)],
)
def test_numbers_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        make()
