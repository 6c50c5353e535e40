from __future__ import annotations

import bz2
import gzip
import json
import lzma
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nextchar.settings import TextSettings
from nextchar.text import inspection as inspection_module
from nextchar.text.files import open_text
from nextchar.text.inspection import WINDOW, Inspection, inspect_texts, repeated_share
from nextchar.text.text_file import BLOCK
from nextchar.text.vocabulary import code_points


def inspect(folder: Path, *texts: str | bytes, **options: object) -> Inspection:
    files = []
    for number, text in enumerate(texts):
        path = folder / f"{number}.txt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        files.append(open_text(path))
    return inspect_texts(files, TextSettings.model_validate(options))


def oddities(inspection: Inspection) -> dict[str, int]:
    return {oddity.kind.split(":")[0].split(" (")[0]: oddity.count for oddity in inspection.oddities}


def test_a_text_worked_by_hand(tmp_path: Path) -> None:
    found = inspect(tmp_path, "abba\r\n\r\nAb\n", "longest line", min_count=2)
    assert [(f.name, f.encoding, f.determined, f.bytes) for f in found.files] == [
        (str(tmp_path / "0.txt"), "utf-8", "UTF-8", 11),
        (str(tmp_path / "1.txt"), "utf-8", "UTF-8", 12),
    ]
    assert (found.files[0].lf, found.files[0].crlf, found.files[0].cr) == (1, 2, 0)
    assert (found.bytes, found.characters, found.distinct) == (23, 21, 13)
    assert (found.lines, found.longest_line) == (4, 12)
    assert [(c.character, c.count) for c in found.frequent[:4]] == [("\n", 3), ("b", 3), ("a", 2), ("e", 2)]
    assert found.frequent[1].description == "'b' (U+0062 LATIN SMALL LETTER B)"
    assert (found.least_count, found.rare, found.rare_occurrences) == (2, 7, 7)
    assert [c.character for c in found.rare_examples] == [" ", "A", "g", "i", "o", "s", "t"]
    assert found.oddities == ()


def test_lowercase_is_inspected_as_it_would_be_learned(tmp_path: Path) -> None:
    assert inspect(tmp_path, "ABba", lowercase=True).distinct == 2


def test_encodings_and_compression_of_files(tmp_path: Path) -> None:
    text = "Все счастливые семьи похожи друг на друга.\n" * 9
    found = inspect(tmp_path, gzip.compress(text.encode("cp1251")))
    (file,) = found.files
    assert (file.encoding, file.determined, file.compressed, file.bytes) == ("cp1251", "detected", True, len(text))


@pytest.mark.parametrize(
    ("text", "kind", "count"),
    [
        ("a\x00b\x1b\x7f\x0c" + "c" * 99, "control characters", 4),
        ("a\ue000", "private-use characters", 1),
        ("a\u0378\ufdd0", "unassigned code points", 2),
        ("a\ufffd\ufffd", "replacement characters", 2),
        ("a\u200b\u200c\u200d\u2060", "zero-width characters", 4),
        ("a\ufeffb", "byte order marks inside the text", 1),
        ("\uf90a\U0002f800", "compatibility ideographs", 2),
        ("Ａ1Aａ１", "full-width letters and digits that also occur in plain width", 2),
        ("a\u00a0b\u2009", "spaces other than the usual ones", 2),
        ("a\u00ad", "soft hyphens", 1),
        ("a\u202e", "other invisible format characters", 1),
        ("a\u2028", "line and paragraph separators", 1),
        (unicodedata.normalize("NFD", "café 각 a"), "decomposed sequences", 2),
    ],
)
def test_odd_characters_are_named(tmp_path: Path, text: str, kind: str, count: int) -> None:
    found = inspect(tmp_path, text)
    assert oddities(found) == {kind: count}
    assert all("U+" in example for example in found.oddities[0].examples)


@pytest.mark.parametrize(
    "text",
    ["plain\ttext\n", "，全角　句読点，ok, fine.", "தமிழ் நாடு", "किताब", "שָׁלוֹם", "नमस्ते", "가나다 \u4e00", "Ａlpha"],
)
def test_ordinary_text_has_nothing_odd(tmp_path: Path, text: str) -> None:
    assert oddities(inspect(tmp_path, text)) == {}


@pytest.mark.parametrize("end", ["", "\n"])
def test_lines_across_blocks(tmp_path: Path, end: str) -> None:
    lines = ["a" * (BLOCK - 10), "b" * 30, "c" * (BLOCK * 2), "", "d"]
    found = inspect(tmp_path, "\n".join(lines) + end)
    assert (found.lines, found.longest_line) == (5, BLOCK * 2)


