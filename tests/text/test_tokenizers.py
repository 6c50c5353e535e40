"""Tokens of every kind: texts come back, in pieces too; files describe them; each character is paid for once."""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.errors import TextError, UnknownCharacterError
from nextchar.model.generation import generate_ids
from nextchar.model.scoring import Scorer, character_scores
from nextchar.settings import SamplingSettings, TextSettings, TokenKind
from nextchar.text.byte_tokenizer import ESCAPE
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus, open_corpus
from nextchar.text.decoding import BYTES
from nextchar.text.files import open_text
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.tokenizers import KINDS, tokenizer_of
from nextchar.text.vocabulary import SCALAR_VALUES, UNKNOWN_ID
from tests.small_networks import model_of_tokens
from tests.token_kinds import TOKEN_KINDS, tokens_of_every_kind
from tests.token_models import unescaped

TEXT = (
    "한글을 쓰고, 글을 읽는다. 값ㅋㅋ ㅠ 漢字 仮名カナ the cat saw the cats; it’s théâtre\n"
    "\u1112\u1161\u11ab \u1100 \u11a8\ud7b0 옛 말ᄊᆞᆷ a\u0301 각\u11a8 👩\u200d👧 \ue000\ufdd0\ufffd\0\t  two\n\n"
)
"""Hangul, jamo of all kinds, CJK, marks, an emoji of several code points, private use, a noncharacter and a zero."""
TOKENS = tokens_of_every_kind(TEXT * 3)
STRANGE = "\uffff\U000f0000\U000f0001\U0010f112é각뷁☃"
"""Characters that are not in the text, some of which are symbols inside."""


@pytest.fixture(params=TOKEN_KINDS)
def tokens(request: pytest.FixtureRequest) -> Tokenizer:
    return TOKENS[request.param]


known_texts = st.text(st.sampled_from(sorted(set(TEXT))), max_size=40)
texts = st.text(st.sampled_from(sorted(set(TEXT + STRANGE))) | st.characters(exclude_categories=["Cs"]), max_size=30)
each_kind = st.sampled_from([TOKENS[kind] for kind in TOKEN_KINDS])


def test_all_kinds_are_here() -> None:
    assert tuple(KINDS) == TOKEN_KINDS == tuple(TOKENS[kind].kind for kind in TOKEN_KINDS)


def test_a_text_comes_back(tokens: Tokenizer) -> None:
    ids = tokens.encode(TEXT)
    assert ids.dtype == tokens.dtype
    assert int(ids.max()) < tokens.size
    assert tokens.decode(ids) == TEXT == "".join(tokens.split(TEXT))
    assert not tokens.unknown_in(TEXT).any()
    assert not tokens.unknown_cost(ids).any()
    assert tokens.fold(TEXT) == (TEXT, [])


@given(each_kind, known_texts)
def test_a_text_of_known_characters_comes_back(tokens: Tokenizer, text: str) -> None:
    ids = tokens.encode(text)
    assert tokens.decode(ids) == text
    assert tokens.decode(np.reshape(ids, (1, -1))) == text


@given(each_kind, texts)
def test_what_is_unknown_is_one_id_for_each_character(tokens: Tokenizer, text: str) -> None:
    ids, unknown = tokens.encode(text), tokens.unknown_in(text)
    expected = "".join("\ufffd" if wrong else c for c, wrong in zip(text, unknown.tolist(), strict=True))
    assert tokens.decode(ids) == expected
    assert tokens.decode(ids, unknown="?") == "".join("?" if u else c for c, u in zip(text, unknown, strict=True))
    assert int((tokens.unknown_cost(ids) > 0).sum()) == int(unknown.sum())
    assert int(tokens.token_lengths(ids).sum()) == len(text)


@given(each_kind, texts)
def test_pieces_of_ids_are_the_text(tokens: Tokenizer, text: str) -> None:
    ids, pieces = tokens.encode(text), tokens.split(text)
    assert "".join(pieces) == text
    assert list(map(len, pieces)) == tokens.token_lengths(ids).tolist()
    assert len(tokens.token_texts(ids)) == len(ids)
    assert tokens.token_lengths(ids[:0]).shape == tokens.unknown_cost(ids[:0]).shape == (0,)


