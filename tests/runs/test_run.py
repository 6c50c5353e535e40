"""A run as events and files, interrupted wherever it can be."""

import json
import random
import shutil
from dataclasses import replace
from itertools import count, islice
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import RunFolderError, TextError, TrainingError
from nextchar.model.generation import generate_ids
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.networks.engine import make_network
from nextchar.randomness import random_stream
from nextchar.runs.folder import RunFolder
from nextchar.runs.run import Run
from nextchar.runs.run_settings import plan_of
from nextchar.runs.texts import Texts
from nextchar.settings import SamplingSettings, TextSettings, TrainingSettings
from nextchar.training.events import (
    Evaluated,
    Event,
    Finished,
    Note,
    Planned,
    Progress,
    Revised,
    Sampled,
    Saved,
    TextRead,
    Writing,
)
from nextchar.training.feeding import Streams, Windows
from nextchar.training.plan import Revision
from tests.command import made_up_text

TINY = TrainingSettings(
    hidden=16, streams=4, window=16, threads=1, sample_length=10, steps=40, evaluations=2, memory=False
)


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    """What the runs here learn from."""
    path = tmp_path / "book.txt"
    path.write_text(made_up_text())
    return Texts((str(path),), TextSettings())


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """Where the runs here are kept."""
    return RunFolder(tmp_path / "run")


def begin(folder: RunFolder, texts: Texts, cache: Path, training: TrainingSettings = TINY) -> Run:
    return Run.new(folder, texts, training, cache=cache)


def resume(folder: RunFolder, cache: Path) -> list[Event]:
    return list(Run.resume(folder, cache=cache).events())


def final_weights(folder: RunFolder) -> dict[str, bytes]:
    checkpoint = folder.checkpoint()
    assert checkpoint is not None
    assert checkpoint.state.step == 40
    return {name: array.tobytes() for name, array in checkpoint.arrays.items()}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """State at the end of a run that nothing happened to."""
    place = tmp_path_factory.mktemp("undisturbed")
    (place / "book.txt").write_text(made_up_text())
    folder = RunFolder(place / "run")
    list(begin(folder, Texts((str(place / "book.txt"),), TextSettings()), place / "cache").events())
    return final_weights(folder)


