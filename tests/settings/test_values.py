"""Values of options as people write them."""

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


@pytest.mark.parametrize(
    ("given", "size"), [("250000", 250_000), ("500kB", 500_000), (" 1.5 mb", 1_500_000), ("0.01GB", 1e7), (5000, 5000)]
)
def test_sizes_are_read_as_people_write_them(given: object, size: float) -> None:
    assert build(TrainingSettings, {"memory_size": given}).memory_size == size


@pytest.mark.parametrize("given", ["big", "1MiB", "-1MB", "10", "1GB", ""])
def test_sizes_that_make_no_sense_are_refused(given: str) -> None:
    with pytest.raises(UsageError, match=r"is not a size: write bytes|memory_size = .* is not allowed"):
        build(TrainingSettings, {"memory_size": given})
