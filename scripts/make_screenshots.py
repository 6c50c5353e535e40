"""Makes the pictures of the page in the READMEs: a real model, exported, photographed in Chromium.

Usage: NEXTCHAR_CORPORA=... python scripts/make_screenshots.py [--text nietzsche] [--time 60s] [--run FOLDER]

--run uses an existing run. Chromium must be on the path; playwright drives it (nextchar[dev]).
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs/images"
PROMPT = "The philosopher of the future "
SEED = "5"
"""The first seed tried: the text was not hand-picked."""
PICTURES = {
    "page-desktop.png": {"viewport": {"width": 1280, "height": 1200}, "color_scheme": "light"},
    "page-desktop-dark.png": {"viewport": {"width": 1280, "height": 1200}, "color_scheme": "dark"},
    "page-phone.png": {"viewport": {"width": 390, "height": 1060}, "color_scheme": "light", "device_scale_factor": 2},
}
MOST_BYTES = 400_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", default="nietzsche", help="what the model learns from (default: %(default)s)")
    parser.add_argument("--time", default="60s", help="time budget of the run (default: %(default)s)")
    parser.add_argument("--run", type=Path, help="use this run instead of training")
    options = parser.parse_args()
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = options.run or Path(folder, options.text)
        if options.run is None:
            nextchar("train", options.text, "--time", options.time, "--out", run)
        page = Path(folder, f"{run.name}.html")
        nextchar("convert", run, page)
        photograph(page)


def nextchar(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "nextchar", *map(str, arguments)], check=True)


def photograph(file: Path) -> None:
    """Photograph the page in ``file`` while it writes a text, for each of `PICTURES`."""
    chromium = next((found for name in ("chromium", "google-chrome") if (found := shutil.which(name))), None)
    if chromium is None:
        raise SystemExit("There is no chromium on the path: install it (Debian: apt-get install chromium).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name, look in PICTURES.items():
            context = browser.new_context(locale="en-US", **look)
            page = context.new_page()
            page.goto(file.as_uri())
            write(page)
            page.screenshot(path=IMAGES / name)
            context.close()
            size = (IMAGES / name).stat().st_size
            if size > MOST_BYTES:
                raise SystemExit(f"{name} has {size:,} bytes, more than {MOST_BYTES:,}.")
        browser.close()


def write(page: Page) -> None:
    """Let the model write a paragraph, and show what it expected at its beginning."""
    page.locator(".bar-row").first.wait_for()
    page.fill("#text", PROMPT)
    page.fill("#length", "420")
    page.fill("#seed", SEED)
    page.locator("#continue").click()
    page.locator("#undo:enabled").wait_for()
    # The bars are those that the first character was drawn from.
    page.focus("#text")
    page.locator("#text").evaluate("(area, place) => area.setSelectionRange(place, place)", len(PROMPT))
    page.locator("#after").filter(has_text=PROMPT.rsplit(maxsplit=1)[-1]).wait_for()
    page.evaluate("document.activeElement.blur()")
    page.mouse.move(0, 0)


if __name__ == "__main__":
    main()
