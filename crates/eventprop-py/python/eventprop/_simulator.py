"""What the classes of `genn_eventprop`'s simulators have together: runs of a benchmark."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from . import _engine
from ._warning import warn
from .parameters import Parameters, accepted
from .progress import Bar

__all__: list[str] = []


Records = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]
Result = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], float, float]


class Simulator:
    """A benchmark as a class of `genn_eventprop`'s: made from `p`, and run with `p`."""

    benchmark: str

    def __init__(
        self, p: Mapping[str, Any], manual_GPU: Any = None, *, data_dir: str | os.PathLike[str] | None = None
    ) -> None:
        for key, value in p.items():
            accepted(self.benchmark, key, value)
        self.p = p
        self.data_dir = None if data_dir is None else os.fspath(data_dir)
        self.summary: dict[str, Any] = {}
        """What the last run gave; see `eventprop train --json`."""

    def plot_examples(self, *_: Any, **__: Any) -> None:
        """Says what draws examples here: `eventprop.plot.raster`."""
        raise NotImplementedError(
            f'plot_examples is not there; draw samples with eventprop.plot.raster(parts.train, sample) of '
            f'parts = eventprop.data.benchmark("{self.benchmark}", p)'
        )

    def _run(self, command: str, p: Mapping[str, Any] | None) -> dict[str, Any]:
        given = self.p if p is None else p
        with Bar(1.0, None) as bar:
            self._heard = _Heard(bar)
            text = _engine.run_benchmark(self.benchmark, command, list(given.items()), self.data_dir, self._heard)
        self.summary = json.loads(text)
        return self.summary

    def _records_of(self, summary: dict[str, Any]) -> Records:
        """Spike times and neurons, variables of neurons and of synapses of the run that just ended."""
        kinds = ("spike_t", "spike_ID", "neurons", "synapses")
        of = [{name: values for (kind, name), values in self._heard.records.items() if kind == one} for one in kinds]
        return of[0], of[1], of[2], of[3]

    def _accuracy(self, phase: str) -> float:
        """An accuracy of the run that just ended, 0 where there was no such phase."""
        found = self.summary[f"{phase}_accuracy"]
        return 0.0 if found is None else float(found)


class Trainer(Simulator):
    """A benchmark with a training and an evaluation part."""

    def train(self, p: Mapping[str, Any] | None = None) -> Result:
        """Trains with a validation part, and tests the chosen weights at the end.

        Returns
        -------
        Recorded spike times (ms) and neurons by population, recorded variables of neurons and of
        synapses by name, and the accuracies of training and validation in the last epoch.
        """
        records = self._records_of(self._run("train", p))
        last = self._heard.epochs[-1]["evaluation_accuracy"] if self._heard.epochs else None
        return (*records, self._accuracy("train"), 0.0 if last is None else float(last))

    def test(self, p: Mapping[str, Any] | None = None) -> Result:
        """Tests the weights of an earlier run in `OUT_DIR`. The accuracies are 0 and that of the test."""
        return (*self._records_of(self._run("test", p)), 0.0, self._accuracy("test"))

    def train_test(self, p: Mapping[str, Any] | None = None) -> Result:
        """Trains on training and validation part together and tests the last weights; both accuracies."""
        return (*self._records_of(self._run("train_test", p)), self._accuracy("train"), self._accuracy("test"))

    def cross_validate(self, p: Mapping[str, Any] | None = None) -> tuple[list[list[float]], list[float]]:
        """Trains on all folds but one and evaluates on that one, for every fold.

        Returns
        -------
        For every fold the accuracies of training and evaluation after its last epoch, and the seconds
        of its training.
        """
        self._run("xval", p)
        folds = sorted({epoch["fold"] for epoch in self._heard.epochs})
        of = [[epoch for epoch in self._heard.epochs if epoch["fold"] == fold] for fold in folds]
        accuracies = [[epochs[-1]["train_accuracy"], epochs[-1]["evaluation_accuracy"]] for epochs in of]
        return accuracies, [sum(epoch["seconds"] for epoch in epochs) for epochs in of]


def make(module: str, name: str, benchmark: str, what: str) -> tuple[Parameters, type[Trainer]]:
    """The parameters of a benchmark at their defaults, and its class under `genn_eventprop`'s name in `module`."""
    text = f"""{what}

    Parameters
    ----------
    p
        The parameters, as a dictionary.
    manual_GPU
        Of no effect: there is no GPU to choose.
    data_dir
        Folder of the data; `None` for those of `EVENTPROP_DATA` and the system.
    """
    made = type(name, (Trainer,), {"__module__": module, "__doc__": text, "benchmark": benchmark})
    return Parameters(benchmark), made


class _Heard:
    """Shows what a run tells."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._epochs = 1
        self._done = 0
        self._fold = ""
        self.epochs: list[dict[str, Any]] = []
        self.records: dict[tuple[str, str], Any] = {}

    def __call__(self, word: str, about: dict[str, Any]) -> None:
        getattr(self, f"_hear_{word}")(**about)

    def _hear_notice(self, text: str) -> None:
        warn(text)

    def _hear_started(
        self, network: str, loss: str, seeds: list[tuple[str, int]], samples: list[int], epochs: int, folder: str
    ) -> None:
        self._epochs = max(epochs, 1)
        train, validation, test = samples
        self._bar.line(f"{network}, loss {loss}; {train} training, {validation} validation, {test} test samples")
        self._bar.line(f"{' '.join(f'{key}={seed}' for key, seed in seeds)}; files go to {folder}")

    def _hear_fold(self, fold: int, folds: int) -> None:
        self._fold = f"fold {fold + 1}/{folds}  "

    def _hear_epoch(self, metrics: str) -> None:
        self._done += 1
        found = json.loads(metrics)
        self.epochs.append(found)
        evaluation = found["evaluation_accuracy"]
        text = f"  evaluation {100 * evaluation:.2f} %" if evaluation is not None else ""
        self._bar.line(
            f"{self._fold}epoch {self._done:>3}/{self._epochs}  loss {found['train_loss']:.4f}  "
            f"training {100 * found['train_accuracy']:.2f} %{text}  {found['spikes_per_neuron']:.2f} spikes/neuron  "
            f"{found['silent']} silent  {found['grazing']} grazing  {found['seconds']:.1f} s"
        )

    def _hear_batch(self, phase: str, samples_done: int, samples: int, loss: float, accuracy: float, **_: Any) -> None:
        share = samples_done / max(samples, 1) if phase == "train" else 0.0
        epoch = f" {min(self._done + 1, self._epochs)}/{self._epochs}" if phase != "test" else ""
        text = f"{phase}{epoch} loss {loss:.3f} acc {100 * accuracy:.1f} %"
        self._bar.show((self._done + share) / self._epochs, text)

    def _hear_recorded(self, all: list[tuple[str, str, Any]]) -> None:
        for of, name, values in all:
            for kind in ("spike_t", "spike_ID"):
                if of == "spikes" and name.endswith(f"_{kind}"):
                    self.records[kind, name[: -len(kind) - 1]] = values
            if of != "spikes":
                self.records[of, name] = values
