"""`genn_eventprop`'s simulator of sequential MNIST: `p` and the class `SMNIST_model`.

A script of `genn_eventprop` runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_SMNIST import *
    p["NUM_HIDDEN"] = 512
    mn = SMNIST_model(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(p)
"""

from __future__ import annotations

from ._simulator import make

__all__ = ["SMNIST_model", "p"]

p, SMNIST_model = make(__name__, "SMNIST_model", "smnist", "Handwritten digits, pixel after pixel.")
"""`p` has all parameters at their defaults. `eventprop params smnist` explains them, `p.describe(key)` one."""
