"""Rows of syllables that learn by their letters, too."""

import itertools

import numpy as np
import pytest
import torch

from nextchar.training.factors import Factors, factors_of
from nextchar.training.optimizers import AdamW

TEXTS = ["a", "\ufffd", "가", "각", "난", "\u3131", "\u1100", "가나"]


def weights_of(texts: list[str]) -> dict[str, torch.Tensor]:
    random = np.random.default_rng(0)
    shapes = {
        "embedding": (len(texts), 3),
        "layer0.bias": (8,),
        "output.weight": (len(texts), 2),
        "output.bias": (len(texts),),
    }
    weights = {name: torch.tensor(random.normal(size=shape), dtype=torch.float32) for name, shape in shapes.items()}
    for weight in weights.values():
        weight.grad = torch.randn(weight.shape, generator=torch.Generator().manual_seed(1))
    return weights


def test_a_syllable_has_its_letters_as_factors_and_nothing_else_has_any() -> None:
    assert factors_of("가") == ("\u1100", "\u1161", "", "\u1100\u1161")
    assert factors_of("각") == ("\u1100", "\u1161", "\u11a8", "\u1100\u1161")
    assert [factors_of(text) for text in ("a", "é", "\u3131", "\u1100", "가나", "", "中")] == [()] * 7
    assert len({factors_of(chr(code)) for code in range(0xAC00, 0xD7A4)}) == 11_172


def test_factors_get_the_gradients_of_their_rows_and_rows_the_changes_of_their_factors() -> None:
    weights = weights_of(TEXTS)
    before = {name: weight.clone() for name, weight in weights.items()}
    factors = Factors(TEXTS, weights)
    names = sorted({factor for text in TEXTS for factor in factors_of(text)})
    assert list(factors.changes) == ["embedding.factors", "output.weight.factors", "output.bias.factors"]
    factors.gather()
    for name in ("embedding", "output.weight", "output.bias"):
        change, gradient = factors.changes[f"{name}.factors"], weights[name].grad
        assert gradient is not None
        assert change.grad is not None
        assert not change.any()
        for factor, found in zip(names, change.grad, strict=True):
            expected = sum(gradient[row] for row, text in enumerate(TEXTS) if factor in factors_of(text))
            torch.testing.assert_close(found, expected)
        change += 1
    factors.apply()
    for name in ("embedding", "output.weight", "output.bias"):
        for row, text in enumerate(TEXTS):
            torch.testing.assert_close(weights[name][row], before[name][row] + len(factors_of(text)))
    torch.testing.assert_close(weights["layer0.bias"], before["layer0.bias"])


def test_it_is_as_if_each_row_were_the_sum_of_its_own_and_those_of_its_factors() -> None:
    """Three updates of AdamW, which changes the parts of the sums as if they were weights themselves."""
    weights = {name: weight for name, weight in weights_of(TEXTS).items() if name == "output.bias"}
    own = {"own": weights["output.bias"].clone(), "factors": torch.zeros(8)}
    names = sorted({factor for text in TEXTS for factor in factors_of(text)})
    has = torch.tensor([[float(name in factors_of(text)) for name in names] for text in TEXTS])  # (V, F)
    own["factors"] = torch.zeros(len(names))
    factors = Factors(TEXTS, weights)
    ours, theirs = AdamW({**weights, **factors.changes}, 0.0), AdamW(own, 0.0)
    for number in range(3):
        gradient = torch.randn(len(TEXTS), generator=torch.Generator().manual_seed(number))
        weights["output.bias"].grad = own["own"].grad = gradient
        own["factors"].grad = gradient @ has
        factors.gather()
        ours.step(0.1)
        factors.apply()
        theirs.step(0.1)
    torch.testing.assert_close(weights["output.bias"], own["own"] + has @ own["factors"])


@pytest.mark.parametrize("texts", [[], ["a", "b"], ["中", "文"]])
def test_where_there_are_no_syllables_nothing_is_factored(texts: list[str]) -> None:
    weights = weights_of(["x", "y"])
    before = {name: weight.clone() for name, weight in weights.items()}
    factors = Factors(texts, weights)
    assert factors.changes == {}
    factors.gather()
    factors.apply()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, before[name])


def test_every_pair_of_an_initial_and_a_medial_is_a_factor_of_its_own() -> None:
    syllables = [chr(0xAC00 + 28 * place) for place in range(19 * 21)]
    assert len({factors_of(syllable)[3] for syllable in syllables}) == 19 * 21
    assert all(a != b for a, b in itertools.pairwise(map(factors_of, syllables)))
