"""Prints the folder to put on PYTHONPATH."""

from . import folder

print(folder())
