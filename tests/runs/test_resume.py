"""Nothing is lost: killed, interrupted or out of disk, a run goes on to the very result it would have had."""

import json
import os
import shlex
import shutil
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from nextchar.model.model_file import ModelFile
from nextchar.runs.folder import RunFolder
from nextchar.runs.run_settings import plan_of
from nextchar.training.events import Evaluated, Finished, Sampled
from tests.command import PATIENCE, SMALL, assert_refused, made_up_text, nextchar, posix, running, wait_until
from tests.forked import forked, nextchar_forked, wait_for

STEPS = 2000
OPTIONS = ("--steps", STEPS, "--evaluations", 6, "--seed", 3, *SMALL)
KILLS = 8


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The text that every run here learns from."""
    path = tmp_path_factory.mktemp("text") / "book.txt"
    path.write_text(made_up_text())
    return path


@pytest.fixture(scope="module")
def undisturbed(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was never interrupted."""
    folder = tmp_path_factory.mktemp("runs") / "undisturbed"
    outcome = nextchar("train", text, "--out", folder, "--save-every", "0.2s", *OPTIONS)
    assert outcome.status == 0, outcome.stderr
    return folder


def assert_same_result(one: Path, other: Path) -> None:
    """Check that both runs have the same model and state, bit for bit, and saw and wrote the same on the way."""
    models = [ModelFile.load(path / "model.safetensors") for path in (one, other)]
    assert models[0].vocabulary == models[1].vocabulary
    assert bits(models[0].parameters) == bits(models[1].parameters)
    assert untimed(models[0].provenance.model_dump()) == untimed(models[1].provenance.model_dump())
    checkpoints = [RunFolder(path).checkpoint() for path in (one, other)]
    assert checkpoints[0] is not None
    assert checkpoints[1] is not None
    assert replace(checkpoints[0].state, seconds=0) == replace(checkpoints[1].state, seconds=0)
    assert bits(checkpoints[0].arrays) == bits(checkpoints[1].arrays)
    assert story(one) == story(other)
    assert not [path for path in other.rglob("*") if path.name.endswith(".tmp")]


def bits(arrays: dict) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in arrays.items()}


def untimed(facts: dict) -> dict:
    return {name: value for name, value in facts.items() if name not in {"seconds", "training_seconds"}}


def story(run: Path) -> list[dict]:
    """Return what a run was scored, wrote and reached, as it stands in its log."""
    told = (event for event in RunFolder(run).events() if isinstance(event, Evaluated | Sampled | Finished))
    return [untimed(event.model_dump()) for event in told]


def assert_whole(run: RunFolder) -> None:
    """Check that whatever is in the folder can be read."""
    if run.exists:
        run.settings()
    run.checkpoint()
    if run.model_path.exists():
        ModelFile.load(run.model_path)
    log = run.path / "events.jsonl"
    if log.exists():
        for line in log.read_bytes().split(b"\n")[:-1]:
            json.loads(line)


def moment(run: RunFolder, random: Random) -> Callable[[], bool]:
    """Return whether a moment to kill has come, which is drawn: after some events, or while a file is written."""
    if random.random() < 0.5:
        where = random.choice([run.path, run.path / "resume"])
        return lambda: any(name.endswith(".tmp") for name in (os.listdir(where) if where.exists() else ()))  # noqa: PTH208
    log = run.path / "events.jsonl"
    size = (log.stat().st_size if log.exists() else 0) + random.randint(1, 400)
    return lambda: log.exists() and log.stat().st_size >= size


