"""The page to play with a model: one HTML document with everything in it, served or exported.

It loads nothing from another host and needs no build: its parts are files beside this one, put together here. The
scripts are modules, so that a type checker follows their imports. A page opened from a file cannot import modules: it
contains them one after another, without the import lines. A served and an exported page differ in the setup, a JSON
object, and in whether a model file is inside (docs/single-file.md).
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import string
import zlib
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

ENGINE_SCRIPTS = (
    *("random.js", "model_file.js", "network.js", "ngrams.js", "words.js", "blend.js"),
    *("vocabulary.js", "byte_tokenizer.js", "jamo.js", "word_tokenizer.js", "tokenizers.js"),
    *("sampling.js", "limits.js", "local_model.js"),
)
"""Scripts that compute a model in the page."""
APP_SCRIPTS = (
    *("remote_model.js", "language.js", "characters.js", "settings.js", "copying.js", "sheet.js"),
    *("draft_store.js", "keeping.js", "coloured_text.js"),
    *("choices.js", "writing.js", "bars.js", "surprise.js", "authorship.js", "curve.js", "history.js"),
    *("header.js", "kind.js", "listing.js", "app.js"),
)
"""The rest of the page, wherever the model runs; `app.js` comes last and starts it."""

_IMPORT = re.compile(r"^import \{[^}]*\} from '[^']*';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
STYLES = ("page.css", "curve.css")
CURVE_SCRIPT, CURVE_STYLE = "curve.js", "curve.css"
"""Script and style that draw a learning curve, here and in the report of a run."""
COLOURED_SCRIPTS = ("language.js", "characters.js", "coloured_text.js")
"""Scripts that show a text coloured by surprise, here and in a page of its own."""
DOCTYPE = b"<!doctype html>"
"""Start of every page, in lower case; no model file starts like this."""


def build_page(setup: Mapping[str, Any], model: bytes | None = None) -> str:
    """Return the page as one HTML document, which needs no other file and no network.

    Args:
        setup: what the page finds in ``#setup``: ``life``, "served" or "exported"; ``limits``, the ranges of numbers
            (`nextchar.settings.sampling_limits`); of a server ``max_length``, the characters that it writes at once,
            and ``patience``, the seconds to wait for a response; of an exported page ``name`` of the model and the
            ``history`` of its run, or None (`nextchar.runs.record.RunRecord.history`).
        model: content of the model file for a page that computes by itself; None if a server computes.
    """
    scripts = "".join(
        inline_element("script", module_as_script(_asset(name))) for name in (*ENGINE_SCRIPTS, *APP_SCRIPTS)
    )
    embedded = ""
    if model is not None:
        setup = {**setup, "crc32": zlib.crc32(model)}
        embedded = _data("text/plain", "model", base64.b64encode(model).decode())
    return string.Template(_asset("page.html")).substitute(
        title=escape(_title(setup)),
        style="".join(inline_element("style", _asset(name)) for name in STYLES),
        scripts=scripts,
        setup=json_element("setup", setup),
        model=embedded,
    )


def is_page(content: bytes | bytearray) -> bool:
    """Return whether a file with ``content`` is a page, not a model file."""
    return content[: len(DOCTYPE)].lower() == DOCTYPE


def embedded_model(page: bytes | bytearray) -> bytes:
    """Return the content of the model file in ``page``.

    Raises:
        ValueError: there is no model, or it is damaged.
    """
    try:
        return binascii.a2b_base64(_data_in(page, "model"), strict_mode=True)
    except binascii.Error as error:
        raise ValueError("the model in this page is damaged") from error


def embedded_setup(page: bytes | bytearray) -> dict[str, Any]:
    """Return the setup that ``page`` was built with.

    Raises:
        ValueError: there is no setup, or it is damaged.
    """
    return json.loads(bytes(_data_in(page, "setup")))


def _data_in(page: bytes | bytearray, name: str) -> memoryview:
    """Return the content of the data element of ``page`` with the id ``name``, without copying it."""
    found = list(re.finditer(rb'<script type="[a-z/]+" id="%s">([^<]*)</script>' % name.encode(), page))
    if len(found) != 1:
        raise ValueError(f"there is no {name} in this page")
    return memoryview(page)[slice(*found[0].span(1))]


def _title(setup: Mapping[str, Any]) -> str:
    """Return the name of the model, with ? for what UTF-8 cannot encode."""
    return str(setup.get("name") or "nextchar").encode("utf-8", "replace").decode()


def curve_script() -> str:
    """Return the script that draws a learning curve, for a page to contain."""
    return module_as_script(_asset(CURVE_SCRIPT))


def curve_style() -> str:
    """Return the style of the curve. The page must define the colours --ink, --muted, --line, --accent, --second and
    --alarm, and the font --sans."""
    return _asset(CURVE_STYLE)


def coloured_scripts() -> str:
    """Return the scripts that show a text coloured by surprise, for a page to contain."""
    return "".join(module_as_script(_asset(name)) for name in COLOURED_SCRIPTS)


def page_style() -> str:
    """Return the style of the page."""
    return _asset("page.css")


def module_as_script(source: str) -> str:
    """Return a module as a plain script, which must come after the scripts that it imports from."""
    return _EXPORT.sub("", _IMPORT.sub("", source))


def inline_element(tag: str, content: str) -> str:
    """Return ``content``, a script or a style sheet of this package, in an element."""
    for sign in (f"</{tag}", f"<{tag}", "<!--"):
        assert sign not in content.lower(), f"{sign} in a <{tag}> would end it early"
    return f"<{tag}>\n{content}</{tag}>\n"


def json_element(name: str, value: Any) -> str:
    """Return an element with the id ``name`` that holds ``value`` as JSON.

    It is ASCII without the characters that could end the element. Numbers must be finite, as JSON requires.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return _data("application/json", name, text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _asset(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")


def _data(kind: str, name: str, content: str) -> str:
    return f'<script type="{kind}" id="{name}">{content}</script>'
