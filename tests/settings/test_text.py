"""Options of a text."""

import pytest

from nextchar.errors import UsageError
from nextchar.settings import TextSettings, build


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tokens": "bytes", "encoding": "cp949"}, "leave --encoding out"),
        ({"tokens": "bytes", "lowercase": True}, "leave --lowercase out"),
        ({"tokens": "bytes", "normalize": "nfc"}, "leave --normalize out"),
        ({"tokens": "bytes", "min_count": 2}, "leave --min-count out"),
        ({"tokens": "bytes", "min_count": 2, "column": "text", "encoding": "cp949"}, "leave --min-count out"),
        ({"vocabulary_size": 1000}, "--vocabulary-size is for words: add --tokens words"),
        ({"vocabulary_size": 1000, "tokens": "jamo"}, "--vocabulary-size is for words"),
        ({"vocabulary_size": 10, "tokens": "words"}, "vocabulary_size = 10"),
        ({"vocabulary_size": 100_000, "tokens": "words"}, "vocabulary_size = 100000"),
        ({"tokens": "syllables"}, "tokens = 'syllables' is not allowed: input should be 'auto', 'characters', 'bytes'"),
        ({"normalize": "nfd"}, "normalize = 'nfd'"),
    ],
    ids=str,
)
def test_tokens_that_do_not_fit_a_text_are_refused(given: dict[str, object], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        build(TextSettings, given)


@pytest.mark.parametrize("tokens", ["auto", "characters", "bytes", "jamo", "words"])
def test_each_kind_of_tokens_may_be_asked_for(tokens: str) -> None:
    settings = build(TextSettings, {"tokens": tokens})
    assert settings.token_kind == ("characters" if tokens == "auto" else tokens)
    build(TextSettings, {"tokens": tokens, "column": "text", "encoding": "cp949"})
