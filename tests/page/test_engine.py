"""The engine of the exported page, opened from its file in a real browser, against Python: the same texts, the same
probabilities, the same scores."""

from __future__ import annotations

import json
import math
import random
import unicodedata
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nextchar.model.sampling import next_distribution
from nextchar.networks.kinds import kind_of
from nextchar.randomness import random_stream
from nextchar.settings import SamplingSettings
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import _LOOKALIKES, Vocabulary
from nextchar.web.prediction import score as web_score
from tests.page_engine import TEXT, Engine
from tests.token_models import count_written

if TYPE_CHECKING:
    pass

LENGTH = 2000
PROMPT = TEXT[400:460]
SHAPES: list[dict[str, Any]] = [
    {"temperature": 0},
    {"temperature": 0.5},
    {"temperature": 1.0},
    {"temperature": 1.5},
    {"temperature": 1.2, "top_k": 5},
    {"temperature": 1.3, "top_p": 0.9},
    {"temperature": 1.4, "min_p": 0.05},
    {"temperature": 2.0, "top_k": 20, "top_p": 0.95, "min_p": 0.01},
]


@pytest.mark.parametrize("shape", SHAPES, ids=json.dumps)
def test_the_same_seed_gives_the_same_text_as_in_python(engine: Engine, shape: dict[str, Any]) -> None:
    written = engine.generate(PROMPT, length=LENGTH, seed=11, **shape)
    text = engine.model.generate(PROMPT, length=LENGTH, seed=11, **shape)
    assert count_written(written["text"]) == LENGTH
    assert (written["seed"], written["finish_reason"]) == (11, "length")
    if written["text"] != text:
        assert_rounding_parts(engine, written["text"], text, shape)


def assert_rounding_parts(engine: Engine, written: str, text: str, shape: dict[str, Any]) -> None:
    """Check that two texts part where nothing but rounding decides: the sums of a processor with other instructions may
    differ in their last bit, and a draw may fall just there (once in some hundred such texts)."""
    parted = next(n for n, (mine, theirs) in enumerate(zip(written, text, strict=True)) if mine != theirs)
    ids = engine.model.fold_prompt(PROMPT + text[:parted]).ids
    logits, _ = engine.model.network.forward(ids[None], engine.model.network.initial_state(1))
    never = engine.model.vocabulary.never_drawn
    running = next_distribution(logits[0, -1], SamplingSettings(**shape), never).cumsum()
    uniform = random_stream(11, "sampling", 0).random(parted + 1)[-1]
    first, second = np.sort(np.delete(logits[0, -1], never))[[-1, -2]]
    assert first - second < 1e-5 if shape["temperature"] == 0 else np.abs(running - uniform).min() < 1e-5


def test_several_texts_of_one_seed_are_those_of_python(engine: Engine) -> None:
    texts = [engine.generate("", length=300, seed=5, stream=n, temperature=1)["text"] for n in range(3)]
    assert texts == ["".join(engine.model.stream(text=n, length=300, seed=5, temperature=1.0)) for n in range(3)]
    assert len(set(texts)) == 3


@pytest.mark.parametrize("seed", [0, 2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1])
def test_every_seed_can_be_given(engines: dict[str, Engine], seed: int) -> None:
    engine = engines["one layer"]
    written = engine.generate("a", length=50, seed=str(seed), temperature=1)
    assert written["text"] == engine.model.generate("a", length=50, seed=seed, temperature=1.0)
    assert written["seed"] == str(seed)


def test_without_a_seed_one_is_drawn_that_gives_the_text_again(engines: dict[str, Engine]) -> None:
    engine = engines["one layer"]
    first, second = (engine.generate("a", length=60, temperature=1.5) for _ in range(2))
    assert first["seed"] != second["seed"]
    assert first["text"] == engine.model.generate("a", length=60, temperature=1.5, seed=first["seed"])