@given(each_kind, texts, st.lists(st.integers(0, 60), max_size=3))
def test_a_decoder_gives_the_whole_wherever_ids_are_cut(tokens: Tokenizer, text: str, cuts: list[int]) -> None:
    ids, decoder = tokens.encode(text), tokens.decoder()
    places = [0, *sorted(min(cut, len(ids)) for cut in cuts), len(ids)]
    pieces = [decoder.push(ids[a:b].tolist()) for a, b in itertools.pairwise(places)]
    assert "".join(pieces) + decoder.finish() == tokens.decode(ids)
    assert decoder.finish() == ""


@given(st.sampled_from([TOKENS[kind] for kind in ("characters", "jamo", "words")]), st.text(max_size=30))
def test_a_prompt_is_folded_into_what_is_known(tokens: Tokenizer, prompt: str) -> None:
    folded, replacements = tokens.fold(prompt)
    assert not tokens.unknown_in(folded).any()
    if not tokens.unknown_in(prompt).any():
        assert folded == prompt
    if replacements:
        with pytest.raises(UnknownCharacterError, match="does not know"):
            tokens.fold(prompt, strict=True)


@pytest.mark.parametrize("kind", ["characters", "jamo", "words"])
def test_unknown_characters_share_the_probability_of_the_unknown_id(kind: TokenKind) -> None:
    tokens = TOKENS[kind]
    everything = "".join(chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000)
    unknown = int(np.count_nonzero(tokens.encode(everything) == UNKNOWN_ID))
    assert 0 < unknown < SCALAR_VALUES
    cost = tokens.unknown_cost(tokens.encode("☃"))[0]
    assert unknown * 2**-cost == pytest.approx(1)


@given(each_kind, texts.filter(bool))
def test_every_character_is_paid_for_once(tokens: Tokenizer, text: str) -> None:
    model, ids = MODELS[tokens.kind], tokens.encode(text)
    bits = tokens.unknown_cost(ids) - Scorer(model.network, tokens.start_id).score(ids)  # (T,)
    evaluation = model.evaluate(text)
    assert evaluation.characters == len(text)
    assert evaluation.unknown_characters == int(tokens.unknown_in(text).sum())
    assert evaluation.bits_per_character * len(text) == pytest.approx(bits.sum())
    surprises = model.surprises(text)
    assert surprises.shape == (len(text),)
    assert surprises.sum() == pytest.approx(bits.sum())
    scorer = Scorer(model.network, tokens.start_id)
    np.testing.assert_allclose(character_scores(scorer, ids, tokens), -surprises, atol=1e-9)


MODELS = {kind: model_of_tokens(TOKENS[kind], seed=3) for kind in TOKEN_KINDS}


@pytest.mark.parametrize("prompt", ["", "한글", "말하", "the ca", "the cat ", "\n"])
@pytest.mark.parametrize("options", [{}, {"top_k": 5}, {"temperature": 0}], ids=str)
def test_texts_are_as_long_as_asked_for_however_they_are_written(
    tokens: Tokenizer, prompt: str, options: dict[str, Any]
) -> None:
    model, how = MODELS[tokens.kind], {"length": 61, "temperature": 1.0, "seed": 5, **options}
    text = model.generate(prompt, **how)
    assert len(unescaped(tokens.kind, text)) == 61
    assert "".join(model.stream(prompt, **how)) == text
    assert "".join(model.continuation(prompt, **how).steps()) == text
    many = model.generate_many(prompt, 3, **how)
    assert many[0] == text
    assert [len(unescaped(tokens.kind, each)) for each in many] == [61] * 3


@pytest.mark.parametrize("prompt", ["", "하", "글"])
def test_no_syllable_is_written_in_parts(prompt: str) -> None:
    """The tokens of jamo have conjoining ones as symbols of their own here, which are as they were; so a plain text."""
    model = model_of_tokens(tokens_of_every_kind("하글 국물을 한 각")["jamo"], seed=1)
    text = "".join(model.generate_many(prompt, 5, length=300, temperature=2.0, seed=1))
    assert any("가" <= character <= "힣" for character in text)
    assert text == unicodedata.normalize("NFC", text)
    assert not any("\u1100" <= character <= "\u11ff" for character in text)


