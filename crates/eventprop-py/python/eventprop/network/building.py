"""Populations and projections, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine

__all__ = ["Builder", "Delay", "Normal", "OneToOne", "Population", "Sparse", "Uniform", "described_delay", "described_wiring"]

_LEAST = {"tau_mem": 3.0, "tau_syn": 1.0, "tau_b": 1.0, "b_incr": 0.0}
_WEIGHTS_MOST = 2**31

Trainable = Union[Sequence[str], Mapping[str, float]]


@dataclass(frozen=True)
class Normal:
    """Initial weights drawn independently from a normal distribution, under the seed of the network."""

    mean: float
    sd: float


@dataclass(frozen=True)
class Uniform:
    """Initial weights or delays drawn independently from an interval, in which all numbers are equally likely."""

    low: float
    high: float


@dataclass(frozen=True)
class Delay:
    """Delays that differ from synapse to synapse, or that are trained.

    They are parameters, such as `net.params["in->hid.delay"]`, in ms; training keeps them between 0 and `most`.

    Parameters
    ----------
    init
        Initial delays in ms: a number, an array, `Uniform(low, high)` or `Normal(mean, sd)`; draws beyond a bound lie
        on it.
    most
        The longest delay in ms, below the length of the trial; `None` for a fifth of the trial, or the longest of `init`
        if that is longer.
    by
        The synapses that share a delay: those of one `"source"` (axonal), of one `"target"` (dendritic), of one
        `"synapse"`, or all of the `"projection"`.
    trainable
        Whether training changes them.
    """

    init: Any = 0.0
    most: float | None = None
    by: str = "synapse"
    trainable: bool = True

    def _spec(
        self, projection: str, shape: tuple[int, int], weights: tuple[int, ...], trial: float
    ) -> tuple[str, Any, float, bool]:
        """As the compiled part takes it."""
        shapes = {"projection": (1,), "source": shape[:1], "target": shape[1:], "synapse": weights}
        if self.by not in shapes:
            raise ValueError(f"delay of {projection}: by is {self.by!r}; expected one of {', '.join(map(repr, shapes))}")
        init, longest = self.init, 0.0
        if isinstance(init, (Normal, Uniform)):
            found: Any = _draw(f"delay of {projection}", init)
            longest = found[2] if isinstance(init, Uniform) else found[1]
        elif np.ndim(init) == 0:
            longest = _arrays.number(f"delay of {projection}", init)
            found = ("normal", longest, 0.0)
        else:
            found = _arrays.floats(f"delay of {projection}", init, shapes[self.by]).reshape(-1)
            longest = float(found.max(initial=0.0))
        most = max(longest, trial / 5) if self.most is None else _arrays.number(f"most of the delay of {projection}", self.most)
        return self.by, found, most, bool(self.trainable)

    def _described(self, most: float) -> dict[str, Any]:
        """In types that JSON knows; given values stand among the parameters."""
        if isinstance(self.init, Normal):
            init: Any = {"normal": [float(self.init.mean), float(self.init.sd)]}
        elif isinstance(self.init, Uniform):
            init = {"uniform": [float(self.init.low), float(self.init.high)]}
        else:
            init = float(self.init) if np.ndim(self.init) == 0 else 0.0
        return {"init": init, "most": most, "by": self.by, "trainable": bool(self.trainable)}


@dataclass(frozen=True)
class OneToOne:
    """Every neuron is connected with the one of the same number, in a population of the same size: weights [neuron]."""


@dataclass(frozen=True, eq=False)
class Sparse:
    """A part of all pairs of neurons is connected: weights [synapse], source by source and by target within each.

    `Network.synapses` gives the source and the target of every synapse.

    Parameters
    ----------
    mask
        The pairs that are connected: a boolean array [source, target], or a matrix of SciPy, whose entries other than
        zero count.
    probability
        Instead of a mask: every pair is connected with this probability, drawn under the seed of the network.
    fan_in
        Instead of a mask: every target has this many sources, drawn under the seed of the network.
    """

    mask: Any = None
    probability: float | None = None
    fan_in: int | None = None

    def __post_init__(self) -> None:
        given = [key for key in ("mask", "probability", "fan_in") if getattr(self, key) is not None]
        if len(given) != 1:
            raise ValueError(f"Sparse has {', '.join(given) or 'nothing'}; expected one of mask, probability and fan_in")

    def _pairs(self, engine: _engine.Network, ends: tuple[int, int], what: str, shape: tuple[int, int]) -> tuple[Any, Any]:
        if self.probability is not None:
            return engine.draw_pairs(ends, "probability", _arrays.number(f"probability of {what}", self.probability))
        if self.fan_in is not None:
            return engine.draw_pairs(ends, "fan_in", _arrays.whole(f"fan_in of {what}", self.fan_in, 1))
        mask = self.mask if hasattr(self.mask, "nonzero") else np.asarray(self.mask)
        _arrays.check_shape(f"mask of {what}", tuple(mask.shape), shape)
        rows, columns = (np.asarray(found, dtype=np.int64) for found in mask.nonzero())
        order = np.lexsort((columns, rows))
        return rows[order], columns[order]

    def _described(self, pairs: tuple[Any, Any]) -> dict[str, Any]:
        """In types that JSON knows."""
        if self.probability is not None:
            return {"probability": float(self.probability)}
        if self.fan_in is not None:
            return {"fan_in": int(self.fan_in)}
        return {"sources": pairs[0].tolist(), "targets": pairs[1].tolist()}


def described_wiring(wiring: Any, shape: tuple[int, int]) -> Any:
    """A wiring from its description."""
    if not isinstance(wiring, Mapping):
        return OneToOne() if wiring == "one_to_one" else None
    if "sources" not in wiring:
        return Sparse(**wiring)
    mask = np.zeros(shape, dtype=bool)
    mask[wiring["sources"], wiring["targets"]] = True
    return Sparse(mask)


def described_delay(delay: Any) -> Any:
    """A delay from its description."""
    if not isinstance(delay, Mapping):
        return delay
    init = delay["init"]
    if isinstance(init, Mapping):
        init = Normal(*init["normal"]) if "normal" in init else Uniform(*init["uniform"])
    return Delay(init, delay["most"], delay["by"], delay["trainable"])


def _draw(what: str, init: Normal | Uniform) -> tuple[str, float, float]:
    if isinstance(init, Normal):
        return "normal", _arrays.number(f"mean of the {what}", init.mean), _arrays.number(f"sd of the {what}", init.sd)
    return "uniform", _arrays.number(f"low of the {what}", init.low), _arrays.number(f"high of the {what}", init.high)


@dataclass(frozen=True)
class Population:
    """A population of a network, as `Network.connect` takes it."""

    name: str
    size: int
    model: str
    """`"input"`, `"lif"`, `"alif"` or `"li"`."""
    index: int = field(repr=False)
    _owner: int = field(repr=False, compare=False)


class Builder:
    """A network as far as it is built: populations are added and connected."""

    def __init__(self, dt: float, trial: float, seed: int = 0) -> None:
        self._seed = _arrays.whole("seed", seed, 0, 2**64 - 1)
        self._engine = _engine.Network(_arrays.number("dt", dt), _arrays.number("trial", trial), self._seed)
        self._populations: list[Population] = []
        self._built: list[dict[str, Any]] = []
        self._uncalibrated: set[str] = set()

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
        size = _arrays.whole("size", size, 1, _WEIGHTS_MOST)
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
        index = self._engine.add(name, model, size, numbers)
        for key, least in trained.items():
            self._engine.train_constant(index, key, _arrays.number(f"least {key}", least))
        lists = {key: value if isinstance(value, float) else value.tolist() for key, value in numbers.items()}
        self._built.append({"add": model, "name": name, "size": size, "constants": lists, "trainable": trained})
        population = Population(name, size, model, index, id(self))
        self._populations.append(population)
        return population

    def connect(
        self,
        source: Population | str,
        target: Population | str,
        weight: Any = None,
        *,
        delay: float | Delay = 0.0,
        wiring: OneToOne | Sparse | None = None,
    ) -> str:
        """Connects the neurons of `source` to those of `target`.

        Parameters
        ----------
        source, target
            Populations, or their names. Both may be the same: a recurrent projection.
        weight
            An array [source, target], or in the shape of the weights of the wiring; `Normal(mean, sd)` or
            `Uniform(low, high)`. Without it the weights are drawn, and the first `fit`
            or `calibrate` gives them the size that the data need.
        delay
            Extra time in ms between a spike and its arrival: a number, or a `Delay` for delays that differ or are
            trained. The event solver waits exactly this long, the grid solvers 1 + round(delay / dt) steps.
        wiring
            `Sparse(…)` or `OneToOne()`; `None` connects every neuron of `source` to every neuron of `target`.

        Returns
        -------
        The name of the projection, such as `"in->hid"`.
        """
        ends = [self._find("source", source), self._find("target", target)]
        shape = (ends[0].size, ends[1].size)
        projection = f"{ends[0].name}->{ends[1].name}"
        step: dict[str, Any] = {"connect": [ends[0].name, ends[1].name]}
        weights: tuple[int, ...] = shape
        wired: Any = "dense"
        if isinstance(wiring, OneToOne):
            step["wiring"] = wired = "one_to_one"
            weights = shape[:1]
        elif isinstance(wiring, Sparse):
            wired = wiring._pairs(self._engine, (ends[0].index, ends[1].index), projection, shape)
            step["wiring"] = wiring._described(wired)
            weights = (len(wired[0]),)
        elif wiring is not None:
            raise TypeError(f"wiring of {projection} is {wiring!r}; expected Sparse(…), OneToOne() or None")
        elif shape[0] * shape[1] > _WEIGHTS_MOST:
            raise ValueError(f"a projection of {shape[0]} × {shape[1]} weights is too large; expected at most {_WEIGHTS_MOST}")
        fan_in = max(np.prod(weights) / shape[1], 1.0)
        initial: Any
        if weight is None:
            forward = ends[0].index < ends[1].index
            initial = ("normal", float(forward / fan_in), float(fan_in**-0.5))
            step["normal"] = None
        elif isinstance(weight, (Normal, Uniform)):
            initial = _draw("weights", weight)
            step["normal" if isinstance(weight, Normal) else "uniform"] = list(initial[1:])
        else:
            found = _arrays.floats(f"weight of {projection}", weight)
            if found.shape == shape and weights != shape:
                pairs = (np.arange(shape[0]),) * 2 if isinstance(wired, str) else wired
                found = np.ascontiguousarray(found[pairs])
            _arrays.check_shape(f"weight of {projection}", found.shape, weights)
            initial = found.reshape(-1)
            step["normal"] = [0.0, 0.0]
        if isinstance(delay, Delay):
            described = delay._spec(projection, shape, weights, self.trial)
            spec: Any = described
            step["delay"] = delay._described(described[2])
        else:
            spec = step["delay"] = _arrays.number("delay", delay)
        name = self._engine.connect((ends[0].index, ends[1].index), initial, spec, wired)
        self._built.append(step)
        if weight is None:
            self._uncalibrated.add(name)
        return name

    def synapses(self, projection: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Source and target of every synapse of a projection, int64 each, in the order of its weights."""
        found = self._engine.synapses(projection)
        if found is None:
            raise KeyError(f"{projection!r} is no projection of this network")
        return found

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
