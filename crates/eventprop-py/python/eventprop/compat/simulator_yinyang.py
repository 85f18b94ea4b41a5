"""`eventprop.simulator_yinyang` under the reference's name."""

from eventprop.simulator_yinyang import *  # noqa: F403
