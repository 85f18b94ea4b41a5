"""Searches for values with which a training ends best."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from . import _arrays

__all__ = ["Between", "Tuned", "Trial", "tune"]

_KEPT = 3  # one in so many is trained longer


@dataclass(frozen=True)
class Between:
    """Values from `low` to `high`.

    Parameters
    ----------
    low, high
        The ends; finite, `low` below `high`.
    log
        Whether the logarithm is uniform; `low` is above 0 then.
    whole
        Whether the values are whole numbers.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        low, high = _arrays.number("low", self.low), _arrays.number("high", self.high)
        if not low < high:
            raise ValueError(f"low is {low} and high {high}; expected low below high")
        if self.log and low <= 0:
            raise ValueError(f"low is {low}; with log=True expected a number above 0")

    def _at(self, fraction: float) -> float:
        if self.log:
            value = self.low * float((self.high / self.low) ** fraction)
        else:
            value = self.low + (self.high - self.low) * fraction
        return min(max(round(value), math.ceil(self.low)), math.floor(self.high)) if self.whole else value


@dataclass(frozen=True)
class Trial:
    """A training of a search."""

    number: int
    """Number of its draw; 0 is `start`, if there is one."""
    epochs: int
    """Epochs."""
    values: dict[str, Any]
    """The values it was trained with."""
    score: float | None
    """What the training returned; `None` if it failed."""
    problem: str | None = None
    """Why it failed."""


@dataclass(frozen=True)
class Tuned:
    """The end of a search."""

    best: dict[str, Any]
    """The values of the best of the longest trainings."""
    score: float
    """Its score."""
    trials: list[Trial] = field(repr=False)
    """All trainings, the longest and best first."""


Train = Callable[[dict[str, Any], int], float]
Space = Mapping[str, "Between | Sequence[Any]"]


