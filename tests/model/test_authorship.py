"""Who wrote it: three made-up authors who share their words, and stretches that their models have not learned from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import nextchar
from nextchar.errors import TextError, UsageError
from nextchar.model.authorship import USUAL, Authors, Law, who
from nextchar.model.language_model import LanguageModel
from nextchar.model.spread import Spread
from tests.small_networks import random_model

NAMES = ("ann", "ben", "cat")
KOREAN = "옛날 옛적에 곰이 살았습니다. 곰은 마늘을 먹었습니다.\n" * 4


def written(author: int, characters: int, seed: int = 0) -> str:
    """Return lines of ``author``: all have the same words, and each some that are dearer; what each speaks about
    changes every eight lines, so that errors of a model come together."""
    words = ["".join(np.random.default_rng(n).choice(list("etaoinshr"), 2 + n % 5)) for n in range(40)]
    liking = np.random.default_rng(100 + author).gamma(0.7, size=len(words))
    random, lines = np.random.default_rng([author, seed]), list[str]()
    while sum(map(len, lines)) < characters:
        subject = liking * random.gamma(0.4, size=len(words))
        drawn = random.choice(words, (8, 8), p=subject / subject.sum()).tolist()
        lines += [" ".join(line).capitalize() + ".\n" for line in drawn]
    return "".join(lines)[:characters]


@pytest.fixture(scope="module")
def models() -> dict[str, LanguageModel]:
    texts = {name: written(number, 40_000) for number, name in enumerate(NAMES)}
    return {name: nextchar.train(text=text, recipe="counts", quiet=True) for name, text in texts.items()}


@pytest.fixture(scope="module")
def held_out() -> dict[str, str]:
    return {name: written(number, 4_000, seed=1) for number, name in enumerate(NAMES)}


def stretches(length: int) -> list[tuple[int, str]]:
    """Return stretches of all authors that no model has learned from or was calibrated on, with their number."""
    texts = [written(number, 6_000, seed=2) for number in range(len(NAMES))]
    return [(n, text[at : at + length]) for n, text in enumerate(texts) for at in range(0, 6_000 - length, length)]


def nats(authors: Authors, length: int) -> float:
    """Return the mean of -ln p of the true author."""
    return float(np.mean([-np.log(authors.attribute(text).probabilities[n]) for n, text in stretches(length)]))


def test_the_author_of_a_stretch_is_found(models: dict[str, LanguageModel]) -> None:
    authors = Authors(models)
    right = [authors.attribute(text).author == NAMES[number] for number, text in stretches(300)]
    assert len(right) > 50
    assert np.mean(right) > 0.9


@pytest.mark.slow
def test_calibration_makes_the_probabilities_better(models: dict[str, LanguageModel], held_out: dict[str, str]) -> None:
    as_they_are = Authors(models, Law(1.0, 1e9))
    calibrated = as_they_are.fitted(held_out)
    for length in (40, 100):
        assert nats(calibrated, length) < 0.9 * nats(as_they_are, length)
        assert nats(calibrated, length) < nats(Authors(models), length) + 0.02


def test_a_law_can_be_fitted_on_the_text_of_some(models: dict[str, LanguageModel], held_out: dict[str, str]) -> None:
    authors = Authors(models)
    assert authors.fitted({}).law == USUAL
    assert authors.fitted({"ann": held_out["ann"]}).law != Law(1.0, 1e9)
    assert Authors({"ann": models["ann"]}).fitted({"ann": held_out["ann"]}).law == USUAL, "there is nothing to choose"


def test_a_text_in_another_language_is_by_none_of_them(models: dict[str, LanguageModel]) -> None:
    answer = who(KOREAN, models)
    assert answer.none_of_them
    assert answer.author is None
    assert answer.likeliest in NAMES
    shown = answer.as_json(lines=False)
    assert (shown["author"], shown["none_of_them"]) == (None, True)
    assert min(shown["deviations"].values()) > 3
    assert sum(shown["posterior"].values()) == pytest.approx(1)


def test_own_texts_are_hardly_ever_by_none(models: dict[str, LanguageModel]) -> None:
    authors = Authors(models)
    for length in (60, 600):
        assert np.mean([authors.attribute(text).none_of_them for _, text in stretches(length)]) <= 0.03


def test_without_a_spread_none_is_not_judged(models: dict[str, LanguageModel], held_out: dict[str, str]) -> None:
    bare = {name: _without_spread(model) for name, model in models.items()}
    authors = Authors(bare)
    assert authors.known_spreads == {}
    answer = authors.attribute(KOREAN)
    assert not answer.none_of_them
    assert answer.as_json()["deviations"] == dict.fromkeys(NAMES)
    assert not authors.measured({"ann": held_out["ann"]}).attribute(KOREAN).none_of_them
    assert authors.measured(held_out).attribute(KOREAN).none_of_them
    assert who(KOREAN, bare, held_out=held_out).none_of_them


def test_what_is_measured_is_near_what_the_run_measured(
    models: dict[str, LanguageModel], held_out: dict[str, str]
) -> None:
    measured = Authors(models).measured(held_out).known_spreads
    for name, model in models.items():
        recorded = model.provenance.held_out_spread
        assert recorded is not None
        assert measured[name].mean == pytest.approx(recorded.mean, abs=0.3)
        assert measured[name].of_characters == pytest.approx(recorded.of_characters, rel=0.3)


def _without_spread(model: LanguageModel) -> LanguageModel:
    provenance = model.provenance.model_copy(update={"held_out_spread": None})
    return LanguageModel(replace(model.file, provenance=provenance))


def test_lines_have_authors_of_their_own(models: dict[str, LanguageModel]) -> None:
    blocks = [written(number, 700, seed=5).splitlines()[:12] for number in range(3)]
    foreign = KOREAN.splitlines()[0]
    lines = [*blocks[0], *blocks[1], *blocks[2], "", foreign]
    answer = Authors(models).attribute("\n".join([*lines, ""]))
    assert [line for line, _ in answer.lines] == lines
    judged = [line for _, line in answer.lines]
    right = [line.author == name for line, name in zip(judged, np.repeat(NAMES, 12), strict=False)]
    assert np.mean(right) > 0.8
    empty, in_korean = judged[-2:]
    assert (empty.author, empty.none_of_them, empty.characters) == (None, False, 0)
    assert (in_korean.author, in_korean.none_of_them, in_korean.characters) == (None, True, len(foreign) + 1)
    np.testing.assert_allclose(np.sum([line.bits for line in judged], 0), answer.bits)
    shown = json.loads(json.dumps(answer.as_json(), allow_nan=False))
    assert shown["lines"][-2]["posterior"] == dict.fromkeys(NAMES)
    assert shown["lines"][0]["posterior"]["ann"] == pytest.approx(judged[0].probabilities[0])


def test_the_bits_are_those_of_each_model() -> None:
    models = {str(seed): random_model(seed=seed, lowercase=True) for seed in range(2)}
    text = "Der İs☃\nt a\n"  # lower-cased, it has a character more
    answer = Authors(models).attribute(text)
    expected = [float(model.surprises(text).sum()) for model in models.values()]
    np.testing.assert_allclose(answer.bits, expected)
    np.testing.assert_allclose(np.sum([line.bits for _, line in answer.lines], 0), expected)


def test_a_bit_counts_for_less_in_a_longer_text() -> None:
    law = Law(weight=0.5, length=100)
    (odds,) = (law.posterior(np.array([[10.0, 12.0]]), 100) @ np.array([[1, 0], [0, 1]])).tolist()
    assert odds[0] / odds[1] == pytest.approx(2 ** (2 * 0.5 / 2))
    posterior = law.posterior(np.array([[1e6, 2e6], [5.0, 5.0]]), np.array([10, 20]))
    np.testing.assert_allclose(posterior, [[1, 0], [0.5, 0.5]])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Authors({}), UsageError, "at least one model"),
        (lambda: Authors({"a": random_model()}).attribute(""), TextError, "no author"),
        (
            lambda: Authors({"a": random_model()}).fitted({"b": "text"}),
            UsageError,
            "'b' to calibrate: the models are a",
        ),
        (lambda: Authors({"a": random_model()}).measured({"a": "text"}), UsageError, "too short: 4 characters"),
        (
            lambda: Authors({"a": random_model(), "b": random_model(lowercase=True)}),
            UsageError,
            "b was trained on lower-cased text",
        ),
        (
            lambda: Authors({"a": random_model(), "b": random_model(normalize="nfc")}),
            UsageError,
            "b was trained on text in Unicode's form nfc",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


def test_given_spreads_replace_those_of_the_files(models: dict[str, LanguageModel]) -> None:
    wide = {"ann": Spread(mean=100, of_characters=1, of_stretches=1, characters=1)}
    assert not Authors(models, spreads=wide).attribute(KOREAN).none_of_them
