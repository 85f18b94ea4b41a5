"""Searches for values by successive halving."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import eventprop as ep

SPACE: dict[str, Any] = {"eta": ep.Between(1e-3, 1e-1, log=True), "size": ep.Between(2, 9, whole=True), "loss": ["max", "sum"]}


def score(values: dict[str, Any], epochs: int) -> float:
    """Best at eta 0.01, and the better the longer."""
    return -abs(math.log10(values["eta"]) + 2.0) + epochs / 100


def test_the_best_third_is_trained_longer_and_the_best_of_the_longest_is_found() -> None:
    calls: list[tuple[float, int]] = []

    def train(values: dict[str, Any], epochs: int) -> float:
        calls.append((values["eta"], epochs))
        return score(values, epochs)

    found = ep.tune(train, SPACE, epochs=18, trials=9, start={"eta": 0.5})
    assert [epochs for _, epochs in calls] == [2] * 9 + [6] * 3 + [18]
    assert calls[0] == (0.5, 2)
    best = min((eta for eta, _ in calls), key=lambda eta: abs(math.log10(eta) + 2.0))
    assert found.best["eta"] == best == calls[-1][0]
    assert found.score == score(found.best, 18) and found.trials[0].values == found.best
    assert all(2 <= trial.values.get("size", 2) <= 9 for trial in found.trials)


def test_draws_depend_on_the_seed_and_their_number_alone() -> None:
    few = ep.tune(score, SPACE, epochs=1, trials=3, seed=4)
    many = ep.tune(score, SPACE, epochs=1, trials=6, seed=4)
    other = ep.tune(score, SPACE, epochs=1, trials=3, seed=5)

    def drawn(found: ep.Tuned) -> dict[int, dict[str, Any]]:
        return {trial.number: trial.values for trial in found.trials}

    assert drawn(few).items() <= drawn(many).items()
    assert drawn(few) != drawn(other)


def test_a_training_that_fails_is_told_and_comes_last() -> None:
    def train(values: dict[str, Any], epochs: int) -> float:
        if values["size"] > 5:
            raise FloatingPointError("the state left the finite numbers")
        return math.nan if values["size"] == 5 else 1.0

    found = ep.tune(train, {"size": list(range(2, 10))}, epochs=1, trials=20)
    failed = [trial for trial in found.trials if trial.score is None]
    assert failed == found.trials[-len(failed) :]
    assert {trial.values["size"] >= 5 for trial in failed} == {True}
    with pytest.raises(ValueError, match="no trial gave a score; .*finite"):
        ep.tune(train, {"size": [7]}, epochs=1, trials=2)


def test_what_stands_in_the_file_is_not_trained_again(tmp_path: Path) -> None:
    out = tmp_path / "trials.jsonl"
    first = ep.tune(score, SPACE, epochs=9, trials=5, out=out)

    def never(values: dict[str, Any], epochs: int) -> float:
        raise AssertionError("trained again")

    assert ep.tune(never, SPACE, epochs=9, trials=5, out=out) == first
    assert len([json.loads(line) for line in out.read_text().splitlines()]) == len(first.trials)
    with pytest.raises(ValueError, match="another search"):
        ep.tune(score, SPACE, epochs=9, trials=5, seed=1, out=out)
    out.write_text("no JSON\n")
    with pytest.raises(ValueError, match="line 1, is no training"):
        ep.tune(score, SPACE, epochs=9, out=out)


def test_time_ends_a_search_with_at_least_one_long_training() -> None:
    found = ep.tune(score, SPACE, epochs=9, minutes=1e-9)
    assert [trial.epochs for trial in found.trials] == [9, 3, 1]


def test_optuna_draws_where_it_is_installed() -> None:
    pytest.importorskip("optuna", reason="skipped: optuna is not installed")
    found = ep.tune(score, SPACE, epochs=1, trials=20, sampler="tpe")
    assert abs(math.log10(found.best["eta"]) + 2.0) < 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"space": {}}, "space is empty"),
        ({"space": {"eta": []}}, "expected a list of values"),
        ({"space": {"loss": "max"}}, "expected a list of values"),
        ({"epochs": 0}, "epochs is 0"),
        ({"trials": 0}, "trials is 0"),
        ({"minutes": 0}, "minutes is 0"),
        ({"sampler": "grid"}, "sampler is 'grid'"),
    ],
)
def test_what_is_no_search_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ep.tune(score, **{"space": SPACE, "epochs": 3, **arguments})


def test_ranges_have_two_ends() -> None:
    with pytest.raises(ValueError, match="low below high"):
        ep.Between(2, 1)
    with pytest.raises(ValueError, match="above 0"):
        ep.Between(0, 1, log=True)
