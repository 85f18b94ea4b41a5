"""`genn_eventprop`'s Yin-Yang simulator: `p` and the class `yinyang`.

A script of `genn_eventprop` runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_yinyang import *
    p["N_EPOCH"] = 5
    mn = yinyang(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct = mn.train(p)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._simulator import Simulator
from ._warning import warn
from .parameters import Parameters

__all__ = ["p", "yinyang"]

p = Parameters("yinyang", {"W_EPOCH_INTERVAL": 10, "REC_FIRST_SPIKES": True})
"""All parameters at their defaults, with the files that `genn_eventprop` writes. `eventprop params yinyang` explains them, `p.describe(key)` one."""

Result = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], float]


class yinyang(Simulator):
    """The Yin-Yang benchmark.

    Parameters
    ----------
    p
        The parameters, as a dictionary.
    """

    benchmark = "yinyang"

    def _run(self, command: str, p: Mapping[str, Any] | None) -> dict[str, Any]:
        given = dict(self.p if p is None else p)
        recorded = [key for key in ("REC_NEURONS", "REC_SYNAPSES") if given.get(key)]
        if recorded and given.get("SOLVER", "event") == "event":
            # `genn_eventprop` has one solver, and its scripts do not name one.
            warn(f"{recorded[0]} records in steps: this run uses SOLVER=grid")
            given["SOLVER"] = "grid"
        return super()._run(command, given)

    def train(self, p: Mapping[str, Any] | None = None) -> Result:
        """Trains, and tests the chosen weights at the end.

        Returns
        -------
        Recorded spike times (ms) and neurons by population, recorded variables of neurons and of
        synapses by name, and the training accuracy of the last epoch.
        """
        return (*self._records_of(self._run("train", p)), self._accuracy("train"))

    def test(self, p: Mapping[str, Any] | None = None) -> Result:
        """Tests the weights of an earlier run in `OUT_DIR`. Returns what `train` returns, with the test accuracy."""
        return (*self._records_of(self._run("test", p)), self._accuracy("test"))