@pytest.mark.parametrize("shape", SHAPES, ids=json.dumps)
@pytest.mark.parametrize("prompt", ["", "a", PROMPT, TEXT[:3000]], ids=["none", "one", "short", "long"])
def test_distributions_are_those_of_python(engine: Engine, prompt: str, shape: dict[str, Any]) -> None:
    answer = engine.ask("distribution", prompt, {**shape, "limit": 10_000})
    plain = engine.model.next_character_distribution(prompt)
    reweighted = engine.model.next_character_distribution(prompt, **shape)
    impossible = plain.keys() - set(answer["characters"])
    if engine.model.vocabulary.kind in {"characters", "bytes"}:
        assert not impossible
    assert not any(plain[text] for text in impossible)
    assert answer["possible"] == len(answer["characters"]) == len(plain) - len(impossible)
    assert answer["begun"] == engine.model.fold_prompt(prompt).begun
    assert answer["probabilities"] == sorted(answer["probabilities"], reverse=True)
    for character, plain_share, share in zip(
        answer["characters"], answer["probabilities"], answer["reweighted"], strict=True
    ):
        assert math.isclose(plain_share, plain[character], abs_tol=1e-5)
        assert math.isclose(share, reweighted[character], abs_tol=1e-5)
    for name, distribution in (("entropy", plain), ("reweighted_entropy", reweighted)):
        bits = -sum(p * math.log2(p) for p in distribution.values() if p > 0)
        assert math.isclose(answer[name], bits, abs_tol=1e-4)


def test_a_distribution_tells_the_most_probable(engines: dict[str, Engine]) -> None:
    answer = engines["one layer"].ask("distribution", "th", {"temperature": 1, "limit": 3})
    assert len(answer["characters"]) == len(answer["reweighted"]) == 3
    assert answer["characters"] == list(engines["one layer"].model.next_character_distribution("th"))[:3]


def test_scores_are_those_of_python(engine: Engine) -> None:
    check_scores(engine, TEXT[-1500:])


@pytest.mark.parametrize("kind", ["one layer", "two layers"])
@pytest.mark.parametrize("text", ["Ω 日本 é😀\ud800A ΑΣ", "a", "☃"])
def test_scores_of_unknown_characters_are_those_of_python(engines: dict[str, Engine], kind: str, text: str) -> None:
    check_scores(engines[kind], text)


def check_scores(engine: Engine, text: str) -> None:
    answer = engine.ask("score", text, 4)
    surprises = engine.model.surprises(text)
    read = engine.model.as_trained(text)
    tokens = engine.model.vocabulary
    if tokens.kind == "words":
        pieces = tokens.split(read)
        ends = np.cumsum([0, *map(len, pieces)])
        surprises_of_pieces = np.add.reduceat(surprises, ends[:-1])
        unknown = np.logical_or.reduceat(tokens.unknown_in(read), ends[:-1])
    else:
        pieces, surprises_of_pieces, unknown = list(read), surprises, tokens.unknown_in(read)
    assert answer["characters"] == pieces
    assert answer["character_count"] == len(read)
    np.testing.assert_allclose(answer["bits"], surprises_of_pieces, atol=1e-4)
    assert math.isclose(answer["bits_per_character"], surprises.mean(), abs_tol=1e-4)
    assert answer["unknown"] == unknown.tolist()
    of_server = json.loads(b"".join(web_score(engine.model, text, 4)))
    assert of_server.keys() == answer.keys()
    assert [of_server[name] for name in ("characters", "unknown")] == [answer["characters"], answer["unknown"]]
    np.testing.assert_allclose(of_server["bits"], answer["bits"], atol=1e-4)
    for ours, theirs in zip(answer["alternatives"], of_server["alternatives"], strict=True):
        np.testing.assert_allclose(
            [other["probability"] for other in ours], [other["probability"] for other in theirs], atol=1e-5
        )
    for bits, unknown, character, others in zip(
        answer["bits"], answer["unknown"], answer["characters"], answer["alternatives"], strict=True
    ):
        shares = [other["probability"] for other in others]
        assert len(shares) == 4
        assert shares == sorted(shares, reverse=True)
        mine = [other["probability"] for other in others if other["character"] == character]
        if len(tokens.encode(character)) > 1:
            continue  # the alternatives are those of its first token
        if unknown:
            assert not mine
        elif mine:
            assert math.isclose(mine[0], 2**-bits, abs_tol=1e-9)
        else:
            assert 2**-bits <= shares[-1] + 1e-12


def test_a_model_without_an_unknown_symbol_refuses_to_score_what_it_does_not_know(engines: dict[str, Engine]) -> None:
    with pytest.raises(Exception, match=r"does not know “☃” \(U\+2603\)"):
        engines["windowed"].ask("score", "a☃")


def test_an_empty_text_is_not_scored(engine: Engine) -> None:
    with pytest.raises(Exception, match="An empty text cannot be scored"):
        engine.ask("score", "")