def tune(
    train: Train,
    space: Space,
    *,
    epochs: int,
    trials: int | None = None,
    minutes: float | None = None,
    start: Mapping[str, Any] | None = None,
    sampler: Literal["random", "tpe"] = "random",
    seed: int = 0,
    out: str | Path | None = None,
) -> Tuned:
    """Searches for values by successive halving: many short trainings, longer ones of the best third, twice.

    Parameters
    ----------
    train
        Called with values and a number of epochs; trains from the beginning and returns a score of validation samples,
        the larger the better. What it raises as `ValueError` or `FloatingPointError`, and NaN, is a trial that failed.
    space
        For each name the values to choose from: a list, or `Between`.
    epochs
        Epochs of the longest trainings; the first have a ninth of them and the second a third.
    trials
        Number of values to begin with; 27 if neither this nor `minutes` is given.
    minutes
        Time for all trainings; one that has begun is finished. The number of trials then depends on the machine.
    start
        Values of trial 0, such as those that you use now.
    sampler
        `"random"`, or `"tpe"`: the tree-structured Parzen estimator of Optuna (`pip install optuna`), which learns from the
        trials before.
    seed
        Seed of the draws.
    out
        A file to which every training is added as a line of JSON. A search that finds there what it would train does not
        train it again.

    Raises
    ------
    ValueError
        When no trial gave a score, or `out` belongs to another search.
    """
    epochs = _arrays.whole("epochs", epochs, 1)
    if trials is None and minutes is None:
        trials = 27
    most = 100_000 if trials is None else _arrays.whole("trials", trials, 1, 100_000)
    if minutes is not None and _arrays.number("minutes", minutes) <= 0:
        raise ValueError(f"minutes is {minutes}; expected a number above 0")
    draws = _draws(_checked(space), start, sampler, _arrays.whole("seed", seed, 0))
    log = _Log(None if out is None else Path(out))
    began = time.monotonic()
    rungs = sorted({-(-epochs // _KEPT**2), -(-epochs // _KEPT), epochs})
    trained: list[list[Trial]] = []
    for place, length in enumerate(rungs):
        left = math.inf if minutes is None else max(60.0 * minutes - (time.monotonic() - began), 0.0)
        until = time.monotonic() + left / (len(rungs) - place)
        sound = [trial for trial in trained[-1] if trial.score is not None] if trained else []
        chosen = sound[: -(-len(sound) // _KEPT)]
        rung: list[Trial] = []
        for number in range(len(chosen) if trained else most):
            if rung and time.monotonic() >= until:
                break
            values, number = (chosen[number].values, chosen[number].number) if trained else (draws.values(number), number)
            trial = log.find(number, length, values) or _train(train, number, length, values)
            log.add(trial)
            rung.append(trial)
            if not trained:
                draws.tell(trial)
        trained.append(sorted(rung, key=_order))
    best = next((rung[0] for rung in reversed(trained) if rung and rung[0].score is not None), None)
    if best is None or best.score is None:
        problem = next((trial.problem for rung in trained for trial in rung), "there was none")
        raise ValueError(f"no trial gave a score; the first failed with: {problem}")
    return Tuned(best.values, best.score, [trial for rung in reversed(trained) for trial in rung])


def _order(trial: Trial) -> tuple[bool, float, int]:
    return trial.score is None, -(trial.score or 0.0), trial.number


def _train(train: Train, number: int, epochs: int, values: dict[str, Any]) -> Trial:
    try:
        score = _arrays.number("the score", train(dict(values), epochs))
    except (ValueError, FloatingPointError) as error:
        return Trial(number, epochs, values, None, str(error))
    return Trial(number, epochs, values, score)


def _checked(space: Space) -> dict[str, Between | list[Any]]:
    if not space:
        raise ValueError("space is empty; expected names with lists of values or Between(low, high)")
    checked: dict[str, Between | list[Any]] = {}
    for name, values in space.items():
        if isinstance(values, Between):
            checked[name] = values
        elif isinstance(values, str) or not hasattr(values, "__len__") or len(values) == 0:
            raise ValueError(f"space[{name!r}] is {values!r}; expected a list of values or Between(low, high)")
        else:
            checked[name] = list(values)
    return checked


class _Random:
    """Draws that depend on nothing but the seed and their number."""

    def __init__(self, space: dict[str, Between | list[Any]], start: Mapping[str, Any] | None, seed: int) -> None:
        self.space, self.start, self.seed = space, start, seed

    def values(self, number: int) -> dict[str, Any]:
        if number == 0 and self.start is not None:
            return dict(self.start)
        rng = np.random.default_rng([self.seed, number])
        return {
            name: values._at(float(rng.random())) if isinstance(values, Between) else values[int(rng.integers(len(values)))]
            for name, values in self.space.items()
        }

    def tell(self, trial: Trial) -> None:
        """Nothing is learned from trials."""


class _Parzen(_Random):
    """Draws of Optuna."""

    def __init__(self, space: dict[str, Between | list[Any]], start: Mapping[str, Any] | None, seed: int) -> None:
        try:
            import optuna  # type: ignore[import-not-found,unused-ignore]
        except ImportError:
            raise ImportError('sampler="tpe" needs optuna: pip install optuna, or use sampler="random"') from None
        super().__init__(space, start, seed)
        self.lost = optuna.trial.TrialState.FAIL
        level = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
        optuna.logging.set_verbosity(level)
        self.asked: dict[int, Any] = {}

    def values(self, number: int) -> dict[str, Any]:
        if number == 0 and self.start is not None:
            return dict(self.start)
        asked = self.asked[number] = self.study.ask()
        return {name: self._one(asked, name, values) for name, values in self.space.items()}

    def _one(self, asked: Any, name: str, values: Between | list[Any]) -> Any:
        if not isinstance(values, Between):
            # Optuna's choices are numbers and text; ours may be anything.
            return values[asked.suggest_categorical(name, list(range(len(values))))]
        if values.whole:
            return asked.suggest_int(name, math.ceil(values.low), math.floor(values.high), log=values.log)
        return asked.suggest_float(name, values.low, values.high, log=values.log)

    def tell(self, trial: Trial) -> None:
        asked = self.asked.pop(trial.number, None)
        if asked is None:
            return
        if trial.score is None:
            self.study.tell(asked, state=self.lost)
        else:
            self.study.tell(asked, trial.score)


def _draws(space: dict[str, Between | list[Any]], start: Mapping[str, Any] | None, sampler: str, seed: int) -> _Random:
    if sampler not in ("random", "tpe"):
        raise ValueError(f"sampler is {sampler!r}; expected 'random' or 'tpe'")
    return (_Parzen if sampler == "tpe" else _Random)(space, start, seed)


class _Log:
    """The trainings in a file, by number and epochs."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.known: dict[tuple[int, int], Trial] = {}
        if path is None or not path.exists():
            return
        for place, line in enumerate(path.read_text().splitlines(), 1):
            try:
                trial = Trial(**json.loads(line))
            except (ValueError, TypeError):
                raise ValueError(f"{path}, line {place}, is no training of a search; choose another file") from None
            self.known[trial.number, trial.epochs] = trial

    def find(self, number: int, epochs: int, values: dict[str, Any]) -> Trial | None:
        found = self.known.get((number, epochs))
        if found is None:
            return None
        if found.values != json.loads(_json(values)):
            raise ValueError(
                f"{self.path} belongs to another search: trial {number} has {found.values}, now {values}; choose another file"
            )
        return Trial(found.number, found.epochs, values, found.score, found.problem)

    def add(self, trial: Trial) -> None:
        if self.path is None or (trial.number, trial.epochs) in self.known:
            return
        self.known[trial.number, trial.epochs] = trial
        with self.path.open("a") as file:
            file.write(_json(asdict(trial)) + "\n")


def _json(value: Any) -> str:
    def plain(other: Any) -> Any:
        return other.item() if hasattr(other, "item") else repr(other)

    return json.dumps(value, default=plain)
