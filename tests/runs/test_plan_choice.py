"""The plan of a run."""

from pathlib import Path

import pytest

from nextchar.errors import TextError
from nextchar.runs.folder import RunFolder
from nextchar.runs.plan_choice import choose_plan, evaluations_of, plan_of_run
from nextchar.runs.run import Run
from nextchar.runs.run_settings import MAX_EVALUATIONS, RunSettings, plan_of
from nextchar.runs.texts import Texts
from nextchar.runs.trainers import choose_compute
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus import Corpus
from nextchar.text.corpus_cache import encode_corpus
from nextchar.text.files import open_text
from nextchar.training.feeding import Lines, Streams, Windows
from nextchar.training.plan import ChosenPlan
from tests.command import made_up_text

TINY = TrainingSettings(hidden=16, streams=4, window=16, threads=1, sample_length=10, steps=2, evaluations=1)
NAMES = "".join(f"{name}\n" for name in ("ada", "bert", "cleo", "dora", "emil") for _ in range(40))


def corpus_of(folder: Path, text: str, **settings: object) -> Corpus:
    (folder / "text.txt").write_text(text)
    chosen = TextSettings.model_validate(settings)
    return encode_corpus([open_text(folder / "text.txt")], chosen, cache_folder=folder / "cache")


def run_of(folder: Path, text: str, **training: object) -> RunSettings:
    """Return the settings of a run on ``text``."""
    (folder / "book.txt").write_text(text)
    asked = TINY.model_copy(update=training)
    run = Run.new(RunFolder(folder / "run"), Texts((str(folder / "book.txt"),), TextSettings()), asked, cache=folder)
    list(run.events())
    return RunFolder(folder / "run").settings()


def test_a_plan_fits_the_kind_of_text(tmp_path: Path) -> None:
    compute = choose_compute(TINY)
    prose = choose_plan(corpus_of(tmp_path, made_up_text()), TINY, compute).plan
    assert prose.feeding == Streams(batch=4, window=16)
    corpus = corpus_of(tmp_path, NAMES, lines=True)
    listed = choose_plan(corpus, TINY, compute).plan
    assert corpus.line_end is not None
    assert listed.feeding == Lines.instead_of(Streams(batch=4, window=16), corpus.training, corpus.line_end)
    assert listed.shards <= listed.feeding.batch


def test_the_plan_of_another_run_is_taken_as_it_is(tmp_path: Path) -> None:
    run = run_of(tmp_path, made_up_text())
    taken = plan_of_run(run, corpus_of(tmp_path, made_up_text() * 2))
    assert taken == ChosenPlan(plan_of(run), None)


def test_windows_are_those_of_the_text(tmp_path: Path) -> None:
    run = run_of(tmp_path, made_up_text(), recipe="classic", streams=None, window=None)
    corpus = corpus_of(tmp_path, made_up_text() * 2, validation=0)
    feeding = plan_of_run(run, corpus).plan.feeding
    assert isinstance(feeding, Windows)
    assert feeding.count == (len(corpus.training) - feeding.window + feeding.stride - 1) // feeding.stride
    with pytest.raises(TextError, match=f"windows of {feeding.window}: give a longer text"):
        plan_of_run(run, corpus_of(tmp_path, made_up_text()[:50], validation=0))


def test_a_plan_for_running_text_is_not_for_a_list(tmp_path: Path) -> None:
    run = run_of(tmp_path, made_up_text())
    with pytest.raises(TextError, match="give --prose"):
        plan_of_run(run, corpus_of(tmp_path, NAMES, lines=True))


def test_a_run_is_scored_after_each_pass_over_windows_else_by_its_time(tmp_path: Path) -> None:
    plan = plan_of(run_of(tmp_path, made_up_text()))
    assert [evaluations_of(ChosenPlan(plan, seconds)) for seconds in (None, 1, 60, 10_000)] == [8, 4, 6, 12]
    windows = plan.model_copy(update={"feeding": Windows(batch=8, window=16, stride=4, count=80), "steps": 25})
    assert windows.feeding.epoch_steps == 10
    assert evaluations_of(ChosenPlan(windows, 60)) == 3
    assert evaluations_of(ChosenPlan(windows.model_copy(update={"steps": 10**9}), 60)) == MAX_EVALUATIONS
