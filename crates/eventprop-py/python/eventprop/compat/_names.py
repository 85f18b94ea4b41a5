"""What `genn_eventprop`'s modules hand on to scripts that import everything from them.

Scripts that begin with `from simulator_SHD import *` use `os`, `np` and `plt` without importing them.
"""

import copy
import os
import sys
from time import perf_counter

import numpy as np

__all__ = ["copy", "np", "os", "perf_counter", "sys"]

try:
    import matplotlib.pyplot as plt  # type: ignore[import-not-found,unused-ignore]  # no requirement of this package
except ImportError:
    pass
else:
    __all__ += ["plt"]
