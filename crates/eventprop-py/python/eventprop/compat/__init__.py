"""The modules of `genn_eventprop` under the names that its scripts import.

`python -m eventprop.compat SCRIPT ARGUMENTS` runs a script of it; without arguments the folder to put on PYTHONPATH is
printed:

    PYTHONPATH=$(python -m eventprop.compat) python train_MNIST.py
"""

from __future__ import annotations

import os

__all__ = ["folder"]


def folder() -> str:
    """The folder to put on PYTHONPATH."""
    return os.path.dirname(os.path.abspath(__file__))
