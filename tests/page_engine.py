"""Small trained models, each as the file that it is and in a page that a real browser has opened from that file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import nextchar
from nextchar.convert.conversion import convert
from nextchar.model.language_model import LanguageModel
from tests.command import made_up_text

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

STRANGE = "가나다 라마, 😀 and 𝔘 — e\u0301te\u0301; “naïve”\n"
"""A line with Hangul, characters that JavaScript has in two halves, and a combining mark."""
TEXT = "".join(
    line + (STRANGE if number % 3 == 0 else "") for number, line in enumerate(made_up_text().splitlines(True))
)
KINDS: dict[str, dict[str, Any]] = {
    "one layer": {"hidden": 48, "layers": 1, "steps": 150, "min_count": 1, "memory": False},
    "two layers": {
        "hidden": 32, "layers": 2, "embedding": 0, "steps": 150, "min_count": 1, "lowercase": True, "memory": False,
    },
    "windowed": {"recipe": "classic", "hidden": 24, "steps": 60},
    "blend": {"hidden": 32, "layers": 1, "steps": 60, "min_count": 1, "memory": True},
    "words": {"tokens": "words", "hidden": 32, "layers": 1, "steps": 60, "min_count": 1, "memory": True},
    "jamo": {"tokens": "jamo", "hidden": 32, "layers": 1, "steps": 150, "min_count": 1, "memory": True},
    "bytes": {"tokens": "bytes", "hidden": 32, "layers": 1, "steps": 100, "memory": False},
}  # fmt: skip

_GENERATE = """async ([prompt, settings]) => {
  const pieces = app.model.generate(prompt, settings);
  for (let text = ''; ;) {
    const { done, value } = await pieces.next();
    if (done) return { text, ...value };
    text += value;
  }
}"""


@dataclass(frozen=True)
class Engine:
    """A model in a page, and the same model in Python, read from the page."""

    path: Path
    page: Page
    model: LanguageModel

    def generate(self, prompt: str, **settings: Any) -> dict[str, Any]:
        """Return the text that the page writes, and what it tells at its end."""
        return self.page.evaluate(_GENERATE, [prompt, settings])

    def ask(self, question: str, *arguments: Any) -> Any:
        """Return what a method of the page's model answers."""
        return self.page.evaluate("([question, given]) => app.model[question](...given)", [question, [*arguments]])


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a model of each of `KINDS`, trained for a moment."""
    folder = tmp_path_factory.mktemp("engines")
    corpus = folder / "corpus.txt"
    corpus.write_text(TEXT, encoding="utf-8")
    paths: dict[str, Path] = {}
    for kind, options in KINDS.items():
        run, paths[kind] = folder / kind.replace(" ", "-"), folder / f"{kind}.html"
        nextchar.train(corpus, out=run, quiet=True, seed=1, threads=1, sample_length=20, **options)
        convert(run, paths[kind])
    return paths


@pytest.fixture(scope="module")
def engines(chromium: Browser, exported: dict[str, Path]) -> Iterator[dict[str, Engine]]:
    """Each of them, opened from its file."""
    engines: dict[str, Engine] = {}
    for kind, path in exported.items():
        page = chromium.new_page()
        page.goto(path.as_uri())
        page.wait_for_function("app.model !== null")
        engines[kind] = Engine(path, page, LanguageModel.load(path))
    yield engines
    for engine in engines.values():
        engine.page.close()


@pytest.fixture(params=list(KINDS))
def engine(request: pytest.FixtureRequest, engines: dict[str, Engine]) -> Engine:
    """Each of them in turn."""
    return engines[request.param]
