"""The page to play with a model: one HTML document with everything in it, which is served and exported.

It has no script of another host, and no build: its parts are files beside this one, put together here. The scripts are
modules: each says what it uses of which other one, and a type checker follows. A page opened from a file may not import
any, so they stand in it one after another, without the lines that import. What differs between its lives is the setup,
a JSON object, and whether a model file is inside (docs/single-file.md).
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

ENGINE_SCRIPTS = ("random.js", "network.js", "vocabulary.js", "sampling.js", "limits.js", "local_model.js")
"""A model that runs in the page."""
APP_SCRIPTS = (
    *("remote_model.js", "language.js", "characters.js", "settings.js", "sheet.js", "draft_store.js", "keeping.js"),
    *("choices.js", "writing.js", "bars.js", "surprise.js", "curve.js", "history.js", "header.js", "app.js"),
)
"""What the page does with a model, wherever it runs; `app.js` comes last and starts it."""

_IMPORT = re.compile(r"^import \{[^}]*\} from '[^']*';\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
STYLES = ("page.css", "curve.css")
CURVE_SCRIPT, CURVE_STYLE = "curve.js", "curve.css"
"""What draws a learning curve, here and in the report of a run."""
DOCTYPE = b"<!doctype html>"
"""What every page begins with, in lower case; no model file does."""


def build_page(setup: Mapping[str, Any], model: bytes | None = None) -> str:
    """Return the page as one HTML document, which needs no other file and no network.

    Args:
        setup: what the page finds in ``#setup``: ``life``, "served" or "exported"; ``limits``, the ranges of numbers
            (`nextchar.settings.sampling_limits`); of a server ``max_length``, the characters that it writes at once,
            and ``patience``, the seconds to wait for a response; of an exported page ``name`` of the model and the
            ``history`` of its run, or None (`nextchar.runs.record.RunRecord.history`).
        model: content of the model file that the page computes with itself; None where a server does.
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
    """Return whether ``content`` of a file is that of a page, not of a model file."""
    return content[: len(DOCTYPE)].lower() == DOCTYPE


def embedded_model(page: bytes | bytearray) -> bytes:
    """Return the content of the model file in ``page``.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    try:
        return binascii.a2b_base64(_data_in(page, "model"), strict_mode=True)
    except binascii.Error as error:
        raise ValueError("the model in this page is damaged") from error


def embedded_setup(page: bytes | bytearray) -> dict[str, Any]:
    """Return the setup that ``page`` was built with.

    Raises:
        ValueError: there is none, or it is damaged.
    """
    return json.loads(bytes(_data_in(page, "setup")))


def _data_in(page: bytes | bytearray, name: str) -> memoryview:
    """Return the content of the one data element of ``page`` with that id, which is not copied."""
    found = list(re.finditer(rb'<script type="[a-z/]+" id="%s">([^<]*)</script>' % name.encode(), page))
    if len(found) != 1:
        raise ValueError(f"there is no {name} in this page")
    return memoryview(page)[slice(*found[0].span(1))]


def _title(setup: Mapping[str, Any]) -> str:
    """Return the name of the model; of a file's name that is no UTF-8, what can be written."""
    return str(setup.get("name") or "nextchar").encode("utf-8", "replace").decode()


def curve_script() -> str:
    """Return the script that draws a learning curve, to stand in a page."""
    return module_as_script(_asset(CURVE_SCRIPT))


def curve_style() -> str:
    """Return the style of the curve. The page that it stands in has the colours: --ink, --muted, --line, --accent,
    --second, --alarm, and the font --sans."""
    return _asset(CURVE_STYLE)


def module_as_script(source: str) -> str:
    """Return a module as a script of a page, which has what it imports before it, under the same names."""
    return _EXPORT.sub("", _IMPORT.sub("", source))


def inline_element(tag: str, content: str) -> str:
    """Return ``content``, a script or a style sheet of this package, in an element."""
    for sign in (f"</{tag}", f"<{tag}", "<!--"):
        assert sign not in content.lower(), f"{sign} in a <{tag}> would end it elsewhere"
    return f"<{tag}>\n{content}</{tag}>\n"


def json_element(name: str, value: Any) -> str:
    """Return an element with the id ``name`` that holds ``value`` as JSON.

    It is ASCII without the signs that could end the element. Numbers must be finite: JSON has no others.
    """
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return _data("application/json", name, text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))


def _asset(name: str) -> str:
    return (files(__name__) / name).read_text(encoding="utf-8")


def _data(kind: str, name: str, content: str) -> str:
    return f'<script type="{kind}" id="{name}">{content}</script>'
