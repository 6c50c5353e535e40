"""Scoring on the way: when, on what, and which model is kept."""

import numpy as np
import pytest

from nextchar.model.calibration import fit_temperature
from nextchar.model.scoring import bits_per_id
from nextchar.networks.architecture import Floats, Ids, State
from nextchar.networks.torch_processes import join_processes
from nextchar.networks.torch_threads import TorchThreads
from nextchar.training.checkpoint import TrainingState
from nextchar.training.validation import BestModel, evaluation_steps, excerpts, scored_at_once
from tests.forked import called_together
from tests.small_networks import random_network
from tests.training.test_trainer import make_plan


def test_evaluations_are_even_and_end_with_the_plan() -> None:
    assert evaluation_steps(make_plan(steps=100, checkpoint_every=10), 4) == [30, 50, 80, 100]
    assert evaluation_steps(make_plan(steps=5, checkpoint_every=10), 8) == [5]


def test_a_revision_moves_the_evaluations_to_come_alone() -> None:
    plan = make_plan(steps=100, checkpoint_every=10)
    assert evaluation_steps(plan.revised(40, 160), 4) == [30, 60, 110, 160]
    assert scored_at_once(plan.revised(40, 160), 4, 10**6) == scored_at_once(plan, 4, 10**6)


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


HELD_OUT = np.random.default_rng(0).integers(0, 9, 8192)


class _Counting:
    """A network that counts what it reads."""

    context_length = None

    def __init__(self) -> None:
        self._network, self.read = random_network(), 0
        self.vocabulary_size = self._network.vocabulary_size
        self.initial_state = self._network.initial_state

    def forward(self, ids: Ids, state: State) -> tuple[Floats, State]:
        self.read += ids.size
        return self._network.forward(ids, state)


def _scored() -> tuple[float, float, int]:
    """Return the bits and the temperature that all processes find, and what this one read for them."""
    network, executor = _Counting(), TorchThreads(4, 4, join_processes())
    return bits_per_id(network, HELD_OUT, 0, executor), fit_temperature(network, HELD_OUT, executor), network.read


def test_held_out_excerpts_are_divided_over_the_processes() -> None:
    bits, temperature, alone = _scored()
    (first_bits, first_temperature, first), (second_bits, second_temperature, second) = called_together(_scored)
    assert (first_bits, first_temperature) == (second_bits, second_temperature)
    assert (first_bits, first_temperature) == (pytest.approx(bits), pytest.approx(temperature))
    assert max(first, second) < 0.6 * alone
