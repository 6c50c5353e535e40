"""What a run starts from."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from nextchar.cli import inspect
from nextchar.errors import UsageError
from nextchar.model import model_path
from nextchar.model.language_model import LanguageModel
from nextchar.runs import base_models, start
from nextchar.runs.counting_run import new_run
from nextchar.runs.folder import RunFolder
from nextchar.runs.run import Run
from nextchar.runs.start import Start, find_start, named_model
from nextchar.runs.texts import Texts
from nextchar.runs.training_text import find_texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.events import BaseRead, Event, Finished, Note
from tests.command import made_up_text

BASES = Path(__file__).parents[2] / "bases"
TINY = {"steps": 40, "threads": 1, "streams": 4, "window": 16, "sample_length": 10, "evaluations": 2, "memory": False}
Install = Callable[..., None]


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install base models, by their names."""

    def give(**bases: Path) -> None:
        for module in (start, base_models, model_path):
            monkeypatch.setattr(module, "installed_bases", lambda: bases)

    return give


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of a made-up language."""
    place = tmp_path_factory.mktemp("base")
    (place / "book.txt").write_text(made_up_text(20_000))
    training = TrainingSettings.model_validate({**TINY, "hidden": 48, "window": 32, "steps": 400})
    run = Run.new(RunFolder(place / "made"), Texts((str(place / "book.txt"),), TextSettings()), training, cache=place)
    list(run.events())
    return place / "made" / "model.safetensors"


def written(folder: Path, content: str) -> Path:
    (folder / "text.txt").write_text(content, encoding="utf-8")
    return folder / "text.txt"


def like_the_base(folder: Path) -> Path:
    return written(folder, made_up_text(24_000)[20_000:])


def start_for(path: Path, cache: Path, **options: object) -> Start:
    text, training = TextSettings(), TrainingSettings.model_validate(options)
    return find_start(find_texts((str(path),), text, cache).files, text, training, cache, named_model(training))


def begin(folder: Path, path: Path, **options: object) -> Run:
    training = TrainingSettings.model_validate({**TINY, **options})
    return new_run(RunFolder(folder), Texts((str(path),), TextSettings()), training, cache=folder.parent)


def base_of(events: list[Event]) -> str | None:
    [ended] = [event for event in events if isinstance(event, Finished)]
    return ended.base


def start_read(events: list[Event]) -> str:
    [read] = [event for event in events if isinstance(event, BaseRead)]
    return read.name


def test_a_base_that_predicts_the_text_is_started_from(made: Path, install: Install, tmp_path: Path) -> None:
    install(made_up=made)
    found = start_for(like_the_base(tmp_path), tmp_path)
    assert found.base is not None
    assert (found.base.name, found.training.from_, found.training.hidden) == ("made_up", "made_up", 48)
    assert found.trial is not None
    assert found.trial.bits < found.trial.counted
    assert re.match(r"made_up suits the text: it needs \d\.\d\d bits.* \(--from none", str(found.trial))


def test_a_text_in_its_letters_alone_starts_from_nothing(made: Path, install: Install, tmp_path: Path) -> None:
    install(made_up=made)
    letters = Random(3).choices("etaoinshrdlu \n", weights=range(14, 0, -1), k=9000)
    found = start_for(written(tmp_path, "".join(sorted(letters[:4500]) * 2)), tmp_path)
    assert found.base is None
    assert found.training.from_ is None
    assert found.training.hidden is None
    assert found.trial is not None
    assert found.trial.bits > found.trial.counted + 0.3
    assert str(found.trial).startswith("Starting from nothing, as made_up does not suit the text: it needs")


def test_a_base_of_another_script_is_not_tried(
    made: Path, install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(made_up=made)
    monkeypatch.delattr(base_models.StartingModel, "network_for")
    letters = {ord(letter): 0x3B1 + place for place, letter in enumerate("aeinoshrdlut")}
    found = start_for(written(tmp_path, made_up_text().lower().translate(letters)), tmp_path)
    assert (found.base, found.trial) == (None, None)


def test_a_base_that_is_chosen_brings_its_syllables(install: Install, tmp_path: Path) -> None:
    hangul = {ord(letter): 0xAC00 + 28 * place for place, letter in enumerate("abcdefghijklmnopqrstuvwxyz")}
    of_model = (" xyz" * 50 + made_up_text(20_000)).lower().translate(hangul)
    (tmp_path / "book.txt").write_text(of_model, encoding="utf-8")
    list(begin(tmp_path / "made", tmp_path / "book.txt", hidden=48, window=32, steps=400, from_="none").events())
    install(made_up=tmp_path / "made" / "model.safetensors")
    text = made_up_text(24_000)[20_000:].lower().translate(hangul)
    kept = set(of_model) - set(text)
    assert len(kept) > 0
    found = start_for(written(tmp_path, text), tmp_path)
    assert found.base is not None
    assert found.corpus.rare == 0, "the text has no other reason to be read again"
    assert kept <= set(found.corpus.vocabulary.characters)
    assert not kept & set(start_for(tmp_path / "text.txt", tmp_path, from_="none").corpus.vocabulary.characters)


def test_of_several_the_best_is_taken(made: Path, install: Install, tmp_path: Path) -> None:
    path = like_the_base(tmp_path)
    list(begin(tmp_path / "weak", path, hidden=8, steps=1, from_="none").events())
    weak = tmp_path / "weak" / "model.safetensors"
    install(a_weak=weak, made_up=made, z_weak=weak)
    found = start_for(path, tmp_path)
    assert found.base is not None
    assert found.base.name == "made_up"


def test_bases_that_cannot_be_read_are_left_out_with_a_note(made: Path, install: Install, tmp_path: Path) -> None:
    (tmp_path / "damaged").write_bytes(made.read_bytes()[:-1])
    install(damaged=tmp_path / "damaged", made_up=made, missing=tmp_path / "missing")
    found = start_for(like_the_base(tmp_path), tmp_path)
    assert found.base is not None
    assert found.base.name == "made_up"
    assert [note.split(":")[0] for note in found.notes] == [
        "The base model damaged is left out", "The base model missing is left out", "made_up suits the text",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "options",
    [{"from_": "none"}, {"hidden": 16}, {"layers": 2}, {"recipe": "classic"}, {"recipe": "classic", "from_": "none"}],
    ids=str,
)
def test_other_sizes_other_recipes_and_none_forbid_it(
    made: Path, install: Install, tmp_path: Path, options: dict[str, object]
) -> None:
    install(made_up=made)
    found = start_for(like_the_base(tmp_path), tmp_path, **options)
    assert (found.base, found.trial, found.training.from_) == (None, None, None)


def test_a_few_characters_are_enough(made: Path, install: Install, tmp_path: Path) -> None:
    install(made_up=made)
    for content in ("so it goes on", "ae" * 20, made_up_text(60)):
        assert start_for(written(tmp_path, content), tmp_path).corpus.characters == len(content)


def test_what_is_rare_in_the_text_and_known_to_the_base_has_an_id(made: Path, install: Install, tmp_path: Path) -> None:
    content = "S\n" + made_up_text(24_000)[20_000:].lower()
    path = written(tmp_path, content)
    assert "S" in LanguageModel.load(made).vocabulary.characters
    install()
    text = TextSettings(min_count=2)
    files = find_texts((str(path),), text, tmp_path).files
    assert "S" not in find_start(files, text, TrainingSettings(), tmp_path).corpus.vocabulary.characters
    install(made_up=made)
    assert "S" in find_start(files, text, TrainingSettings(), tmp_path).corpus.vocabulary.characters


def test_a_run_records_what_was_chosen(made: Path, install: Install, tmp_path: Path) -> None:
    install(made_up=made)
    path = like_the_base(tmp_path)
    events = list(begin(tmp_path / "run", path).events())
    assert base_of(events) == start_read(events) == "made_up"
    assert any("made_up suits" in event.message for event in events
               if isinstance(event, Note))  # fmt: skip
    recorded = json.loads((tmp_path / "run" / "settings.json").read_text())
    assert recorded["training"]["from_"] is None
    assert recorded["base"]["ancestors"][0]["name"] == "made_up"
    install()  # it is gone, and the run goes on
    assert base_of(list(Run.resume(RunFolder(tmp_path / "run"), cache=tmp_path).events())) == "made_up"


def test_a_plan_is_repeated_from_what_it_started_from(made: Path, install: Install, tmp_path: Path) -> None:
    install(made_up=made)
    path = like_the_base(tmp_path)
    assert base_of(list(begin(tmp_path / "base", path).events())) == "made_up"
    assert base_of(list(begin(tmp_path / "nothing", path, from_="none").events())) is None
    texts, training = Texts((str(path),), TextSettings()), TrainingSettings(memory=False, sample_length=10)
    for name, expected in (("base", "made_up"), ("nothing", None)):
        again = Run.new(RunFolder(tmp_path / f"{name} again"), texts, training, like=RunFolder(tmp_path / name),
                        cache=tmp_path)  # fmt: skip
        assert base_of(list(again.events())) == expected
    install()
    lost = Run.new(RunFolder(tmp_path / "lost"), texts, training, like=RunFolder(tmp_path / "base"), cache=tmp_path)
    with pytest.raises(UsageError, match="no model 'made_up'"):
        list(lost.events())


def test_inspect_says_it_too(made: Path, install: Install, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    install(made_up=made)
    inspect.inspect(str(like_the_base(tmp_path)), training=TrainingSettings(time=1.0))
    assert "made_up suits" in capsys.readouterr().err


LANGUAGES = {
    "nietzsche.txt": "english",
    "tinyshakespeare.txt": "english",
    "war_and_peace.txt": "english",
    "korean_stories.txt": "korean",
    "names.txt": None,
    "python_stdlib.txt": None,
    "world_cities.csv": None,
    "emoji_test.txt": None,
    "chinese_hongloumeng.txt": None,
    "japanese_neko.txt": None,
    "persian_hafez.txt": None,
    "tamil_thirukkural.txt": None,
}


@pytest.fixture
def ours(install: Install) -> None:
    """Our base models, as if they were installed."""
    found = {path.parent.name.removeprefix("nextchar_"): path for path in BASES.glob("*/nextchar_*/model.safetensors")}
    assert "english" in found
    install(**found)


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(("name", "language"), LANGUAGES.items())
def test_the_language_of_a_text_is_found(name: str, language: str | None, corpora: Path, tmp_path: Path) -> None:
    base = start_for(corpora / name, tmp_path).base
    assert (base and base.name) == language


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize("change", [str.lower, lambda text: text[:20_000], lambda text: text.replace("\n", " ")])
def test_english_in_another_form_is_english(change: Callable[[str], str], corpora: Path, tmp_path: Path) -> None:
    path = written(tmp_path, change((corpora / "nietzsche.txt").read_text()))
    base = start_for(path, tmp_path).base
    assert base is not None
    assert base.name == "english"
