"""An exported page in headless Chromium: characters per second, file size, and what a page costs in bits.

Usage: python benchmarks/browser.py [--time 20] [--hidden 128] [--rounds 7] [--output FILE]

Trains models on tinyshakespeare for some seconds each. Those of the default recipe have a memory of what they counted;
the network alone of each writes in the same rounds as the blend. One has the classic recipe, which reads 60 characters
for each one it writes. Exports each (`nextchar convert MODEL out.html`) and opens the page from its file. In every
round the page writes 20,000 characters (windows: 500) at temperature 0.5, as a reader would have it: with pauses for
the browser every 12 ms. Reports the best and the median round, because other work can only slow a round down. The bits
are those of the last 10 % of the text, held out from training, up to 100,000 characters: what they lose is what float16
costs, and the n-grams that the page leaves out.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from machine import describe_machine
from playwright.sync_api import Browser, sync_playwright

import nextchar
from nextchar.convert.conversion import convert
from nextchar.files.file_size import describe_size
from nextchar.model.description import describe
from nextchar.model.language_model import LanguageModel
from nextchar.text import catalog
from nextchar.text.corpus_cache import default_cache_folder

WRITE = """async ([length, settings]) => {
  const began = performance.now();
  let written = 0;
  for await (const piece of app.model.generate('', { length, seed: 1, temperature: 0.5, ...settings })) {
    written += Array.from(piece).length;
  }
  return written / (performance.now() - began) * 1000;
}"""


def rates(browser: Browser, pages: Sequence[Path], length: int, rounds: int) -> list[list[float]]:
    """Return characters per second of each of ``pages`` in each round, after a warm-up round."""
    tabs = [browser.new_page() for _ in pages]
    for tab, page in zip(tabs, pages, strict=True):
        tab.goto(page.as_uri())
        tab.wait_for_function("app.model !== null")
    found = [[tab.evaluate(WRITE, [length, {}]) for tab in tabs] for _ in range(rounds + 1)]
    for tab in tabs:
        tab.close()
    return [list(rates) for rates in zip(*found[1:], strict=True)]


def rows_of(browser: Browser, options: dict[str, Any], held_out: str, length: int, rounds: int) -> Iterator[str]:
    """Train, export and measure one model, and the network alone of one with a memory."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        nextchar.train("tinyshakespeare", out=run, quiet=True, **options)
        models = [LanguageModel.load(run)]
        if models[0].file.has_memory:
            models.insert(0, LanguageModel(models[0].file.without_memory("A page")))
        pages = [Path(folder, f"{number}.html") for number in range(len(models))]
        for model, page in zip(models, pages, strict=True):
            model.save(page.with_suffix(".safetensors"))
            convert(page.with_suffix(".safetensors"), page)
        for model, page, speed in zip(models, pages, rates(browser, pages, length, rounds), strict=True):
            yield row(model, page, held_out, speed)


def row(model: LanguageModel, page: Path, held_out: str, speed: list[float]) -> str:
    """Return the row of one model."""
    exported = LanguageModel.load(page)
    facts = describe(exported.file)
    bits = [each.bits_per_character(held_out) for each in (model, exported)]
    name = " + ".join(map(str, facts["hidden"]))
    if model.file.has_memory:
        name += f", {facts['ngrams']:,} n-grams"
    if facts["context_length"] is not None:
        name += f", windows of {facts['context_length']}"
    return (
        f"| {name} | {facts['parameters']:,} | {describe_size(page.stat().st_size)} | {bits[0]:.5f} | {bits[1]:.5f} | "
        f"{bits[1] - bits[0]:+.5f} | {max(speed):,.0f} | {statistics.median(speed):,.0f} |"
    )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--time", type=float, default=20)
    parser.add_argument("--hidden", type=int, action="append")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        parser.error("Chromium is not installed (Debian: apt-get install chromium).")
    text = catalog.resolve(["tinyshakespeare"], cache=default_cache_folder()).files[0].path.read_text(encoding="utf-8")
    held_out = text[int(len(text) * 0.9) :][:100_000]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        rows = [
            f"{describe_machine()}, Chromium {browser.version}\n",
            "| hidden | parameters | file | model file, bits | page, bits | loss | characters/s, best | median |",
            "|---|---:|---:|---:|---:|---:|---:|---:|",
        ]
        plans: list[tuple[dict[str, Any], str, int]] = [
            *(({"hidden": hidden, "memory": True}, held_out, 20_000) for hidden in arguments.hidden or (128, 256)),
            ({"recipe": "classic"}, held_out[:5000], 500),
        ]
        for options, scored, length in plans:
            for line in rows_of(browser, {**options, "time": arguments.time}, scored, length, arguments.rounds):
                rows.append(line)
                print(line, flush=True)
        browser.close()
    result = "\n".join(rows) + "\n"
    print(result)
    if arguments.output:
        arguments.output.write_text(result, encoding="utf-8")


if __name__ == "__main__":
    main()
