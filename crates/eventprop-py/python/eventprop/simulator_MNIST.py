"""`genn_eventprop`'s MNIST simulator: `p` and the class `mnist_model`.

A script of `genn_eventprop` runs as it is with the folder of `python -m eventprop.compat` on PYTHONPATH:

    from simulator_MNIST import *
    p["LOSS_TYPE"] = "max"
    mn = mnist_model(p)
    spike_t, spike_ID, rec_vars_n, rec_vars_s, correct, correct_eval = mn.train(p)
"""

from __future__ import annotations

from ._simulator import make

__all__ = ["mnist_model", "p"]

p, mnist_model = make(__name__, "mnist_model", "mnist", "The MNIST benchmark.")
"""`p` has all parameters at their defaults. `eventprop params mnist` explains them, `p.describe(key)` one."""