def test_killed_at_any_moment_a_run_ends_as_if_undisturbed(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    run, random = RunFolder(tmp_path / "run"), Random(0)
    arguments: tuple[object, ...] = ("train", text, "--out", run.path, "--save-every", "0.001s", *OPTIONS)
    steps = [0]
    for _ in range(KILLS):
        come = moment(run, random)
        with forked(*arguments, output=tmp_path / "output") as process:
            assert wait_for(process, come), (tmp_path / "output" / "stderr").read_text()
            process.kill()
            process.join()
        assert process.exitcode == -signal.SIGKILL
        assert_whole(run)
        checkpoint = run.checkpoint()
        steps.append(0 if checkpoint is None else checkpoint.state.step)
        if run.exists:
            arguments = ("train", "--resume", run.path)
    assert steps == sorted(steps)
    assert 0 < steps[-1] < STEPS
    outcome = nextchar("train", "--resume", run.path)
    assert outcome.status == 0, outcome.stderr
    assert f"Continuing at step {steps[-1]:,} of {STEPS:,}" in outcome.stderr
    assert_same_result(undisturbed, run.path)


def test_resuming_a_finished_run_changes_nothing(undisturbed: Path, tmp_path: Path) -> None:
    before = {name: (undisturbed / name).read_bytes() for name in ("model.safetensors", "resume/state.safetensors")}
    told = story(undisturbed)
    outcome = nextchar_forked("train", "--resume", undisturbed, "--json", output=tmp_path)
    result = json.loads(outcome.stdout)
    assert (outcome.status, result["steps"], result["interrupted"]) == (0, STEPS, False)
    assert {name: (undisturbed / name).read_bytes() for name in before} == before
    assert story(undisturbed) == told


def has_saved(run: Path) -> bool:
    """Whether the run has saved since its first evaluation."""
    log = run / "events.jsonl"
    return log.exists() and '"saved"' in log.read_text()


def resume_command(stderr: str) -> list[str]:
    """Return the arguments of the command that was printed to continue with."""
    line = next(line for line in stderr.splitlines() if "to continue: " in line)
    name, *arguments = shlex.split(line.split("to continue: ")[1])
    assert name == "nextchar"
    return arguments


@posix
def test_ctrl_c_saves_and_prints_the_command_that_goes_on(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    run = tmp_path / "my run"
    with running("train", text, "--out", run, "--json", *OPTIONS) as process:
        assert wait_until(process, lambda: has_saved(run))
        process.send_signal(signal.SIGSTOP)
        assert_refused(nextchar("train", "--resume", run), 1, "in use by another process")
        assert_refused(nextchar("train", text, "--out", run), 1, "--resume", "--out")
        assert nextchar("sample", run, "--length", 5).status == 0
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        stdout, stderr = process.communicate()
    assert process.returncode == 130
    assert "Stopped and saved" in stderr.decode()
    assert "Traceback" not in stderr.decode()
    result = json.loads(stdout.splitlines()[-1])
    assert result["interrupted"]
    assert 0 < result["steps"] < STEPS
    outcome = nextchar(*resume_command(stderr.decode()))
    assert outcome.status == 0, outcome.stderr
    assert_same_result(undisturbed, run)


def test_terminated_and_out_of_disk_a_run_stays_whole(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    run, output = RunFolder(tmp_path / "run"), tmp_path / "output"
    with forked("train", text, "--out", run.path, *OPTIONS, output=output) as process:
        assert wait_for(process, lambda: has_saved(run.path))
        process.terminate()
        process.join(PATIENCE)
    assert process.exitcode == 130
    resume = resume_command((output / "stderr").read_text())
    state = run.path / "resume" / "state.safetensors"
    saved = {path: path.read_bytes() for path in (state, run.model_path)}
    outcome = nextchar_forked(*resume, output=output, largest_file=len(saved[state]) // 2)
    assert outcome.status == 1
    assert outcome.stderr.splitlines()[-1].startswith(
        f"nextchar: The run folder {run.path} cannot be written: File too"
    )
    assert "Traceback" not in outcome.stderr
    assert {path: path.read_bytes() for path in saved} == saved
    assert_whole(run)
    assert not list(run.path.rglob(".*.tmp"))
    assert nextchar_forked(*resume, output=output).status == 0
    assert_same_result(undisturbed, run.path)


@posix
def test_ctrl_c_while_it_prepares_leaves_a_run_that_can_begin(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with running("train", text, "--out", run, *OPTIONS) as process:
        assert wait_until(process, (run / ".lock").exists)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate()
    assert process.returncode == 130
    assert resume_command(stderr.decode()) == ["train", "--resume", str(run)]
    assert plan_of(RunFolder(run).settings()).steps == STEPS
    assert_refused(nextchar("sample", run), 1, "ended before it had a model", f"nextchar train --resume {run}")


def test_stopped_at_once_a_run_loses_nothing_either(text: Path, undisturbed: Path, tmp_path: Path) -> None:
    run, output = tmp_path / "run", tmp_path / "output"
    with forked("train", text, "--out", run, *OPTIONS, output=output) as process:
        assert wait_for(process, lambda: has_saved(run))
        assert process.pid is not None
        # Two signals that arrive together, of which the second does not wait for what the first asks for.
        for number in (signal.SIGSTOP, signal.SIGINT, signal.SIGTERM, signal.SIGCONT):
            os.kill(process.pid, number)
        process.join(PATIENCE)
    stderr = (output / "stderr").read_text()
    assert process.exitcode == 130
    assert "Traceback" not in stderr
    assert "Stopped and saved" not in stderr
    assert_whole(RunFolder(run))
    assert nextchar_forked(*resume_command(stderr), output=output).status == 0
    assert_same_result(undisturbed, run)


@pytest.fixture(scope="module")
def short(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of few steps."""
    folder = tmp_path_factory.mktemp("short") / "run"
    options = ("--steps", 90, "--evaluations", 3, "--seed", 4, *SMALL)
    outcome = nextchar_forked("train", text, "--out", folder, *options, output=folder.parent)
    assert outcome.status == 0, outcome.stderr
    return folder


def test_a_plan_followed_again_gives_the_same_weights(text: Path, short: Path, tmp_path: Path) -> None:
    same = ("--plan", short, "--seed", 4, "--evaluations", 3, "--sample-length", 20)
    asked = ("train", text, "--out", tmp_path / "run", *same)
    assert nextchar_forked(*asked, output=tmp_path / "output").status == 0
    assert_same_result(short, tmp_path / "run")


def test_scoring_more_often_changes_no_weight(text: Path, short: Path, tmp_path: Path) -> None:
    often = ("--plan", short, "--seed", 4, "--evaluations", 7)
    outcome = nextchar_forked("train", text, "--out", tmp_path / "run", *often, output=tmp_path)
    assert outcome.status == 0, outcome.stderr
    one, other = (RunFolder(path).checkpoint() for path in (short, tmp_path / "run"))
    assert one is not None
    assert other is not None
    weights = [name for name in one.arrays if not name.startswith("best/")]
    assert bits({name: one.arrays[name] for name in weights}) == bits({name: other.arrays[name] for name in weights})
    assert len(story(tmp_path / "run")) == 7 * 5 + 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.write_text(text.read_text() + "more"), "has changed since this run began"),
        (lambda text: text.unlink(), "can no longer be read"),
    ],
)
def test_without_its_text_a_run_does_not_go_on(
    change: Callable[[Path], object], words: str, short: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    settings = json.loads((short / "settings.json").read_text())
    text = tmp_path / "book.txt"
    text.write_text(made_up_text())
    change(text)
    (run / "settings.json").write_text(json.dumps({**settings, "corpus": [str(text)]}))
    cache = {"NEXTCHAR_CACHE": str(tmp_path / "empty")}
    assert_refused(nextchar("train", "--resume", run, env=cache), 1, words, str(text))


def test_with_the_cache_gone_a_run_goes_on_from_its_text(short: Path, cache_of_tests: Path, tmp_path: Path) -> None:
    before = bits(ModelFile.load(short / "model.safetensors").parameters)
    entry = cache_of_tests / "corpora" / RunFolder(short).settings().corpus_key
    shutil.rmtree(entry)
    outcome = nextchar_forked("train", "--resume", short, output=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert entry.is_dir()
    assert bits(ModelFile.load(short / "model.safetensors").parameters) == before


def test_a_text_that_moved_is_named_and_its_content_checked(short: Path, tmp_path: Path) -> None:
    run, moved, other = tmp_path / "run", tmp_path / "moved.txt", tmp_path / "other.txt"
    shutil.copytree(short, run)
    moved.write_text(made_up_text())
    other.write_text(made_up_text(seed=1))
    assert_refused(
        nextchar("train", "--resume", run, "--text", other), 1, f"{other} is not the text that this run learned from"
    )
    assert_refused(nextchar("train", "--text", moved), 2, "add --resume RUN", f"nextchar train {moved}")
    outcome = nextchar_forked("train", "--resume", run, "--text", moved, output=tmp_path / "output")
    assert outcome.status == 0, outcome.stderr
    assert RunFolder(run).settings().corpus == (str(moved),)


def test_a_mistyped_run_is_answered_with_the_nearest_one_by_every_command(short: Path) -> None:
    wrong, hint = short.with_name("rnu"), f"Did you mean {short}?"
    for command in (("train", "--resume"), ("sample",), ("info",), ("report",), ("evaluate",), ("serve",)):
        assert_refused(nextchar(*command, wrong), 1, hint)
    assert_refused(nextchar("convert", wrong, wrong.with_name("page.html")), 1, hint)
