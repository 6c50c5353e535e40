"""Scoring on the way: when, on what, and which model is kept."""

import numpy as np
import pytest

from nextchar.training.checkpoint import TrainingState
from nextchar.training.validation import BestModel, evaluation_steps, excerpts
from tests.training.test_trainer import make_plan


def test_evaluations_are_even_and_end_with_the_plan() -> None:
    assert evaluation_steps(make_plan(steps=100, checkpoint_every=10), 4) == [30, 50, 80, 100]
    assert evaluation_steps(make_plan(steps=5, checkpoint_every=10), 8) == [5]


def test_excerpts_are_from_all_over() -> None:
    ids = np.arange(100_000)
    found = excerpts(ids, 10_000)
    pieces = found.reshape(-1, 2048)
    assert len(pieces) == 4
    assert (pieces[0, 0], pieces[-1, -1]) == (0, 99_999)
    assert (np.diff(pieces, axis=1) == 1).all()
    assert set(np.diff(pieces[:, 0]).tolist()) <= {32650, 32651}
    np.testing.assert_array_equal(excerpts(ids, 100_000), ids)


@pytest.mark.parametrize(
    ("best", "bits", "kept"), [(None, 3.0, 3.0), (3.0, 2.5, 2.5), (3.0, 3.0, None), (3.0, 3.5, None)]
)
def test_the_better_model_is_kept(best: float | None, bits: float, kept: float | None) -> None:
    first, second = ({"x": np.array([value])} for value in (1.0, 2.0))
    model, state = BestModel(first), TrainingState(step=8, best_bits=best, best_step=4)
    after = model.offer(second, bits, state)
    if kept is None:
        assert (model.parameters, after) == (first, state)
    else:
        assert (model.parameters, after) == (second, TrainingState(step=8, best_bits=kept, best_step=8))


def test_with_nothing_held_out_the_last_model_is_the_best() -> None:
    model = BestModel({"x": np.array([1.0])})
    state = model.offer({"x": np.array([2.0])}, None, TrainingState(step=8))
    assert (state.best_step, state.best_bits, float(model.parameters["x"][0])) == (8, None, 2.0)
