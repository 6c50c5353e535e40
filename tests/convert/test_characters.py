"""Which character each index of an imported model stands for."""

import json
from pathlib import Path

import pytest

from nextchar.convert.characters import TextCharacters, read_list, write_list
from nextchar.errors import TextError, UsageError
from nextchar.text.files import open_text
from tests.keras_models import characters_of


def test_a_text_gives_its_characters_in_code_point_order(tmp_path: Path) -> None:
    characters = characters_of(tmp_path / "a.txt", "banana Éa\r\n가")
    assert characters.of(7, embedding=False).symbols == tuple("\n abnÉ가")
    assert characters.of(7, embedding=True).note is None
    lowered = characters_of(tmp_path / "a.txt", "banana Éa\r\n가", lowercase=True)
    assert lowered.of(7, embedding=False).symbols == tuple("\n abné가")
    assert lowered.texts == (str(tmp_path / "a.txt"),)


def test_one_index_more_is_padding_where_there_is_an_embedding(tmp_path: Path) -> None:
    characters = characters_of(tmp_path / "a.txt", "abc")
    found = characters.of(4, embedding=True)
    assert found.symbols == (None, "a", "b", "c")
    assert "padding" in str(found.note)
    with pytest.raises(UsageError, match=r"has 4 characters.* 3 as it is"):
        characters.of(4, embedding=False)


def test_one_index_less_is_the_line_end(tmp_path: Path) -> None:
    found = characters_of(tmp_path / "a.txt", "a b\n").of(3, embedding=True)
    assert found.symbols == (" ", "a", "b")
    assert "line ends" in str(found.note)
    with pytest.raises(UsageError, match="2 characters"):
        characters_of(tmp_path / "a.txt", "abc").of(2, embedding=False)


def test_a_byte_order_mark_may_have_been_a_character(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffabc".encode())
    characters = TextCharacters((open_text(tmp_path / "a.txt"),))
    assert characters.of(3, embedding=False).symbols == ("a", "b", "c")
    found = characters.of(4, embedding=False)
    assert found.symbols == ("a", "b", "c", "\ufeff")
    assert "byte order mark" in str(found.note)
    with pytest.raises(UsageError, match=r"padding.*byte order mark.*\.json"):
        characters.of(4, embedding=True)


@pytest.mark.parametrize(
    ("lowercase", "size", "advice"),
    [(False, 2, "Add --lowercase"), (True, 4, "Leave out --lowercase"), (False, 9, "Give the text")],
)
def test_what_does_not_fit_is_counted(lowercase: bool, size: int, advice: str, tmp_path: Path) -> None:
    characters = characters_of(tmp_path / "a.txt", "aAbB", lowercase)
    with pytest.raises(UsageError) as refused:
        characters.of(size, embedding=False)
    message = str(refused.value)
    assert f"The model has {size} characters" in message
    assert "a.txt has 4 as it is and 2 lower-cased" in message
    assert advice in message


@pytest.mark.parametrize(
    ("content", "symbols"),
    [
        (["b", "a"], ("b", "a")),
        ({"b": 0, "a": 1}, ("b", "a")),
        ({"0": "b", "1": "a"}, ("b", "a")),
        ({"1": 0, "0": 1}, ("1", "0")),
        ({"1": "0", "0": "1"}, ("1", "0")),
        ({"e": 1, "a": 2}, (None, "e", "a")),
        ({"1": "e", "2": "a"}, (None, "e", "a")),
        ([None, "a"], (None, "a")),
        (["[UNK]", "a"], (None, "a")),
        (["a", ""], ("a", None)),
        (["\ufffd", "😀"], ("\ufffd", "😀")),
    ],
)
def test_lists_are_read(content: object, symbols: tuple[str | None, ...], tmp_path: Path) -> None:
    path = tmp_path / "characters.json"
    path.write_text(json.dumps(content))
    listed = read_list(path)
    assert listed.of(len(symbols), embedding=False).symbols == symbols
    with pytest.raises(UsageError, match=f"lists {len(symbols)}"):
        listed.of(len(symbols) + 1, embedding=True)
    path.write_bytes(write_list(symbols))
    assert read_list(path).symbols == symbols


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('["a", "a"]', "'a' occurs more than once"),
        ('["a", "bc"]', "'bc' is not one character"),
        ('["a", 1]', "1 is not one character"),
        ("[null, null]", "more than once"),
        ("[null]", "no character"),
        ("[]", "no character"),
        ("{}", "no character"),
        ('["\\ud800"]', "surrogate"),
        ('{"a": 0, "b": 2}', "0, 1, 2"),
        ('{"a": 0, "b": 0}', "0, 1, 2"),
        ('{"a": -1, "b": 0}', "0, 1, 2"),
        ('{"a": 0, "b": "1"}', "indices"),
        ('{"a": true}', "indices"),
        ('{"0": "a", "00": "b"}', "0, 1, 2"),
        ("7", "neither a list nor an object"),
        ("the text itself", "not JSON"),
    ],
)
def test_what_is_no_list_of_characters_is_refused(content: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "characters.json"
    path.write_text(content)
    with pytest.raises(TextError, match=reason):
        read_list(path)


def test_no_list_at_all(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="No such file"):
        read_list(tmp_path / "characters.json")


def test_a_lower_cased_list_has_no_upper_case(tmp_path: Path) -> None:
    path = tmp_path / "characters.json"
    path.write_text('["a", "B"]')
    with pytest.raises(UsageError, match="'B'"):
        read_list(path, lowercase=True)
    path.write_text('["a", "b"]')
    assert read_list(path, lowercase=True).lowercase
