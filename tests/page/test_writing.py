"""Writing on the page, served and exported, in a real browser: what stands on the sheet is what Python writes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import expect

from nextchar.cli import main
from tests.browser import Desk, OpenDesk
from tests.served_page import MODEL, Pages, run_folder, serving

PROMPT = "the old man and "
one_life = pytest.mark.parametrize("life", ["exported"])
"""For what has nothing to do with where the model is."""


@pytest.fixture
def desk(open_desk: OpenDesk, pages: Pages, life: str) -> Desk:
    return open_desk(pages[life]).ready()


def test_the_model_goes_on_as_in_python(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(seed=7, length=150, temperature_number=0.8)
    written = desk.go_on()
    assert written == MODEL.generate(PROMPT, seed=7, length=150, temperature=0.8)
    expect(desk.page.locator("#status")).to_have_text("Wrote 150 characters.")
    expect(desk.page.locator("#under .model")).to_have_text(written, use_inner_text=False)


@one_life
def test_an_empty_sheet_is_a_beginning(desk: Desk) -> None:
    desk.set(seed=3, length=40)
    assert desk.go_on() == MODEL.generate("", seed=3, length=40)


def test_it_goes_on_from_the_cursor_and_what_follows_stays(desk: Desk) -> None:
    desk.write("here is the end")
    desk.page.locator("#text").evaluate("area => area.setSelectionRange(8, 8)")
    desk.set(seed=1, length=30)
    desk.press("continue")
    desk.wait()
    assert desk.text == "here is " + MODEL.generate("here is ", seed=1, length=30) + "the end"


def test_it_streams_until_it_is_stopped(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.page.locator("summary").click()
    desk.set(seed=5, length=100_000, temperature_number=1, top_k=30)
    desk.hold_back()
    desk.page.keyboard.press("Control+Enter")
    streamed = desk.page.locator(".streaming .model")
    desk.let_through()
    expect(streamed).not_to_be_empty()
    expect(desk.page.locator("#continue")).to_be_hidden()
    early = streamed.text_content() or ""
    desk.let_through()
    expect(streamed).not_to_have_text(early, use_inner_text=False)
    later = streamed.text_content() or ""
    assert later.startswith(early)
    desk.page.keyboard.press("Escape")
    desk.wait()
    written = desk.text.removeprefix(PROMPT)
    assert written.startswith(later)
    assert len(written) < 100_000
    assert written == MODEL.generate(PROMPT, seed=5, length=len(written), temperature=1, top_k=30)
    expect(desk.page.locator("#status")).to_contain_text("Stopped after")
    # The recipe is of what is there, not of what was asked for.
    assert desk.recipe()["length"] == len(written)


def test_what_was_written_is_taken_back_in_one_step(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(length=60)
    first = desk.go_on()
    desk.go_on()
    desk.press("undo")
    assert desk.text == PROMPT + first
    desk.press("undo")
    assert desk.text == PROMPT
    expect(desk.page.locator("#undo")).to_be_disabled()


@one_life
def test_the_undo_of_the_browser_has_it_as_one_step_too(desk: Desk) -> None:
    desk.page.locator("#text").press_sequentially("the")
    desk.set(length=60)
    written = desk.go_on()
    desk.page.focus("#text")
    desk.page.keyboard.press("Control+z")
    assert desk.text == "the"
    expect(desk.page.locator("#under .model")).to_have_count(0)
    desk.page.keyboard.press("Control+Shift+z")
    assert desk.text == "the" + written


@one_life
@pytest.mark.parametrize("after", ["e", "\u0301", "\U0001f3fd and"])
def test_marks_are_parted_from_what_was_before_them(desk: Desk, after: str) -> None:
    desk.write(f"it ends in e{after}")
    desk.page.locator("#text").evaluate("area => area.setSelectionRange(12, 12)")
    desk.set(length=30, seed=2)
    desk.press("continue")
    desk.wait()
    assert desk.text == "it ends in e" + MODEL.generate("it ends in e", length=30, seed=2) + after
    desk.press("undo")
    assert desk.text == f"it ends in e{after}"


@one_life
def test_typing_around_a_passage_leaves_it_to_be_taken_back(desk: Desk) -> None:
    desk.write("one two")
    desk.set(length=40)
    desk.go_on()
    desk.page.locator("#text").press("Control+Home")
    desk.page.keyboard.type("zero ")
    desk.page.locator("#text").press("Control+End")
    desk.page.keyboard.type(" and more")
    desk.press("undo")
    assert desk.text == "zero one two and more"


@one_life
def test_a_passage_that_was_changed_is_the_writers_own(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(length=40)
    desk.go_on()
    desk.page.locator("#text").press("Control+End")
    desk.page.keyboard.press("ArrowLeft")
    desk.page.keyboard.type("!")
    expect(desk.page.locator("#undo")).to_be_disabled()
    expect(desk.page.locator("#under .model")).to_have_count(0)


def test_re_rolling_writes_anew_from_the_same_cursor(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(seed=11, length=80)
    first = desk.go_on()
    desk.press("again")
    desk.wait()
    seed = int(desk.page.locator("#seed").input_value())
    assert seed != 11
    assert desk.text == PROMPT + MODEL.generate(PROMPT, seed=seed, length=80)
    assert desk.text != PROMPT + first


@one_life
def test_what_is_kept_cannot_be_re_rolled(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(length=50)
    written = desk.go_on()
    desk.press("keep")
    expect(desk.page.locator("#under .model")).to_have_count(0)
    for button in ("undo", "again", "keep"):
        expect(desk.page.locator(f"#{button}")).to_be_disabled()
    assert desk.text == PROMPT + written


@one_life
def test_a_seed_is_new_each_time_unless_it_is_held(desk: Desk) -> None:
    seed = desk.page.locator("#seed")
    desk.set(length=30)
    desk.press("continue")
    desk.wait()
    first = seed.input_value()
    desk.press("undo")
    second = desk.go_on()
    assert seed.input_value() not in ("", first)
    desk.page.check("#hold")
    desk.press("undo")
    assert desk.go_on() == second


def test_several_texts_stand_side_by_side_to_choose_from(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(seed=21, length=70, texts=3)
    desk.press("continue")
    desk.wait()
    expect(desk.page.locator("#status")).to_have_text("3 texts are written: take one.")
    texts = [MODEL.generate_many(PROMPT, 3, seed=21, length=70)[number] for number in range(3)]
    for number, text in enumerate(texts):
        shown = desk.page.locator("#cards .written").nth(number).text_content() or ""
        assert shown == PROMPT + text
    assert desk.text == PROMPT
    desk.page.locator("#cards button").nth(1).click()
    assert desk.text == PROMPT + texts[1]
    expect(desk.page.locator("#choices")).to_be_hidden()
    assert desk.recipe()["text"] == 1
    desk.press("undo")
    assert desk.text == PROMPT


@one_life
def test_several_texts_are_re_rolled_and_put_away(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(seed=21, length=70, texts=2)
    desk.press("continue")
    desk.wait()
    before = desk.page.locator("#cards").text_content()
    desk.press("again")
    desk.wait()
    expect(desk.page.locator("#cards .written")).to_have_count(2)
    assert desk.page.locator("#cards").text_content() != before
    desk.press("dismiss")
    expect(desk.page.locator("#choices")).to_be_hidden()
    assert desk.text == PROMPT


@pytest.mark.parametrize(("place", "stop"), [("line", "\n"), ("paragraph", "\n\n")])
def test_it_stops_at_a_line_or_a_paragraph(desk: Desk, place: str, stop: str) -> None:
    desk.write(PROMPT)
    desk.set(seed=4, length=3000, temperature_number=1.5, stop_at=place)
    written = desk.go_on()
    assert written == MODEL.generate(PROMPT, seed=4, length=3000, temperature=1.5, stop=(stop,))
    assert len(written) < 3000
    assert stop not in written


def test_a_recipe_gives_the_text_again(desk: Desk, open_desk: OpenDesk, pages: Pages, life: str, capfd) -> None:
    desk.write("- it's 가나\nthe ")
    desk.set(seed=99, length=64, temperature_number=1.25, stop_at="paragraph")
    desk.page.locator("summary").click()
    desk.set(top_k=20, top_p=0.95, min_p=0.001)
    written = desk.go_on()
    settings = {"length": 64, "temperature": 1.25, "top_k": 20, "top_p": 0.95, "min_p": 0.001, "seed": 99}
    assert written == MODEL.generate("- it's 가나\nthe ", **settings, stop=("\n\n",))
    recipe = desk.recipe()
    assert recipe.items() >= {**settings, "prompt": "- it's 가나\nthe ", "stop": ["\n\n"], "text": 0}.items()

    again = open_desk(desk.page.url)
    expect(again.page.locator("#status")).to_have_text(f"Wrote {len(written)} characters.")
    assert again.text == desk.text
    assert again.page.locator("#seed").input_value() == "99"

    desk.press("recipe")
    command = desk.page.locator("#copies pre").first.inner_text()
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True).stdout
    name, verb, model, *options = words.decode().split("\0")[:-1]
    assert (name, verb, model) == ("nextchar", "sample", {"served": "fox", "exported": "fox.html"}[life])
    assert main(["sample", str(pages.folder / model), "--no-echo", *options]) == 0
    assert capfd.readouterr().out.removesuffix("\n") == written


@pytest.mark.parametrize("given", ["runs/my fox", "./runs/my fox/model.safetensors", "-fox.safetensors"])
def test_the_command_of_a_recipe_works_where_the_server_was_started(
    open_desk: OpenDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], given: str
) -> None:
    run_folder(tmp_path / "runs" / "my fox")
    MODEL.save(tmp_path / "-fox.safetensors")
    monkeypatch.chdir(tmp_path)
    with serving(Path(given)) as address:
        desk = open_desk(address).ready()
        desk.set(length=20, seed=4)
        written = desk.go_on()
        desk.press("recipe")
        command = desk.page.locator("#copies pre").first.inner_text()
        assert str(tmp_path) not in desk.page.content()
        desk.expected = ("503",)  # the page may ask what comes next while the server stops
    expect(desk.page.locator("#copies .note")).to_contain_text("in the folder where the server was started")
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {command}"], capture_output=True, check=True).stdout
    assert main([*words.decode().split("\0")[1:-1], "--no-echo"]) == 0
    assert capfd.readouterr().out.removesuffix("\n") == written


def test_no_folder_of_the_server_is_told(open_desk: OpenDesk, pages: Pages) -> None:
    desk = open_desk(pages.served).ready()
    desk.press("recipe")
    assert desk.page.locator("#copies pre").first.inner_text().startswith("nextchar sample fox ")
    expect(desk.page.locator("#copies .note")).to_contain_text("replace fox with")
    answer = desk.page.evaluate("fetch('api/models').then(answer => answer.text())")
    assert str(pages.folder) not in answer


@one_life
def test_a_recipe_is_copied(desk: Desk) -> None:
    desk.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.set(seed=4)
    desk.press("recipe")
    desk.page.locator("#copies button").first.click()
    expect(desk.page.locator("#copies button").first).to_have_text("Copied")
    copied = desk.page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("nextchar sample ")
    assert "--seed 4" in copied


def test_characters_the_model_does_not_know_are_marked_and_told(desk: Desk) -> None:
    desk.write("Hello Zoë 😀😀 ok")
    marked = desk.page.locator("#under .unknown")
    assert marked.all_text_contents() == ["H", "Z", "ë", "😀", "😀"]
    expect(desk.page.locator("#under .left-out")).to_have_count(2)
    reads = desk.page.locator("#reads")
    for reading in (
        "\u2068H\u2069 is read as \u2068h\u2069",
        "\u2068ë\u2069 is read as \u2068e\u2069",
        "\u2068😀\u2069 is left out ×2",
    ):
        expect(reads).to_contain_text(reading)
    desk.set(seed=1, length=30)
    assert desk.go_on() == MODEL.generate("Hello Zoë 😀😀 ok", seed=1, length=30)
    desk.write("all known")
    expect(reads).to_be_hidden()


@one_life
def test_letters_with_marks_are_marked_as_one(desk: Desk) -> None:
    desk.write("cafe\u0308 x\u0323y")
    assert desk.page.locator("#under .unknown").all_text_contents() == ["e\u0308", "x\u0323"]


@one_life
def test_korean_is_composed_on_the_sheet(desk: Desk) -> None:
    desk.page.focus("#text")
    keyboard = desk.page.context.new_cdp_session(desk.page)
    for part in ("ㄱ", "가", "각"):
        keyboard.send("Input.imeSetComposition", {"text": part, "selectionStart": 1, "selectionEnd": 1})
        assert desk.text == part
        expect(desk.page.locator("#under")).to_have_text(part + "\u200b", use_inner_text=False)
    keyboard.send("Input.insertText", {"text": "가나"})
    assert desk.text == "가나"
    desk.set(seed=6, length=20)
    assert desk.go_on() == MODEL.generate("가나", seed=6, length=20)


@one_life
@pytest.mark.parametrize(
    ("field", "value"), [("length", "0"), ("temperature_number", "101"), ("seed", "-1"), ("top_p", "7")]
)
def test_a_value_that_is_not_allowed_is_said_and_nothing_is_written(desk: Desk, field: str, value: str) -> None:
    desk.page.locator("summary").click()
    desk.write(PROMPT)
    desk.set(**{field: value})
    desk.press("continue")
    expect(desk.page.locator("#alarm")).to_contain_text("is not allowed")
    assert desk.text == PROMPT


def test_a_long_prompt_is_read_from_its_last_characters(desk: Desk) -> None:
    long = "가나 the old man\n" * 400
    desk.write(long)
    desk.set(seed=8, length=25)
    assert desk.go_on() == MODEL.generate(long[-2000:], seed=8, length=25)
    assert desk.recipe()["prompt"] == long[-2000:]


def test_the_sheet_is_there_after_a_reload(desk: Desk) -> None:
    desk.write(PROMPT)
    desk.set(seed=12, length=33)
    desk.go_on()
    text = desk.text
    desk.page.reload()
    desk.ready()
    expect(desk.page.locator("#text")).to_have_value(text)
    assert desk.page.locator("#length").input_value() == "33"


@one_life
def test_the_copy_under_the_sheet_lies_exactly_under_it(desk: Desk) -> None:
    desk.set(seed=3, length=2500, temperature_number=1)
    desk.go_on()
    heights = desk.page.evaluate(
        "[document.getElementById('under').scrollHeight, document.getElementById('text').scrollHeight]"
    )
    assert heights[0] == heights[1] > 900
