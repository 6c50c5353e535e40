"""What the command refuses, and how: exit status, and one line that says what is wrong and what to do."""

import gzip
import json
import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from nextchar.cli import main
from tests.command import SMALL, Outcome, assert_refused, made_up_text, nextchar, running
from tests.small_networks import random_model

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x10\x00\x00\x00\x10\x08\x06\x00\x00\x00\x1f\xf3\xffa"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good text, a good model, and much that is neither."""
    folder = tmp_path_factory.mktemp("folder")
    (folder / "book.txt").write_text(made_up_text())
    (folder / "empty.txt").write_bytes(b"")
    (folder / "blank.txt").write_bytes(b"\xef\xbb\xbf")
    (folder / "one.txt").write_text("x")
    (folder / "same.txt").write_text("x" * 1000)
    (folder / "picture.txt").write_bytes(PNG + Random(0).randbytes(500))
    (folder / "random.txt").write_bytes(Random(1).randbytes(3000))
    (folder / "korean.txt").write_text("옛날 옛적에\n" * 50)
    with zipfile.ZipFile(folder / "archive.txt", "w") as archive:
        archive.write(folder / "book.txt")
    (folder / "cut.gz").write_bytes(gzip.compress(made_up_text().encode())[:-20])
    (folder / "no texts" / "below").mkdir(parents=True)
    (folder / "no texts" / "below" / "picture.png").write_bytes(PNG)
    random_model().save(folder / "model.safetensors")
    return folder


TEXTS = {
    "empty.txt": "empty",
    "blank.txt": "empty",
    "one.txt": "nothing to learn from",
    "same.txt": "nothing to learn from",
    "picture.txt": "a PNG image",
    "archive.txt": "a ZIP archive",
    "random.txt": "binary data",
    "cut.gz": "damaged gzip data",
    "no texts": "no text in it",
    "nietzche": "Did you mean nietzsche?",
    "bok.txt": "Did you mean book.txt",
    "x" * 5000: "no file",
}


@pytest.mark.parametrize(("name", "words"), TEXTS.items(), ids=lambda value: value[:20])
def test_a_text_that_cannot_be_learned_from_is_refused(name: str, words: str, folder: Path) -> None:
    outcome = nextchar("train", name, "--out", "run", *SMALL, cwd=folder)
    assert_refused(outcome, 1, words)
    assert not (folder / "run").exists()


def test_a_wrong_encoding_is_refused(folder: Path) -> None:
    asked = ("train", "korean.txt", "--out", "run", *SMALL, "--encoding")
    assert_refused(nextchar(*asked, "ascii", cwd=folder), 1, "korean.txt", "offset 0", "--encoding")
    assert_refused(nextchar(*asked, "utf-17", cwd=folder), 1, "'utf-17'", "utf16")


USAGE = [
    (["train"], ["nextchar train mybook.txt"]),
    (["train", "book.txt", "--hiden", "3"], ["--hiden", "--hidden"]),
    (["trian", "book.txt"], ["trian", "train"]),
    (["train", "book.txt", "--hidden"], ["--hidden"]),
    (["train", "book.txt", "--time", "soon"], ["'soon'", "60s"]),
    (["train", "book.txt", "--hidden", "0"], ["hidden", "0"]),
    (["train", "book.txt", "--hidden", "many"], ["hidden", "many", "integer"]),
    (["train", "book.txt", "--save-every", "5m"], ["save_every", "30"]),
    (["train", "book.txt", "--device", "gpu"], ["gpu", "'cuda'"]),
    (["train", "book.txt", "--steps", "3", "--epochs", "3"], ["--epochs and --steps"]),
    (["train", "book.txt", "--plan", "run", "--steps", "3"], ["--plan", "--steps"]),
    (["train", "--resume", "run", "--steps", "3"], ["--resume", "no training options"]),
    (["train", "--resume", "run", "book.txt"], ["--resume", "no text"]),
    (["train", "--resume", "run", "--lowercase"], ["--resume", "no training options"]),
    (["sample"], ["model"]),
    (["sample", "model.safetensors", "--temperature", "-1"], ["temperature", "-1", "greater than or equal to 0"]),
    (["sample", "model.safetensors", "--temperature", "nan"], ["temperature", "finite"]),
    (["sample", "model.safetensors", "--temprature", "1"], ["--temprature", "--temperature"]),
    (["sample", "model.safetensors", "--length", "-5"], ["length", "-5"]),
    (["sample", "model.safetensors", "--top-p", "2"], ["top_p", "2"]),
    (["sample", "model.safetensors", "--count", "0"], ["--count 0"]),
    (["sample", "model.safetensors", "one", "two"], ["two"]),
    (["inspect"], ["nextchar inspect mybook.txt"]),
    (["report", "run", "--quiet"], ["--quiet"]),
]


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """The command in this process, in that folder: quicker where many are needed."""
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Outcome:
        status = main(arguments)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run


