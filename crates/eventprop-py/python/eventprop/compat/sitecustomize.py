"""Puts the modules of this folder before those of the same names beside a script.

Python imports this file when it starts with the folder on PYTHONPATH. A script's own folder comes before PYTHONPATH,
and in a checkout of `genn_eventprop` it holds other modules of these names.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType

_FOLDER = os.path.dirname(os.path.abspath(__file__))


class _First:
    """Finds the simulators of this folder before all other finders."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if path is None and name.startswith("simulator_"):
            return importlib.machinery.PathFinder.find_spec(name, [_FOLDER])
        return None


sys.meta_path.insert(0, _First)

# The file of this name that the installation may have.
_others = [folder for folder in sys.path if os.path.abspath(folder) != _FOLDER]
_other = importlib.machinery.PathFinder.find_spec("sitecustomize", _others)
if _other is not None and _other.loader is not None:
    _other.loader.exec_module(importlib.util.module_from_spec(_other))
