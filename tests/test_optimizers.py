"""Optimizers against hand-worked steps; RMSprop against Keras is in test_keras_parity."""

import pytest
import torch

from nextchar.optimizers import KerasRMSprop, make_optimizer
from tests.test_trainer import make_plan, windows_plan


def test_two_steps_of_rmsprop_worked_by_hand() -> None:
    weight = torch.tensor([1.0, -2.0], dtype=torch.float64)
    optimizer = KerasRMSprop([weight], rate=0.1, rho=0.9, epsilon=0.5)
    weight.grad = torch.tensor([3.0, 0.0], dtype=torch.float64)
    optimizer.step()
    first = 1 - 0.1 * 3 / (0.1 * 9 + 0.5) ** 0.5
    assert weight.tolist() == pytest.approx([first, -2.0])
    weight.grad = torch.tensor([-1.0, 2.0], dtype=torch.float64)
    optimizer.step()
    assert weight.tolist() == pytest.approx(
        [first + 0.1 / (0.9 * 0.9 + 0.1 * 1 + 0.5) ** 0.5, -2 - 0.1 * 2 / (0.1 * 4 + 0.5) ** 0.5]
    )


def test_the_plan_names_the_optimizer() -> None:
    weights = {"matrix": torch.ones(2, 2), "bias": torch.ones(2)}
    assert isinstance(make_optimizer(weights, windows_plan()), KerasRMSprop)
    optimizer = make_optimizer(weights, make_plan(weight_decay=0.25))
    assert isinstance(optimizer, torch.optim.AdamW)
    decays = [(group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
    assert decays == [(0.25, 1), (0.0, 1)]
