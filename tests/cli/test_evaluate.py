"""`nextchar evaluate`: what is scored, beside what counting gets, and what is said where that cannot be told."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nextchar.cli import main
from nextchar.model import baselines as counting
from nextchar.model.baselines import LOST, count_and_score
from nextchar.model.language_model import LanguageModel
from nextchar.runs.counting_run import new_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from tests.command import Outcome, assert_refused, made_up_text
from tests.runs.test_training_text import make_run
from tests.small_networks import random_model

BOOK = made_up_text() + "é"
"""Of its last 601 characters, which are held out, the last never came before."""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "book.txt"
    path.write_text(BOOK)
    return path


@pytest.fixture
def run(book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
    return make_run(book, tmp_path / "cache", tmp_path / "run")


@pytest.fixture
def evaluate(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command in this process."""

    def run(*arguments: object) -> Outcome:
        status = main(["evaluate", *map(str, arguments)])
        shown = capsys.readouterr()
        return Outcome(status, shown.out, shown.err)

    return run


def result(outcome: Outcome) -> dict[str, Any]:
    assert (outcome.status, outcome.stderr) == (0, "")
    return json.loads(outcome.stdout)


def expected_counts(run: RunFolder, text: str) -> dict[str, Any]:
    model = LanguageModel.load(run.path)
    vocabulary = model.file.characters_for("counting")
    counts = count_and_score(vocabulary.encode(BOOK[:5400]), vocabulary, model.start_id, [text])
    return {
        "ppmd_bits_per_character": pytest.approx(counts.ppmd_bits_per_character),
        "ngram_bits_per_character": pytest.approx(counts.ngram_bits_per_character, abs=1e-6),
        "zpaq_bits_per_character": pytest.approx(counts.zpaq_bits_per_character),
        "counted_characters": 5400,
        "counting_missing": None,
    }


def test_without_a_text_what_was_held_out_is_scored(run: RunFolder, evaluate: Callable[..., Outcome]) -> None:
    held_out = BOOK[5400:]
    expected = LanguageModel.load(run.path).evaluate(held_out, adapt="counts")
    assert result(evaluate(run.path, "--json")) == {
        "bits_per_character": pytest.approx(expected.bits_per_character, abs=1e-5),
        "characters": 601,
        "tokens": 601,
        "lines": held_out.count("\n"),
        "bits_per_line": None,
        "labels": {},
        "unknown_characters": 1,
        "adaptive_bits_per_character": pytest.approx(expected.adaptive_bits_per_character, abs=1e-5),
        "adapt": "counts",
        "network_bits_per_character": None,
        "counts_bits_per_character": None,
        "text": "b",
        "held_out": True,
        **expected_counts(run, held_out.replace("é", LOST)),
    }
    words = evaluate(run.path).stdout.splitlines()
    figures = expected_counts(run, held_out.replace("é", LOST))
    assert words[0] == "text                  the held-out text of b"
    assert words[2] == f"adapting as it reads  {expected.adaptive_bits_per_character:.3f}"
    assert words[4] == "unknown to the model  1"
    assert words[5] == f"counting: PPMd        {figures['ppmd_bits_per_character'].expected:.3f} " + (
        "(order 6, adapting as it reads)"
    )
    assert words[6] == f"counting: zpaq        {figures['zpaq_bits_per_character'].expected:.3f} " + (
        "(adapting as it reads)"
    )
    assert words[7] == f"counting: 6-gram      {figures['ngram_bits_per_character'].expected:.3f}"
    assert len(words) == 8


def test_another_text_is_scored_after_the_same_training_text(
    run: RunFolder, tmp_path: Path, evaluate: Callable[..., Outcome]
) -> None:
    (tmp_path / "other.txt").write_text("to be or not to be\n" * 5)
    found = result(evaluate(run.model_path, tmp_path / "other.txt", "--json"))
    assert (found["text"], found["held_out"]) == (str(tmp_path / "other.txt"), False)
    figures = expected_counts(run, "to be or not to be\n" * 5)
    assert {name: found[name] for name in figures} == figures
    assert "held out" not in evaluate(run.path, tmp_path / "other.txt").stdout


