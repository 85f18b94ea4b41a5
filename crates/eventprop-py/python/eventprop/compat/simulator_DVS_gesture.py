"""`eventprop.simulator_DVS_gesture` under `genn_eventprop`'s name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_DVS_gesture import *  # noqa: F403
