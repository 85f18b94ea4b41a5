"""Networks from and to the Neuromorphic Intermediate Representation (NIR), the exchange format of simulators and chips.

`Network.from_nir` and `Network.to_nir` stand on this module. What a file says and eventprop cannot compute is refused by
name, with a way out; every node has a line in a report.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import os
import re
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Union

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._warning import warn

if TYPE_CHECKING:
    from .network import Delay, Network, NeuronModel

__all__ = ["NirReport", "NodeReport"]

Floats = npt.NDArray[np.float64]
Node = Mapping[str, Any]

_KEY = "eventprop"
_IN_MS = {"s": 1000.0, "ms": 1.0}
_TAU_MS = (1e-3, 1e5)
"""Time constants and delays beyond these are units misunderstood."""
_LARGE = 1000.0
"""A spike that adds more than this to a current was probably meant as a pulse as long as a step."""
_SNNTORCH_STEP_MS = 0.1
"""snnTorch 1.0 reads NIR in no other step."""
_OBJECTS_MOST = 100_000
_NUMBERS_MOST = 2**28
_DENSE_MOST = 2**26
_BRANCHES_MOST = 1000

_FIELDS = {
    "Input": (),
    "Output": (),
    "Flatten": (),
    "Linear": ("weight",),
    "Affine": ("weight", "bias"),
    "Scale": ("scale",),
    "Delay": ("delay",),
    "Conv1d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "Conv2d": ("weight", "stride", "padding", "dilation", "groups", "bias"),
    "SumPool2d": ("kernel_size", "stride", "padding"),
    "AvgPool2d": ("kernel_size", "stride", "padding"),
    "I": ("r",),
    "IF": ("r", "v_threshold"),
    "LI": ("tau", "r", "v_leak"),
    "LIF": ("tau", "r", "v_leak", "v_threshold"),
    "CubaLI": ("tau_mem", "tau_syn", "r", "v_leak"),
    "CubaLIF": ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold"),
}
_NEURONS = ("I", "IF", "LI", "LIF", "CubaLI", "CubaLIF")
_SPIKING = ("IF", "LIF", "CubaLIF")
_CONVOLUTIONS = ("Conv1d", "Conv2d")
_POOLS = ("SumPool2d", "AvgPool2d")
_BIAS = "\0bias"
"""The source of constant currents, among the sources of signals."""
_WAYS = {"Threshold": "a threshold belongs to a neuron here; write the model with CubaLIF or LIF"}


def _model(kind: str) -> NeuronModel:
    """The equations of a node, with potentials relative to v_leak and a constant current."""
    from .network import NeuronModel

    cuba = kind.startswith("Cuba")
    leaks = kind not in ("I", "IF")
    current = "i" if cuba else "bias"
    state = {"v": f"({current} - v)/tau_mem" if leaks else "bias"}
    parameters = {"bias": 0.0, **({"tau_mem": 20.0} if leaks else {})}
    if cuba:
        state["i"] = "(bias - i)/tau_syn"
        parameters["tau_syn"] = 5.0
    spikes: dict[str, Any] = {}
    if kind in _SPIKING:
        parameters.update(v_thresh=1.0, v_reset=0.0)
        spikes = {"spike": "v - v_thresh", "reset": {"v": "v_reset"}, "initial": {"v": "v_reset"}}
    to = "i" if cuba else "v"
    return NeuronModel(state, input={to: f"{to} + w"}, parameters=parameters, name=f"nir_{kind}", **spikes)


@dataclass(frozen=True)
class NodeReport:
    """What became of one node of a graph."""

    name: str
    type: str
    verdict: str
    """`"faithful"`: the equations of the node. `"approximate"`: nearly; the note says why and how much. `"unsupported"`: the
    network cannot be built; the note says what to do."""
    note: str = ""


@dataclass(frozen=True)
class NirReport:
    """What became of a NIR graph, node by node; `str()` makes a table of it."""

    nodes: list[NodeReport]
    time_unit: str
    """Unit of the times in the graph: `"s"`, `"ms"` or `"steps"`."""
    guessed: bool
    """Whether the unit was guessed: seconds where all time constants are below 1."""
    version: str | None
    """Version of `nir` that wrote the file, where it says so."""

    def __str__(self) -> str:
        wide = max((len(node.name) for node in self.nodes), default=0)
        lines = [f"times are in {self.time_unit}{' (guessed; time_unit=… says it)' if self.guessed else ''}"]
        lines += [f"{node.name:{wide}}  {node.type:8}  {node.verdict:11}  {node.note}".rstrip() for node in self.nodes]
        return "\n".join(lines)


def from_nir(
    network: type[Network],
    source: Any,
    *,
    dt: float | None,
    trial: float | None,
    seed: int | None,
    time_unit: str | None,
    pulse: float | None,
    tau_syn: float | None,
) -> Network:
    """See `Network.from_nir`."""
    tree, version, place = _tree(source)
    nodes, edges = _flat(tree, place)
    kept = _kept(tree)
    clock = {"dt": dt, "trial": trial}
    for key, value in clock.items():
        if value is None:
            if key not in kept:
                raise ValueError(f"{place} does not say {key}; give {key}=…, in ms")
            clock[key] = kept[key]
    graph = _Graph(place, nodes, edges, kept, version, _arrays.positive("dt", clock["dt"]))
    graph.choose_unit(time_unit)
    graph.impulses = pulse is not None
    pulse = kept.get("pulse") if pulse is None else pulse
    graph.pulse = None if pulse is None else _arrays.positive("pulse", pulse)
    graph.tau_syn = None if tau_syn is None else _arrays.positive("tau_syn", tau_syn)
    net = network(graph.dt, _arrays.positive("trial", clock["trial"]), kept.get("seed", 0) if seed is None else seed)
    net._units_said = True
    graph.build(net)
    return net


def _nir() -> Any:
    try:
        return importlib.import_module("nir")
    except ImportError:
        raise ImportError('NIR needs the package nir, which is not installed; pip install nir, or "eventprop[nir]"') from None


# Reading


def _tree(source: Any) -> tuple[Node, str | None, str]:
    """The graph as nested dictionaries, the version of its writer, and what to call it in errors."""
    if not isinstance(source, (str, os.PathLike)):
        if not hasattr(source, "to_dict") or not hasattr(source, "nodes"):
            raise TypeError(f"the graph is {type(source).__name__}; expected nir.NIRGraph, or the path of a file")
        return source.to_dict(), None, "the graph"
    _nir()
    h5py = importlib.import_module("h5py")
    path = os.fspath(source)
    with open(path, "rb"):  # a missing file, a folder or a file without permission says so by itself
        pass
    try:
        with h5py.File(path, "r") as file:
            if "node" not in file or not isinstance(file["node"], h5py.Group):
                raise ValueError(f"{path} is HDF5 but has no group 'node', so it is no NIR file; nir.write() makes one")
            version = None
            if "version" in file:
                found = file["version"][()]
                version = found.decode() if isinstance(found, bytes) else str(found)
            if version is not None and (not version.split(".")[0].isdigit() or int(version.split(".")[0]) > 1):
                raise ValueError(
                    f"{path} was written by NIR {version}; this reads versions 0 and 1: read it with a nir that knows it, and "
                    "give the graph in place of the path"
                )
            tree: dict[str, Any] = {}
            left = [_OBJECTS_MOST, _NUMBERS_MOST]
            todo: list[tuple[Any, dict[str, Any]]] = [(file["node"], tree)]
            seen = set()
            while todo:
                group, into = todo.pop()
                address = h5py.h5o.get_info(group.id).addr
                if address in seen:
                    raise ValueError(f"{path}: the group {group.name!r} stands there twice, or in itself; export the graph again")
                seen.add(address)
                for key in group:
                    item = group[key]
                    left[0] -= 1
                    left[1] -= 0 if isinstance(item, h5py.Group) else int(item.size or 0)
                    if min(left) < 0:
                        most = f"{_OBJECTS_MOST} groups and arrays, and {_NUMBERS_MOST} numbers"
                        raise ValueError(f"{path} holds more than a network that can be built here: at most {most}")
                    if isinstance(item, h5py.Group):
                        into[key] = {}
                        todo.append((item, into[key]))
                    else:
                        value = item[()]
                        into[key] = value.decode() if isinstance(value, bytes) else value
    except (OSError, KeyError, RuntimeError, TypeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is no whole HDF5 file, as NIR files are; copy or export it again: {error}") from None
    return tree, version, path


def _kept(tree: Node) -> dict[str, Any]:
    """What `to_nir` left beside the graph: the clock, exact times and what may be trained. Empty for graphs of others."""
    metadata = tree.get("metadata")
    text = metadata.get(_KEY) if isinstance(metadata, Mapping) else None
    try:
        found: dict[str, Any] = json.loads(text.decode() if isinstance(text, bytes) else text) if text is not None else {}
        leaves = [found[key] for key in ("dt", "trial", "seed", "pulse") if key in found] + list(found.get("v_init", {}).values())
        leaves += [value for key in ("times", "trainable") for one in found.get(key, {}).values() for value in one.values()]
        flat = [number for leaf in leaves for number in (leaf if isinstance(leaf, list) else [leaf])]
        sound = all(isinstance(number, (int, float)) for number in flat)
        sound &= all(isinstance(name, str) for name in found.get("order", []))
        found["projections"] = [
            (str(a), str(b), tuple(map(float, delay)) if isinstance(delay, list) else float(delay))
            for a, b, delay in found.get("projections", [])
        ]
        found["delays"] = {int(key): (str(by), float(most), bool(trained)) for key, (by, most, trained) in found.get("delays", {}).items()}
    except (ValueError, TypeError, AttributeError):
        sound = False
    if not sound:
        raise ValueError(f"the metadata {_KEY!r} of the graph is damaged; delete it, and give dt and trial")
    return found if text is not None else {}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _flat(tree: Node, place: str) -> tuple[dict[str, Node], list[tuple[str, str]]]:
    """Nodes and edges with nested graphs dissolved: their nodes are called GRAPH.NODE."""
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    doors: dict[str, tuple[str, str]] = {}
    todo: list[tuple[str, Node]] = [("", tree)]
    graphs: list[tuple[str, set[str], list[tuple[str, str]]]] = []
    while todo:
        prefix, graph = todo.pop()
        where = f"the graph {prefix[:-1]!r} in {place}" if prefix else place
        if not isinstance(graph.get("nodes"), Mapping) or "edges" not in graph:
            raise ValueError(f"{where} has no nodes and edges; expected a NIRGraph")
        own = {str(name): node for name, node in graph["nodes"].items()}
        for name, node in own.items():
            if not isinstance(node, Mapping) or "type" not in node:
                raise ValueError(f"the node {prefix + name!r} of {place} has no type")
            kind = _text(node["type"])
            if kind == "NIRGraph":
                todo.append((f"{prefix}{name}.", node))
                inner = node.get("nodes")
                inner = inner if isinstance(inner, Mapping) else {}
                ends = []
                for end in ("Input", "Output"):
                    found = [str(n) for n, one in inner.items() if isinstance(one, Mapping) and _text(one.get("type")) == end]
                    if len(found) != 1:
                        raise ValueError(
                            f"the graph {prefix + name!r} in {place} has {len(found)} nodes of type {end}; expected 1: "
                            "write its nodes into the graph around it"
                        )
                    ends.append(f"{prefix}{name}.{found[0]}")
                doors[prefix + name] = (ends[0], ends[1])
            elif prefix + name in nodes:
                raise ValueError(f"two nodes of {place} are called {prefix + name!r} when nested graphs are dissolved; rename one")
            else:
                inside = bool(prefix) and kind in ("Input", "Output")
                nodes[prefix + name] = {**node, "type": "Flatten" if inside else kind, "said": kind}
        pairs = np.asarray(graph["edges"], dtype=object)
        if pairs.size and (pairs.ndim != 2 or pairs.shape[1] != 2):
            raise ValueError(f"the edges of {where} have shape {pairs.shape}; expected pairs of names")
        named = [(_text(a), _text(b)) for a, b in pairs] if pairs.size else []
        graphs.append((prefix, set(own), named))
    for prefix, known, named in graphs:
        where = f"the graph {prefix[:-1]!r} in {place}" if prefix else place
        seen: set[tuple[str, str]] = set()
        for a, b in named:
            for end in (a, b):
                if end not in known:
                    raise ValueError(
                        f"the edge {a!r} to {b!r} of {where} names a node {end!r} that is not there; there are "
                        f"{', '.join(map(repr, sorted(known)))}: correct the edge, or rename the node"
                    )
            if (a, b) in seen:
                raise ValueError(f"the edge {a!r} to {b!r} of {where} stands there twice; tools differ in what it means: delete one")
            seen.add((a, b))
            source, target = prefix + a, prefix + b
            edges.append((doors[source][1] if source in doors else source, doors[target][0] if target in doors else target))
    return nodes, edges


# Building

Lag = Union[float, "tuple[float, ...]"]
"""A delay in ms, or one for each neuron of the source in NIR's order."""
Signal = dict["tuple[str, Lag]", "Union[Map, Image]"]
"""What arrives at a node: per source and delay, the linear map of the spikes of the source."""


