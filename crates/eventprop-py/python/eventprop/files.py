"""The safetensors format: named arrays behind a header of JSON, and nothing that can be executed.

A file is the length of the header (8 bytes, little endian), the header, and the numbers. Format:
https://huggingface.co/docs/safetensors. Other programs read the tensors; the network is under
`eventprop` in the metadata.
"""

from __future__ import annotations

import itertools
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _engine

__all__: list[str] = []

_KEY = "eventprop"
_CHECKPOINT = "eventprop-checkpoint"
_VERSION = 1
_HEADER_MOST = 100 * 2**20


def save(
    path: str | os.PathLike[str],
    description: Mapping[str, Any],
    tensors: Mapping[str, npt.NDArray[np.float64]],
) -> None:
    """Writes a description and tensors, wholly or not at all."""
    metadata = {_KEY: json.dumps({"version": _VERSION, **description})}
    header: dict[str, Any] = {"__metadata__": metadata}
    start = 0
    for name, value in tensors.items():
        end = start + value.size * 8
        header[name] = {"dtype": "F64", "shape": list(value.shape), "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    arrays = (np.ascontiguousarray(value, dtype="<f8").tobytes() for value in tensors.values())
    _write(path, itertools.chain([len(text).to_bytes(8, "little") + text], arrays))


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Writes a text, wholly or not at all."""
    _write(path, [text.encode()])


def _write(path: str | os.PathLike[str], pieces: Iterable[bytes]) -> None:
    target = os.path.abspath(os.fspath(path))
    handle, partial = tempfile.mkstemp(prefix=f".{os.path.basename(target)}.", dir=os.path.dirname(target))
    try:
        with os.fdopen(handle, "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, target)
    except BaseException:
        os.unlink(partial)
        raise


def load(path: str | os.PathLike[str]) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float64]]]:
    """Reads what `save` wrote, or the checkpoint of a run; believes the header only as far as the file is long."""
    name = os.fspath(path)
    with open(path, "rb") as file:
        whole = file.read()
    try:
        header, data = _split(whole)
        metadata = header.pop("__metadata__", {})
        if metadata.get("format") == _CHECKPOINT:
            return _engine.read_checkpoint(name)
        if _KEY not in metadata:
            tensors = ", ".join(sorted(header)[:10]) or "none"
            raise ValueError(
                f"it describes none (tensors: {tensors}); give a file of Network.save or a checkpoint of `eventprop train`, "
                "or build the network and set its params"
            )
        return _parse(json.loads(metadata[_KEY]), header, data)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ValueError(f"{name} holds no network of eventprop that can be read: {error}") from None


def _split(whole: bytes) -> tuple[dict[str, Any], bytes]:
    length = int.from_bytes(whole[:8], "little")
    if len(whole) < 8 or length > min(len(whole) - 8, _HEADER_MOST):
        raise ValueError(
            f"its header claims {length} bytes and the file has {len(whole)}; it is cut off, damaged or no safetensors file"
        )
    return json.loads(whole[8 : 8 + length]), whole[8 + length :]


def _parse(
    description: dict[str, Any], header: Mapping[str, Any], data: bytes
) -> tuple[dict[str, Any], dict[str, npt.NDArray[np.float64]]]:
    version = description.pop("version")
    if version != _VERSION:
        raise ValueError(f"it has format version {version}; this eventprop reads {_VERSION}")
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        if entry["dtype"] != "F64" or not 0 <= start <= end <= len(data):
            raise ValueError(f"tensor {name} is {entry}, in {len(data)} bytes of data; the file is damaged")
        tensors[name] = np.frombuffer(data[start:end], "<f8").reshape(entry["shape"]).astype(np.float64)
    return description, tensors
