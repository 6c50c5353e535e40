"""Guards against copying where tokens are no characters, held against brute force."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from nextchar.model import token_guards
from nextchar.model.continuation import Continuation, Prompt
from nextchar.model.copying import CopyIndex
from nextchar.model.kept_text import KeptText
from nextchar.model.language_model import LanguageModel
from nextchar.model.token_guards import PartGuard, guard_of
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.ngram_network import NgramNetwork
from nextchar.settings import SamplingSettings, TokenKind
from nextchar.text.documents import PLAIN, SourceText, documents_of
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.word_tokenizer import WordTokenizer
from tests.small_networks import random_text
from tests.token_models import TEXT, model_of_kind, tokens_of, unescaped

KINDS: tuple[TokenKind, ...] = ("bytes", "jamo", "words")
LETTERS = {
    "bytes": "aé가각값�\udcff\udcea\udcb0😀",
    "jamo": "가각갂나난ㄱa\u1100\u11a8",
    "words": "가나 ab",
}


def index_of(tokens: Tokenizer, text: str) -> CopyIndex:
    return CopyIndex(SourceText(tokens.encode(text), (), tokens))


def decoded(tokens: Tokenizer, ids: list[int]) -> tuple[str, int]:
    """Return the text of ``ids`` up to the last whole character, and the number of ids after it."""
    for begun in (3, 2, 1):
        whole, rest = ids[: len(ids) - begun], ids[len(ids) - begun :]
        if (
            begun <= len(ids)
            and is_begun(tokens, rest)
            and tokens.decode(ids) == tokens.decode(whole) + tokens.decode(rest)
        ):
            return tokens.decode(whole), begun
    return tokens.decode(ids), 0


def is_begun(tokens: Tokenizer, ids: list[int]) -> bool:
    """Return whether ``ids``, or the last of them, begin a character that others could finish."""
    if tokens.kind == "words":
        return False
    if tokens.kind == "jamo":
        symbols = tokens.symbols.decode(ids)  # type: ignore[attr-defined]
        return 0 < len(symbols) == tokens.unfinished(symbols)  # type: ignore[attr-defined]
    ends = [[], [0x80], [0x80] * 2, [0x80] * 3, [0xBF], [0xBF, 0x80], [0xBF, 0x80, 0x80]]
    whole = (tokens.decode([*ids, *end]) for end in ends if end)
    return bool(ids) and any(len(text) == 1 and not "\ud800" <= text < "\ue000" for text in whole)


def copies(text: str, before: int, kept: str, longest: int) -> bool:
    """Return whether a run of more than ``longest`` characters of ``text`` that ends after the first ``before`` stands
    in ``kept``."""
    ends = range(max(before, longest) + 1, len(text) + 1)
    return any(text[end - longest - 1 : end] in kept for end in ends)


def refused(tokens: Tokenizer, prompt: str, ids: list[int], kept: str, longest: int) -> bool:
    """Return by brute force whether the last of ``ids`` must not come after the others."""
    before = len(prompt + decoded(tokens, ids[:-1])[0])
    text, begun = decoded(tokens, ids)
    if copies(prompt + text, before, kept, longest):
        return True
    return bool(begun) and not can_end(tokens, prompt + text, ids[len(ids) - begun :], kept, longest)


def can_end(tokens: Tokenizer, before: str, begun: list[int], kept: str, longest: int) -> bool:
    """Return whether ``begun`` can become a character that may come after ``before``."""
    if tokens.kind == "jamo":
        text = tokens.decode(begun)
        if len(begun) == 2 and not copies(before + text, len(before), kept, longest):
            return True
    for more in range(tokens.size):
        ids = [*begun, more]
        text = tokens.decode(ids)
        if len(text) == 1 and not is_begun(tokens, ids) and not "\ud800" <= text < "\ue000":
            if more not in tokens.never_drawn and not copies(before + text, len(before), kept, longest):
                return True
        elif is_begun(tokens, ids) and can_end(tokens, before, ids, kept, longest):
            return True
    return False


def may_come(tokens: Tokenizer, ids: list[int]) -> list[int]:
    """Return the ids that may come after ``ids`` where nothing limits copying."""
    succession = tokens.succession
    may = set(range(tokens.size)) - set(tokens.never_drawn)
    if succession is None:
        return sorted(may)
    last = succession.classes[ids[-1]] if ids else 0
    return [id_ for id_ in sorted(may) if succession.may_follow[last, succession.classes[id_]]]


def strictly(guard: Any) -> set[int]:
    if isinstance(guard, PartGuard):
        return guard._refused(type(guard._characters).too_long)[0]
    return {*guard.always, *guard.forbidden()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("longest", [1, 2, 9])
def test_it_forbids_what_would_copy_too_much_and_nothing_else(kind: TokenKind, longest: int) -> None:
    text = random_text(LETTERS[kind], 400, seed=longest)
    tokens = tokens_of(kind, text)
    index, random = index_of(tokens, text), np.random.default_rng(longest)
    found = 0
    for place in random.integers(longest, len(text) - longest, 2 if kind == "bytes" else 12).tolist():
        prompt = text[max(0, place - longest - 3) : place] if place % 3 else ""
        guard, ids = guard_of(index, tokens, longest, prompt), list[int]()
        for id_ in tokens.encode(text[place:]).tolist()[:8]:
            may = may_come(tokens, ids)
            wanted = {more for more in may if refused(tokens, prompt, [*ids, more], text, longest)}
            assert strictly(guard) & set(may) == wanted, (prompt, ids)
            assert wanted <= set(guard.forbidden()) | set(guard.always)
            found += len(wanted)
            free = sorted(set(may) - wanted)
            assert free or kind == "words"  # a part of a character leaves a way to finish it
            if not free:
                break
            chosen = id_ if id_ in free and random.random() < 0.8 else free[random.integers(len(free))]
            guard.read(chosen)
            ids.append(chosen)
    assert found > 0


@cache
def model_with_its_text(kind: TokenKind) -> LanguageModel:
    """Return a model whose weights mean nothing, with the text in its file."""
    file, tokens = model_of_kind(kind).file, tokens_of(kind)
    source = SourceText(tokens.encode(TEXT), documents_of(("fox.txt",), PLAIN), tokens)
    return LanguageModel(replace(file, text=KeptText.of(source)))


@cache
def counted(kind: TokenKind, text: str) -> tuple[NgramNetwork, Tokenizer, CopyIndex]:
    tokens = tokens_of(kind, text)
    return NgramNetwork(count_text(tokens.encode(text), tokens.size, 6)), tokens, index_of(tokens, text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("longest", [3, 8, 20])
@pytest.mark.parametrize("options", [{"temperature": 1.0}, {"top_k": 5}], ids=str)
def test_no_longer_run_is_ever_written(kind: TokenKind, longest: int, options: dict[str, Any]) -> None:
    text = "\n".join([TEXT, random_text("abcdef 가나각", 600)])
    network, tokens, index = counted(kind, text)
    met = 0
    for seed, start in enumerate(("", "the king", "그는", "don'")):
        prompt = Prompt(network, tokens, start, copy_index=lambda: index)
        settings = SamplingSettings(length=150, seed=seed, max_copy=longest, **options)
        continuation = Continuation(prompt, settings)
        shown = "".join(continuation)
        written = start + unescaped(kind, shown)
        assert len(written) == len(start) + 150 or continuation.finish_reason == "max_copy"
        assert not copies(written, len(start), text, longest)
        met += copies(written, len(start), text, longest - 1)
        assert "".join(continuation.steps()) == shown
    assert met >= 2


@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_and_door_writes_the_same(kind: TokenKind) -> None:
    model = model_with_its_text(kind)
    options: dict[str, Any] = {"length": 120, "seed": 3, "temperature": 0.7, "max_copy": 4}
    for prompt in ("the ki", "한 사", ""):
        written = [
            "".join(
                Continuation(Prompt(network, model.vocabulary, prompt, copy_index=lambda: model.copy_index), settings)
            )
            for network in (model.network, model.compiled_network)
            for settings in [SamplingSettings(**options)]
        ]
        assert written[0] == written[1] == model.generate(prompt, **options)
        assert model.generate_many(prompt, 2, **options)[0] == written[0]
        assert not copies(prompt + written[0], len(prompt), TEXT, 4)
        assert model.copied_runs(written[0], 5, prompt=prompt) == []
        free = model.generate(prompt, length=120, seed=3, temperature=0.7)
        assert model.generate(prompt, length=120, seed=3, temperature=0.7, max_copy=1000) == free


def test_what_a_prompt_has_begun_is_finished_otherwise() -> None:
    model = model_with_its_text("words")
    limited = model.next_character_distribution("the fox is ki", max_copy=14)
    assert limited[" king"] == 0 < model.next_character_distribution("the fox is ki", max_copy=15)[" king"]
    assert sum(limited.values()) == pytest.approx(1)


def test_bytes_that_are_no_text_are_copied_too() -> None:
    tokens = tokens_of("bytes")
    index = index_of(tokens, "ab\udcff\udcfecd\uffff")
    guard = guard_of(index, tokens, 2, "b\udcff")
    assert guard.forbidden() == [0xFE]
    assert guard_of(index, tokens, 2, "cd").forbidden() == []
    guard = guard_of(index, tokens, 1, "d")
    for byte in "\uffff".encode()[:2]:
        assert guard.forbidden() == []
        guard.read(byte)
    assert strictly(guard) == {0xBF}
    assert set(guard.forbidden()) == {0xBF, *range(0x80), *range(0xC0, 0x100)}  # it ends in another character instead
    # The two bytes are wrong if another comes, which then follows a copied one.
    guard = guard_of(index_of(tokens, "x\udce2\udc82y"), tokens, 3, "x")
    for byte in (0xE2, 0x82):
        guard.read(byte)
    assert guard.forbidden() == [ord("y")]


def test_a_syllable_is_whole_once_another_letter_begins() -> None:
    tokens = tokens_of("jamo", "가나 각나 다")
    index = index_of(tokens, "다가나")
    guard = guard_of(index, tokens, 1, "다")
    assert guard.forbidden() == []  # 각 may come, so may ᄀ
    guard.read(tokens.encode("가").tolist()[0])
    assert guard.forbidden() == []
    guard.read(tokens.encode("가").tolist()[1])
    final = tokens.encode("각").tolist()[2]
    assert set(guard.forbidden()) == set(range(1, tokens.size)) - {
        id_
        for id_ in range(tokens.size)
        if tokens.succession.classes[id_] in {2, 3}  # type: ignore[union-attr]
    }
    guard.read(final)
    assert guard.forbidden() == []


def test_unknown_characters_and_those_that_are_not_kept_are_no_copies() -> None:
    text = "one two three four. " * 3
    tokens = WordTokenizer.of_text([text], tokens_of("characters", text + "☂\ufffd"), 40)  # type: ignore[arg-type]
    index = index_of(tokens, "one ☃two")
    assert "\ufffd" in tokens.characters
    assert index.has("one ")
    assert not index.has("☂")
    assert guard_of(index, tokens, 1, " ").forbidden() == []
    assert guard_of(index, tokens, 1, "☂").forbidden() == []
    assert {tokens.texts[id_] for id_ in guard_of(index, tokens, 2, "on").forbidden()} == {"e"}


@pytest.mark.parametrize("longest", [2, 5, 12])
@pytest.mark.parametrize("begun", [False, True])
def test_both_ways_to_look_for_words_find_the_same(longest: int, begun: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = tokens_of("words")
    assert isinstance(tokens, WordTokenizer)
    index, found = index_of(tokens, TEXT), 0
    for place in range(3, 100):
        text = TEXT[:place]
        last = text[place - tokens.begun(text) :] if begun else ""
        ways: list[list[int]] = []
        for look_up in (0, 10**9):
            monkeypatch.setattr(token_guards, "LOOK_UP", look_up)
            ways.append(list(guard_of(index, tokens, longest, text, last).forbidden()))
        assert ways[0] == ways[1]
        assert all(tokens.texts[id_].startswith(last) for id_ in ways[0])
        found += len(ways[0])
    assert found > 20


def test_a_syllable_that_nothing_may_follow_is_written() -> None:
    tokens = tokens_of("jamo", "가가")
    network, index = NgramNetwork(count_text(tokens.encode("가가"), tokens.size, 2)), index_of(tokens, "가가")
    prompt = Prompt(network, tokens, "", copy_index=lambda: index)
    continuation = Continuation(prompt, SamplingSettings(length=9, seed=1, max_copy=1))
    assert ("".join(continuation), continuation.finish_reason) == ("가", "max_copy")
