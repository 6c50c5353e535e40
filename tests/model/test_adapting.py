"""`LanguageModel.evaluate(adapt=...)` and `nextchar evaluate --adapt`: the figure apart, for every kind of model."""

import json
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from nextchar.cli import main
from nextchar.errors import ModelFileError, UsageError
from nextchar.model.dynamic_evaluation import OWN_TEXT, SEGMENT, AdaptiveScorer
from nextchar.model.evaluation import Evaluation
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.sampling import SamplingOptions
from nextchar.model.scoring import bits_per_id
from nextchar.networks.headers import BlendHeader, NgramHeader
from nextchar.networks.kinds import counts_of
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.text.vocabulary import UNKNOWN_ID, Vocabulary
from tests.command import made_up_text
from tests.small_networks import random_blend, random_model

TEXT = made_up_text(700).lower().replace(".", "")


def windowed_model(context_length: int) -> LanguageModel:
    file = random_model().file
    architecture = file.architecture.model_copy(update={"context_length": context_length})
    return LanguageModel(replace(file, architecture=architecture))


def counts_alone(text: str) -> LanguageModel:
    """Return a model that has only counted ``text``."""
    vocabulary = Vocabulary("".join(sorted(set(text))))
    counts = count_text(vocabulary.encode(text), vocabulary.size, 4)
    header = NgramHeader(vocabulary_size=vocabulary.size, order=4, ngrams=len(counts.ids) - 1)
    return LanguageModel(ModelFile(header, vocabulary, counts.to_arrays()))


def test_the_adaptive_figure_stands_apart_from_the_plain_one() -> None:
    model = random_model()
    plain, both = model.evaluate(TEXT), model.evaluate(TEXT, adapt="weights")
    assert plain.adaptive_bits_per_character is None
    assert both == replace(plain, adaptive_bits_per_character=both.adaptive_bits_per_character)
    scorer = AdaptiveScorer(*model.file.lstm_for("A test"), model.network_for(OWN_TEXT), start=model.start_id)
    expected = -scorer.score(model.vocabulary.encode(TEXT)).mean()
    assert both.adaptive_bits_per_character == pytest.approx(expected, abs=1e-9)
    assert expected < plain.bits_per_character - 0.5


def test_pieces_change_nothing() -> None:
    model = random_model()
    whole = model.evaluate(TEXT, adapt="weights")
    pieces = model.evaluate((TEXT[first : first + 77] for first in range(0, len(TEXT), 77)), adapt="weights")
    adaptive, lines = whole.adaptive_bits_per_character, TEXT.count("\n")
    expected = Evaluation(whole.bits_per_character, len(TEXT), 0, adaptive, lines=lines, tokens=len(TEXT))
    assert astuple(pieces) == pytest.approx(astuple(expected), abs=1e-5)


def test_evaluating_changes_no_model() -> None:
    model = random_model()
    before = {name: array.copy() for name, array in model.file.parameters.items()}
    first = model.evaluate(TEXT, adapt="weights")
    assert model.evaluate(TEXT, adapt="weights") == first
    for name, array in before.items():
        np.testing.assert_array_equal(model.file.parameters[name], array)


@pytest.mark.parametrize("kind", ["windows", "windows, state carried", "int8"])
def test_every_kind_of_model_begins_with_its_own_scores(kind: str) -> None:
    """So little text is no reason to learn yet: both figures are the same."""
    model = random_model() if kind == "int8" else windowed_model(5)
    if kind != "windows":
        model = replace(model, carry_state=kind != "int8", weights="int8" if kind == "int8" else "float32")
    short = model.evaluate(TEXT[:SEGMENT], adapt="weights")
    assert short.adaptive_bits_per_character == pytest.approx(short.bits_per_character, abs=1e-5)
    other = random_model() if kind == "int8" else windowed_model(2)
    assert other.bits_per_character(TEXT[:SEGMENT]) != pytest.approx(short.bits_per_character, abs=1e-3)
    long = model.evaluate(TEXT, adapt="weights")
    assert long.adaptive_bits_per_character is not None
    assert long.adaptive_bits_per_character < long.bits_per_character - 0.3


def test_unknown_characters_are_scored_exactly() -> None:
    """In both figures the probability of the unknown symbol is spread over all characters that it may stand for."""
    model = random_model()
    scored = model.evaluate("☃" * SEGMENT, adapt="weights")
    assert scored.unknown_characters == SEGMENT
    assert scored.bits_per_character > model.vocabulary.unknown_cost(np.array([UNKNOWN_ID]))[0]
    assert scored.adaptive_bits_per_character == pytest.approx(scored.bits_per_character, abs=1e-5)


