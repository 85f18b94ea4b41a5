"""The parameters of a network by name."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .. import _arrays, _engine

__all__ = ["Params"]


class Params(MutableMapping[str, npt.NDArray[np.float64]]):
    """The parameters of a network by name: weights such as `"in->hid"`, delays such as `"in->hid.delay"`,
    constants such as `"hid.tau_mem"`.

    Reading gives a copy in float64; assigning checks shape and values.
    """

    def __init__(self, network: _engine.Network, uncalibrated: set[str]) -> None:
        self._network = network
        self._uncalibrated = uncalibrated

    def __getitem__(self, name: str) -> npt.NDArray[np.float64]:
        found = self._network.param(name) if isinstance(name, str) else None
        if found is None:
            raise self._missing(name)
        return found

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of a parameter."""
        found = self._network.param_shape(name) if isinstance(name, str) else None
        if found is None:
            raise self._missing(name)
        return tuple(found)

    def _missing(self, name: object) -> KeyError:
        return KeyError(f"there is no parameter {name!r}; there are {', '.join(self)}")

    def __setitem__(self, name: str, value: Any) -> None:
        self._network.set_param(name, _arrays.floats(name, value, self.shape(name)).reshape(-1))
        self._uncalibrated.discard(name)

    def __delitem__(self, name: str) -> None:
        raise TypeError("a parameter cannot be deleted; it belongs to the network")

    def __iter__(self) -> Iterator[str]:
        return iter(self._network.param_names())

    def __len__(self) -> int:
        return len(self._network.param_names())

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError("the parameters are a view of their network; pickle the network, or dict(network.params)")

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name!r}: {list(self.shape(name))}" for name in self)
        return f"<Params {{{shapes}}}>"
