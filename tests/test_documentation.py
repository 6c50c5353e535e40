"""The documentation, held to what is there: its commands and examples run, its links lead somewhere, its tables agree
with the code."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import nextchar
from nextchar.cli import main
from nextchar.cli.app import app
from nextchar.model.model_file import ModelFile
from nextchar.networks import architecture
from nextchar.training import chooser, default_recipe, pace, plan, validation
from tests.small_networks import random_model

ROOT = Path(__file__).parents[1]
README, KOREAN = ROOT / "README.md", ROOT / "README.ko.md"
WALK, WALK_IN_KOREAN = ROOT / "docs/classic.md", ROOT / "docs/classic.ko.md"
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
COMMANDS = [name for name in app if not name.startswith("-")]
WHO = ROOT / "docs/who.md"
SEED_TEXT = "The slowly ascending ranks and classes, in which,\nthrough fo"
SMALL = {"steps": 20, "hidden": 16, "sample_length": 20}
"""Options that make a training short enough for a test."""
FIGURES = ("writing", "surprises", "temperatures", "epochs", "steps")
"""Of docs/classic.md."""


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.M | re.S)


def prose(page: Path) -> str:
    """Return the page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the texts that the READMEs speak of, to work in."""
    english = "".join(f"Once upon a time there were {number} bears who knew no number.\n" for number in range(60))
    korean = "".join(f"옛날 옛적에 곰 {number}마리가 살았습니다.\n" for number in range(60))
    (tmp_path / "mybook.txt").write_text(english, encoding="utf-8")
    (tmp_path / "other.txt").write_text(korean, encoding="utf-8")
    # A file wins over a text known by its name: a short one that has the characters of the seed text.
    (tmp_path / "nietzsche").write_text(english + SEED_TEXT * 20, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NEXTCHAR_CACHE", str(tmp_path / "cache"))
    return tmp_path


def shortened(line: str) -> list[str]:
    """Return the arguments of the command in ``line``, with a training made short."""
    arguments = shlex.split(line)[1:]
    if arguments[0] == "train" and not {"--resume", "counts"} & set(arguments):  # counting is short
        for length in {"--time", "--epochs"} & set(arguments):
            del arguments[(at := arguments.index(length)) : at + 2]
        arguments += [word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))]
    if arguments[0] == "inspect":
        arguments += ["--no-forecast"]
    return arguments


def run_commands(page: Path, capsys: pytest.CaptureFixture[str]) -> int:
    """Run the commands of a page in their order; return how many there are."""
    lines = [line for block in blocks(page, "sh") for line in block.splitlines() if line.startswith("nextchar ")]
    for line in lines:
        status = main(shortened(line))
        shown = capsys.readouterr()
        assert status == 0, f"{line}\n{shown.err}"
        if not line.startswith("nextchar train"):
            assert shown.out.strip(), line
    return len(lines)


def test_the_commands_of_the_readme_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_commands(README, capsys) > 8
    assert (desk / "runs/mybook/report.html").exists()


def test_the_commands_and_programs_of_the_walk_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_commands(WALK, capsys) > 4
    recipe = nextchar.load(desk / "runs/classic").provenance.recipe
    assert recipe == "classic"
    programs = blocks(WALK, "python")
    assert len(programs) > 3
    for program in programs:
        exec(compile(program, "classic.md", "exec"), {})
        assert capsys.readouterr().out.strip(), program


def test_the_commands_and_programs_about_authors_run(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, book in (("mine", "mybook"), ("yours", "other")):
        text = (desk / f"{book}.txt").read_text(encoding="utf-8")
        for file in (f"{name}.txt", f"more-{name}.txt"):
            (desk / file).write_text(text, encoding="utf-8")
        (desk / "letters" / name).mkdir(parents=True)
        (desk / "letters" / name / "letter.txt").write_text(text[:200], encoding="utf-8")
    (desk / "letter.txt").write_text("There were bears.\nOnce upon a time\n")
    (candidates,) = blocks(WHO, "jsonl")
    (desk / "candidates.jsonl").write_text(candidates)
    assert run_commands(WHO, capsys) > 5
    programs = blocks(WHO, "python")
    assert len(programs) > 1
    for program in programs:
        exec(compile(program, "who.md", "exec"), {})
        assert capsys.readouterr().out.strip(), program


def test_other_commands_of_the_readme_are_known() -> None:
    known = ("nextchar ", "make demo", "make test", 'pip install ".[train]"')
    strange = [line for block in blocks(README, "sh") for line in block.splitlines() if not line.startswith(known)]
    assert strange == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:", makefile, re.M)
    assert re.search(r"^test:", makefile, re.M)


@pytest.mark.parametrize("example", blocks(README, "python"))
def test_the_python_examples_of_the_readme_run(
    example: str, desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = nextchar.train

    def train_shortly(*corpus: str, time: str, **options: Any) -> nextchar.LanguageModel:
        assert time == "60s"
        return train(*corpus, **SMALL, **options)

    monkeypatch.setattr(nextchar, "train", train_shortly)
    names: dict[str, Any] = {}
    exec(compile(example, "README.md", "exec"), names)
    assert isinstance(names["model"], nextchar.LanguageModel)
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("english", "korean", "of_one_language"),
    [
        (README, KOREAN, ["README.md", "docs/classic.md", "docs/images/report.png"]),
        (WALK, WALK_IN_KOREAN, ["classic.md", *(f"images/classic-{name}.svg" for name in FIGURES)]),
    ],
    ids=["README", "classic"],
)
def test_pages_in_two_languages_say_the_same(english: Path, korean: Path, of_one_language: list[str]) -> None:
    ours, theirs = (page.read_text(encoding="utf-8") for page in (english, korean))
    assert re.findall(r"^```.*?^```", ours, re.M | re.S) == re.findall(r"^```.*?^```", theirs, re.M | re.S)
    for shape in (r"^#+ ", r"^- ", r"^\| (?=.)"):
        assert re.findall(shape, prose(english), re.M) == re.findall(shape, prose(korean), re.M), shape
    in_korean = [re.sub(r"(?=\.\w+$)", ".ko", link) for link in of_one_language]
    assert sorted(set(links(english)) ^ set(links(korean))) == sorted(of_one_language + in_korean)
    assert set(code_spans(english)) - set(code_spans(korean)) == set()


def test_the_readme_names_every_command() -> None:
    rows = re.findall(r"^\|[^|]*\| `nextchar (\w+)", README.read_text(encoding="utf-8"), re.M)
    assert set(rows) == set(COMMANDS)


@pytest.mark.parametrize("page", PAGES)
def test_commands_and_options_spoken_of_exist(page: str) -> None:
    spoken = [*code_spans(ROOT / page), *(line for block in blocks(ROOT / page, "sh") for line in block.splitlines())]
    assert {match[1] for span in spoken if (match := re.match(r"nextchar (\w+)", span))} <= {*COMMANDS, "COMMAND"}
    there = {*re.findall(r"--[a-z-]+", (ROOT / "docs/cli.md").read_text(encoding="utf-8")), "--help", "--version"}
    words = [word for span in spoken if re.match(r"nextchar |--", span) for word in span.split()]
    assert {word for word in words if re.fullmatch(r"--[a-z-]+", word)} <= there


def code_spans(page: Path) -> list[str]:
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def links(page: Path) -> list[str]:
    """Return the targets of the links and pictures of a page, in Markdown and in HTML."""
    return re.findall(r"\]\(([^)\s]+)\)", prose(page)) + re.findall(r'(?:src|srcset|href)="([^"]+)"', prose(page))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in links(ROOT / page):
        if re.match(r"https?:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.exists(), f"{page} links to {link}, which is not there"
        if anchor:
            assert anchor in anchors(target), f"{page} links to {link}: there is no such heading"


def anchors(page: Path) -> Iterator[str]:
    """Yield the anchors of the headings of a page, as GitHub makes them."""
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def generator(name: str = "generate_cli") -> ModuleType:
    """Return a module of the folder scripts."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_of_commands_is_what_the_commands_say() -> None:
    made = generator()
    assert made.PAGE.read_text(encoding="utf-8") == made.render(), "run make docs"


