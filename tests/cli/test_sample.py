"""Writing through the real command."""

import json
from pathlib import Path

import pytest

from nextchar.cli import main
from nextchar.text.vocabulary import Vocabulary
from tests.command import nextchar
from tests.small_networks import random_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model whose weights mean nothing."""
    path = tmp_path_factory.mktemp("model") / "any.safetensors"
    random_model().save(path)
    return path


def written(model: Path, *arguments: object, stdin: bytes = b"") -> str:
    """Return what ``nextchar sample`` writes and check that it says nothing else."""
    outcome = nextchar("sample", model, *arguments, stdin=stdin)
    assert (outcome.status, outcome.stderr) == (0, "")
    return outcome.stdout


def test_the_seed_decides_what_is_written(model: Path) -> None:
    one, same, other = (written(model, "go", "--length", 60, "--seed", seed) for seed in (1, 1, 2))
    assert one == same != other
    assert one.startswith("go")
    assert len(one) == len("go") + 60 + len("\n")
    assert written(model, "go", "--length", 60, "--seed", 1, "--no-echo") == one.removeprefix("go")
    assert len({written(model, "--length", 60) for _ in range(2)}) == 2


def test_the_first_of_several_texts_is_the_single_one(model: Path) -> None:
    several = written(model, "go", "--length", 9, "--seed", 1, "--count", 3, "--temperature", 2)
    single = written(model, "go", "--length", 9, "--seed", 1, "--temperature", 2)
    assert several.startswith(single)
    result = json.loads(written(model, "go", "--length", 9, "--seed", 1, "--count", 3, "--temperature", 2, "--json"))
    assert several == "".join(f"go{text}\n\n" for text in result["texts"])
    assert len(set(result["texts"])) == 3
    assert (result["prompt"], result["prompt_as_read"]) == ("go", "go")
    assert result["settings"]["temperature"] == 2


def test_writing_ends_before_a_stop(model: Path) -> None:
    whole = written(model, "--length", 60, "--seed", 1).removesuffix("\n")
    stop = whole[20:22]
    assert written(model, "--length", 60, "--seed", 1, "--stop", stop) == whole[: whole.index(stop)] + "\n"
    first = min(whole.index(stop), whole.index(whole[9:11]))
    both = ("--stop", stop, "--stop", whole[9:11])
    assert written(model, "--length", 60, "--seed", 1, *both) == whole[:first] + "\n"


def test_greedy_writing_needs_no_seed(model: Path) -> None:
    assert len({written(model, "go", "--temperature", 0, "--length", 30) for _ in range(2)}) == 1


def test_nothing_asked_nothing_written(model: Path) -> None:
    assert written(model, "go", "--length", 0) == "go\n"
    assert written(model, "--length", 0) == written(model, "", "--length", 0) == "\n"


def test_a_prompt_comes_from_standard_input_too(model: Path) -> None:
    assert written(model, "-", "--length", 9, "--seed", 1, stdin="가나 é".encode()) == written(
        model, "가나 é", "--length", 9, "--seed", 1
    )
    assert written(model, "--length", 9, "--seed", 1, "-", stdin=b"go\r\n") == written(
        model, "go\n", "--length", 9, "--seed", 1
    )


def test_many_texts_are_those_written_one_by_one(model: Path) -> None:
    options = ("--seed", 1, "--length", 60, "--temperature", 1, "--json")
    few = json.loads(nextchar("sample", model, "hello", "--count", 3, *options).stdout)["texts"]
    many = json.loads(nextchar("sample", model, "hello", "--count", 9, *options).stdout)["texts"]
    assert len(many) == 9
    assert many[:3] == few


def test_the_text_is_the_one_that_python_writes(model: Path) -> None:
    for options in ({}, {"top_k": 3}, {"stop": "a"}):
        expected = random_model().generate("hello", length=60, seed=1, temperature=1.0, **options)  # type: ignore[arg-type]
        flags = [part for name, value in options.items() for part in (f"--{name.replace('_', '-')}", value)]
        asked = ("hello", "--length", 60, "--seed", 1, "--temperature", 1, *flags)
        assert written(model, *asked) == f"hello{expected}\n"


@pytest.mark.parametrize("count", ["1", "3", "9"])
def test_the_prompt_is_folded_once(
    model: Path, count: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folded, fold = list[str](), Vocabulary.fold

    def count_folded(self: Vocabulary, prompt: str, *, strict: bool = False) -> object:
        folded.append(prompt)
        return fold(self, prompt, strict=strict)

    monkeypatch.setattr(Vocabulary, "fold", count_folded)
    assert main(["sample", str(model), "Hello", "--length", "3", "--count", count]) == 0
    assert folded == ["Hello"]
    assert capsys.readouterr().out.count("hello") == int(count)
