# mypy: ignore-errors
# PyTorch is optional: where it is not installed its types are not known.
"""Networks as modules of PyTorch (`pip install eventprop[torch]`)."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np

try:
    import torch
except ImportError as error:
    raise ImportError('eventprop.torch needs PyTorch, which is not installed; pip install "eventprop[torch]"') from error

from ._layer import Layer
from .network import Network, Run
from .spikes import Spikes

__all__ = ["EventProp"]

_TAPES = 16
"""Forward passes whose tapes are kept for their backward passes; older ones are solved again."""

_modules: weakref.WeakValueDictionary[int, EventProp] = weakref.WeakValueDictionary()
_keys = itertools.count()
_handles = itertools.count(1)
_tapes: OrderedDict[int, Run] = OrderedDict()
_lock = threading.Lock()


class EventProp(torch.nn.Module):
    """A network as a module, with one parameter per parameter of the network; gradients go into what stands before it.

    Tensors are [steps, samples, neurons], or [samples, steps, neurons] with `batch_first`, on the CPU. The module works
    with any optimiser, `state_dict`, `pickle`, `deepcopy` and `torch.compile`. It has a copy of `net`. Where nothing stands
    before it, `eventprop.Spikes` are a faster input: long trials are mostly zeros as tensors.

    Parameters
    ----------
    net
        The network. `"->"` stays in the names of parameters; a dot becomes a colon, as in `"hid:tau_mem"`.
    output
        `"voltage"`: voltages at the end of each step. `"spikes"`: zeros and ones; the gradient that comes back is, at each
        spike, the derivative by its time in 1/ms, and other entries are not read. `"times"`: times in ms, [samples, neurons,
        most spikes of a neuron], infinite where there is no spike.
    population
        Whose output it is; `None` for the last one.
    inputs
        `"graded"`: the input is amplitudes, one for each step, and its gradient is the derivative by them: what a network
        of real numbers before this one needs. `"time"`: zeros and ones; the gradient is the derivative by the time of each
        spike, 0 elsewhere: what another `EventProp` with `output="spikes"` needs. `"times"`: times in ms, [samples, inputs,
        spikes], infinite for none, and their derivatives.
    solver
        `"grid"` (float32), `"grid64"`, or `"event"` for `output="times"`.
    batch_first
        Whether samples come before steps.
    """

    def __init__(
        self,
        net: Network,
        output: str = "voltage",
        *,
        population: str | None = None,
        inputs: str = "graded",
        solver: str = "grid",
        batch_first: bool = False,
    ) -> None:
        super().__init__()
        self._layer = Layer(net, output, population, inputs, solver)
        self.batch_first = bool(batch_first)
        dtype = torch.float32 if solver == "grid" else torch.float64
        for name in self._layer.names:
            value = torch.tensor(net.params[name], dtype=dtype)
            self.register_parameter(name.replace(".", ":"), torch.nn.Parameter(value))
        self._register()

    def _register(self) -> None:
        self._key = next(_keys)
        _modules[self._key] = self

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._register()

    def forward(self, x: torch.Tensor | Spikes) -> torch.Tensor:
        """The output for a batch: a tensor, or spikes, whose labels are not read."""
        params = [getattr(self, name.replace(".", ":")) for name in self._layer.names]
        for name, param in zip(self._layer.names, params):
            if param.device.type != "cpu":
                raise ValueError(f"{name} is on {param.device}; the solvers compute on the CPU: leave the module there")
        if isinstance(x, Spikes):
            out = _OfSpikes.apply(self._layer, x, *params)
        else:
            out, _ = _forward(self._batch(x), params, self._key)
        return out if self.batch_first or self._layer.output == "times" else out.transpose(0, 1)

    def _batch(self, x: Any) -> torch.Tensor:
        """A tensor, samples first."""
        if not isinstance(x, torch.Tensor):
            raise TypeError(f"x is {type(x).__name__}; expected a tensor or eventprop.Spikes")
        if x.dim() != 3:
            raise ValueError(f"x has shape {tuple(x.shape)}; expected three dimensions")
        if x.device.type != "cpu":
            raise ValueError(f"x is on {x.device}; the solvers compute on the CPU: give x.cpu(), and move the output back")
        return x if self.batch_first or self._layer.inputs == "times" else x.transpose(0, 1)

    def network(self) -> Network:
        """A network with the parameters as they are now."""
        params = {name: getattr(self, name.replace(".", ":")).detach().numpy() for name in self._layer.names}
        return self._layer.network(params)

    def extra_repr(self) -> str:
        layer = self._layer
        return f"{layer.net!r}, output={layer.output!r} of {layer.population!r}, inputs={layer.inputs!r}, solver={layer.solver!r}"


class _OfSpikes(torch.autograd.Function):
    """The output for spikes, through which no gradient goes back."""

    @staticmethod
    def forward(ctx: Any, layer: Layer, spikes: Spikes, *params: torch.Tensor) -> torch.Tensor:
        out, ctx.run = layer.solve(spikes, _arrays(params))
        ctx.layer = layer
        ctx.save_for_backward(*params)
        return torch.from_numpy(out).to(_dtype_of(layer))

    @staticmethod
    def backward(ctx: Any, pull: torch.Tensor) -> tuple[Any, ...]:
        params = ctx.saved_tensors
        _, gradients = ctx.layer.backward(ctx.run, np.zeros(0), _arrays(params), pull.detach().numpy(), by_input=False)
        return None, None, *(torch.from_numpy(one).to(param.dtype) for one, param in zip(gradients, params))


def _arrays(tensors: Sequence[torch.Tensor]) -> list[Any]:
    return [tensor.detach().numpy() for tensor in tensors]


@torch.library.custom_op("eventprop::forward", mutates_args=())
def _forward(x: torch.Tensor, params: list[torch.Tensor], key: int) -> tuple[torch.Tensor, torch.Tensor]:
    out, run = _modules[key]._layer.forward(x.detach().numpy(), _arrays(params))
    handle = next(_handles)
    with _lock:
        _tapes[handle] = run
        while len(_tapes) > _TAPES:
            _tapes.popitem(last=False)
    return torch.from_numpy(np.array(out)).to(_dtype(key, x)), torch.tensor(handle)


def _dtype(key: int, x: torch.Tensor) -> torch.dtype:
    """That of the solver; times have that of the input, if it is double."""
    layer = _modules[key]._layer
    return torch.float64 if layer.output == "times" and x.dtype == torch.float64 else _dtype_of(layer)


def _dtype_of(layer: Layer) -> torch.dtype:
    return torch.float32 if layer.solver == "grid" else torch.float64


@_forward.register_fake
def _(x: torch.Tensor, params: list[torch.Tensor], key: int) -> tuple[torch.Tensor, torch.Tensor]:
    layer = _modules[key]._layer
    dtype = _dtype(key, x)
    if layer.output == "times":
        most = torch.library.get_ctx().new_dynamic_size()
        out = x.new_empty((x.shape[0], layer.size, most), dtype=dtype)
    else:
        out = x.new_empty((x.shape[0], layer.steps, layer.size), dtype=dtype)
    return out, x.new_empty((), dtype=torch.int64)


@torch.library.custom_op("eventprop::backward", mutates_args=())
def _backward(
    pull: torch.Tensor, x: torch.Tensor, params: list[torch.Tensor], handle: torch.Tensor, key: int, by_input: bool
) -> list[torch.Tensor]:
    layer = _modules[key]._layer
    numbers, arrays = x.detach().numpy(), _arrays(params)
    with _lock:
        run = _tapes.pop(int(handle), None)
    if run is None:
        _, run = layer.forward(numbers, arrays)
    found, gradients = layer.backward(run, numbers, arrays, pull.detach().numpy(), by_input)
    back = [torch.from_numpy(np.array(found)).to(x.dtype)]
    return back + [torch.from_numpy(one).to(param.dtype) for one, param in zip(gradients, params)]


@_backward.register_fake
def _(
    pull: torch.Tensor, x: torch.Tensor, params: list[torch.Tensor], handle: torch.Tensor, key: int, by_input: bool
) -> list[torch.Tensor]:
    by_x = x if by_input else x.new_empty(0)
    return [torch.empty_like(one, memory_format=torch.contiguous_format) for one in (by_x, *params)]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: tuple[torch.Tensor, torch.Tensor]) -> None:
    x, params, key = inputs
    ctx.save_for_backward(x, output[1], *params)
    ctx.mark_non_differentiable(output[1])
    ctx.key = key


def _differentiate(ctx: Any, pull: torch.Tensor, _: Any) -> tuple[Any, Any, None]:
    x, handle, *params = ctx.saved_tensors
    found = _backward(pull.contiguous(), x, params, handle, ctx.key, ctx.needs_input_grad[0])
    return (found[0] if ctx.needs_input_grad[0] else None), list(found[1:]), None


torch.library.register_autograd("eventprop::forward", _differentiate, setup_context=_keep)
