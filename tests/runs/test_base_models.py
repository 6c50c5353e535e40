"""A run that starts from a model."""

import json
import shutil
import tomllib
from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import ModelFileError, RunFolderError, UsageError
from nextchar.model import model_path
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.runs.base_models import read_base
from nextchar.runs.counting_run import new_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.run import Run
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.events import BaseRead, Event, Finished, Planned, Progress
from tests.command import made_up_text

TINY = {"steps": 40, "threads": 1, "streams": 4, "window": 16, "sample_length": 10, "evaluations": 2, "memory": False}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a small model."""
    place = tmp_path_factory.mktemp("base")
    (place / "book.txt").write_text(made_up_text())
    training = TrainingSettings.model_validate({**TINY, "hidden": 16, "steps": 60})
    run = Run.new(RunFolder(place / "first"), Texts((str(place / "book.txt"),), TextSettings()), training, cache=place)
    list(run.events())
    return place / "first"


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    """Another text, in almost the same characters."""
    path = tmp_path / "other.txt"
    path.write_text(made_up_text(12_000)[6000:].lower().replace("e", "é") + "e")
    return Texts((str(path),), TextSettings())


def begin(folder: Path | None, texts: Texts, cache: Path, **options: object) -> Run:
    training = TrainingSettings.model_validate({**TINY, **options})
    return new_run(None if folder is None else RunFolder(folder), texts, training, cache=cache)


def events_of(run: Run) -> list[Event]:
    return list(run.events())


def only(events: list[Event], kind: type) -> Event:
    [found] = [event for event in events if isinstance(event, kind)]
    return found


def test_a_run_starts_from_what_the_model_knows(base: Path, texts: Texts, tmp_path: Path) -> None:
    events = events_of(begin(tmp_path / "run", texts, tmp_path, from_=str(base)))
    read, planned, finished = (only(events, kind) for kind in (BaseRead, Planned, Finished))
    assert isinstance(read, BaseRead)
    assert isinstance(planned, Planned)
    assert isinstance(finished, Finished)
    assert read.name == finished.base == "first"
    assert ("é", "e") in read.new
    assert "E" in read.left_out
    assert planned.plan.hidden == (16,)
    fresh = events_of(begin(tmp_path / "fresh", texts, tmp_path, hidden=16, steps=1))
    ended = only(fresh, Finished)
    assert isinstance(ended, Finished)
    assert read.validation_bits_per_character is not None
    assert ended.validation_bits_per_character is not None
    assert read.validation_bits_per_character < ended.validation_bits_per_character - 0.1
    assert finished.validation_bits_per_character is not None
    assert finished.validation_bits_per_character < read.validation_bits_per_character


def test_the_ancestry_is_recorded(base: Path, texts: Texts, tmp_path: Path) -> None:
    events_of(begin(tmp_path / "second", texts, tmp_path, from_=str(base)))
    events_of(begin(tmp_path / "third", texts, tmp_path, from_=str(tmp_path / "second" / "model.safetensors")))
    names = [ancestor.name for ancestor in LanguageModel.load(tmp_path / "third").provenance.ancestors]
    assert names == ["model.safetensors", "first"]
    first = ModelFile.load(base / "model.safetensors").provenance
    nearest = LanguageModel.load(tmp_path / "second").provenance.ancestors[0]
    assert (nearest.corpus, nearest.corpus_sha256) == (first.corpus, first.corpus_sha256)
    assert nearest.validation_bits_per_character == first.validation_bits_per_character
    assert nearest.sha256 == read_base(str(base)).record.ancestors[0].sha256


def final_arrays(folder: Path) -> dict[str, bytes]:
    checkpoint = RunFolder(folder).checkpoint()
    assert checkpoint is not None
    assert checkpoint.state.step == 40
    return {name: array.tobytes() for name, array in checkpoint.arrays.items()}


@pytest.mark.parametrize("stop_at", [0, 20])
def test_it_resumes_bit_for_bit_without_the_model(base: Path, texts: Texts, tmp_path: Path, stop_at: int) -> None:
    events_of(begin(tmp_path / "whole", texts, tmp_path, from_=str(base)))
    moved = tmp_path / "moved"
    shutil.copytree(base, moved)
    run = begin(tmp_path / "cut", texts, tmp_path, from_=str(moved))
    steps = iter(run.events())
    for event in steps:
        if getattr(event, "step", 0) > stop_at:
            break
    steps.close()  # type: ignore[attr-defined]
    shutil.rmtree(moved)
    events_of(Run.resume(RunFolder(tmp_path / "cut"), cache=tmp_path))
    assert final_arrays(tmp_path / "cut") == final_arrays(tmp_path / "whole")


def test_its_plan_repeats_it(base: Path, texts: Texts, tmp_path: Path) -> None:
    events_of(begin(tmp_path / "whole", texts, tmp_path, from_=str(base)))
    like = RunFolder(tmp_path / "whole")
    training = TrainingSettings.model_validate({"memory": False, "sample_length": 10})
    events_of(Run.new(RunFolder(tmp_path / "again"), texts, training, like=like, cache=tmp_path))
    assert final_arrays(tmp_path / "again") == final_arrays(tmp_path / "whole")


def test_characters_of_the_model_can_be_kept(base: Path, texts: Texts, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", texts, tmp_path, from_=str(base), keep_characters=True)
    read = only(events_of(run), BaseRead)
    assert isinstance(read, BaseRead)
    assert read.left_out == ""
    known = set(ModelFile.load(base / "model.safetensors").characters_for("").characters)
    vocabulary = ModelFile.load(tmp_path / "run" / "model.safetensors").characters_for("")
    assert known <= set(vocabulary.characters)
    assert "é" in vocabulary.characters
    resumed = Run.resume(RunFolder(tmp_path / "run"), cache=tmp_path / "elsewhere")  # encoded again
    assert any(isinstance(event, Finished) for event in events_of(resumed))


@pytest.mark.parametrize(("keep", "kept"), [(None, "가나다라"), (False, "가나"), (True, "A가나다라")])
def test_syllables_of_hangul_stay_in_a_text_that_has_others(keep: bool | None, kept: str, tmp_path: Path) -> None:
    of_model, of_text = tmp_path / "model.txt", tmp_path / "text.txt"
    of_model.write_text("가나다라 A\n" * 500)
    of_text.write_text("나가 가나\n" * 500)
    events_of(begin(tmp_path / "base", Texts((str(of_model),), TextSettings()), tmp_path))
    texts = Texts((str(of_text),), TextSettings())
    events = events_of(begin(tmp_path / "run", texts, tmp_path, from_=str(tmp_path / "base"), keep_characters=keep))
    vocabulary = ModelFile.load(tmp_path / "run" / "model.safetensors").characters_for("")
    assert vocabulary.characters == f"\n {kept}"
    read = only(events, BaseRead)
    assert isinstance(read, BaseRead)
    assert set(read.left_out) == set("A가나다라") - set(kept)
    resumed = Run.resume(RunFolder(tmp_path / "run"), cache=tmp_path / "elsewhere")  # encoded again
    assert any(isinstance(event, Finished) for event in events_of(resumed))


def test_a_rare_character_that_the_model_knows_has_an_id(base: Path, tmp_path: Path) -> None:
    path = tmp_path / "once.txt"
    path.write_text("LQ " + made_up_text(30_000).lower())
    run = begin(None, Texts((str(path),), TextSettings()), tmp_path, from_=str(base))
    events_of(run)
    assert "L" in run.model.vocabulary.characters
    assert "Q" not in run.model.vocabulary.characters


def test_a_state_that_is_lost_is_an_error(base: Path, texts: Texts, tmp_path: Path) -> None:
    run = begin(tmp_path / "run", texts, tmp_path, from_=str(base))
    list(takewhile(lambda event: not isinstance(event, Progress), run.events()))
    (tmp_path / "run" / "model.safetensors").unlink()
    (tmp_path / "run" / "resume" / "state.safetensors").unlink()
    with pytest.raises(RunFolderError, match="first weights are missing"):
        events_of(Run.resume(RunFolder(tmp_path / "run"), cache=tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden": 32}, "--hidden 32 does not fit first, whose size is 16"),
        ({"layers": 2}, "--layers 2 does not fit"),
        ({"embedding": 0}, "--embedding 0 does not fit"),
        ({"recipe": "classic"}, "starts from nothing: leave --from out"),
        ({"recipe": "counts"}, "leave --"),
    ],
)
def test_what_does_not_fit_the_model(
    base: Path, texts: Texts, tmp_path: Path, options: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        events_of(begin(tmp_path / "run", texts, tmp_path, from_=str(base), **options))
    assert not (tmp_path / "run").exists()


def test_what_is_no_model(texts: Texts, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'englsh'.*pip install"):
        read_base("englsh")
    (tmp_path / "damaged.safetensors").write_bytes(b"x" * 100)
    with pytest.raises(ModelFileError, match="damaged"):
        read_base(str(tmp_path / "damaged.safetensors"))
    counting = TrainingSettings.model_validate({"recipe": "counts"})
    events_of(new_run(RunFolder(tmp_path / "counted"), texts, counting, cache=tmp_path))
    with pytest.raises(ModelFileError, match="Training from a model is only for models with an LSTM"):
        events_of(begin(tmp_path / "run", texts, tmp_path, from_=str(tmp_path / "counted")))


def test_each_base_model_of_the_project_is_a_package_and_an_extra() -> None:
    root = Path(__file__).parents[2]
    extras = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = sorted((root / "bases").glob("*/pyproject.toml"))
    assert len(packages) >= 6
    for path in packages:
        language, package = path.parent.name, tomllib.loads(path.read_text())["project"]
        assert package["entry-points"]["nextchar.bases"] == {language: f"nextchar_{language}"}
        assert extras[language] == [package["name"]]
        assert (path.parent / f"nextchar_{language}" / "model.safetensors").is_file()


def test_an_installed_base_model_is_found_by_its_name(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "nextchar_gothic"
    package.mkdir()
    (package / "__init__.py").write_text("")
    shutil.copy(base / "model.safetensors", package)
    information = tmp_path / "nextchar_gothic-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: nextchar-gothic\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[nextchar.bases]\ngothic = nextchar_gothic\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert model_path.installed_bases()["gothic"] == package / "model.safetensors"
    found = read_base("gothic")
    assert found.record.name == "gothic"
    assert found.record.ancestors[0].sha256 == read_base(str(base)).record.ancestors[0].sha256
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gothic").mkdir()
    assert read_base("gothic").record == found.record
    shutil.copy(base / "model.safetensors", tmp_path / "gothic")
    assert read_base("gothic").file.provenance == found.file.provenance  # a run of that name comes first
    assert LanguageModel.load("gothic").provenance == found.file.provenance
    with pytest.raises(UsageError, match=r"base models.* gothic"):
        read_base("gotic")


def test_settings_of_a_run_from_nothing_say_nothing_of_a_model(base: Path) -> None:
    assert "base" not in json.loads((base / "settings.json").read_text())
    assert np.isfinite(LanguageModel.load(base).bits_per_character("a b"))
