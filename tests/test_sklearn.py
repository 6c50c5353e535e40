"""The estimator of scikit-learn: its own checks as far as they ask for no array of numbers, and ours on texts."""

from __future__ import annotations

import doctest
import math
import pickle
import warnings
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

from sklearn.base import clone
from sklearn.exceptions import NotFittedError, SkipTestWarning
from sklearn.model_selection import GridSearchCV
from sklearn.utils import estimator_checks

from nextchar.sklearn import CharacterModel

TEXTS = [f"the {kind} is {colour}" for kind in ("fox", "hen", "old dog") for colour in ("red", "grey", "brown")] * 10
CHECKS = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_mixin_order",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
]
"""Those of scikit-learn that fit nothing. All others fit arrays of numbers, which are no texts."""


def counted() -> CharacterModel:
    return CharacterModel(recipe="counts")


@pytest.fixture(scope="module")
def fitted() -> CharacterModel:
    return counted().fit(TEXTS)


def test_scikit_learn_asks_nothing_of_an_estimator_of_texts() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkipTestWarning)
        estimator_checks.check_estimator(counted())


@pytest.mark.parametrize("check", CHECKS)
def test_a_check_without_arrays_passes(check: str) -> None:
    getattr(estimator_checks, check)("CharacterModel", counted())


def test_the_example_does_what_it_says() -> None:
    example = doctest.DocTestParser().get_doctest(CharacterModel.__doc__ or "", {}, "CharacterModel", None, None)
    assert doctest.DocTestRunner().run(example).failed == 0


def test_a_sample_has_its_log_likelihood_in_nats(fitted: CharacterModel) -> None:
    texts = ["the fox is red", "", "xof"]
    nats = fitted.score_samples(texts)
    expected = -math.log(2) * fitted.model_.score_many(texts)
    np.testing.assert_allclose(nats, expected)
    assert fitted.score(texts) == pytest.approx(nats.sum() / 17)
    by_character = CharacterModel(recipe="counts", per_character=True).fit(TEXTS).score_samples(texts)
    np.testing.assert_allclose(by_character[[0, 2]], [nats[0] / 14, nats[2] / 3])
    assert np.isnan(by_character[1])
    # Neither their order nor what stands beside them matters.
    np.testing.assert_allclose(fitted.score_samples(texts[::-1])[::-1], nats)
    np.testing.assert_allclose([fitted.score_samples([text])[0] for text in texts], nats)


def test_fitting_again_gives_the_same_and_scoring_changes_nothing(fitted: CharacterModel) -> None:
    model = counted()
    parameters = model.get_params()
    assert model.fit(np.array(TEXTS, object)) is model
    before = dict(vars(model))
    first = model.score_samples(TEXTS[:9])
    assert dict(vars(model)) == before
    assert model.get_params() == parameters
    np.testing.assert_array_equal(model.fit(TEXTS).score_samples(TEXTS[:9]), first)
    assert not hasattr(clone(model), "model_")


def test_it_is_pickled_as_the_bytes_of_its_model_file(fitted: CharacterModel) -> None:
    pickled = pickle.dumps(fitted)
    assert fitted.model_.file.to_bytes() in pickled
    again = pickle.loads(pickled)
    assert again.get_params() == fitted.get_params()
    np.testing.assert_array_equal(again.score_samples(TEXTS[:9]), fitted.score_samples(TEXTS[:9]))
    assert pickle.loads(pickle.dumps(counted())).get_params() == counted().get_params()


def test_options_of_training_are_passed_on() -> None:
    tiny = {"layers": 1, "streams": 4, "window": 8, "learning_rate": 0.03}
    model = CharacterModel(steps=2, hidden=8, lowercase=True, seed=3, options=tiny).fit(TEXTS)
    provenance = model.model_.provenance
    assert (provenance.step, provenance.seed, provenance.lowercase) == (2, 3, True)
    assert model.score_samples(["THE FOX"]) == model.score_samples(["the fox"])


def test_parameters_are_searched_by_cross_validation() -> None:
    search = GridSearchCV(counted(), {"lowercase": [False, True]}, cv=3)
    search.fit(np.array([text.upper() if number % 2 else text for number, text in enumerate(TEXTS)], object))
    means = search.cv_results_["mean_test_score"]
    assert np.isfinite(means).all()
    assert search.best_score_ == max(means) > min(means)


@pytest.mark.parametrize(
    "ask",
    [
        lambda model: model.fit("the fox"),
        lambda model: model.fit(["the fox", 7]),
        lambda model: model.fit(TEXTS).score_samples(TEXTS[0]),
        lambda model: model.fit(TEXTS).score([float("nan")]),
    ],
)
def test_what_is_not_a_list_of_strings_is_refused(ask: Callable[[CharacterModel], object]) -> None:
    with pytest.raises(ValueError, match="list of strings"):
        ask(counted())


@pytest.mark.parametrize("method", ["score", "score_samples"])
def test_it_scores_nothing_before_it_is_fitted(method: str) -> None:
    with pytest.raises(NotFittedError):
        partial(getattr(counted(), method), TEXTS)()


def test_many_texts_are_a_list_each_by_itself() -> None:
    many = [f"{text} {number}" for number, text in enumerate(TEXTS * 3)]
    assert counted().fit(many).model_.is_of_lines
    assert not counted().fit(TEXTS).model_.is_of_lines
    assert not counted().fit([*many, "two\nlines"]).model_.is_of_lines
