"""Networks: built in a few lines, evaluated, trained, saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine, loss as losses
from .._warning import warn
from ..loss import Loss, LossLike
from ..optim import SGD, Adam
from ..ranks import MPI, as_link, digest, watched
from ..regularize import Regularizer
from ..spikes import Spikes
from .building import (
    AvgPool,
    Builder,
    Conv2d,
    DeepR,
    Delay,
    FanIn,
    Normal,
    OneToOne,
    Population,
    Sparse,
    SumPool,
    Uniform,
    described_delay,
    described_pools,
    described_wiring,
)
from .evaluation import Activity, Evaluation, Readout, one_readout
from .neuron_model import NeuronModel
from .params import Params
from .run import Gradients, Run

if TYPE_CHECKING:
    from ..augment import Augmentation
    from ..nir import NirReport
    from ..training import Epoch, History

__all__ = [
    "Activity",
    "AvgPool",
    "Conv2d",
    "DeepR",
    "Delay",
    "FanIn",
    "Evaluation",
    "Gradients",
    "Network",
    "NeuronModel",
    "Normal",
    "OneToOne",
    "Params",
    "Population",
    "Readout",
    "Run",
    "Sparse",
    "SumPool",
    "Uniform",
]

_CALIBRATE = 128
"""Samples of a training on which weights are calibrated."""

Regularizers = Union[Regularizer, Mapping[str, Regularizer], None]


class Network(Builder):
    """Populations of neurons and projections between them, with their parameters.

    Exactly one input is needed; the population that is added with `output=True`, or last, is the output. Any graph is
    possible: several layers, recurrence, skips, delays. Equations: `docs/equations.md`.

    Parameters
    ----------
    dt
        Step of the grid solvers in ms. The event solver has no steps.
    trial
        Length of a trial in ms.
    seed
        Seed of initial weights and of the order of samples in training. The same seed gives the same
        bits, with any number of threads.

    Examples
    --------
    >>> import eventprop as ep
    >>> net = ep.Network(dt=1.0, trial=20.0, seed=1)
    >>> x = net.add_input("in", 2)
    >>> h = net.add_lif("hid", 10, tau_mem=20.0, tau_syn=5.0)
    >>> y = net.add_li("out", 2, tau_mem=20.0, tau_syn=5.0)
    >>> net.connect(x, h, weight=ep.Normal(8.0, 1.0))
    'in->hid'
    >>> net.connect(h, y, weight=ep.Normal(0.0, 0.5))
    'hid->out'
    >>> batch = ep.Spikes([([2.0, 8.0], [0, 1]), ([2.0, 8.0], [1, 0])], labels=[0, 1])
    >>> r = net.evaluate(batch, loss="max", gradient=True)
    >>> r.gradients["in->hid"].shape
    (2, 10)
    """

    nir_report: NirReport | None = None
    """What became of every node of the graph that `from_nir` read; `None` for other networks."""

    def __init__(self, dt: float, trial: float, seed: int = 0) -> None:
        super().__init__(dt, trial, seed)
        self._loss: Loss | None = None
        self._training: tuple[_engine.Session | _engine.TrainingState, int] | None = None
        """What the last training knows, and the epochs that it has had; a session while it goes on."""

    # Looking

    @property
    def params(self) -> Params:
        """The parameters by name; see `Params`."""
        self._engine.validate()
        return Params(self._engine, self._uncalibrated)

    def summary(self) -> str:
        """A table of the populations and of the parameters, as text.

        Examples
        --------
        >>> import eventprop as ep
        >>> net = ep.Network(dt=1.0, trial=20.0)
        >>> x, y = net.add_input("in", 2), net.add_li("out", 3)
        >>> _ = net.connect(x, y, ep.Normal(0.0, 1.0))
        >>> print(net.summary())
        population  model   size
        in          input      2
        out         li         3
        parameter   shape  count
        in->out     2 × 3      6
        6 parameters; 20 steps of 1.0 ms
        """
        populations = [(one.name, one.model, str(one.size)) for one in self._populations]
        shapes = {name: value.shape for name, value in self.params.items()}
        counts = {name: int(np.prod(shape)) for name, shape in shapes.items()}
        parameters = [(name, " × ".join(map(str, shape)), str(counts[name])) for name, shape in shapes.items()]
        rows = [("population", "model", "size"), *populations, ("parameter", "shape", "count"), *parameters]
        first, second = (2 + max(len(row[column]) for row in rows) for column in (0, 1))
        last = max(len(row[2]) for row in rows)
        lines = [f"{row[0]:<{first}}{row[1]:<{second}}{row[2]:>{last}}" for row in rows]
        return "\n".join([*lines, f"{sum(counts.values())} parameters; {self.steps} steps of {self.dt} ms"])

    def evaluate(
        self,
        batch: Spikes,
        loss: LossLike | None = None,
        *,
        solver: str = "grid",
        gradient: bool = False,
        record: Iterable[str] = (),
        regularizer: Regularizers = None,
        loss_scale: str = "exact",
        grazing: str = "keep",
    ) -> Evaluation:
        """Solves a batch and returns everything there is to see. Nothing is changed.

        Parameters
        ----------
        batch
            Samples with labels.
        loss
            A name or an object of `eventprop.loss`; `None` for the loss of the last training, else
            `"sum_weigh_exp"`, or `"first_spike"` where the outputs are LIF neurons.
        solver
            `"grid"` (fixed steps, float32), `"grid64"` (fixed steps, float64) or `"event"` (event to
            event, float64, without a time step).
        gradient
            Whether to find the derivatives of the mean loss with respect to all parameters.
        record
            What the grid solvers record in every step: `"hid.V"`, `.I`, `.B`, and with `gradient` also
            `.lambda_V`, `.lambda_I`, `.lambda_B`.
        regularizer
            A `Regularizer` for all hidden populations, or a mapping from names to them. Its part of
            the gradient is added.
        loss_scale
            `"exact"`, or `"reference"` for the scale of `genn_eventprop`'s gradients.
        grazing
            What to do in the gradient with spikes that only graze the threshold: `"keep"`,
            `"limit:x"` or `"error"`.
        """
        chosen = self._chosen(loss)
        self._check("batch", batch, labels=True)
        if isinstance(record, str):
            record = [record]
        request = self._request(chosen, None, regularizer, loss_scale, grazing, ())
        seen = _engine.evaluate(self._engine, batch, solver, request, bool(gradient), list(record))
        predictions = seen["predictions"]
        spikes = {
            name: Spikes.from_csr(times, neurons, offsets, batch.labels)
            for name, (times, neurons, offsets, _) in seen["spikes"].items()
        }
        hidden = {population.name for population in self._populations if population.model != "input"}
        return Evaluation(
            loss=float(np.mean(seen["losses"])),
            losses=seen["losses"],
            predictions=predictions,
            labels=batch.labels,
            accuracy=float(np.mean(predictions == batch.labels)),
            readout=one_readout(seen["readout"], solver),
            spikes=spikes,
            drives={name: arrays[3] for name, arrays in seen["spikes"].items() if name in hidden},
            grazing=seen["grazing"],
            activity={name: Activity(*found) for name, *found in seen["activity"]},
            gradients=seen["gradients"],
            records=seen["records"],
            dt=self.dt,
        )

    def forward(self, batch: Spikes, *, solver: str = "grid", observe: Iterable[str] = ()) -> Run:
        """Solves a batch and keeps its tape, for your own loss: the result goes backward from the derivatives of any loss.

        Parameters
        ----------
        batch
            Samples; labels are not needed.
        solver
            As for `evaluate`.
        observe
            What the loss reads: `"out.V"` for the voltages of a population, [samples, steps + 1, size] on the grids. Between
            events the rows of a population that spikes are the starts of the steps, too; of leaky integrators they are
            the nodes of a quadrature (`Run.nodes`). Spikes of all populations are there in any case.

        Examples
        --------
        >>> import eventprop as ep
        >>> net = ep.Network(dt=1.0, trial=20.0, seed=1)
        >>> x, y = net.add_input("in", 1), net.add_li("out", 1)
        >>> _ = net.connect(x, y, [[0.5]])
        >>> run = net.forward(ep.Spikes([([2.0], [0])]), observe=["out.V"])
        >>> V = run["out.V"]
        >>> grads = run.backward(voltage={"out": V - 0.2})  # of the loss (V − 0.2)²/2
        >>> net.update(grads, ep.SGD(eta=0.1))
        """
        return self._forward(batch, solver, observe)

    def _forward(
        self, batch: Spikes, solver: str, observe: Iterable[str], spare: _engine.Spare | None = None
    ) -> Run:
        """The same, in the memory of an earlier run."""
        self._check("batch", batch, labels=False)
        self._warn_of_uncalibrated()
        return Run(self, batch, solver, observe, spare)

    def _warn_of_uncalibrated(self) -> None:
        """Says once, by projection, that weights that nobody gave were not calibrated: only `fit` does so by itself."""
        untold = self._uncalibrated - self._told
        if untold:
            self._told |= untold
            warn(
                f"{', '.join(sorted(untold))}: connected without weights, and not calibrated, so that neurons may "
                "not spike; only fit does so by itself: net.calibrate(batch) first, or give weights"
            )

    def update(self, gradients: Mapping[str, Any], optimizer: Adam | SGD, *, eta: float | None = None) -> None:
        """One step of an optimiser along gradients, from `Run.backward` or anywhere else; trained constants keep their bounds.

        Parameters
        ----------
        gradients
            The gradient of every parameter, under its name.
        optimizer
            `Adam` or `SGD`. Its moments stay with the network, also for `fit`, as long as the optimiser is the same but for
            its rate, and the parameters have the same names and sizes; another optimiser begins anew.
        eta
            The learning rate; `None` for that of the optimiser, which must then be a number.
        """
        names = list(self.params)
        for name in gradients:
            if name not in names:
                raise KeyError(f"there is no parameter {name!r}; there are {', '.join(names)}")
        for name in names:
            if name not in gradients:
                raise KeyError(f"gradients has no {name!r}; expected the gradient of every parameter, zeros for those that stay")
        if eta is None and not isinstance(optimizer.eta, (int, float)):
            raise ValueError("the learning rate of the optimizer is a course; give eta=…, the rate of this step")
        rate = _arrays.number("eta", optimizer.eta if eta is None else eta)
        if rate < 0:
            raise ValueError(f"eta is {rate}; expected a number of at least 0")
        found = {name: _arrays.floats(f"gradients[{name!r}]", gradients[name], self.params.shape(name)) for name in names}
        flat = {name: value.reshape(-1) for name, value in found.items()}
        adam = optimizer._adam()
        before, epochs = self._before(adam)
        state = before or _engine.TrainingState(self._engine, adam)
        state.step(self._engine, flat, rate)
        self._training = (state, epochs)

    def _before(self, adam: dict[str, Any] | None) -> tuple[_engine.TrainingState | None, int]:
        """The state from which a training with such an optimiser goes on, and the epochs before it; none to begin anew."""
        state, epochs = self._known()
        return (state, epochs) if state is not None and state.fits(self._engine, adam) else (None, 0)

    def _known(self) -> tuple[_engine.TrainingState | None, int]:
        """The state of the last training, also of one that goes on, and the epochs that it has had."""
        if self._training is None:
            return None, 0
        known, epochs = self._training
        return known.state() if isinstance(known, _engine.Session) else known, epochs

    def _stored(self) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float64]]]:
        """Numbers and arrays of the last training."""
        state, epochs = self._known()
        if state is None:
            return {}, {}
        numbers, arrays = state.stored(self._engine)
        return {"epochs": epochs, **numbers}, arrays

    def _restore(self, numbers: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[np.float64]]) -> None:
        """Takes up what `_stored` gave; the arrays must be its own and no others."""
        left = dict(arrays)
        if numbers:
            if numbers["adam"] is not None:
                Adam(**numbers["adam"])  # refuses what an optimiser cannot be
            if not all(0.0 < one < np.inf for one in numbers["scales"]) or len(numbers["scales"]) not in (0, len(self.params)):
                raise ValueError(f"scales are {numbers['scales']}; expected a number above 0 for each parameter, or none")
            average = None if numbers["average"] is None else tuple(numbers["average"])
            state = _engine.TrainingState.restored(self._engine, {**numbers, "average": average}, left)
            self._training = state, _arrays.whole("epochs", numbers["epochs"], 0)
        if left:
            raise ValueError(f"it has the tensors {sorted(left)}, which are no part of its network")

    def _take(self, session: _engine.Session) -> None:
        """The parameters of a training, and the pairs that its sparse projections have now."""
        session.hand_over(self._engine)
        if not any(session.rewired()):
            return
        steps = [step for step in self._built if "connect" in step]
        for step, name in zip(steps, self.params):
            if isinstance(step.get("wiring"), dict) and "kernel" not in step["wiring"] and "via" not in step:
                sources, targets = self.synapses(name)
                step["wiring"] = {"sources": sources.tolist(), "targets": targets.tolist()}

    def _targets(self, name: str) -> list[str]:
        """Names of the populations that a population reaches."""
        names = [population.name for population in self._populations]
        pairs = [step["connect"] for step in self._built if "connect" in step]
        found = {target for source, target in pairs if source == name}
        return [name for name in names if name in found]

    def predict(self, spikes: Spikes, *, loss: LossLike | None = None, solver: str = "grid", batch_size: int = 256) -> npt.NDArray[np.int64]:
        """Predicted classes, int64 [samples]; −1 where no output spiked. Labels are not needed.

        `loss` says how a class is read off the outputs; see `evaluate`.
        """
        return self._tested(spikes, loss, solver, batch_size, labels=False)[1]

    def score(self, spikes: Spikes, *, loss: LossLike | None = None, solver: str = "grid", batch_size: int = 256) -> float:
        """Accuracy: fraction of correct predictions, 0 to 1."""
        predictions = self._tested(spikes, loss, solver, batch_size, labels=True)[1]
        return float(np.mean(predictions == spikes.labels))

    def _tested(
        self, spikes: Spikes, loss: LossLike | None, solver: str, batch_size: int, *, labels: bool
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        from ..training import tested

        chosen = self._chosen(loss)
        self._check("spikes", spikes, labels=labels)
        request = self._request(chosen, None, None, "exact", "keep", ())
        session = _engine.Session(self._engine, solver, request)
        return tested(session, spikes, _arrays.whole("batch_size", batch_size, 1))

    def fit(
        self,
        train: Spikes,
        validation: Spikes | None = None,
        *,
        epochs: int = 1,
        batch_size: int | None = None,
        optimizer: Adam | SGD | str | None = None,
        loss: LossLike | None = None,
        regularizer: Regularizers = None,
        solver: str = "grid",
        loss_scale: str = "exact",
        grazing: str = "keep",
        freeze: Iterable[str] = (),
        label_smoothing: float = 0.0,
        average_epochs: float = 0.0,
        rewire: DeepR | None = None,
        augment: Iterable[Augmentation] | Augmentation = (),
        dropout: float | Mapping[str, float] = 0.0,
        noise: float | Mapping[str, float] = 0.0,
        lift_silent: float = 0.0,
        shuffle: bool = True,
        restart: bool = False,
        callbacks: Iterable[Callable[[Epoch], Any]] | Callable[[Epoch], Any] = (),
        progress: bool | None = None,
        reduce: MPI | None = None,
    ) -> History:
        """Trains the parameters. Projections that were connected without weights are calibrated first, on up to 128 of
        the training samples (see `calibrate`).

        Another call goes on: epochs count on, and moments of the optimiser stay while it is the same but for its rate. Two
        calls give the same bits as one with all epochs, if the rate is a number or a function. Also after `save` and `load`.

        Parameters
        ----------
        train, validation
            Labelled samples. The validation set is evaluated after every epoch and does not affect
            training.
        epochs, batch_size
            Number of epochs, and of samples in a batch; the last batch of an epoch may be smaller. `None` for a sixteenth of
            the samples, from 4 to 32 of them: a training of few samples then has enough steps.
        optimizer
            `Adam` or `SGD`, or the name `"adam"` or `"sgd"` for one at its defaults;
            `Adam(OneCycle(0.05), relative=True)` if `None`, which suits networks of any size.
        loss, regularizer, solver, loss_scale, grazing
            As for `evaluate`. The loss becomes the one that `evaluate`, `predict` and `score` use.
        freeze
            Names of parameters that stay as they are.
        label_smoothing
            Part of the label, at least 0 and below 1, that the loss shares out among all classes.
        average_epochs
            Epochs over which the parameters are averaged: the validation set is evaluated with the average, and it
            becomes the network's parameters, while training goes on from the parameters themselves. 0 for none.
        rewire
            `DeepR(…)` for sparse projections that look for better pairs; `None` for pairs that stay.
        augment
            What varies the training samples anew in every epoch, in this order (see `eventprop.augment`).
        dropout
            Probability with which an input spike is left out in training, drawn for every spike and epoch; or by population,
            `{"in": 0.2, "hid": 0.1}`: a neuron above threshold does not fire in a step with that probability (grid solver
            only).
        noise
            Amplitude A of the noise A ξ √dt that is added to membranes in every step of training, ξ normal and dt in ms; of
            all populations that spike, or by population (grid solver only).
        lift_silent
            Added after every epoch to the weights into neurons that did not spike in it, but for those from their own
            population: without spikes they have no gradient.
        shuffle
            Whether to reshuffle the samples in every epoch, under the network's seed.
        restart
            Whether to forget the training before: epochs count from 0, and the optimiser begins anew. Parameters stay.
        callbacks
            Called after every epoch with an `Epoch`; the network has the parameters of that moment. If
            one returns `True`, training ends. See `EarlyStopping` and `Checkpoint`. One with a method `begin` or `end` has
            that called with the network at the beginning or end.
        progress
            Whether to show a bar; `None` for only in a terminal or notebook. With several processes the first shows it.
        reduce
            The processes that share the batches (`ep.MPI()`), all of which call `fit` with the same network, samples and
            arguments; `None` for this one alone. The result has the same bits. Callbacks are called by all; training ends
            when one of any process asks for it.

        Returns
        -------
        The `History`, one `Epoch` after the other.

        Raises
        ------
        FloatingPointError
            When a state or a gradient leaves the finite numbers. The parameters are those before the
            batch.
        KeyboardInterrupt
            After Ctrl-C; the network keeps what was learned until then.
        RuntimeError
            When another process failed.
        """
        from ..callbacks import ReduceOnPlateau
        from ..optim import chosen_optimizer
        from ..training import Course, chosen_batch_size, trained

        self._check("train", train, labels=True)
        if validation is not None:
            self._check("validation", validation, labels=True)
        optimizer = chosen_optimizer(optimizer)
        chosen = self._chosen(loss)
        if self._uncalibrated:
            some = _engine.permutation(self._seed, 0, len(train))[:_CALIBRATE]
            self.calibrate(train[np.sort(some)], solver=solver)
        frozen = [freeze] if isinstance(freeze, str) else list(freeze)
        request = self._request(chosen, optimizer._adam(), regularizer, loss_scale, grazing, frozen)
        batch_size = chosen_batch_size(batch_size, len(train))
        average_epochs = _arrays.number("average_epochs", average_epochs)
        if average_epochs < 0:
            raise ValueError(f"average_epochs is {average_epochs}; expected a number of at least 0")
        request["label_smoothing"] = _arrays.number("label_smoothing", label_smoothing)
        if rewire is not None:
            names = rewire.projections
            names = None if names is None else [names] if isinstance(names, str) else list(names)
            request["rewire"] = (_arrays.number("pull of rewire", rewire.pull), self._seed, names)
        ways_in = [one.name for one in self._populations if one.model == "input"]
        spiking = [one.name for one in self._populations if one.model in ("lif", "alif")]
        dropped = self._by_population("dropout", dropout, ways_in)
        noisy = self._by_population("noise", noise, spiking)
        augment = [augment] if callable(augment) else list(augment)
        callbacks = [callbacks] if callable(callbacks) else list(callbacks)
        for one in callbacks:
            if isinstance(one, type):
                raise TypeError(f"callbacks has the class {one.__name__}; expected one of it: {one.__name__}(…)")
        lift_silent = _arrays.number("lift_silent", lift_silent)
        if average_epochs > 0:
            request["average"] = average_epochs * -(-len(train) // batch_size)
        before, first = (None, 0) if restart else self._before(optimizer._adam())
        link = as_link(reduce)
        with watched(link):
            if link is not None:
                named = [getattr(one, "__qualname__", repr(one)) for one in augment]
                arguments: list[Any] = [epochs, batch_size, optimizer, solver, shuffle, request]
                arguments += [named, dropped, noisy, lift_silent, first]
                link.compare(self._lines(train, validation, arguments))
            course = Course(
                network=self,
                session=_engine.Session(self._engine, solver, request, link, before),
                first=first,
                epochs=_arrays.whole("epochs", epochs, 0),
                batch_size=batch_size,
                optimizer=optimizer,
                shuffle=bool(shuffle),
                callbacks=[*callbacks, *([optimizer.eta.see] if isinstance(optimizer.eta, ReduceOnPlateau) else [])],
                progress=progress if link is None or link.rank == 0 else False,
                link=link,
                augment=augment,
                dropout=dropped,
                noise=noisy,
                lift_silent=lift_silent,
            )
            # The engine has taken it: a loss that it refuses is not kept.
            self._loss = chosen
            return trained(course, train, validation)

    def _by_population(self, name: str, given: float | Mapping[str, float], for_all: list[str]) -> dict[str, float]:
        """A number for each of some populations: `given` for those of `for_all`, or by name."""
        by_name = dict(given) if isinstance(given, Mapping) else dict.fromkeys(for_all, given)
        known = [population.name for population in self._populations]
        found = {}
        for population, value in by_name.items():
            if population not in known:
                raise ValueError(f"{name} names {population!r}; the populations are {', '.join(map(repr, known))}")
            found[population] = _arrays.number(f"{name} of {population!r}", value)
            if found[population] < 0.0 or (name == "dropout" and found[population] > 1.0):
                expected = "a probability from 0 to 1" if name == "dropout" else "a number of at least 0"
                raise ValueError(f"{name} of {population!r} is {value}; expected {expected}")
        return {population: value for population, value in found.items() if value > 0.0}

    def _lines(self, train: Spikes, validation: Spikes | None, arguments: list[Any]) -> list[str]:
        """What the processes of a training must have in common."""
        lines = [f"version {_engine.__version__}", f"arguments {arguments}"]
        arrays = {**self.params, **self._stored()[1]}
        lines += [f"parameters {name} with the sum {digest(np.asarray(value))}" for name, value in arrays.items()]
        for name, spikes in (("train", train), ("validation", validation)):
            if spikes is None:
                lines.append(f"no {name} data")
                continue
            columns: list[npt.NDArray[Any]] = [spikes.times_ms, spikes.neurons, spikes.offsets, spikes.labels]
            if spikes.amplitudes is not None:
                columns.append(spikes.amplitudes)
            lines.append(f"{name} data with the sum {digest(*columns)}")
        return lines

    def calibrate(
        self,
        batch: Spikes,
        projections: Iterable[str] | None = None,
        *,
        spikes: float | None = None,
        solver: str = "grid",
    ) -> dict[str, float]:
        """Scales weights so that every population is active on a batch, before a training.

        A neuron that does not spike has no gradient. Population by population the weights from earlier ones are scaled
        until it has the spikes that are asked for; weights of neurons that still hardly spike are raised; weights of
        feedback are scaled to a quarter of what arrives from earlier populations; weights to leaky integrators until
        their voltages have a root mean square of 1.

        Parameters
        ----------
        batch
            Samples like those of the training; some dozens suffice.
        projections
            Names of projections that may change; `None` for those connected without weights, or all if there are none.
        spikes
            Spikes per neuron and trial; `None` for one in a membrane time constant, from 1 to 10 of them, but at least
            one in two of these.
        solver
            As for `evaluate`.

        Returns
        -------
        Spikes per neuron and trial of each population that was calibrated. A population with less than a quarter of what
        was asked for, or more than ten times as much, is warned of.
        """
        self._check("batch", batch, labels=False)
        if projections is None:
            names = sorted(self._uncalibrated) or self._projections()
        else:
            names = [projections] if isinstance(projections, str) else list(projections)
            for name in names:
                if name not in self._projections():
                    raise KeyError(f"{name!r} is no projection; there are {', '.join(self._projections())}")
                self.params[name]
        if spikes is not None and _arrays.number("spikes", spikes) <= 0:
            raise ValueError(f"spikes is {spikes}; expected a number above 0")
        found = _engine.calibrate(self._engine, batch, solver, names, spikes)
        self._uncalibrated.difference_update(names)
        for name, asked, reached, silent in found:
            if not asked / 4 <= reached <= 10 * asked:
                why = "Its input may have too few spikes, or all of its weights are 0" if reached < asked else (
                    "Most of its weights may be negative: give them a positive mean"
                )
                warn(
                    f"the population {name!r} has {reached:.2g} spikes per neuron and trial after calibration, and {silent} "
                    f"silent neurons; {asked:.2g} spikes were asked for. {why}"
                )
        return {name: reached for name, _, reached, _ in found}

    def _projections(self) -> list[str]:
        return [name for name in self.params if "->" in name and not name.endswith(".delay")]

    def _chosen(self, loss: LossLike | None) -> Loss:
        self._engine.validate()
        if loss is not None:
            return losses.as_loss(loss)
        if self._loss is not None:
            return self._loss
        spiking = self._engine.spikes(self._output.index)
        return losses.FirstSpike() if spiking else losses.SumWeighExp()

    def _request(
        self,
        loss: Loss,
        adam: dict[str, Any] | None,
        regularizer: Regularizers,
        loss_scale: str,
        grazing: str,
        frozen: Sequence[str],
    ) -> dict[str, Any]:
        """The arrangement as the compiled part takes it."""
        if isinstance(regularizer, Regularizer):
            hidden = [p.name for p in self._populations if p != self._output and self._engine.spikes(p.index)]
            regularizer = {name: regularizer for name in hidden}
        return {
            "loss": loss._spec(),
            "loss_scale": loss_scale,
            "grazing": grazing,
            "regularizers": {name: one._numbers() for name, one in (regularizer or {}).items()},
            "frozen": list(frozen),
            "adam": adam,
            "label_smoothing": 0.0,
            "average": None,
            "rewire": None,
        }

    def _check_ways(self, to_output: bool) -> None:
        """Refuses a network without a way from the input to the output; warns once of populations without a way in, or to
        the output."""
        pairs = [step["connect"] for step in self._built if "connect" in step]
        output = self._output.name
        reached = _reached([one.name for one in self._populations if one.model == "input"], pairs)
        if output not in reached:
            raise ValueError(
                f"there is no way from the input to {output!r}, the output: connect it, or say which population is the output with "
                "output=True (else it is the one that was added last)"
            )
        leading = _reached([output], [(target, source) for source, target in pairs])
        for one in self._populations:
            if one.name in self._told:
                continue
            if one.name not in reached:
                self._told.add(one.name)
                warn(f"no spike can reach {one.name!r}: there is no way to it from the input")
            elif to_output and one.name not in leading:
                self._told.add(one.name)
                warn(
                    f"{one.name!r} does not lead to {output!r}, the output, so that nothing in it is trained: connect it, or say "
                    "which population is the output with output=True (else it is the one that was added last)"
                )

    def _check(self, name: str, spikes: Spikes, *, labels: bool) -> None:
        """What the engine cannot say as well: names, and times beyond the trial."""
        self._engine.validate()
        self._check_ways(to_output=labels)
        if not isinstance(spikes, Spikes):
            way = "; ep.data.latency(x, trial=…) makes them of values from 0 to 1" if isinstance(spikes, (np.ndarray, list)) else ""
            if hasattr(spikes, "train"):
                way = ": give one of its parts, such as .train"
            raise TypeError(f"{name} is {type(spikes).__name__}; expected eventprop.Spikes{way}")
        if len(spikes) == 0:
            raise ValueError(f"{name} has no samples; expected at least one")
        if labels and not spikes.has_labels:
            raise ValueError(f"{name} has no labels; give Spikes(…, labels=[…])")
        # PERF: whole arrays are looked at for their largest number only, unless that one is wrong.
        last = spikes.times_ms.max(initial=0.0)
        if last >= self.trial:
            late = np.flatnonzero(spikes.times_ms >= self.trial)
            sample = int(np.searchsorted(spikes.offsets, late[0], side="right")) - 1
            raise ValueError(
                f"{name}: sample {sample} has a spike at {spikes.times_ms[late[0]]} ms, outside of the trial of "
                f"{self.trial} ms; times are in ms from the start of the trial: convert those in another unit, subtract what "
                f"a clock or a date adds, make the trial longer, or leave such spikes out with .crop({self.trial})"
            )
        if 0 < last < self.dt and np.ptp(spikes.times_ms) > 0:
            warn(
                f"{name}: all spikes come between {spikes.times_ms.min()} and {spikes.times_ms.max()} ms, within one step of "
                f"{self.dt} ms; times are in ms: multiply those in s by 1000"
            )
        inputs = next(p.size for p in self._populations if p.model == "input")
        outputs = self._output.size
        for what, values, size, of in (
            ("a spike of neuron", spikes.neurons, inputs, "input neurons"),
            ("the label", spikes.labels, outputs, "outputs"),
        ):
            if values.max(initial=0) >= size:
                at = int(np.flatnonzero(values >= size)[0])
                sample = at if values is spikes.labels else int(np.searchsorted(spikes.offsets, at, side="right")) - 1
                way = "; labels begin at 0: subtract 1" if of == "outputs" and values.min() == 1 and values.max() == size else ""
                raise ValueError(
                    f"{name}: sample {sample} has {what} {values[at]}, but there are {size} {of} (0 to {size - 1}){way}"
                )

    # Keeping

    def save(self, path: str | os.PathLike[str], *, training: bool = True) -> None:
        """Writes network and parameters to one file in the safetensors format.

        The description of the network is JSON in the header of the file, the parameters are float64
        tensors under their names. The file appears only when it is complete.

        Parameters
        ----------
        path
            The file.
        training
            Whether to keep what `fit` needs to go on, such as the moments of the optimiser. Without it the file has a third
            of the size.
        """
        from .. import files

        numbers, arrays = self._stored() if training else ({}, {})
        files.save(path, {**self.to_dict(), "training": numbers}, {**self.params, **arrays})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Reads what `save` wrote, or the network of a run of the program.

        A checkpoint of a run (`runs/…_checkpoint.safetensors`) gives the weights of the best epoch where it
        has them, else those of the last one, and the loss of the run. What is no part of a network, such as
        noise and the optimiser, stays behind.
        """
        from .. import files

        description, tensors = files.load(path)
        try:
            network = cls._with_params(description, tensors)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise ValueError(f"{os.fspath(path)} holds no network of eventprop: {error}") from None
        return network

    @classmethod
    def _with_params(cls, description: Mapping[str, Any], tensors: Mapping[str, Any]) -> Network:
        network = cls.from_dict(description)
        names = set(network.params)
        if not names <= set(tensors):
            raise ValueError(f"it has the tensors {sorted(tensors)}; its network needs {sorted(names)}")
        for name in names:
            network.params[name] = tensors[name].reshape(network.params.shape(name))
        network._restore(description.get("training", {}), {name: tensors[name] for name in set(tensors) - names})
        return network

    @classmethod
    def from_file(
        cls, path: str | os.PathLike[str], *, dt: float | None = None, trial: float | None = None, seed: int = 0
    ) -> Network:
        """A network from a file in TOML, as the program takes it (`NETWORK=FILE`) and `eventprop params BENCHMARK --network`
        prints it.

        Parameters
        ----------
        path
            The file. Populations of it have sizes; mistakes are errors with line, column and what is possible.
        dt, trial
            Step and length of a trial in ms, in place of those of the file.
        seed
            As for `Network`. Pairs and weights are those that the program draws under this `MODEL_SEED`.
        """
        seed = _arrays.whole("seed", seed, 0, 2**64 - 1)
        clock = [None if value is None else _arrays.number(name, value) for name, value in (("dt", dt), ("trial", trial))]
        description, tensors = _engine.read_network(os.fspath(path), clock[0], clock[1], seed)
        return cls._with_params(description, tensors)

    def to_file(self, path: str | os.PathLike[str]) -> None:
        """Writes the network to a file that `from_file` and the program take: populations, and projections with pairs,
        delays and initial weights. What training made of the parameters stays here: `save` keeps it."""
        from .. import files

        files.write_text(path, _engine.network_text(self._engine))

    def to_dict(self) -> dict[str, Any]:
        """The network without its parameters, in types that JSON knows."""
        spec = None if self._loss is None else self._loss._spec()
        return {
            "dt": self.dt,
            "trial": self.trial,
            "seed": self._seed,
            "loss": None if spec is None else {"name": spec[0], **spec[1]},
            "built": self._built,
        }

    @classmethod
    def from_dict(cls, description: Mapping[str, Any]) -> Network:
        """A network from what `to_dict` gave, with new initial parameters."""
        network = cls(description["dt"], description["trial"], description["seed"])
        for step in description["built"]:
            if "connect" in step:
                source, target = step["connect"]
                kinds = {"uniform": Uniform, "fan_in": FanIn, "normal": Normal}
                drawn = [kind(*step[key]) for key, kind in kinds.items() if step.get(key)]
                weight = drawn[0] if drawn else None
                pools = described_pools(step.get("via", ()))
                seen: tuple[int, ...] = network._find("source", source).shape
                for pool in pools:
                    seen = pool.output_shape(seen)
                shape = int(np.prod(seen)), network._find("target", target).size
                wiring = described_wiring(step.get("wiring"), shape)
                delay = described_delay(step["delay"])
                network.connect(source, target, weight, delay=delay, wiring=wiring, via=pools, port=step.get("port"))
            else:
                size = step.get("shape", step["size"])
                toml = step.get("toml", "")
                made = network._add(step["name"], size, step["add"], step["constants"], step["trainable"], toml=toml)
                if step.get("output"):
                    network._set_output(made)
        loss = description["loss"]
        if loss is not None:
            constants = {key: value for key, value in loss.items() if key != "name"}
            network._loss = losses.named(loss["name"], constants)
        return network

    @classmethod
    def from_nir(
        cls,
        source: Any,
        *,
        dt: float | None = None,
        trial: float | None = None,
        seed: int | None = None,
        time_unit: str | None = None,
        pulse: float | None = None,
        tau_syn: float | None = None,
    ) -> Network:
        """A network from a NIR file or graph; `nir_report` of it says what became of every node.

        Nodes that are computed: Input, Output, Linear, Affine, Conv1d, Conv2d, SumPool2d, AvgPool2d, Scale, Flatten, Delay,
        CubaLIF, CubaLI, LIF, IF, LI, I and nested graphs. Biases are constant currents. The population before the Output is the
        last one. Other nodes are refused by name.

        Parameters
        ----------
        source
            The path of a file, or a `nir.NIRGraph`.
        dt, trial, seed
            As for `Network`. NIR says none of them; files of `to_nir` keep them.
        time_unit
            Unit of the times in the graph: `"s"`, as NIR says, `"ms"`, or `"steps"` of `dt`. `None` for a guess, which
            `nir_report` tells: seconds where all time constants are below 1.
        pulse
            Length of a spike in ms, for graphs of tools whose spikes are 1 for a step of `dt` (snnTorch, Norse, Rockpool);
            `None` for spikes of area 1, as NIR says.
        tau_syn
            Time constant in ms of a synapse that LI nodes get; `None` for none, as NIR says.
        """
        from .. import nir

        options = {"dt": dt, "trial": trial, "pulse": pulse, "tau_syn": tau_syn}
        return nir.from_nir(cls, source, seed=seed, time_unit=time_unit, **options)

    def to_nir(
        self, path: str | os.PathLike[str] | None = None, *, pulse: float | None = None, time_unit: str = "s", profile: str = "spec"
    ) -> Any:
        """The network as a `nir.NIRGraph`, also written to a file where a path is given.

        LIF neurons are CubaLIF with w_in = τ_syn and r = 1, leaky integrators CubaLI, delays Delay
        nodes. Metadata keep what NIR does not say, so that `from_nir` gives the same network to the last bit.

        Parameters
        ----------
        path
            The file; it appears only when it is complete.
        pulse
            Step of the tool that shall read the graph, in ms, where its spikes are 1 for a step (Norse): w_in is then
            τ_syn / pulse. `None` for spikes of area 1, as NIR says.
        time_unit
            `"s"`, as NIR says, or `"ms"` for tools that read times so (jaxsnn, spyx).
        profile
            `"spec"`, or `"snntorch"` for a reader that takes nothing but steps of 0.1 ms and r = τ_mem / step: weights are then
            smaller by r, which changes their last digits. It reads feed-forward networks of LIF neurons, without Delay nodes.
        """
        from .. import nir

        return nir.to_nir(self, path, pulse, time_unit, profile)

    def __reduce__(self) -> tuple[Any, ...]:
        ready = len(self._populations) > 1 and self._output.model != "input"
        params = dict(self.params) if ready else {}
        return _restored, (self.to_dict(), params, self._uncalibrated, self._stored() if ready else ({}, {}))

    def __repr__(self) -> str:
        sizes = "-".join(str(population.size) for population in self._populations)
        return f"<Network {sizes or '(empty)'}: dt {self.dt} ms, trial {self.trial} ms>"


def _reached(start: list[str], pairs: Sequence[tuple[str, str]]) -> set[str]:
    """Populations to which connections lead."""
    reached, new = set(start), list(start)
    while new:
        at = new.pop()
        found = [target for source, target in pairs if source == at and target not in reached]
        reached.update(found)
        new += found
    return reached


def _restored(
    description: Mapping[str, Any],
    params: Mapping[str, npt.NDArray[np.float64]],
    uncalibrated: set[str],
    training: tuple[dict[str, Any], dict[str, npt.NDArray[np.float64]]],
) -> Network:
    network = Network.from_dict(description)
    for name, value in params.items():
        network.params[name] = value
    network._uncalibrated.update(uncalibrated)
    network._restore(*training)
    return network
