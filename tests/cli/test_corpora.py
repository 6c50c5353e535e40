"""`nextchar corpora`."""

import json

from tests.command import nextchar


def test_corpora_are_listed() -> None:
    listed = json.loads(nextchar("corpora", "--json").stdout)["corpora"]
    names = [entry["name"] for entry in listed]
    assert {"python-docs", "nietzsche", "tinyshakespeare"} <= set(names)
    words = nextchar("corpora").stdout
    assert all(name in words for name in names)