def test_impossible_ids_are_never_drawn_first() -> None:
    tokens = TOKENS["jamo"]
    assert tokens.succession is not None
    prompt = MODELS["jamo"].fold_prompt("하")
    for _ in prompt.read():
        pass
    goes_on = tokens.token_lengths(np.arange(tokens.size)) == 0
    assert np.isneginf(prompt.next_logits()[goes_on]).all()
    assert np.isfinite(prompt.next_logits()[~goes_on][1:]).all()
    distribution = MODELS["jamo"].next_character_distribution("하")
    assert sum(distribution.values()) == pytest.approx(1)
    assert distribution["\u11a8"] > 0, "that which stands alone"


def test_the_same_tokens_are_made_of_what_a_file_says(tokens: Tokenizer) -> None:
    header = json.loads(json.dumps(tokens.header()))
    assert header["kind"] == tokens.kind
    again = tokenizer_of(header)
    assert again == tokens
    assert hash(again) == hash(tokens)
    assert tokens.kind == "characters" or tokens.kind.rstrip("s") in repr(tokens).lower()
    np.testing.assert_array_equal(again.encode(TEXT), tokens.encode(TEXT))
    assert len({*map(repr, (TOKENS[kind].header() for kind in TOKEN_KINDS))}) == 4


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"kind": "syllables"},
        {"kind": ["words"]},
        {"kind": "characters"},
        {"kind": "characters", "characters": "ba", "has_unknown": True},
        {"kind": "characters", "characters": "ab", "has_unknown": "yes"},
        {"kind": "bytes", "characters": "ab"},
        {"kind": "jamo", "characters": "aa", "has_unknown": True},
        {"kind": "words", "characters": "ab", "has_unknown": True},
        {"kind": "words", "characters": "ab", "has_unknown": True, "words": "ab"},
        {"kind": "words", "characters": "ab", "has_unknown": True, "words": ["ac"]},
        {"kind": "words", "characters": "ab", "has_unknown": True, "words": [""]},
        {"kind": "words", "characters": "ab", "has_unknown": True, "words": [1]},
    ],
    ids=str,
)
def test_entries_that_fit_no_tokens_are_refused(header: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        tokenizer_of(header)


FILES = [
    "chinese_hongloumeng.txt", "emoji_test.txt", "japanese_neko.txt", "korean_bible_krv.txt", "korean_stories.txt",
    "names.txt", "nietzsche.txt", "persian_hafez.txt", "python_stdlib.txt", "tamil_thirukkural.txt",
    "tinyshakespeare.txt", "war_and_peace.txt", "world_cities.csv",
]  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_every_real_text_comes_back(kind: TokenKind, name: str, corpora: Path, tmp_path: Path) -> None:
    settings = TextSettings(tokens=kind, min_count=None if kind == "bytes" else 1, validation=0)
    text = open_text(corpora / name, BYTES if kind == "bytes" else None)
    corpus = encode_corpus([text], settings, cache_folder=tmp_path)
    whole = "".join(text.chunks())
    assert corpus.vocabulary.kind == kind
    assert corpus.vocabulary.decode(corpus.ids) == whole
    assert (corpus.characters, int(corpus.vocabulary.token_lengths(corpus.ids).sum())) == (len(whole), len(whole))
    assert (corpus.rare, corpus.count_unknown(corpus.ids)) == (0, 0)
    if kind == "bytes":
        assert corpus.ids.tobytes() == (corpora / name).read_bytes()
    elif kind == "words":
        pieces = corpus.vocabulary.token_texts(corpus.training)
        assert sum(map(len, pieces)) > 1.01 * len(pieces)  # few in texts without spaces


@given(st.binary(max_size=60))
def test_random_bytes_come_back(content: bytes) -> None:
    tokens = TOKENS["bytes"]
    text = content.decode("utf-8", ESCAPE)
    assert tokens.encode(text).tobytes() == content
    assert tokens.decode(tokens.encode(text)) == text


def encoded(folder: Path, kind: TokenKind, content: bytes = TEXT.encode() * 20, **options: Any) -> Corpus:
    (folder / "text.txt").write_bytes(content)
    text = open_text(folder / "text.txt", BYTES if kind == "bytes" else None)
    return encode_corpus([text], TextSettings(tokens=kind, **options), cache_folder=folder / "cache")


def test_entries_of_the_cache_differ_by_kind_and_size(tmp_path: Path) -> None:
    corpora = [encoded(tmp_path, kind) for kind in TOKEN_KINDS]
    many = "".join(f"word{number} of many\n" for number in range(200)).encode() * 2
    corpora += [encoded(tmp_path, "words", many, vocabulary_size=size) for size in (100, 102)]
    corpora += [encoded(tmp_path, "characters", normalize=form) for form in ("nfc", "nfkc")]
    assert len({corpus.key for corpus in corpora}) == len(corpora)
    assert encoded(tmp_path, "characters").key == corpora[0].key
    for corpus in corpora:
        again = open_corpus(corpus.key, tmp_path / "cache")
        assert again.vocabulary == corpus.vocabulary
        np.testing.assert_array_equal(again.ids, corpus.ids)
        assert (again.characters, again.training_characters) == (corpus.characters, corpus.training_characters)
    assert corpora[4].vocabulary.size == 100
    assert corpora[5].vocabulary.size == 102


def test_an_entry_of_unknown_tokens_is_made_anew(tmp_path: Path) -> None:
    corpus = encoded(tmp_path, "jamo")
    description = tmp_path / "cache" / "corpora" / corpus.key / "corpus.json"
    changed = json.loads(description.read_bytes())
    changed["tokens"]["kind"] = "syllables"
    description.write_text(json.dumps(changed))
    with pytest.raises(TextError, match="missing or damaged"):
        open_corpus(corpus.key, tmp_path / "cache")
    assert encoded(tmp_path, "jamo").vocabulary == corpus.vocabulary


@pytest.mark.parametrize("kind", TOKEN_KINDS)
def test_places_in_several_files_are_right(kind: TokenKind, tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.txt")]
    for number, path in enumerate(paths):
        lines = (f"{path.stem} 한글 {number}{line} the words, 값\n" for line in range(200))
        path.write_text("".join(lines), encoding="utf-8")
    texts = [open_text(path, BYTES if kind == "bytes" else None) for path in paths]
    corpus = encode_corpus(texts, TextSettings(tokens=kind, validation=0.1), cache_folder=tmp_path / "cache")
    source, training = corpus.source, corpus.vocabulary.decode(corpus.training)
    assert len(source.documents) == 3
    for file, document in zip(paths, source.documents, strict=True):
        assert corpus.vocabulary.decode(corpus.ids[document.start :][:40]).startswith(f"{file.stem} 한글")
        place = source.place(document.start)
        assert (Path(place.name).name, place.line) == (file.name, 1)
    characters = source.in_characters()
    index = training.index("b 한글 1150 ")
    place = characters.place(index)
    assert (Path(place.name).name, place.line) == ("b.txt", 151)
    assert sum(corpus.held_out) == len(corpus.validation)
    assert len(corpus.held_out) == 3
    for part, file in zip(np.split(corpus.validation, np.cumsum(corpus.held_out)[:-1]), paths, strict=True):
        assert {line[0] for line in corpus.vocabulary.decode(part).splitlines()} == {file.stem}


def test_generated_ids_keep_to_the_succession() -> None:
    tokens = TOKENS["jamo"]
    succession = tokens.succession
    assert succession is not None
    settings = SamplingSettings(temperature=2.0)
    drawn = generate_ids(
        MODELS["jamo"].network,
        np.array([tokens.start_id]),
        settings,
        np.random.default_rng(0),
        tokens.never_drawn,
        succession=succession,
    )
    before = 0
    for _ in range(10_000):
        following = int(succession.classes[next(drawn)])
        assert succession.may_follow[before, following]
        before = following


def test_an_escaped_byte_is_one_character_of_the_length() -> None:
    model = MODELS["bytes"]
    options: dict[str, Any] = {"length": 60, "temperature": 3.0, "seed": 5}
    text = model.generate("a", **options)
    escapes = re.findall(r"\\x[0-9a-f]{2}", text)
    assert len(escapes) > 20
    assert len(unescaped("bytes", text)) == 60
    assert model.generate_many("a", 2, **options)[0] == text == "".join(model.stream("a", **options))
    stop = escapes[5]
    stopped = text[: text.index(stop)]
    assert model.generate("a", **options, stop=stop) == stopped
    assert model.generate_many("a", 2, **options, stop=stop)[0] == stopped