def test_the_log_holds_all_but_what_passes(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    events = list(begin(folder, texts, tmp_path / "cache").events())
    assert [type(event) for event in events[:2]] == [TextRead, Planned]
    assert isinstance(events[-1], Finished)
    assert folder.events() == [event for event in events if not isinstance(event, Progress | Writing)]
    assert folder.model_path.exists()
    assert (folder.path / "samples.md").read_text().count("## Step") == 2
    finished = events[-1]
    provenance = ModelFile.load(folder.model_path).provenance
    assert finished.validation_bits_per_character == provenance.validation_bits_per_character
    best = max(event.step for event in events if isinstance(event, Evaluated) and event.best)
    assert finished.best_step == provenance.step == best


def test_the_figure_of_a_run_is_that_of_its_model_unknown_characters_and_all(folder: RunFolder, tmp_path: Path) -> None:
    content = made_up_text()
    held_out = content[-len(content) // 10 :].replace("t", "\u00e9")
    (tmp_path / "book.txt").write_text(content[: -len(held_out)] + held_out)
    *_, finished = begin(folder, Texts((str(tmp_path / "book.txt"),), TextSettings()), tmp_path / "cache").events()
    assert isinstance(finished, Finished)
    scored = LanguageModel.load(folder.path).evaluate(held_out)
    assert scored.unknown_characters > len(held_out) / 50
    # But for the first character, which the run predicts from the last one before it.
    assert finished.validation_bits_per_character == pytest.approx(scored.bits_per_character, abs=10 / len(held_out))


def test_a_number_of_steps_fitted_to_the_time_is_written_down(
    folder: RunFolder, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that seemed slow: the run makes more steps, and its plan gives the same weights again."""
    monkeypatch.setattr("nextchar.training.measurement.measure_step", lambda *_: 0.1)
    monkeypatch.setattr("nextchar.training.trainer.PROGRESS_SECONDS", 0.0)
    monkeypatch.setattr("nextchar.training.chooser.SHORT_TEXT_MAX_EPOCHS", 3)
    training = TINY.model_copy(update={"steps": None, "time": 12.0})
    events = list(begin(folder, texts, tmp_path / "cache", training).events())
    (planned,) = (event for event in events if isinstance(event, Planned))
    (revised,) = (event for event in events if isinstance(event, Revised))
    budget = folder.settings().budget
    assert budget is not None
    assert (planned.plan.steps, revised.planned_steps, revised.steps) == (118, 118, budget.max_steps)
    assert folder.settings().plan == planned.plan.revised(revised.step, revised.steps)
    assert plan_of(folder.settings()).model_dump(mode="json") == ModelFile.load(folder.model_path).provenance.plan
    assert isinstance(events[-1], Finished)
    assert events[-1].step == budget.max_steps == 253
    assert_followed(folder, texts, tmp_path)


def assert_followed(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    """Check that the plan of the run in ``folder`` gives its weights again, bit for bit."""
    again = RunFolder(tmp_path / "again")
    training = TrainingSettings(sample_length=10, evaluations=2, memory=False)
    list(Run.new(again, texts, training, like=folder, cache=tmp_path / "cache").events())
    mine, theirs = folder.checkpoint(), again.checkpoint()
    assert mine is not None
    assert theirs is not None
    assert mine.arrays.keys() == theirs.arrays.keys()
    for name, array in mine.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)
    assert again.settings().budget is None


@pytest.mark.parametrize("saves", [True, False], ids=["stopped", "killed"])
def test_a_resumed_run_goes_on_to_follow_the_clock(
    saves: bool, folder: RunFolder, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that seemed far too fast, and a run that ends at its first revision."""
    monkeypatch.setattr("nextchar.training.measurement.measure_step", lambda *_: 1e-6)
    monkeypatch.setattr("nextchar.training.chooser.SHORT_TEXT_MAX_EPOCHS", 10_000)
    training = TINY.model_copy(update={"steps": None, "time": 1.0})
    run = begin(folder, texts, tmp_path / "cache", training).events()
    first = next(event for event in run if isinstance(event, Revised))
    if not saves:  # what a kill leaves
        folder = RunFolder(shutil.copytree(folder.path, tmp_path / "killed"))
    run.close()  # type: ignore[attr-defined]
    stopped = folder.settings()
    assert plan_of(stopped).revisions == (Revision(step=first.step, planned_steps=first.planned_steps),)
    assert isinstance(resume(folder, tmp_path / "cache")[-1], Finished)
    settings = folder.settings()
    assert settings.budget == stopped.budget
    assert plan_of(settings).revisions[:1] == plan_of(stopped).revisions
    assert plan_of(settings).steps < first.planned_steps
    revised = [event for event in folder.events() if isinstance(event, Revised)]
    assert [event.step for event in revised] == [revision.step for revision in plan_of(settings).revisions]
    assert_followed(folder, texts, tmp_path)


def test_asked_to_stop_it_saves_and_can_be_resumed(
    folder: RunFolder, texts: Texts, tmp_path: Path, weights: dict[str, bytes]
) -> None:
    questions = count()
    events = list(begin(folder, texts, tmp_path / "cache").events(lambda: next(questions) >= 12))
    assert isinstance(events[-1], Finished)
    assert events[-1].interrupted
    assert 0 < events[-1].step < 40
    assert not isinstance(resume(folder, tmp_path / "cache")[0], TextRead)
    assert final_weights(folder) == weights


def test_asked_to_stop_while_it_prepares_it_can_still_begin(
    folder: RunFolder, texts: Texts, tmp_path: Path, weights: dict[str, bytes]
) -> None:
    events = list(begin(folder, texts, tmp_path / "cache").events(lambda: True))
    assert isinstance(events[-1], Planned)
    assert folder.checkpoint() is None
    assert resume(folder, tmp_path / "cache")[0] == Note(message="Continuing at step 0 of 40.")
    assert final_weights(folder) == weights


@pytest.mark.parametrize("moment", [0, 1, 2, 5, 9, 14, 20])
def test_broken_off_at_any_event_it_saves_and_can_be_resumed(
    moment: int, folder: RunFolder, texts: Texts, tmp_path: Path, weights: dict[str, bytes]
) -> None:
    run = begin(folder, texts, tmp_path / "cache")
    events = run.events()
    for _ in range(moment + 1):
        next(events)
    events.close()  # type: ignore[attr-defined]
    if run.has_begun:
        resume(folder, tmp_path / "cache")
    else:
        list(begin(folder, texts, tmp_path / "cache").events())
    assert final_weights(folder) == weights


def test_it_saves_as_often_as_asked(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    ticks = count()
    often = TINY.model_copy(update={"save_every": 1.0, "evaluations": 1})
    run = Run.new(folder, texts, often, cache=tmp_path / "cache", clock=lambda: float(next(ticks)))
    saved = [event.step for event in run.events() if isinstance(event, Saved)]
    assert saved == sorted(set(saved))
    assert len(saved) >= 15
    assert saved[-1] == 40


def test_a_folder_in_use_or_not_free_is_refused(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    first = begin(folder, texts, tmp_path / "cache").events()
    next(first)
    with pytest.raises(RunFolderError, match="in use"):
        next(begin(folder, texts, tmp_path / "cache").events())
    first.close()  # type: ignore[attr-defined]
    assert not folder.path.exists()


def test_a_run_that_does_not_begin_leaves_no_folder(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(TextError):
        list(begin(folder, Texts((str(tmp_path / "nowhere"),), TextSettings()), tmp_path / "cache").events())
    assert not folder.path.exists()
    folder.path.mkdir()
    (folder.path / "mine.txt").write_text("keep me")
    with pytest.raises(TextError):
        list(begin(folder, Texts((str(tmp_path / "nowhere"),), TextSettings()), tmp_path / "cache").events())
    assert (folder.path / "mine.txt").read_text() == "keep me"


def test_training_that_cannot_go_on_leaves_its_best_model(
    folder: RunFolder, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nextchar.training.recovery.DIVERGENCE", -100.0)
    monkeypatch.setattr("nextchar.training.recovery.SAME", 0.0)
    monkeypatch.setattr("nextchar.training.recovery.MAX_RECOVERIES", 1)
    with pytest.raises(TrainingError, match="lower --learning-rate"):
        list(begin(folder, texts, tmp_path / "cache").events())
    assert ModelFile.load(folder.model_path).lstm_for("A test")[0].hidden == (16,)
    assert folder.checkpoint() is not None
    with folder.lock(new=False):
        pass


def test_without_a_folder_nothing_is_kept(texts: Texts, tmp_path: Path) -> None:
    run = Run.new(None, texts, TINY, cache=tmp_path / "cache")
    events = list(run.events())
    assert isinstance(events[-1], Finished)
    assert run.model.provenance.step == events[-1].best_step
    assert {path.name for path in tmp_path.iterdir()} == {"book.txt", "cache"}


def classic(folder: RunFolder, texts: Texts, cache: Path) -> Run:
    training = TrainingSettings(recipe="classic", hidden=8, window=20, streams=64, epochs=2, sample_length=15)
    return Run.new(folder, texts, training, cache=cache)


def test_the_classic_recipe_writes_after_each_pass_from_the_text_that_the_example_picks(
    folder: RunFolder, texts: Texts, tmp_path: Path
) -> None:
    text = Path(texts.names[0]).read_text(encoding="utf-8")
    generator = random.Random(42)
    start = generator.randint(0, len(text) - 20 - 1)
    events = list(classic(folder, texts, tmp_path / "cache").events())
    planned = next(event for event in events if isinstance(event, Planned))
    assert isinstance(planned.plan.feeding, Windows)
    assert planned.plan.feeding.count == len(range(0, len(text) - 20, 3))
    evaluated = [event for event in events if isinstance(event, Evaluated)]
    assert [event.epoch for event in evaluated] == [1, 2]
    assert {event.validation_bits_per_character for event in evaluated} == {None}
    samples = [event for event in events if isinstance(event, Sampled)]
    assert [sample.temperature for sample in samples] == [0.2, 0.5, 1.0, 1.2] * 2
    assert {sample.prompt for sample in samples} == {text[start : start + 20]}
    written = "".join(event.text for event in events if isinstance(event, Writing))
    assert written == "".join(sample.text for sample in samples)
    assert {len(sample.text) for sample in samples} == {15}


def test_samples_are_what_the_seed_of_the_run_draws(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    run = begin(folder, texts, tmp_path / "cache")
    samples = [event for event in run.events() if isinstance(event, Sampled)]
    trainer, vocabulary = run._ready().trainer, run.model.vocabulary
    network = make_network(trainer.architecture, trainer.parameters())
    for sample in samples[-4:]:
        assert sample.step == trainer.state.step
        sampling = SamplingSettings(temperature=sample.temperature)
        random = random_stream(TINY.seed, "sampling")
        ids = generate_ids(network, vocabulary.encode(sample.prompt), sampling, random, vocabulary.never_drawn)
        assert sample.text == vocabulary.decode(list(islice(ids, 10)))


def test_the_classic_recipe_resumes_exactly(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    whole = classic(RunFolder(tmp_path / "whole"), texts, tmp_path / "cache")
    list(whole.events())
    part = classic(folder, texts, tmp_path / "cache")
    list(part.events(stop=lambda: part.has_begun and part._ready().trainer.state.step >= 30))
    again = Run.resume(folder, cache=tmp_path / "cache")
    list(again.events())
    for name, array in whole.model.file.parameters.items():
        np.testing.assert_array_equal(again.model.file.parameters[name], array)


def test_the_plan_of_a_classic_run_gives_the_same_weights_again(
    folder: RunFolder, texts: Texts, tmp_path: Path
) -> None:
    whole = classic(folder, texts, tmp_path / "cache")
    list(whole.events())
    again = Run.new(None, texts, TINY, like=folder, cache=tmp_path / "cache")
    list(again.events())
    assert again.model.vocabulary == whole.model.vocabulary
    for name, array in whole.model.file.parameters.items():
        np.testing.assert_array_equal(again.model.file.parameters[name], array)


def test_ended_before_its_first_evaluation_a_run_has_told_its_text_and_plan(
    folder: RunFolder, texts: Texts, tmp_path: Path
) -> None:
    """Whoever kills it reads no further event: that is like never asking for one more."""
    events = begin(folder, texts, tmp_path / "cache").events()
    told = [next(events), next(events)]
    assert isinstance(next(events), Progress)
    assert folder.events() == told
    assert [type(event) for event in told] == [TextRead, Planned]
    events.close()  # type: ignore[attr-defined]


def test_interrupted_while_it_writes_samples_a_run_writes_them_again(
    folder: RunFolder, texts: Texts, tmp_path: Path, weights: dict[str, bytes]
) -> None:
    whole = [event for event in begin(folder, texts, tmp_path / "cache").events() if isinstance(event, Sampled)]
    again = RunFolder(tmp_path / "again")
    run = begin(again, texts, tmp_path / "cache").events()
    for event in run:
        if isinstance(event, Sampled):
            break
    run.close()  # type: ignore[attr-defined]
    resume(again, tmp_path / "cache")
    assert [event for event in again.events() if isinstance(event, Sampled)] == whole
    assert final_weights(again) == weights


def test_what_a_resume_does_not_know_in_the_log_stays(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    list(begin(folder, texts, tmp_path / "cache").events())
    log = folder.path / "events.jsonl"
    before = log.read_bytes()
    odd = b'{"event":"dance"}\n{"event":"saved","step":40,"mood":"fine"}\nmy own note \xff'
    log.write_bytes(odd.replace(b"\n", b"\r\n") + b"\n" + before + odd)
    resume(folder, tmp_path / "cache")
    after = log.read_bytes()
    head, rest = after.split(b"\n", 1)
    assert json.loads(head)["event"] == "log"
    assert rest.startswith(odd.replace(b"\n", b"\r\n") + b"\n")
    assert b"\n" + odd + b"\n" in after
    assert [event for event in folder.events() if not isinstance(event, Note)][:2] == folder.events()[:2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hidden": (8,)}, r"'weights/embedding|'weights/layer0.* by the plan it should be float32 of shape"),
        ({"hidden": (8192,) * 8}, "by the plan it should be float32 of shape"),
        ({"steps": 30}, "its step, 40, is after the last step of the plan, 30"),
        ({"feeding": Streams(batch=5, window=16)}, "'shard0/cell/0' is float32 of shape"),
        ({"optimizer": "rmsprop"}, "'optimizer/.*missing"),
        (
            {"feeding": Windows(batch=4, window=16, stride=3, count=10)},
            "its plan has 10 windows, but its text does not",
        ),
    ],
)
def test_a_state_that_does_not_fit_the_plan_is_said_so(
    finished: RunFolder, change: dict, words: str, tmp_path: Path
) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path)
    settings = run.settings()
    run.save_settings(settings.model_copy(update={"plan": plan_of(settings).model_copy(update=change)}))
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(RunFolderError, match=words):
        resume(run, finished.path.parent / "cache")
    assert {path: path.read_bytes() for path in before} == before


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run that came to its end."""
    place = tmp_path_factory.mktemp("finished")
    (place / "book.txt").write_text(made_up_text())
    folder = RunFolder(place / "run")
    list(begin(folder, Texts((str(place / "book.txt"),), TextSettings()), place / "cache").events())
    return folder


def test_a_random_state_that_is_none_of_torch_s_is_said_so(finished: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    shutil.copytree(finished.path, run.path)
    checkpoint = run.checkpoint()
    assert checkpoint is not None
    random_state = np.full_like(checkpoint.arrays["shard0/random"], 255)
    run.save_checkpoint(replace(checkpoint, arrays={**checkpoint.arrays, "shard0/random": random_state}))
    with pytest.raises(RunFolderError, match="its random state is not one of torch's"):
        resume(run, finished.path.parent / "cache")


def test_a_run_whose_text_moved_goes_on_from_where_it_is_now(
    folder: RunFolder, texts: Texts, tmp_path: Path, weights: dict[str, bytes]
) -> None:
    questions = count()
    list(begin(folder, texts, tmp_path / "cache").events(lambda: next(questions) >= 12))
    moved = Path(texts.names[0]).rename(tmp_path / "moved.txt")
    with pytest.raises(TextError, match=r"--resume RUN --text PATH"):
        resume(folder, tmp_path / "empty")
    list(Run.resume(folder, moved=[str(moved)], cache=tmp_path / "empty").events())
    assert folder.settings().corpus == (str(moved),)
    assert final_weights(folder) == weights


def test_a_memory_is_blended_in_and_told(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    training = TINY.model_copy(update={"memory": True})
    events = list(begin(folder, texts, tmp_path / "cache", training).events())
    finished, file = events[-1], ModelFile.load(folder.model_path)
    assert isinstance(finished, Finished)
    assert file.has_memory
    assert finished.validation_bits_per_character == file.provenance.validation_bits_per_character
    assert finished.network_bits_per_character == file.provenance.network_bits_per_character
    best = min(e.validation_bits_per_character or 9 for e in events if isinstance(e, Evaluated))
    assert finished.network_bits_per_character == pytest.approx(best)
    assert finished.validation_bits_per_character is not None
    assert finished.validation_bits_per_character < best - 0.3
    held_out = Path(texts.names[0]).read_text(encoding="utf-8")[-600:]
    told = LanguageModel(file).bits_per_character(held_out)
    assert told == pytest.approx(finished.validation_bits_per_character, abs=0.1)


def test_a_memory_changes_nothing_in_the_network_and_survives_an_interruption(
    folder: RunFolder, texts: Texts, weights: dict[str, bytes], tmp_path: Path
) -> None:
    training = TINY.model_copy(update={"memory": True})
    events = begin(folder, texts, tmp_path / "cache", training).events()
    list(islice(events, 12))
    del events
    assert ModelFile.load(folder.model_path).has_memory
    resume(folder, tmp_path / "cache")
    assert final_weights(folder) == weights
    other = RunFolder(tmp_path / "other")
    list(begin(other, texts, tmp_path / "cache", training).events())
    first, second = (ModelFile.load(run.model_path).parameters for run in (folder, other))
    assert {n: a.tobytes() for n, a in first.items()} == {n: a.tobytes() for n, a in second.items()}


def test_a_text_of_many_lines_has_the_scores_of_held_out_ones(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    lines = "".join(f"line {number * 7919 % 1000} of many\n" for number in range(1500))
    Path(texts.names[0]).write_bytes(lines.encode())
    list(begin(folder, texts, tmp_path / "cache", TINY.model_copy(update={"steps": 4})).events())
    found = ModelFile.load(folder.model_path).provenance.held_out_lines
    assert found is not None
    assert found.lines == pytest.approx(148, abs=2)


def test_too_little_held_out_text_gives_no_memory_and_says_so(folder: RunFolder, texts: Texts, tmp_path: Path) -> None:
    few = replace(texts, settings=TextSettings(validation=0.02))
    events = list(begin(folder, few, tmp_path / "cache", TINY.model_copy(update={"memory": True})).events())
    assert any(isinstance(e, Note) and "no memory: 120 characters are held out" in e.message for e in events)
    assert not ModelFile.load(folder.model_path).has_memory


@pytest.mark.parametrize("kept", [True, False])
def test_the_training_text_is_in_the_model_if_it_is_kept(
    folder: RunFolder, texts: Texts, tmp_path: Path, kept: bool
) -> None:
    training = TINY.model_copy(update={"steps": 3, "keep_text": kept, "memory": False})
    list(begin(folder, texts, tmp_path / "cache", training).events())
    model = LanguageModel.load(folder.model_path)
    assert (model.file.text is not None) == kept
    if kept:
        whole = Path(texts.names[0]).read_text(encoding="utf-8")
        source = model.source_text
        assert model.vocabulary.decode(source.ids) == whole[: len(source.ids)]
        assert source.place(0).name == Path(texts.names[0]).name
