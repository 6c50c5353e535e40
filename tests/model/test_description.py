"""Models described: all facts for programs, the main ones for people."""

import json
from dataclasses import replace

from nextchar.model.description import MAX_SHOWN, as_html, describe, facts_in_words, summarise
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from tests.small_networks import ALPHABET, random_model

SCORE = {"validation_bits_per_character": 2.0625, "validation_characters": 12000, "unknown_characters": 3}
TRAINING = {"training_seconds": 61.0, "step": 1200, "seed": 5}


def trained(**provenance: object) -> ModelFile:
    """Return a model with this provenance."""
    return replace(random_model().file, provenance=Provenance.model_validate(provenance))


def test_all_facts_are_plain_values_by_their_full_names() -> None:
    model = trained(corpus=("folder/book.txt",), plan={"steps": 9}, **SCORE, **TRAINING)
    facts = describe(model)
    assert json.loads(json.dumps(facts)) == facts
    assert {**facts, **SCORE, **TRAINING} == facts
    assert (facts["kind"], facts["hidden"], facts["layers"], facts["embedding"]) == ("lstm", [8], 1, 4)
    assert (facts["corpus"], facts["plan"], facts["context_length"]) == (["book.txt"], {"steps": 9}, None)
    assert facts["characters_known"] == "".join(sorted(ALPHABET))
    assert facts["parameters"] == sum(array.size for array in model.parameters.values())


def test_a_model_in_one_line() -> None:
    known = f"LSTM of 8 units, 32 characters, {describe(random_model().file)['parameters']:,} parameters"
    assert summarise(random_model().file) == known
    summary = summarise(trained(corpus=("a", "b"), **SCORE))
    assert summary == f"{known}, trained on a, b, 2.062 bits per character on the held-out text"


def test_the_model_that_training_started_from_is_told() -> None:
    ancestors = ({"name": "english", "sha256": "0" * 64, "corpus": ("books", "letters")},)
    model = trained(corpus=("a",), ancestors=ancestors)
    assert summarise(model).endswith(", trained on a from english")
    assert dict(facts_in_words(model))["started from"] == "english (trained on books, letters)"
    assert describe(model)["ancestors"][0]["name"] == "english"


def test_facts_that_are_unknown_are_left_out() -> None:
    assert [name for name, _ in facts_in_words(random_model().file)] == ["network", "parameters", "vocabulary"]


def test_facts_in_words() -> None:
    facts = dict(facts_in_words(trained(corpus=("a",), characters=123456, lowercase=True, **SCORE, **TRAINING)))
    assert facts["network"] == "LSTM of 8 units, embedding 4"
    assert facts["vocabulary"].startswith("32 characters: \\n abc")
    assert (facts["trained on"], facts["characters"], facts["lower-cased"]) == ("a", "123,456", "yes")
    assert facts["training"] == "1 min 01 s, step 1,200, seed 5"
    assert facts["held-out text"] == "2.062 bits per character on 12,000 characters, 3 of them unknown"


def test_a_network_of_windows_says_how_much_it_reads() -> None:
    file = random_model().file
    windowed = replace(file, architecture=file.architecture.model_copy(update={"context_length": 60}))
    assert dict(facts_in_words(windowed))["reads"] == "60 characters for each prediction"


def test_a_large_vocabulary_is_cut() -> None:
    characters = "".join(map(chr, range(0x4E00, 0x4E00 + MAX_SHOWN + 1)))
    vocabulary = dict(facts_in_words(random_model(characters).file))["vocabulary"]
    assert vocabulary == f"101 characters: {characters[:MAX_SHOWN]} ..."


def test_a_table_escapes_what_is_in_the_file() -> None:
    html = as_html(trained(corpus=("<b>&.txt",)))
    assert "&lt;b&gt;&amp;.txt" in html
    assert "<b>" not in html