def test_the_command_tells_both_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, text = tmp_path / "model.safetensors", tmp_path / "text.txt"
    random_model().save(model)
    text.write_text(TEXT)
    expected = LanguageModel.load(model).evaluate(TEXT, adapt="weights").adaptive_bits_per_character
    command = ["evaluate", str(model), str(text), "--no-counting"]
    assert main([*command, "--adapt", "weights", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["adaptive_bits_per_character"] == pytest.approx(expected, abs=1e-6)
    assert main([*command, "--adapt", "none", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["adaptive_bits_per_character"] is None
    assert main([*command, "--adapt", "none"]) == 0
    plain = capsys.readouterr().out.splitlines()
    assert main([*command, "--adapt", "weights"]) == 0
    words = capsys.readouterr().out.splitlines()
    assert words[1] == f"adapting as it reads  {expected:.3f}"
    assert [" ".join(line.split()) for line in [words[0], *words[2:]]] == [" ".join(line.split()) for line in plain]


def test_reading_along_gives_a_figure_without_torch_and_by_character() -> None:
    model = LanguageModel(random_blend(TEXT[:300]))
    evaluation = model.evaluate(TEXT[300:], adapt="counts", parts=True)
    assert evaluation.adaptive_bits_per_character is not None
    assert evaluation.adaptive_bits_per_character < evaluation.bits_per_character - 0.1
    surprises = model.surprises(TEXT[300:], adapt="counts")
    assert surprises.mean() == pytest.approx(evaluation.adaptive_bits_per_character, abs=1e-6)
    assert surprises[0] == pytest.approx(model.surprises(TEXT[300:])[0], abs=1e-4)
    alone = LanguageModel(model.file.without_memory("A test"))
    assert evaluation.network_bits_per_character == pytest.approx(alone.bits_per_character(TEXT[300:]), abs=1e-5)
    header = model.file.architecture
    assert isinstance(header, BlendHeader)
    counts = NgramNetwork(counts_of(header, model.file.parameters))
    assert evaluation.counts_bits_per_character == pytest.approx(
        bits_per_id(counts, model.vocabulary.encode(TEXT[300:]), model.start_id), abs=1e-5
    )


@pytest.mark.parametrize("kind", ["memory", "counts", "network", "windows", "int8"])
def test_pieces_change_nothing_in_what_reading_along_gives(kind: str) -> None:
    model = windowed_model(5) if kind == "windows" else random_model()
    if kind == "memory":
        model = LanguageModel(random_blend(TEXT[:300]))
    if kind == "counts":
        model = counts_alone(TEXT[:300])
        assert model.surprises(TEXT[300:], adapt="counts")[0] == pytest.approx(model.surprises(TEXT[300:])[0], abs=1e-5)
        with pytest.raises(ModelFileError, match="Adapting the weights"):
            model.evaluate(TEXT, adapt="weights")
    model = replace(model, weights="int8" if kind == "int8" else "float32")
    whole = model.evaluate(TEXT[300:], adapt="counts")
    pieces = model.evaluate((TEXT[first : first + 77] for first in range(300, len(TEXT), 77)), adapt="counts")
    assert whole.adaptive_bits_per_character is not None
    assert pieces.adaptive_bits_per_character == pytest.approx(whole.adaptive_bits_per_character, abs=1e-5)
    assert whole.adaptive_bits_per_character < whole.bits_per_character - 0.1


def test_a_wrong_way_of_adapting_is_refused() -> None:
    with pytest.raises(UsageError, match="adapt = True is not allowed"):
        random_model().evaluate(TEXT, adapt=True)  # type: ignore[arg-type]


def test_writing_after_a_prompt_that_was_learned_from() -> None:
    """The prompt makes what it repeats more probable; texts of the same prompt do not depend on each other."""
    model = random_model()
    prompt = "abcdefghij " * 30
    options: SamplingOptions = {"length": 60, "temperature": 0.5, "seed": 3, "adapt": True}
    plain, adapted = model.generate(prompt, **{**options, "adapt": False}), model.generate(prompt, **options)
    assert "abcdefghij abcdefghij" in adapted
    assert "abcdefghij" not in plain
    many = model.generate_many(prompt, 3, **options)
    assert many[0] == adapted
    assert many == ["".join(model.stream(prompt, text=text, **options)) for text in range(3)]
    shown = model.next_character_distribution(prompt, adapt=True)
    assert next(iter(shown)) == "a"
    assert shown["a"] > 0.9
