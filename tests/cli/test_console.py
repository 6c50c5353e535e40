"""What reaches a terminal, a pipe or a file: in any encoding, with colours where they can be seen, not elsewhere."""

import io
import json
import os
import re
import shutil
import subprocess
from contextlib import redirect_stdout
from pathlib import Path
from threading import Event

import pytest
from rich.cells import cell_len

from nextchar.cli.console import note_if_slow, print_facts
from tests.command import SMALL, Outcome, environment, made_up_text, nextchar, running
from tests.forked import nextchar_forked
from tests.small_networks import ALPHABET, random_model

OLD_LOCALE = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
ENCODINGS = {"ascii": False, "cp1252": False, "cp949": True, "euc-kr": True}
"""Whether each has Hangul."""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows some Korean."""
    path = tmp_path_factory.mktemp("model") / "any.safetensors"
    random_model(ALPHABET).save(path)
    return path


def old_terminal(*arguments: object, encoding: str, **options: object) -> Outcome:
    """Run the command as on a terminal of that encoding."""
    env = {**OLD_LOCALE, "PYTHONIOENCODING": encoding}
    outcome = nextchar(*arguments, env=env, encoding=encoding, **options)  # type: ignore[arg-type]
    assert "Traceback" not in outcome.stderr
    return outcome


@pytest.mark.slow
def test_a_korean_text_is_learned_on_a_terminal_without_korean(corpora: Path, tmp_path: Path) -> None:
    text, run = tmp_path / "소설.txt", tmp_path / "실행"
    text.write_text((corpora / "korean_stories.txt").read_text()[:8000])
    trained = old_terminal("train", text, "--out", run, "--steps", 20, *SMALL, "--json", encoding="ascii")
    assert trained.status == 0, trained.stderr
    assert json.loads(trained.stdout)["corpus"] == [text.name]
    assert "??.txt: 8,000 characters" in trained.stderr
    assert "소설.txt" in (run / "report.html").read_text(encoding="utf-8")
    for command in (("info", run), ("evaluate", run, text), ("sample", run, "나는", "--length", 20)):
        assert old_terminal(*command, encoding="ascii").status == 0


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_writing_goes_through_every_encoding(encoding: str, model: Path) -> None:
    asked = ("sample", model, "가나", "--seed", 1, "--length", 80, "--temperature", 3)
    truth = nextchar(*asked).stdout
    assert set(truth) & set("가나다")
    outcome = old_terminal(*asked, encoding=encoding)
    assert outcome.status == 0
    assert outcome.stdout == truth.encode(encoding, "replace").decode(encoding)
    told = "shown as ?" in outcome.stderr
    assert told == ("?" in outcome.stdout) == (truth.encode(encoding, "replace") != truth.encode(encoding, "ignore"))
    assert ("가" in outcome.stdout) == ENCODINGS[encoding]


def test_a_prompt_in_the_encoding_of_the_terminal_is_read(model: Path) -> None:
    asked = ("sample", model, "-", "--length", 0)
    assert old_terminal(*asked, encoding="cp949", stdin="가나".encode("cp949")).stdout == "가나\n"
    assert old_terminal(*asked, encoding="ascii", stdin="go é".encode()).stdout == "go ?\n"
    outcome = old_terminal(*asked, encoding="ascii", stdin=b"go \xe9\xff")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert "neither ascii nor UTF-8" in outcome.stderr


def test_names_of_files_may_be_any_bytes(cache_of_tests: Path, tmp_path: Path) -> None:
    text = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xe9.txt"))
    try:
        text.write_text(made_up_text(), encoding="utf-8")
    except OSError:
        pytest.skip("this file system takes UTF-8 names alone")
    run = text.with_suffix("")
    outcome = nextchar_forked("train", text, "--out", run, "--steps", 3, *SMALL, output=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert outcome.stderr.startswith(rf"{tmp_path}/\xff\xe9.txt: 6,000 characters")
    for entry in (cache_of_tests / "corpora").iterdir():
        shutil.rmtree(entry)
    outcome = nextchar_forked("train", "--resume", run, output=tmp_path)
    assert outcome.status == 0, outcome.stderr


def on_a_terminal(*arguments: object, **changes: str) -> tuple[int, str]:
    """Run the command with standard error on a terminal; return its exit status and what was shown."""
    ours, theirs = pytest.importorskip("pty", reason="this system has no such terminals").openpty()
    env = environment(**{"TERM": "xterm-256color", "COLUMNS": "100", **changes})
    with running(*arguments, stdout=subprocess.DEVNULL, stderr=theirs, env=env) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when nobody holds the other end any more
                break
            if not piece:
                break
            shown += piece
        os.close(ours)
        return process.wait(), shown.decode()


def test_a_terminal_gets_a_bar_and_without_colours_where_they_are_not_wanted(tmp_path: Path) -> None:
    text = tmp_path / "book.txt"
    text.write_text(made_up_text())
    asked = ("--steps", 200, "--evaluations", 2, *SMALL)
    status, shown = on_a_terminal("train", text, "--out", tmp_path / "run", *asked, NO_COLOR="1")
    assert status == 0, shown
    assert "━" in shown
    assert "bits/character" in shown
    assert "characters/s" in shown
    assert "temperature 0.2" in shown
    assert not re.search("\x1b\\[[0-9;]*3[0-9]m", shown)


CURSOR = re.compile("\x1b\\[[0-9;?]*[A-HJKSTfhlsu]|\r(?!\n)|\x08")
"""What moves the cursor, hides it or takes back what was written; colours are none of it."""


@pytest.mark.parametrize("kind", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(kind: str, tmp_path: Path) -> None:
    text = tmp_path / "names.txt"
    text.write_text(made_up_text().replace(" ", "\n"))
    asked = ("--steps", 60, "--evaluations", 1, *SMALL)
    status, shown = on_a_terminal("train", text, "--out", tmp_path / "run", *asked, TERM=kind, COLUMNS="44")
    assert status == 0, shown
    assert not CURSOR.search(shown)
    assert len(re.findall("temperature [0-9.]+  .*⏎.*…\r\n", shown)) == 4
    assert all(cell_len(line) <= 44 or "/" in line for line in shown.splitlines())


@pytest.mark.slow
def test_colours_may_be_forced_into_a_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(made_up_text())
    asked = ("train", tmp_path / "book.txt", "--steps", 60, *SMALL, "--out")
    forced = {"FORCE_COLOR": "1", "TTY_COMPATIBLE": "1", "TERM": "xterm-256color"}
    outcome = nextchar(*asked, tmp_path / "forced", env=forced)
    assert outcome.status == 0
    assert not CURSOR.search(outcome.stderr)
    assert "\x1b[1mDone after" in outcome.stderr
    assert "temperature 0.2" not in outcome.stderr
    plain = nextchar("train", "--resume", tmp_path / "forced", env={"CI": "true"}).stderr
    assert "\x1b" not in plain


def test_no_word_is_split_at_the_margin(model: Path) -> None:
    asked = ("sample", model, "漢字 go", "--length", 0)
    (told,) = nextchar(*asked).stderr.splitlines()
    for columns in (1, 20, 40, 500):
        status, shown = on_a_terminal(*asked, "--seed", 1, COLUMNS=str(columns))
        lines = shown.splitlines()
        assert status == 0
        assert " ".join(lines) == told
        assert all(cell_len(line) <= columns or " " not in line for line in lines)


def test_a_command_to_copy_stays_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(made_up_text())
    asked = ("train", tmp_path / "book.txt", "--out", tmp_path / "run", "--steps", 2, *SMALL)
    _, shown = on_a_terminal(*asked, COLUMNS="30")
    assert f"nextchar: to write more:\r\nnextchar sample {tmp_path / 'run'} --temperature 0.5\r\n" in shown


@pytest.mark.parametrize("columns", [15, 40, 80])
def test_facts_are_wrapped_beside_their_names(columns: int, model: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("nextchar.cli.console.width_of", lambda _stream: columns)
        patch.setenv("COLUMNS", str(columns))
        with redirect_stdout(io.StringIO()) as stream:
            print_facts(
                [("name", "a fact of 12,345,678 words " * 3), ("longer name", "소설의 첫 줄\nanother"), ("gone", None)]
            )
    lines = stream.getvalue().splitlines()
    assert all(cell_len(line) <= columns for line in lines)
    assert stream.getvalue().count("12,345,678") == 3
    assert lines[0].startswith("name" if columns == 15 else "name         a fact")
    assert any(line.endswith(" another") for line in lines)


def test_on_a_terminal_the_seed_drawn_is_told(model: Path) -> None:
    status, shown = on_a_terminal("sample", model, "--length", 5)
    assert status == 0
    assert "to reproduce this text: --seed " in shown


def test_a_pipe_gets_no_control_characters(model: Path, tmp_path: Path) -> None:
    for command in (("corpora",), ("info", model), ("sample", model, "--length", 5), ("sample", "nowhere")):
        outcome = nextchar(*command, env={"TERM": "xterm-256color"})
        assert "\x1b" not in outcome.stdout + outcome.stderr


def test_what_takes_long_is_said_and_what_does_not_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    said = Event()
    with note_if_slow("compiling", seconds=0.0):
        while "compiling" not in capsys.readouterr().err:
            assert not said.wait(0.01)
    with note_if_slow("compiling", seconds=60):
        pass
    assert capsys.readouterr().err == ""
