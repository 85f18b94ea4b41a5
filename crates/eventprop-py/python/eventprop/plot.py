"""Figures: rasters, traces of V and λ, learning curves, confusion matrices, decision maps.

They need matplotlib (`pip install matplotlib`), which nothing else here imports. Every function draws
into the axes that it is given, or into a new figure, and returns the axes: titles, limits and
`savefig` are matplotlib's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from . import _arrays
from .network import Evaluation
from .spikes import Spikes
from .training import History

__all__ = ["confusion", "decision_map", "learning_curve", "raster", "traces"]

_UNITS = {"V": "V (threshold)", "I": "I (threshold)", "B": "B (threshold)"}


def raster(spikes: Spikes, sample: int = 0, *, trial: float | None = None, neurons: int | None = None, ax: Any = None) -> Any:
    """The spikes of one sample: time in ms to the right, neurons upwards.

    Parameters
    ----------
    spikes
        The input, or `r.spikes["hid"]` of an evaluation.
    sample
        Place of the sample.
    trial, neurons
        The length of the trial in ms and the number of neurons, where the axes are to end; `None` for the last spike and
        the last neuron that spikes in any sample, so that rasters of one batch have equal axes.
    ax
        Where to draw; `None` for a new figure.

    Returns
    -------
    The axes.
    """
    if not isinstance(spikes, Spikes):
        raise TypeError(f"spikes is {type(spikes).__name__}; expected eventprop.Spikes")
    times, spiked = spikes[_arrays.whole("sample", sample, 0, max(len(spikes) - 1, 0))]
    (ax,) = _axes([ax], 1)
    # Thousands of spikes stay small in a file as dots, which few are too small for.
    few = len(times) < 2000
    ax.plot(times, spiked, "|" if few else ",", color=ax.xaxis.label.get_color(), markersize=6)
    all_times, all_neurons = (np.concatenate(parts) for parts in zip(*(spikes[place] for place in range(len(spikes)))))
    last_ms = 1.02 * all_times.max(initial=1.0) if trial is None else _arrays.number("trial", trial)
    count = int(all_neurons.max(initial=0)) + 1 if neurons is None else _arrays.whole("neurons", neurons, 1)
    ax.set_xlim(0.0, last_ms)
    # A mark of the first or last neuron is as tall as that of any other.
    room = max(0.5, 0.02 * count)
    ax.set_ylim(-room, count - 1 + room)
    ax.set_xlabel("time (ms)")
    ax.set_ylabel("neuron")
    ax.yaxis.get_major_locator().set_params(integer=True)
    return ax


def traces(
    evaluation: Evaluation,
    population: str,
    *,
    sample: int = 0,
    neurons: Iterable[int] | None = None,
    axes: Sequence[Any] | None = None,
) -> list[Any]:
    """What `evaluate(…, record=[…])` recorded of a population: a row for each variable, a line for each neuron.

    Spikes of these neurons are thin vertical lines in their colour.

    Parameters
    ----------
    evaluation
        What `Network.evaluate` returned.
    population
        Its name.
    sample
        Place of the sample.
    neurons
        Which neurons; `None` for the three with the largest |λ|, or the most spikes where no λ was recorded.
    axes
        Where to draw, one for each variable; `None` for a new figure.

    Returns
    -------
    The axes, one for each variable.
    """
    variables = [name.rpartition(".")[2] for name in evaluation.records if name.rpartition(".")[0] == population]
    if not variables:
        known = ", ".join(evaluation.records) or "nothing"
        raise ValueError(f"population {population!r} has no records; recorded is {known}: evaluate(…, record=[…])")
    first = evaluation.records[f"{population}.{variables[0]}"]
    place = _arrays.whole("sample", sample, 0, first.shape[0] - 1)
    chosen = _telling(evaluation, population, variables, place) if neurons is None else neurons
    lines = [_arrays.whole("neurons", neuron, 0, first.shape[2] - 1) for neuron in chosen]
    rows = _axes(axes, len(variables))
    times, spiked = evaluation.spikes[population][place]
    for ax, variable in zip(rows, variables):
        values = evaluation.records[f"{population}.{variable}"][place]
        # V, I and B belong to the end of a step, λ to its start.
        adjoint = variable.startswith("lambda")
        at = (np.arange(len(values)) + (0 if adjoint else 1)) * evaluation.dt
        for line, neuron in enumerate(lines):
            ax.plot(at, values[:, neuron], color=f"C{line % 10}", label=f"neuron {neuron}")
            for time in times[spiked == neuron]:
                ax.axvline(time, color=f"C{line % 10}", linewidth=0.5)
        ax.set_ylabel(_UNITS.get(variable, variable.replace("lambda_", "λ_")))
    # Beside the axes, where it hides nothing.
    rows[0].legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")
    rows[-1].set_xlabel("time (ms)")
    return rows


def learning_curve(history: History, *, axes: Sequence[Any] | None = None) -> list[Any]:
    """Loss and accuracy of training and validation over the epochs, counted from 1.

    Parameters
    ----------
    history
        What `Network.fit` returned.
    axes
        Two axes, for loss and accuracy; `None` for a new figure.

    Returns
    -------
    The two axes.
    """
    if not isinstance(history, History):
        raise TypeError(f"history is {type(history).__name__}; expected what Network.fit returned")
    rows = _axes(axes, 2)
    epochs = history["epoch"] + 1
    for ax, column, unit, factor in ((rows[0], "loss", "loss", 1.0), (rows[1], "accuracy", "accuracy (%)", 100.0)):
        ax.plot(epochs, factor * history[column], label="training")
        validation = history[f"validation_{column}"]
        if not np.isnan(validation).all():
            ax.plot(epochs, factor * validation, label="validation")
        ax.set_ylabel(unit)
    rows[0].legend()
    rows[1].set_xlabel("epoch")
    rows[1].xaxis.get_major_locator().set_params(integer=True)
    return rows


def confusion(labels: Any, predictions: Any, *, names: Sequence[str] = (), ax: Any = None) -> Any:
    """How often each class was taken for which: rows are true classes, columns predictions.

    A last column “none” counts samples without a prediction, if there are any.

    Parameters
    ----------
    labels, predictions
        [samples], such as `r.labels` and `r.predictions`; −1 is no prediction.
    names
        Names of the classes.
    ax
        Where to draw; `None` for a new figure.

    Returns
    -------
    The axes.
    """
    true = _arrays.classes("labels", labels, 2**16 - 1).astype(np.int64)
    # No prediction is −1 and becomes 0 while it is checked.
    found = _arrays.indices("predictions", _arrays.array("predictions", predictions) + 1, 2**16).astype(np.int64) - 1
    if len(true) != len(found):
        raise ValueError(f"{len(true)} labels and {len(found)} predictions; expected as many of both")
    if len(true) == 0:
        raise ValueError("labels is empty; expected at least one sample")
    classes = max(int(true.max()), int(found.max()), len(names) - 1) + 1
    counts = np.zeros((classes, classes + 1), np.int64)
    np.add.at(counts, (true, found), 1)  # −1 is the last column
    (ax,) = _axes([ax], 1)
    shown = counts if counts[:, -1].any() else counts[:, :-1]
    ax.imshow(shown, cmap="Blues")
    of = [*names, *map(str, range(len(names), classes))]
    ax.set_xticks(range(shown.shape[1]), [*of, "none"][: shown.shape[1]], rotation=90 if names else 0)
    ax.set_yticks(range(classes), of)
    if classes <= 20:
        for row, column in np.argwhere(shown):
            dark = shown[row, column] > shown.max() / 2
            ax.text(column, row, shown[row, column], ha="center", va="center", color="white" if dark else "black")
    ax.set_xlabel("prediction")
    ax.set_ylabel("class")
    return ax


def decision_map(
    classify: Callable[[Any], Any],
    *,
    x: tuple[float, float] = (0.0, 1.0),
    y: tuple[float, float] = (0.0, 1.0),
    names: Sequence[str] = (),
    points: int = 150,
    ax: Any = None,
) -> Any:
    """The class of every point of a plane, in colours.

    Parameters
    ----------
    classify
        Gives the classes, whole numbers from 0 (−1 for none), of points [points, 2]: `classifier.predict`, or
        `lambda xy: net.predict(ep.data.latency(…))`.
    x, y
        The ranges that are shown.
    names
        Names of the classes.
    points
        Points in each direction.
    ax
        Where to draw; `None` for a new figure.

    Returns
    -------
    The axes.

    Examples
    --------
    >>> import eventprop as ep
    >>> ax = ep.plot.decision_map(lambda xy: (xy[:, 0] > xy[:, 1]).astype(int), names=["above", "below"])
    """
    count = _arrays.whole("points", points, 2)
    across, upwards = (np.linspace(*ends, 2 * count + 1)[1::2] for ends in (x, y))
    xy = np.stack([part.reshape(-1) for part in np.meshgrid(across, upwards)], axis=1)
    found = np.asarray(classify(xy))
    if found.shape != (len(xy),) or found.dtype.kind not in "iu":
        raise ValueError(f"classify gave {found.dtype} of shape {found.shape}; expected whole numbers of shape ({len(xy)},)")
    (ax,) = _axes([ax], 1)
    shown = np.ma.masked_less(found.reshape(count, count), 0)
    classes = max(int(found.max()) + 1, len(names), 1)
    from matplotlib.colors import ListedColormap
    from matplotlib.patches import Patch

    colors = [f"C{label % 10}" for label in range(classes)]
    ax.imshow(shown, origin="lower", extent=(*x, *y), aspect="equal", cmap=ListedColormap(colors), vmin=-0.5, vmax=classes - 0.5)
    of = [*names, *(f"class {label}" for label in range(len(names), classes))]
    ax.legend(handles=[Patch(color=color, label=name) for color, name in zip(colors, of)], loc="upper right", fontsize="small")
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    return ax


def _telling(evaluation: Evaluation, population: str, variables: Sequence[str], sample: int) -> Sequence[int]:
    """The three neurons of a sample in which most is to be seen, in their order."""
    size = evaluation.records[f"{population}.{variables[0]}"].shape[2]
    adjoint = [name for name in variables if name.startswith("lambda")]
    if adjoint:
        seen = sum(np.abs(evaluation.records[f"{population}.{name}"][sample]).max(axis=0) for name in adjoint)
    else:
        seen = np.bincount(evaluation.spikes[population][sample][1], minlength=size)
    # The first of equals.
    return sorted(np.argsort(-np.asarray(seen), kind="stable")[:3].tolist())


def _axes(given: Sequence[Any] | None, rows: int) -> list[Any]:
    """The axes that were given, or those of a new figure."""
    if given is not None and all(one is not None for one in given):
        if len(given) != rows:
            raise ValueError(f"axes has {len(given)} entries; expected {rows}")
        return list(given)
    try:
        import matplotlib.pyplot as plt
    except ImportError:
        raise ImportError("figures need matplotlib: pip install matplotlib") from None
    figure, axes = plt.subplots(rows, 1, sharex=True, squeeze=False, layout="constrained")
    return list(axes[:, 0])
