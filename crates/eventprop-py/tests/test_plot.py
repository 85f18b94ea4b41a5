"""Figures."""

from __future__ import annotations

from typing import Any

import eventprop as ep
import numpy as np
import pytest

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("agg")

Task = tuple[ep.Network, ep.Spikes]


@pytest.fixture
def seen(task: Task) -> ep.Evaluation:
    net, batch = task
    return net.evaluate(batch, "sum", gradient=True, record=["hid.V", "hid.lambda_V", "out.V"])


def test_a_raster_has_a_point_for_every_spike(task: Task) -> None:
    _, batch = task
    (line,) = ep.plot.raster(batch, 3).lines
    np.testing.assert_array_equal(line.get_xdata(), batch[3][0])
    np.testing.assert_array_equal(line.get_ydata(), batch[3][1])


def test_rasters_of_one_batch_have_equal_axes(task: Task) -> None:
    _, batch = task
    first, second = ep.plot.raster(batch, 0), ep.plot.raster(batch, 1)
    assert first.get_xlim() == second.get_xlim() and first.get_ylim() == second.get_ylim()
    assert first.get_xlim()[0] == 0.0
    ax = ep.plot.raster(batch, 0, trial=50.0, neurons=40)
    assert ax.get_xlim() == (0.0, 50.0) and ax.get_ylim() == (-0.8, 39.8)


def test_traces_are_of_the_neurons_in_which_most_is_to_be_seen(task: Task, seen: ep.Evaluation) -> None:
    def shown(r: ep.Evaluation) -> list[str]:
        return [text.get_text() for text in ep.plot.traces(r, "hid", sample=2)[0].get_legend().get_texts()]

    largest = np.abs(seen.records["hid.lambda_V"][2]).max(axis=0)
    chosen = sorted(np.argsort(-largest, kind="stable")[:3])
    assert shown(seen) == [f"neuron {neuron}" for neuron in chosen]
    net, batch = task
    r = net.evaluate(batch, "sum", record=["hid.V"])
    counts = np.bincount(r.spikes["hid"][2][1], minlength=10)
    assert shown(r) == [f"neuron {neuron}" for neuron in sorted(np.argsort(-counts, kind="stable")[:3])]


def test_a_decision_map_shows_the_class_of_every_point() -> None:
    ax = ep.plot.decision_map(lambda xy: np.where(xy[:, 0] > 0.5, 1, -1), x=(0, 2), names=["left", "right"], points=4)
    shown = ax.images[0].get_array()
    # Points are at 0.25, 0.75, 1.25 and 1.75; −1 is no class.
    assert shown.mask.tolist() == [[True, False, False, False]] * 4 and (shown[:, 1:] == 1).all()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["left", "right"]
    with pytest.raises(ValueError, match="classify gave float64 of shape"):
        ep.plot.decision_map(lambda xy: xy[:, 0])


def test_traces_stand_where_they_belong(seen: ep.Evaluation) -> None:
    v, lam = ep.plot.traces(seen, "hid", sample=2, neurons=[4, 7])
    assert v.get_ylabel() == "V (threshold)" and lam.get_ylabel() == "λ_V"
    curve, adjoint = v.lines[0], lam.lines[0]
    np.testing.assert_array_equal(curve.get_ydata(), seen.records["hid.V"][2, :, 4])
    # V of step 0 is that at its end, λ that at its start.
    assert curve.get_xdata()[0] == 1.0 and adjoint.get_xdata()[0] == 0.0
    times, neurons = seen.spikes["hid"][2]
    assert len(v.lines) == 2 + np.isin(neurons, [4, 7]).sum()


def test_a_learning_curve_with_and_without_validation(task: Task) -> None:
    net, batch = task
    loss, accuracy = ep.plot.learning_curve(net.fit(batch, epochs=2))
    assert len(loss.lines) == 1
    history = net.fit(batch[:20], batch[20:], epochs=3)
    loss, accuracy = ep.plot.learning_curve(history)
    np.testing.assert_array_equal(loss.lines[1].get_ydata(), history["validation_loss"])
    np.testing.assert_array_equal(accuracy.lines[1].get_ydata(), 100 * history["validation_accuracy"])


def test_a_confusion_matrix_has_true_classes_in_rows() -> None:
    ax = ep.plot.confusion([0, 0, 1, 2], [0, 1, 1, -1])
    np.testing.assert_array_equal(ax.images[0].get_array(), [[1, 1, 0, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0", "1", "2", "none"]
    ax = ep.plot.confusion([0, 1], [1, 1], names=["yes", "no"])
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 1], [0, 1]])


def test_figures_go_where_they_are_told(task: Task) -> None:
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    assert ep.plot.raster(task[1], ax=ax) is ax


BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda r: ep.plot.raster(r.labels), TypeError, "spikes is ndarray"),
    (lambda r: ep.plot.raster(r.spikes["hid"], 32), ValueError, "sample is 32; expected a whole number from 0 to 31"),
    (lambda r: ep.plot.traces(r, "in"), ValueError, "'in' has no records; recorded is hid.V, hid.lambda_V, out.V"),
    (lambda r: ep.plot.traces(r, "hid", neurons=[10]), ValueError, "neurons is 10; expected a whole number from 0 to 9"),
    (lambda r: ep.plot.traces(r, "hid", axes=[1]), ValueError, "axes has 1 entries; expected 2"),
    (lambda r: ep.plot.learning_curve([1.0]), TypeError, "history is list"),
    (lambda r: ep.plot.confusion([0], [0, 1]), ValueError, "1 labels and 2 predictions"),
    (lambda r: ep.plot.confusion([], []), ValueError, "labels is empty"),
    (lambda r: ep.plot.confusion([0], [-2]), ValueError, "predictions"),
]


@pytest.mark.parametrize(("action", "kind", "text"), BAD)
def test_bad_input(seen: ep.Evaluation, action: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        action(seen)


@pytest.fixture(autouse=True)
def close() -> Any:
    yield
    import matplotlib.pyplot as plt

    plt.close("all")
