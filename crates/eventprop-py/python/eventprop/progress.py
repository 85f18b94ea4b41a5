"""A bar for what takes long: in a terminal or a notebook, and nowhere else."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any

__all__: list[str] = []

_WIDTH = 16
_REFRESH_S = 0.1


class Bar:
    """A bar on standard error, or in the output of a notebook's cell.

    Parameters
    ----------
    total
        What `done` will be at the end.
    wanted
        Whether to show it; `None` for only where somebody looks.
    """

    def __init__(self, total: float, wanted: bool | None) -> None:
        self._total = max(total, 1.0)
        self._begin = self._shown = time.monotonic()
        self._handle: Any = None
        self._drawn = False
        self._notebook = _in_notebook()
        self._visible = (self._notebook or sys.stderr.isatty()) if wanted is None else wanted

    def due(self) -> bool:
        """Whether it is time to show something new."""
        return self._visible and time.monotonic() - self._shown >= _REFRESH_S

    def show(self, done: float, text: str) -> None:
        """Shows how much is done and a few words."""
        self._shown = time.monotonic()
        share = min(done / self._total, 1.0)
        filled = round(share * _WIDTH)
        left = (self._shown - self._begin) * (1 / share - 1) if share else 0.0
        self._draw(f"{'█' * filled}{'░' * (_WIDTH - filled)} {100 * share:3.0f} %  {left:.0f} s left  {text}")

    def line(self, text: str) -> None:
        """A line of standard output that stays; the bar makes room for it."""
        self._clear()
        print(text, flush=True)

    def _draw(self, text: str) -> None:
        if not self._visible:
            return
        if self._notebook:
            display = sys.modules["IPython.display"].display
            mime = {"text/plain": text}
            if self._handle is None:
                self._handle = display(mime, raw=True, display_id=True)
            elif self._handle is not None:
                self._handle.update(mime, raw=True)
        else:
            sys.stderr.write(f"\r\x1b[2K{text}")
            sys.stderr.flush()
        self._drawn = True

    def _clear(self) -> None:
        if self._drawn and not self._notebook:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
        self._drawn = False

    def __enter__(self) -> Bar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._handle is not None:
            # In a notebook the last picture stays.
            self._draw(f"{'█' * _WIDTH} done in {time.monotonic() - self._begin:.0f} s")
        self._clear()


def _in_notebook() -> bool:
    """Whether this is a kernel of Jupyter; asks without importing anything."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell" and "IPython.display" in sys.modules
