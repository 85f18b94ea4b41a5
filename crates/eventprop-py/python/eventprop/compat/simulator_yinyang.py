"""`eventprop.simulator_yinyang` under the reference's name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_yinyang import *  # noqa: F403
