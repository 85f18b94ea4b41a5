"""`eventprop.simulator_MNIST` under `genn_eventprop`'s name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_MNIST import *  # noqa: F403
