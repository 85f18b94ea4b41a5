"""Networks from and to the Neuromorphic Intermediate Representation (NIR), the exchange format of simulators and chips.

`Network.from_nir` and `Network.to_nir` stand on this module. What a file says and eventprop cannot compute is refused by
name, with a way out; every node has a line in a report.
"""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _arrays
from ._warning import warn

if TYPE_CHECKING:
    from .network import Network

__all__ = ["NirReport", "NodeReport"]

Floats = npt.NDArray[np.float64]
Node = Mapping[str, Any]

_KEY = "eventprop"
_IN_MS = {"s": 1000.0, "ms": 1.0}
_TAU_MS = (1e-3, 1e5)
"""Time constants and delays beyond these are units misunderstood."""
_LARGE = 1000.0
"""A spike that adds more than this to a current was probably meant as a pulse as long as a step."""
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
    "LI": ("tau", "r", "v_leak"),
    "CubaLI": ("tau_mem", "tau_syn", "r", "v_leak"),
    "CubaLIF": ("tau_mem", "tau_syn", "r", "v_leak", "v_threshold"),
}
_NEURONS = ("LI", "CubaLI", "CubaLIF")
_WAYS = {
    "LIF": "its spikes move the potential at once, and neurons here have a synapse; write the model with CubaLIF",
    "IF": "it has neither a leak nor a synapse; write the model with CubaLIF",
    "I": "it has neither a leak nor a synapse; write the model with CubaLI",
    "Threshold": "a threshold belongs to a neuron here; write the model with CubaLIF",
    "Conv1d": "projections are dense here; write the convolution as the matrix of a Linear node where it is small",
    "Conv2d": "projections are dense here; write the convolution as the matrix of a Linear node where it is small",
    "SumPool2d": "projections are dense here; write the pool as the matrix of a Linear node, or multiply it into the next",
    "AvgPool2d": "projections are dense here; write the pool as the matrix of a Linear node, or multiply it into the next",
}


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
        found["projections"] = [(str(a), str(b), float(delay)) for a, b, delay in found.get("projections", [])]
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

Signal = dict[tuple[str, float], "Map"]
"""What arrives at a node: per source and delay in ms, the linear map of the spikes of the source."""