@dataclass(frozen=True)
class Map:
    """A linear map: the identity, factors, or a matrix [target, source]."""

    kind: str
    values: Floats

    @property
    def width(self) -> int:
        return len(self.values)

    def dense(self) -> Floats:
        return self.values if self.kind == "matrix" else np.diag(self.values)


@dataclass(frozen=True)
class Image:
    """Poolings of an image, and then at most a convolution or a matrix [target, source]."""

    shape: tuple[int, int, int]
    """Channels, height and width of what leaves it."""
    pooled: tuple[int, int, int]
    """The same of what is behind the poolings."""
    pools: tuple[tuple[bool, tuple[int, int]], ...] = ()
    """Whether it is an average, and the window."""
    kernel: Floats | None = None
    how: tuple[tuple[int, int], tuple[int, int], int] = ((1, 1), (0, 0), 1)
    """Stride, padding and groups of the kernel."""
    matrix: Floats | None = None

    @property
    def width(self) -> int:
        return int(np.prod(self.shape))


def _ours(shape: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """The place (channel, y, x) in NIR of every neuron (y, x, channel)."""
    return np.arange(int(np.prod(shape))).reshape(shape).transpose(1, 2, 0).ravel()


@dataclass
class _Graph:
    place: str
    nodes: dict[str, Node]
    edges: list[tuple[str, str]]
    kept: dict[str, Any]
    version: str | None
    dt: float
    pulse: float | None = None
    impulses: bool = False
    """Whether pulses were meant, and become impulses; else the graph is one of ours, written for a tool with pulses."""
    tau_syn: float | None = None
    unit: str = "s"
    guessed: bool = False
    ms: float = 1000.0
    notes: dict[str, tuple[str, str]] = field(default_factory=dict)
    drive: dict[str, Floats] = field(default_factory=dict)
    """Constant currents of populations by name, [neurons] in NIR's order."""

    def choose_unit(self, given: str | None) -> None:
        if given not in (None, "s", "ms", "steps"):
            raise ValueError(f'time_unit is {given!r}; expected "s", "ms", "steps" or None for a guess')
        if self.kept.get("time_unit", "s") not in _IN_MS:
            raise ValueError(f"the metadata {_KEY!r} of the graph is damaged; delete it, and give dt and trial")
        if given is None and not self.kept:
            taus = [
                float(np.max(self.values(name, key)))
                for name, node in self.nodes.items()
                for key in ("tau", "tau_mem", "tau_syn")
                if node["type"] in _NEURONS and key in node and np.size(node[key])
            ]
            self.guessed = True
            given = "ms" if taus and max(taus) >= 1 else "s"
        self.unit = given or self.kept.get("time_unit", "s")
        self.ms = _IN_MS.get(self.unit, self.dt)

    def values(self, name: str, key: str) -> Floats:
        return _arrays.floats(f"{key} of the node {name!r}", self.nodes[name][key])

    def times(self, name: str, key: str) -> Floats:
        """Times of a node in ms; to the last bit those that `to_nir` wrote."""
        found = self.values(name, key)
        exact = np.asarray(self.kept.get("times", {}).get(name, {}).get(key, np.nan), dtype=np.float64)
        exact = exact.reshape(found.shape) if exact.size == found.size else exact
        if self.unit in _IN_MS and exact.shape in ((), found.shape) and found.size and np.all(exact / self.ms == found):
            return np.broadcast_to(exact, found.shape)
        found = found * self.ms
        least = 0.0 if key == "delay" else _TAU_MS[0]
        wrong = found[(found < least) | (found > _TAU_MS[1])]
        if wrong.size:
            raise ValueError(
                f"{key} of the node {name!r} is {wrong[0] / self.ms:g}, that is {wrong[0]:g} ms when times are in {self.unit}; expected "
                f'{least:g} to {_TAU_MS[1]:g} ms: say the unit of the file, time_unit="s", "ms" or "steps"'
            )
        return found

    def judge(self) -> None:
        """A verdict for every node, from the node alone."""
        for name, node in self.nodes.items():
            kind = node["type"]
            if kind not in _FIELDS:
                known = f"nodes that are known are {', '.join(_FIELDS)}"
                self.notes[name] = ("unsupported", _WAYS.get(kind, known))
                continue
            missing = [key for key in _FIELDS[kind] if node.get(key) is None]
            if missing:
                raise ValueError(f"the node {name!r} of {self.place} is {kind} and has no {', '.join(missing)}; export it again")
            self.notes[name] = ("faithful", "")
            if kind in _NEURONS:
                self.judge_neuron(name)
            elif kind in ("Linear", "Affine"):
                weight = self.values(name, "weight")
                if weight.ndim != 2:
                    self.notes[name] = ("unsupported", f"its weight has shape {weight.shape}; expected (targets, sources)")
                elif kind == "Affine" and np.size(node["bias"]) != len(weight):
                    self.notes[name] = ("unsupported", f"it has {np.size(node['bias'])} biases for {len(weight)} targets")
            elif kind in _CONVOLUTIONS:
                self.judge_convolution(name)
            elif kind in _POOLS:
                if not np.array_equal(node["stride"], node["kernel_size"]) or np.any(node["padding"]):
                    way = "windows lie side by side here; expected a stride as large as the window, and no padding"
                    self.notes[name] = ("unsupported", way)
            elif kind == "Scale":
                self.notes[name] = ("faithful", "multiplied into the weights")
            elif kind == "Delay":
                if self.times(name, "delay").size == 0:
                    self.notes[name] = ("unsupported", "it has no delay; delete it")

    def judge_convolution(self, name: str) -> None:
        node, weight = self.nodes[name], self.values(name, "weight")
        deep = 3 if node["type"] == "Conv1d" else 4
        if weight.ndim != deep or not weight.size:
            wanted = "(channels out, channels in, kernel)" if deep == 3 else "(channels out, channels in, height, width)"
            self.notes[name] = ("unsupported", f"its weight has shape {weight.shape}; expected {wanted}")
        elif np.size(node["bias"]) not in (1, len(weight)):
            self.notes[name] = ("unsupported", f"it has {np.size(node['bias'])} biases for {len(weight)} channels")
        elif np.any(np.asarray(node["dilation"]) != 1):
            self.notes[name] = ("unsupported", "its kernel has gaps (dilation); write zeros into a larger kernel")
        elif self.padding(name) is None:
            self.notes[name] = ("unsupported", 'its padding is "same" with a stride or an even kernel; expected numbers')

    def padding(self, name: str) -> tuple[int, int] | None:
        """Positions without neurons above and beside an image; `None` where they are not the same on both sides."""
        node = self.nodes[name]
        given = node["padding"]
        if not isinstance(given, (str, bytes)):
            return self.two(name, "padding", 0)
        if _text(given) == "valid":
            return 0, 0
        kernel = self.values(name, "weight").shape[2:]
        if any(size % 2 == 0 for size in kernel) or self.two(name, "stride", 1) != (1, 1):
            return None
        height, width = (1, *kernel) if len(kernel) == 1 else kernel
        return (height - 1) // 2, (width - 1) // 2

    def two(self, name: str, key: str, least: int) -> tuple[int, int]:
        """A number of a node for the height and one for the width; of a Conv1d for the width alone."""
        found = [_arrays.whole(f"{key} of the node {name!r}", one, least) for one in np.ravel(self.nodes[name][key])]
        if self.nodes[name]["type"] == "Conv1d":
            found = [least, found[0]] if len(found) == 1 else found
        elif len(found) == 1:
            found *= 2
        if len(found) != 2:
            raise ValueError(f"{key} of the node {name!r} is {self.nodes[name][key]!r}; expected one number, or two")
        return found[0], found[1]

    def image(self, name: str) -> tuple[int, int, int] | None:
        """Channels, height and width of a population; `None` of one without positions."""
        node = self.nodes[name]
        shape = np.ravel(node["shape"]).tolist() if node["type"] == "Input" else list(self.values(name, "r").shape)
        if len(shape) not in (2, 3):
            return None
        channels, *positions = (int(one) for one in shape)
        height, width = positions if len(positions) == 2 else (1, positions[0])
        return channels, height, width

    def ours(self, name: str) -> npt.NDArray[np.int64]:
        """The place in NIR of every neuron of ours: there (channel, y, x), here (y, x, channel)."""
        shape = self.image(name)
        return np.arange(self.width(name)) if shape is None else _ours(shape)

    def of_neurons(self, name: str, values: Floats) -> float | Floats:
        """Values of a population in our order; one number where all are equal."""
        return _plain(np.ravel(values)[self.ours(name)])

    def judge_neuron(self, name: str) -> None:
        node, kind = self.nodes[name], self.nodes[name]["type"]
        shape = self.values(name, "r").shape
        for key in (*_FIELDS[kind], "v_reset", "w_in"):
            if node.get(key) is not None and np.shape(node[key]) not in ((shape, ()) if key == "w_in" else (shape,)):
                raise ValueError(
                    f"{key} of the node {name!r} has shape {np.shape(node[key])}, and r has {shape}; expected one value per neuron"
                )
        if not shape or 0 in shape:
            raise ValueError(f"the parameters of the node {name!r} have shape {shape}; expected one value per neuron")
        for key in ("tau", "tau_mem", "tau_syn"):
            if key in _FIELDS[kind]:
                self.times(name, key)
        leak = self.leak(name)
        if kind not in _SPIKING and leak.any():
            way = "set v_leak to 0; voltages are then lower by it"
            self.notes[name] = ("unsupported", f"its v_leak is not 0: {way}")
            return
        if self.short(name):
            assert self.tau_syn is not None
            if np.any(self.times(name, "tau") <= self.tau_syn):
                raise ValueError(f"tau_syn is {self.tau_syn} ms, not below tau of the LI node {name!r}; choose a shorter one")
            note = f"a synapse of {self.tau_syn:g} ms: each jump of the voltage lacks exp(-t / {self.tau_syn:g} ms) of itself"
            self.notes[name] = ("approximate", note)
        notes = []
        if kind in _SPIKING:
            threshold, reset = self.values(name, "v_threshold"), self.reset(name)
            if np.any(reset >= threshold):
                self.notes[name] = ("unsupported", "a neuron of it would fire for ever: expected v_reset below v_threshold")
                return
            if leak.any():
                notes.append("potentials are relative to v_leak")
        factor = self.factor(name)
        if not self.short(name) and np.any(factor != 1):
            of = "r and w_in are" if kind.startswith("Cuba") else "r/tau is" if "tau" in _FIELDS[kind] else "r is"
            notes.append(f"{of} multiplied into the weights")
        if kind in ("IF", "LIF"):
            notes.append("for the grid solvers: between events an arrival that lifts it over its threshold is refused")
        if self.pulse is not None and self.impulses:
            notes.insert(0, f"pulses of {self.pulse:g} ms are impulses at their starts, as if {self.pulse / 2:g} ms early")
        elif self.pulse is None and np.abs(factor).max() > _LARGE:
            notes.append(
                f"a spike adds {np.abs(factor).max():.3g} times its weight; where the tool that wrote the file steps with dt, its "
                "spikes last a step: give pulse=dt in ms"
            )
        before = self.notes[name]
        verdict = "approximate" if self.impulses else before[0]
        self.notes[name] = (verdict, "; ".join(note for note in (before[1], *notes) if note))

    def short(self, name: str) -> bool:
        """Whether a leaky integrator without a synapse gets a short one, as `tau_syn` asks for."""
        return self.nodes[name]["type"] == "LI" and self.tau_syn is not None

    def leak(self, name: str) -> Floats:
        node = self.nodes[name]
        return self.values(name, "v_leak") if "v_leak" in _FIELDS[node["type"]] else np.zeros_like(self.values(name, "r"))

    def built_in(self, name: str) -> bool:
        """Whether the neurons are LIF or leaky integrators with a synapse, without a constant current, that rest without input."""
        kind = self.nodes[name]["type"]
        tonic = kind in _SPIKING and bool(np.any(self.values(name, "v_threshold") <= self.leak(name)))
        return not tonic and not self.drive[name].any() and (kind.startswith("Cuba") or self.short(name))

    def reset(self, name: str) -> Floats:
        given = self.nodes[name].get("v_reset")
        return np.zeros_like(self.values(name, "v_threshold")) if given is None else self.values(name, "v_reset")

    def factor(self, name: str) -> Floats:
        """What a spike of weight 1 adds to our current."""
        node, r = self.nodes[name], self.values(name, "r")
        area = 1.0 if self.pulse is None else self.pulse / self.ms
        if self.short(name):
            tau = self.times(name, "tau")
            assert self.tau_syn is not None
            found = r * area / self.values(name, "tau") * ((tau - self.tau_syn) / self.tau_syn)
        elif node["type"] in ("LI", "LIF"):
            found = r * area / self.values(name, "tau")
        elif node["type"] in ("I", "IF"):
            found = r * area
        else:
            found = r * (self.w_in(name) / (self.values(name, "tau_syn") / area))  # w_in as to_nir writes it gives 1 exactly
        flat: Floats = np.ravel(found)
        return flat

    def w_in(self, name: str) -> Floats:
        given = self.nodes[name].get("w_in")
        return np.ones_like(self.values(name, "r")) if given is None else self.values(name, "w_in")

    def constant(self, name: str) -> Floats:
        """The constant current of a population in units of our potentials, per ms where nothing leaks, in NIR's order."""
        bias, kind, r = self.drive[name], self.nodes[name]["type"], np.ravel(self.values(name, "r"))
        if kind in ("I", "IF"):
            found = r * bias / self.ms
        else:
            found = r * bias * (np.ravel(np.broadcast_to(self.w_in(name), r.shape)) if kind.startswith("Cuba") else 1.0)
        # To the last bit those that `to_nir` wrote.
        exact = np.asarray(self.kept.get("biases", {}).get(name, []), dtype=np.float64)
        return exact if exact.shape == found.shape and np.allclose(exact, found, rtol=1e-14, atol=0.0) else found

    def report(self) -> NirReport:
        rows = [NodeReport(name, node["said"], *self.notes[name]) for name, node in self.nodes.items()]
        return NirReport(rows, self.unit, self.guessed, self.version)

    def build(self, net: Network) -> None:
        self.judge()
        refused = [row for row in self.report().nodes if row.verdict == "unsupported"]
        if refused:
            lines = "".join(f"\n  {row.name!r}, {row.type}: {row.note}" for row in refused)
            raise ValueError(f"{self.place} has nodes that cannot be computed:{lines}")
        source, output = self.ends()
        signals = self.signals(source)
        for name, arriving in signals.items():
            constant = arriving.pop((_BIAS, 0.0), None)
            if self.nodes[name]["type"] in _NEURONS:
                self.drive[name] = constant.dense()[:, 0] if isinstance(constant, Map) else np.zeros(self.width(name))
        order = self.order(source, output)
        for name in order:
            if self.nodes[name]["type"] == "Input":
                net.add_input(name, **self.size(name))
            else:
                self.add(net, name)
        found = [(a, name, delay, mapped) for name in order for (a, delay), mapped in signals.get(name, {}).items()]
        kept, delays = self.kept.get("projections", []), self.kept.get("delays", {})
        if sorted((one[:3] for one in found), key=repr) == sorted(kept, key=repr):
            found.sort(key=lambda one: kept.index(one[:3]))
        else:
            delays = {}
        for place, (a, b, lag, mapped) in enumerate(found):
            delay = self.delay(a, lag, delays.get(place))
            if self.nodes[a]["type"] not in (*_SPIKING, "Input"):
                raise ValueError(f"the voltage of {a!r}, {self.nodes[a]['said']}, leads to {b!r}; only spikes pass on here: use CubaLIF")
            if isinstance(mapped, Image):
                self.connect(net, (a, b), delay, mapped)
                continue
            self.dense(b, mapped)
            matrix = (mapped.dense() * self.factor(b)[:, None]).T
            net.connect(a, b, np.ascontiguousarray(matrix[self.ours(a)][:, self.ours(b)]), delay=delay)
        try:
            net._engine.validate()
        except ValueError as error:
            raise ValueError(f"{self.place} is no network that can be computed: {error}") from None
        net.nir_report = self.report()

    def size(self, name: str) -> dict[str, Any]:
        """The size of a population, or its shape."""
        shape = self.image(name)
        return {"size": self.width(name)} if shape is None else {"shape": (shape[1], shape[2], shape[0])}

    def delay(self, source: str, lag: Lag, kept: tuple[str, float, bool] | None) -> float | Delay:
        """The delay of a projection: a number, or parameters, as they were or one for each source that is not trained."""
        from .network import Delay

        values = np.array(lag)[self.ours(source)] if isinstance(lag, tuple) else lag
        if kept is None:
            return Delay(values, by="source", trainable=False) if isinstance(lag, tuple) else lag
        by, most, trained = kept
        return Delay(np.broadcast_to(values, self.width(source)) if by == "source" else values, most, by, trained)

    def connect(self, net: Network, ends: tuple[str, str], delay: float | Delay, mapped: Image) -> None:
        """Connects an image by what stands between two populations."""
        from .network import AvgPool, Conv2d, OneToOne, SumPool

        source, target = ends
        factor = self.factor(target)
        via = [AvgPool(window) if average else SumPool(window) for average, window in mapped.pools]
        options: dict[str, Any] = {"delay": delay, "via": via or None}
        if mapped.kernel is not None:
            of_channel = np.broadcast_to(factor, self.width(target)).reshape(len(mapped.kernel), -1)
            if np.ptp(of_channel, axis=1).any():
                raise ValueError(
                    f"r or w_in of {target!r} differ within a channel, and a convolution leads there whose weights all positions share; "
                    "expected one value for each channel"
                )
            options["wiring"] = Conv2d(mapped.kernel.shape[2:], *mapped.how)
            weight = mapped.kernel * of_channel[:, :1, None, None]
        elif mapped.matrix is not None:
            weight = (mapped.matrix * factor[:, None]).T[_ours(mapped.pooled)][:, self.ours(target)]
        else:
            options["wiring"] = OneToOne()
            weight = np.broadcast_to(factor, self.width(target))[self.ours(target)]
        net.connect(source, target, np.ascontiguousarray(weight), **options)

    def ends(self) -> tuple[str, str]:
        """The input, and the population that is the output; checks that edges lead from one to the other."""
        into: dict[str, list[str]] = {name: [] for name in self.nodes}
        out: dict[str, list[str]] = {name: [] for name in self.nodes}
        for a, b in self.edges:
            out[a].append(b)
            into[b].append(a)
        chosen = []
        for kind in ("Input", "Output"):
            found = [name for name, node in self.nodes.items() if node["type"] == kind]
            if len(found) != 1:
                names = f" ({', '.join(map(repr, found))})" if found else ""
                raise ValueError(f"{self.place} has {len(found)} nodes of type {kind}{names}; expected 1, for all channels")
            chosen.append(found[0])
        for name, node in self.nodes.items():
            kind = node["type"]
            if kind != "Input" and not into[name]:
                raise ValueError(f"nothing leads to the node {name!r} of {self.place}; is an edge missing? Add it, or delete the node")
            if kind != "Output" and not out[name]:
                raise ValueError(f"the node {name!r} of {self.place} leads nowhere; is an edge missing? Add it, or delete the node")
            if (kind == "Input" and into[name]) or (kind == "Output" and out[name]):
                raise ValueError(f"edges go through the node {name!r} of {self.place}, which is an {kind}; expected one end")
        at = chosen[1]
        for _ in self.nodes:
            if len(into[at]) != 1:
                raise ValueError(f"{len(into[at])} edges lead to {at!r}, the output of {self.place}; expected that of one population")
            at = into[at][0]
            if self.nodes[at]["type"] != "Flatten":
                break
        if self.nodes[at]["type"] not in _NEURONS:
            kind = self.nodes[at]["said"]
            raise ValueError(f"the output of {self.place} is {at!r}, {kind}; expected a population: put CubaLI before the Output")
        return chosen[0], at

    def width(self, name: str) -> int:
        """Number of neurons or channels that leave a node, where the node says it; else 0."""
        node = self.nodes[name]
        kind = node["type"]
        if kind in ("Input", "Output"):
            shape = np.ravel(node.get("shape", ()))
            if not shape.size:
                raise ValueError(f"the node {name!r} of {self.place} does not say its shape")
            return int(np.prod([_arrays.whole(f"shape of the node {name!r}", one, 1) for one in shape]))
        if kind in _NEURONS:
            return int(self.values(name, "r").size)
        return 0

    def takes(self, name: str) -> int:
        """Number of channels that enter a node, where the node says it; else 0."""
        kind = self.nodes[name]["type"]
        if kind in ("Linear", "Affine"):
            return int(self.values(name, "weight").shape[1])
        if kind in ("Scale", "Delay"):
            return int(np.size(self.nodes[name]["scale" if kind == "Scale" else "delay"]))
        return self.width(name)

    def signals(self, source: str) -> dict[str, Signal]:
        """What arrives at every population, from node to node without recursion."""
        arrived: dict[str, Signal] = {}
        stateful = {name for name, node in self.nodes.items() if node["type"] in (*_NEURONS, "Input")}
        waits = {name: 0 for name in self.nodes if name not in stateful}
        out: dict[str, list[str]] = {name: [] for name in self.nodes}
        for a, b in self.edges:
            out[a].append(b)
            if b in waits:
                waits[b] += 1
        ready = deque(sorted(stateful))
        while ready:
            name = ready.popleft()
            if name in stateful:
                leaving: Signal = {(name, 0.0): Map("one", np.ones(self.width(name)))}
            else:
                leaving = self.biased(name, self.through(name, arrived[name]))
            for b in out[name]:
                into = arrived.setdefault(b, {})
                for key, mapped in leaving.items():
                    width = mapped.width
                    wanted = self.takes(b)
                    if wanted and width != wanted:
                        raise ValueError(
                            f"{name!r} has {width} channels, and {b!r} takes {wanted}; expected the same number along the edge"
                        )
                    into[key] = self.sum(b, into[key], mapped) if key in into else mapped
                if len(into) > _BRANCHES_MOST:
                    raise ValueError(f"more than {_BRANCHES_MOST} delays lead to the node {b!r}; expected fewer branches")
                if b in waits:
                    waits[b] -= 1
                    if not waits[b]:
                        ready.append(b)
        left = sorted(name for name, count in waits.items() if count)
        if left:
            raise ValueError(
                f"a circle of edges of {self.place} has no neuron in it: {', '.join(map(repr, left[:8]))}; expected a population in "
                "every circle, whose spikes take time"
            )
        return arrived

    def through(self, name: str, arriving: Signal) -> Signal:
        """What leaves a node without a state."""
        node = self.nodes[name]
        kind = node["type"]
        if kind in (*_CONVOLUTIONS, *_POOLS):
            if any(source == _BIAS for source, _ in arriving):
                raise ValueError(f"a bias leads to {name!r}, {node['said']}, without neurons between; expected a population between them")
            return {key: self.over_image(name, key[0], mapped) for key, mapped in arriving.items()}
        return {key: self.behind(name, mapped) for key, mapped in self.delayed(name, arriving).items()}

    def biased(self, name: str, leaving: Signal) -> Signal:
        """What leaves a node, with its bias as a constant current."""
        node = self.nodes[name]
        bias = self.values(name, "bias").ravel() if "bias" in _FIELDS[node["type"]] else np.zeros(1)
        if not bias.any():
            return leaving
        image = next((mapped.shape for mapped in leaving.values() if isinstance(mapped, Image)), None)
        if image is not None and node["type"] in _CONVOLUTIONS:
            bias = np.repeat(np.broadcast_to(bias, image[0]), image[1] * image[2])
        before = leaving.get((_BIAS, 0.0))
        column = bias[:, None] + before.dense() if isinstance(before, Map) else bias[:, None]
        return {**leaving, (_BIAS, 0.0): Map("matrix", column)}

    def behind(self, name: str, mapped: Map | Image) -> Map | Image:
        """What a node that is no convolution or pooling makes of what arrives."""
        kind = self.nodes[name]["type"]
        if isinstance(mapped, Image):
            return self.behind_image(name, mapped)
        if kind in ("Linear", "Affine"):
            return self.product(self.values(name, "weight"), mapped)
        if kind == "Scale":
            scale = self.values(name, "scale").ravel()
            return Map("matrix", scale[:, None] * mapped.values) if mapped.kind == "matrix" else Map("diag", scale * mapped.values)
        return mapped

    def delayed(self, name: str, arriving: Signal) -> Signal:
        if self.nodes[name]["type"] != "Delay":
            return arriving
        times = self.times(name, "delay").ravel()
        later: Signal = {}
        for (source, before), mapped in arriving.items():
            after = times + np.asarray(before)
            if source == _BIAS:
                later[source, 0.0] = mapped
            elif np.all(after == after[0]):
                later[source, float(after[0])] = mapped
            elif np.ptp(times) == 0:
                later[source, tuple(map(float, np.asarray(before) + times[0]))] = mapped
            elif isinstance(mapped, Map) and mapped.kind == "one":
                later[source, tuple(map(float, after))] = mapped
            else:
                raise ValueError(
                    f"{name!r}, Delay, has delays that differ and stands behind weights; expected it straight behind a population"
                )
        return later

    def over_image(self, name: str, source: str, mapped: Map | Image) -> Image:
        """A convolution or a pooling of what is an image still."""
        if isinstance(mapped, Map):
            shape = self.image(source)
            if mapped.kind != "one" or shape is None:
                way = "expected a population whose parameters have the shape (channels, height, width), with nothing but poolings between"
                raise ValueError(f"what leads from {source!r} to {name!r}, {self.nodes[name]['said']}, is no image: {way}")
            mapped = Image(shape, shape)
        if mapped.kernel is not None or mapped.matrix is not None:
            raise ValueError(
                f"{name!r}, {self.nodes[name]['said']}, stands behind a convolution without neurons between; expected a population "
                "between them, or one kernel that does both"
            )
        channels, *positions = mapped.shape
        if self.nodes[name]["type"] in _POOLS:
            window = self.two(name, "kernel_size", 1)
            pools = (*mapped.pools, (self.nodes[name]["type"] == "AvgPool2d", window))
            sizes = tuple(size // edge for size, edge in zip(positions, window))
            shape = (channels, sizes[0], sizes[1])
            return Image(shape, shape, pools)
        kernel = self.values(name, "weight")
        kernel = kernel[:, :, None, :] if kernel.ndim == 3 else kernel
        groups = _arrays.whole(f"groups of the node {name!r}", int(np.ravel(self.nodes[name]["groups"])[0]), 1)
        stride, padding = self.two(name, "stride", 1), self.padding(name)
        assert padding is not None
        if kernel.shape[1] * groups != channels:
            raise ValueError(f"the image that leads to {name!r} has {channels} channels, and its kernel takes {kernel.shape[1] * groups}")
        sizes = tuple((positions[n] + 2 * padding[n] - kernel.shape[2 + n]) // stride[n] + 1 for n in (0, 1))
        if min(sizes) < 1:
            raise ValueError(f"the kernel of {name!r} is larger than its image of {positions[0]} × {positions[1]}")
        shape = (len(kernel), sizes[0], sizes[1])
        return Image(shape, mapped.pooled, mapped.pools, kernel, (stride, padding, groups))

    def behind_image(self, name: str, mapped: Image) -> Image:
        """What a node makes of what came through a convolution or a pooling."""
        node = self.nodes[name]
        kind = node["type"]
        if kind not in ("Linear", "Affine", "Scale"):
            return mapped
        if kind == "Scale":
            scale = np.ravel(self.values(name, "scale"))
            if mapped.kernel is not None and np.ptp(scale) == 0:
                return replace(mapped, kernel=mapped.kernel * scale[0])
        elif mapped.kernel is None and mapped.matrix is None:
            weight = self.values(name, "weight")
            return replace(mapped, shape=(len(weight), 1, 1), matrix=weight)
        raise ValueError(
            f"{name!r}, {node['said']}, cannot be multiplied into the convolution or pooling before it; expected a population between "
            "them, or one kernel that does both"
        )

    def product(self, weight: Floats, mapped: Map) -> Map:
        if mapped.kind == "one":
            return Map("matrix", weight)
        return Map("matrix", weight * mapped.values if mapped.kind == "diag" else weight @ mapped.values)

    def dense(self, name: str, mapped: Map) -> None:
        """Refuses a one-to-one connection that would be a huge matrix."""
        if mapped.kind != "matrix" and len(mapped.values) ** 2 > _DENSE_MOST:
            raise ValueError(
                f"{len(mapped.values)} channels lead one to one to {name!r}; projections are dense here, and the matrix would have "
                f"more than {_DENSE_MOST} weights"
            )

    def sum(self, name: str, one: Map | Image, other: Map | Image) -> Map:
        if isinstance(one, Image) or isinstance(other, Image):
            raise ValueError(
                f"a convolution or pooling and something else lead to {name!r} from one population with one delay; expected one of them, "
                "or kernels that are added"
            )
        if one.kind != "matrix" and other.kind != "matrix":
            return Map("diag", one.values + other.values)
        self.dense(name, one)
        self.dense(name, other)
        return Map("matrix", one.dense() + other.dense())

    def order(self, source: str, output: str) -> list[str]:
        """Populations: the input, then as spikes reach them, the output last; or the order that `to_nir` kept."""
        out: dict[str, list[str]] = {name: [] for name in self.nodes}
        for a, b in self.edges:
            out[a].append(b)
        seen = {source: None}
        ready = deque([source])
        while ready:
            for b in out[ready.popleft()]:
                if b not in seen:
                    seen[b] = None
                    ready.append(b)
        for name, node in self.nodes.items():
            if name not in seen:
                raise ValueError(f"no edges lead from the input to the node {name!r} of {self.place}; is an edge missing?")
        found = [name for name in seen if self.nodes[name]["type"] in (*_NEURONS, "Input") and name != output]
        found.append(output)
        kept = self.kept.get("order", [])
        return list(kept) if sorted(kept) == sorted(found) and kept[-1] == output else found

    def add(self, net: Network, name: str) -> None:
        node = self.nodes[name]
        kind = node["type"]
        trained = self.kept.get("trainable", {}).get(name, {})
        constants: dict[str, Any] = {}
        if "tau" in _FIELDS[kind] or "tau_mem" in _FIELDS[kind]:
            constants["tau_mem"] = self.of_neurons(name, self.times(name, "tau" if "tau" in _FIELDS[kind] else "tau_mem"))
        if self.short(name):
            constants["tau_syn"] = self.tau_syn
        elif kind.startswith("Cuba"):
            constants["tau_syn"] = self.of_neurons(name, self.times(name, "tau_syn"))
        if kind in _SPIKING:
            leak, threshold = self.leak(name), self.values(name, "v_threshold")
            constants["v_thresh"], constants["v_reset"] = (self.of_neurons(name, v - leak) for v in (threshold, self.reset(name)))
        if not self.built_in(name):
            constants["bias"] = self.of_neurons(name, self.constant(name))
            size, driven = self.size(name), bool(np.any(constants["bias"]))
            trained = trained if self.kept else ["bias"] if driven else []
            net.add(name, size.pop("size", None), _model(kind), trainable=trained, **size, **constants)
        elif kind == "CubaLIF":
            net.add_lif(name, **self.size(name), trainable=trained, **constants)
        else:
            start = self.kept.get("v_init", {}).get(name, 0.0)
            net.add_li(name, **self.size(name), v_init=start, trainable=trained, **constants)


def _plain(values: Floats) -> float | Floats:
    """One number where all are equal."""
    flat = np.ravel(values)
    return float(flat[0]) if np.all(flat == flat[0]) else flat


# Writing


def to_nir(net: Network, path: str | os.PathLike[str] | None, pulse: float | None, time_unit: str, profile: str) -> Any:
    """See `Network.to_nir`."""
    nir = _nir()
    if profile not in ("spec", "snntorch"):
        raise ValueError(f'profile is {profile!r}; expected "spec" or "snntorch"')
    snntorch = profile == "snntorch"
    if snntorch:
        if time_unit != "s" or pulse not in (None, _SNNTORCH_STEP_MS):
            raise ValueError(f'profile="snntorch" has times in s and a pulse of {_SNNTORCH_STEP_MS} ms; leave time_unit and pulse out')
        pulse = _SNNTORCH_STEP_MS
    if time_unit not in _IN_MS:
        raise ValueError(f'time_unit is {time_unit!r}; expected "s" or "ms"')
    unit = _IN_MS[time_unit]
    area = 1.0 if pulse is None else _arrays.positive("pulse", pulse) / unit
    net._engine.validate()
    params = net.params
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    kept: dict[str, Any] = {"dt": net.dt, "trial": net.trial, "seed": net.seed, "order": [], "projections": []}
    if time_unit != "s":
        kept["time_unit"] = time_unit
    if pulse is not None:
        kept["pulse"] = _arrays.positive("pulse", pulse)
    kept.update(times={}, trainable={}, v_init={}, delays={}, biases={})
    biases: dict[str, Floats] = {}
    """Constant currents of populations, as a bias of NIR; a projection carries each."""
    projections = iter(params)  # the weights come first
    shapes = {population.name: population.shape for population in net._populations}
    for step in net._built:
        if "connect" in step:
            (source, target), name = step["connect"], next(projections)
            delays, between = _delays_of(net, name, step), _between(nir, net, name, step, (shapes[source], shapes[target]))
            in_nir = _in_nir(np.broadcast_to(delays, int(np.prod(shapes[source]))).reshape(shapes[source]))
            row, delay = [source], _plain(in_nir)
            delay = delay if isinstance(delay, float) else delay.tolist()
            if isinstance(step["delay"], dict):
                kept["delays"][len(kept["projections"])] = [step["delay"][key] for key in ("by", "most", "trainable")]
            if in_nir.any():
                row.append(_free(f"{name}:delay", nodes))
                nodes[row[-1]] = nir.Delay(delay=in_nir / unit)
                kept["times"][row[-1]] = {"delay": delay}
            if snntorch and hasattr(nodes[target], "w_in"):
                _divide(name, between[-1], nodes[target].r)
            if target in biases and _carries(between[-1], biases[target]):
                bias = biases.pop(target)
                if isinstance(between[-1], nir.Linear):
                    between[-1] = nir.Affine(weight=between[-1].weight, bias=bias)
                else:
                    between[-1].bias = bias.reshape(len(between[-1].bias), -1)[:, 0].copy()
            for number, node in enumerate(between):
                is_last = number + 1 == len(between)
                row.append(_free(name if is_last else f"{name}:{type(node).__name__}", nodes))
                nodes[row[-1]] = node
            edges += itertools.pairwise([*row, target])
            kept["projections"].append((source, target, delay))
            continue
        name, shape = step["name"], shapes[step["name"]]
        _nameable(name, nodes)
        kept["order"].append(name)
        if step["trainable"]:
            kept["trainable"][name] = step["trainable"]
        if step["add"] == "input":
            nodes[name] = nir.Input(input_type={"input": _shape_in_nir(shape)})
            continue
        if step["add"] == "alif":
            raise ValueError(f"the thresholds of {name!r} adapt, which no node of NIR does; use add_lif, or keep the network with save()")
        if step["add"] == "lif" and np.any(np.asarray(step["constants"]["refractory"])):
            raise ValueError(f"{name!r} has a refractory time, which no node of NIR has; leave refractory out, or keep the network with save()")
        found = {key: params[f"{name}.{key}"] if key in step["trainable"] else value for key, value in step["constants"].items()}
        size = step["size"]
        spread = {key: np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), size)) for key, value in found.items()}
        whole = {key: _in_nir(value.reshape(shape)) for key, value in spread.items()}
        kind = _kind(name, step)
        ones = np.ones(np.shape(_in_nir(np.empty(shape))))
        constants: dict[str, Floats] = {}
        for key in ("tau_mem", "tau_syn"):
            if key in whole:
                constants["tau" if key == "tau_mem" and not kind.startswith("Cuba") else key] = whole[key] / unit
        kept["times"][name] = {key: whole["tau_mem" if key == "tau" else key].ravel().tolist() for key in constants}
        # What a spike of weight 1 adds is then 1.
        if kind.startswith("Cuba"):
            r = constants["tau_mem"] / area if snntorch else ones
            constants.update(r=r, w_in=constants["tau_syn"] / area)
        else:
            constants["r"] = constants.get("tau", ones) / area
        if kind not in ("I", "IF"):
            constants["v_leak"] = np.zeros_like(ones)
        if kind in _SPIKING:
            constants.update(v_threshold=whole["v_thresh"], v_reset=whole["v_reset"])
            _starts(name, "v_reset", whole["v_reset"])
        nodes[name] = getattr(nir, kind)(**constants)
        if step["add"] == "li":
            kept["v_init"][name] = found["v_init"] if isinstance(found["v_init"], float) else list(found["v_init"])
            _starts(name, "v_init", whole["v_init"])
        if np.any(whole.get("bias", 0.0)):
            per_unit = unit / constants["r"] if kind in ("I", "IF") else 1 / constants["r"] / constants.get("w_in", 1.0)
            biases[name] = (whole["bias"] * per_unit).ravel()
            kept["biases"][name] = whole["bias"].ravel().tolist()
    for name in biases:
        raise ValueError(
            f"{name!r} has constant currents, and no projection to it could carry them: a matrix, or a convolution where they are alike in "
            "a channel; set its bias to 0, or keep the network with to_file()"
        )
    last = net._output
    output = _free("output", nodes)
    nodes[output] = nir.Output(output_type={"output": _shape_in_nir(last.shape)})
    edges.append((last.name, output))
    graph = nir.NIRGraph(nodes=nodes, edges=edges, metadata={_KEY: json.dumps(kept)})
    if path is not None:
        _write(nir, graph, path)
    return graph


