"""`eventprop.simulator_SHD` under `genn_eventprop`'s name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_SHD import *  # noqa: F403
