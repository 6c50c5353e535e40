"""What training would be like, told from a short trial."""

from pathlib import Path

import pytest

from nextchar.runs import forecast as forecast_module
from nextchar.runs.forecast import forecast
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text


def test_a_forecast_has_the_plan_that_would_be_chosen_and_plausible_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecast_module, "TRIAL_SECONDS", 0.2)
    path = tmp_path / "text.txt"
    path.write_text("the quick brown fox jumps over the lazy dog\n" * 300, encoding="utf-8")
    corpus = encode_corpus([open_text(path)], TextSettings(), cache_folder=tmp_path)
    expected = forecast(corpus, TrainingSettings(steps=500, hidden=32, threads=1))
    assert (expected.plan.steps, expected.plan.hidden, expected.seconds) == (500, (32,), None)
    assert expected.parameters == expected.plan.architecture(corpus.vocabulary.size).parameter_count
    assert 100e6 < expected.memory < 1e9
    assert expected.bits_per_character is not None
    assert 0 < expected.bits_per_character < 5


def test_without_a_held_out_text_there_are_no_bits_to_expect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module, "TRIAL_SECONDS", 0.1)
    path = tmp_path / "text.txt"
    path.write_text("abcd efgh\n" * 100, encoding="utf-8")
    corpus = encode_corpus([open_text(path)], TextSettings(validation=0), cache_folder=tmp_path)
    assert forecast(corpus, TrainingSettings(steps=5, threads=1)).bits_per_character is None