def _kind(name: str, step: dict[str, Any]) -> str:
    """The type of node that has the equations of a population."""
    if step["add"] != "equations":
        return {"lif": "CubaLIF", "li": "CubaLI"}[step["add"]]
    form = _form(step["toml"])
    for kind in _NEURONS:
        if _form(_model(kind).to_toml()) == form:
            return kind
    raise ValueError(
        f"the neurons of {name!r} are equations that no node of NIR has; use add_lif or a model that from_nir makes, or keep the "
        "network with to_file()"
    )


def _divide(name: str, node: Any, r: Floats) -> None:
    """Takes r of the targets out of the weights of a projection."""
    if type(node).__name__ == "Linear":
        node.weight = node.weight / r[:, None]
        return
    if np.any(r != r.flat[0]):
        raise ValueError(f"{name} is a convolution to neurons with different tau_mem; snnTorch takes weights that are alike for all")
    node.weight = node.weight / r.flat[0]


def _carries(node: Any, bias: Floats) -> bool:
    """Whether a node has room for constant currents: a matrix for all, a convolution for those that are alike in a channel."""
    channels = bias if type(node).__name__ == "Linear" else bias.reshape(len(node.bias), -1)
    return channels.ndim == 1 or bool(np.all(channels == channels[:, :1]))


