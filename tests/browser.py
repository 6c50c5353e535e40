"""A real browser, and the page in it as a reader uses it."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request

PATIENCE = 20_000
"""Milliseconds after which what was waited for counts as missing."""


ARGUMENTS = ["--no-sandbox", "--disable-quic"]


HOLD_BACK = """() => {
  const { model } = app;
  const generate = model.generate.bind(model);
  let allowed = 0;
  let wake = () => {};
  app.letThrough = () => {
    allowed += 1;
    wake();
  };
  model.generate = async function* (prompt, settings, signal) {
    const text = generate(prompt, settings, signal);
    for (;;) {
      const { done, value } = await text.next();
      signal.throwIfAborted();
      if (done) return value;
      while (allowed === 0 && !signal.aborted) {
        await new Promise((resolve) => {
          wake = resolve;
          signal.addEventListener('abort', resolve);
        });
      }
      if (signal.aborted) continue;
      allowed -= 1;
      yield value;
    }
  };
}"""
"""Puts a gate before the model, for one text at a time: a piece passes when the test says so, none after an abort."""


def percents(text: str) -> list[float]:
    """Return the percentages in ``text``; what is less than a hundredth is nothing."""
    return [0.0 if less else float(number) for less, number in re.findall(r"(<?)([\d.]+) %", text)]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Chromium, for the tests of one file: while it runs, this thread can have no other event loop."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the page is tested with playwright: nextchar[dev]")
    path = chromium_path()
    if path is None:
        reason = "the page is tested in Chromium, which is not installed (Debian: apt-get install chromium)"
        if os.environ.get("NEXTCHAR_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


def chromium_path() -> str | None:
    """Return where Chromium is, or one like it; the one without windows is the fastest."""
    names = ("chromium-headless-shell", "chromium", "google-chrome")
    return next((found for name in names if (found := shutil.which(name))), None)


class Desk:
    """The page at one address, and what a writer does there. Everything waits for what it asks for."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.failures: list[str] = []
        self.foreign: list[str] = []
        self.expected: tuple[str, ...] = ()
        """What complaints of the console may contain: answers that a test provokes are reported there. What is expected
        may be said after the page was opened: complaints are judged at the end."""
        self.host = urlsplit(url).netloc
        page.set_default_timeout(PATIENCE)
        page.on("console", self._listen)
        page.on("pageerror", lambda error: self.failures.append(str(error)))
        page.on("request", self._watch)
        page.goto(url)

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _watch(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme not in ("data", "blob") and address.netloc != self.host:
            self.foreign.append(request.url)

    def unexpected(self) -> list[str]:
        """Return the complaints that no test has provoked."""
        return [text for text in self.complaints if not any(part in text for part in self.expected)]

    def ready(self) -> Desk:
        """Wait until the model has said what it expects."""
        self.page.locator(".bar-row").first.wait_for()
        return self

    @property
    def text(self) -> str:
        """What is on the sheet."""
        return self.page.locator("#text").input_value()

    def write(self, text: str) -> None:
        """Put ``text`` on the sheet, the cursor after it."""
        self.page.fill("#text", text)

    def set(self, **settings: object) -> None:
        """Fill in fields by their id, ``_`` for ``-``."""
        for name, value in settings.items():
            field = self.page.locator(f"#{name.replace('_', '-')}")
            if field.evaluate("field => field.tagName") == "SELECT":
                field.select_option(str(value))
            else:
                field.fill(str(value))

    def press(self, name: str) -> None:
        """Press the button with this id."""
        self.page.locator(f"#{name}").click()

    def wait(self) -> None:
        """Wait until nothing is written any more."""
        self.page.locator("#stop").wait_for(state="hidden")
        self.page.locator(".streaming").wait_for(state="detached")

    def hold_back(self) -> None:
        """From now on, the model writes a piece only when `let_through` asks for it: no text ends before it is stopped,
        however slow the browser."""
        self.page.evaluate(HOLD_BACK)

    def let_through(self) -> None:
        """Let the model write one more piece."""
        self.page.evaluate("app.letThrough()")

    def go_on(self, press: str = "continue") -> str:
        """Let the model write and return what it wrote at the end of the sheet."""
        before = self.text
        self.press(press)
        self.wait()
        assert self.text.startswith(before)
        return self.text[len(before) :]

    def recipe(self) -> dict[str, Any]:
        """Return the recipe that the page gives, as JSON, and close its window."""
        self.press("recipe")
        recipe = json.loads(self.page.locator("#copies pre").nth(1).inner_text())
        self.page.keyboard.press("Escape")
        return recipe

    def bars(self) -> dict[str, tuple[float, float]]:
        """Return of each character shown the shares that its bars have of the longest."""
        shares = (
            "row => [...row.querySelectorAll('.tracks i')].map(bar => Number(bar.style.getPropertyValue('--share')))"
        )
        rows = self.page.locator(".bar-row").all()
        return {str(row.get_attribute("data-character")): tuple(row.evaluate(shares)) for row in rows}


OpenDesk = Callable[..., Desk]


@contextmanager
def lasting_profile(chromium: Browser, folder: Path) -> Iterator[BrowserContext]:
    """Open a browser of its own with its profile in ``folder``, where it finds again what it kept there before."""
    options: dict[str, Any] = {"locale": "en-US", "viewport": {"width": 1280, "height": 900}, "args": ARGUMENTS}
    context = chromium.browser_type.launch_persistent_context(folder, executable_path=chromium_path(), **options)
    yield context
    context.close()


@pytest.fixture
def open_desk(chromium: Browser) -> Iterator[OpenDesk]:
    """Open the page at an address in a fresh profile, where ``script`` runs before those of any page, or in a new tab
    ``beside`` another; afterwards it has complained of nothing and asked no other host."""
    desks: list[Desk] = []
    with ExitStack() as stack:

        def open_page(
            url: str,
            *,
            width: int = 1280,
            height: int = 900,
            beside: Desk | None = None,
            script: str = "",
            **options: Any,
        ) -> Desk:
            options = {"locale": "en-US", "viewport": {"width": width, "height": height}, **options}
            if beside is None:
                context = chromium.new_context(**options)
                stack.callback(context.close)
                context.add_init_script(script)
            else:
                context = beside.page.context
            desks.append(Desk(context.new_page(), url))
            return desks[-1]

        yield open_page
        for desk in desks:
            assert desk.unexpected() == []
            assert desk.failures == []
            assert desk.foreign == []
