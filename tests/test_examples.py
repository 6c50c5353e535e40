"""The examples in the docstrings of the public names do what they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

import nextchar

NAMES = [name for name in nextchar.__all__ if name != "__version__"]  # a string has no docstring of its own
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.parametrize("name", NAMES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    value = getattr(nextchar, name)
    example = doctest.DocTestParser().get_doctest(value.__doc__ or "", {}, name, None, None)
    assert example.examples, f"{name} has no example"
    shown: list[str] = []
    result = doctest.DocTestRunner(optionflags=OPTIONS).run(example, out=shown.append)
    assert result.failed == 0, "".join(shown)