@dataclass(frozen=True)
class Map:
    """A linear map: the identity, factors, or a matrix [target, source]."""

    kind: str
    values: Floats

    def dense(self) -> Floats:
        return self.values if self.kind == "matrix" else np.diag(self.values)


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
    widths: dict[str, int] = field(default_factory=dict)

    def choose_unit(self, given: str | None) -> None:
        if given not in (None, "s", "ms", "steps"):
            raise ValueError(f'time_unit is {given!r}; expected "s", "ms", "steps" or None for a guess')
        if given is None and not self.kept:
            taus = [
                float(np.max(self.values(name, key)))
                for name, node in self.nodes.items()
                for key in ("tau", "tau_mem", "tau_syn")
                if node["type"] in _NEURONS and key in node and np.size(node[key])
            ]
            self.guessed = True
            given = "ms" if taus and max(taus) >= 1 else "s"
        self.unit = given or "s"
        self.ms = _IN_MS.get(self.unit, self.dt)

    def values(self, name: str, key: str) -> Floats:
        return _arrays.floats(f"{key} of the node {name!r}", self.nodes[name][key])

    def times(self, name: str, key: str) -> Floats:
        """Times of a node in ms; to the last bit those that `to_nir` wrote."""
        found = self.values(name, key)
        exact = np.asarray(self.kept.get("times", {}).get(name, {}).get(key, np.nan), dtype=np.float64)
        if self.unit == "s" and exact.shape in ((), found.shape) and found.size and np.all(exact / 1000.0 == found):
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
                elif kind == "Affine" and self.values(name, "bias").any():
                    way = "constant currents are not in the neurons; train without bias, or set it to 0 and see what that costs"
                    self.notes[name] = ("unsupported", f"its bias is not 0: {way}")
            elif kind == "Scale":
                self.notes[name] = ("faithful", "multiplied into the weights")
            elif kind == "Delay":
                times = self.times(name, "delay")
                if times.size == 0 or np.ptp(times) > 0:
                    way = "a projection has one; split it into one Delay and Linear for each"
                    self.notes[name] = ("unsupported", f"its delays differ from neuron to neuron: {way}")

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
        leak = self.values(name, "v_leak")
        if kind != "CubaLIF" and leak.any():
            way = "set v_leak to 0; voltages are then lower by it"
            self.notes[name] = ("unsupported", f"its v_leak is not 0: {way}")
            return
        if kind == "LI":
            if self.tau_syn is None:
                way = "give it one, from_nir(…, tau_syn=ms), short against tau"
                self.notes[name] = ("unsupported", f"it has no synapse, and populations here have: {way}")
                return
            if np.any(self.times(name, "tau") <= self.tau_syn):
                raise ValueError(f"tau_syn is {self.tau_syn} ms, not below tau of the LI node {name!r}; choose a shorter one")
            note = f"a synapse of {self.tau_syn:g} ms: each jump of the voltage lacks exp(-t / {self.tau_syn:g} ms) of itself"
            self.notes[name] = ("approximate", note)
        notes = []
        if kind == "CubaLIF":
            threshold, reset = self.values(name, "v_threshold"), self.reset(name)
            if np.any(threshold <= leak) or np.any(reset >= threshold):
                way = "expected v_leak and v_reset below v_threshold"
                self.notes[name] = ("unsupported", f"a neuron of it would fire for ever or without input: {way}")
                return
            if leak.any():
                notes.append("potentials are relative to v_leak")
        factor = self.factor(name)
        if kind != "LI" and np.any(factor != 1):
            notes.append("r and w_in are multiplied into the weights")
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

    def reset(self, name: str) -> Floats:
        given = self.nodes[name].get("v_reset")
        return np.zeros_like(self.values(name, "v_threshold")) if given is None else self.values(name, "v_reset")

    def factor(self, name: str) -> Floats:
        """What a spike of weight 1 adds to our current."""
        node, r = self.nodes[name], self.values(name, "r")
        area = 1.0 if self.pulse is None else self.pulse / self.ms
        if node["type"] == "LI":
            tau = self.times(name, "tau")
            assert self.tau_syn is not None
            found = r * area / self.values(name, "tau") * ((tau - self.tau_syn) / self.tau_syn)
        else:
            w_in = self.values(name, "w_in") if node.get("w_in") is not None else np.float64(1.0)
            found = r * (w_in / (self.values(name, "tau_syn") / area))  # w_in as to_nir writes it gives 1 exactly
        flat: Floats = np.ravel(found)
        return flat

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
        order = self.order(source, output)
        for name in order:
            if self.nodes[name]["type"] == "Input":
                net.add_input(name, self.width(name))
            else:
                self.add(net, name)
        found = [(a, name, delay, mapped) for name in order for (a, delay), mapped in signals.get(name, {}).items()]
        kept = self.kept.get("projections", [])
        if sorted(one[:3] for one in found) == sorted(kept):
            found.sort(key=lambda one: kept.index(one[:3]))
        for a, b, delay, mapped in found:
            if self.nodes[a]["type"] in ("LI", "CubaLI"):
                raise ValueError(f"the voltage of {a!r}, {self.nodes[a]['said']}, leads to {b!r}; only spikes pass on here: use CubaLIF")
            self.dense(b, mapped)
            net.connect(a, b, np.ascontiguousarray((mapped.dense() * self.factor(b)[:, None]).T), delay=delay)
        try:
            net._engine.validate()
        except ValueError as error:
            raise ValueError(f"{self.place} is no network that can be computed: {error}") from None
        net.nir_report = self.report()

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
                leaving = self.through(name, arrived[name])
            for b in out[name]:
                into = arrived.setdefault(b, {})
                for key, mapped in leaving.items():
                    width = len(mapped.values)
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
        if kind in ("Linear", "Affine"):
            weight = self.values(name, "weight")
            return {key: self.product(weight, mapped) for key, mapped in arriving.items()}
        if kind == "Scale":
            scale = self.values(name, "scale").ravel()
            return {
                key: Map("matrix", scale[:, None] * one.values) if one.kind == "matrix" else Map("diag", scale * one.values)
                for key, one in arriving.items()
            }
        if kind == "Delay":
            delay = float(self.times(name, "delay").ravel()[0])
            return {(source, before + delay): mapped for (source, before), mapped in arriving.items()}
        return arriving

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

    def sum(self, name: str, one: Map, other: Map) -> Map:
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
        tau_mem = _plain(self.times(name, "tau" if kind == "LI" else "tau_mem"))
        tau_syn = self.tau_syn if kind == "LI" else _plain(self.times(name, "tau_syn"))
        if kind != "CubaLIF":
            start = self.kept.get("v_init", {}).get(name, 0.0)
            net.add_li(name, self.width(name), tau_mem=tau_mem, tau_syn=tau_syn, v_init=start, trainable=trained)
            return
        leak = self.values(name, "v_leak")
        threshold, reset = _plain(self.values(name, "v_threshold") - leak), _plain(self.reset(name) - leak)
        constants = {"tau_mem": tau_mem, "tau_syn": tau_syn, "v_thresh": threshold, "v_reset": reset}
        net.add_lif(name, self.width(name), trainable=trained, **constants)


