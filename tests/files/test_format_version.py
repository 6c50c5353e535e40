"""The format of a file, and the version that wrote it."""

import pytest

from nextchar.files.format_version import NewerFormatError, check_format, format_stamp


def test_a_file_says_its_format_and_who_wrote_it() -> None:
    stamp = format_stamp(2)
    assert stamp["format"] == 2
    assert stamp["written_by"].startswith("nextchar ")
    assert check_format(stamp, 2) == 2
    assert check_format(stamp, 3) == 2
    assert check_format({}, 3) == 1


def test_a_newer_format_is_refused_with_the_version_that_wrote_it() -> None:
    header = {"format": 3, "written_by": "nextchar 0.9.0"}
    message = r"^written by nextchar 0\.9\.0, format 3; this is nextchar [0-9.]+, which reads up to 2: update nextchar$"
    with pytest.raises(NewerFormatError, match=message):
        check_format(header, 2)
    with pytest.raises(NewerFormatError, match="by a newer nextchar, format 3"):
        check_format({"format": 3}, 2)


@pytest.mark.parametrize("number", [0, -1, 2.0, "2", None, True])
def test_what_is_no_format_is_refused(number: object) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        check_format({"format": number}, 2)
