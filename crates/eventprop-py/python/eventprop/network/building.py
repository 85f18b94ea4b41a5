"""Populations and projections, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine

__all__ = ["Builder", "Normal", "Population"]

_LEAST = {"tau_mem": 3.0, "tau_syn": 1.0, "tau_b": 1.0, "b_incr": 0.0}
_WEIGHTS_MOST = 2**31

Trainable = Union[Sequence[str], Mapping[str, float]]


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
        self, source: Population | str, target: Population | str, weight: Any = None, *, delay: float = 0.0
    ) -> str:
        """Connects every neuron of `source` to every neuron of `target`.

        Parameters
        ----------
        source, target
            Populations, or their names. Both may be the same: a recurrent projection.
        weight
            An array [source, target], or `Normal(mean, sd)`. Without it the weights are drawn, and the first `fit`
            or `calibrate` gives them the size that the data need.
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
        if shape[0] * shape[1] > _WEIGHTS_MOST:
            raise ValueError(f"a projection of {shape[0]} × {shape[1]} weights is too large; expected at most {_WEIGHTS_MOST}")
        values, normal = None, (0.0, 0.0)
        if weight is None:
            forward = ends[0].index < ends[1].index
            normal = (forward / max(ends[0].size, 1), max(ends[0].size, 1) ** -0.5)
        elif isinstance(weight, Normal):
            normal = (_arrays.number("mean", weight.mean), _arrays.number("sd", weight.sd))
        else:
            values = _arrays.floats(f"weight of {ends[0].name}->{ends[1].name}", weight, shape)
        name = self._engine.connect((ends[0].index, ends[1].index), values, normal, delay)
        drawn = None if weight is None else list(normal)
        self._built.append({"connect": [ends[0].name, ends[1].name], "normal": drawn, "delay": delay})
        if weight is None:
            self._uncalibrated.add(name)
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
