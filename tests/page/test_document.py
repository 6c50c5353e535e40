"""The page as one document: everything in it, nothing that breaks out of its place."""

import json
import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from nextchar.page import APP_SCRIPTS, ENGINE_SCRIPTS, STYLES, build_page, embedded_model, embedded_setup, is_page

FOLDER = Path(__file__).parents[2] / "src" / "nextchar" / "page"
HOSTILE = "</script><script>alert(1)</script><!--<script>&amp;\u2028$setup é가😀\ud800"


class Elements(HTMLParser):
    """Collects the content of scripts, by id or in order, and every attribute that could ask another host."""

    def __init__(self) -> None:
        super().__init__()
        self.data: dict[str, str] = {}
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.addresses: list[str] = []
        self._open: tuple[str, str | None] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(given[name]) for name in ("src", "href", "action", "poster", "srcset") if name in given]
        if tag in ("script", "style"):
            self._open = (tag, given.get("id"))

    def handle_data(self, data: str) -> None:
        if self._open is None:
            return
        tag, name = self._open
        if name is not None:
            self.data[name] = self.data.get(name, "") + data
        else:
            (self.scripts if tag == "script" else self.styles).append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._open = None


def elements(page: str) -> Elements:
    parser = Elements()
    parser.feed(page)
    parser.close()
    return parser


def test_everything_is_in_it_in_its_order() -> None:
    found = elements(build_page({"life": "served"}))
    names = (*ENGINE_SCRIPTS, *APP_SCRIPTS)
    for name, script in zip(names, found.scripts, strict=True):
        source = (FOLDER / name).read_text(encoding="utf-8")
        assert script.strip() == re.sub(r"^import [^;]*;\n|^export ", "", source, flags=re.M).strip()
        assert not re.search(r"^ *(import|export)\b", script, re.M)
    assert all(script.lstrip().startswith("'use strict';") for script in found.scripts)
    styles = [(FOLDER / name).read_text(encoding="utf-8").strip() for name in STYLES]
    assert [style.strip() for style in found.styles] == styles
    assert json.loads(found.data["setup"]) == {"life": "served"}
    assert "model" not in found.data
    assert {path.name for path in FOLDER.glob("*.js")} == set(names)


def test_every_import_is_of_something_exported_and_what_is_exported_is_used() -> None:
    sources = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.js")}
    exported = {
        (name, word)
        for name, source in sources.items()
        for word in re.findall(r"^export (?:async )?(?:function\*?|class|const|let) (\w+)", source, re.M)
    }
    imported = {
        (name, word)
        for source in sources.values()
        for words, name in re.findall(r"^import \{([^}]*)\} from '\./(\w+\.js)';$", source, re.M)
        for word in re.findall(r"\w+", words)
    }
    assert imported == exported
    assert len(imported) > 50


def test_it_names_no_other_host() -> None:
    page = build_page({"life": "exported", "name": "x", "history": None}, b"model")
    for address in elements(page).addresses:
        assert address.startswith(("#", "data:")), address
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    rules = {name: value for name, _, value in (rule.strip().partition(" ") for rule in policy[1].split(";"))}
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"


def test_what_is_put_in_cannot_break_out() -> None:
    plain = elements(build_page({"life": "exported", "name": "x", "history": None}, b"model"))
    page = build_page(
        {"life": "exported", "name": HOSTILE, "history": {"prompt": HOSTILE, HOSTILE: [HOSTILE]}}, b"model"
    )
    found = elements(page)
    assert found.scripts == plain.scripts
    assert json.loads(found.data["setup"])["history"] == {"prompt": HOSTILE, HOSTILE: [HOSTILE]}
    assert "<title>&lt;/script&gt;&lt;script&gt;alert(1)" in page
    page.encode()  # nothing is in it that no file can hold


def test_the_model_and_the_setup_are_found_again() -> None:
    content = bytes(range(256)) * 3
    page = build_page({"life": "exported", "name": "a", "history": None}, content).encode()
    assert is_page(page)
    assert embedded_model(page) == content
    assert embedded_setup(page)["name"] == "a"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (build_page({"life": "served"}).encode(), "no model in this page"),
        (b"<!doctype html><p>a report</p>", "no model in this page"),
        (b'<!doctype html><script type="text/plain" id="model">AAA</script>', "damaged"),
        (b'<!doctype html><script type="text/plain" id="model">A*AA</script>', "damaged"),
        (b'<!doctype html><script type="text/plain" id="model">AAAA', "no model in this page"),
    ],
)
def test_a_page_without_a_whole_model(page: bytes, words: str) -> None:
    assert is_page(page)
    with pytest.raises(ValueError, match=words):
        embedded_model(page)


def test_a_model_file_is_no_page() -> None:
    assert not is_page(
        (Path(__file__).parents[1] / "data" / "models" / "format-1" / "smallest.safetensors").read_bytes()
    )
    assert not is_page(b"")
    assert is_page(b"<!DOCTYPE html>\n<html>")


def test_the_parts_are_in_the_wheel(tmp_path: Path) -> None:
    hatchling = pytest.importorskip("hatchling", reason="wheels are built by hatchling")
    root = Path(__file__).parents[2]
    subprocess.run(
        [sys.executable, "-m", hatchling.__name__, "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    for name in (*ENGINE_SCRIPTS, *APP_SCRIPTS, *STYLES, "page.html"):
        assert f"nextchar/page/{name}" in inside
    drawn = ("draw_curves.js", "draw_surprise.js", "draw_comparison.js")
    for name in ("page.html", "surprise.html", "comparison.html", *drawn):
        assert f"nextchar/report/{name}" in inside
