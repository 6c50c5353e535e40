"""The HTML file that a command writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from nextchar.cli.html_file import check_html_name, write_html
from nextchar.errors import UsageError


@pytest.mark.parametrize("name", ["a.html", "b.HTM"])
def test_pages_have_names_of_pages(tmp_path: Path, name: str) -> None:
    check_html_name(tmp_path / name)
    check_html_name(None)


@pytest.mark.parametrize(
    ("name", "words"), [("model.safetensors", "should end in .html"), ("nowhere/a.html", "there is no folder")]
)
def test_other_names_are_refused(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        check_html_name(tmp_path / name)


def test_a_page_is_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.html"
    write_html(path, "<p>é\ud800")
    assert path.read_bytes() == "<p>é?".encode()
    assert str(path) in capsys.readouterr().err.replace("\n", "")
