"""Warnings point at the line outside of this package."""

from __future__ import annotations

import sys
import warnings

__all__: list[str] = []


def warn(text: str) -> None:
    """Warns in the name of the caller outside of this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_globals.get("__name__", "").partition(".")[0] == "eventprop" and frame.f_back is not None:
        frame, level = frame.f_back, level + 1
    warnings.warn(text, stacklevel=level)
