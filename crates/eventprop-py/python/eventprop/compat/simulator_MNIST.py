"""`eventprop.simulator_MNIST` under the reference's name."""

from eventprop.compat._names import *  # noqa: F403
from eventprop.simulator_MNIST import *  # noqa: F403
