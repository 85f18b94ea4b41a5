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
from ..regularize import Regularizer
from .._warning import warn
from ..spikes import Spikes
from .building import Builder, Delay, Normal, OneToOne, Population, Sparse, Uniform, described_delay, described_wiring
from .evaluation import Evaluation, Readout, one_readout
from .params import Params
from .run import Gradients, Run

if TYPE_CHECKING:
    from ..nir import NirReport
    from ..optim import SGD, Adam
    from ..training import Epoch, History

__all__ = [
    "Delay",
    "Evaluation",
    "Gradients",
    "Network",
    "Normal",
    "OneToOne",
    "Params",
    "Population",
    "Readout",
    "Run",
    "Sparse",
    "Uniform",
]

_CALIBRATE = 128
"""Samples of a training on which weights are calibrated."""

Regularizers = Union[Regularizer, Mapping[str, Regularizer], None]


class Network(Builder):
    """Populations of neurons and projections between them, with their parameters.

    Exactly one input is needed; the population that is added last is the output. Any graph is
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
        self._updater: tuple[Adam | SGD, _engine.Updater] | None = None

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
        self._check("batch", batch, labels=False)
        self._engine.validate()
        return Run(self, batch, solver, observe)

    def update(self, gradients: Mapping[str, Any], optimizer: Adam | SGD, *, eta: float | None = None) -> None:
        """One step of an optimiser along gradients, from `Run.backward` or anywhere else; trained constants keep their bounds.

        Parameters
        ----------
        gradients
            The gradient of every parameter, under its name.
        optimizer
            `Adam` or `SGD`. Its moments stay with the network as long as the optimiser and the parameters' names are the
            same; another optimiser begins anew.
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
        found = {name: _arrays.floats(f"gradients[{name!r}]", gradients[name], self.params[name].shape) for name in names}
        flat = {name: value.reshape(-1) for name, value in found.items()}
        kept = self._updater
        if kept is None or kept[0] != optimizer or not kept[1].fits(self._engine):
            kept = (optimizer, _engine.Updater(self._engine, optimizer._adam()))
        kept[1].step(self._engine, flat, rate)
        self._updater = kept

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
        batch_size: int = 32,
        optimizer: Adam | SGD | str | None = None,
        loss: LossLike | None = None,
        regularizer: Regularizers = None,
        solver: str = "grid",
        loss_scale: str = "exact",
        grazing: str = "keep",
        freeze: Iterable[str] = (),
        label_smoothing: float = 0.0,
        average_epochs: float = 0.0,
        shuffle: bool = True,
        callbacks: Iterable[Callable[[Epoch], Any]] = (),
        progress: bool | None = None,
    ) -> History:
        """Trains the parameters. Projections that were connected without weights are calibrated first, on up to 128 of
        the training samples (see `calibrate`).

        Parameters
        ----------
        train, validation
            Labelled samples. The validation set is evaluated after every epoch and does not affect
            training.
        epochs, batch_size
            Number of epochs, and of samples in a batch; the last batch of an epoch may be smaller.
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
        shuffle
            Whether to reshuffle the samples in every epoch, under the network's seed.
        callbacks
            Called after every epoch with an `Epoch`; the network has the parameters of that moment. If
            one returns `True`, training ends. See `EarlyStopping` and `Checkpoint`. One with a method `end` has that
            called with the network at the end.
        progress
            Whether to show a bar; `None` for only in a terminal or notebook.

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
        """
        from ..callbacks import ReduceOnPlateau
        from ..optim import chosen_optimizer
        from ..training import Course, trained

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
        batch_size = _arrays.whole("batch_size", batch_size, 1)
        average_epochs = _arrays.number("average_epochs", average_epochs)
        if average_epochs < 0:
            raise ValueError(f"average_epochs is {average_epochs}; expected a number of at least 0")
        request["label_smoothing"] = _arrays.number("label_smoothing", label_smoothing)
        if average_epochs > 0:
            request["average"] = average_epochs * -(-len(train) // batch_size)
        course = Course(
            network=self,
            session=_engine.Session(self._engine, solver, request),
            epochs=_arrays.whole("epochs", epochs, 0),
            batch_size=batch_size,
            optimizer=optimizer,
            shuffle=bool(shuffle),
            callbacks=[*callbacks, *([optimizer.eta.see] if isinstance(optimizer.eta, ReduceOnPlateau) else [])],
            progress=progress,
        )
        self._loss = chosen
        return trained(course, train, validation)

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
            Spikes per neuron and trial; `None` for one in two membrane time constants, but at least one.
        solver
            As for `evaluate`.

        Returns
        -------
        Spikes per neuron and trial of each population that was calibrated. A population with less than a quarter of what
        was asked for is warned of.
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
            if reached < asked / 4:
                warn(
                    f"the population {name!r} has {reached:.2g} spikes per neuron and trial after calibration, and {silent} "
                    f"silent neurons; {asked:.2g} spikes were asked for. Its input may have too few spikes"
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
        spiking = self._engine.spikes(self._populations[-1].index)
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
            hidden = [p.name for p in self._populations[:-1] if self._engine.spikes(p.index)]
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
        }

    def _check(self, name: str, spikes: Spikes, *, labels: bool) -> None:
        """What the engine cannot say as well: names, and times beyond the trial."""
        if not isinstance(spikes, Spikes):
            raise TypeError(f"{name} is {type(spikes).__name__}; expected eventprop.Spikes")
        if len(spikes) == 0:
            raise ValueError(f"{name} has no samples; expected at least one")
        if labels and not spikes.has_labels:
            raise ValueError(f"{name} has no labels; give Spikes(…, labels=[…])")
        late = np.flatnonzero(spikes.times_ms >= self.trial)
        if late.size:
            sample = int(np.searchsorted(spikes.offsets, late[0], side="right")) - 1
            raise ValueError(
                f"{name}: sample {sample} has a spike at {spikes.times_ms[late[0]]} ms, outside of the trial of "
                f"{self.trial} ms; times are in ms from the start of the trial: convert those in another unit, subtract what "
                f"a clock or a date adds, make the trial longer, or leave such spikes out with .crop({self.trial})"
            )
        if len(spikes.times_ms) and 0 < spikes.times_ms.max() < self.dt and np.ptp(spikes.times_ms) > 0:
            warn(
                f"{name}: all spikes come between {spikes.times_ms.min()} and {spikes.times_ms.max()} ms, within one step of "
                f"{self.dt} ms; times are in ms: multiply those in s by 1000"
            )
        inputs = next(p.size for p in self._populations if p.model == "input")
        outputs = self._populations[-1].size
        for what, values, size, of in (
            ("a spike of neuron", spikes.neurons, inputs, "input neurons"),
            ("the label", spikes.labels, outputs, "outputs"),
        ):
            beyond = np.flatnonzero(values >= size)
            if beyond.size:
                at = int(beyond[0])
                sample = at if values is spikes.labels else int(np.searchsorted(spikes.offsets, at, side="right")) - 1
                raise ValueError(
                    f"{name}: sample {sample} has {what} {values[at]}, but there are {size} {of} (0 to {size - 1})"
                )

    # Keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes network and parameters to one file in the safetensors format.

        The description of the network is JSON in the header of the file, the parameters are float64
        tensors under their names. The file appears only when it is complete.
        """
        from .. import files

        files.save(path, self.to_dict(), dict(self.params))

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
            network = cls.from_dict(description)
            names = set(network.params)
            if names != set(tensors):
                raise ValueError(f"it has the tensors {sorted(tensors)}; its network needs {sorted(names)}")
            for name, value in tensors.items():
                network.params[name] = value.reshape(network.params[name].shape)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"{os.fspath(path)} holds no network of eventprop: {error}") from None
        return network

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
                weight = Uniform(*step["uniform"]) if "uniform" in step else step["normal"] and Normal(*step["normal"])
                shape = network._find("source", source).size, network._find("target", target).size
                wiring = described_wiring(step.get("wiring"), shape)
                network.connect(source, target, weight, delay=described_delay(step["delay"]), wiring=wiring)
            else:
                network._add(step["name"], step["size"], step["add"], step["constants"], step["trainable"])
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

        Nodes that are computed: Input, Output, Linear, Affine without bias, Scale, Flatten, Delay with one value, CubaLIF,
        CubaLI and nested graphs. The population before the Output is the last one. Other nodes are refused by name.

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
            Time constant in ms of the synapse that LI nodes get; theirs have none, and without this they are refused.
        """
        from .. import nir

        options = {"dt": dt, "trial": trial, "pulse": pulse, "tau_syn": tau_syn}
        return nir.from_nir(cls, source, seed=seed, time_unit=time_unit, **options)

    def to_nir(self, path: str | os.PathLike[str] | None = None, *, pulse: float | None = None) -> Any:
        """The network as a `nir.NIRGraph`, also written to a file where a path is given.

        Times are in seconds. LIF neurons are CubaLIF with w_in = τ_syn and r = 1, leaky integrators CubaLI, delays Delay
        nodes. Metadata keep what NIR does not say, so that `from_nir` gives the same network to the last bit.

        Parameters
        ----------
        path
            The file; it appears only when it is complete.
        pulse
            Step of the tool that shall read the graph, in ms, where its spikes are 1 for a step (Norse): w_in is then
            τ_syn / pulse. `None` for spikes of area 1, as NIR says.
        """
        from .. import nir

        return nir.to_nir(self, path, pulse)

    def __reduce__(self) -> tuple[Any, ...]:
        ready = len(self._populations) > 1 and self._populations[-1].model != "input"
        return _restored, (self.to_dict(), dict(self.params) if ready else {}, self._uncalibrated)

    def __repr__(self) -> str:
        sizes = "-".join(str(population.size) for population in self._populations)
        return f"<Network {sizes or '(empty)'}: dt {self.dt} ms, trial {self.trial} ms>"


def _restored(
    description: Mapping[str, Any], params: Mapping[str, npt.NDArray[np.float64]], uncalibrated: set[str]
) -> Network:
    network = Network.from_dict(description)
    for name, value in params.items():
        network.params[name] = value
    network._uncalibrated.update(uncalibrated)
    return network
