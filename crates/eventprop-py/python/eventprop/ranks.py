"""A training that several processes share: the same bits as in one."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["MPI"]

_DATA, _FAILED = 1, 2
"""Kinds of messages."""

_LOOKS, _NAP = 2000, 5e-5
"""Looks for a message before a rank sleeps in between, and the seconds that it does."""


class MPI:
    """The processes (ranks) of an MPI communicator, for `Network.fit(..., reduce=ep.MPI())`.

    All ranks run the same script on the same data. Each solves its share of every batch, and all make the same step: the
    network has the bits that one process would have found, whatever the number of ranks. Start the script with
    `mpirun -n 4 python -m mpi4py train.py`, so that a rank that fails ends the others.

    Parameters
    ----------
    comm
        A communicator of mpi4py; `MPI.COMM_WORLD` if `None`.
    """

    def __init__(self, comm: Any = None) -> None:
        if comm is None:
            try:
                from mpi4py import MPI as mpi  # type: ignore[import-untyped,import-not-found,unused-ignore]
            except ImportError as error:
                raise ImportError(
                    f'ep.MPI needs mpi4py and an MPI library: pip install "eventprop[mpi]" ({error})'
                ) from error
            comm = mpi.COMM_WORLD
        if not all(hasattr(comm, verb) for verb in ("Dup", "Get_rank", "Get_size", "Isend", "Irecv", "Iprobe")):
            raise TypeError(f"comm is {comm!r}; expected a communicator of mpi4py, such as MPI.COMM_WORLD")
        self._comm = comm

    @property
    def rank(self) -> int:
        """This process, from 0."""
        return int(self._comm.Get_rank())

    @property
    def size(self) -> int:
        """The number of processes."""
        return int(self._comm.Get_size())

    def _link(self) -> Link:
        return Link(self._comm.Dup())

    def __repr__(self) -> str:
        return f"<MPI: rank {self.rank} of {self.size}>"


class Link:
    """Messages of one training, on a communicator of its own. Every call gives the rank that has failed, if one has."""

    def __init__(self, comm: Any) -> None:
        self._comm = comm
        self.rank = int(comm.Get_rank())
        self.ranks = int(comm.Get_size())
        self._failed: int | None = None
        self._unfinished: list[Any] = []

    def send(self, to: int, numbers: npt.NDArray[Any]) -> int | None:
        """Sends an array to a rank."""
        return self._wait(self._comm.Isend(numbers, dest=to, tag=_DATA), numbers)

    def receive(self, source: int, numbers: npt.NDArray[Any]) -> int | None:
        """Fills an array with what a rank sent."""
        return self._wait(self._comm.Irecv(numbers, source=source, tag=_DATA), numbers)

    def fail(self) -> None:
        """Tells all others that this rank has failed."""
        if self._failed is None:
            self._failed = self.rank
            word = np.zeros(1, np.uint8)
            for rank in range(self.ranks):
                if rank != self.rank:
                    self._unfinished.append((self._comm.Isend(word, dest=rank, tag=_FAILED), word))

    def _wait(self, request: Any, numbers: npt.NDArray[Any]) -> int | None:
        from mpi4py import MPI as mpi

        looks = 0
        while self._failed is None and not request.Test():
            status = mpi.Status()
            if self._comm.Iprobe(tag=_FAILED, status=status):
                self._failed = status.Get_source()
            looks += 1
            time.sleep(0.0 if looks < _LOOKS else _NAP)
        if self._failed is not None:
            # What is under way is read or written later, if ever.
            self._unfinished.append((request, numbers))
        return self._failed

    def texts(self, own: str) -> list[str]:
        """The texts of all ranks, in their order."""
        if self.rank > 0:
            self._say(0, own)
            return list(json.loads(self._hear(0)))
        texts = [own, *(self._hear(rank) for rank in range(1, self.ranks))]
        for rank in range(1, self.ranks):
            self._say(rank, json.dumps(texts))
        return texts

    def _say(self, to: int, text: str) -> None:
        content = np.frombuffer(text.encode(), np.uint8).copy()
        for numbers in (np.array([len(content)], np.int64), content):
            self._check(self.send(to, numbers))

    def _hear(self, source: int) -> str:
        length = np.zeros(1, np.int64)
        self._check(self.receive(source, length))
        content = np.zeros(int(length[0]), np.uint8)
        self._check(self.receive(source, content))
        return content.tobytes().decode()

    def _check(self, failed: int | None) -> None:
        if failed is not None:
            raise RuntimeError(f"rank {failed} failed; its own message says why")

    def compare(self, lines: list[str]) -> None:
        """Refuses ranks that are not alike, with the first line that differs."""
        for rank, text in enumerate(self.texts(json.dumps(lines))):
            for here, there in zip(lines, json.loads(text), strict=True):
                if here != there:
                    raise ValueError(
                        f"rank {self.rank} has {here} where rank {rank} has {there}; give all ranks the same network, data "
                        "and arguments"
                    )


def as_link(reduce: Any) -> Link | None:
    """The link of a training; `None` for one process."""
    if reduce is None:
        return None
    if not isinstance(reduce, MPI):
        raise TypeError(f"reduce is {reduce!r}; expected ep.MPI(comm) or None")
    return reduce._link()


def digest(*arrays: npt.NDArray[Any]) -> str:
    """The sum of some arrays, by which ranks compare them."""
    total = hashlib.sha256()
    for array in arrays:
        total.update(f"{array.dtype}{array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()[:16]


@contextmanager
def watched(link: Link | None) -> Iterator[None]:
    """Work of which the other ranks hear if it fails."""
    try:
        yield
    except BaseException:
        if link is not None:
            link.fail()
        raise
