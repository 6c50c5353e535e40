"""Scoring that learns: steps worked by hand, the order of events, and nothing changed but the scores."""

import ast
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from nextchar.model import dynamic_evaluation as adaptation
from nextchar.model.dynamic_evaluation import OWN_TEXT, SEGMENT, STEP, AdaptiveScorer, step_sizes
from nextchar.model.scoring import Scorer
from nextchar.networks.architecture import Architecture, Parameters
from nextchar.networks.engine import make_network
from tests.small_networks import random_parameters

ARCHITECTURES = [
    Architecture(vocabulary_size=9, embedding=3, hidden=(6,)),
    Architecture(vocabulary_size=9, embedding=None, hidden=(5, 4)),
    Architecture(vocabulary_size=9, embedding=3, hidden=(6,), context_length=1),
    Architecture(vocabulary_size=9, embedding=None, hidden=(5,), context_length=3),
    Architecture(vocabulary_size=9, embedding=3, hidden=(5, 4), context_length=25),
]
WIDE = pytest.param(ARCHITECTURES[4], marks=pytest.mark.slow)
"""Reads 25 ids for each prediction."""
every_kind = pytest.mark.parametrize("architecture", [*ARCHITECTURES[:4], WIDE], ids=str)


def make_scorer(architecture: Architecture, parameters: Parameters | None = None) -> AdaptiveScorer:
    parameters = parameters or random_parameters(architecture)
    return AdaptiveScorer(architecture, parameters, make_network(architecture, parameters), start=0)


def plain_scores(architecture: Architecture, ids: np.ndarray) -> np.ndarray:
    return Scorer(make_network(architecture, random_parameters(architecture)), start=0).score(ids)


def some_ids(length: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(9, size=length)


@pytest.fixture(autouse=True)
def short_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adaptation, "OWN_TEXT", 320)


def with_bias_alone(bias: list[float]) -> tuple[Architecture, Parameters]:
    """Return a network that predicts the same from everything: h is zero, and nothing but this bias is learned."""
    architecture = Architecture(vocabulary_size=len(bias), embedding=2, hidden=(3,))
    parameters = {name: np.zeros(shape, np.float32) for name, shape in architecture.parameter_shapes().items()}
    return architecture, {**parameters, "output.bias": np.array(bias, np.float32)}


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum()


def with_step_size(monkeypatch: pytest.MonkeyPatch, size: float) -> None:
    monkeypatch.setattr(adaptation, "step_sizes", lambda of: [torch.full_like(one, size) for one in of])


def test_two_steps_worked_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    with_step_size(monkeypatch, 0.5)
    monkeypatch.setattr(adaptation, "SEGMENT", 4)
    monkeypatch.setattr(adaptation, "DECAY", 0.1)
    ids = np.array([2, 2, 0, 2, 1, 2, 1, 1, 0, 1, 2])
    bias = np.array([0.1, -0.3, 0.4])
    # The gradient of a bias is the mean probability less the frequency; the way back begins with the second step.
    once = bias - 0.5 * (softmax(bias) - [1 / 4, 0, 3 / 4])
    twice = once + 0.1 * (bias - once) - 0.5 * (softmax(once) - [0, 3 / 4, 1 / 4])
    predicted = np.repeat(np.log2([softmax(bias), softmax(once), softmax(twice)]), [4, 4, 3], axis=0)
    scores = make_scorer(*with_bias_alone(bias.tolist())).score(ids)
    assert scores == pytest.approx(predicted[np.arange(11), ids], abs=1e-6)


def test_a_long_step_is_shortened(monkeypatch: pytest.MonkeyPatch) -> None:
    with_step_size(monkeypatch, 1000.0)
    bias = np.zeros(3)
    step = softmax(bias) - [0, 0, 1]
    after = softmax(bias - 2 * step / np.linalg.norm(step))
    scores = make_scorer(*with_bias_alone(bias.tolist())).score(np.full(SEGMENT + 1, 2))
    assert scores[-1] == pytest.approx(np.log2(after[2]), abs=1e-6)


def test_step_sizes_worked_by_hand() -> None:
    # The mean of 3, 1, 2 is 2, so the floor is 0.6; the norm of 3 / 3.6, 1 / 1.6 and 2 / 2.6 is 1.295.
    sizes = step_sizes([torch.tensor([3.0, 1.0]), torch.tensor([[2.0]])])
    assert sizes[0].tolist() == pytest.approx([0.3 / 1.2950 / 3.6, 0.3 / 1.2950 / 1.6], rel=1e-4)
    assert sizes[1].tolist() == [pytest.approx([0.3 / 1.2950 / 2.6], rel=1e-4)]


def test_a_usual_step_has_the_length_wanted() -> None:
    usual = [torch.rand(7, 5) * 1e-3, torch.rand(11) * 1e-5]
    steps = [size * gradient for size, gradient in zip(step_sizes(usual), usual, strict=True)]
    assert sum(float((step**2).sum()) for step in steps) == pytest.approx(STEP**2, rel=1e-4)


def test_usual_gradients_are_those_of_its_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fair coin's frequency in n throws has the standard deviation sqrt(1 / 4n)."""
    monkeypatch.setattr(adaptation, "OWN_TEXT", 500 * SEGMENT)
    seen: list[list[torch.Tensor]] = []
    monkeypatch.setattr(adaptation, "step_sizes", seen.append)
    make_scorer(*with_bias_alone([0.0, 0.0]))
    *others, bias = seen[0]
    assert bias.tolist() == pytest.approx([np.sqrt(1 / (4 * SEGMENT))] * 2, rel=0.1)
    assert not any(other.any() for other in others)


