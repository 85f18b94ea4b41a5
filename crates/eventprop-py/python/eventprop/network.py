"""Networks: built in a few lines, evaluated, trained, saved."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from . import _arrays, _engine, loss as losses
from .loss import Loss, LossLike
from .regularize import Regularizer
from .spikes import Spikes

if TYPE_CHECKING:
    from .optim import SGD, Adam
    from .training import Epoch, History

__all__ = ["Evaluation", "Network", "Normal", "Params", "Population", "Readout"]

_LEAST = {"tau_mem": 3.0, "tau_syn": 1.0, "tau_b": 1.0, "b_incr": 0.0}
_SIZE_MOST = 2**31

Trainable = Union[Sequence[str], Mapping[str, float]]
Regularizers = Union[Regularizer, Mapping[str, Regularizer], None]


@dataclass(frozen=True)
class Normal:
    """Initial weights drawn independently from a normal distribution, under the seed of the network."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Population:
    """A population of a network, as `Network.connect` takes it."""

    name: str
    size: int
    model: str
    """`"input"`, `"lif"`, `"alif"` or `"li"`."""
    index: int = field(repr=False)
    _owner: int = field(repr=False, compare=False)


@dataclass(frozen=True)
class Readout:
    """What the loss saw of the outputs; what it did not look at is `None`.

    On the grid the nodes are the starts of the steps, and V has one more row, the end of the last
    step. Between events they are quadrature points, which differ from sample to sample: V, times and
    widths are then lists with one array per sample.
    """

    V: Any = None
    """Output voltages, [samples, steps + 1, outputs] on the grid; a list of [nodes, outputs] between events."""
    times_ms: Any = None
    """Times of the nodes in ms, [steps]; a list of [nodes] between events."""
    widths_ms: Any = None
    """Widths of the nodes in ms, in the shape of `times_ms`."""
    V_max: Any = None
    """Maxima of the output voltages, [samples, outputs]."""
    V_max_ms: Any = None
    """Times of the maxima in ms, [samples, outputs]."""
    first_spikes_ms: Any = None
    """Times of the first output spikes in ms, infinite where there is none, [samples, outputs]."""


@dataclass(frozen=True)
class Evaluation:
    """What `Network.evaluate` saw of a batch. B is the number of samples, T that of steps."""

    loss: float
    """Mean loss of the samples."""
    losses: npt.NDArray[np.float64]
    """Losses of the samples, [B]."""
    predictions: npt.NDArray[np.int64]
    """Predicted classes, [B]; −1 where no output spiked."""
    labels: npt.NDArray[np.uint32]
    """Classes, [B]."""
    accuracy: float
    """Share of right predictions, 0 to 1."""
    readout: Readout
    """What the loss saw."""
    spikes: dict[str, Spikes]
    """Spikes of every population."""
    drives: dict[str, npt.NDArray[Any]]
    """Drives J = I − V just before the spikes, parallel to `spikes[name].times_ms`; none for the input."""
    grazing: dict[str, int]
    """Per population, the number of spikes that only grazed the threshold: their gradient is large."""
    gradients: dict[str, npt.NDArray[Any]]
    """Derivatives of the mean loss: weights [source, target], constants [size]. Empty without `gradient`."""
    records: dict[str, npt.NDArray[Any]]
    """What was recorded, [B, T, size]: V, I and B at the end of each step, λ at its start."""
    dt: float
    """Length of a step in ms."""


class Params(MutableMapping[str, npt.NDArray[np.float64]]):
    """The parameters of a network by name: weights such as `"in->hid"`, constants such as `"hid.tau_mem"`.

    Reading gives a copy in float64; assigning checks shape and values.
    """

    def __init__(self, network: _engine.Network) -> None:
        self._network = network

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        found = self._network.param(name) if isinstance(name, str) else None
        if found is None:
            raise KeyError(f"there is no parameter {name!r}; there are {', '.join(self)}")
        return found

    def __setitem__(self, name: str, value: Any) -> None:
        shape = self[name].shape
        self._network.set_param(name, _arrays.floats(name, value, shape).reshape(-1))

    def __delitem__(self, name: str) -> None:
        raise TypeError("a parameter cannot be deleted; it belongs to the network")

    def __iter__(self) -> Iterator[str]:
        return iter(self._network.param_names())

    def __len__(self) -> int:
        return len(self._network.param_names())

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name!r}: {list(value.shape)}" for name, value in self.items())
        return f"<Params {{{shapes}}}>"