def test_the_longest_line_may_be_the_last_or_the_first(tmp_path: Path) -> None:
    assert inspect(tmp_path, "a\nb\nlast one").longest_line == 8
    assert inspect(tmp_path, "first\nb\n").longest_line == 5
    assert inspect(tmp_path, "a\nmiddle\nb").longest_line == 6
    assert inspect(tmp_path, "\n").lines == 1


def test_repeated_passages(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    fresh = "".join(map(chr, random.integers(97, 123, 3000)))
    text = fresh[:2000] + fresh[500:1500] + fresh[2000:]
    found = inspect(tmp_path, text).repetition
    assert found.examined == 4000
    assert found.share == pytest.approx(1000 / 4000, abs=0.001)
    assert (found.line, found.line_count) == (None, 0)


@given(st.text("ab", min_size=0, max_size=400))
def test_the_share_is_that_of_a_plain_search(text: str) -> None:
    covered, seen = set[int](), set[str]()
    for start in range(len(text) - WINDOW + 1):
        passage = text[start : start + WINDOW]
        if passage in seen:
            covered.update(range(start, start + WINDOW))
        seen.add(passage)
    expected = len(covered) / max(1, len(text))
    assert repeated_share(code_points(text)) == pytest.approx(expected)


def test_the_line_whose_repetition_fills_most(tmp_path: Path) -> None:
    footer = "Copyright 1999, all rights reserved."
    found = inspect(tmp_path, f"Chapter\n{footer}\nyes\n" + "".join(f"{n}\nyes\n{footer}\n----\n" for n in range(9)))
    assert (found.repetition.line, found.repetition.line_count) == (footer, 10)
    long = inspect(tmp_path, ("x" * 999 + "\n") * 3).repetition
    assert (long.line, long.line_count) == ("x" * 200, 3)


def test_what_is_beyond_the_bounds_is_not_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspection_module, "EXAMINED", 1000)
    monkeypatch.setattr(inspection_module, "COMPRESSED", 1000)
    found = inspect(tmp_path, "가나" * 1000, "다라" * 1000)
    assert found.repetition.examined == 1000
    assert found.compressed_characters == 333
    assert found.characters == 4001


def test_bits_per_character_of_compressors(tmp_path: Path) -> None:
    text = "The quick brown fox jumps over the lazy dog.\n" * 40
    found = inspect(tmp_path, text)
    assert found.compressed_characters == len(text)
    assert found.bz2_bits_per_character == 8 * len(bz2.compress(text.encode())) / len(text)
    assert found.lzma_bits_per_character == 8 * len(lzma.compress(text.encode())) / len(text)


@pytest.mark.parametrize(
    ("characters", "size", "least"),
    [(999, "too small", 1), (1_000, "small", 1), (50_000, "modest", 2), (300_000, "enough", 2)],
)
def test_the_size_is_judged(tmp_path: Path, characters: int, size: str, least: int) -> None:
    found = inspect(tmp_path, "ab" * (characters // 2) + "a" * (characters % 2))
    assert (found.size, found.least_count) == (size, least)
    assert (found.advice is None) == (size == "enough")


def test_everything_goes_into_json(tmp_path: Path) -> None:
    found = inspect(tmp_path, "하나\n\ue000둘\n")
    again = json.loads(json.dumps(found.as_dict()))
    assert again["distinct"] == 6 - 1
    assert again["files"][0]["lf"] == 2
    assert again["oddities"][0]["kind"].startswith("private-use")


def test_real_texts(corpora: Path) -> None:
    def of(name: str) -> Inspection:
        return inspect_texts([open_text(corpora / name)], TextSettings())

    stories = of("korean_stories.txt")
    assert (stories.characters, stories.distinct) == (166_935, 1_647)
    assert oddities(stories)["compatibility ideographs"] > 0
    chinese = of("chinese_hongloumeng.txt")
    assert (chinese.files[0].crlf, chinese.files[0].lf) == (chinese.lines, 0)
    assert oddities(of("tamil_thirukkural.txt")) == {"unassigned code points": 8}
    assert oddities(of("emoji_test.txt"))["zero-width characters"] > 2000
    nietzsche = of("nietzsche.txt")
    assert nietzsche.bz2_bits_per_character == pytest.approx(2.3545, abs=0.001)
    assert nietzsche.repetition.share < 0.01
