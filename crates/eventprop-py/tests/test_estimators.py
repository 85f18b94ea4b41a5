"""The estimators in the manner of scikit-learn, by scikit-learn's own checks."""

from __future__ import annotations

import pickle
import warnings
from typing import Any

import eventprop as ep
import numpy as np
import pytest

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([ep.EventPropClassifier(hidden=20, epochs=40), ep.EventPropRegressor(hidden=20, epochs=40)])
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


def test_training_stops_early_and_keeps_the_best() -> None:
    X, y = load_iris(return_X_y=True)
    stopping = ep.EventPropClassifier(hidden=10, epochs=200, early_stopping=True, validation_fraction=0.2, n_iter_no_change=3)
    c = stopping.fit(X, y)
    losses = c.history_["validation_loss"]
    assert len(losses) < 200 and losses.argmin() == len(losses) - 4
    r = ep.EventPropRegressor(hidden=10, epochs=200, early_stopping=True, n_iter_no_change=3).fit(X[:, :3], X[:, 3])
    losses = np.array([epoch["validation_loss"] for epoch in r.history_])
    assert len(losses) < 200 and losses.argmin() == len(losses) - 4


def test_a_rare_class_is_shown_more_often() -> None:
    X, y = load_iris(return_X_y=True)
    few = np.r_[0:50, 50:60, 100:150]
    plain, balanced = (ep.EventPropClassifier(class_weight=weight) for weight in (None, "balanced"))
    for c in (plain, balanced):
        c.classes_ = np.arange(3)
    assert plain._shown(y[few], 1).tolist() == list(range(110))
    counts = np.bincount(y[few][balanced._shown(y[few], 1)])
    # 1/10 : 1/50 is five showings for one, without a remainder that would be drawn.
    assert counts.tolist() == [50, 50, 50]
    with pytest.raises(ValueError, match="class_weight has 7, which is no class of y"):
        ep.EventPropClassifier(class_weight={7: 2.0}).fit(X, y)


def test_a_number_is_predicted() -> None:
    X, y = load_diabetes(return_X_y=True)
    scores = cross_val_score(ep.EventPropRegressor(hidden=30, epochs=40), X, y, cv=3)
    # Linear regression reaches R² = 0.49 here; the mean alone has 0.
    assert scores.mean() > 0.3


def test_a_pipeline_is_searched_by_two_processes() -> None:
    X, y = load_iris(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), ep.EventPropClassifier(epochs=10))
    search = GridSearchCV(clone(pipeline), {"eventpropclassifier__hidden": [5, 20]}, cv=2, n_jobs=2)
    search.fit(X, y)
    # Chance is 1/3.
    assert search.best_score_ > 0.6
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert np.array_equal(again.predict_proba(X), search.best_estimator_.predict_proba(X))