def _form(model: str) -> str:
    """A neuron model without its name and the values of its parameters."""
    unnamed = re.sub(r"^name = .*$", "", model, flags=re.MULTILINE)
    return re.sub(r"(?<= = )[^\"\[\n]+$", "", unnamed, flags=re.MULTILINE)


def _delays_of(net: Network, name: str, step: dict[str, Any]) -> float | Floats:
    """The delay of a projection in ms, or one for each source, as they are now."""
    if not isinstance(step["delay"], dict):
        return float(step["delay"])
    by = step["delay"]["by"]
    if by not in ("source", "projection"):
        raise ValueError(
            f"{name} has a delay for each {by}, and a Delay node has one for each source; give the projection one number as its delay "
            'or ep.Delay(…, by="source"), or keep the network with save()'
        )
    return net.params[f"{name}.delay"]


def _shape_in_nir(shape: tuple[int, int, int]) -> npt.NDArray[np.int64]:
    """(channels, height, width) of a population with a shape, else its size."""
    height, width, channels = shape
    return np.array([channels] if height * width == 1 else [channels, height, width])


def _in_nir(values: Floats) -> Floats:
    """Values [y, x, channel] of a population as NIR has them."""
    height, width, _ = values.shape
    return np.ascontiguousarray(values.ravel() if height * width == 1 else values.transpose(2, 0, 1))


