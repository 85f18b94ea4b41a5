"""A network as a layer of another framework: arrays in, arrays out, and derivatives back."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _arrays, _engine
from .network import Network, Run
from .spikes import Spikes

Array = npt.NDArray[Any]

OUTPUTS = ("voltage", "spikes", "times")
INPUTS = ("graded", "time", "times")


class Layer:
    """A copy of a network with parameters from outside; see `eventprop.torch.EventProp` for the meanings."""

    def __init__(self, net: Network, output: str, population: str | None, inputs: str, solver: str) -> None:
        if not isinstance(net, Network):
            raise TypeError(f"net is {type(net).__name__}; expected eventprop.Network")
        _arrays.one_of("output", output, OUTPUTS)
        _arrays.one_of("inputs", inputs, INPUTS)
        net._warn_of_uncalibrated()
        self.names = list(net.params)
        self.net = copy.deepcopy(net)
        populations = {one.name: one for one in self.net._populations}
        chosen = self.net._output.name if population is None else population
        if chosen not in populations:
            raise KeyError(f"there is no population {chosen!r}; there are {', '.join(populations)}")
        model = populations[chosen].model
        if model == "input" or (model == "li" and output != "voltage"):
            raise ValueError(f"output is {output!r}, but {chosen!r} has none; its neurons are {model!r}")
        if solver == "event" and output != "times":
            raise ValueError('the event solver has no steps; expected output="times", or solver="grid" or "grid64"')
        self.output, self.population, self.inputs, self.solver = output, chosen, inputs, solver
        self.size = populations[chosen].size
        self.input = next(one for one in self.net._populations if one.model == "input")
        self.steps = round(self.net.trial / self.net.dt)
        self.shapes = {name: self.net.params.shape(name) for name in self.names}
        self.net._uncalibrated.clear()
        self._lock = threading.Lock()
        self._spare = _engine.Spare()

    def forward(self, x: Array, params: Sequence[Array]) -> tuple[Array, Run]:
        """The output, samples first: voltages and spikes [B, T, N], times [B, N, K]."""
        return self.solve(self._spikes(x), params)

    def solve(self, spikes: Spikes, params: Sequence[Array]) -> tuple[Array, Run]:
        """As `forward`, for spikes."""
        with self._lock:
            self._adopt(params)
            observe = [f"{self.population}.V"] if self.output == "voltage" else []
            # PERF: most of the time of a batch beside the solver would go into new memory for its tape.
            run = self.net._forward(spikes, self.solver, observe, self._spare)
        if self.output == "voltage":
            # The end of each step: row 0 is the start of the trial.
            return run[f"{self.population}.V"][:, 1:], run
        if self.output == "times":
            return run.spike_times(self.population, padded=True), run
        spikes = run.spike_times(self.population)
        return spikes.to_dense(self.net.trial, dt=self.net.dt, neurons=self.size), run

    def backward(self, run: Run, x: Array, params: Sequence[Array], pull: Array, by_input: bool) -> tuple[Array, list[Array]]:
        """Derivatives by the input, in the shape of x (none where not wanted), and by the parameters."""
        with self._lock:
            # The parameters of a tape are still those: whoever calls keeps what it gave forward.
            if not run._run.is_current():
                self._adopt(params)
            inputs = {"graded": "graded", "time": "time", "times": "time"}[self.inputs] if by_input else None
            name = self.population
            if self.output == "voltage":
                grads = run.backward(voltage={name: pull}, inputs=inputs)
            elif self.output == "times":
                there = np.isfinite(run.spike_times(name, padded=True))
                grads = run.backward(spike_times={name: np.where(there, pull, 0.0)}, inputs=inputs)
            else:
                grads = run.backward(spike_times={name: pull[self._slots(run.spike_times(name))]}, inputs=inputs)
        found = np.zeros(x.shape if by_input else 0)
        if by_input:
            assert grads.inputs is not None
            if self.inputs == "graded":
                found = grads.inputs
            elif self.inputs == "time":
                found[self._slots(run.spike_times(self.input.name))] = grads.inputs
            else:
                places, _ = run._padding(self.input.name)
                ascending = np.zeros(x.shape)
                ascending[places] = grads.inputs
                order = np.argsort(x, axis=2, kind="stable")
                np.put_along_axis(found, order, ascending, axis=2)
        return found, [grads[name] for name in self.names]

    def network(self, params: Mapping[str, Any]) -> Network:
        """A network of its own with these parameters."""
        found = copy.deepcopy(self.net)
        for name, value in params.items():
            found.params[name] = value
        return found

    def _adopt(self, params: Sequence[Array]) -> None:
        """Sets the parameters, unless they are those that are set: a tape serves as long as they stay."""
        flat = []
        for (name, shape), value in zip(self.shapes.items(), params):
            _arrays.check_shape(name, value.shape, shape)
            flat.append(np.ascontiguousarray(value).reshape(-1))
        self.net._engine.set_params(flat)

    def _spikes(self, x: Array) -> Spikes:
        if self.inputs != "times":
            _arrays.check_shape("x", x.shape, (None, self.steps, self.input.size))
            return Spikes.from_dense(x, dt=self.net.dt, graded=self.inputs == "graded")
        _arrays.check_shape("x", x.shape, (None, self.input.size, None))
        if np.isnan(x).any() or (x == -np.inf).any():
            raise ValueError("x has times that are NaN or −∞; expected times in ms, and ∞ for no spike")
        sample, neuron, place = np.nonzero(np.isfinite(x))
        offsets = np.searchsorted(sample, np.arange(len(x) + 1)).astype(np.int64)
        return Spikes.from_csr(x[sample, neuron, place].astype(np.float64), neuron, offsets)

    def _slots(self, spikes: Spikes) -> tuple[Array, Array, Array]:
        """Sample, step and neuron of every spike."""
        sample = np.repeat(np.arange(len(spikes)), np.diff(spikes.offsets))
        return sample, np.rint(spikes.times_ms / self.net.dt).astype(np.int64), spikes.neurons.astype(np.int64)

    def __getstate__(self) -> dict[str, Any]:
        return {key: value for key, value in self.__dict__.items() if key not in ("_lock", "_spare")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()
        self._spare = _engine.Spare()
