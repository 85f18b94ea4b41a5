"""The parameter dictionary `p` of `genn_eventprop`'s scripts, from the tables of the benchmarks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import _engine
from ._warning import warn

__all__ = ["Parameters"]

# Keys that the page of genn_eventprop names and its code does not read.
_MISTAKEN = ("TRAIL_MS", "N_EPOCHS", "DATASET")


class Parameters(dict[str, Any]):
    """A dictionary with all parameters of a benchmark, at their defaults to begin with.

    It takes only keys that the benchmark has (`KeyError`, with a suggestion) and values that they
    accept (`ValueError`, which says what they accept). Names that scripts of `genn_eventprop` use by
    mistake, such as `TRAIL_MS`, stand for their key, with a warning: there they had no effect. A
    parameter of another benchmark is left out, with a warning, where it has its default there: files
    of parameters are written with one `p` and read into another.
    `p.describe("ETA")` says what a key means.

    Examples
    --------
    >>> from eventprop.parameters import Parameters
    >>> p = Parameters("mnist")
    >>> p["TRIAL_MS"] = 30
    >>> p["TRIAL_MS"]
    30.0
    """

    def __init__(self, benchmark: str, values: Mapping[str, Any] | None = None) -> None:
        self._benchmark = benchmark
        table = _engine.parameter_table(benchmark)
        super().__init__({row["key"]: row["default"] for row in table})
        self.update(values or {})

    def __setitem__(self, key: str, value: Any) -> None:
        try:
            found, kept = accepted(self._benchmark, key, value, self)
        except KeyError:
            if not _is_default_elsewhere(key, value):
                raise
            warn(f"{key} is left out: {self._benchmark} does not have it, and {value!r} is its default elsewhere")
            return
        super().__setitem__(found, kept)

    def __missing__(self, key: str) -> Any:
        for row in _engine.parameter_table(self._benchmark):
            if key in row["aliases"]:
                return self[row["key"]]
        try:
            _engine.accept_parameter(self._benchmark, key, None)
        except ValueError:  # a key that was deleted
            pass
        raise KeyError(key)

    def update(self, *others: Any, **values: Any) -> None:
        """Sets many keys; the same rules as for one."""
        for key, value in dict(*others, **values).items():
            self[key] = value

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a key; sets it first where it was deleted."""
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, other: Any) -> Parameters:  # type: ignore[override,misc]
        self.update(other)
        return self

    def copy(self) -> Parameters:
        """A copy."""
        return Parameters(self._benchmark, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return Parameters, (self._benchmark, dict(self))

    def preset(self, name: str) -> None:
        """Sets the keys of a preset: the parameters of a publication."""
        self.update(_engine.preset(self._benchmark, name))

    def describe(self, key: str) -> str:
        """What a key means: its meaning, unit, default, and what it accepts."""
        for row in _engine.parameter_table(self._benchmark):
            if key == row["key"] or key in row["aliases"]:
                unit = f" {row['unit']}" if row["unit"] else ""
                return f"{row['key']}: {row['meaning']}. Default {row['default']}{unit}; {row['expected']}."
        self[key] = None  # raises with a suggestion
        raise KeyError(key)


def accepted(
    benchmark: str, key: str, value: Any, present: Mapping[str, Any] | None = None
) -> tuple[str, Any]:
    """The key that a key or alias stands for, and the value as it is kept.

    A warning for a mistaken key, unless it says what is `present`."""
    found, kept = _engine.accept_parameter(benchmark, key, value)
    same = present is not None and found in present and present[found] == kept
    if found != key and key in _MISTAKEN and not same:
        text = f"{key} is taken for {found}; genn_eventprop ignores {key}, so this run differs from one there"
        warn(text)
    return found, kept


def _is_default_elsewhere(key: str, value: Any) -> bool:
    """True if some benchmark has this parameter with this default."""
    rows = (row for benchmark in _engine.BENCHMARKS for row in _engine.parameter_table(benchmark))
    return any(key in (row["key"], *row["aliases"]) and row["default"] == value for row in rows)
