"""What takes more memory than there is is refused before any is taken."""

import resource
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import TrainingError
from nextchar.text.vocabulary import Vocabulary
from nextchar.training import memory, trainer
from nextchar.training.dataset import Dataset
from nextchar.training.memory import training_bytes, usable_bytes
from nextchar.training.trainer import Trainer
from tests.runs.test_folder import PLAN


def test_the_bytes_of_a_small_network_are_counted() -> None:
    parameters = PLAN.architecture(10).parameter_count
    # Weights, gradients, two values of the optimizer, the best weights, and a checkpoint with three; then the batch.
    assert training_bytes(PLAN, 10) == 4 * (8 * parameters + 6 * 8 * (2 * 4) + 2 * 10 * (2 * 4))
    assert training_bytes(PLAN, 10, on_cpu=False) == 4 * 4 * parameters


def test_the_largest_network_that_options_ask_for_takes_more_than_a_hundred_gigabytes() -> None:
    assert training_bytes(PLAN.model_copy(update={"hidden": (8192,) * 8}), 57) > 100e9


def test_no_more_can_be_used_than_the_limits_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = usable_bytes()
    (tmp_path / "limit").write_text("123456\n")
    monkeypatch.setattr(memory, "_LIMITS", (tmp_path / "limit", tmp_path / "nowhere"))
    assert usable_bytes() == 123456 < whole
    (tmp_path / "limit").write_text("max\n")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1000, 2000))
    assert usable_bytes() == 1000


def test_a_network_too_large_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "usable_bytes", lambda: 10**10)
    ids, plan = np.arange(100) % 10, PLAN.model_copy(update={"hidden": (8192, 8192)})
    with pytest.raises(TrainingError, match=r"layers of 8192 \+ 8192 units on 2 × 4 .* GB of memory, and only .*10.0"):
        Trainer(plan, Dataset(ids, ids[:0], Vocabulary("abcdefghi")), seed=0)
