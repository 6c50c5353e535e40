"""A run on a list: noticed, learned line by line, resumed, and what its model is."""

from __future__ import annotations

import random
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import TextError, UsageError
from nextchar.model.language_model import LanguageModel
from nextchar.runs.counting_run import new_run, resume_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.events import Finished, Note, Planned, Sampled, Saved, TextRead
from nextchar.training.feeding import Lines

TINY = TrainingSettings(hidden=16, streams=8, window=16, threads=1, sample_length=40, steps=60, evaluations=2)
SYLLABLES = ("ka", "mi", "ro", "ne", "sa", "tu")


def made_up_names(count: int = 800) -> list[str]:
    chance = random.Random(0)
    return ["".join(chance.choices(SYLLABLES, k=chance.randint(2, 4))) for _ in range(count)]


@pytest.fixture
def names(tmp_path: Path) -> Path:
    """A list of names."""
    path = tmp_path / "names.txt"
    path.write_text("\n".join(made_up_names()), encoding="utf-8")
    return path


def events_of(folder: RunFolder, names: Path, cache: Path, training: TrainingSettings = TINY, **text: object) -> list:
    texts = Texts((str(names),), TextSettings.model_validate(text))
    return [*new_run(folder, texts, training, cache=cache).events()]


def test_a_list_is_noticed_and_learned_line_by_line(names: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    events = events_of(folder, names, tmp_path / "cache")
    assert any(isinstance(event, Note) and "is a list" in event.message for event in events)
    (read,) = (event for event in events if isinstance(event, TextRead))
    assert read.lines == 800
    (planned,) = (event for event in events if isinstance(event, Planned))
    assert isinstance(planned.plan.feeding, Lines)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.characters_per_line == pytest.approx(7, abs=1)
    assert folder.settings().text.lines is True
    samples = [event for event in events if isinstance(event, Sampled)]
    assert samples
    assert all(sample.prompt == "" for sample in samples)


def test_its_model_reads_each_line_by_itself_and_keeps_all_of_them(names: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    events_of(folder, names, tmp_path / "cache")
    model = LanguageModel.load(folder.path)
    assert model.is_of_lines
    first, second = "karo\n", "mine\n"
    alone = [model.surprises(line) for line in (first, second)]
    np.testing.assert_allclose(model.surprises(first + second), np.concatenate(alone), atol=1e-4)
    kept = model.source_text
    assert sorted(kept.vocabulary.decode(kept.ids).splitlines()) == sorted(made_up_names())
    provenance = model.provenance
    assert provenance.network_bits_per_character is not None
    assert provenance.validation_bits_per_character is not None
    assert provenance.validation_bits_per_character < 2
    with pytest.raises(UsageError, match="trained on a list"):
        model.surprises(first, adapt="counts")
    with pytest.raises(UsageError, match="trained on a list"):
        model.generate("ka", adapt=True)


def test_evaluating_a_list_counts_its_lines_and_its_parts(names: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    events_of(folder, names, tmp_path / "cache")
    evaluation = LanguageModel.load(folder.path).evaluate("karo\nmine\n", parts=True)
    assert evaluation.lines == 2
    assert evaluation.network_bits_per_character is not None
    assert evaluation.counts_bits_per_character is not None


def test_resumed_it_ends_as_if_undisturbed(names: Path, tmp_path: Path) -> None:
    whole, cut = RunFolder(tmp_path / "whole"), RunFolder(tmp_path / "cut")
    events_of(whole, names, tmp_path / "cache")
    run = new_run(cut, Texts((str(names),), TextSettings()), TINY, cache=tmp_path / "cache")
    list(takewhile(lambda event: not isinstance(event, Saved), run.events()))
    assert cut.checkpoint() is not None
    list(resume_run(cut, cache=tmp_path / "cache").events())
    mine, theirs = (LanguageModel.load(folder.path).file for folder in (cut, whole))
    assert mine.parameters.keys() == theirs.parameters.keys()
    for name, array in theirs.parameters.items():
        np.testing.assert_array_equal(mine.parameters[name], array, err_msg=name)


def test_as_prose_it_is_learned_as_it_stands(names: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    events = events_of(folder, names, tmp_path / "cache", lines=False)
    assert not any(isinstance(event, Note) and "is a list" in event.message for event in events)
    assert not LanguageModel.load(folder.path).is_of_lines


def test_counts_alone_read_lists_too(names: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    events_of(folder, names, tmp_path / "cache", TrainingSettings(recipe="counts", sample_length=40))
    model = LanguageModel.load(folder.path)
    assert model.is_of_lines
    np.testing.assert_allclose(
        model.surprises("karo\nmine\n"),
        np.concatenate([model.surprises("karo\n"), model.surprises("mine\n")]),
        atol=1e-5,
    )


def test_the_classic_recipe_refuses_lists(names: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="leave --lines out"):
        events_of(
            RunFolder(tmp_path / "run"), names, tmp_path / "cache", TrainingSettings(recipe="classic"), lines=True
        )


def test_a_plan_for_lists_is_for_lists(names: Path, tmp_path: Path) -> None:
    folder, cache = RunFolder(tmp_path / "run"), tmp_path / "cache"
    events_of(folder, names, cache)
    texts = Texts((str(names),), TextSettings(lines=False))
    with pytest.raises(TextError, match="--lines"):
        list(new_run(RunFolder(tmp_path / "other"), texts, TINY, like=folder, cache=cache).events())
    again = RunFolder(tmp_path / "again")
    list(new_run(again, Texts((str(names),), TextSettings()), TINY, like=folder, cache=cache).events())
    assert again.settings().plan == folder.settings().plan


def test_with_labels_a_model_writes_an_entry_of_a_kind(tmp_path: Path) -> None:
    chance, rows = random.Random(1), ["name,kind"]
    for _ in range(800):
        kind, syllables = chance.choice([("elf", ("la", "el", "fi")), ("orc", ("zug", "nak", "gor"))])
        rows.append(f"{''.join(chance.choices(syllables, k=3))},{kind}")
    (tmp_path / "people.csv").write_text("\n".join([*rows, "unlabelled,"]), encoding="utf-8")
    folder, training = RunFolder(tmp_path / "run"), TINY.model_copy(update={"steps": 150, "learning_rate": 0.03})
    events = events_of(
        folder, tmp_path / "people.csv", tmp_path / "cache", training, column="name", label_column="kind"
    )
    assert any(isinstance(event, Note) and "without a text and a label" in event.message for event in events)
    model = LanguageModel.load(folder.path)
    assert sorted(model.provenance.labels) == ["elf", "orc"]
    for label, letters in (("elf", set("laefi")), ("orc", set("zugnakor"))):
        for seed in range(5):
            written = model.generate(model.labelled(label), length=30, temperature=0.5, seed=seed, stop="\n")
            assert written
            assert set(written) <= letters
        entries = [entry.text for entry in model.list(count=20, label=label, unique=True, new=True, seed=1)]
        assert len(entries) == 20
        assert set("".join(entries)) <= letters
        best, second = model.list(count=2, label=label, best=True)
        assert best.bits <= second.bits
        assert best.bits == pytest.approx(model.surprises(f"{label}\t{best.text}\n")[len(label) + 1 :].sum(), abs=1e-3)
    scores = model.bits_by_label("elf\tlaelfi\norc\tzugnak\nelf\tlala\n")
    assert [(label, score.entries) for label, score in scores.items()] == [("elf", 2), ("orc", 1)]
    assert model.bits_by_label("elf\tlaelfi\n")["elf"].bits < model.bits_by_label("orc\tlaelfi\n")["orc"].bits
    with pytest.raises(UsageError, match="no label 'dwarf': it knows"):
        model.labelled("dwarf")


def test_labels_need_a_column_of_text_and_a_list() -> None:
    with pytest.raises(ValueError, match="--column too"):
        TextSettings(label_column="kind")
    with pytest.raises(ValueError, match="leave --prose out"):
        TextSettings(label_column="kind", column="name", lines=False)


def test_a_model_without_labels_says_so(names: Path, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    events_of(folder, names, tmp_path / "cache", TrainingSettings(recipe="counts", sample_length=40))
    with pytest.raises(UsageError, match="trained without labels"):
        LanguageModel.load(folder.path).labelled("elf")
