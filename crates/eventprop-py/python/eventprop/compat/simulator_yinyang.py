"""`eventprop.simulator_yinyang` under `genn_eventprop`'s name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_yinyang import *  # noqa: F403
