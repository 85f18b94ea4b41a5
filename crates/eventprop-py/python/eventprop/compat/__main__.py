"""Runs a script of `genn_eventprop`, or prints the folder to put on PYTHONPATH."""

import os
import runpy
import sys

from . import folder

if len(sys.argv) == 1:
    print(folder())
else:
    script = sys.argv[1]
    if not os.path.isfile(script):
        sys.exit(f"{script} is no file; write python -m eventprop.compat SCRIPT ARGUMENTS")
    # The script's own folder comes second: in a checkout of genn_eventprop it holds modules of the same names.
    sys.path[0:1] = [folder(), os.path.dirname(os.path.abspath(script))]
    before = os.environ.get("PYTHONPATH")
    # For programs that the script starts.
    os.environ["PYTHONPATH"] = folder() + (os.pathsep + before if before else "")
    sys.argv = sys.argv[1:]
    runpy.run_path(script, run_name="__main__")
