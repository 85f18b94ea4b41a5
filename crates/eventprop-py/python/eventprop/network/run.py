"""The two verbs for your own losses: forward, and backward from the derivatives of a loss."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine
from ..spikes import Spikes

if TYPE_CHECKING:
    from . import Network

__all__ = ["Gradients", "Run"]

_INPUTS = ("time", "graded", "current")

_Flat = tuple[npt.NDArray[np.float64], npt.NDArray[np.uint32], npt.NDArray[np.int64]]


class Gradients(Mapping[str, npt.NDArray[Any]]):
    """Derivatives of a loss by the parameters of a network, under their names; see `Run.backward`."""

    inputs: npt.NDArray[Any] | None
    """Derivatives by the input, or `None` where they were not asked for. `"time"`: by the time of every input spike in
    1/ms, parallel to `run.spike_times(INPUT).times_ms`. `"graded"`: by the amplitude of each input at each step,
    [samples, steps, inputs]. `"current"`: by a current over each step, [samples, steps, size]."""

    def __init__(self, values: Mapping[str, npt.NDArray[Any]], inputs: npt.NDArray[Any] | None = None) -> None:
        self._values = dict(values)
        self.inputs = inputs

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        if name not in self._values:
            raise KeyError(f"there is no gradient of {name!r}; there are {', '.join(self)}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name!r}: {list(value.shape)}" for name, value in self.items())
        return f"<Gradients {{{shapes}}}>"


class Run:
    """A batch that went forward, with its tape; what `Network.forward` gives.

    `run["out.V"]` are the voltages of a population that was observed, `run["hid.spikes"]` the spikes of any population.
    The tape is freed with the object. It serves as long as the parameters of the network stay as they are.
    """

    def __init__(
        self,
        network: Network,
        batch: Spikes,
        solver: str,
        observe: Iterable[str],
        spare: _engine.Spare | None = None,
    ) -> None:
        names = [observe] if isinstance(observe, str) else list(observe)
        populations = {population.name: population for population in network._populations}
        for name in names:
            of, _, variable = str(name).rpartition(".")
            if of not in populations:
                known = ", ".join(populations)
                raise KeyError(f"observe names {name!r}, but there is no population {of!r}; there are {known}")
            if variable not in ("V", "spikes"):
                raise ValueError(f"observe names {name!r}; write POPULATION.V or POPULATION.spikes")
            if variable == "V" and populations[of].model == "input":
                raise ValueError(f"observe names {name!r}, but the input has no voltage; its spikes are {of}.spikes")
        self._populations = populations
        self._shown = list(dict.fromkeys(name[:-2] for name in names if name.endswith(".V")))
        self._labels = batch.labels if batch.has_labels else None
        self._run = _engine.Run(network._engine, batch, solver, self._shown, spare)
        self._seen = self._run.voltages()
        self._spikes: dict[str, _Flat] = {}
        self._input = next(name for name, population in populations.items() if population.model == "input")
        self._targets = network._targets(self._input)
        self.samples = len(batch)
        """Number of samples."""

    def __getitem__(self, name: str) -> Any:
        of, _, variable = str(name).rpartition(".")
        if variable == "spikes" and of in self._populations:
            return self.spike_times(of)
        if variable == "V" and of in self._populations:
            return self._voltages(of)[1]
        raise KeyError(f"there is no {name!r} in this run; there are POPULATION.spikes, and {self._known()}")

    def nodes(self, population: str) -> Any:
        """Times and widths in ms of the rows of the voltages of a population.

        Where rows are the starts of steps, and the end of the trial, two arrays [steps + 1]; the width of the last row is 0.
        Of leaky integrators under the event solver, a list with two arrays [rows] per sample, the nodes of a quadrature:
        the sum of widths times f(V) is the integral of f(V) over the trial.
        """
        return self._voltages(population)[2]

    def spike_times(self, population: str, *, padded: bool = False) -> Any:
        """The spikes of a population as `Spikes`, or padded: times in ms, [samples, neurons, most spikes of a neuron], with
        infinity where there is no spike.
        """
        if population not in self._populations:
            raise KeyError(f"there is no population {population!r}; there are {', '.join(self._populations)}")
        times, neurons, offsets = self._flat(population)
        if not padded:
            return Spikes._of(times.copy(), neurons.copy(), offsets.copy(), self._labels)
        places, shape = self._padding(population)
        found = np.full(shape, np.inf)
        found[places] = times
        return found

    def backward(
        self,
        voltage: Mapping[str, Any] | None = None,
        spike_times: Mapping[str, Any] | None = None,
        *,
        inputs: str | None = None,
        grazing: str = "keep",
    ) -> Gradients:
        """Derivatives of a loss by all parameters, from its derivatives by what was seen. May be called again.

        Parameters
        ----------
        voltage
            By name of a population that was observed: the derivatives by its voltages, in the shape of `run["NAME.V"]`;
            on steps also without the first row, the start of the trial, which is then 0.
        spike_times
            By name of any population: the derivatives by the times of its spikes in 1/ms, [spikes], parallel to
            `run.spike_times(NAME).times_ms`, or in the shape of `run.spike_times(NAME, padded=True)`, where entries
            without a spike must be 0.
        inputs
            The derivative by the input that is wanted, for a layer before this network: `"time"` by the time of input
            spikes, `"graded"` by their amplitudes, `"current"` by a current into the membrane of the population that the
            input reaches, or `"current:NAME"`. The meanings differ; `Gradients.inputs` says the shapes.
        grazing
            As for `Network.evaluate`.
        """
        for what, given in (("voltage", voltage), ("spike_times", spike_times)):
            if given is not None and not isinstance(given, Mapping):
                raise TypeError(f"{what} is {type(given).__name__}; expected derivatives by name, such as {what}={{'out': …}}")
        dl_dv = {name: self._dl_dv(name, value) for name, value in (voltage or {}).items()}
        dl_dt = {name: self._dl_dt(name, value) for name, value in (spike_times or {}).items()}
        if not dl_dv and not dl_dt:
            raise ValueError("backward() needs derivatives of the loss; give voltage={NAME: …} or spike_times={NAME: …}")
        found = self._run.backward(dl_dv, dl_dt, self._convention(inputs), grazing)
        return Gradients(found["gradients"], found.get("inputs"))

    def _dl_dv(self, name: str, value: Any) -> Any:
        on_steps, shown, _ = self._voltages(name)
        of = f"voltage[{name!r}]"
        if on_steps:
            found = _arrays.array(of, value)
            samples, rows, size = shown.shape
            if found.shape != (samples, rows - 1, size):
                _arrays.check_shape(of, found.shape, shown.shape)
            return found if found.dtype in (np.float32, np.float64) else found.astype(np.float64)
        samples = list(value)
        if len(samples) != self.samples:
            raise ValueError(f"{of} has {len(samples)} samples; expected {self.samples}, one array for each")
        arrays = [_arrays.floats(f"{of}[{k}]", one, shown[k].shape) for k, one in enumerate(samples)]
        return np.concatenate([one.reshape(-1) for one in arrays])

    def _dl_dt(self, name: str, value: Any) -> npt.NDArray[np.float64]:
        spikes = self.spike_times(name)
        of = f"spike_times[{name!r}]"
        found = _arrays.floats(of, value)
        if found.ndim != 3:
            _arrays.check_shape(of, found.shape, (len(spikes.times_ms),))
            return found
        places, shape = self._padding(name)
        _arrays.check_shape(of, found.shape, shape)
        chosen = found[places]
        if np.count_nonzero(found) != np.count_nonzero(chosen):
            raise ValueError(f"{of} is not 0 at an entry without a spike; a spike that is not there has no time to move")
        return np.ascontiguousarray(chosen)

    def _flat(self, name: str) -> _Flat:
        """Times, neurons and offsets of the spikes of a population."""
        if name not in self._spikes:
            self._spikes[name] = self._run.spikes(name)
        return self._spikes[name]

    def _padding(self, name: str) -> tuple[tuple[npt.NDArray[Any], ...], tuple[int, int, int]]:
        """Sample, neuron and number of every spike of a population, and the shape of the padded times."""
        _, neurons, offsets = self._flat(name)
        sample = np.repeat(np.arange(self.samples), np.diff(offsets))
        size = self._populations[name].size
        key = sample * size + neurons
        order = np.argsort(key, kind="stable")
        first = np.searchsorted(key[order], key[order], side="left")
        number = np.empty(len(key), np.int64)
        number[order] = np.arange(len(key)) - first
        most = int(number.max()) + 1 if len(number) else 0
        return (sample, neurons.astype(np.int64), number), (self.samples, size, most)

    def _convention(self, inputs: str | None) -> tuple[str, str | None] | None:
        if inputs is None:
            return None
        name, _, of = str(inputs).partition(":")
        if name not in _INPUTS or (of and name != "current"):
            raise ValueError(f'inputs is {inputs!r}; expected "time", "graded", "current", "current:NAME" or None')
        if name != "current":
            return name, None
        if not of:
            if len(self._targets) != 1:
                known = ", ".join(self._targets)
                raise ValueError(f'inputs is "current", but the input reaches {known}; write "current:NAME"')
            of = self._targets[0]
        if of == self._input:
            raise ValueError(f'inputs is {inputs!r}, but the input has no membrane; expected another population')
        return name, of

    def _voltages(self, name: str) -> tuple[bool, Any, Any]:
        """Whether rows are the starts of steps, the voltages, and times and widths of the rows."""
        if name not in self._shown:
            if name not in self._populations:
                raise KeyError(f"there is no population {name!r}; there are {', '.join(self._populations)}")
            raise ValueError(f'the voltages of {name!r} were not observed; ask for forward(…, observe=["{name}.V"])')
        found: tuple[bool, Any, Any] = self._seen[name]
        return found

    def _known(self) -> str:
        return ", ".join(f"{name}.V" for name in self._shown) or "no voltages, for none was observed"

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("a Run holds the tape of a solver and cannot be pickled; keep what was read from it, or run forward() again")

    def __repr__(self) -> str:
        return f"<Run: {self.samples} samples, {self._known()}>"
