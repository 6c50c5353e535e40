"""What goes wrong is said in words that tell what to do, in the language of the page; the text stays."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from nextchar.settings import sampling_limits
from tests.browser import Desk, OpenDesk
from tests.served_page import MODEL, Pages, serving

if TYPE_CHECKING:
    from playwright.sync_api import Route

RAW = re.compile(r"Failed to fetch|NetworkError|\[object|HTTP|undefined|null|JSON|TypeError|Unexpected|<|\{|\d{3}")
"""What a program says, and no reader wants to be told."""
PAGE_OF_A_PROXY = "<html><h1>502 Bad Gateway</h1></html>"


def ours(code: str | None, message: str = "Something is the matter.") -> str:
    return json.dumps({"error": {"message": message, "type": "x", "param": None, "code": code}})


ANSWERS = {
    "refused by the network": None,
    "an error of a proxy": {"status": 502, "body": PAGE_OF_A_PROXY},
    "a proxy that waited": {"status": 504, "body": PAGE_OF_A_PROXY},
    "a mistake": {"status": 500, "body": "Internal Server Error"},
    "nothing": {"status": 503, "body": ""},
    "not ready": {"status": 503, "body": ours("overloaded")},
    "too long": {"status": 400, "body": ours("too_long")},
    "too large": {"status": 413, "body": ours("too_long")},
    "out of time": {"status": 408, "body": ours("timeout")},
    "another model": {"status": 404, "body": ours("model_not_found")},
    "another server": {"status": 404, "body": PAGE_OF_A_PROXY},
    "an error of another shape": {"status": 400, "body": '{"detail": [{"loc": ["body"]}]}'},
    "an object for a message": {"status": 500, "body": '{"error": {"message": {"a": 1}}}'},
    "a page to log in": {"status": 200, "body": "<html>Log in</html>"},
    "broken JSON": {"status": 200, "body": 'data: {"text": "ab\n\n'},
    "an error in the stream": {"status": 200, "body": f'data: {{"text": "ab"}}\n\ndata: {ours("timeout")}\n\n'},
    "a stream that breaks off": {"status": 200, "body": 'data: {"text": "ab"}\n\n'},
}
PROVOKED = ("Failed to load resource",)


def answering(desk: Desk, path: str, answer: dict[str, object] | None) -> None:
    """Let requests for ``path`` get ``answer``; None is none."""

    def fulfil(route: Route) -> None:
        if answer is None:
            route.abort("connectionreset")
        else:
            route.fulfill(**answer)  # type: ignore[arg-type]

    desk.expected = PROVOKED
    desk.page.route(f"**/api/{path}", fulfil)


def alarm(desk: Desk) -> str:
    place = desk.page.locator("#alarm")
    expect(place).to_be_visible()
    return place.inner_text()


@pytest.mark.parametrize("locale", ["en-US", "ko-KR"])
def test_answers_that_are_none_are_said_in_words(open_desk: OpenDesk, pages: Pages, locale: str) -> None:
    desk = open_desk(pages.served, locale=locale).ready()
    for name, answer in ANSWERS.items():
        answering(desk, "generate", answer)
        desk.write("my text")
        desk.press("continue")
        message = alarm(desk)
        assert not RAW.search(message), (name, message)
        assert bool(re.search("[가-힣]", message)) == (locale == "ko-KR"), (name, message)
        assert len(message.split()) > 3, (name, message)
        desk.wait()
        assert desk.text.startswith("my text"), name
        desk.page.unroute("**/api/generate")
        # It is gone once something works.
        desk.set(length=3)
        desk.press("continue")
        expect(desk.page.locator("#alarm")).to_be_hidden()
        desk.wait()


@pytest.mark.parametrize("path", ["models", "distribution", "history*", "score"])
def test_every_question_of_the_page_is_answered_in_words(open_desk: OpenDesk, pages: Pages, path: str) -> None:
    desk = open_desk(pages.served).ready()
    for name in ("refused by the network", "an error of a proxy", "a page to log in", "an object for a message"):
        answering(desk, path, ANSWERS[name])
        desk.page.reload()
        if path == "score":
            desk.ready()
            desk.press("tab-see")
            desk.page.fill("#pasted", "a text")
            desk.press("score")
        message = alarm(desk)
        assert not RAW.search(message), (name, message)
        desk.page.unroute(f"**/api/{path}")


def test_a_server_that_never_answers_is_given_up(open_desk: OpenDesk, pages: Pages) -> None:
    with serving(pages.model, max_time=60) as address:
        desk = open_desk(address).ready()
        desk.page.clock.install()
        desk.page.route("**/api/generate", lambda route: None)
        desk.write("my text")
        with desk.page.expect_request("**/api/generate"):
            desk.press("continue")
        desk.page.clock.run_for(64_000)
        expect(desk.page.locator("#stop")).to_be_visible()
        desk.page.clock.run_for(2_000)
        assert alarm(desk).startswith("The server does not answer.")
        assert desk.text == "my text"
        expect(desk.page.locator("#continue")).to_be_visible()


def test_what_the_server_says_is_said(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages.served).ready()
    desk.expected = PROVOKED
    desk.set(length=100_000, texts=2)
    answering(desk, "generate", {"status": 400, "body": ours("too_long", "The limit is 5 (--max-characters).")})
    desk.press("continue")
    assert alarm(desk) == "The limit is 5 (--max-characters)."


def test_a_mistake_of_the_page_is_no_riddle(open_desk: OpenDesk, pages: Pages, life: str) -> None:
    desk = open_desk(pages[life]).ready()
    desk.expected = ("gone",)
    desk.write("my text")
    for thrown in ("new TypeError('gone wrong')", "{ gone: 'gone wrong' }"):
        desk.page.evaluate(f"() => {{ app.model.generate = () => {{ throw {thrown}; }}; }}")
        desk.press("continue")
        message = alarm(desk)
        assert message == "This page had an error. Your text is still here: copy it, and reload the page."
        assert desk.text == "my text"


WRONG = {
    "length": ("0", ["1", "100,000,000"]),
    "temperature_number": ("101", ["0", "100"]),
    "top_p": ("7", ["0", "1"]),
    "top_k": ("1.5", ["1"]),
}
"""What is not allowed in a field, and what is."""


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize("field", WRONG)
def test_what_is_allowed_is_said_in_the_language_of_the_page(
    open_desk: OpenDesk, pages: Pages, language: str, field: str
) -> None:
    # The browser speaks the other language.
    desk = open_desk(pages.exported, locale={"en": "ko-KR", "ko": "en-US"}[language]).ready()
    desk.press("language")
    desk.page.locator("summary").click()
    value, allowed = WRONG[field]
    desk.set(**{field: value})
    desk.press("continue")
    message = alarm(desk)
    assert all(number in message for number in allowed)
    assert bool(re.search("[가-힣]", message)) == (language == "ko")


def test_the_page_allows_what_the_settings_and_the_server_allow(open_desk: OpenDesk, pages: Pages) -> None:
    with serving(pages.model, max_characters=50) as address:
        desk = open_desk(address).ready()
        assert desk.page.locator("#length").input_value() == "50"
        desk.set(length=51)
        desk.press("continue")
        assert alarm(desk).endswith("give a whole number from 1 to 50")
        fields = {"temperature-number": "temperature", "top-k": "top_k", "top-p": "top_p", "min-p": "min_p"}
        for field, name in fields.items():
            limits = sampling_limits()[name]
            lowest, highest = limits.get("minimum", limits.get("exclusiveMinimum")), limits.get("maximum", "")
            attributes = [desk.page.locator(f"#{field}").get_attribute(bound) or "" for bound in ("min", "max")]
            assert attributes == [str(lowest), str(highest)]


@pytest.mark.parametrize("temperature", [0, 3, 100])
def test_a_temperature_beyond_the_slider_is_one_too(
    open_desk: OpenDesk, pages: Pages, life: str, temperature: int
) -> None:
    desk = open_desk(pages[life]).ready()
    desk.set(seed=3, length=40, temperature_number=temperature)
    assert desk.page.locator("#temperature").input_value() == str(min(temperature, 2))
    assert desk.go_on() == MODEL.generate("", seed=3, length=40, temperature=temperature)
    assert desk.recipe()["temperature"] == temperature
    link = pages[life] + f"#prompt=the+fox&length=20&temperature={temperature}&seed=7&stop=none&text=0"
    desk.page.goto("about:blank")
    desk.page.goto(link)
    desk.ready()
    expect(desk.page.locator("#temperature-number")).to_have_value(str(temperature))


def test_a_damaged_model_is_told_in_both_languages(open_desk: OpenDesk, pages: Pages) -> None:
    content = pages.folder.joinpath("fox.html").read_text(encoding="utf-8")
    begin = content.index('id="model">') + len('id="model">')
    no_base64, cut = content[:begin] + "*" + content[begin + 1 :], content[:begin] + content[begin + 4 :]
    for number, changed in enumerate((no_base64, cut)):
        path = pages.folder / f"damaged-{number}.html"
        path.write_text(changed, encoding="utf-8")
        assert "damaged" in alarm(open_desk(path.as_uri()))
        assert "손상" in alarm(open_desk(path.as_uri(), locale="ko-KR"))


@pytest.mark.parametrize("place", ["sub/", "sub", "a/b/"])
def test_the_page_works_under_any_path_of_a_proxy(open_desk: OpenDesk, pages: Pages, place: str) -> None:
    desk = open_desk(pages.served).ready()
    prefix = place.rstrip("/")

    def forward(route: Route) -> None:
        address = route.request.url.replace(f"/{prefix}", "", 1)
        route.fulfill(response=route.fetch(url=address))

    def refuse(route: Route) -> None:
        route.abort()

    desk.page.route("**/*", refuse)
    desk.page.route(re.compile(f"/{prefix}(/|$)"), forward)
    desk.page.goto(pages.served + place)
    desk.ready()
    desk.write("the fox")
    desk.set(length=20, seed=3)
    assert desk.go_on() == MODEL.generate("the fox", length=20, seed=3)
    desk.press("tab-history")
    expect(desk.page.locator("#curve svg")).to_be_visible()
    desk.press("tab-see")
    desk.page.locator("#piece-0").wait_for()


def test_the_key_of_one_server_is_not_sent_to_another_one_of_its_host(open_desk: OpenDesk, pages: Pages) -> None:
    with serving(pages.model, api_key="open sesame") as address:
        desk = open_desk(address)
        desk.expected = ("401", "Failed to load resource")
        desk.page.locator("#door").wait_for()
        desk.set(key="open sesame")
        desk.page.keyboard.press("Enter")
        desk.ready()
        keys: list[str | None] = []

        def forward(route: Route) -> None:
            keys.append(route.request.headers.get("authorization"))
            route.fulfill(response=route.fetch(url=route.request.url.replace("/other", "", 1)))

        desk.page.route("**/other/**", forward)
        desk.page.goto(address + "other/")
        desk.page.locator("#door").wait_for()
        assert set(keys) == {None}
