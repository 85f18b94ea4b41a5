"""Is the gradient correct? The adjoint against central differences, both by the event solver."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

from . import _arrays, _engine
from .loss import LossLike
from .network import Network
from .spikes import Spikes

__all__ = ["Check", "GradientReport", "gradcheck"]


@dataclass(frozen=True)
class Check:
    """One parameter that was checked."""

    name: str
    """The projection or constant, such as `"in->hid"` or `"hid.tau_mem"`."""
    source: int | None
    """Source neuron; `None` for a constant."""
    target: int
    """Target neuron, or the neuron whose constant it is."""
    adjoint: float
    """The derivative by the adjoint."""
    difference: float
    """The derivative by differences."""
    uncertainty: float
    """Uncertainty of the difference."""
    verdict: str
    """`"correct"`, `"spikes changed"`, `"grazing"` or `"wrong"`."""


class GradientReport(Sequence[Check]):
    """The checks; printed, a table."""

    loss: float
    """Mean loss of the batch."""
    grazing: int
    """Spikes that graze their threshold."""
    worst_relative_error: float
    """The largest |adjoint − difference| among correct checks, relative to the largest derivative of its parameter."""

    unseen: list[str]
    """Projections and constants of which every checked derivative is 0: no spike depends on them, and nothing was checked."""

    def __init__(self, checks: list[Check], seen: dict[str, Any]) -> None:
        self._checks = checks
        self.loss = seen["loss"]
        self.grazing = seen["grazing"]
        self.worst_relative_error = seen["worst_relative_error"]
        self.unseen = seen["unseen"]

    @property
    def correct(self) -> bool:
        """Whether nothing is wrong, and something is correct beside `unseen`."""
        return self.count("wrong") == 0 and any(check.verdict == "correct" and check.name not in self.unseen for check in self)

    def count(self, verdict: Any) -> int:
        """Number of checks with a verdict."""
        return sum(check.verdict == verdict for check in self._checks)

    @overload
    def __getitem__(self, key: int) -> Check: ...
    @overload
    def __getitem__(self, key: slice) -> list[Check]: ...
    def __getitem__(self, key: int | slice) -> Any:
        return self._checks[key]

    def __iter__(self) -> Iterator[Check]:
        return iter(self._checks)

    def __len__(self) -> int:
        return len(self._checks)

    def __str__(self) -> str:
        names = list(dict.fromkeys(check.name for check in self))
        lines = [f"{'parameter':20} {'checked':>7} {'correct':>7} {'spikes changed':>14} {'grazing':>7} {'wrong':>6}"]
        for name in names:
            of = [check.verdict for check in self if check.name == name]
            counts = [of.count(verdict) for verdict in ("correct", "spikes changed", "grazing", "wrong")]
            lines.append(f"{name:20} {len(of):7} {counts[0]:7} {counts[1]:14} {counts[2]:7} {counts[3]:6}")
        lines.append(f"worst relative error of the correct ones {self.worst_relative_error:.1e}; {self.grazing} grazing spikes")
        if self.unseen:
            lines.append(
                f"all checked derivatives of {', '.join(self.unseen)} are 0, so that nothing was checked there: no spike depends on them; give "
                "larger weights, or net.calibrate(batch), first"
            )
        return "\n".join(lines)

    __repr__ = __str__


def gradcheck(
    network: Network,
    batch: Spikes,
    loss: LossLike | None = None,
    *,
    per_projection: int = 50,
    seed: int = 0,
    step: float = 1e-4,
) -> GradientReport:
    """Checks the gradient of a loss against central differences, both by the event solver in float64.

    Pushes that are not gradients (regularisers, the push on silent outputs) are left out.

    Parameters
    ----------
    network, batch, loss
        As for `Network.evaluate`.
    per_projection
        Parameters checked per projection and trained constant, drawn at random under `seed`.
    step
        The first step of the differences, in units of the largest weight of the projection.
    """
    chosen = network._chosen(loss)
    network._check("batch", batch, labels=True)
    step = _arrays.number("step", step)
    if step <= 0:
        raise ValueError(f"step is {step}; expected a number above 0")
    settings = (_arrays.whole("per_projection", per_projection, 1), _arrays.whole("seed", seed, 0), step)
    rows, seen = _engine.gradcheck(network._engine, batch, chosen._spec(), settings)
    return GradientReport([Check(**row) for row in rows], seen)