@every_kind
def test_the_first_segment_is_scored_like_without_learning(architecture: Architecture) -> None:
    ids = some_ids(200)
    adapted, plain = make_scorer(architecture).score(ids), plain_scores(architecture, ids)
    np.testing.assert_allclose(adapted[:SEGMENT], plain[:SEGMENT], atol=1e-5)
    assert np.abs(adapted - plain)[SEGMENT : 2 * SEGMENT].max() > 1e-3


@every_kind
def test_without_steps_everything_is_scored_like_without_learning(
    architecture: Architecture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_step_size(monkeypatch, 0.0)
    ids = some_ids(150)
    np.testing.assert_allclose(make_scorer(architecture).score(ids), plain_scores(architecture, ids), atol=1e-5)


@every_kind
def test_what_comes_later_changes_no_score(architecture: Architecture) -> None:
    """All up to the end of the segment in which the text changes; in that segment, all but the changed ids."""
    ids, other = some_ids(100), some_ids(100, seed=1)
    whole = make_scorer(architecture).score(ids)
    for position in (0, 1, SEGMENT - 1, SEGMENT, 50):
        changed = np.concatenate([ids[:position], other[position:]])
        scores = make_scorer(architecture).score(changed)
        np.testing.assert_array_equal(scores[:position], whole[:position])
        end = (position // SEGMENT + 1) * SEGMENT
        changed[position:end] = ids[position:end]  # now the text differs from the next segment on
        np.testing.assert_array_equal(make_scorer(architecture).score(changed)[:end], whole[:end])


@pytest.mark.parametrize("architecture", [ARCHITECTURES[0], WIDE], ids=str)
def test_pieces_change_nothing(architecture: Architecture) -> None:
    ids = some_ids(70)
    whole = make_scorer(architecture).score(ids)

    @settings(deadline=None, max_examples=10)
    @given(cuts=st.lists(st.integers(0, 70), max_size=6).map(sorted))
    def check(cuts: list[int]) -> None:
        scorer = make_scorer(architecture)
        pieces = [scorer.score(piece) for piece in np.split(ids, cuts)]
        assert [len(piece) for piece in pieces] == [len(piece) for piece in np.split(ids, cuts)]
        np.testing.assert_allclose(np.concatenate(pieces), whole, atol=1e-5)

    check()


def test_ids_one_by_one_are_scored_at_once() -> None:
    ids = some_ids(40).astype(np.uint16)
    scorer = make_scorer(ARCHITECTURES[0])
    one_by_one = np.concatenate([scorer.score(ids[n : n + 1]) for n in range(len(ids))])
    np.testing.assert_allclose(one_by_one, make_scorer(ARCHITECTURES[0]).score(ids), atol=1e-5)


@every_kind
def test_it_learns_what_comes_again_and_again(architecture: Architecture) -> None:
    ids = np.tile([1, 5, 3, 7, 3], 200)
    adapted, plain = make_scorer(architecture).score(ids), plain_scores(architecture, ids)
    assert -adapted.mean() < 0.6 * -plain.mean()


@every_kind
def test_the_model_stays_as_it_was(architecture: Architecture) -> None:
    parameters = random_parameters(architecture)
    make_scorer(architecture, parameters).score(some_ids(100))
    for name, array in random_parameters(architecture).items():
        np.testing.assert_array_equal(parameters[name], array)


def test_the_same_text_has_the_same_scores_and_threads_are_left_alone() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        scores = [make_scorer(ARCHITECTURES[1]).score(some_ids(100)) for _ in range(2)]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(scores[0], scores[1])


def test_a_single_character_is_no_surprise() -> None:
    architecture = Architecture(vocabulary_size=1, embedding=2, hidden=(3,))
    assert make_scorer(architecture).score(np.zeros(50, int)).tolist() == [0] * 50


NOISE: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "random": lambda random: random.integers(9, size=3000),
    "one": lambda random: np.full(3000, 4),
    "in turns": lambda random: np.repeat(random.integers(9, size=10), 300),
}


@pytest.mark.parametrize("kind", NOISE)
@pytest.mark.parametrize("spread", [0.0, 1.0, 10.0])
def test_it_does_not_run_away(kind: str, spread: float) -> None:
    """On text that no model foresees, from a network that expects nothing to one that is certain of the wrong."""
    architecture = ARCHITECTURES[0]
    parameters = random_parameters(architecture, spread=spread)
    ids = NOISE[kind](np.random.default_rng(0))
    scores = make_scorer(architecture, parameters).score(ids)
    assert np.isfinite(scores).all()
    plain = Scorer(make_network(architecture, parameters), 0).score(ids)
    assert -scores.mean() < -plain.mean() + 0.25
    assert -scores[-1000:].mean() < np.log2(9) + 2


def test_the_constants_in_the_page_are_those_of_the_module() -> None:
    page = (Path(__file__).parents[2] / "docs/adaptation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\S+) \|$", page, re.M)
    numbers = {name: value for name, value in vars(adaptation).items() if isinstance(value, (int, float))}
    constants = {name: value for name, value in numbers.items() if name.isupper() and name[0] != "_"}
    assert {name: ast.literal_eval(value) for name, value in rows} == {**constants, "OWN_TEXT": OWN_TEXT}
