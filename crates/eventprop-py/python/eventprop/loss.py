"""Losses, and how they read a class off the outputs.

A loss is given by its name in genn_eventprop (`"sum_weigh_exp"`) or as one of these objects, which carry
constants. Voltage-based losses require leaky-integrator outputs, first-spike losses LIF
outputs. Equations: `docs/equations.md`, [L1] to [L11].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar, Union

__all__ = [
    "AvgXentropy",
    "FirstSpike",
    "FirstSpikeExp",
    "Loss",
    "Max",
    "Sum",
    "SumWeighExp",
    "SumWeighInput",
    "SumWeighLate",
    "SumWeighLinear",
    "SumWeighSigmoid",
    "named",
]


class Loss:
    """What all losses have: a name and constants."""

    name: ClassVar[str]

    def _spec(self) -> tuple[str, dict[str, float]]:
        constants = asdict(self)  # type: ignore[call-overload]
        return self.name, {key: float(value) for key, value in constants.items() if value is not None}


@dataclass(frozen=True)
class Sum(Loss):
    """Cross-entropy of the time averages of the output voltages."""

    name: ClassVar[str] = "sum"


@dataclass(frozen=True)
class SumWeighLinear(Loss):
    """As `Sum`, with the weight 1 − t/T."""

    name: ClassVar[str] = "sum_weigh_linear"


@dataclass(frozen=True)
class SumWeighExp(Loss):
    """As `Sum`, with the weight exp(−t/T)."""

    name: ClassVar[str] = "sum_weigh_exp"


@dataclass(frozen=True)
class SumWeighSigmoid(Loss):
    """As `Sum`, with the weight 1 / (1 + exp((t/T − 0.5)/0.2))."""

    name: ClassVar[str] = "sum_weigh_sigmoid"


@dataclass(frozen=True)
class SumWeighInput(Loss):
    """As `Sum`, with a weight that follows the input activity.

    Parameters
    ----------
    tau
        Time constant of the accumulator in ms.
    gain
        What an input spike adds to it; `None` for `genn_eventprop`'s 0.01 dt/tau.
    """

    tau: float = 20.0
    gain: float | None = None
    name: ClassVar[str] = "sum_weigh_input"


@dataclass(frozen=True)
class SumWeighLate(Loss):
    """As `Sum`, with the weight (T/tau) exp(−(T − t)/tau): what a leaky accumulator of the voltages holds
    at the end of the trial.

    Parameters
    ----------
    tau
        Time constant of the accumulator in ms.
    """

    tau: float = 20.0
    name: ClassVar[str] = "sum_weigh_late"


@dataclass(frozen=True)
class AvgXentropy(Loss):
    """The time average of the cross-entropy of the output voltages."""

    name: ClassVar[str] = "avg_xentropy"


@dataclass(frozen=True)
class Max(Loss):
    """Cross-entropy of the maxima of the output voltages."""

    name: ClassVar[str] = "max"


@dataclass(frozen=True)
class FirstSpike(Loss):
    """Cross-entropy of the times of the first output spikes, with a penalty on a late one.

    Parameters
    ----------
    tau_0
        Temperature of the softmax in ms.
    alpha
        Weight of the penalty α / (1.01 T − t) on the spike of the labelled output.
    tau_1
        Not used here; accepted so that one set of constants fits both losses of first spikes.
    push_silent
        Whether a silent labelled output is pushed, as in `genn_eventprop`. The push is not part of a
        gradient.
    """

    tau_0: float = 0.5
    alpha: float = 3e-3
    tau_1: float = 6.4
    push_silent: bool = True
    name: ClassVar[str] = "first_spike"


@dataclass(frozen=True)
class FirstSpikeExp(Loss):
    """As `FirstSpike`, with the penalty α (exp(t/tau_1) − 1).

    Parameters
    ----------
    tau_0
        Temperature of the softmax in ms.
    tau_1
        Time constant of the penalty in ms.
    alpha
        Weight of the penalty.
    push_silent
        Whether a silent labelled output is pushed.
    """

    tau_0: float = 0.5
    tau_1: float = 6.4
    alpha: float = 3e-3
    push_silent: bool = True
    name: ClassVar[str] = "first_spike_exp"


LossLike = Union[str, Loss]

_ALL: dict[str, type[Loss]] = {
    loss.name: loss
    for loss in (
        Sum,
        SumWeighLinear,
        SumWeighExp,
        SumWeighSigmoid,
        SumWeighInput,
        SumWeighLate,
        AvgXentropy,
        Max,
        FirstSpike,
        FirstSpikeExp,
    )
}


_OWN = "; for one of your own see Network.forward and Run.backward"


def named(name: str, constants: Mapping[str, Any] | None = None) -> Loss:
    """The loss of this name. Constants that the loss does not have are ignored.

    >>> from eventprop import loss
    >>> loss.named("max", {"tau_0": 0.5})
    Max()
    """
    if name not in _ALL:
        raise ValueError(f"there is no loss {name!r}; there are {', '.join(_ALL)}{_OWN}")
    kind = _ALL[name]
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{key: value for key, value in (constants or {}).items() if key in known})


def as_loss(loss: LossLike) -> Loss:
    """A loss from its name or itself."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str):
        return named(loss)
    raise TypeError(f"loss is {loss!r}; expected a name such as \"sum\" or an object such as eventprop.loss.Sum(){_OWN}")
