"""The reference's simulator of sequential MNIST: `p` and the class `SMNIST_model`.

A script of the reference runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_SMNIST import *
    p["NUM_HIDDEN"] = 512
    mn = SMNIST_model(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(p)
"""

from __future__ import annotations

from ._simulator import Trainer
from .parameters import Parameters

__all__ = ["SMNIST_model", "p"]

p = Parameters("smnist")
"""All parameters at their defaults. `eventprop params smnist` explains them, `p.describe(key)` one."""


class SMNIST_model(Trainer):
    """Handwritten digits, pixel after pixel.

    Parameters
    ----------
    p
        The parameters, as a dictionary.
    manual_GPU
        Of no effect: there is no GPU to choose.
    data_dir
        Folder of the data; `None` for those of `EVENTPROP_DATA` and the system.
    """

    benchmark = "smnist"
