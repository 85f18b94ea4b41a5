"""Losses that are written in Python, by the two verbs: three examples against differences, and everything given wrongly."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import eventprop as ep
import numpy as np
import numpy.typing as npt
import pytest

Array = npt.NDArray[Any]
Parts = tuple[float, dict[str, Any], dict[str, Any]]
"""A loss, and its derivatives by voltages and by spike times."""

RELATIVE = 1e-6


def network(output: str) -> tuple[ep.Network, ep.Spikes]:
    net = ep.Network(dt=1.0, trial=30.0, seed=3)
    x = net.add_input("in", 3)
    h = net.add_lif("hid", 6, v_reset=-0.1)
    y = net.add_lif("out", 2, tau_mem=15.0) if output == "lif" else net.add_li("out", 2, tau_mem=15.0)
    net.connect(x, h, ep.Normal(2.2, 0.6))
    net.connect(h, h, ep.Normal(0.0, 0.2))
    net.connect(h, y, ep.Normal(0.9, 0.4), delay=1.3)
    rng = np.random.default_rng(4)
    samples = [(rng.uniform(0.5, 20.0, 8), rng.integers(0, 3, 8)) for _ in range(2)]
    return net, ep.Spikes(samples)


def counts(run: ep.Run) -> Parts:
    """Counts are to be 2 and 4: a spike counts less the later it comes, and not at all at the end."""
    spikes = run.spike_times("out")
    weight = 1 / (1 + np.exp((spikes.times_ms - 22.0) / 2.0))
    sample = np.repeat(np.arange(len(spikes)), np.diff(spikes.offsets))
    soft = np.zeros((len(spikes), 2))
    np.add.at(soft, (sample, spikes.neurons), weight)
    excess = soft - np.array([2.0, 4.0])
    return float(np.sum(excess**2) / 2), {}, {"out": excess[sample, spikes.neurons] * -weight * (1 - weight) / 2.0}


def van_rossum(run: ep.Run) -> Parts:
    """The distance of van Rossum (2001) to a train with spikes at 8 and 16 ms, τ = 5 ms, on padded times."""
    times, tau = run.spike_times("out", padded=True), 5.0
    there = np.isfinite(times)
    t = np.where(there, times, 0.0)
    target = np.array([8.0, 16.0])

    def kernel(a: Array, b: Array) -> Array:
        return np.exp(-np.abs(a[..., :, None] - b[..., None, :]) / tau)

    own = kernel(t, t) * there[..., :, None] * there[..., None, :]
    cross = kernel(t, np.broadcast_to(target, (*t.shape[:2], 2))) * there[..., :, None]
    loss = (own.sum() + t.shape[0] * t.shape[1] * kernel(target, target).sum() - 2 * cross.sum()) / 2
    by_own = -(own * np.sign(t[..., :, None] - t[..., None, :])).sum(-1) / tau
    by_cross = (cross * np.sign(t[..., :, None] - target)).sum(-1) / tau
    return float(loss), {}, {"out": by_own + by_cross}


def voltage(run: ep.Run) -> Parts:
    """The integral of (V − sin(t/5))², and of the square of the hidden voltages at the starts of steps."""
    loss, pulls = 0.0, []
    for V, (times, widths) in zip(run["out.V"], run.nodes("out")):
        off = V - np.sin(times / 5.0)[:, None]
        loss += float(np.sum(widths[:, None] * off**2))
        pulls.append(2 * widths[:, None] * off)
    hidden = run["hid.V"]
    return loss + 0.1 * float(np.sum(hidden**2)), {"out": pulls, "hid": 0.2 * hidden}, {}


@pytest.mark.parametrize(
    ("loss", "output", "observe"), [(counts, "lif", []), (van_rossum, "lif", []), (voltage, "li", ["out.V", "hid.V"])]
)
def test_a_loss_agrees_with_differences(loss: Callable[[ep.Run], Parts], output: str, observe: list[str]) -> None:
    """Richardson's difference errs by h⁴ and ε/h, both far below the tolerance; where two of them differ by more, a spike
    came or went, and the weight is left out."""
    net, batch = network(output)
    _, dl_dv, dl_dt = loss(run := net.forward(batch, solver="event", observe=observe))
    grads = run.backward(voltage=dl_dv, spike_times=dl_dt)
    assert set(grads) == set(net.params)
    checked = 0
    for name in grads:
        flat, kept = grads[name].reshape(-1), net.params[name]
        for place in range(0, flat.size, 3):

            def at(h: float, place: int = place, name: str = name, kept: Array = kept) -> float:
                moved = kept.copy()
                moved.reshape(-1)[place] += h
                net.params[name] = moved
                return loss(net.forward(batch, solver="event", observe=observe))[0]

            def quotient(h: float) -> float:
                return (at(h) - at(-h)) / (2 * h)

            coarse, fine, finest = (quotient(h) for h in (2e-4, 1e-4, 5e-5))
            first, second = (4 * fine - coarse) / 3, (4 * finest - fine) / 3
            scale = np.abs(flat).max()
            if abs(first - second) < RELATIVE * scale / 10:
                assert abs(flat[place] - second) <= RELATIVE * scale, (name, place)
                checked += 1
        net.params[name] = kept
    assert checked > 10


@pytest.mark.parametrize("solver", ["grid", "grid64", "event"])
def test_the_doors_of_one_loss_agree(solver: str) -> None:
    """What the package computes itself for the maximum of V and what comes by the door for the same loss."""
    net, batch = network("lif")
    batch = batch.with_labels([0, 1])
    seen = net.evaluate(batch, loss=ep.loss.FirstSpike(push_silent=False), solver=solver, gradient=True)
    run = net.forward(batch, solver=solver)
    first = run.spike_times("out", padded=True)[:, :, 0]
    assert np.array_equal(first, seen.readout.first_spikes_ms)
    assert run["hid.spikes"] == seen.spikes["hid"].with_labels([0, 1])
    # [L8] [L9] with the constants of the benchmarks
    tau_0, alpha, trial = 0.5, 3e-3, net.trial
    z = -np.minimum(first, trial + 1.0) / tau_0
    p = np.exp(z - z.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    pull = (np.eye(2) - p) / tau_0
    for sample, label in enumerate((0, 1)):
        pull[sample, label] += alpha / (1.01 * trial - min(first[sample, label], trial)) ** 2
    padded = np.zeros(run.spike_times("out", padded=True).shape)
    padded[:, :, 0] = np.where(np.isfinite(first), pull / 2, 0.0)
    grads = run.backward(spike_times={"out": padded})
    for name, gradient in seen.gradients.items():
        scale = np.abs(gradient).max()
        # The same numbers but for a few roundings of the loss.
        assert np.abs(grads[name] - gradient).max() <= (1e-5 if solver == "grid" else 1e-12) * scale, name


@pytest.mark.parametrize("solver", ["grid64", "event"])
def test_derivatives_by_the_input(solver: str) -> None:
    """Where nothing spikes on the way, both solvers agree with differences; `current` is that of a unit in each step."""
    net = ep.Network(dt=0.5, trial=10.0)
    x, y = net.add_input("in", 2), net.add_lif("out", 2, v_thresh=50.0)
    net.connect(x, y, [[0.5, -0.2], [0.3, 0.4]])
    dense = np.zeros((1, 20, 2))
    dense[0, [2, 5, 9], [0, 1, 0]] = [0.7, -1.2, 2.0]
    weights = np.linspace(-1, 1, 42).reshape(1, 21, 2)

    def loss(dense: Array) -> float:
        spikes = ep.Spikes.from_dense(dense, dt=0.5, graded=True)
        return float(np.sum(weights * net.forward(spikes, solver=solver, observe="out.V")["out.V"]))

    run = net.forward(ep.Spikes.from_dense(dense, dt=0.5, graded=True), solver=solver, observe=["out.V"])
    graded = run.backward(voltage={"out": weights}, inputs="graded").inputs
    assert graded is not None and graded.shape == dense.shape
    for k, n in [(0, 0), (2, 0), (5, 1), (7, 1), (18, 0)]:
        moved = [dense.copy(), dense.copy()]
        moved[0][0, k, n] += 0.5
        moved[1][0, k, n] -= 0.5
        # V is linear in amplitudes.
        assert graded[0, k, n] == pytest.approx(loss(moved[0]) - loss(moved[1]), abs=1e-12)
    current = run.backward(voltage={"out": weights}, inputs="current").inputs
    assert current is not None and current.shape == (1, 20, 2)
    left = np.exp(-0.5 * np.arange(20) / 20.0) * (1 - np.exp(-0.5 / 20.0))
    expected = [sum(weights[0, row, 1] * left[row - k - 1] for row in range(k + 1, 21)) for k in range(20)]
    assert current[0, :, 1] == pytest.approx(expected, abs=1e-12)
    time = run.backward(voltage={"out": weights}, inputs="time").inputs
    assert time is not None and time.shape == (3,)


def test_updates_learn_and_keep_their_moments() -> None:
    net, batch = network("lif")
    optimizer = ep.Adam(eta=0.02)
    losses = []
    for _ in range(60):
        run = net.forward(batch)
        loss, _, pull = counts(run)
        losses.append(loss)
        net.update(run.backward(spike_times=pull), optimizer)
    assert losses[-1] < 0.5 * losses[0]
    # A first step of Adam has the size of its rate, a second one along another gradient has not, unless it begins anew.
    one = {name: np.ones_like(value) for name, value in net.params.items()}
    before = net.params["in->hid"]
    net.update(one, ep.Adam(eta=0.5, beta1=0.8))
    assert np.allclose(before - net.params["in->hid"], 0.5)
    before = net.params["in->hid"]
    net.update({name: -value / 2 for name, value in one.items()}, ep.Adam(eta=0.5, beta1=0.8))
    assert not np.allclose(before - net.params["in->hid"], -0.5)
    before = net.params["in->hid"]
    net.update(one, ep.SGD(eta=ep.Cosine(1.0)), eta=0.25)
    assert np.allclose(before - net.params["in->hid"], 0.25)


def test_graded_spikes_are_kept() -> None:
    dense = np.array([[[0.0, 0.5], [1.0, -2.0]], [[0.0, 0.0], [0.25, 0.0]]])
    spikes = ep.Spikes.from_dense(dense, labels=[1, 0], graded=True)
    assert spikes.amplitudes is not None and spikes.amplitudes.tolist() == [0.5, 1.0, -2.0, 0.25]
    assert np.array_equal(spikes.to_dense(2.0), dense.astype(np.float32))
    for same in (pickle.loads(pickle.dumps(spikes)), copy.deepcopy(spikes), spikes[:1] + spikes[1:], spikes.with_labels([1, 0])):
        assert same == spikes
    assert spikes.crop(1.0).amplitudes.tolist() == [0.5]  # type: ignore[union-attr]
    plain = spikes.with_amplitudes(None)
    assert plain.amplitudes is None and plain != spikes
    assert (plain + spikes).amplitudes.tolist() == [1.0] * 4 + spikes.amplitudes.tolist()  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="to_events cannot keep the amplitudes"):
        spikes.to_events()
    with pytest.raises(ValueError, match="graded=True"):
        ep.Spikes.from_dense(dense)
    with pytest.raises(ValueError, match=r"dense\[0, 0, 0\] is nan"):
        ep.Spikes.from_dense(dense * np.nan, graded=True)
    with pytest.raises(ValueError, match=r"amplitudes has shape \(3,\); expected \(4,\)"):
        spikes.with_amplitudes([1, 2, 3])


def test_arrays_of_every_kind_are_taken() -> None:
    """Not contiguous, read-only, float32 and whole numbers, lists."""
    net, batch = network("li")
    run = net.forward(batch, observe=["out.V"])
    pull = np.ones(run["out.V"].shape)
    expected = run.backward(voltage={"out": pull})["hid->out"]
    fortran, frozen = np.asfortranarray(pull), pull.copy()
    frozen.flags.writeable = False
    for kind in (fortran, frozen, pull.astype(np.float32), pull.astype(int), np.ones((2, 62, 2))[:, ::2], pull.tolist()):
        assert np.array_equal(run.backward(voltage={"out": kind})["hid->out"], expected)
    ends = pull.copy()
    ends[:, 0] = 0.0  # the start of the trial, which may be left out
    expected = run.backward(voltage={"out": ends})["hid->out"]
    assert np.array_equal(run.backward(voltage={"out": ends[:, 1:]})["hid->out"], expected)


WRONG: list[tuple[str, type[Exception], Callable[[ep.Network, ep.Spikes, ep.Run], Any]]] = [
    ("no population 'no'", KeyError, lambda n, b, r: n.forward(b, observe=["no.V"])),
    ("write POPULATION.V", ValueError, lambda n, b, r: n.forward(b, observe=["out.W"])),
    ("input has no voltage", ValueError, lambda n, b, r: n.forward(b, observe=["in.V"])),
    ("no solver", ValueError, lambda n, b, r: n.forward(b, solver="magic")),
    ("expected eventprop.Spikes", TypeError, lambda n, b, r: n.forward([1.0])),
    ("needs derivatives", ValueError, lambda n, b, r: r.backward()),
    ("no population 'no'", KeyError, lambda n, b, r: r.backward(voltage={"no": 1.0})),
    ("were not observed", ValueError, lambda n, b, r: r.backward(voltage={"hid": 1.0})),
    (r"expected \(2, 31, 2\)", ValueError, lambda n, b, r: r.backward(voltage={"out": np.ones((2, 29, 2))})),
    (r"voltage\['out'\]\[0, 0, 0\] is nan", ValueError, lambda n, b, r: r.backward(voltage={"out": np.full((2, 31, 2), np.nan)})),
    ("expected numbers", TypeError, lambda n, b, r: r.backward(voltage={"out": np.full((2, 31, 2), "a")})),
    ("no population 'no'", KeyError, lambda n, b, r: r.backward(spike_times={"no": [1.0]})),
    (r"spike_times\['hid'\] has shape \(1,\)", ValueError, lambda n, b, r: r.backward(spike_times={"hid": [1.0]})),
    ("inputs is 'times'", ValueError, lambda n, b, r: r.backward({"out": np.ones((2, 31, 2))}, inputs="times")),
    ("no membrane", ValueError, lambda n, b, r: r.backward({"out": np.ones((2, 31, 2))}, inputs="current:in")),
    ("no population", KeyError, lambda n, b, r: r.backward({"out": np.ones((2, 31, 2))}, inputs="current:no")),
    ("grazing is", ValueError, lambda n, b, r: r.backward({"out": np.ones((2, 31, 2))}, grazing="maybe")),
    ("no 'out.W' in this run", KeyError, lambda n, b, r: r["out.W"]),
    ("gradients has no", KeyError, lambda n, b, r: n.update({}, ep.SGD())),
    ("no parameter 'x'", KeyError, lambda n, b, r: n.update({"x": 1}, ep.SGD())),
    ("is a course", ValueError, lambda n, b, r: n.update(n.params, ep.SGD(eta=ep.Cosine(1.0)))),
    ("at least 0", ValueError, lambda n, b, r: n.update(n.params, ep.SGD(eta=-1.0))),
    (r"gradients\['hid->out'\] has shape", ValueError, lambda n, b, r: n.update({**n.params, "hid->out": 1.0}, ep.SGD())),
]


@pytest.mark.parametrize(("words", "kind", "call"), WRONG, ids=lambda value: value if isinstance(value, str) else "")
def test_what_is_given_wrongly_is_named(
    words: str, kind: type[Exception], call: Callable[[ep.Network, ep.Spikes, ep.Run], Any]
) -> None:
    net, batch = network("li")
    with pytest.raises(kind, match=words):
        call(net, batch, net.forward(batch, observe=["out.V"]))


def test_a_tape_serves_its_parameters_only() -> None:
    net, batch = network("li")
    run = net.forward(batch, observe=["out.V"])
    pull = {"out": np.ones(run["out.V"].shape)}
    first = run.backward(voltage=pull)
    assert np.array_equal(run.backward(voltage=pull)["in->hid"], first["in->hid"])
    net.update(first, ep.SGD(eta=0.1))
    with pytest.raises(ValueError, match="run forward\\(\\) again"):
        run.backward(voltage=pull)


def test_a_time_that_is_not_there_has_no_derivative() -> None:
    net, batch = network("lif")
    run = net.forward(batch)
    times = run.spike_times("out", padded=True)
    assert np.isinf(times).any()
    with pytest.raises(ValueError, match="not 0 at an entry without a spike"):
        run.backward(spike_times={"out": np.ones(times.shape)})


def test_what_is_public_can_be_pickled_or_says_why_not() -> None:
    net, batch = network("li")
    batch = batch.with_labels([0, 1])
    history = net.fit(batch, batch, epochs=1)
    run = net.forward(batch, observe=["out.V"])
    grads = run.backward(voltage={"out": np.ones(run["out.V"].shape)}, inputs="time")
    seen = net.evaluate(batch, gradient=True, record=["hid.V"])
    report = ep.gradcheck(net, batch, per_projection=2)
    things = [net, batch, history, history[0], grads, seen, seen.readout, report, report[0], ep.Adam(), ep.SGD(), ep.Cosine(1.0)]
    things += [ep.OneCycle(1.0), ep.Normal(0.0, 1.0), ep.Regularizer(), net._populations[0], ep.loss.Max()]
    for thing in things:
        again = pickle.loads(pickle.dumps(thing))
        assert type(again) is type(thing)
    restored = pickle.loads(pickle.dumps(net))
    assert all(np.array_equal(restored.params[name], net.params[name]) for name in net.params)
    again = pickle.loads(pickle.dumps(grads))
    assert np.array_equal(again["in->hid"], grads["in->hid"]) and np.array_equal(again.inputs, grads.inputs)
    with pytest.raises(TypeError, match="holds the tape of a solver"):
        pickle.dumps(run)
    with pytest.raises(TypeError, match="pickle the network"):
        pickle.dumps(net.params)
