"""Populations and projections, put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine
from .._warning import warn
from .neuron_model import NeuronModel

__all__ = [
    "AvgPool",
    "Builder",
    "Conv2d",
    "DeepR",
    "Delay",
    "FanIn",
    "Normal",
    "OneToOne",
    "Population",
    "Sparse",
    "SumPool",
    "Uniform",
    "described_delay",
    "described_pools",
    "described_wiring",
]

_LEAST = {"tau_mem": 3.0, "tau_syn": 1.0, "tau_b": 1.0, "b_incr": 0.0}
_WEIGHTS_MOST = 2**31


def _least(key: str) -> float:
    """The smallest value that training gives a constant unless it is told: none of parameters that are no time constants."""
    return _LEAST.get(key, 0.1 if key == "tau" or key.startswith("tau_") else -1e30)


Trainable = Union[Sequence[str], Mapping[str, float]]

_SHARED = ("source", "target", "synapse", "projection")
"""What the synapses that share a delay have in common."""


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
class FanIn:
    """Initial weights drawn from a normal distribution whose size follows the number n of places from which a target
    receives: mean `mean` / n, standard deviation `gain` / √n.

    So what arrives does not depend on n: of a convolution kernel² × channels of a group, of a sparse wiring the sources of
    the target. Neurons that are pooled are one place.
    """

    gain: float
    mean: float = 0.0


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

    def __post_init__(self) -> None:
        _arrays.one_of("by", self.by, _SHARED)

    def _spec(
        self, projection: str, shape: tuple[int, ...], weights: tuple[int, ...], trial: float
    ) -> tuple[str, Any, float, bool]:
        """As the compiled part takes it."""
        shapes = dict(zip(_SHARED, (shape[:1], shape[1:], weights, (1,))))
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


Pair = Union[int, Sequence[int]]


def _pair(what: str, value: Pair, least: int) -> tuple[int, int]:
    """Two sizes, down and across, of which one number stands for both."""
    both = [value, value] if isinstance(value, (int, np.integer)) else list(value)
    if len(both) != 2:
        raise ValueError(f"{what} is {value!r}; expected a number, or one for height and one for width")
    height, width = (_arrays.whole(what, one, least) for one in both)
    return height, width


@dataclass(frozen=True)
class Conv2d:
    """A kernel that is moved over the positions of a population with a shape: weights [channel out, channel in, y, x], which
    all positions share.

    Target (y, x) receives from the positions (y · stride − padding + k, x · stride − padding + l) of the source, with the
    weights of the place (k, l) of the kernel: as in PyTorch. The populations have `shape=(height, width, channels)`;
    `output_shape` tells that of the target. A convolution in one dimension has kernels and populations of height 1.

    Parameters
    ----------
    kernel, stride, padding
        A number, or one for the height and one for the width.
    groups
        Groups of neighbouring channels: those of a group receive from channels of the same group only.
    """

    kernel: Pair
    stride: Pair = 1
    padding: Pair = 0
    groups: int = 1

    def output_shape(self, source: Sequence[int], channels: int) -> tuple[int, int, int]:
        """Height, width and channels of the target of a source of a shape."""
        kernel, stride, padding, _ = self._spec("Conv2d")
        height, width = ((source[n] + 2 * padding[n] - kernel[n]) // stride[n] + 1 for n in (0, 1))
        if height < 1 or width < 1:
            raise ValueError(f"a kernel of {kernel[0]} × {kernel[1]} is larger than a source of the shape {tuple(source)} with its padding")
        return height, width, channels

    def _spec(self, what: str) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int], int]:
        """As the compiled part takes it."""
        return (
            _pair(f"kernel of {what}", self.kernel, 1),
            _pair(f"stride of {what}", self.stride, 1),
            _pair(f"padding of {what}", self.padding, 0),
            _arrays.whole(f"groups of {what}", self.groups, 1),
        )

    def _described(self) -> dict[str, Any]:
        """In types that JSON knows."""
        kernel, stride, padding, groups = self._spec("Conv2d")
        return {"kernel": list(kernel), "stride": list(stride), "padding": list(padding), "groups": groups}


@dataclass(frozen=True)
class SumPool:
    """Windows of positions are put together in front of a projection: a spike of any neuron of a window is one of the window.

    It has no neurons and no weights. Windows lie side by side; positions beyond the last whole window have no synapses.
    There is no maximum: which spike is the largest is no smooth function of anything, so that it has no exact gradient.

    Parameters
    ----------
    window
        Positions of a window: a number, or one for the height and one for the width.
    """

    window: Pair

    def output_shape(self, source: Sequence[int]) -> tuple[int, int, int]:
        """Height, width and channels of what is behind it."""
        height, width = _pair("window", self.window, 1)
        if height > source[0] or width > source[1]:
            raise ValueError(f"a window of {height} × {width} is larger than a source of the shape {tuple(source)}")
        return source[0] // height, source[1] // width, source[2]

    def _spec(self, what: str) -> tuple[int, int, bool]:
        """As the compiled part takes it."""
        return (*_pair(f"window of {what}", self.window, 1), isinstance(self, AvgPool))

    def _described(self) -> dict[str, Any]:
        """In types that JSON knows."""
        height, width, average = self._spec("the pooling")
        return {"average" if average else "sum": [height, width]}


@dataclass(frozen=True)
class AvgPool(SumPool):
    """Like `SumPool`, and each spike counts one over the number of positions of a window."""


Pools = Union[SumPool, Sequence[SumPool], None]


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
        if isinstance(self.mask, (int, float)):
            raise TypeError(f"mask is {self.mask!r}; expected a matrix [source, target]; a fraction of all pairs is probability={self.mask!r}")

    def _pairs(
        self, engine: _engine.Network, ends: tuple[int, int], pools: list[tuple[int, int, bool]], what: str
    ) -> tuple[Any, Any]:
        if self.probability is not None:
            return engine.draw_pairs(ends, pools, "probability", _arrays.number(f"probability of {what}", self.probability))
        if self.fan_in is not None:
            return engine.draw_pairs(ends, pools, "fan_in", _arrays.whole(f"fan_in of {what}", self.fan_in, 1))
        shape = tuple(engine.weights_shape(ends, (pools, "dense")))
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


@dataclass(frozen=True)
class DeepR:
    """Deep rewiring (Bellec et al. 2018) of sparse projections while they are trained: `net.fit(…, rewire=DeepR())`.

    After each step of the optimiser weights are pulled towards zero, and a synapse whose weight has crossed zero is
    removed; a pair of neurons that is not connected, drawn under the seed of the network, gets one of weight 0 in its place. The
    number of synapses stays.

    Parameters
    ----------
    pull
        Strength of the pull: a step with the learning rate eta takes eta · pull from the size of every weight.
    projections
        Names of the projections; `None` for all sparse ones.
    """

    pull: float = 1e-3
    projections: Sequence[str] | None = None


def described_pools(pools: Sequence[Mapping[str, Any]]) -> list[SumPool]:
    """Poolings from their description."""
    return [AvgPool(pool["average"]) if "average" in pool else SumPool(pool["sum"]) for pool in pools]


def described_wiring(wiring: Any, shape: tuple[int, ...]) -> Any:
    """A wiring from its description."""
    if not isinstance(wiring, Mapping):
        return OneToOne() if wiring == "one_to_one" else None
    if "kernel" in wiring:
        return Conv2d(**wiring)
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


def _draw(what: str, init: FanIn | Normal | Uniform) -> tuple[str, float, float]:
    if isinstance(init, FanIn):
        return "fan_in", _arrays.number(f"gain of the {what}", init.gain), _arrays.number(f"mean of the {what}", init.mean)
    if isinstance(init, Normal):
        return "normal", _arrays.number(f"mean of the {what}", init.mean), _arrays.number(f"sd of the {what}", init.sd)
    return "uniform", _arrays.number(f"low of the {what}", init.low), _arrays.number(f"high of the {what}", init.high)


@dataclass(frozen=True)
class Population:
    """A population of a network, as `Network.connect` takes it."""

    name: str
    size: int
    shape: tuple[int, int, int]
    """Height, width and channels; neuron (y, x, c) has the number (y · width + x) · channels + c. Populations without a shape
    have one position."""
    model: str
    """`"input"`, `"lif"`, `"alif"`, `"li"` or `"equations"`."""
    index: int = field(repr=False)
    _owner: int = field(repr=False, compare=False)


_WAY = ("connect", "via", "wiring", "delay", "port")
"""What two projections between the same populations have in common where one of them does nothing that the other does not."""


class Builder:
    """A network as far as it is built: populations are added and connected."""

    def __init__(self, dt: float, trial: float, seed: int = 0) -> None:
        self._seed = _arrays.whole("seed", seed, 0, 2**64 - 1)
        self._engine = _engine.Network(_arrays.number("dt", dt), _arrays.number("trial", trial), self._seed)
        _, steps, whole = self._engine.clock()
        if abs(whole - trial) > 1e-6 * dt:
            warn(f"dt={dt} does not divide trial={trial}: a trial is {steps} steps, {whole:.6g} ms")
        self._populations: list[Population] = []
        self._chosen_output: Population | None = None
        self._built: list[dict[str, Any]] = []
        self._uncalibrated: set[str] = set()
        self._told: set[str] = set()
        self._units_said = False
        """Whether whoever builds it knows in which unit its times came."""

    def add_input(self, name: str, size: int | None = None, *, shape: Sequence[int] | None = None) -> Population:
        """Adds the input: neurons that emit the spikes of a sample. Here and below `size` is their number; `shape`
        (height, width, channels) in its place makes them an image."""
        return self._add(name, size if shape is None else shape, "input", {}, (), size)

    def add_lif(
        self,
        name: str,
        size: int | None = None,
        *,
        shape: Sequence[int] | None = None,
        tau_mem: Any = 20.0,
        tau_syn: Any = 5.0,
        v_thresh: Any = 1.0,
        v_reset: Any = 0.0,
        refractory: Any = 0.0,
        trainable: Trainable = (),
        output: bool = False,
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
        refractory
            Time in ms after a spike for which the membrane potential stays at `v_reset` while the current goes on; on the
            grid a whole number of steps.
        trainable
            Names of constants that become parameters, one value per neuron (`"tau_mem"`, `"tau_syn"`),
            or a mapping from names to the smallest values that training may give them.
        output
            Whether this is the output, which the loss reads; else it is the population that is added last.
        """
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_thresh": v_thresh, "v_reset": v_reset}
        constants["refractory"] = refractory
        return self._add(name, size if shape is None else shape, "lif", constants, trainable, size, output=output)

    def add_alif(
        self,
        name: str,
        size: int | None = None,
        *,
        shape: Sequence[int] | None = None,
        tau_mem: Any = 20.0,
        tau_syn: Any = 5.0,
        v_thresh: Any = 1.0,
        v_reset: Any = 0.0,
        refractory: Any = 0.0,
        tau_b: Any = 100.0,
        b_incr: Any = 0.1,
        b_init: Any = 0.0,
        trainable: Trainable = (),
        output: bool = False,
    ) -> Population:
        """Adds LIF neurons whose threshold adapts. Every constant is a number, or an array [size].

        Parameters
        ----------
        tau_mem, tau_syn, v_thresh, v_reset, refractory
            As for `add_lif`.
        tau_b
            Time constant in ms with which the threshold relaxes.
        b_incr
            What a spike adds to the threshold, at least 0.
        b_init
            How far the threshold lies above `v_thresh` at the start of a trial, at least 0.
        trainable
            As for `add_lif`; also `"tau_b"` and `"b_incr"`.
        output
            As for `add_lif`.
        """
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_thresh": v_thresh, "v_reset": v_reset}
        constants.update(refractory=refractory, tau_b=tau_b, b_incr=b_incr, b_init=b_init)
        return self._add(name, size if shape is None else shape, "alif", constants, trainable, size, output=output)

    def add_li(
        self,
        name: str,
        size: int | None = None,
        *,
        shape: Sequence[int] | None = None,
        tau_mem: Any = 20.0,
        tau_syn: Any = 5.0,
        v_init: Any = 0.0,
        trainable: Trainable = (),
        output: bool = False,
    ) -> Population:
        """Adds leaky integrators, which never spike. Every constant is a number, or an array [size].

        Parameters
        ----------
        tau_mem, tau_syn
            Time constants of membrane and synapse in ms.
        v_init
            Membrane potential at the start of a trial.
        trainable, output
            As for `add_lif`.
        """
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_init": v_init}
        return self._add(name, size if shape is None else shape, "li", constants, trainable, size, output=output)

    def add(
        self,
        name: str,
        size: int | None,
        model: NeuronModel,
        *,
        shape: Sequence[int] | None = None,
        trainable: Trainable = (),
        output: bool = False,
        **parameters: Any,
    ) -> Population:
        """Adds neurons of a model that is given as equations.

        Parameters
        ----------
        model
            The model.
        trainable
            Names of parameters of the model that become parameters of the network, one value per neuron, or a mapping
            from names to the smallest values that training may give them.
        output
            As for `add_lif`.
        parameters
            Other values of parameters of the model: a number, or an array [size].
        """
        if not isinstance(model, NeuronModel):
            raise TypeError(f"model of {name!r} is {model!r}; expected a NeuronModel")
        for key in parameters:
            if key not in model.parameters:
                known = ", ".join(model.parameters) or "none"
                raise ValueError(f"the model of {name!r} has no parameter {key!r}; it has {known}")
        constants = {**model.parameters, **parameters}
        toml = model.to_toml()
        return self._add(name, size if shape is None else shape, "equations", constants, trainable, size, toml, output)

    def _add(
        self,
        name: str,
        extent: int | Sequence[int] | None,
        model: str,
        constants: Mapping[str, Any],
        trainable: Trainable,
        stated: int | None = None,
        toml: str = "",
        output: bool = False,
    ) -> Population:
        """Adds a population of a size or shape; a stated size must be that of the shape."""
        if not isinstance(name, str) or not name:
            raise TypeError(f"name is {name!r}; expected text")
        if extent is None:
            raise TypeError(f"{name!r} has no size; expected a number of neurons, or shape=(height, width, channels)")
        sizes = (1, 1, extent) if np.ndim(extent) == 0 else tuple(extent)  # type: ignore[arg-type]
        if len(sizes) != 3:
            raise ValueError(f"shape of {name!r} is {extent!r}; expected height, width and channels")
        height, width, channels = (_arrays.whole("size", one, 1, _WEIGHTS_MOST) for one in sizes)
        shape = (height, width, channels)
        size = _arrays.whole("size", height * width * channels, 1, _WEIGHTS_MOST)
        if stated is not None and stated != size:
            raise ValueError(f"size of {name!r} is {stated}, and its shape {shape} has {size} neurons; leave the size out")
        numbers: dict[str, float | npt.NDArray[np.float64]] = {}
        for key, value in constants.items():
            found = _arrays.floats(f"{key} of {name!r}", value)
            if found.ndim:
                _arrays.check_shape(f"{key} of {name!r}", found.shape, (size,))
            numbers[key] = found if found.ndim else float(found)
            shortest = float(found.min(initial=np.inf))
            if key.startswith("tau_") and not self._units_said and 0.0 < shortest < min(1.0, 0.1 * self.dt):
                self._units_said = True
                warn(
                    f"{key} of {name!r} is {shortest:g} ms, a fraction of a step of {self.dt:g} ms; times are in ms: "
                    f"{1000 * shortest:g} for {shortest:g} s"
                )
        if isinstance(trainable, str):
            trainable = [trainable]
        trained = dict(trainable) if isinstance(trainable, Mapping) else {key: _least(key) for key in trainable}
        of_model = [key for key in numbers if toml or key in _LEAST]
        for key in trained:
            if key not in of_model:
                known = ", ".join(of_model)
                raise ValueError(f"{name!r} has no constant {key!r} to train; it has {known or 'none'}")
        index = self._engine.add(name, model, shape, numbers, toml)
        for key, least in trained.items():
            self._engine.train_constant(index, key, _arrays.number(f"least {key}", least))
        lists = {key: value if isinstance(value, float) else value.tolist() for key, value in numbers.items()}
        step = {"add": model, "name": name, "size": size, "constants": lists, "trainable": trained}
        if shape != (1, 1, size):
            step["shape"] = list(shape)
        if toml:
            step["toml"] = toml
        self._built.append(step)
        population = Population(name, size, shape, model, index, id(self))
        self._populations.append(population)
        if output:
            self._set_output(population)
        return population

    @property
    def _output(self) -> Population:
        """The population that the loss reads: the one that was chosen, or the last one."""
        return self._populations[-1] if self._chosen_output is None else self._chosen_output

    def _set_output(self, population: Population) -> None:
        """Chooses the population that the loss reads."""
        if self._chosen_output is not None:
            raise ValueError(f"{self._chosen_output.name!r} is the output already; {population.name!r} cannot be it, too")
        self._engine.set_output(population.index)
        self._chosen_output = population
        step = next(step for step in self._built if step.get("name") == population.name)
        step["output"] = True

    def connect(
        self,
        source: Population | str,
        target: Population | str,
        weight: Any = None,
        *,
        delay: float | Delay = 0.0,
        wiring: Conv2d | OneToOne | Sparse | None = None,
        via: Pools = None,
        port: str | None = None,
    ) -> str:
        """Connects the neurons of `source` to those of `target`.

        Parameters
        ----------
        source, target
            Populations, or their names. Both may be the same: a recurrent projection.
        weight
            An array [source, target], or in the shape of the weights of the wiring; `Normal(mean, sd)`,
            `Uniform(low, high)` or `FanIn(gain)`. Without it the weights are drawn, and the first `fit`
            or `calibrate` gives them the size that the data need.
        delay
            Extra time in ms between a spike and its arrival: a number, or a `Delay` for delays that differ or are
            trained. The event solver waits exactly this long, the grid solvers 1 + round(delay / dt) steps.
        wiring
            `Conv2d(…)`, `Sparse(…)` or `OneToOne()`; `None` connects every neuron of `source` to every neuron of `target`.
        via
            `SumPool(2)` or `AvgPool(2)`, or several: neurons of `source` are put together before the wiring.
        port
            Where the model of `target` has several ways to receive: the name of one; the first without it.

        Returns
        -------
        The name of the projection, such as `"in->hid"`.
        """
        found_ends = self._find("source", source), self._find("target", target)
        ends = (found_ends[0].index, found_ends[1].index)
        projection = f"{found_ends[0].name}->{found_ends[1].name}"
        step: dict[str, Any] = {"connect": [population.name for population in found_ends]}
        poolings = [via] if isinstance(via, SumPool) else list(via or ())
        if not all(isinstance(pool, SumPool) for pool in poolings):
            raise TypeError(f"via of {projection} is {via!r}; expected SumPool(…), AvgPool(…), a list of them, or None")
        pools = [pool._spec(projection) for pool in poolings]
        if pools:
            step["via"] = [pool._described() for pool in poolings]
        behind: Any = "dense"
        if isinstance(wiring, OneToOne):
            step["wiring"] = behind = "one_to_one"
        elif isinstance(wiring, Sparse):
            behind = wiring._pairs(self._engine, ends, pools, projection)
            step["wiring"] = wiring._described(behind)
        elif isinstance(wiring, Conv2d):
            behind = wiring._spec(projection)
            step["wiring"] = wiring._described()
        elif wiring is not None:
            raise TypeError(f"wiring of {projection} is {wiring!r}; expected Conv2d(…), Sparse(…), OneToOne() or None")
        wired = (pools, behind)
        weights = tuple(self._engine.weights_shape(ends, wired))
        if wiring is None and np.prod(weights, dtype=float) > _WEIGHTS_MOST:
            raise ValueError(f"a projection of {weights[0]} × {weights[1]} weights is too large; expected at most {_WEIGHTS_MOST}")
        initial: Any
        if weight is None:
            ranks = [(one == self._output, one.index) for one in found_ends]
            forward = float(ranks[0] < ranks[1])
            if pools or isinstance(wiring, Conv2d):
                initial = ("fan_in", 1.0, forward)
            else:
                fan_in = max(np.prod(weights) / found_ends[1].size, 1.0)
                initial = ("normal", float(forward / fan_in), float(fan_in**-0.5))
            step["normal"] = None
        elif isinstance(weight, (FanIn, Normal, Uniform)):
            initial = _draw("weights", weight)
            step[initial[0]] = list(initial[1:])
        else:
            found = _arrays.floats(f"weight of {projection}", weight)
            pairs = tuple(self._engine.weights_shape(ends, (pools, "dense"))) if isinstance(wiring, (OneToOne, Sparse)) else weights
            if found.shape == pairs and weights != pairs:
                chosen = (np.arange(pairs[0]),) * 2 if isinstance(behind, str) else behind
                found = np.ascontiguousarray(found[chosen])
            _arrays.check_shape(f"weight of {projection}", found.shape, weights)
            initial = found.reshape(-1)
            step["normal"] = [0.0, 0.0]
        shape = (found_ends[0].size, found_ends[1].size)
        if isinstance(delay, Delay):
            described = delay._spec(projection, shape, weights, self.trial)
            spec: Any = described
            step["delay"] = delay._described(described[2])
        else:
            spec = step["delay"] = _arrays.number("delay", delay)
        name = self._engine.connect(ends, initial, spec, wired, port)
        if port is not None:
            step["port"] = port
        twins = [one for one in self._built if all(one.get(key) == step.get(key) for key in _WAY)]
        if twins and not isinstance(wiring, Sparse):
            warn(
                f"{projection} was connected before with the same wiring and delay; this adds {name!r}, a second projection beside "
                "it: build the network anew if you ran a cell twice"
            )
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