@pytest.mark.parametrize(("arguments", "words"), USAGE, ids=" ".join)
def test_wrong_usage_has_its_own_status(arguments: list[str], words: list[str], here: Callable[..., Outcome]) -> None:
    assert_refused(here(*arguments), 2, *words)


@pytest.mark.parametrize(
    "arguments",
    [
        ("train",), ("train", "--resume"), ("info",), ("train", "book.txt", "--from"), ("train", "book.txt", "--out"),
        ("train", "book.txt", "--plan"), ("train", "book.txt", "--time"), ("train", "book.txt", "--encoding"),
        ("serve", "model.safetensors", "--origin"), ("evaluate", "model.safetensors", "book.txt", "--adapt"),
        ("train", "book.txt", "--memory-size"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_only_the_beginning_of_a_long_value_is_repeated(
    arguments: tuple[str, ...], here: Callable[..., Outcome]
) -> None:
    outcome = here(*arguments, "x" * 5000)
    assert outcome.status in {1, 2}
    assert len(outcome.stderr) < 1000
    assert "xxxx" in outcome.stderr


def test_wrong_usage_is_the_status_of_the_process(folder: Path) -> None:
    assert_refused(nextchar("train", "book.txt", "--steps", "few", cwd=folder), 2, "steps", "few")


FAILING = [
    (["train", "--resume", "nowhere"], "not a run folder"),
    (["train", "--resume", "book.txt"], "not a run folder"),
    (["train", "--resume", "no texts"], "not a run folder"),
    (["train", "book.txt", "--plan", "nowhere"], "not a run folder"),
    (["train", "book.txt", "--out", "book.txt/run"], "cannot be written"),
    (["train", "book.txt", "--out", "book.txt"], "cannot be written"),
    (["sample", "nowhere"], "no model"),
    (["sample", "book.txt"], "not a nextchar model"),
    (["sample", "empty.txt"], "not a nextchar model"),
    (["sample", "no texts"], "holds no run"),
    (["info", "picture.txt"], "not a nextchar model"),
    (["report", "nowhere"], "not a run folder"),
    (["evaluate", "model.safetensors"], "Name a text to score"),
    (["evaluate", "model.safetensors", "nowhere"], "no file"),
    (["evaluate", "model.safetensors", "empty.txt"], "empty"),
    (["evaluate", "model.safetensors", "book.txt", "--strict"], "unknown to the model"),
]


@pytest.mark.parametrize(
    ("arguments", "words"), FAILING, ids=lambda value: "" if isinstance(value, str) else " ".join(value)
)
def test_what_cannot_be_done_fails(arguments: list[str], words: str, here: Callable[..., Outcome]) -> None:
    assert_refused(here(*arguments), 1, words)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind root")
def test_a_folder_that_may_not_be_written_is_named(folder: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert_refused(nextchar("train", folder / "book.txt", "--out", tmp_path / "run"), 1, "cannot be written", "--out")


def test_a_device_that_is_not_there_is_named(folder: Path, tmp_path: Path) -> None:
    outcome = nextchar("train", folder / "book.txt", "--device", "mps", "--out", tmp_path / "run", *SMALL)
    assert outcome.status == 1
    assert "no device 'mps'" in outcome.stderr.splitlines()[-1]
    assert not (tmp_path / "run").exists()


def test_a_damaged_model_is_refused(folder: Path, tmp_path: Path) -> None:
    content, random = (folder / "model.safetensors").read_bytes(), Random(2)
    model = tmp_path / "model.safetensors"
    header = int.from_bytes(content[:8], "little")
    flipped = [
        0,
        7,
        8,
        *(random.randrange(9, 8 + header) for _ in range(3)),
        random.randrange(8 + header, len(content)),
    ]
    for place in flipped:
        model.write_bytes(content[:place] + bytes([content[place] ^ 0x21]) + content[place + 1 :])
        assert_refused(nextchar("sample", model, "go", "--length", 3), 1, str(model), "damaged")
    for length in (5, 8 + header // 2, len(content) - 1):
        model.write_bytes(content[:length])
        assert_refused(nextchar("sample", model, "go", "--length", 3), 1, str(model), "damaged")
    model.write_bytes(content + b"x")
    assert_refused(nextchar("info", model), 1, str(model), "damaged")


def test_characters_unknown_to_the_model_are_replaced_and_told(folder: Path) -> None:
    asked = ("sample", "model.safetensors", "go É, 漢", "--length", 0)
    outcome = nextchar(*asked, cwd=folder)
    assert (outcome.status, outcome.stdout) == (0, "go é \n")
    note = outcome.stderr
    assert note.count("\n") == 1
    assert "'É' (U+00C9 LATIN CAPITAL LETTER E WITH ACUTE) at character 4 read as 'é'" in note
    assert "',' (U+002C COMMA) at character 5 left out" in note
    assert "(U+6F22 CJK UNIFIED IDEOGRAPH-6F22) at character 7 left out" in note
    assert_refused(nextchar(*asked, "--strict", cwd=folder), 1, "U+6F22", "at character 7", "--strict")


def heed_ctrl_c() -> None:
    """Be a process that Ctrl-C ends: those in the background of a script ignore it, and so do their children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_ends_writing_without_ado(folder: Path) -> None:
    with running("sample", folder / "model.safetensors", "--length", 10**8, preexec_fn=heed_ctrl_c) as process:
        assert process.stdout is not None
        assert len(process.stdout.read(5)) == 5
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert (process.returncode, stderr) == (130, b"nextchar: interrupted\n")


@pytest.mark.parametrize(("module", "arguments"), [("cyclopts", ["--help"]), ("numpy", ["sample", "m"])])
def test_ctrl_c_while_modules_are_loaded_ends_without_ado(module: str, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    places = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    outcome = nextchar(*arguments, env={"PYTHONPATH": places}, before=heed_ctrl_c)
    assert outcome == Outcome(130, "", "nextchar: interrupted\n")


@pytest.mark.parametrize(
    ("arguments", "prompt", "stop"),
    [
        (["- Hello"], "- Hello", []),
        (["-- Hello"], "-- Hello", []),
        (["—", "--stop", "- "], "—", ["- "]),
        (["-1", "--stop=-", "--stop", "---"], "-1", ["-", "---"]),
        (["--prompt=-Hello", "--stop=--"], "-Hello", ["--"]),
        (["--stop", "-", "--", "--Hello"], "--Hello", ["-"]),
    ],
)
def test_a_text_may_begin_with_a_dash(
    arguments: list[str], prompt: str, stop: list[str], here: Callable[..., Outcome]
) -> None:
    outcome = here("sample", "model.safetensors", "--json", "--length", "0", *arguments)
    assert outcome.status == 0, outcome.stderr
    written = json.loads(outcome.stdout)
    assert (written["prompt"], written["settings"]["stop"]) == (prompt, stop)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["-Hello"], ["-- -Hello", "--prompt=-Hello"]),
        (["--Hello=1 world"], ["-- '--Hello=1 world'", "--prompt='--Hello=1 world'"]),
        (["--stop", "-x"], ["--stop=-x"]),
        (["--stop", "--"], ["--stop=--"]),
        (["--", "- Hello", "--length", "5"], ["--length before it"]),
    ],
)
def test_a_text_taken_for_an_option_is_answered_with_how_to_write_it(
    arguments: list[str], words: list[str], here: Callable[..., Outcome]
) -> None:
    assert_refused(here("sample", "model.safetensors", *arguments), 2, *words)


@pytest.mark.parametrize(
    ("typed", "meant", "told"),
    [
        (r"\n", "\n", r"\n is read as a line end"),
        (r"\n\n", "\n\n", r"\n is read as a line end"),
        (r"a\tb\n", "a\tb\n", r"\t is read as a tab, \n is read as a line end"),
        (r"\\n", r"\n", r"\\ is read as a backslash"),
        (r"\d", r"\d", ""),
        ("\n", "\n", ""),
    ],
)
def test_a_line_end_may_be_typed_in_a_stop_text(
    typed: str, meant: str, told: str, here: Callable[..., Outcome]
) -> None:
    outcome = here("sample", "model.safetensors", "--json", "--length", "0", "--stop", typed)
    assert json.loads(outcome.stdout)["settings"]["stop"] == [meant]
    assert outcome.stderr == (f"nextchar: --stop {typed}: {told}\n" if told else "")


def test_help_and_version_are_no_errors() -> None:
    for arguments in ([], ["--help"], ["train", "--help"], ["sample", "-h"], ["--version"]):
        outcome = nextchar(*arguments)
        assert (outcome.status, outcome.stderr) == (0, "")
        assert outcome.stdout
