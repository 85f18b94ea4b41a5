"""What users give as numbers, turned into arrays of one kind, or refused with a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def array(name: str, value: Any) -> npt.NDArray[Any]:
    """`value` as an array: from NumPy, lists, or whatever offers `__array__` or DLPack (torch, JAX)."""
    if hasattr(value, "detach") and hasattr(value, "cpu"):  # a tensor that may have a gradient or a device
        value = value.detach().cpu()
    try:
        if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
            found = np.from_dlpack(value)
        else:
            found = np.asarray(value)
    except ValueError as error:  # a list of lists of unequal length
        raise ValueError(f"{name}: {error}") from None
    if found.dtype.kind not in "fiub":
        raise TypeError(f"{name} has dtype {found.dtype}; expected numbers")
    return found


def floats(name: str, value: Any, shape: tuple[int | None, ...] | None = None) -> Floats:
    """`value` as contiguous, finite float64 of a shape; `None` in the shape stands for any length."""
    found: Floats = np.asarray(array(name, value), dtype=np.float64, order="C")
    if shape is not None:
        check_shape(name, found.shape, shape)
    if not np.isfinite(found).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(found))[0])
        where = f"[{', '.join(map(str, at))}]" if at else ""
        raise ValueError(f"{name}{where} is {found[at]}; expected finite numbers")
    return found


def check_shape(name: str, found: tuple[int, ...], expected: tuple[int | None, ...]) -> None:
    """Raises when the shape of an array is not the one expected."""
    fits = len(found) == len(expected) and all(e is None or f == e for f, e in zip(found, expected))
    if not fits:
        text = ", ".join("any" if e is None else str(e) for e in expected)
        wanted = f"({text}{',' if len(expected) == 1 else ''})"
        if all(e is None for e in expected):
            wanted = f"{len(expected)} dimension{'s' if len(expected) > 1 else ''}"
        raise ValueError(f"{name} has shape {found}; expected {wanted}")


def one_of(name: str, value: Any, known: Sequence[str]) -> None:
    """Raises when a choice is none of those known."""
    if value not in known:
        raise ValueError(f"{name} is {value!r}; expected one of {', '.join(map(repr, known))}")


def whole(name: str, value: Any, least: int, most: int = 2**63 - 1) -> int:
    """`value` as a whole number in a range; also one in a float or an array without dimensions."""
    found = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if isinstance(found, bool) or not hasattr(found, "__index__"):
        raise TypeError(f"{name} is {value!r}; expected a whole number")
    try:
        number = int(found.__index__())
    except TypeError:  # an array has the method and may not have a value
        raise TypeError(f"{name} is {value!r}; expected a whole number") from None
    if not least <= number <= most:
        bound = f"of at least {least}" if most == 2**63 - 1 and number < least else f"from {least} to {most}"
        raise ValueError(f"{name} is {number}; expected a whole number {bound}")
    return number


def number(name: str, value: Any) -> float:
    """`value` as a finite float."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is {value!r}; expected a number")
    # A scalar of float32 stands for the decimal that it prints: 0.1, not 0.10000000149.
    try:
        found = float(str(value) if isinstance(value, (np.float16, np.float32)) else value)
    except (TypeError, ValueError):  # an array has the method and may not have a value
        raise TypeError(f"{name} is {value!r}; expected a number") from None
    if not np.isfinite(found):
        raise ValueError(f"{name} is {found}; expected a finite number")
    return found


def positive(name: str, value: Any) -> float:
    """`value` as a finite float above 0."""
    found = number(name, value)
    if found <= 0:
        raise ValueError(f"{name} is {found}; expected a number above 0")
    return found


def indices(name: str, value: Any, most: int) -> npt.NDArray[Any]:
    """`value` as whole numbers from 0 to `most`, one dimension; whole floats are accepted."""
    found = array(name, value)
    if found.size == 0:
        found = found.reshape(0) if found.ndim == 1 else found
    check_shape(name, found.shape, (None,))
    if found.dtype.kind == "f":
        wrong = np.flatnonzero(found != np.floor(found))
        if wrong.size:
            raise ValueError(f"{name}[{wrong[0]}] is {found[wrong[0]]}; expected whole numbers")
    wrong = np.flatnonzero((found < 0) | (found > most))
    if wrong.size:
        raise ValueError(f"{name}[{wrong[0]}] is {found[wrong[0]]}; expected whole numbers from 0 to {most}")
    return found


def classes(name: str, value: Any, most: int) -> npt.NDArray[Any]:
    """`value` as classes or speakers: a whole number for each sample, in a row or a column."""
    found = array(name, value)
    if found.ndim == 2:
        if 1 not in found.shape:
            raise ValueError(
                f"{name} has shape {found.shape}; expected one whole number for each sample, in a row or a column "
                "(of rows with a single 1 take its place)"
            )
        found = found.ravel()
    return indices(name, found, most)
