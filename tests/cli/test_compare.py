"""`nextchar compare`: runs beside each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from nextchar.cli import main
from nextchar.cli.compare import MAX_BESIDE
from nextchar.model.language_model import LanguageModel
from nextchar.runs.screen import cell_width
from tests.command import Outcome, assert_refused
from tests.runs.test_comparison import changed, make_run
from tests.small_networks import ALPHABET, random_text


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command in this process."""

    def run(*arguments: object) -> Outcome:
        status = main(["compare", *map(str, arguments)])
        shown = capsys.readouterr()
        return Outcome(status, shown.out, shown.err)

    return run


@pytest.fixture
def runs(tmp_path: Path) -> list[Path]:
    return [make_run(tmp_path / "one"), make_run(tmp_path / "two", changed(hidden=(16,)), finished=False)]


def test_results_settings_and_samples_are_shown(compare: Callable[..., Outcome], runs: list[Path]) -> None:
    outcome = compare(*runs, "--length", 20)
    assert (outcome.status, outcome.stderr) == (0, "")
    lines = outcome.stdout.splitlines()
    assert lines[0] == f"A  {runs[0]}"
    assert lines[1] == f"B  {runs[1]} (not finished: step 1 of 40)"
    words = [line.split() for line in lines]
    assert ["bits", "per", "character", "2.600", "2.600"] in words
    assert ["training", "41.0", "s", "10.2", "s"] in words
    assert ["hidden", "8", "16"] in words
    assert 'After "the fox" at temperature 0.5, with the seed 0:' in lines
    text = LanguageModel.load(runs[0]).generate("the fox", length=20, seed=0)
    assert text.splitlines()[0].strip() in outcome.stdout
    assert "cannot be compared" not in outcome.stdout


def test_json_is_one_object(compare: Callable[..., Outcome], runs: list[Path]) -> None:
    outcome = compare(*runs, "--json", "--prompt", "an old", "--seed", 4, "--length", 5, "--temperature", 1)
    values = json.loads(outcome.stdout)
    assert [run["name"] for run in values["runs"]] == [str(run) for run in runs]
    assert [run["finished"] for run in values["runs"]] == [True, False]
    assert values["differing_settings"] == {"hidden": [[8], [16]]}
    assert values["prompt"] == "an old"
    model = LanguageModel.load(runs[0])
    assert values["runs"][0]["sample"] == model.generate("an old", length=5, seed=4, temperature=1.0)
    assert values["scores"] is None


def test_all_are_scored_on_one_text(compare: Callable[..., Outcome], runs: list[Path], tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(random_text(ALPHABET, 2100))
    outcome = compare(*runs, "--text", text, "--length", 0)
    assert outcome.status == 0
    assert f"On {text}, 2,100 characters:" in outcome.stdout
    assert "10 blocks of 200 characters" in outcome.stdout.replace("\n", " ")
    assert "After" not in outcome.stdout
    values = json.loads(compare(*runs, "--text", text, "--length", 0, "--json").stdout)
    expected = LanguageModel.load(runs[0]).bits_per_character(text.read_text())
    assert values["scores"]["scores"][0]["bits_per_character"] == pytest.approx(expected, rel=1e-5)


def test_scores_on_different_texts_come_with_a_warning(compare: Callable[..., Outcome], tmp_path: Path) -> None:
    runs = [make_run(tmp_path / "one"), make_run(tmp_path / "two", corpus_sha256="cd" * 32)]
    outcome = compare(*runs, "--length", 0)
    assert "held-out texts are not the same, so the bits cannot be compared" in outcome.stdout.replace("\n", " ")
    assert "All settings are the same." in outcome.stdout


def test_six_runs_fit_and_more_go_below(compare: Callable[..., Outcome], tmp_path: Path) -> None:
    runs = [make_run(tmp_path / str(n), changed(hidden=(64 + n, 64))) for n in range(MAX_BESIDE + 1)]
    outcome = compare(*runs, "--length", 0)
    table = outcome.stdout.splitlines()[len(runs) :]
    assert all(cell_width(line) <= 80 for line in table)
    assert [line.split() for line in table if line.split()[:1] in (["A"], ["G"])] == 2 * [list("ABCDEF"), ["G"]]


def test_a_page_is_written(compare: Callable[..., Outcome], runs: list[Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert compare(*runs, "--html", page).status == 0
    assert "runs beside each other" in page.read_text(encoding="utf-8")


def test_no_sample_commands_the_terminal(compare: Callable[..., Outcome], runs: list[Path]) -> None:
    outcome = compare(*runs, "--prompt", "a\x1b[31m", "--length", 1)
    assert "\x1b" not in outcome.stdout
    assert "a<U+001B>[31m" in outcome.stdout


@pytest.fixture
def one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The current folder holds a run and an empty folder."""
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "one")
    (tmp_path / "empty").mkdir()


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ([], 2, "0 runs cannot be compared: name 2 to 12 run folders"),
        (["one"], 2, "One run cannot be compared"),
        (["one"] * 13, 2, "13 runs cannot be compared"),
        (["one", "nowhere"], 1, "There is no model nowhere"),
        (["one", "empty"], 1, "holds no run"),
        (["one", "one", "--html", "page.txt"], 2, "should end in .html"),
        (["one", "one", "--text", "nowhere.txt"], 1, "nowhere.txt"),
    ],
)
@pytest.mark.usefixtures("one_run")
def test_what_cannot_be_compared_gets_a_sentence(
    compare: Callable[..., Outcome], arguments: list[str], status: int, words: str
) -> None:
    assert_refused(compare(*arguments), status, words)


def test_a_damaged_run_is_named(compare: Callable[..., Outcome], runs: list[Path]) -> None:
    (runs[1] / "model.safetensors").write_bytes(b"damaged")
    assert_refused(compare(*runs), 1, "two")
    (runs[0] / "settings.json").write_text('{"format": 99, "written_by": "nextchar 9.0"}')
    assert_refused(compare(*runs), 1, "nextchar 9.0")