def test_as_many_are_scored_as_in_the_run(book: Path, tmp_path: Path, evaluate: Callable[..., Outcome]) -> None:
    run = make_run(book, tmp_path / "cache", tmp_path / "run", validation_characters=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
        assert result(evaluate(run.path, "--json"))["characters"] == 100


def test_a_model_of_lower_cased_text_has_everything_lower_cased(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluate: Callable[..., Outcome]
) -> None:
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
    run = make_run(book, tmp_path / "cache", tmp_path / "run", lowercase=True)
    texts = tmp_path / "loud.txt", tmp_path / "quiet.txt"
    texts[0].write_text("TO BE OR NOT\n" * 9)
    texts[1].write_text("to be or not\n" * 9)
    loud, quiet = (evaluate(run.path, text, "--json") for text in texts)
    assert "the text was lower-cased" in loud.stderr
    assert {**json.loads(loud.stdout), "text": ""} == {**json.loads(quiet.stdout), "text": ""}


def test_where_the_training_text_is_gone_the_model_is_scored_all_the_same(
    run: RunFolder, book: Path, tmp_path: Path, evaluate: Callable[..., Outcome]
) -> None:
    other = tmp_path / "other.txt"
    other.write_text("to be or not to be\n")
    whole = result(evaluate(run.path, other, "--json"))
    shutil.rmtree(tmp_path / "cache")
    book.unlink()
    found = result(evaluate(run.path, other, "--json"))
    missing = dict.fromkeys([*expected_counts(run, "to be")][:4])
    assert found == {**whole, **missing, "counting_missing": found["counting_missing"]}
    assert "can no longer be read" in found["counting_missing"]
    words = evaluate(run.path, other).stdout.splitlines()
    assert words[-1] == f"counting              missing: {found['counting_missing']}"
    assert_refused(evaluate(run.path), 1, "can no longer be read", "Name a text", "evaluate", "TEXT")


def test_with_the_cache_gone_the_text_is_read_again(
    run: RunFolder, tmp_path: Path, evaluate: Callable[..., Outcome]
) -> None:
    before = evaluate(run.path)
    shutil.rmtree(tmp_path / "cache")
    assert evaluate(run.path) == before
    assert (tmp_path / "cache").exists()


def test_a_model_of_unknown_origin_is_scored_without(tmp_path: Path, evaluate: Callable[..., Outcome]) -> None:
    random_model().save(tmp_path / "any.safetensors")
    (tmp_path / "text.txt").write_text("hello\n")
    assert (
        "missing: The model file does not say" in evaluate(tmp_path / "any.safetensors", tmp_path / "text.txt").stdout
    )
    assert_refused(evaluate(tmp_path / "any.safetensors"), 1, "does not say", "Name a text")


def test_where_nothing_was_held_out_a_text_is_asked_for(
    book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluate: Callable[..., Outcome]
) -> None:
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
    run = make_run(book, tmp_path / "cache", tmp_path / "run", validation_characters=0)
    assert_refused(evaluate(run.path), 1, "held nothing out", "Name a text")


def test_counting_may_be_left_out(
    run: RunFolder, book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluate: Callable[..., Outcome]
) -> None:
    monkeypatch.setattr(counting, "count_and_score", None)
    held_out = evaluate(run.path, "--no-counting")
    assert "601" in held_out.stdout
    assert "counting" not in held_out.stdout
    found = result(evaluate(run.path, book, "--no-counting", "--json"))
    assert found["counting_missing"] == "left out with --no-counting"
    shutil.rmtree(tmp_path / "cache")
    assert result(evaluate(run.path, book, "--no-counting", "--json")) == found
    assert not (tmp_path / "cache").exists(), "the training text was not looked for"


def test_that_only_the_end_was_counted_is_said(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch, evaluate: Callable[..., Outcome]
) -> None:
    monkeypatch.setattr(counting, "MAX_COUNTED", 2000)
    assert evaluate(run.path).stdout.splitlines()[-1] == (
        "counted               the last 2,000 characters of the training text"
    )
    assert result(evaluate(run.path, "--json"))["counted_characters"] == 2000


def test_show_prints_the_text_and_the_worst_places(
    run: RunFolder, book: Path, evaluate: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = book.with_name("text.txt")
    text.write_text("the old\nman\x1b[31m\n")
    outcome = evaluate(run.path, text, "--show", "--worst", 2, "--no-counting", "--adapt", "none")
    assert (outcome.status, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[0].startswith("     1 | the old")
    assert "\x1b" not in outcome.stdout
    assert "The most surprising of 17 characters (line:column):" in lines
    assert lines[-3].split() == ["bits", "per", "character", lines[-3].split()[-1]]


def test_show_in_json_is_the_worst_places(run: RunFolder, evaluate: Callable[..., Outcome]) -> None:
    outcome = evaluate(run.path, "--json", "--show", "--worst", 1, "--limit", 100, "--no-counting")
    assert outcome.stderr == ("nextchar: of 601 characters, the first 100 are shown; --limit takes another number\n")
    found = json.loads(outcome.stdout)
    bits = LanguageModel.load(run.path).surprises(BOOK[5400:5500])
    assert found["shown_characters"] == 100
    assert [place["bits"] for place in found["worst"]] == [pytest.approx(bits.max(), rel=1e-4)]


def test_a_long_text_is_read_only_as_far_as_it_is_shown(
    run: RunFolder, evaluate: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[int] = []
    monkeypatch.setattr("nextchar.cli.surprise.show", lambda pieces: read.extend(len(p.tokens) for p in pieces))
    assert evaluate(run.path, "--show", "--limit", 130, "--no-counting").status == 0
    assert sum(read) == 130


def test_html_writes_the_page_of_the_text(run: RunFolder, tmp_path: Path, evaluate: Callable[..., Outcome]) -> None:
    page = tmp_path / "page.html"
    outcome = evaluate(run.path, "--html", page, "--no-counting", "--json")
    assert "worst" not in json.loads(outcome.stdout)
    assert str(page) in outcome.stderr.replace("\n", "")
    assert '"model":' in page.read_text(encoding="utf-8")


def test_models_are_compared_on_one_text(run: RunFolder, tmp_path: Path, evaluate: Callable[..., Outcome]) -> None:
    other = tmp_path / "other.safetensors"
    random_model(BOOK, seed=7).save(other)
    outcome = evaluate(run.path, "--compare", other, run.path)
    assert outcome.status == 0
    assert "other.safetensors is not known to have held out the same text" in outcome.stderr.replace("\n", " ")
    lines = outcome.stdout.splitlines()
    assert lines[:3] == [f"A  {run.path}", f"B  {other}", f"C  {run.path}"]
    assert "On the held-out text of b, 601 characters:" in lines
    assert "Where B differs most from A, in bits for 40 characters:" in lines
    assert "Where C" not in outcome.stdout  # the same model
    values = json.loads(evaluate(run.path, "--compare", other, "--json").stdout)
    assert values["models"] == [str(run.path), str(other)]
    expected = LanguageModel.load(other).bits_per_character(BOOK[5400:].replace("é", LOST))
    assert values["scores"][1]["bits_per_character"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "status", "words"),
    [
        (["--compare", "other", "--show"], 2, "--show and --html show what surprised one model"),
        (["--compare", "nowhere"], 1, "There is no model nowhere"),
        (["--html", "page.safetensors"], 2, "should end in .html"),
        (["--show", "--limit", "0"], 2, "limit"),
        (["--compare", "@run", "--strict"], 1, "are unknown to the model"),
    ],
)
def test_what_cannot_be_shown_gets_a_sentence(
    run: RunFolder, evaluate: Callable[..., Outcome], options: list[str], status: int, words: str
) -> None:
    given = [str(run.path) if option == "@run" else option for option in options]
    assert_refused(evaluate(run.path, *given), status, words)


def test_of_a_list_it_says_the_bits_of_a_line_and_of_each_label(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, evaluate: Callable[..., Outcome]
) -> None:
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
    rows = [f"{name}{number},{kind}" for number in range(300) for name, kind in (("la", "elf"), ("zug", "orc"))]
    (tmp_path / "people.csv").write_text("\n".join(["name,kind", *rows]), encoding="utf-8")
    texts = Texts((str(tmp_path / "people.csv"),), TextSettings(column="name", label_column="kind"))
    training = TrainingSettings(recipe="counts", sample_length=10)
    list(new_run(RunFolder(tmp_path / "run"), texts, training, cache=tmp_path / "cache").events())
    found = result(evaluate(tmp_path / "run", "--no-counting", "--json"))
    assert found["adapt"] == "none"
    assert found["bits_per_line"] == pytest.approx(
        found["bits_per_character"] * found["characters"] / found["lines"], rel=1e-6
    )
    assert sorted(found["labels"]) == ["elf", "orc"]
    assert sum(label["entries"] for label in found["labels"].values()) == found["lines"]
    shown = evaluate(tmp_path / "run", "--no-counting").stdout
    assert "bits per line" in shown
    assert re.search(r"label orc +\d\.\d{3} bits per character, \d+ entries", shown)
