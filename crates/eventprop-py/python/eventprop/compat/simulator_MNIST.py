"""`eventprop.simulator_MNIST` under the reference's name."""

from eventprop.simulator_MNIST import *  # noqa: F403
