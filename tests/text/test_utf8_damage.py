"""UTF-8 with wrong bytes in it, told from legacy encodings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.errors import TextError
from nextchar.text.files import open_text
from nextchar.text.utf8_damage import find_damage, is_damaged_utf8

FRENCH = "Le café était fermé, déjà là-bas. L’été où le garçon rêvait à côté.\n"
letters = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Co"]), max_size=60)


def damage_of(data: bytes) -> tuple[str, int] | None:
    """Return the kind and place of the damage in ``data``, which is not UTF-8."""
    with pytest.raises(UnicodeDecodeError) as wrong:
        data.decode("utf-8")
    at_end = wrong.value.reason == "unexpected end of data"
    found = find_damage([data], wrong.value.start, at_end=at_end)
    return None if found is None else (found.kind, found.offset)


@given(letters, letters, st.integers(0x80, 0xFF), st.integers(3, 40))
def test_whole_utf8_with_one_byte_more_is_damaged_and_never_legacy(
    before: str, after: str, byte: int, quotes: int
) -> None:
    start, end = (before + "“quoted” " * quotes).encode(), (" " + after + " end").encode()
    assert damage_of(start + bytes([byte]) + end) == ("damaged", len(start))


@pytest.mark.parametrize(
    "data",
    [
        "“a” ‘b’ ‘c’ ’d ’e".encode() + b" \x92 and more",
        b"plain \xff " + "한국어".encode() + b" plain",
        "naïve, déjà vu".encode() + b" \xe9t",
        "£ 5 and € 6".encode() + b" \x80 and so on",
        "나".encode() * 4 + b"\xea\xb0" + "다".encode() * 3,
    ],
)
def test_a_few_sequences_are_no_accident(data: bytes) -> None:
    assert (damage_of(data) or ("",))[0] == "damaged"


@pytest.mark.parametrize("cut", [1, 2])
def test_a_file_cut_inside_its_last_character(cut: int) -> None:
    data = "plain, then é and €".encode()[:-cut]
    assert damage_of(data) == ("cut", len(data) - 3 + cut)
    assert damage_of(b"only the last byte is beyond ASCII: caf\xe9") is None


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "mac_roman"])
def test_files_in_two_encodings(encoding: str) -> None:
    modern, old = (FRENCH * 10).encode(), (FRENCH.replace("’", "'") * 10).encode(encoding)
    first_old = next(place for place, byte in enumerate(old) if byte >= 0x80)
    first_modern = next(place for place, byte in enumerate(modern) if byte >= 0x80)
    assert damage_of(modern + old) == ("legacy after UTF-8", len(modern) + first_old)
    assert damage_of(old + modern) == ("UTF-8 after legacy", len(old) + first_modern)


def test_blocks_of_any_length_make_no_difference() -> None:
    data = (FRENCH * 10).encode() + b"\xff" + (FRENCH * 10).encode()
    wrong = data.index(b"\xff")
    whole = find_damage([data], wrong)
    for length in (1, 2, 3, 7, 100):
        blocks = [data[start : start + length] for start in range(0, len(data), length)]
        assert find_damage(blocks, wrong) == whole


@pytest.mark.parametrize("piece", [200, 2000])
@pytest.mark.parametrize(
    ("file", "encodings"),
    [
        ("korean_stories.txt", ("cp949", "johab")),
        ("japanese_neko.txt", ("cp932", "euc_jp")),
        ("chinese_hongloumeng.txt", ("gb18030",)),
        ("nietzsche.txt", ("cp1252",)),
    ],
)
def test_legacy_texts_are_not_damaged_utf8(corpora: Path, file: str, encodings: tuple[str, ...], piece: int) -> None:
    text = (corpora / file).read_text("utf-8")
    for encoding in encodings:
        for start in range(1000, 100_000, 5000):
            data = text[start : start + piece].encode(encoding, "ignore")
            if not data.isascii():
                assert damage_of(data) is None


def test_french_quotes_with_their_spaces_are_not_utf8() -> None:
    data = "Il a dit : «\u00a0l’été\u00a0», «\u00a0la cité\u00a0» et «\u00a0la beauté\u00a0».\n".encode("cp1252")
    assert b"\xe9\xa0\xbb".decode("utf-8"), "the test would not show the difference"
    assert damage_of(data) is None


def test_every_kind_is_told_with_its_place_and_the_way_out(tmp_path: Path) -> None:
    for data, message in (
        ("“one” ‘two’ ".encode() + b"don\x92t " + b"stop", r"offset 23 .*: 92\. .*two’ don' and 't stop'.*good UTF-8"),
        ("déjà vu là".encode()[:-1], r"offset 11 .*: c3\. .*cut off there"),
        (FRENCH.encode() * 9 + FRENCH.encode("cp1252") * 9, r"UTF-8 up to offset 7\d\d and cp1252 from there.*latin"),
        (FRENCH.encode("cp1252") * 9 + FRENCH.encode() * 9, r"cp1252 up to offset \d+ and UTF-8 from there.*latin"),
    ):
        (tmp_path / "text").write_bytes(data)
        with pytest.raises(TextError, match=message):
            open_text(tmp_path / "text")


def test_damaged_utf8_behind_much_of_it(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes((FRENCH * 30_000).encode() + b"\x92" + (FRENCH * 100).encode())
    with pytest.raises(TextError, match="good UTF-8"):
        open_text(path)


def test_damaged_utf8() -> None:
    good = "Élève, naïveté, cœur".encode() * 20
    assert is_damaged_utf8(good + b"\xff" + good)
    assert not is_damaged_utf8("Élève, naïveté".encode("cp1252") * 20)
    assert not is_damaged_utf8("동해물과 백두산이 마르고 닳도록 하느님이 보우하사".encode("cp949") * 20)
    assert not is_damaged_utf8(b"plain")
