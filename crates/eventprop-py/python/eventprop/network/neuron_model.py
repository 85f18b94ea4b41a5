"""Neuron models that are given as equations."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

from .. import _engine
from .._warning import warn

__all__ = ["NeuronModel"]

Expressions = Mapping[str, Union[str, float]]


def _texts(what: str, given: Any) -> list[tuple[str, str]]:
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} is {given!r}; expected a mapping from names to expressions")
    for name, text in given.items():
        if isinstance(text, bool) or not isinstance(text, (str, int, float)):
            raise TypeError(f"{what}[{name!r}] is {text!r}; expected an expression, such as '(i - v)/tau_mem'")
    return [(str(name), str(text)) for name, text in given.items()]


def _numbers(what: str, given: Any) -> list[tuple[str, float]]:
    if not isinstance(given, Mapping):
        raise TypeError(f"{what} is {given!r}; expected a mapping from names to numbers")
    for name, value in given.items():
        if isinstance(value, (bool, str)):
            raise TypeError(f"{what}[{name!r}] is {value!r}; expected a number")
    return [(str(name), float(value)) for name, value in given.items()]


class NeuronModel:
    """A neuron model as text: differential equations, threshold, reset and what an arrival does. Times are in ms.

    The adjoint is derived from the text; nothing is compiled. `Network.add` takes the model.

    Parameters
    ----------
    state
        Derivative by time of every state variable, per ms.
    input
        State variables just after an arriving spike of weight `w`: `{"i": "i + w"}`. Where a model has several ways to receive,
        one such mapping for each, by the name of the port: `{"fast": {"i_fast": "i_fast + w"}, "slow": …}`.
    spike
        A spike happens where this rises through 0; without it neurons never spike.
    reset
        State variables just after a spike; those left out stay.
    parameters
        Names and values.
    initial
        State at the start of a trial, from parameters; 0 where left out.
    readout
        The state variable that voltage losses read: `v`, or the first.
    scales
        Typical sizes of state variables, for tolerances; 1 where left out.
    substeps
        Equal parts into which the grid solver cuts a step.
    name
        A name for the model.

    Raises
    ------
    ValueError
        When the text is no model: the place in the text, and what was expected.
    """

    def __init__(
        self,
        state: Expressions,
        *,
        input: Mapping[str, Any],
        spike: str | None = None,
        reset: Expressions | None = None,
        parameters: Mapping[str, float] | None = None,
        initial: Expressions | None = None,
        readout: str | None = None,
        scales: Mapping[str, float] | None = None,
        substeps: int = 1,
        name: str = "",
    ) -> None:
        if not isinstance(input, Mapping):
            raise TypeError(f"input is {input!r}; expected a mapping such as {{'i': 'i + w'}}")
        if input and all(isinstance(port, Mapping) for port in input.values()):
            ports = [(str(port), _texts(f"input[{port!r}]", texts)) for port, texts in input.items()]
        else:
            ports = [("", _texts("input", input))]
        shown = _engine.neuron_model(
            {
                "name": name,
                "state": _texts("state", state),
                "spike": spike,
                "reset": _texts("reset", reset or {}),
                "input": ports,
                "parameters": _numbers("parameters", parameters or {}),
                "initial": _texts("initial", initial or {}),
                "readout": readout,
                "scales": _numbers("scales", scales or {}),
                "substeps": substeps,
            }
        )
        self._take(shown)

    def _take(self, shown: dict[str, Any]) -> None:
        self._shown = shown
        for name in shown["unused"]:
            warn(f"no expression of the neuron model reads its parameter {name!r}")

    @classmethod
    def _of(cls, shown: dict[str, Any]) -> NeuronModel:
        model = cls.__new__(cls)
        model._take(shown)
        return model

    @classmethod
    def from_toml(cls, source: str | Path) -> NeuronModel:
        """The model of a TOML file: its path, or its text."""
        text = str(source)
        if isinstance(source, Path) or ("\n" not in text and text.endswith(".toml")):
            text = Path(source).read_text(encoding="utf-8")
        return cls._of(_engine.neuron_model(text))

    @classmethod
    def shipped(cls, name: str) -> NeuronModel:
        """A model that comes along, by name; `shipped_names` lists them."""
        return cls._of(_engine.shipped_neuron_model(name))

    @staticmethod
    def shipped_names() -> list[str]:
        """Names of the models that come along."""
        return _engine.shipped_neuron_models()

    @property
    def name(self) -> str:
        """Name of the model."""
        return str(self._shown["name"])

    @property
    def state(self) -> list[str]:
        """Names of the state variables."""
        return list(self._shown["state"])

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters with their values."""
        return dict(self._shown["parameters"])

    @property
    def ports(self) -> list[str]:
        """Names of the ways to receive; one empty name where there is one way."""
        return list(self._shown["ports"])

    @property
    def readout(self) -> str:
        """The state variable that voltage losses read."""
        return str(self._shown["readout"])

    @property
    def spikes(self) -> bool:
        """True if its neurons spike."""
        return bool(self._shown["spikes"])

    @property
    def linear(self) -> bool:
        """True if the equations are linear with constant coefficients: the grid solver then steps exactly."""
        return bool(self._shown["linear"])

    def describe(self) -> str:
        """The model, and the adjoint that was derived, as text."""
        return str(self._shown["description"])

    def to_toml(self) -> str:
        """The model as a TOML file."""
        return str(self._shown["toml"])

    def __repr__(self) -> str:
        return f"NeuronModel({self.name or 'unnamed'}: {', '.join(self.state)})"
