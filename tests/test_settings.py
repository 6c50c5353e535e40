"""Options and their limits."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import pytest

from nextchar.api import TextOptions, TrainingOptions
from nextchar.errors import UsageError
from nextchar.model.sampling import SamplingOptions
from nextchar.settings import (
    SamplingSettings,
    Settings,
    TextSettings,
    TrainingSettings,
    build,
    describe_duration,
    sampling_limits,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("90", 90), ("60s", 60), ("5m", 300), ("1.5h", 5400), (" 2 min ", 120), (7, 7), (".5s", 0.5)],
)
def test_durations(written: object, seconds: float) -> None:
    assert build(TrainingSettings, {"time": written}).time == seconds


@pytest.mark.parametrize("written", ["soon", "5 days", "", "-3s", "1e3", "0", "nan", "inf"])
def test_what_is_no_duration_is_refused(written: str) -> None:
    with pytest.raises(UsageError):
        build(TrainingSettings, {"time": written})


def test_lengths_of_training_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="--time and --steps exclude each other"):
        build(TrainingSettings, {"time": 60, "steps": 100})


def test_an_unknown_option_names_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"no option 'hiden'\. Did you mean 'hidden'"):
        build(TrainingSettings, {"hiden": 3})


def test_a_wrong_value_says_what_was_given_and_what_is_allowed() -> None:
    with pytest.raises(
        UsageError, match=r"temperature = -1 is not allowed: input should be greater than or equal to 0"
    ):
        build(SamplingSettings, {"temperature": -1})
    with pytest.raises(UsageError, match="temperature = nan"):
        build(SamplingSettings, {"temperature": float("nan")})


def test_settings_never_change() -> None:
    settings = SamplingSettings()
    with pytest.raises(Exception, match="frozen"):
        settings.temperature = 2.0


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0.0 s"),
        (4.21, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (7800, "2 h 10 min"),
    ],
)
def test_durations_in_words(seconds: float, said: str) -> None:
    assert describe_duration(seconds) == said


@pytest.mark.parametrize("given", ["\n", "ab", ("ab", "c"), ["ab"], ""])
def test_a_plain_string_is_one_text(given: object) -> None:
    meant = (given,) if isinstance(given, str) else tuple(given)  # type: ignore[arg-type]
    assert build(SamplingSettings, {"stop": given}).stop == meant
    with pytest.raises(UsageError, match="stop"):
        build(SamplingSettings, {"stop": 3})


def members(hint: object) -> set[object]:
    """Return the types that a hint allows, without what validates them."""
    if get_origin(hint) is Annotated:
        return members(get_args(hint)[0])
    if get_origin(hint) in {Union, UnionType}:
        return {member for one in get_args(hint) for member in members(one)}
    return {hint}


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (SamplingOptions, (SamplingSettings,)),
        (TextOptions, (TextSettings,)),
        (TrainingOptions, (TextSettings, TrainingSettings)),
    ],
)
def test_the_typed_options_are_those_of_the_settings(options: type, kinds: tuple[type[Settings], ...]) -> None:
    typed = get_type_hints(options)
    fields = {name: field for kind in kinds for name, field in kind.model_fields.items()}
    assert list(typed) == list(fields)
    also: dict[str, set[object]] = {
        "time": {str},
        "save_every": {str},
        "memory_size": {str},
        "stop": {str, Sequence[str]},
    }
    for name, field in fields.items():
        kept = members(field.annotation) - {tuple[str, ...]}
        assert members(typed[name]) == kept | also.get(name, set()), name


def test_the_limits_of_numbers_are_those_that_are_checked() -> None:
    limits = sampling_limits()
    assert list(limits) == ["length", "temperature", "top_k", "top_p", "min_p", "max_copy", "seed"]
    assert limits["temperature"] == {"type": "number", "minimum": 0, "maximum": 100, "default": 0.5}
    assert limits["top_k"] == {"type": "integer", "minimum": 1, "default": None}
    for name, limit in limits.items():
        for bound, beyond in (("minimum", -1), ("exclusiveMinimum", 0), ("maximum", 1), ("exclusiveMaximum", 0)):
            if bound in limit:
                with pytest.raises(UsageError, match=name):
                    build(SamplingSettings, {name: limit[bound] + beyond})
                if not bound.startswith("exclusive"):
                    assert getattr(build(SamplingSettings, {name: limit[bound]}), name) == limit[bound]
        assert getattr(SamplingSettings(), name) == limit["default"]


@pytest.mark.parametrize(
    ("given", "size"), [("250000", 250_000), ("500kB", 500_000), (" 1.5 mb", 1_500_000), ("0.01GB", 1e7), (5000, 5000)]
)
def test_sizes_are_read_as_people_write_them(given: object, size: float) -> None:
    assert build(TrainingSettings, {"memory_size": given}).memory_size == size


@pytest.mark.parametrize("given", ["big", "1MiB", "-1MB", "10", "1GB", ""])
def test_sizes_that_make_no_sense_are_refused(given: str) -> None:
    with pytest.raises(UsageError, match=r"is not a size: write bytes|memory_size = .* is not allowed"):
        build(TrainingSettings, {"memory_size": given})


def test_the_size_of_no_memory_is_refused() -> None:
    with pytest.raises(UsageError, match="--memory-size is for a model with a memory"):
        build(TrainingSettings, {"memory": False, "memory_size": "1MB"})


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
