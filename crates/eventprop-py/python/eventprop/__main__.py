"""The program `eventprop`: `python -m eventprop`, and the command that comes with the package."""

from __future__ import annotations

import signal
import sys

from . import _engine


def main() -> int:
    """Carries out the command line; the exit code."""
    # The program hears Ctrl-C by itself.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _engine.run_program(["eventprop", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
