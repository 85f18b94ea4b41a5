"""Networks: built, looked at, trained, kept."""

from __future__ import annotations

import json
import pickle
import threading
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest
from eventprop import simulator_yinyang

Task = tuple[ep.Network, ep.Spikes]


def test_the_example_of_the_issue() -> None:
    rng = np.random.default_rng(0)
    w_in, w_hh, w_ho = rng.normal(3, 1, (3, 2)), rng.normal(0, 0.1, (2, 2)), rng.normal(0, 1, (2, 2))
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    x = net.add_input("in", 3)
    h = net.add_lif("hid", 2, tau_mem=20.0, tau_syn=5.0, v_thresh=1.0, v_reset=0.0)
    y = net.add_li("out", 2, tau_mem=20.0, tau_syn=5.0)
    net.connect(x, h, weight=w_in)
    net.connect(h, h, weight=w_hh)
    net.connect(h, y, weight=w_ho)
    batch = ep.Spikes([([1.0, 2.0, 3.0], [0, 1, 2]), ([4.0, 2.0], [0, 2])], labels=[0, 1])
    r = net.evaluate(
        batch, loss="sum_weigh_exp", solver="grid", gradient=True, record=["hid.V", "hid.lambda_V", "out.V"]
    )
    assert r.losses.shape == (2,) and r.loss == pytest.approx(r.losses.mean())
    assert r.gradients["hid->hid"].shape == (2, 2) and r.gradients["hid->hid"].dtype == np.float32
    assert r.records["hid.V"].shape == (2, 20, 2)
    # V of the outputs at the end of step k is V at the start of step k + 1.
    np.testing.assert_array_equal(r.records["out.V"], r.readout.V[:, 1:])
    assert len(r.spikes["hid"]) == 2 and len(r.drives["hid"]) == len(r.spikes["hid"].times_ms) > 0
    assert (r.drives["hid"] > 0).all()


def test_the_gradient_is_that_of_the_loss(task: Task) -> None:
    """A central difference in float64 of the event solver: its error is about h²|f‴| + ε/h, 1e-9 here."""
    net, batch = task
    found = net.evaluate(batch, "max", solver="event", gradient=True)
    for name in ("in->hid", "hid->hid", "hid->out"):
        kept = net.params[name]
        at = tuple(np.unravel_index(np.argmax(np.abs(found.gradients[name])), kept.shape))
        losses = []
        for sign in (1, -1):
            moved = kept.copy()
            moved[at] += sign * 1e-5
            net.params[name] = moved
            losses.append(net.evaluate(batch, "max", solver="event").loss)
        net.params[name] = kept
        assert (losses[0] - losses[1]) / 2e-5 == pytest.approx(found.gradients[name][at], rel=1e-6)


def test_gradcheck_gives_the_table_of_the_command(task: Task) -> None:
    net, batch = task
    report = ep.gradcheck(net, batch[:4], "sum", per_projection=5)
    assert report.correct and len(report) == 15 and report.worst_relative_error < 1e-6
    assert "hid->hid" in str(report) and "wrong" in str(report)
    assert {check.name for check in report} == {"in->hid", "hid->hid", "hid->out"}
    assert "nothing was checked" not in str(report)


def test_gradcheck_of_silence_says_that_it_says_nothing(task: Task) -> None:
    net, batch = task
    for name, value in net.params.items():
        net.params[name] = 1e-6 * value
    report = ep.gradcheck(net, batch[:2], "sum", per_projection=5)
    assert report.count("correct") == len(report) and not report.correct
    assert "all checked derivatives of in->hid, hid->hid, hid->out are 0, so that nothing was checked there" in str(report)


@pytest.mark.filterwarnings("ignore:.* in half of tau_syn")
@pytest.mark.parametrize("solver", ["grid", "grid64", "event"])
@pytest.mark.parametrize("loss", ["max", ep.loss.AvgXentropy()])
def test_fit_learns(task: Task, solver: str, loss: ep.loss.LossLike) -> None:
    net, batch = task
    before = net.evaluate(batch, loss, solver=solver).loss
    history = net.fit(batch, batch[:8], epochs=60, batch_size=8, optimizer=ep.Adam(5e-2), loss=loss, solver=solver)
    assert len(history) == 60
    assert history["loss"][-1] < before / 2
    assert history[-1].validation_accuracy == 1.0
    assert net.score(batch, solver=solver) == 1.0
    assert (net.predict(batch, solver=solver) == batch.labels).all()


