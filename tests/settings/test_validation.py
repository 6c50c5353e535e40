"""Options and their limits."""

from collections.abc import Sequence
from types import UnionType
from typing import Annotated, Union, get_args, get_origin, get_type_hints

import pytest

from nextchar.api import TextOptions, TrainingOptions
from nextchar.errors import UsageError
from nextchar.model.sampling import SamplingOptions
from nextchar.settings import SamplingSettings, Settings, TextSettings, TrainingSettings, build


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
