"""Quantiles of held-out lines: a share for bits, bits for a share."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from nextchar.errors import UsageError
from nextchar.model.line_quantiles import LineQuantiles
from nextchar.model.model_file import ModelFile
from tests.small_networks import random_model


def test_a_share_and_its_bits_fit_the_lines() -> None:
    bits = np.random.default_rng(0).gamma(9, 0.3, 20_000)
    quantiles = LineQuantiles.of(bits)
    for share in (0.0, 0.5, 0.9, 0.999, 0.9995, 1.0):
        threshold = quantiles.threshold(share)
        assert np.mean(bits <= threshold) == pytest.approx(share, abs=2e-4)
        assert quantiles.odder_than(threshold) == pytest.approx(share, abs=2e-4)
    assert quantiles.odder_than(bits.min() - 1) == 0
    assert quantiles.odder_than(bits.max() + 1) == 1
    assert quantiles.odder_than(float(bits[7])) == pytest.approx(np.mean(bits < bits[7]), abs=0.01)


def test_few_lines_tell_no_fine_shares() -> None:
    quantiles = LineQuantiles.of(np.arange(500) / 100)
    assert quantiles.threshold(0.997) == pytest.approx(4.975, abs=0.01)
    with pytest.raises(UsageError, match=r"500 held-out lines, too few for 99.9%: give at most 99.8%"):
        quantiles.threshold(0.999)
    assert quantiles.threshold(1) == 4.99


def test_equal_lines_have_a_step() -> None:
    quantiles = LineQuantiles.of([1.0] * 100 + [2.0] * 100)
    assert quantiles.odder_than(1.0) == 0
    assert quantiles.odder_than(2.0) == pytest.approx(0.5, abs=0.02)
    assert quantiles.odder_than(2.1) == 1


def test_a_model_file_keeps_them(tmp_path) -> None:
    quantiles = LineQuantiles.of(np.arange(300) / 100)
    model = random_model(held_out_lines=quantiles.model_dump())
    model.save(tmp_path / "model.safetensors")
    assert ModelFile.load(tmp_path / "model.safetensors").provenance.held_out_lines == quantiles
    (score,) = model.text_scores(["so it goes"])
    assert score.odder_than == quantiles.odder_than(score.bits / 10)


@pytest.mark.parametrize(
    ("shares", "bits"),
    [((0, 0.5, 1), (1, 2)), ((0, 0.5), (1, 2)), ((0, 1, 1), (1, 2, 3)), ((0, 1), (2, 1)), ((0, 1), (1, float("nan")))],
)
def test_what_does_not_rise_is_refused(shares: tuple[float, ...], bits: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        LineQuantiles(lines=9, shares=shares, bits_per_character=bits)
