"""Tokens of each kind in the page, opened in a real browser, against Python: ids, texts, distributions and scores."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Iterator
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from playwright.sync_api import expect

from nextchar.convert.conversion import convert
from nextchar.model.language_model import LanguageModel
from nextchar.settings import TokenKind
from nextchar.text.byte_tokenizer import ByteTokenizer
from nextchar.text.jamo import ALONE, take_apart
from nextchar.text.vocabulary import Vocabulary
from nextchar.text.word_tokenizer import WordTokenizer, words_of
from nextchar.web.prediction import distribution, score
from tests.browser import Desk, OpenDesk
from tests.page_engine import Engine
from tests.token_models import KINDS, PROMPTS, TEXT, model_of_kind, tokens_of, unescaped

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SHAPES: list[dict[str, Any]] = [
    {"temperature": 0.3},
    {"temperature": 1.0},
    {"temperature": 1.5, "top_k": 6},
    {"temperature": 1.3, "top_p": 0.9, "min_p": 0.001},
]
HARD = (
    "don't don’t 'tis rock'n'roll o''clock ' '' a' 'b it's' x'1 ١٢٣ ⅷ² _id__x a_b",
    "a  b   c\t\td \u00a0 e\u3000\u3000f  \n\n  g \r\n\v\x85\u2028h",
    "한글 옛날에 ㅋㅋㅠㅠ ᄒ한ᆫ \u1112\u1161\u11ab 각\u11a8 漢字かな交じりカ\u3099",
    "e\u0301te\u0301 \u0301x  \u0301 a\u20dd क्षि שָׁלוֹם سَلَام ไทย",
    "😀👨‍👩‍👧 🇰🇷 —–…!?¿ $5.00 100% a.b,c;d 𝔘𝒳 \U000f0000\U000f0001\U00100000 \U0010f112 \uffff",
    "x" * 70 + "'" + "y" * 130 + "!" * 200 + " " * 150 + "z",
    "\udc80\udcff\ud800 a\udce9 \ufeff\u200b\u200d",
)


@pytest.fixture(scope="module")
def engines(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[tuple[str, bool], Engine]]:
    """The page of an LSTM and of a blend for each kind of tokens, and the same models in Python."""
    folder, engines = tmp_path_factory.mktemp("tokens"), dict[tuple[str, bool], Engine]()
    for kind in KINDS:
        for blend in (False, True):
            path = folder / f"{kind}-{blend}.html"
            model_of_kind(kind, blend).save(path.with_suffix(".safetensors"))
            convert(path.with_suffix(".safetensors"), path)
            page = chromium.new_page()
            page.goto(path.as_uri())
            page.wait_for_function("app.model !== null")
            engines[kind, blend] = Engine(path, page, LanguageModel.load(path))
    yield engines
    for engine in engines.values():
        engine.page.close()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> TokenKind:
    return request.param


@pytest.fixture(params=[False, True], ids=["lstm", "blend"])
def engine(request: pytest.FixtureRequest, kind: TokenKind, engines: dict[tuple[str, bool], Engine]) -> Engine:
    return engines[kind, request.param]


@pytest.fixture
def page(engines: dict[tuple[str, bool], Engine]) -> Page:
    return engines["words", False].page


@pytest.mark.parametrize("shape", SHAPES, ids=json.dumps)
def test_the_same_seed_gives_the_same_text_as_in_python(engine: Engine, shape: dict[str, Any]) -> None:
    for seed, prompt in enumerate(PROMPTS):
        written = engine.generate(prompt, length=150, seed=seed, **shape)
        assert written["text"] == engine.model.generate(prompt, length=150, seed=seed, **shape)
        assert len(unescaped(engine.model.vocabulary.kind, written["text"])) == 150


def test_lengths_and_stops_are_those_of_python(engine: Engine) -> None:
    for length in range(6):
        written = engine.generate("the ki", length=length, seed=length, temperature=1)
        assert written["text"] == engine.model.generate("the ki", length=length, seed=length, temperature=1.0)
    for seed in range(4):
        whole = engine.model.generate("the", length=60, seed=seed, temperature=1.0)
        stops = [whole[30:33], whole[31:33], whole[40:41]]
        written = engine.generate("the", length=60, seed=seed, temperature=1, stop=stops)
        text = engine.model.continuation("the", length=60, seed=seed, temperature=1.0, stop=tuple(stops))
        assert written["text"] == "".join(text)
        assert written["finish_reason"] == text.finish_reason == "stop"


@pytest.mark.parametrize("limit", [3, 10_000])
def test_distributions_are_those_of_the_server(engine: Engine, limit: int) -> None:
    for prompt in PROMPTS:
        shape = {"temperature": 0.7, "top_k": 9}
        mine = engine.ask("distribution", prompt, {**shape, "limit": limit})
        (*_, theirs) = distribution(engine.model, prompt, build_settings(shape), limit)
        assert theirs is not None
        assert mine.keys() == theirs.keys()
        for name, value in theirs.items():
            if name in {"begun", "possible", "replacements"}:
                assert mine[name] == value
            elif name != "characters":
                np.testing.assert_allclose(mine[name], value, atol=1e-5)
        if limit > engine.model.vocabulary.size:
            assert sorted(mine["characters"]) == sorted(theirs["characters"])
        assert mine["characters"][0] == theirs["characters"][0]


def build_settings(shape: dict[str, Any]) -> Any:
    from nextchar.settings import SamplingSettings

    return SamplingSettings(**shape)


@pytest.mark.parametrize("text", [TEXT[:400], *HARD])
def test_scores_are_those_of_the_server(engine: Engine, text: str) -> None:
    mine, theirs = engine.ask("score", text, 3), json.loads(b"".join(score(engine.model, text, 3)))
    assert mine.keys() == theirs.keys()
    for name in ("characters", "character_count", "unknown"):
        assert mine[name] == theirs[name]
    np.testing.assert_allclose(mine["bits"], theirs["bits"], atol=1e-4)
    assert mine["bits_per_character"] == pytest.approx(theirs["bits_per_character"], abs=1e-4)
    for ours, others in zip(mine["alternatives"], theirs["alternatives"], strict=True):
        assert [round(other["probability"], 4) for other in ours] == pytest.approx(
            [round(other["probability"], 4) for other in others], abs=2e-4
        )


@pytest.mark.parametrize("text", [TEXT, *HARD])
def test_ids_are_those_of_python(engine: Engine, kind: TokenKind, text: str) -> None:
    tokens = tokens_of(kind)
    assert engine.page.evaluate("(text) => app.model.vocabulary.encode(text)", text) == tokens.encode(text).tolist()
    assert engine.page.evaluate("app.model.vocabulary.texts") == tokens.token_texts(range(tokens.size))
    assert engine.page.evaluate("app.model.vocabulary.startId") == tokens.start_id


def hard_texts(count: int) -> list[str]:
    """Return random texts of characters that are assigned in the Unicode of this Python."""
    chosen = random.Random(1)
    common = "  \n\n\t''’’ab_1é가ㅋ한漢.,!?—\u0301\u00a0\u3000😀٣²"
    rare = [chr(p) for p in range(0x2FA1E) if unicodedata.category(chr(p)) not in {"Cn", "Cs"}]
    return [
        "".join(chosen.choice(common if chosen.random() < 0.9 else rare) for _ in range(chosen.randrange(1, 40)))
        for _ in range(count)
    ]


def test_words_are_cut_as_in_python(page: Page) -> None:
    texts = [*HARD, *hard_texts(3000)]
    cut = page.evaluate("(texts) => texts.map((text) => wordsIn(text))", texts)
    assert all("".join(words_of(text)) == text for text in texts)
    assert [(text, theirs) for text, theirs in zip(texts, cut, strict=True) if words_of(text) != theirs] == []


def test_every_character_is_of_a_word_or_not_as_in_python(page: Page) -> None:
    points = [p for p in range(0x110000) if unicodedata.category(chr(p)) not in {"Cn", "Cs", "Co"}]
    script = "(points) => points.map((p) => wordsIn(`a${String.fromCodePoint(p)}`).length)"
    theirs = page.evaluate(script, points)
    differ = [hex(p) for p, count in zip(points, theirs, strict=True) if len(words_of(f"a{chr(p)}")) != count]
    assert len(points) > 140_000
    assert differ == []


def test_what_is_begun_is_that_of_python(page: Page) -> None:
    tokens = tokens_of("words")
    texts = [*HARD, *PROMPTS, *hard_texts(500)]
    begun = page.evaluate("(texts) => texts.map((text) => app.model.vocabulary.begun(text))", texts)
    assert begun == [text[len(text) - tokens.begun(text) :] for text in texts]


def test_jamo_are_taken_apart_as_in_python(page: Page) -> None:
    characters = [*map(chr, range(0xAC00, 0xD7A4)), *map(chr, range(0x1100, 0x1200)), chr(ALONE + 0x1112), "가"]
    apart = page.evaluate("(characters) => characters.map((one) => takeApart(one).join(''))", characters)
    assert apart == [take_apart(character) for character in characters]
    together = page.evaluate("(symbols) => symbols.map(putTogether)", apart)
    assert together[:-2] == characters[:-2]


def test_bytes_are_decoded_as_in_python(page: Page) -> None:
    chosen, decoder = np.random.default_rng(0), ByteTokenizer()
    contents = [chosen.integers(256, size=200).tolist() for _ in range(60)]
    odd = (0xC0, 0xC1, 0xE0, 0x80, 0xED, 0xA0, 0x9F, 0xF0, 0x8F, 0x90, 0xF4, 0xF5, 0xFF, 7)
    some = [*"é한😀\ufeff\x80\n\r".encode(), *odd]
    contents += [chosen.choice(some, size=200).tolist() for _ in range(60)]
    script = """(contents) => contents.map((content) => {
      const decoder = new ByteTokenizer().decoder();
      return content.map((byte) => decoder.push(byte)).join('');
    })"""
    assert page.evaluate(script, contents) == [
        decoder.displayed(decoder.decoder().push(content)) for content in contents
    ]


def test_a_large_vocabulary_is_made_at_once(page: Page) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["".join(word) for length in (2, 3, 4) for word in product(letters, repeat=length)][:30_000]
    milliseconds = page.evaluate(
        """([letters, words]) => {
             const began = performance.now();
             new WordTokenizer(letters, true, words);
             return performance.now() - began;
           }""",
        [letters, words],
    )
    assert milliseconds < 1000  # it takes 30; other work may be under way
    text = "ab abc zebra\nabcde"
    script = "([letters, words, text]) => new WordTokenizer(letters, true, words).encode(text)"
    tokens = WordTokenizer(Vocabulary(letters), words)
    assert page.evaluate(script, [letters, words, text]) == tokens.encode(text).tolist()


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ({"kind": "runes"}, "its tokens are runes, not characters, bytes, jamo, words"),
        ({"kind": "words", "characters": "ab", "has_unknown": True, "words": ["ac"]}, "its words do not fit"),
    ],
)
def test_damaged_tokens_are_refused(page: Page, tokens: dict[str, Any], words: str) -> None:
    with pytest.raises(Exception, match=rf"The model in this page is damaged: {words}"):
        page.evaluate("(tokens) => { makeTokenizer(tokens); }", tokens)


def open_page(open_desk: OpenDesk, engines: dict[tuple[str, bool], Engine], kind: str) -> Desk:
    return open_desk(engines[kind, True].path.as_uri()).ready()


def test_a_begun_word_is_finished_by_its_bar(open_desk: OpenDesk, engines: dict[tuple[str, bool], Engine]) -> None:
    desk = open_page(open_desk, engines, "words")
    expect(desk.page.locator("#next-title")).to_have_text("The next word")
    desk.write("and the ki")
    bars = desk.page.locator(".bar-row")
    expect(bars.first).to_have_attribute("data-character", " king")
    assert bars.first.locator(".glyph").text_content() == "␣king"
    kings = desk.page.locator('.bar-row[data-character=" kings"]')
    expect(desk.page.locator('.bar-row[data-character=" "]')).to_be_disabled()
    kings.click()
    expect(desk.page.locator("#text")).to_have_value("and the kings")


def test_parts_of_characters_are_shown_but_not_typed(
    open_desk: OpenDesk, engines: dict[tuple[str, bool], Engine]
) -> None:
    for kind, title, part in (("jamo", "The next jamo", "ㅎ"), ("bytes", "The next byte", "\\xed")):
        desk = open_page(open_desk, engines, kind)
        expect(desk.page.locator("#next-title")).to_have_text(title)
        desk.write("옛날에 ")
        desk.page.locator("#all").click()
        bar = desk.page.locator(".bar-row", has=desk.page.get_by_text(part, exact=True))
        expect(bar.first).to_be_disabled()
        assert desk.page.locator(".under .unknown").count() == 0


def test_words_have_one_colour_each(open_desk: OpenDesk, engines: dict[tuple[str, bool], Engine]) -> None:
    desk = open_page(open_desk, engines, "words")
    desk.press("tab-see")
    text = "the kings ☃e\u0301\n"
    desk.page.fill("#pasted", text)
    desk.press("score")
    pieces = desk.page.locator("#coloured [role=option]")
    expect(pieces.last).to_have_text("⏎\n")
    assert pieces.all_text_contents() == ["the", " kings", " ", "☃", "e\u0301", "⏎\n"]
    expect(desk.page.locator("#mean-note")).to_contain_text(f"over {len(text)} characters; 1 of them unknown")
    model = engines["words", True].model
    expect(desk.page.locator("#mean")).to_have_text(f"{model.bits_per_character(text):.3f}")
