"""Optimizers against hand-worked steps; RMSprop against Keras is in test_keras_parity."""

import pytest
import torch

from nextchar.training.optimizers import BETAS, AdamW, KerasRMSprop, make_optimizer
from tests.training.test_trainer import make_plan, windows_plan


def test_two_steps_of_rmsprop_worked_by_hand() -> None:
    weight = torch.tensor([1.0, -2.0], dtype=torch.float64)
    optimizer = KerasRMSprop({"weight": weight}, rho=0.9, epsilon=0.5)
    weight.grad = torch.tensor([3.0, 0.0], dtype=torch.float64)
    optimizer.step(0.1)
    first = 1 - 0.1 * 3 / (0.1 * 9 + 0.5) ** 0.5
    assert weight.tolist() == pytest.approx([first, -2.0])
    weight.grad = torch.tensor([-1.0, 2.0], dtype=torch.float64)
    optimizer.step(0.1)
    assert weight.tolist() == pytest.approx(
        [first + 0.1 / (0.9 * 0.9 + 0.1 * 1 + 0.5) ** 0.5, -2 - 0.1 * 2 / (0.1 * 4 + 0.5) ** 0.5]
    )


def test_a_first_step_of_adamw_worked_by_hand() -> None:
    """Means that begin at zero are made up for: the first step is the rate, whatever the size of the gradient."""
    weights = {"matrix": torch.tensor([[1.0, -2.0]]), "bias": torch.tensor([3.0])}
    optimizer = AdamW(weights, weight_decay=0.5)
    weights["matrix"].grad, weights["bias"].grad = torch.tensor([[4.0, -0.1]]), torch.tensor([-7.0])
    optimizer.step(0.01)
    assert weights["matrix"].tolist()[0] == pytest.approx([0.995 * 1 - 0.01, 0.995 * -2 + 0.01])
    assert weights["bias"].tolist() == pytest.approx([3.01])


def test_adamw_is_that_of_torch() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = ({name: torch.ones(shape) for name, shape in (("w", (3, 4)), ("b", (4,)))} for _ in range(2))
    groups = [{"params": [theirs["w"]], "weight_decay": 0.1}, {"params": [theirs["b"]], "weight_decay": 0.0}]
    reference, optimizer = torch.optim.AdamW(groups, lr=0.02, betas=BETAS), AdamW(ours, weight_decay=0.1)
    for _ in range(20):
        for name, weight in ours.items():
            weight.grad = torch.randn(weight.shape, generator=generator)
            theirs[name].grad = weight.grad.clone()
        optimizer.step(0.02)
        reference.step()
    for name, weight in ours.items():
        torch.testing.assert_close(weight, theirs[name], rtol=0, atol=1e-6)


def test_the_plan_names_the_optimizer() -> None:
    weights = {"matrix": torch.ones(2, 2), "bias": torch.ones(2)}
    assert isinstance(make_optimizer(weights, windows_plan()), KerasRMSprop)
    assert isinstance(make_optimizer(weights, make_plan(weight_decay=0.25)), AdamW)
