"""Dropout of recurrent weights: what is left out, when, and what is learned without it."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from nextchar.training.weight_dropout import WeightDropout

NAMES = ("embedding", "layer0.input_weight", "layer0.hidden_weight", "layer1.hidden_weight", "output.weight")


def weights_of(size: int = 200) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {name: torch.randn(size, size, generator=generator).requires_grad_() for name in NAMES}


def copies(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in weights.items()}


def test_a_share_of_the_recurrent_weights_is_zero_and_the_rest_makes_up_for_it() -> None:
    weights = weights_of()
    whole = copies(weights)
    with WeightDropout(weights, 0.3, seed=5).dropped(7) as kept:
        assert list(kept) == ["layer0.hidden_weight", "layer1.hidden_weight"]
        for name, weight in weights.items():
            if name not in kept:
                torch.testing.assert_close(weight, whole[name])
                continue
            zero = weight == 0
            assert zero.float().mean().item() == pytest.approx(0.3, abs=0.01)
            torch.testing.assert_close(weight[~zero], whole[name][~zero] / 0.7)
            torch.testing.assert_close(kept[name], (~zero).float() / 0.7)
        assert not torch.equal(*kept.values())
    for name, weight in weights.items():
        assert torch.equal(weight, whole[name]), name
        assert weight.requires_grad


def test_what_is_left_out_depends_on_the_seed_and_the_step_alone() -> None:
    def kept(seed: int, step: int) -> Tensor:
        with WeightDropout(weights_of(), 0.5, seed).dropped(step) as factors:
            return factors["layer0.hidden_weight"]

    assert torch.equal(kept(3, 4), kept(3, 4))
    assert not torch.equal(kept(3, 4), kept(3, 5))
    assert not torch.equal(kept(3, 4), kept(2, 4))


def test_the_weights_are_whole_again_after_an_error() -> None:
    weights = weights_of()
    whole = copies(weights)
    with pytest.raises(KeyboardInterrupt), WeightDropout(weights, 0.5, seed=0).dropped(0):
        raise KeyboardInterrupt
    for name, weight in weights.items():
        assert torch.equal(weight, whole[name]), name


def test_without_a_share_nothing_is_left_out() -> None:
    weights = weights_of()
    whole = copies(weights)
    with WeightDropout(weights, 0.0, seed=0).dropped(0) as kept:
        assert kept == {}
        for name, weight in weights.items():
            assert torch.equal(weight, whole[name]), name