def _between(
    nir: Any, net: Network, name: str, step: dict[str, Any], shapes: tuple[tuple[int, int, int], tuple[int, int, int]]
) -> list[Any]:
    """The nodes between two populations: poolings, then a convolution or a matrix."""
    (height, width, channels), target = shapes
    wiring, nodes = step.get("wiring"), []
    for pool in step.get("via", ()):
        kind, window = next(iter(pool.items()))
        node = nir.AvgPool2d if kind == "average" else nir.SumPool2d
        nodes.append(node(kernel_size=np.array(window), stride=np.array(window), padding=np.zeros(2, dtype=int)))
        height, width = height // window[0], width // window[1]
    if isinstance(wiring, dict) and "kernel" in wiring:
        node = nir.Conv2d(
            (height, width),
            net.params[name],
            tuple(wiring["stride"]),
            tuple(wiring["padding"]),
            (1, 1),
            wiring["groups"],
            np.zeros(target[2]),
        )
        # nir 1.0.8 forgets the groups, and takes the height of a kernel for its width, too.
        node.input_type = {"input": np.array([channels, height, width])}
        node.output_type = {"output": np.array([target[2], target[0], target[1]])}
        return [*nodes, node]
    if target[0] * target[1] > 1:
        raise ValueError(
            f"{name} leads to an image without a convolution, and no node of NIR makes an image of a row of numbers; connect it with "
            "Conv2d, or keep the network with save()"
        )
    sources, targets = height * width * channels, target[2]
    matrix = net.params[name]
    if wiring is not None:
        matrix = np.zeros((sources, targets))
        chosen = (np.arange(sources),) * 2 if isinstance(wiring, str) else _pairs(net, name, step)
        matrix[chosen] = net.params[name]
    if nodes or height * width > 1 or net._find("source", step["connect"][0]).shape[:2] != (1, 1):
        nodes.append(nir.Flatten({"input": np.array([channels, height, width])}, start_dim=0, end_dim=-1))
        in_nir = np.empty_like(matrix)
        in_nir[_ours((channels, height, width))] = matrix
        matrix = in_nir
    return [*nodes, nir.Linear(weight=np.ascontiguousarray(matrix.T))]


