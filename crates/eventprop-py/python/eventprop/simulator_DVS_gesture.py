"""`genn_eventprop`'s simulator of gestures before an event camera: `p` and the class `DVSG_model`.

A script of `genn_eventprop` runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_DVS_gesture import *
    p["NUM_HIDDEN"] = 512
    mn = DVSG_model(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(p)
"""

from __future__ import annotations

from ._simulator import make

__all__ = ["DVSG_model", "p"]

p, DVSG_model = make(__name__, "DVSG_model", "dvs-gesture", "Gestures of arms and hands before an event camera.")
"""`p` has all parameters at their defaults. `eventprop params dvs-gesture` explains them, `p.describe(key)` one."""