def test_the_page_of_commands_tells_ranges_and_durations() -> None:
    page = generator().render()
    assert "`--time DURATION`: Time budget" in page
    assert re.search(r"`--validation FLOAT`.*\[≥ 0, ≤ 0\.5\]", page)
    assert page.count("*[≥ 0, < 2^63]*") == page.count("`--seed INT`") > 1


@pytest.fixture
def classic(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module scripts/make_classic.py, which finds its neighbours."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return generator("make_classic")


@pytest.mark.parametrize("language", ["ENGLISH", "KOREAN"])
def test_the_walk_shows_what_was_recorded(classic: ModuleType, language: str) -> None:
    record = classic.Record.model_validate_json(classic.RECORD.read_bytes())
    words = vars(classic)[language]
    page = (ROOT / "docs" / words["name"]).read_text(encoding="utf-8")
    assert classic.fill(page, classic.values(record, words)) == page, "run python scripts/make_classic.py --recorded"
    drawn = classic.drawings(record, page, words)
    assert set(drawn) == {f"classic-{name}{words['suffix']}" for name in FIGURES}
    for name, svg in drawn.items():
        assert (classic.IMAGES / name).read_text(encoding="utf-8") == svg, name


def test_both_walks_have_the_same_table_of_steps(classic: ModuleType) -> None:
    ours, theirs = (classic.staircase_rows(page.read_text(encoding="utf-8")) for page in (WALK, WALK_IN_KOREAN))
    assert len(ours) == 9
    assert [row.bits for row in ours] == [row.bits for row in theirs]


def test_values_in_the_walk_stand_inside_its_lines() -> None:
    """A comment at the beginning of a line ends the paragraph before it."""
    for page in (WALK, WALK_IN_KOREAN):
        begun = re.findall(r"^ {0,3}(<!--.*)$", page.read_text(encoding="utf-8"), re.M)
        assert [line for line in begun if not re.fullmatch(r"(<!--[^>]*-->)+", line)] == []


def test_greedy_writing_is_found_to_repeat_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    find_loop = importlib.import_module("classic_record").find_loop
    loop = find_loop("it is so. " + "the same, " * 4, context=12)
    assert (loop.begins, loop.period) == (9, 10)  # the space before "the" comes again, too
    with pytest.raises(SystemExit, match="longer"):
        find_loop("never twice", context=4)


@pytest.mark.parametrize("source", ["saved now", "kept from the first version"])
def test_the_reader_in_the_page_of_the_format_reads_models(
    source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    if source == "saved now":
        random_model(seed=5, corpus=("곰.txt",), seed_of_run=1).save(path)
    else:
        path.write_bytes((ROOT / "tests/data/models/format-1/smallest.safetensors").read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(ROOT / "docs/model-file.md", "python"):
        exec(compile(block, "model-file.md", "exec"), names)
    model = ModelFile.load(path)
    assert names["tokens"]["characters"] == model.vocabulary.characters
    assert set(names["tensors"]) == set(model.lstm_for("A test")[0].parameter_shapes())
    known = model.vocabulary.characters
    language_model = nextchar.load(path)
    expected, _ = language_model.network.forward(
        model.vocabulary.encode(known)[None], language_model.network.initial_state(1)
    )
    powers = np.exp(expected[0, -1].astype(np.float64))
    np.testing.assert_allclose(names["predict"](known), powers / powers.sum(), rtol=1e-4)


def test_the_bytes_shown_in_the_page_of_the_format_are_those_of_the_example() -> None:
    content = (ROOT / "tests/data/models/format-2/smallest.safetensors").read_bytes()
    shown = re.findall(
        r"^([0-9a-f]{8}): ((?:[0-9a-f]{2} ?)+)", "".join(blocks(ROOT / "docs/model-file.md", "text")), re.M
    )
    assert len(shown) > 3
    for offset, digits in shown:
        expected = bytes.fromhex(digits)
        assert content[int(offset, 16) :][: len(expected)] == expected


def test_the_constants_in_the_page_about_learning_are_those_of_the_plan() -> None:
    page = (ROOT / "docs/learning.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| ([^|]+) \|", page, re.M)
    imported = vars(architecture)
    constants = {
        name: value
        for module in (chooser, default_recipe, pace, plan, validation)
        for name, value in vars(module).items()
        if name.isupper() and not name.startswith("_") and name not in imported
    }
    assert {name: ast.literal_eval(value) for name, value in rows} == constants