def _pairs(net: Network, name: str, step: dict[str, Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    if "via" in step:
        raise ValueError(f"{name} is sparse behind a pooling, which to_nir does not write; keep the network with save()")
    return net.synapses(name)


def _starts(name: str, constant: str, values: Floats) -> None:
    if values.any():
        warn(f"{constant} of {name!r} is not 0; NIR does not say where potentials start, and other tools start at 0")


def _nameable(name: str, nodes: Iterable[str]) -> None:
    if "/" in name or name in (".", "..") or "\0" in name:
        raise ValueError(f"the population {name!r} cannot be a node of a NIR file, whose names have no '/'; choose another name")
    if name in nodes:
        raise ValueError(f"the population {name!r} has the name of a projection; choose another name")


def _free(name: str, nodes: Iterable[str]) -> str:
    """The name, with a number where it is taken."""
    count, found = 1, name
    while found in nodes:
        count += 1
        found = f"{name}_{count}"
    return found


def _write(nir: Any, graph: Any, path: str | os.PathLike[str]) -> None:
    """Writes a graph wholly or not at all."""
    target = os.path.abspath(os.fspath(path))
    with tempfile.TemporaryDirectory(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target)) as folder:
        partial = os.path.join(folder, "graph.nir")
        nir.write(partial, graph)
        os.replace(partial, target)


def _convert(words: list[str] | None = None) -> None:
    """`python -m eventprop.nir net.nir net.toml`: a network of NIR as a file of the program."""
    from .network import Network

    parser = argparse.ArgumentParser(prog="python -m eventprop.nir", description="Turns a NIR file into a network file (TOML) of eventprop.")
    parser.add_argument("source", help="the NIR file")
    parser.add_argument("target", help="the file to write; `eventprop train BENCHMARK NETWORK=FILE` takes it")
    parser.add_argument("--dt", type=float, help="step in ms; files of eventprop say it")
    parser.add_argument("--trial", type=float, help="length of a trial in ms; files of eventprop say it")
    parser.add_argument("--time-unit", choices=["s", "ms", "steps"], help="unit of the times in the file; guessed if left out")
    parser.add_argument("--pulse", type=float, help="length of a spike in ms, for files of tools whose spikes last a step")
    parser.add_argument("--tau-syn", type=float, help="a short synapse for LI nodes, in ms")
    given = vars(parser.parse_args(words))
    source, target = given.pop("source"), given.pop("target")
    try:
        net = Network.from_nir(source, **given)
        net.to_file(target)
    except (ImportError, OSError, TypeError, ValueError) as error:
        parser.exit(1, f"error: {error}\n")
    print(net.nir_report)


if __name__ == "__main__":
    _convert()
