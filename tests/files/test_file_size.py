import pytest

from nextchar.files.file_size import describe_size


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 bytes"),
        (600, "600 bytes"),
        (612_300, "612 kB"),
        (999_700, "1.0 MB"),
        (4_100_000, "4.1 MB"),
        (99_940_000, "99.9 MB"),
        (99_960_000, "100 MB"),
        (300_000_000, "300 MB"),
        (999_600_000, "1.0 GB"),
        (2**32, "4.3 GB"),
    ],
)
def test_sizes_are_decimal(size: int, words: str) -> None:
    assert describe_size(size) == words
