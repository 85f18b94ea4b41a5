"""The classifier in the manner of scikit-learn, by scikit-learn's own checks."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import eventprop as ep
import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
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


@pytest.mark.parametrize("loss", ["avg_xentropy", "sum", "max"])
@pytest.mark.parametrize("solver", ["grid", "event"])
def test_probabilities_are_those_of_the_loss(loss: str, solver: str) -> None:
    X, y = load_iris(return_X_y=True)
    c = ep.EventPropClassifier(hidden=10, epochs=3, loss=loss, solver=solver).fit(X, y)
    found = c.predict_proba(X)
    assert found.shape == (150, 3) and (found > 0).all()
    # Sums of three numbers below 1 in float64.
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=4 * np.finfo(float).eps)
    assert (c.classes_[found.argmax(axis=1)] == c.predict(X)).all()
    if loss != "avg_xentropy":
        losses = c.network_.evaluate(c._encoded(X).with_labels(y), solver=solver).losses
        # The losses of the grid are computed in float32 before they are exponentiated.
        np.testing.assert_allclose(found[np.arange(150), y], np.exp(-losses), rtol=1e-5)


def test_a_pipeline_is_searched_by_two_processes() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), ep.EventPropClassifier(epochs=10))
    search = GridSearchCV(clone(pipeline), {"eventpropclassifier__hidden": [5, 20]}, cv=2, n_jobs=2)
    search.fit(X, y)
    # Chance is 1/3.
    assert search.best_score_ > 0.6
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert np.array_equal(again.predict_proba(X), search.best_estimator_.predict_proba(X))
