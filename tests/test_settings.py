"""Options and their limits."""

import pytest

from nextchar.errors import UsageError
from nextchar.settings import SamplingSettings, TrainingSettings, build, describe_duration


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
