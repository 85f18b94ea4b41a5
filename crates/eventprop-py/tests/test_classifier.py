"""The classifier in the manner of scikit-learn, by scikit-learn's own checks."""

from __future__ import annotations

import warnings
from typing import Any

import eventprop as ep
import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([ep.EventPropClassifier(hidden=20, epochs=40)])
def test_scikit_learns_checks(estimator: Any, check: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def test_iris_is_learnt_in_a_cross_validation() -> None:
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    scores = cross_val_score(ep.EventPropClassifier(hidden=30, epochs=40), X, names, cv=3)
    # Chance is 1/3; 150 flowers have a standard error of 2 %, and two of the classes overlap in 5 of them.
    assert scores.mean() > 0.9
