"""`eventprop.simulator_SMNIST` under `genn_eventprop`'s name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_SMNIST import *  # noqa: F403
