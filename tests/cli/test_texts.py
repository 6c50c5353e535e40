"""Texts in every form through the real command: packed, in old encodings, several, in folders, from standard input."""

import bz2
import gzip
import json
import lzma
from pathlib import Path

import pytest
from backports import zstd

from nextchar.model.model_file import ModelFile
from nextchar.runs.folder import RunFolder
from tests.command import SMALL, assert_refused, made_up_text, nextchar
from tests.forked import nextchar_forked
from tests.small_networks import random_model

KOREAN = "옛날 옛적에 호랑이가 담배를 피우던 시절에 어느 마을에 나무꾼이 살았습니다.\n"
TEXT = "가나다 가나 다\nabc def é\n" * 40
FORMS = {
    "gzip.gz": (gzip.compress(TEXT.encode()), ""),
    "bzip2.bz2": (bz2.compress(TEXT.encode()), ""),
    "xz.txt.xz": (lzma.compress(TEXT.encode()), ""),
    "zstandard.zst": (zstd.compress(TEXT.encode()), ""),
    "crlf.txt": (TEXT.replace("\n", "\r\n").encode(), ""),
    "cr.txt": (TEXT.replace("\n", "\r").encode(), ""),
    "bom.txt": (TEXT.encode("utf-8-sig"), ""),
    "utf16.txt": (TEXT.encode("utf-16"), "read as utf-16-le (byte order mark)"),
    "utf16.txt.gz": (gzip.compress(TEXT.encode("utf-16")), "read as utf-16-le (byte order mark)"),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows most of the text."""
    path = tmp_path_factory.mktemp("model") / "any.safetensors"
    random_model().save(path)
    return path


@pytest.mark.parametrize("name", FORMS)
def test_every_form_of_a_text_scores_the_same(name: str, model: Path, tmp_path: Path) -> None:
    content, told = FORMS[name]
    (tmp_path / name).write_bytes(content)
    outcome = nextchar("evaluate", model, name, "--json", cwd=tmp_path)
    language_model = random_model()
    result = json.loads(outcome.stdout)
    assert result["bits_per_character"] == pytest.approx(language_model.bits_per_character(TEXT), abs=1e-6)
    assert (result["characters"], result["unknown_characters"]) == (len(TEXT), 0)
    assert outcome.stderr == (f"nextchar: {name}: {told}\n" if told else "")


def test_an_old_encoding_is_detected_and_said_or_given(corpora: Path, model: Path, tmp_path: Path) -> None:
    text = (corpora / "korean_stories.txt").read_text()[:3000]
    content = text.encode("cp949", "ignore")
    (tmp_path / "old.txt").write_bytes(content)
    outcome = nextchar("evaluate", model, "old.txt", "--json", cwd=tmp_path)
    assert outcome.stderr == "nextchar: old.txt: read as cp949 (detected)\n"
    assert json.loads(outcome.stdout)["characters"] == len(content.decode("cp949"))
    given = nextchar("evaluate", model, "old.txt", "--encoding", "cp949", "--json", cwd=tmp_path)
    assert (given.stdout, given.stderr) == (outcome.stdout, "")


def test_a_folder_and_files_are_learned_as_one_text(tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "b.txt").write_text(made_up_text(1000, seed=2))
    (books / "a.txt.gz").write_bytes(gzip.compress(made_up_text(2000, seed=1).encode()))
    (books / "cover.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "end.txt").write_bytes((KOREAN * 5).encode("cp949"))
    asked = ("train", "books", "end.txt", "--out", "run", "--lowercase", "--steps", 3, *SMALL, "--json")
    outcome = nextchar(*asked, cwd=tmp_path)
    assert outcome.status == 0, outcome.stderr
    result = json.loads(outcome.stdout)
    assert result["corpus"] == ["a.txt.gz", "b.txt", "end.txt"]
    # Each text begins on a line of its own.
    assert result["characters"] == 2000 + 1 + 1000 + 1 + 5 * len(KOREAN)
    assert result["lowercase"]
    assert "skipped: books/cover.png is a PNG image" in outcome.stderr
    assert "end.txt: read as cp949 (detected)" in outcome.stderr
    known = ModelFile.load(tmp_path / "run" / "model.safetensors").vocabulary.characters
    assert known == "".join(sorted({*"\n .etaoinshrdlu", *KOREAN}))


def test_standard_input_is_learned_from_and_gone_back_to(cache_of_tests: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    asked = ("train", "-", "--out", run, "--steps", 40, "--evaluations", 1, *SMALL)
    outcome = nextchar(*asked, stdin=made_up_text().encode())
    assert outcome.status == 0, outcome.stderr
    assert outcome.stderr.startswith("standard input: 6,000 characters")
    before = ModelFile.load(run / "model.safetensors").parameters
    (run / "model.safetensors").unlink()
    (run / "resume" / "state.safetensors").unlink()
    (cache_of_tests / "corpora" / RunFolder(run).settings().corpus_key / "ids.bin").unlink()
    outcome = nextchar_forked("train", "--resume", run, output=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert "Continuing at step 0 of 40" in outcome.stderr
    after = ModelFile.load(run / "model.safetensors").parameters
    assert {name: array.tobytes() for name, array in before.items()} == {
        name: array.tobytes() for name, array in after.items()
    }
    empty = nextchar("train", "-", "--out", tmp_path / "none", stdin=b"")
    assert (empty.status, empty.stderr) == (1, "nextchar: standard input is empty: give a file with text in it.\n")


def test_damaged_utf8_is_refused_read_if_asked_for_and_gone_back_to(cache_of_tests: Path, tmp_path: Path) -> None:
    text = made_up_text().replace(" ", " “", 1).replace(".", "”.", 1)
    (tmp_path / "text.txt").write_bytes(text.encode() + b"don\x92t\n" + text.encode())
    asked = ("train", "text.txt", "--out", "run", "--steps", 20, "--evaluations", 1, *SMALL)
    assert_refused(nextchar(*asked, cwd=tmp_path), 1, "bytes at offset", "good UTF-8", "--errors replace")
    outcome = nextchar(*asked, "--errors", "latin", cwd=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert "bytes that do not decode are read as characters of cp1252 (1)" in outcome.stderr
    settings = RunFolder(tmp_path / "run").settings()
    assert settings.text.errors == "latin"
    (cache_of_tests / "corpora" / settings.corpus_key / "ids.bin").unlink()
    evaluated = nextchar("evaluate", "run", "text.txt", "--errors", "replace", "--no-counting", "--json", cwd=tmp_path)
    assert json.loads(evaluated.stdout)["unknown_characters"] == 1
    assert nextchar("train", "--resume", "run", cwd=tmp_path).status == 0


def test_two_languages_in_a_folder_are_both_held_out(tmp_path: Path) -> None:
    books = tmp_path / "books"
    books.mkdir()
    (books / "a.txt").write_text(made_up_text(3000))
    (books / "b.txt").write_text(KOREAN * 50 + "참 좋다 €\n" * 10, encoding="utf-8")
    (books / "b.txt~").write_text("an older b.txt")
    outcome = nextchar("train", "books", "--out", "run", "--steps", 3, *SMALL, "--json", cwd=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert "at the ends of the texts are held out" in outcome.stderr
    assert "skipped: books/b.txt~ is a back-up" in outcome.stderr
    result = json.loads(outcome.stdout)
    unknown = result["unknown_characters"]
    assert 10 <= unknown < result["validation_characters"]
    assert f"in which {unknown} characters are unknown to the model" in outcome.stderr
    assert f"{unknown} of them unknown" in nextchar("info", "run", cwd=tmp_path).stdout
    evaluated = json.loads(nextchar("evaluate", "run", "--no-counting", "--json", cwd=tmp_path).stdout)
    assert (evaluated["unknown_characters"], evaluated["characters"]) == (unknown, result["validation_characters"])
    alone = nextchar("train", "books", "--no-memory", "--out", "alone", "--steps", 3, *SMALL, "--json", cwd=tmp_path)
    evaluated = json.loads(nextchar("evaluate", "alone", "--no-counting", "--json", cwd=tmp_path).stdout)
    bits = json.loads(alone.stdout)["validation_bits_per_character"]
    assert bits == result["network_bits_per_character"]
    assert evaluated["bits_per_character"] == pytest.approx(bits, abs=1e-4)
    report = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert f"% of each text, {unknown} of them unknown to the model" in report


def test_a_column_of_compressed_records_is_learned_scored_and_gone_back_to(
    cache_of_tests: Path, tmp_path: Path
) -> None:
    documents = made_up_text(9000).splitlines()
    rows = [json.dumps({"id": number, "text": document}) for number, document in enumerate(documents)]
    (tmp_path / "a.jsonl.zst").write_bytes(zstd.compress("\n".join(rows).encode()))
    address = f"file://{tmp_path}/a.jsonl.zst"
    asked = ("--column", "text", "--boundary", "blank")
    wrong = nextchar("train", "a.jsonl.zst", "--column", "body", cwd=tmp_path)
    assert_refused(wrong, 1, "a.jsonl.zst has no column 'body': it has 'id', 'text'")
    of_training = ("--steps", 20, "--evaluations", 1, *SMALL, "--json")
    outcome = nextchar("train", address, *asked, "--out", "run", *of_training, cwd=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert f"{len(documents)} documents in the column 'text'" in outcome.stderr
    result = json.loads(outcome.stdout)
    assert result["characters"] == len("\n\n".join(documents)) + 2
    settings = RunFolder(tmp_path / "run").settings()
    assert (settings.corpus, settings.text.column, settings.text.boundary) == ((address,), "text", "blank")
    (cache_of_tests / "corpora" / settings.corpus_key / "ids.bin").unlink()
    evaluated = nextchar("evaluate", "run", "a.jsonl.zst", *asked, "--no-counting", "--json", cwd=tmp_path)
    assert json.loads(evaluated.stdout)["characters"] == result["characters"]
    assert nextchar("train", "--resume", "run", cwd=tmp_path).status == 0
