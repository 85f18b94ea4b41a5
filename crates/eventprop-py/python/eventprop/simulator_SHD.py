"""The simulator of genn_eventprop for SHD and SSC: `p` and the class `SHD_model`.

A script of `genn_eventprop` runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_SHD import *
    p["TRIAL_MS"] = 1000
    mn = SHD_model(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(p)

`p["DATA_SET"]` is `"SHD"`, `"SSC"`, or `"synthetic"` for synthetic samples in the shape of SHD.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._simulator import Trainer
from .parameters import Parameters

__all__ = ["SHD_model", "p"]

p = Parameters("shd")
"""All parameters at their defaults. `eventprop params shd` explains them, `p.describe(key)` one."""


class SHD_model(Trainer):
    """The benchmarks on SHD and SSC.

    Parameters
    ----------
    p
        The parameters, as a dictionary.
    manual_GPU
        Of no effect: there is no GPU to choose.
    data_dir
        Folder of the data; `None` for those of `EVENTPROP_DATA` and the system.
    """

    benchmark = "shd"

    def cross_validate_SHD(self, p: Mapping[str, Any] | None = None) -> tuple[list[list[float]], list[float]]:
        """Leaves out one speaker after the other: `cross_validate` under `genn_eventprop`'s name."""
        return self.cross_validate(p)