def _plain(values: Floats) -> float | Floats:
    """One number where all are equal."""
    flat = np.ravel(values)
    return float(flat[0]) if np.all(flat == flat[0]) else flat


# Writing


def to_nir(net: Network, path: str | os.PathLike[str] | None, pulse: float | None) -> Any:
    """See `Network.to_nir`."""
    nir = _nir()
    area = 1.0 if pulse is None else _arrays.positive("pulse", pulse) / 1000.0
    net._engine.validate()
    params = net.params
    nodes: dict[str, Any] = {}
    edges: list[tuple[str, str]] = []
    kept: dict[str, Any] = {"dt": net.dt, "trial": net.trial, "seed": net.seed, "order": [], "projections": []}
    if pulse is not None:
        kept["pulse"] = _arrays.positive("pulse", pulse)
    kept.update(times={}, trainable={}, v_init={})
    projections = iter(params)  # the weights come first
    sizes = {population.name: population.size for population in net._populations}
    for step in net._built:
        if "connect" in step:
            (source, target), name, delay = step["connect"], next(projections), float(step["delay"])
            start = source
            if delay > 0:
                start = _free(f"{name}:delay", nodes)
                nodes[start] = nir.Delay(delay=np.full(sizes[source], delay / 1000.0))
                kept["times"][start] = {"delay": delay}
                edges.append((source, start))
            weights = _free(name, nodes)
            nodes[weights] = nir.Linear(weight=np.ascontiguousarray(params[name].T))
            edges += [(start, weights), (weights, target)]
            kept["projections"].append((source, target, delay))
            continue
        name, size = step["name"], step["size"]
        _nameable(name, nodes)
        kept["order"].append(name)
        if step["trainable"]:
            kept["trainable"][name] = step["trainable"]
        if step["add"] == "input":
            nodes[name] = nir.Input(input_type={"input": np.array([size])})
            continue
        if step["add"] == "alif":
            raise ValueError(f"the thresholds of {name!r} adapt, which no node of NIR does; use add_lif, or keep the network with save()")
        found = {key: params[f"{name}.{key}"] if key in step["trainable"] else value for key, value in step["constants"].items()}
        whole = {key: np.array(np.broadcast_to(np.asarray(value, dtype=np.float64), size)) for key, value in found.items()}
        taus = {key: whole[key] / 1000.0 for key in ("tau_mem", "tau_syn")}
        kept["times"][name] = {key: whole[key].tolist() for key in taus}
        common = {**taus, "r": np.ones(size), "v_leak": np.zeros(size), "w_in": taus["tau_syn"] / area}
        if step["add"] == "lif":
            nodes[name] = nir.CubaLIF(**common, v_threshold=whole["v_thresh"], v_reset=whole["v_reset"])
            _starts(name, "v_reset", whole["v_reset"])
        else:
            nodes[name] = nir.CubaLI(**common)
            kept["v_init"][name] = found["v_init"] if isinstance(found["v_init"], float) else list(found["v_init"])
            _starts(name, "v_init", whole["v_init"])
    last = net._populations[-1]
    output = _free("output", nodes)
    nodes[output] = nir.Output(output_type={"output": np.array([last.size])})
    edges.append((last.name, output))
    graph = nir.NIRGraph(nodes=nodes, edges=edges, metadata={_KEY: json.dumps(kept)})
    if path is not None:
        _write(nir, graph, path)
    return graph


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
