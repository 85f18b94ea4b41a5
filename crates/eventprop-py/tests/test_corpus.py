"""The case corpus of the engine, by way of Python.

The solvers in float64 are held to what the corpus expects, with the tolerance and scale of every case.
The last bit, in float32 too, is compared with what the engine of the same build computes: the example
`bits` of the case corpus prints it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest
from conftest import build, case_files, read_case


def expectations() -> list[Any]:
    """Every case with every solver of which it expects something."""
    pairs = []
    for path in case_files():
        for expect in read_case(path)["expect"]:
            solver = "grid64" if expect["solver"] == "grid" else "event"
            pairs.append(pytest.param(path, expect, solver, id=f"{path.stem}-{solver}"))
    return pairs


@pytest.mark.parametrize(("path", "expect", "solver"), expectations())
def test_a_case_gives_what_is_expected(path: Path, expect: dict[str, Any], solver: str) -> None:
    net, batch, loss = build(read_case(path))
    found = net.evaluate(batch, loss, solver=solver, gradient=True)
    tolerance = expect["tolerance"]
    assert found.loss == pytest.approx(expect["loss"], rel=0, abs=tolerance * max(1.0, abs(expect["loss"])))
    for name, values in expect["gradient"].items():
        scale = max(abs(value) for value in values)
        np.testing.assert_allclose(in_order(found.gradients[name]), values, rtol=0, atol=tolerance * scale)
    for name, spikes in expect.get("spikes", {}).items():
        step = net.dt if solver == "grid64" else 1.0
        times = [spike[1] * step for spike in spikes]
        np.testing.assert_allclose(found.spikes[name].times_ms, times, rtol=0, atol=tolerance * net.trial)
        assert found.spikes[name].neurons.tolist() == [spike[2] for spike in spikes]
    if expect.get("predictions"):
        assert found.predictions.tolist() == expect["predictions"]


def in_order(values: np.ndarray) -> np.ndarray:
    """In the order of the engine: weights of a convolution are [y, x, in, out] there and [out, in, y, x] in Python."""
    return (values.transpose(2, 3, 1, 0) if values.ndim == 4 else values).ravel()


def test_every_bit_is_the_engines() -> None:
    """Loss and gradient of every case and solver, as the Rust engine of this build prints them."""
    printed = os.environ.get("EVENTPROP_BITS")
    if printed is None:
        pytest.skip("EVENTPROP_BITS names no file; `cargo xtask test` writes it with the example `bits`")
    lines = [json.loads(line) for line in Path(printed).read_text().splitlines()]
    paths = {path.stem: path for path in case_files()}
    lines = [line for line in lines if line["case"] in paths]
    assert len(lines) >= len(paths)
    for line in lines:
        path = paths[line["case"]]
        net, batch, loss = build(read_case(path))
        found = net.evaluate(batch, loss, solver=line["solver"], gradient=True)
        losses = np.array([int(bits, 16) for bits in line["losses"]], np.uint64)
        assert (found.losses.view(np.uint64) == losses).all(), line["case"]
        for name, values in line["gradients"].items():
            bits = np.array([int(value, 16) for value in values], np.uint64)
            of = in_order(found.gradients[name].astype(np.float64)).view(np.uint64)
            assert (of == bits).all(), (line["case"], line["solver"], name)


def test_the_same_bits_with_any_number_of_threads(task: tuple[ep.Network, ep.Spikes]) -> None:
    net, batch = task
    found = []
    for threads in (1, 2, 3):
        ep.set_threads(threads)
        assert ep.threads() == threads
        found.append(net.evaluate(batch, "sum", gradient=True).gradients)
    ep.set_threads(0)
    for other in found[1:]:
        for name, value in found[0].items():
            assert (value == other[name]).all()
