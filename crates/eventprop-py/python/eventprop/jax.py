"""Networks as functions of JAX (`pip install eventprop[jax]`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:
    raise ImportError('eventprop.jax needs JAX, which is not installed; pip install "eventprop[jax]"') from error

from ._layer import Layer
from .network import Network

__all__ = ["eventprop_call", "init"]


def init(net: Network) -> dict[str, Any]:
    """The parameters of a network as a pytree: arrays under their names."""
    return {name: jnp.asarray(value) for name, value in net.params.items()}


def eventprop_call(
    net: Network,
    params: Mapping[str, Any],
    x: Any,
    *,
    output: str = "voltage",
    population: str | None = None,
    inputs: str = "graded",
    solver: str = "grid",
    most: int | None = None,
) -> Any:
    """The output of a network with other parameters; works under `jit`, `vmap` and `grad`.

    The backward pass solves the batch again, because a function of JAX keeps nothing.

    Parameters
    ----------
    net
        The network; its own parameters are not used.
    params
        Every parameter, as `init` gives them.
    x
        Amplitudes or spikes, [samples, steps, inputs], or times in ms, [samples, inputs, spikes].
    output, population, inputs, solver
        As for `eventprop.torch.EventProp`; outputs are samples first.
    most
        Spikes for which times are given, with `output="times"`: their array is [samples, neurons, `most`]. More spikes are
        an error.
    """
    layer = Layer(net, output, population, inputs, solver)
    if set(params) != set(layer.names):
        raise KeyError(f"params has the names {sorted(params)}; expected {sorted(layer.names)}")
    if (most is None) != (output != "times"):
        raise ValueError(f'most is {most!r} with output={output!r}; expected a number with "times", and none else')
    x = jnp.asarray(x)
    if x.ndim != 3:
        raise ValueError(f"x has shape {x.shape}; expected three dimensions")
    call = _Call(layer, most)
    found = call({name: jnp.asarray(params[name]) for name in layer.names}, x)
    return found


def _shape(one: Any) -> Any:
    return jax.ShapeDtypeStruct(one.shape, one.dtype)  # type: ignore[no-untyped-call]


class _Call:
    """The two passes of a layer as host callbacks."""

    def __init__(self, layer: Layer, most: int | None) -> None:
        self.layer, self.most = layer, most
        differentiable = jax.custom_vjp(self._forward)
        differentiable.defvjp(lambda params, x: (self._forward(params, x), (params, x)), self._backward)
        self._differentiable = differentiable

    def __call__(self, params: dict[str, Any], x: Any) -> Any:
        return self._differentiable(params, x)

    def _shape(self, x: Any) -> Any:
        layer = self.layer
        rest = (layer.size, self.most) if self.most is not None else (layer.steps, layer.size)
        return jax.ShapeDtypeStruct((x.shape[0], *rest), jnp.result_type(float))  # type: ignore[no-untyped-call]

    def _forward(self, params: dict[str, Any], x: Any) -> Any:
        return jax.pure_callback(self._solve, self._shape(x), params, x, vmap_method="sequential")

    def _backward(self, kept: tuple[dict[str, Any], Any], pull: Any) -> tuple[dict[str, Any], Any]:
        params, x = kept
        shapes = jax.tree.map(_shape, (params, x))
        found: tuple[dict[str, Any], Any]
        found = jax.pure_callback(self._differentiate, shapes, params, x, pull, vmap_method="sequential")
        return found

    def _lists(self, params: dict[str, Any], x: Any) -> tuple[Any, list[Any]]:
        return np.asarray(x), [np.asarray(params[name]) for name in self.layer.names]

    def _solve(self, params: dict[str, Any], x: Any) -> Any:
        out, _ = self.layer.forward(*self._lists(params, x))
        return self._padded(out).astype(jnp.result_type(float))

    def _padded(self, out: Any) -> Any:
        if self.most is None:
            return out
        if out.shape[2] > self.most:
            raise ValueError(f"a neuron has {out.shape[2]} spikes, and most is {self.most}; give a larger most")
        return np.pad(out, ((0, 0), (0, 0), (0, self.most - out.shape[2])), constant_values=np.inf)

    def _differentiate(self, params: dict[str, Any], x: Any, pull: Any) -> tuple[dict[str, Any], Any]:
        numbers, lists = self._lists(params, x)
        out, run = self.layer.forward(numbers, lists)
        pull = np.asarray(pull)
        if self.most is not None:
            pull = pull[:, :, : out.shape[2]]
        by_input, gradients = self.layer.backward(run, numbers, lists, pull, True)
        pairs = zip(self.layer.names, gradients)
        return {name: one.astype(params[name].dtype) for name, one in pairs}, by_input.astype(x.dtype)
