"""What several tests need: the case corpus of the engine, and a small task."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import eventprop as ep
import numpy as np
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

CASES = Path(__file__).parents[2] / "eventprop-cases" / "cases"


def case_files() -> list[Path]:
    """The cases of the corpus."""
    return sorted(CASES.glob("*.toml"))


def read_case(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def build(case: dict[str, Any]) -> tuple[ep.Network, ep.Spikes, ep.loss.Loss]:
    """Network, batch and loss of a case, by way of what the package offers."""
    net = ep.Network(dt=case["clock"]["dt_ms"], trial=case["clock"]["trial_ms"])
    for table in case["population"]:
        rest = {k: v for k, v in table.items() if k not in ("name", "model", "size", "trained")}
        if table["model"] == "input":
            net.add_input(table["name"], table.get("size"), **rest)
            continue
        if table["model"] == "equations":
            model = ep.NeuronModel.shipped(rest.pop("equations"))
            trainable = {k: 1e-3 for k in table.get("trained", [])}
            net.add(table["name"], table["size"], model, trainable=trainable, **rest.get("parameters", {}))
            continue
        add = {"lif": net.add_alif if "tau_b" in rest else net.add_lif, "li": net.add_li}[table["model"]]
        add(table["name"], table.get("size"), trainable={k: 1e-3 for k in table.get("trained", [])}, **rest)
    for table in case["projection"]:
        connect(net, table)
    samples = [([t for t, _ in s["input"]], [n for _, n in s["input"]]) for s in case["sample"]]
    batch = ep.Spikes(samples, [s["label"] for s in case["sample"]])
    constants = {k: v for k, v in case["loss"].items() if k != "name"}
    constants["tau"] = constants.pop("tau_accumulator", 20.0)
    return net, batch, ep.loss.named(case["loss"]["name"], constants | {"push_silent": False})


def connect(net: ep.Network, table: dict[str, Any]) -> None:
    """A projection of a case."""
    delay: Any = table.get("delay_ms", 0.0)
    weights = np.concatenate([np.asarray(row, float) for row in table["weights"]])
    wiring: ep.Conv2d | ep.Sparse | ep.OneToOne | None = None
    of = {population.name: population for population in net.populations}
    via = None
    seen = of[table["source"]].shape
    if "pool" in table:
        via = (ep.AvgPool if table.get("average") else ep.SumPool)(table["pool"])
        seen = via.output_shape(seen)
    shape = (int(np.prod(seen)), of[table["target"]].size)
    if table.get("wiring") == "one_to_one":
        wiring = ep.OneToOne()
    elif table.get("wiring") == "sparse":
        mask = np.zeros(shape, bool)
        for source, targets in enumerate(table["targets"]):
            mask[source, targets] = True
        wiring = ep.Sparse(mask)
    elif table.get("wiring") == "convolution":
        wiring = ep.Conv2d(table["kernel"], table.get("stride", 1), table.get("padding", 0), table.get("groups", 1))
        # In a case [y, x, in, out], in Python [out, in, y, x].
        order = (*table["kernel"], seen[2] // wiring.groups, of[table["target"]].shape[2])
        weights = weights.reshape(order).transpose(3, 2, 0, 1)
        if table.get("delay_by") == "synapse":
            delay = np.reshape(delay, order).transpose(3, 2, 0, 1)
    else:
        weights = weights.reshape(shape)
    if "delay_by" in table:
        by = table["delay_by"]
        given = np.reshape(delay, weights.shape) if by == "synapse" else np.asarray(delay)
        delay = ep.Delay(given, most=net.trial / 2, by=by)
    net.connect(table["source"], table["target"], weights, delay=delay, wiring=wiring, via=via, port=table.get("port"))


@pytest.fixture
def task() -> tuple[ep.Network, ep.Spikes]:
    """Which of two channels spikes first? Learnt in a few epochs."""
    net = ep.Network(dt=1.0, trial=20.0, seed=1)
    x = net.add_input("in", 2)
    h = net.add_lif("hid", 10)
    y = net.add_li("out", 2)
    net.connect(x, h, ep.Normal(8.0, 1.0))
    net.connect(h, h, ep.Normal(0.0, 0.2))
    net.connect(h, y, ep.Normal(0.0, 0.5))
    rng = np.random.default_rng(1)
    samples, labels = [], []
    for _ in range(32):
        early, late = rng.uniform(1, 6), rng.uniform(8, 14)
        label = int(rng.integers(2))
        samples.append(([early, late], [label, 1 - label]))
        labels.append(label)
    return net, ep.Spikes(samples, labels)