def test_fit_is_the_training_of_the_engine_step_by_step(task: Task) -> None:
    """SGD by hand with the gradients of evaluate: the same numbers up to the rounding of float64."""
    net, batch = task
    other = pickle.loads(pickle.dumps(net))
    net.fit(batch, epochs=2, batch_size=8, optimizer=ep.SGD(0.5), loss="sum", solver="grid64", shuffle=False)
    for _ in range(2):
        for start in range(0, len(batch), 8):
            r = other.evaluate(batch[start : start + 8], "sum", solver="grid64", gradient=True)
            for name, gradient in r.gradients.items():
                other.params[name] = other.params[name] - 0.5 * gradient
    for name, value in net.params.items():
        np.testing.assert_array_equal(value, other.params[name])


def test_adam_scales_down_what_is_unusual(task: Task) -> None:
    """Adam by hand, each projection held to 1.1 times its usual norm; some batch is, or the test would show nothing."""
    net, batch = task
    other = pickle.loads(pickle.dumps(net))
    net.fit(batch, epochs=4, batch_size=4, optimizer=ep.Adam(1e-2, clip=1.1), loss="sum", solver="grid64", shuffle=False)
    moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in other.params.items()}
    step, clipped = 0, 0
    for _ in range(4):
        for start in range(0, len(batch), 4):
            r = other.evaluate(batch[start : start + 4], "sum", solver="grid64", gradient=True)
            for name, gradient in r.gradients.items():
                m, v = moments[name]
                usual = np.sqrt(v.sum() / (1 - 0.999**step)) if step else 0.0
                norm = np.linalg.norm(gradient)
                if 0 < 1.1 * usual < norm:
                    clipped += 1
                    gradient = gradient * (1.1 * usual / norm)
                m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
                moments[name] = m, v
                m_hat, v_hat = m / (1 - 0.9 ** (step + 1)), v / (1 - 0.999 ** (step + 1))
                other.params[name] = other.params[name] - 1e-2 * m_hat / (np.sqrt(v_hat) + 1e-8)
            step += 1
    assert clipped > 0
    for name, value in net.params.items():
        # Norms of 100 numbers, summed in another order, differ by up to 100 ε = 2e-14 relative. In 32 steps of at most
        # 3e-2 that is 2e-14, and five times as much for what the weights then change in the gradients.
        np.testing.assert_allclose(value, other.params[name], rtol=0, atol=1e-13)


def test_course_decay_and_average_follow_their_formulas(task: Task) -> None:
    """Adam by hand; with eps = 1 a step is that of gradient descent with rate η / (|g| + 1)."""
    net, batch = task
    other = pickle.loads(pickle.dumps(net))
    adam = ep.Adam(ep.Cosine(0.5), beta1=0.0, beta2=0.0, eps=1.0, weight_decay=0.1)
    history = net.fit(
        batch, epochs=2, batch_size=8, optimizer=adam, loss="sum", solver="grid64", shuffle=False, average_epochs=0.75,
    )  # fmt: skip
    batches = len(batch) // 8
    mean = dict(other.params)
    for step in range(2 * batches):
        eta = 0.25 * (1 + np.cos(np.pi * step / (2 * batches)))
        start = step % batches * 8
        r = other.evaluate(batch[start : start + 8], "sum", solver="grid64", gradient=True)
        for name, gradient in r.gradients.items():
            new = other.params[name] * (1 - 0.1 * eta) - eta * gradient / (np.abs(gradient) + 1)
            other.params[name] = new
            mean[name] = mean[name] + max(1 / (0.75 * batches), min(1, 10 / (step + 10))) * (new - mean[name])
    assert history["eta"][-1] == pytest.approx(eta)
    for name, value in net.params.items():
        # A step rounds each number a few times; 8 steps of weights of size 10.
        np.testing.assert_allclose(value, mean[name], rtol=0, atol=1e-13)