class Network:
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

    def __init__(self, dt: float, trial: float, seed: int = 0) -> None:
        self._seed = _arrays.whole("seed", seed, 0, 2**64 - 1)
        self._engine = _engine.Network(_arrays.number("dt", dt), _arrays.number("trial", trial), self._seed)
        self._populations: list[Population] = []
        self._built: list[dict[str, Any]] = []
        self._loss: Loss | None = None

    # Building

    def add_input(self, name: str, size: int) -> Population:
        """Adds the input: `size` channels that emit the spikes of a sample."""
        return self._add(name, size, "input", {}, ())

    def add_lif(
        self,
        name: str,
        size: int,
        *,
        tau_mem: Any = 20.0,
        tau_syn: Any = 5.0,
        v_thresh: Any = 1.0,
        v_reset: Any = 0.0,
        trainable: Trainable = (),
    ) -> Population:
        """Adds leaky integrate-and-fire neurons. Every constant is a number, or an array [size].

        Parameters
        ----------
        tau_mem, tau_syn
            Time constants of membrane and synapse in ms.
        v_thresh
            Threshold, above 0.
        v_reset
            Membrane potential after a spike and at the start of a trial, below the threshold.
        trainable
            Names of constants that become parameters, one value per neuron (`"tau_mem"`, `"tau_syn"`),
            or a mapping from names to the smallest values that training may give them.
        """
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_thresh": v_thresh, "v_reset": v_reset}
        return self._add(name, size, "lif", constants, trainable)

    def add_alif(
        self,
        name: str,
        size: int,
        *,
        tau_mem: Any = 20.0,
        tau_syn: Any = 5.0,
        v_thresh: Any = 1.0,
        v_reset: Any = 0.0,
        tau_b: Any = 100.0,
        b_incr: Any = 0.1,
        b_init: Any = 0.0,
        trainable: Trainable = (),
    ) -> Population:
        """Adds LIF neurons whose threshold adapts. Every constant is a number, or an array [size].

        Parameters
        ----------
        tau_mem, tau_syn, v_thresh, v_reset
            As for `add_lif`.
        tau_b
            Time constant in ms with which the threshold relaxes.
        b_incr
            What a spike adds to the threshold, at least 0.
        b_init
            How far the threshold lies above `v_thresh` at the start of a trial, at least 0.
        trainable
            As for `add_lif`; also `"tau_b"` and `"b_incr"`.
        """
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_thresh": v_thresh, "v_reset": v_reset}
        constants.update(tau_b=tau_b, b_incr=b_incr, b_init=b_init)
        return self._add(name, size, "alif", constants, trainable)

    def add_li(
        self,
        name: str,
        size: int,
        *,
        tau_mem: Any = 20.0,
        tau_syn: Any = 5.0,
        v_init: Any = 0.0,
        trainable: Trainable = (),
    ) -> Population:
        """Adds leaky integrators, which never spike. Every constant is a number, or an array [size].

        Parameters
        ----------
        tau_mem, tau_syn
            Time constants of membrane and synapse in ms.
        v_init
            Membrane potential at the start of a trial.
        trainable
            As for `add_lif`.
        """
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_init": v_init}
        return self._add(name, size, "li", constants, trainable)

    def _add(
        self, name: str, size: int, model: str, constants: Mapping[str, Any], trainable: Trainable
    ) -> Population:
        if not isinstance(name, str) or not name:
            raise TypeError(f"name is {name!r}; expected text")
        size = _arrays.whole("size", size, 1, _SIZE_MOST)
        numbers: dict[str, float | npt.NDArray[np.float64]] = {}
        for key, value in constants.items():
            found = _arrays.floats(f"{key} of {name!r}", value)
            if found.ndim:
                _arrays.check_shape(f"{key} of {name!r}", found.shape, (size,))
            numbers[key] = found if found.ndim else float(found)
        if isinstance(trainable, str):
            trainable = [trainable]
        trained = dict(trainable) if isinstance(trainable, Mapping) else {key: _LEAST.get(key, 0.0) for key in trainable}
        for key in trained:
            if key not in _LEAST or key not in numbers:
                known = ", ".join(key for key in numbers if key in _LEAST)
                raise ValueError(f"{name!r} has no constant {key!r} to train; it has {known or 'none'}")
        index = self._engine.add(name, "lif" if model == "alif" else model, size, numbers)
        for key, least in trained.items():
            self._engine.train_constant(index, key, _arrays.number(f"least {key}", least))
        lists = {key: value if isinstance(value, float) else value.tolist() for key, value in numbers.items()}
        self._built.append({"add": model, "name": name, "size": size, "constants": lists, "trainable": trained})
        population = Population(name, size, model, index, id(self))
        self._populations.append(population)
        return population

    def connect(
        self, source: Population | str, target: Population | str, weight: Any, *, delay: float = 0.0
    ) -> str:
        """Connects every neuron of `source` to every neuron of `target`.

        Parameters
        ----------
        source, target
            Populations, or their names. Both may be the same: a recurrent projection.
        weight
            An array [source, target], or `Normal(mean, sd)`.
        delay
            Extra time in ms between a spike and its arrival. The event solver waits exactly this long,
            the grid solvers 1 + round(delay / dt) steps.

        Returns
        -------
        The name of the projection, such as `"in->hid"`.
        """
        ends = [self._find("source", source), self._find("target", target)]
        delay = _arrays.number("delay", delay)
        shape = (ends[0].size, ends[1].size)
        values, normal = None, (0.0, 0.0)
        if isinstance(weight, Normal):
            normal = (_arrays.number("mean", weight.mean), _arrays.number("sd", weight.sd))
        else:
            values = _arrays.floats(f"weight of {ends[0].name}->{ends[1].name}", weight, shape)
        name = self._engine.connect((ends[0].index, ends[1].index), values, normal, delay)
        self._built.append(
            {"connect": [ends[0].name, ends[1].name], "normal": list(normal), "delay": delay}
        )
        return name

    def _find(self, what: str, population: Population | str) -> Population:
        if isinstance(population, Population):
            if population._owner == id(self):
                return population
            raise ValueError(f"{what} is population {population.name!r} of another network")
        for known in self._populations:
            if known.name == population:
                return known
        names = ", ".join(repr(known.name) for known in self._populations)
        raise ValueError(f"{what} is {population!r}; expected a population of this network: {names or 'it has none yet'}")

    # Looking

    @property
    def dt(self) -> float:
        """Step of the grid solvers in ms."""
        return self._engine.clock()[0]

    @property
    def steps(self) -> int:
        """Number of steps of a trial."""
        return self._engine.clock()[1]

    @property
    def trial(self) -> float:
        """Length of a trial in ms."""
        return self._engine.clock()[2]

    @property
    def seed(self) -> int:
        """Seed of initial weights and of the order of samples."""
        return self._seed

    @property
    def populations(self) -> list[Population]:
        """The populations in the order in which they were added; the last one is the output."""
        return list(self._populations)

    @property
    def params(self) -> Params:
        """The parameters by name; see `Params`."""
        self._engine.validate()
        return Params(self._engine)

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
            `"sum"`, or `"first_spike"` where the outputs are LIF neurons.
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
            `"exact"`, or `"reference"` for the scale of the reference code's gradients.
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
            readout=_readout(seen["readout"], solver),
            spikes=spikes,
            drives={name: arrays[3] for name, arrays in seen["spikes"].items() if name in hidden},
            grazing=seen["grazing"],
            gradients=seen["gradients"],
            records=seen["records"],
            dt=self.dt,
        )

    def predict(self, spikes: Spikes, *, loss: LossLike | None = None, solver: str = "grid", batch_size: int = 256) -> npt.NDArray[np.int64]:
        """Predicted classes, int64 [samples]; −1 where no output spiked. Labels are not needed.

        `loss` says how a class is read off the outputs; see `evaluate`.
        """
        return self._tested(spikes, loss, solver, batch_size, labels=False)[1]

    def score(self, spikes: Spikes, *, loss: LossLike | None = None, solver: str = "grid", batch_size: int = 256) -> float:
        """Share of right predictions, 0 to 1."""
        predictions = self._tested(spikes, loss, solver, batch_size, labels=True)[1]
        return float(np.mean(predictions == spikes.labels))

    def _tested(
        self, spikes: Spikes, loss: LossLike | None, solver: str, batch_size: int, *, labels: bool
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        from .training import tested

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
        optimizer: Adam | SGD | None = None,
        loss: LossLike | None = None,
        regularizer: Regularizers = None,
        solver: str = "grid",
        loss_scale: str = "exact",
        grazing: str = "keep",
        freeze: Iterable[str] = (),
        shuffle: bool = True,
        callbacks: Iterable[Callable[[Epoch], Any]] = (),
        progress: bool | None = None,
    ) -> History:
        """Trains the parameters.

        Parameters
        ----------
        train, validation
            Samples with labels. The validation part is looked at after every epoch and changes
            nothing.
        epochs, batch_size
            Number of epochs, and of samples in a batch; the last batch of an epoch may be smaller.
        optimizer
            `Adam` or `SGD`; Adam with its defaults if `None`.
        loss, regularizer, solver, loss_scale, grazing
            As for `evaluate`. The loss becomes the one that `evaluate`, `predict` and `score` use.
        freeze
            Names of parameters that stay as they are.
        shuffle
            Whether every epoch shows the samples in an order of its own, drawn under the network's
            seed.
        callbacks
            Called after every epoch with an `Epoch`; the network has the parameters of that moment. If
            one returns `True`, training ends.
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
        from .optim import Adam
        from .training import Course, trained

        self._check("train", train, labels=True)
        if validation is not None:
            self._check("validation", validation, labels=True)
        optimizer = Adam() if optimizer is None else optimizer
        chosen = self._chosen(loss)
        frozen = [freeze] if isinstance(freeze, str) else list(freeze)
        request = self._request(chosen, optimizer._adam(), regularizer, loss_scale, grazing, frozen)
        course = Course(
            network=self,
            session=_engine.Session(self._engine, solver, request),
            epochs=_arrays.whole("epochs", epochs, 0),
            batch_size=_arrays.whole("batch_size", batch_size, 1),
            eta=optimizer.eta,
            shuffle=bool(shuffle),
            callbacks=list(callbacks),
            progress=progress,
        )
        self._loss = chosen
        return trained(course, train, validation)

    def _chosen(self, loss: LossLike | None) -> Loss:
        self._engine.validate()
        if loss is not None:
            return losses.as_loss(loss)
        if self._loss is not None:
            return self._loss
        spiking = self._populations[-1].model in ("lif", "alif")
        return losses.FirstSpike() if spiking else losses.Sum()

    def _request(
        self,
        loss: Loss,
        adam: tuple[float, float, float, float | None] | None,
        regularizer: Regularizers,
        loss_scale: str,
        grazing: str,
        frozen: Sequence[str],
    ) -> dict[str, Any]:
        """The arrangement as the compiled part takes it."""
        if isinstance(regularizer, Regularizer):
            hidden = [p.name for p in self._populations[:-1] if p.model in ("lif", "alif")]
            regularizer = {name: regularizer for name in hidden}
        return {
            "loss": loss._spec(),
            "loss_scale": loss_scale,
            "grazing": grazing,
            "regularizers": {name: one._numbers() for name, one in (regularizer or {}).items()},
            "frozen": list(frozen),
            "adam": adam,
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
                f"{self.trial} ms; make the trial longer, or leave such spikes out with .crop({self.trial})"
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
        from . import files

        files.save(path, self.to_dict(), dict(self.params))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Network:
        """Reads what `save` wrote."""
        from . import files

        description, tensors = files.load(path)
        try:
            network = cls.from_dict(description)
            names = set(network.params)
            if names != set(tensors):
                raise ValueError(f"it has the tensors {sorted(tensors)}; its network needs {sorted(names)}")
            for name, value in tensors.items():
                network.params[name] = value
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
                network.connect(source, target, Normal(*step["normal"]), delay=step["delay"])
            else:
                network._add(step["name"], step["size"], step["add"], step["constants"], step["trainable"])
        loss = description["loss"]
        if loss is not None:
            constants = {key: value for key, value in loss.items() if key != "name"}
            network._loss = losses.named(loss["name"], constants)
        return network

    def __reduce__(self) -> tuple[Any, ...]:
        ready = len(self._populations) > 1 and self._populations[-1].model != "input"
        return _restored, (self.to_dict(), dict(self.params) if ready else {})

    def __repr__(self) -> str:
        sizes = "-".join(str(population.size) for population in self._populations)
        return f"<Network {sizes or '(empty)'}: dt {self.dt} ms, trial {self.trial} ms>"


def _restored(description: Mapping[str, Any], params: Mapping[str, npt.NDArray[np.float64]]) -> Network:
    network = Network.from_dict(description)
    for name, value in params.items():
        network.params[name] = value
    return network


def _readout(samples: list[dict[str, Any]], solver: str) -> Readout:
    """One readout of many."""
    parts: dict[str, Any] = {}
    for key in samples[0]:
        values = [sample[key] for sample in samples]
        if key in ("times_ms", "widths_ms") and solver != "event":
            parts[key] = values[0]
        elif key in ("V", "times_ms", "widths_ms") and solver == "event":
            parts[key] = values
        else:
            parts[key] = np.stack(values)
    return Readout(**parts)
