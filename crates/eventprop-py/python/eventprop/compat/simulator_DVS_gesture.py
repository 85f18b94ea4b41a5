"""`eventprop.simulator_DVS_gesture` under the reference's name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_DVS_gesture import *  # noqa: F403
