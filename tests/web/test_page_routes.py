"""The page and the documentation of the API load only their own scripts."""

from __future__ import annotations

import re
from pathlib import Path

from nextchar.page import embedded_setup
from nextchar.settings import sampling_limits
from tests.served import client_of, serving


def test_the_page_runs_its_own_scripts_and_asks_no_other_host(fox: Path) -> None:
    with serving(fox) as server, client_of(server) as client:
        for path in ("", "docs"):
            page = client.get(path)
            assert page.headers["content-type"] == "text/html; charset=utf-8"
            rules = page.headers["content-security-policy"].split(";")
            policy = {name: value for name, _, value in (rule.strip().partition(" ") for rule in rules)}
            assert policy["default-src"] == "'none'"
            assert "unsafe" not in policy["script-src"]
            assert policy["script-src"].count("'sha256-") == page.text.count("<script>")
            assert policy["connect-src"] == "'self'"
            assert not re.search(r"(src|href)=[\"'](https?:)?//", page.text)
        for name, kind in (("swagger-ui-bundle.js", "text/javascript"), ("swagger-ui.css", "text/css")):
            asset = client.get(f"docs/{name}")
            assert asset.headers["content-type"].startswith(kind)
            assert len(asset.content) > 50_000
        assert client.get("docs/core.py").status_code == 404


def test_the_page_is_told_the_limits(fox: Path) -> None:
    with serving(fox, max_characters=123, max_time=7) as server, client_of(server) as client:
        setup = embedded_setup(client.get("").content)
    assert setup == {"life": "served", "limits": sampling_limits(), "max_length": 123, "patience": 12.0}