PROMPTS = [
    "HELLO ☃ WÖRLD", "“smart” – quotes…", "ｆｕｌｌ ｗｉｄｔｈ", "각 \u1100\u1161 갂", "e\u0301 é E\u0301 ĕ ệ",
    "naïve café ﬁn", "\ud800 lone", "😀🎉😀", "ſtraße ẞ İıΣς", "ᏣᎳᎩ ꮳ", "\0\t\u00a0\u3000", "ά ᾳ ΐ ŉ", "שָׁלוֹם سَلَام",
    "カ\u3099 ガ が", "☃", "क्षि", "".join(_LOOKALIKES),
]  # fmt: skip


@pytest.mark.parametrize("prompt", PROMPTS, ids=ascii)
def test_unknown_characters_are_read_as_in_python(engine: Engine, prompt: str) -> None:
    written = engine.generate(prompt, length=40, seed=2)
    assert written["text"] == engine.model.generate(prompt, length=40, seed=2)
    assert written["replacements"] == replacements(engine.model.vocabulary, prompt)
    assert written["replacements"] == engine.ask("distribution", prompt, {"temperature": 1})["replacements"]


def test_any_character_is_folded_as_in_python(engines: dict[str, Engine]) -> None:
    """Characters of all scripts and what the page and Python make of them, but for those that one of them is too old to
    know."""
    vocabulary = Vocabulary("".join(sorted("abcdefghijklmnopqrstuvwxyzABCDE 0123αβγδεισςω가나다かカ'\"-.\u0301\u0308")))
    chosen = random.Random(0).sample(range(0x3000, 0x20000), 4000)
    given = [chr(point) for point in (*range(0x3000), *chosen) if unicodedata.category(chr(point)) not in ("Cn", "Cs")]
    folded = engines["one layer"].page.evaluate(
        """([characters, given]) => {
             const vocabulary = new Vocabulary(characters, true);
             return given.map((character) => (/\\p{Cn}/u.test(character) ? null : vocabulary.fold(character).text));
           }""",
        [vocabulary.characters, given],
    )
    pairs = [(character, theirs) for character, theirs in zip(given, folded, strict=True) if theirs is not None]
    assert len(pairs) > 10_000
    assert [(character, theirs) for character, theirs in pairs if vocabulary.fold(character)[0] != theirs] == []


@pytest.mark.parametrize(
    "prompt",
    ["e" + "\u0301\u0323" * 40, "\u0301" * 95, "\u1100\u1161\u11a8" * 40, "\u1100" * 40 + "\u1161" * 40, "é☃é☃가" * 3],
)
def test_pieces_are_as_long_as_in_python(engines: dict[str, Engine], prompt: str) -> None:
    vocabulary = Vocabulary("가나")
    script = "([characters, prompt]) => new Vocabulary(characters, true).fold(prompt).replacements"
    answer = engines["one layer"].page.evaluate(script, [vocabulary.characters, prompt])
    assert answer == replacements(vocabulary, prompt)


def replacements(vocabulary: Tokenizer, prompt: str) -> list[dict[str, Any]]:
    """Return what is replaced in ``prompt``, each piece once."""
    counted: dict[tuple[str, str], int] = {}
    for replacement in vocabulary.fold(prompt)[1]:
        key = (replacement.given, replacement.read_as)
        counted[key] = counted.get(key, 0) + 1
    return [{"character": given, "replacement": read, "count": count} for (given, read), count in counted.items()]


@pytest.mark.parametrize(
    "stop", [["\n"], ["e "], ["zzzz"], [""], ["te\u0301", "😀", "😀 a"], ["th", "the", "he"]], ids=ascii
)
def test_writing_stops_where_python_stops(engine: Engine, stop: list[str]) -> None:
    for seed in range(4):
        written = engine.generate(PROMPT, length=200, seed=seed, temperature=1, stop=stop)
        text = engine.model.generate(PROMPT, length=200, seed=seed, temperature=1.0, stop=tuple(stop))
        assert written["text"] == text
        assert written["finish_reason"] == ("length" if count_written(text) == 200 else "stop")


def test_a_length_counts_characters_and_nothing_is_written_of_none(engine: Engine) -> None:
    assert engine.generate("a", length=0, seed=1)["text"] == ""
    for length in (1, 2, 37):
        assert count_written(engine.generate("😀", length=length, seed=1, temperature=1.5)["text"]) == length


