"""The reference's simulator of gestures before an event camera: `p` and the class `DVSG_model`.

A script of the reference runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_DVS_gesture import *
    p["NUM_HIDDEN"] = 512
    mn = DVSG_model(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(p)
"""

from __future__ import annotations

from ._simulator import Trainer
from .parameters import Parameters

__all__ = ["DVSG_model", "p"]

p = Parameters("dvs-gesture")
"""All parameters at their defaults. `eventprop params dvs-gesture` explains them, `p.describe(key)` one."""


class DVSG_model(Trainer):
    """Gestures of arms and hands before an event camera.

    Parameters
    ----------
    p
        The parameters, as a dictionary.
    manual_GPU
        Of no effect: there is no GPU to choose.
    data_dir
        Folder of the data; `None` for those of `EVENTPROP_DATA` and the system.
    """

    benchmark = "dvs-gesture"
