"""Options of training."""

import pytest

from nextchar.errors import UsageError
from nextchar.settings import TrainingSettings, build


def test_lengths_of_training_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="--time and --steps exclude each other"):
        build(TrainingSettings, {"time": 60, "steps": 100})


def test_the_size_of_no_memory_is_refused() -> None:
    with pytest.raises(UsageError, match="--memory-size is for a model with a memory"):
        build(TrainingSettings, {"memory": False, "memory_size": "1MB"})