def test_prompts_are_read_on_from_where_they_part(engines: dict[str, Engine]) -> None:
    """The page keeps states of what it has read: however a prompt is edited, the answer is that of the whole of it."""
    engine = engines["two layers"]
    chosen, prompt = random.Random(3), TEXT[:1200]
    for _ in range(12):
        answer = engine.ask("distribution", prompt, {"temperature": 1, "limit": 5})
        plain = engine.model.next_character_distribution(prompt)
        np.testing.assert_allclose(
            answer["probabilities"], [plain[character] for character in answer["characters"]], atol=1e-5
        )
        cut = chosen.randrange(len(prompt))
        prompt = chosen.choice(
            [prompt[:cut], prompt[:cut] + "x" + prompt[cut:], prompt + TEXT[cut : cut + 300], prompt]
        )


def test_questions_asked_at_once_do_not_disturb_each_other(engines: dict[str, Engine]) -> None:
    engine = engines["one layer"]
    prompts = [TEXT[n : n + 4000] for n in range(4)]
    texts = engine.page.evaluate(
        """async (prompts) => Promise.all(prompts.map(async (prompt) => {
             const settings = { length: 1500, seed: 4, temperature: 1 };
             let text = '';
             for await (const piece of app.model.generate(prompt, settings)) text += piece;
             return text;
           }))""",
        prompts,
    )
    assert texts == [engine.model.generate(prompt, length=1500, seed=4, temperature=1.0) for prompt in prompts]


def test_the_browser_has_time_while_a_model_writes(engines: dict[str, Engine]) -> None:
    answer = engines["two layers"].page.evaluate(
        """async () => {
             let frames = 0;
             let going = true;
             const beat = () => {
               frames += 1;
               if (going) requestAnimationFrame(beat);
             };
             requestAnimationFrame(beat);
             const pieces = [];
             const settings = { length: 30000, seed: 1, temperature: 1 };
             for await (const piece of app.model.generate('', settings)) pieces.push(piece);
             going = false;
             return { frames, pieces: pieces.length, length: Array.from(pieces.join('')).length };
           }"""
    )
    assert answer["length"] == 30000
    assert answer["pieces"] > 5
    assert answer["frames"] > 5


def test_an_abort_stops_the_writing(engines: dict[str, Engine]) -> None:
    answer = engines["one layer"].page.evaluate(
        """async () => {
             const stop = new AbortController();
             let written = 0;
             try {
               for await (const piece of app.model.generate('', { length: 1e8, seed: 1 }, stop.signal)) {
                 written += piece.length;
                 if (written > 500) stop.abort();
               }
             } catch (error) {
               return { name: error.name, written };
             }
           }"""
    )
    assert answer["name"] == "AbortError"
    assert 500 < answer["written"] < 100_000


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"temperature": -1}, "temperature = -1"),
        ({"temperature": 101}, "0 to 100"),
        ({"top_k": 0}, "top_k = 0"),
        ({"top_k": 1.5}, "top_k = 1.5"),
        ({"top_p": 0}, "top_p = 0"),
        ({"min_p": 1.1}, "min_p = 1.1"),
        ({"length": -1}, "length = -1"),
        ({"seed": "-1"}, "seed -1"),
    ],
)
def test_wrong_settings_are_told(engines: dict[str, Engine], settings: dict[str, Any], words: str) -> None:
    with pytest.raises(Exception, match=words):
        engines["one layer"].generate("a", **settings)


def test_what_is_known_of_the_model_is_told(engine: Engine) -> None:
    file, sizes = engine.model.file, kind_of(engine.model.file.architecture).sizes(engine.model.file.architecture)
    assert engine.page.evaluate("app.model.info") == {
        "id": engine.path.stem.replace(" ", "-"),
        "name": engine.path.stem.replace(" ", "-"),
        "tokens": file.vocabulary.kind,
        "characters": list(file.vocabulary.characters),
        "vocabulary_size": file.vocabulary.size,
        "hidden": sizes["hidden"],
        "embedding": sizes["embedding"],
        "context_length": file.architecture.context_length,
        "parameters": kind_of(file.architecture).parameter_count(file.architecture),
        "lowercase": file.provenance.lowercase,
        "bits_per_character": file.provenance.validation_bits_per_character,
        "corpus": ["corpus.txt"],
        "seconds": file.provenance.training_seconds,
        "has_history": True,
        "finished": True,
    }
