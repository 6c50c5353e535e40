"""The loss of a large vocabulary, from some of its ids."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from nextchar.training.batches import IGNORED
from nextchar.training.sampled_loss import most_frequent, sampled_cross_entropy

SIZE, HIDDEN = 500, 8


@pytest.fixture
def layer() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(HIDDEN, SIZE)


def test_with_all_ids_it_is_the_cross_entropy(layer: nn.Linear) -> None:
    outputs, wanted = torch.randn(20, HIDDEN), torch.randint(SIZE, (20,))
    sampled = sampled_cross_entropy(
        outputs, wanted, layer, torch.arange(SIZE), drawn=10, generator=torch.Generator().manual_seed(0)
    )
    assert torch.allclose(sampled, functional.cross_entropy(layer(outputs), wanted), atol=1e-6)


def test_the_estimate_of_the_normaliser_has_no_bias(layer: nn.Linear) -> None:
    outputs, wanted, generator = torch.randn(4, HIDDEN), torch.tensor([3, 7, IGNORED, 3]), torch.Generator()
    generator.manual_seed(1)
    with torch.no_grad():
        exact = torch.logsumexp(layer(outputs), 1)[[0, 1, 3]]
        losses = [
            sampled_cross_entropy(outputs, wanted, layer, torch.arange(20, 30), drawn=64, generator=generator)
            for _ in range(400)
        ]
        true = functional.cross_entropy(layer(outputs), wanted)
    assert len(exact) == 3
    assert abs(float(torch.stack(losses).exp().mean().log()) - float(true)) < 0.02
    assert float(torch.stack(losses).std()) < 0.2


def test_every_weight_of_the_ids_to_predict_gets_its_gradient(layer: nn.Linear) -> None:
    outputs, wanted = torch.randn(6, HIDDEN), torch.tensor([1, 2, 3, 4, 5, 6])
    loss = sampled_cross_entropy(
        outputs, wanted, layer, torch.arange(10, 40), drawn=100, generator=torch.Generator().manual_seed(3)
    )
    (gradient,) = torch.autograd.grad(loss, [layer.weight])
    assert gradient.shape == (SIZE, HIDDEN)
    touched = gradient.abs().sum(1) > 0
    assert touched[[*range(1, 7), *range(10, 40)]].all()
    assert int(touched.sum()) < 200


def test_the_most_frequent_ids_are_found() -> None:
    ids = np.repeat([5, 2, 9, 7], [10, 4, 7, 1])
    assert most_frequent(ids, 12, 3).tolist() == [2, 5, 9]
