"""Pieces of HTML."""

from __future__ import annotations

import pytest

from nextchar.report.markup import (
    element,
    language_of,
    pairs_table,
    text_element,
    visible,
    visible_lines,
)


def test_texts_and_attributes_are_escaped() -> None:
    assert text_element("p", "<b> & 'c'") == "<p>&lt;b&gt; &amp; &#x27;c&#x27;</p>"
    assert element("p", "<b>x</b>", class_='"', id=None) == '<p class="&quot;"><b>x</b></p>'
    assert "&lt;i&gt;</th>" in pairs_table("t", [("<i>", "<u>")])
    assert "&lt;u&gt;</td>" in pairs_table("t", [("<i>", "<u>")])
    assert pairs_table("t", []) == ""


@pytest.mark.parametrize(
    ("character", "seen"),
    [
        (" ", "␣"),
        ("\n", "⏎"),
        ("\t", "⇥"),
        ("a", "a"),
        ("가", "가"),
        ("\u0301", "◌\u0301"),
        ("\u200d", "U+200D"),
        ("\u00a0", "U+00A0"),
        ("\x00", "U+0000"),
    ],
)
def test_characters_are_visible(character: str, seen: str) -> None:
    assert visible(character) == seen


def test_a_text_on_one_line_keeps_its_spaces() -> None:
    assert visible_lines("a b\n\tc") == "a b⏎⇥c"


@pytest.mark.parametrize(
    ("text", "tag"), [("abc", ""), ("한자 漢", "ko"), ("猫である", "ja"), ("红楼", "zh"), ("سلام", "")]
)
def test_the_language_follows_the_script(text: str, tag: str) -> None:
    assert language_of(text) == tag
