"""The layer that reads windows, held against nn.LSTM and against finite differences."""

import numpy as np
import pytest
import torch

from nextchar.networks.architecture import Architecture
from nextchar.networks.torch_network import LSTM, Dropout
from nextchar.networks.torch_windows import read_windows
from tests.small_networks import random_parameters

NONE = Dropout(0.0, 0.0, torch.Generator())


@pytest.mark.parametrize("embedding", [None, 5])
@pytest.mark.parametrize(("hidden", "steps", "batch"), [(1, 1, 1), (16, 12, 7), (33, 60, 3)])
def test_values_and_gradients_are_those_of_the_fused_layer(
    embedding: int | None, hidden: int, steps: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    architecture = Architecture(vocabulary_size=11, embedding=embedding, hidden=(hidden,), context_length=steps)
    module = LSTM(architecture, random_parameters(architecture, spread=0.4))
    random = np.random.default_rng(0)
    ids = torch.from_numpy(random.integers(11, size=(steps, batch)))
    targets = torch.from_numpy(random.integers(11, size=batch))
    results = []
    for compiled in (True, False):
        monkeypatch.setattr("nextchar.networks.torch_network.can_compile", lambda compiled=compiled: compiled)
        logits = module.read_windows(ids, NONE)
        loss = torch.nn.functional.cross_entropy(logits, targets)
        results.append((logits, *torch.autograd.grad(loss, list(module.tensors().values()))))
    for ours, theirs in zip(*results, strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-6, rtol=1e-4)


def test_gradients_match_finite_differences() -> None:
    """The loops are of float32, so that the differences are wide ones."""
    random = np.random.default_rng(0)
    ids = torch.from_numpy(random.integers(5, size=(6, 4)))
    table, weight = (torch.from_numpy(random.normal(0, 0.5, shape).astype(np.float32)) for shape in ((5, 12), (12, 3)))
    direction = torch.from_numpy(random.normal(size=(4, 3)).astype(np.float32))
    for tensor in (table, weight):
        tensor.requires_grad_()
    gradients = torch.autograd.grad((read_windows(ids, table, weight) * direction).sum(), [table, weight])
    for tensor, gradient in zip((table, weight), gradients, strict=True):
        values, expected = tensor.data.view(-1), gradient.reshape(-1)
        for index in range(len(values)):
            kept, sides = values[index].item(), []
            for step in (0.01, -0.01):
                values[index] = kept + step
                sides.append((read_windows(ids, table, weight) * direction).sum().item())
                values[index] = kept
            assert expected[index].item() == pytest.approx((sides[0] - sides[1]) / 0.02, abs=2e-3)


def test_the_weights_given_are_left_as_they_were() -> None:
    table, weight = torch.randn(5, 12, requires_grad=True), torch.randn(12, 3, requires_grad=True)
    before = table.detach().clone(), weight.detach().clone()
    read_windows(torch.tensor([[0, 1], [2, 4]]), table, weight).sum().backward()
    assert torch.equal(before[0], table)
    assert torch.equal(before[1], weight)
