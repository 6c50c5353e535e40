"""Models whose tokens are of each kind, with weights that mean nothing: an LSTM, and a blend of one with counts."""

from __future__ import annotations

import re
from functools import cache

import numpy as np

from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture
from nextchar.networks.blend import TextCounts
from nextchar.networks.kinds import blend_content
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import kinds_of
from nextchar.settings import TokenKind
from nextchar.text.byte_tokenizer import ESCAPE, ByteTokenizer
from nextchar.text.jamo import JamoTokenizer
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary, code_points
from nextchar.text.word_tokenizer import WordTokenizer
from tests.small_networks import random_parameters

KINDS: tuple[TokenKind, ...] = ("characters", "bytes", "jamo", "words")
TEXT = (
    "the fox is king of the woods, and the kings are kind: they don't fight.\n"
    "옛날에 한 사람이 살았다. 그는 값을 알았다 ㅋㅋ\n"
    "café naïve 😀 don’t 2026_x   end\n한글 漢字 ᄒ e\u0301\n"
) * 12
PROMPTS = ("", "the ki", "한 사", "the kings", "don'", "값 ", "  ", "the fox\n", "☃ 뷁", "an 한글e")
_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")


def tokens_of(kind: TokenKind, text: str = TEXT) -> Tokenizer:
    """Return the tokens of ``text``."""
    if kind == "bytes":
        return ByteTokenizer()
    if kind == "jamo":
        return JamoTokenizer.from_counts(np.bincount(code_points(text), minlength=0x110000))
    characters = Vocabulary("".join(sorted(set(text))))
    return characters if kind == "characters" else WordTokenizer.of_text([text], characters, characters.size + 60)


def unescaped(kind: TokenKind, text: str) -> str:
    """Return a text that a model wrote with a character for each byte that is escaped."""
    if kind != "bytes":
        return text
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1]).decode("utf-8", ESCAPE), text)


def count_written(text: str) -> int:
    """Return how many characters of a length ``text`` takes: a byte that is escaped is one."""
    return len(_ESCAPED.sub("?", text))


@cache
def model_of_kind(kind: TokenKind, blend: bool = False, seed: int = 0) -> LanguageModel:
    """Return a model of an LSTM, or of one blended with the counts of the text and of its words."""
    tokens = tokens_of(kind)
    architecture = Architecture(vocabulary_size=tokens.size, embedding=4, hidden=(8,))
    parameters = random_parameters(architecture, seed)
    if not blend:
        return LanguageModel(ModelFile(architecture, tokens, parameters, Provenance()))
    ids = tokens.encode(TEXT)
    kinds = None if tokens.word_symbols is None else kinds_of(tokens.word_symbols)
    of_words = None if kinds is None else count_words(ids, kinds)
    counts = TextCounts(count_text(ids, tokens.size, 4), of_words)
    weights = np.random.default_rng(0).uniform(0.2, 0.8, counts.weights_shape()).astype(np.float32)
    header, arrays = blend_content(architecture, parameters, counts, weights)
    return LanguageModel(ModelFile(header, tokens, arrays, Provenance()))
