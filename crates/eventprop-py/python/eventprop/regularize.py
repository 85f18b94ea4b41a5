"""Regularisers of hidden activity."""

from __future__ import annotations

from dataclasses import dataclass

from . import _arrays

__all__ = ["Regularizer"]


@dataclass(frozen=True)
class Regularizer:
    """Pulls the spike counts of a population towards a target, and limits their sum.

    As in `genn_eventprop` these are not gradients of a penalty but jumps of λ_V at every spike,
    equations [R1] and [R2] of `docs/equations.md`.

    Parameters
    ----------
    nu
        The target in spikes per neuron and trial.
    lbd_upper, lbd_lower
        Strength above the target, and at or below it.
    rho, glb
        Limit of the spikes of the whole population in a trial, and strength above it; `None` for none.
    batch_average
        Whether the count of a neuron is its mean over the batch.
    """

    nu: float = 14.0
    lbd_upper: float = 2e-9
    lbd_lower: float = 2e-9
    rho: float | None = None
    glb: float = 1e-8
    batch_average: bool = False

    def _numbers(self) -> dict[str, float]:
        numbers = {
            "nu_upper": _arrays.number("nu", self.nu),
            "lbd_upper": _arrays.number("lbd_upper", self.lbd_upper),
            "lbd_lower": _arrays.number("lbd_lower", self.lbd_lower),
            "batch_average": float(self.batch_average),
        }
        if self.rho is not None:
            numbers["rho_upper"] = _arrays.number("rho", self.rho)
            numbers["glb_upper"] = _arrays.number("glb", self.glb)
        return numbers
