"""How long an update and an exchange take."""

import math

import pytest
import torch

from nextchar.errors import TrainingError
from nextchar.networks.torch_threads import Compute
from nextchar.training.measurement import measure_exchange, measure_step
from tests.training.test_trainer import VOCABULARY, make_plan, make_trainer


def test_measuring_takes_any_rate_and_gives_the_seconds_of_an_update() -> None:
    plan = make_plan(learning_rate=10.0, clip=1e9)
    seconds = measure_step(plan, VOCABULARY, Compute(), seconds=0.3)
    assert 0 < seconds < 10


def test_what_a_gpu_has_no_memory_for_takes_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    def allocate(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr("nextchar.training.trainer.Updates", allocate)
    assert measure_step(make_plan(), VOCABULARY, Compute()) == math.inf
    with pytest.raises(TrainingError, match="too little free memory: lower --hidden"):
        make_trainer()


def test_one_exchange_is_timed_in_each_way() -> None:
    for exchange in ("float32", "bfloat16", "local"):
        assert 0 <= measure_exchange(make_plan(exchange=exchange), VOCABULARY, Compute()) < 10


def test_a_processor_without_bfloat16_is_measured_and_refused_without_failing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nextchar.training.trainer.has_bfloat16", lambda _: False)
    assert measure_step(make_plan(precision="bfloat16"), VOCABULARY, Compute()) == math.inf
    with pytest.raises(TrainingError, match="does not support bfloat16: use --precision float32"):
        make_trainer(make_plan(precision="bfloat16"))