def test_a_smoothed_label_counts_for_all_classes(task: Task) -> None:
    net, batch = task
    z = net.evaluate(batch, "sum", solver="grid64").readout.V[:, :-1].mean(axis=1)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    smoothed = 0.7 * log_p[np.arange(len(batch)), batch.labels] + 0.3 * log_p.mean(axis=1)
    history = net.fit(batch, optimizer=ep.SGD(0.0), loss="sum", solver="grid64", label_smoothing=0.3)
    assert history[0].loss == pytest.approx(-smoothed.mean(), rel=1e-12)
    for wrong in ({"label_smoothing": 1.0}, {"average_epochs": -1.0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            net.fit(batch, loss="sum", **wrong)


def _words(inputs: int, trial: float, classes: int) -> ep.Spikes:
    """Sixty samples: every input spikes once, at a time of its own in each class, with a jitter of 2 % of the trial."""
    rng = np.random.default_rng(inputs)
    centres = (rng.uniform(0.05, 0.35, (classes, inputs)) + 0.4 * np.arange(classes)[:, None] / classes) * trial
    samples, labels = [], [sample % classes for sample in range(60)]
    for label in labels:
        times = np.clip(centres[label] + rng.normal(0.0, 0.02 * trial, inputs), 0.0, 0.9 * trial)
        order = np.argsort(times)
        samples.append((times[order], order))
    return ep.Spikes(samples, labels=labels)


@pytest.mark.parametrize(
    ("inputs", "hidden", "trial", "classes", "recurrent", "spiking"),
    [
        (8, [6], 30.0, 2, False, False),
        (2, [7], 20.0, 2, True, False),
        (3, [50], 10.0, 3, False, False),
        (5, [3], 100.0, 2, False, False),
        (13, [11, 9], 40.0, 4, False, False),
        (24, [128], 300.0, 9, True, False),
        (64, [33, 17, 9], 80.0, 3, True, False),
        (700, [20], 500.0, 5, True, False),
        (300, [10], 15.0, 2, False, True),
        (17, [200], 1000.0, 6, False, False),
    ],
)
def test_networks_of_odd_sizes_learn_without_weights(
    inputs: int, hidden: list[int], trial: float, classes: int, recurrent: bool, spiking: bool
) -> None:
    net = ep.Network(dt=min(1.0, trial / 50), trial=trial, seed=inputs)
    last = net.add_input("in", inputs)
    for layer, size in enumerate(hidden):
        here = net.add_lif(f"hid{layer}", size)
        net.connect(last, here)
        if recurrent:
            net.connect(here, here)
        last = here
    net.connect(last, net.add_lif("out", classes) if spiking else net.add_li("out", classes))
    history = net.fit(_words(inputs, trial, classes), epochs=60, batch_size=10)
    assert history[-1].accuracy >= 0.9


def test_weights_are_calibrated_once_and_only_where_none_were_given(task: Task) -> None:
    _, batch = task
    inputs = int(batch.neurons.max()) + 1

    def built() -> ep.Network:
        net = ep.Network(dt=1.0, trial=20.0, seed=3)
        x, h, y = net.add_input("in", inputs), net.add_lif("hid", 30), net.add_li("out", 2)
        net.connect(x, h)
        net.connect(h, h, ep.Normal(0.0, 0.1))
        net.connect(h, y)
        return net

    net = built()
    drawn = dict(net.params)
    kept = pickle.loads(pickle.dumps(net))
    net.fit(batch, epochs=0)
    calibrated = dict(net.params)
    assert (calibrated["hid->hid"] == drawn["hid->hid"]).all()
    for name in ("in->hid", "hid->out"):
        assert (calibrated[name] != drawn[name]).all()
    counts = np.bincount(net.evaluate(batch).spikes["hid"].neurons, minlength=30)
    assert counts.min() > 0 and 0.5 < counts.mean() / len(batch) < 2.0
    net.fit(batch, epochs=0)
    kept.fit(batch, epochs=0)
    for name, value in calibrated.items():
        np.testing.assert_array_equal(net.params[name], value)
        np.testing.assert_array_equal(kept.params[name], value)

    given = built()
    given.params["in->hid"] = drawn["in->hid"]
    assert given.calibrate(batch) == {}
    assert (given.params["in->hid"] == drawn["in->hid"]).all()
    assert (given.params["hid->out"] != drawn["hid->out"]).all()
    assert given.calibrate(batch, ["in->hid"], spikes=3.0)["hid"] == pytest.approx(3.0, rel=0.5)
    with pytest.raises(KeyError, match="no projection"):
        given.calibrate(batch, ["hid.tau_mem"])
    with pytest.raises(ValueError, match="above 0"):
        given.calibrate(batch, spikes=0.0)


def test_a_network_that_cannot_be_made_active_is_warned_of() -> None:
    net = ep.Network(dt=1.0, trial=20.0)
    x, h, y = net.add_input("in", 3), net.add_lif("hid", 4), net.add_li("out", 2)
    net.connect(x, h)
    net.connect(h, y)
    with pytest.warns(UserWarning, match="'hid' has 0 spikes .* 4 silent neurons"):
        net.fit(ep.Spikes([([], []), ([], [])], labels=[0, 1]), epochs=0)


def test_fit_repeats_itself_and_depends_on_the_seed(task: Task) -> None:
    net, batch = task
    twin = pickle.loads(pickle.dumps(net))
    for one in (net, twin):
        one.fit(batch, epochs=2, batch_size=8, loss="sum")
    assert all((net.params[name] == twin.params[name]).all() for name in net.params)


def test_callbacks_schedules_and_frozen_parameters(task: Task) -> None:
    net, batch = task
    kept = net.params["in->hid"]
    seen: list[ep.Epoch] = []

    def stop(epoch: ep.Epoch) -> bool:
        seen.append(epoch)
        assert (epoch.network.params["hid->out"] != before).any()
        return epoch.epoch == 2

    before = net.params["hid->out"]
    history = net.fit(
        batch,
        epochs=10,
        optimizer=ep.Adam(lambda epoch: 1e-2 * 0.5**epoch),
        loss="sum",
        freeze=["in->hid"],
        callbacks=[stop],
        regularizer=ep.Regularizer(nu=1.0, lbd_upper=1e-3, lbd_lower=1e-3),
    )
    assert len(history) == len(seen) == 3
    assert history["eta"].tolist() == [1e-2, 5e-3, 2.5e-3]
    np.testing.assert_array_equal(net.params["in->hid"], kept.astype(np.float32))


@pytest.mark.parametrize("model", ["lif", "alif"])
def test_one_regularizer_reaches_every_population_that_spikes(model: str) -> None:
    batch = ep.Spikes([([1.0, 2.0, 3.0], [0, 1, 0]), ([2.0, 2.5], [1, 0])], labels=[0, 1])
    pull = ep.Regularizer(nu=0.0, lbd_upper=1.0, lbd_lower=1.0)

    def trained(regularizer: Any) -> Any:
        net = ep.Network(dt=1.0, trial=20.0, seed=3)
        net.add_input("in", 2)
        hidden = net.add_lif("hid", 3) if model == "lif" else net.add_alif("hid", 3)
        net.add_li("out", 2)
        net.connect("in", hidden, ep.Normal(6.0, 0.5))
        net.connect(hidden, "out", ep.Normal(0.0, 1.0))
        # With so large an eps a step has the size of the gradient; else it would have little but its sign.
        net.fit(batch, epochs=2, loss="sum", optimizer=ep.Adam(1e-2, eps=1.0), regularizer=regularizer)
        return net.params["in->hid"]

    np.testing.assert_array_equal(trained(pull), trained({"hid": pull}))
    assert (trained(pull) != trained(None)).any()


def test_a_callback_that_raises_leaves_what_was_learnt(task: Task) -> None:
    net, batch = task
    before = net.params["hid->out"]

    def interrupt(epoch: ep.Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net.fit(batch, epochs=10, loss="sum", callbacks=[interrupt])
    assert (net.params["hid->out"] != before).any()


def test_everything_a_network_can_have_is_kept(task: Task, tmp_path: Path) -> None:
    net = ep.Network(dt=0.5, trial=30.0, seed=2**63)
    x = net.add_input("in", 2)
    a = net.add_alif("a", 3, tau_mem=[10.0, 20.0, 30.0], tau_b=50.0, trainable=["tau_mem", "b_incr"])
    b = net.add_lif("b", 4, v_thresh=np.array([0.9, 1.0, 1.1, 1.2]), v_reset=-0.1, trainable={"tau_syn": 2.0})
    y = net.add_li("out", 2, v_init=0.1)
    net.connect(x, a, ep.Normal(4.0, 1.0), delay=1.5)
    net.connect(a, a, np.zeros((3, 3)))
    net.connect(a, b, ep.Normal(2.0, 1.0))
    net.connect("a", "b", ep.Normal(2.0, 1.0), delay=3.0)
    net.connect(b, y, ep.Normal(0.0, 1.0))
    assert list(net.params) == [
        "in->a", "a->a", "a->b", "a->b#2", "b->out", "a.tau_mem", "a.b_incr", "b.tau_syn",
    ]  # fmt: skip
    batch = ep.Spikes([([1.0, 3.0, 4.5], [0, 1, 0]), ([2.0, 2.5], [1, 0])], labels=[1, 0])
    net.fit(batch, epochs=3, loss=ep.loss.SumWeighInput(tau=15.0), optimizer=ep.Adam(1e-2))
    net.fit(batch, epochs=3, loss=ep.loss.SumWeighLate(tau=5.0), optimizer=ep.Adam(1e-2))
    assert (net.params["a.tau_mem"] != [10.0, 20.0, 30.0]).any()
    net.save(tmp_path / "net.safetensors")
    read = ep.Network.load(tmp_path / "net.safetensors")
    assert read.to_dict() == net.to_dict()
    for other in (read, pickle.loads(pickle.dumps(net)), ep.Network.load(str(tmp_path / "net.safetensors"))):
        for name, value in net.params.items():
            np.testing.assert_array_equal(other.params[name], value)
        assert other.evaluate(batch).loss == net.evaluate(batch).loss
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


@pytest.mark.parametrize("solver", ["event", "grid"])
def test_the_network_of_a_run_is_loaded(tmp_path: Path, solver: str) -> None:
    p = simulator_yinyang.p.copy()
    p.update(N_TRAIN=64, N_VALIDATE=16, N_TEST=16, N_EPOCH=2, N_BATCH=16, NUM_HIDDEN=12, SOLVER=solver, TAU_1=5.0)
    p.update(OUT_DIR=str(tmp_path), NAME="yy", LOSS_TYPE="first_spike_exp")
    simulator_yinyang.yinyang(p).train(p)
    net = ep.Network.load(tmp_path / "yy_checkpoint.safetensors")
    assert [(one.name, one.size, one.model) for one in net.populations] == [
        ("input", 5, "input"),
        ("hidden", 12, "lif"),
        ("output", 3, "lif"),
    ]
    for source, target in (("input", "hidden"), ("hidden", "output")):
        best = np.load(tmp_path / f"w_{source}_{target}_best.npy")
        # Files of weights hold single precision.
        np.testing.assert_array_equal(net.params[f"{source}->{target}"].astype("f4").ravel(), best.ravel())
    assert net.to_dict()["loss"] == {
        "name": "first_spike_exp", "tau_0": p["TAU_0"], "tau_1": 5.0, "alpha": p["ALPHA"], "push_silent": 1.0
    }
    net.save(tmp_path / "again.safetensors")
    assert ep.Network.load(tmp_path / "again.safetensors").to_dict() == net.to_dict()
    (tmp_path / "yy_checkpoint.safetensors").write_bytes((tmp_path / "yy_checkpoint.safetensors").read_bytes()[:-1])
    with pytest.raises(ValueError, match="its checksum"):
        ep.Network.load(tmp_path / "yy_checkpoint.safetensors")

def test_the_file_is_one_that_others_read(task: Task, tmp_path: Path) -> None:
    net, _ = task
    net.save(tmp_path / "net.safetensors")
    whole = (tmp_path / "net.safetensors").read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = json.loads(whole[8 : 8 + length])
    start, end = header["in->hid"]["data_offsets"]
    data = np.frombuffer(whole[8 + length :][start:end], "<f8").reshape(header["in->hid"]["shape"])
    np.testing.assert_array_equal(data, net.params["in->hid"])


def test_a_network_grows_and_keeps_its_parameters() -> None:
    net = ep.Network(dt=1.0, trial=10.0, seed=3)
    net.add_input("in", 2)
    net.add_lif("hid", 3)
    net.connect("in", "hid", ep.Normal(1.0, 1.0))
    kept = net.params["in->hid"]
    net.params["in->hid"] = kept + 1.0
    net.add_li("out", 2)
    net.connect("hid", "out", ep.Normal(0.0, 1.0))
    np.testing.assert_array_equal(net.params["in->hid"], kept + 1.0)
    assert list(net.params) == ["in->hid", "hid->out"]


def test_two_threads_evaluate_at_once(task: Task) -> None:
    net, batch = task
    alone = net.evaluate(batch, "sum", gradient=True)
    found: list[Any] = [None, None]

    def look(place: int) -> None:
        for _ in range(20):
            found[place] = net.evaluate(batch, "sum", gradient=True)

    threads = [threading.Thread(target=look, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for other in found:
        assert all((other.gradients[name] == alone.gradients[name]).all() for name in alone.gradients)


def test_event_solver_shows_its_nodes(task: Task) -> None:
    net, batch = task
    r = net.evaluate(batch[:2], "sum", solver="event")
    # The widths of the quadrature sum up to the trial: rounding of some hundred additions.
    assert [w.sum() for w in r.readout.widths_ms] == pytest.approx([20.0, 20.0], rel=1e-13)
    peaks = net.evaluate(batch[:2], "max", solver="event").readout
    assert peaks.V_max.shape == peaks.V_max_ms.shape == (2, 2)


def test_first_spikes(task: Task) -> None:
    net = ep.Network(dt=0.1, trial=20.0, seed=1)
    net.add_input("in", 2)
    net.add_lif("out", 2)
    net.connect("in", "out", [[9.0, 3.0], [0.0, 0.0]])
    batch = ep.Spikes([([1.0], [0]), ([1.0], [1])], [0, 1])
    r = net.evaluate(batch, ep.loss.FirstSpike(tau_0=1.0, alpha=0.01), gradient=True)
    assert r.predictions.tolist() == [0, -1]
    first = r.readout.first_spikes_ms
    assert 1.0 < first[0, 0] < 10.0 and np.isinf(first[1]).all()
    assert r.spikes["out"][0][0][0] == first[0, 0]
    assert r.accuracy == 0.5


def test_an_output_that_nothing_reaches_is_refused() -> None:
    net = ep.Network(dt=1.0, trial=20.0)
    x, h = net.add_input("in", 2), net.add_lif("hid", 3)
    net.add_li("out", 2)
    net.connect(x, h, ep.Normal(1.0, 0.1))
    batch = ep.Spikes([([1.0], [0])], labels=[0])
    for use in (lambda: net.evaluate(batch, loss="sum"), lambda: net.fit(batch, loss="sum"), lambda: net.forward(batch)):
        with pytest.raises(ValueError, match="there is no way from the input to 'out', the output"):
            use()
    with pytest.raises(ValueError, match="population"):
        ep.Network(dt=1.0, trial=20.0).fit(batch)


def test_populations_that_take_no_part_are_told_once() -> None:
    net = ep.Network(dt=1.0, trial=20.0)
    x, y = net.add_input("in", 2), net.add_li("out", 3)
    h, z = net.add_lif("hid", 3), net.add_lif("alone", 2)
    last = net.add_li("last", 2)
    net.connect(x, h, ep.Normal(1.0, 0.1))
    net.connect(h, y, ep.Normal(1.0, 0.1))
    net.connect(h, last, ep.Normal(1.0, 0.1))
    net.connect(z, last, ep.Normal(1.0, 0.1))
    batch = ep.Spikes([([1.0], [0])], labels=[0])
    with pytest.warns(UserWarning) as told:
        net.evaluate(batch, loss="sum")
    assert [str(one.message).split(":")[0] for one in told] == [
        "'out' does not lead to 'last', the output, so that nothing in it is trained",
        "no spike can reach 'alone'",
    ]
    net.evaluate(batch, loss="sum")


def test_one_callback_needs_no_list() -> None:
    net = ep.Network(dt=1.0, trial=20.0)
    net.connect(net.add_input("in", 2), net.add_li("out", 2), ep.Normal(1.0, 0.1))
    seen: list[int] = []
    net.fit(ep.Spikes([([1.0], [0])], labels=[0]), epochs=2, loss="sum", callbacks=lambda epoch: seen.append(epoch.epoch))
    assert seen == [0, 1]


def test_time_constants_in_seconds_are_told() -> None:
    net = ep.Network(dt=1.0, trial=20.0)
    with pytest.warns(UserWarning, match=r"tau_mem of 'hid' is 0.02 ms.*20 for 0.02 s"):
        net.add_lif("hid", 2, tau_mem=0.02)
