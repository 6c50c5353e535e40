"""A run of several processes: the same weights as of one, whatever happens to any of them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

import numpy as np
import pytest
import torch

from nextchar.runs.folder import RunFolder
from nextchar.runs.run import Run
from nextchar.runs.run_settings import plan_of
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.training.events import Event, Finished, Note, Recovered, Revised
from tests.command import PATIENCE, environment, made_up_text, nextchar, posix
from tests.devices import on_devices
from tests.forked import forked_together, nextchar_forked, wait_for

pytestmark = posix
SMALL = ("--hidden", 16, "--window", 16, "--sample-length", 20)
OPTIONS = ("--steps", 600, "--evaluations", 3, "--seed", 3, *SMALL, "--streams", 16, "--save-every", "0.1s")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What every run here learns from."""
    path = tmp_path_factory.mktemp("text") / "book.txt"
    path.write_text(made_up_text())
    return path


@pytest.fixture(scope="module")
def of_one(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one process, which computes four shards."""
    folder = tmp_path_factory.mktemp("runs") / "one"
    outcome = nextchar_forked("train", text, "--out", folder, *OPTIONS, "--threads", 4, output=folder.parent)
    assert outcome.status == 0, outcome.stderr
    return folder


def ended(processes: list[BaseProcess]) -> list[int | None]:
    """Return the exit statuses of ``processes``, once all have ended."""
    for process in processes:
        process.join(PATIENCE)
    return [process.exitcode for process in processes]


def assert_same_weights(one: Path, other: Path) -> None:
    """Check that both runs ended with the same weights, optimizer, states and random states, bit for bit."""
    first, second = (RunFolder(path).checkpoint() for path in (one, other))
    assert first is not None
    assert second is not None
    assert first.arrays.keys() == second.arrays.keys()
    for name, array in first.arrays.items():
        np.testing.assert_array_equal(array, second.arrays[name], err_msg=name)


def events_of(run: Path) -> list[Event]:
    return RunFolder(run).events()


def has_saved(run: Path) -> bool:
    return (run / "resume" / "state.safetensors").exists()


def test_two_processes_give_the_weights_of_one(text: Path, of_one: Path, tmp_path: Path) -> None:
    command = ("train", text, "--out", tmp_path / "run", *OPTIONS, "--threads", 2)
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert ended(processes) == [0, 0]
    assert_same_weights(of_one, tmp_path / "run")
    assert RunFolder(tmp_path / "run").settings().plan == RunFolder(of_one).settings().plan
    notes = [event.message for event in events_of(tmp_path / "run") if isinstance(event, Note)]
    assert any("2 processes train together, each with 2 threads" in note for note in notes)
    shown, hidden = ((tmp_path / "output" / str(rank) / "stderr").read_text() for rank in (0, 1))
    assert "nextchar: model: " in shown
    assert hidden == ""


def test_two_processes_start_from_a_model_as_one_does(text: Path, of_one: Path, tmp_path: Path) -> None:
    options = ("--from", of_one, "--steps", 30, "--seed", 4, *SMALL, "--streams", 16)
    outcome = nextchar_forked(
        "train", text, "--out", tmp_path / "one", *options, "--threads", 4, output=tmp_path / "output"
    )
    assert outcome.status == 0, outcome.stderr
    command = ("train", text, "--out", tmp_path / "two", *options, "--threads", 2)
    with forked_together(*command, output=tmp_path / "outputs") as processes:
        assert ended(processes) == [0, 0]
    assert_same_weights(tmp_path / "one", tmp_path / "two")
    assert RunFolder(tmp_path / "two").settings().base == RunFolder(tmp_path / "one").settings().base is not None


@pytest.mark.slow
def test_a_run_of_two_that_loses_one_is_continued_by_one(text: Path, of_one: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("train", text, "--out", run, *OPTIONS, "--resume", "auto")
    with forked_together(*command, "--threads", 2, output=tmp_path / "output") as processes:
        assert wait_for(processes[0], lambda: has_saved(run))
        processes[1].kill()
        assert ended(processes) == [1, -signal.SIGKILL]
    message = (tmp_path / "output" / "0" / "stderr").read_text()
    assert "Another process of this run has ended" in message
    assert "Traceback" not in message
    outcome = nextchar_forked(*command, "--threads", 2, output=tmp_path)
    assert outcome.status == 0, outcome.stderr
    assert "Continuing at step" in outcome.stderr
    assert_same_weights(of_one, run)


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_signal_to_one_of_them_ends_all_in_order(text: Path, of_one: Path, tmp_path: Path, rank: int) -> None:
    run = tmp_path / "run"
    command = ("train", text, "--out", run, *OPTIONS, "--threads", 2, "--resume", "auto")
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert wait_for(processes[0], lambda: has_saved(run))
        process_id = processes[rank].pid
        assert process_id is not None
        os.kill(process_id, signal.SIGUSR1 if rank else signal.SIGINT)
        assert ended(processes) == [130, 130]
    last = events_of(run)[-1]
    assert isinstance(last, Finished)
    assert last.interrupted
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert ended(processes) == [0, 0]
    assert_same_weights(of_one, run)


@pytest.mark.slow
def test_a_slow_process_changes_nothing(text: Path, of_one: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("train", text, "--out", run, *OPTIONS, "--threads", 2)
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert wait_for(processes[0], lambda: has_saved(run))
        slow = processes[1].pid
        assert slow is not None
        for _ in range(3):
            os.kill(slow, signal.SIGSTOP)
            processes[0].join(0.2)
            os.kill(slow, signal.SIGCONT)
            processes[0].join(0.05)
        assert ended(processes) == [0, 0]
    assert_same_weights(of_one, run)


def test_a_time_is_turned_into_the_same_steps_by_both(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("train", text, "--out", run, "--time", "3s", *SMALL, "--evaluations", 2)
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert ended(processes) == [0, 0]
    plan = plan_of(RunFolder(run).settings())
    steps, events = plan.steps, events_of(run)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert (finished.step, finished.interrupted) == (steps, False)
    revised = [event for event in events if isinstance(event, Revised)]
    totals = [plan.first_steps, *(event.steps for event in revised)]
    assert totals == [*(revision.planned_steps for revision in plan.revisions), steps]
    assert [event.step for event in revised] == [revision.step for revision in plan.revisions]
    assert plan.shards % 2 == 0
    notes = [event.message for event in events if isinstance(event, Note)]
    assert any(note.startswith("An update computes for ") and "the processes exchange" in note for note in notes)


@pytest.mark.slow
def test_both_recover_from_divergence_together(text: Path, tmp_path: Path) -> None:
    options = (*OPTIONS, "--learning-rate", 10, "--clip", 1e6, "--dropout", 0)
    alone = tmp_path / "alone"
    nextchar_forked("train", text, "--out", alone, *options, "--threads", 4, output=tmp_path)
    run = tmp_path / "run"
    with forked_together(
        "train", text, "--out", run, *options, "--threads", 2, output=tmp_path / "output"
    ) as processes:
        statuses = ended(processes)
    assert statuses[0] == statuses[1]
    recovered = [[event for event in events_of(path) if isinstance(event, Recovered)] for path in (alone, run)]
    assert recovered[0]
    assert recovered[0] == recovered[1]
    assert_same_weights(alone, run)


@pytest.mark.slow
def test_local_updates_go_on_from_the_mean_that_was_saved(text: Path, tmp_path: Path) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    options = (*OPTIONS, "--threads", 2, "--exchange", "local", "--resume", "auto")
    with forked_together("train", text, "--out", whole, *options, output=tmp_path / "output") as processes:
        assert ended(processes) == [0, 0]
    plan = plan_of(RunFolder(whole).settings())
    assert (plan.exchange, plan.average_every, plan.checkpoint_every) == ("local", 16, 32)
    notes = [event.message for event in events_of(whole) if isinstance(event, Note)]
    assert "The processes exchange weights, every 16 updates." in notes
    command = ("train", text, "--out", stopped, *options)
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert wait_for(processes[0], lambda: has_saved(stopped))
        process_id = processes[1].pid
        assert process_id is not None
        os.kill(process_id, signal.SIGUSR1)
        assert ended(processes) == [130, 130]
    with forked_together(*command, output=tmp_path / "output") as processes:
        assert ended(processes) == [0, 0]
    assert_same_weights(whole, stopped)
    other = nextchar_forked("train", text, "--out", stopped, *options[:-4], "--resume", "auto", output=tmp_path)
    assert (other.status, "--exchange is local in the run and not given here" in other.stderr) == (2, True)


@on_devices
def test_the_memory_of_a_gpu_is_limited_as_asked(text: Path, tmp_path: Path, device: str) -> None:
    settings = TrainingSettings(device=device, gpu_memory_fraction=0.5, steps=4, hidden=16, sample_length=5)  # pyright: ignore[reportArgumentType]
    run = Run.new(None, Texts((str(text),), TextSettings()), settings, cache=tmp_path)
    events = list(run.events())
    assert isinstance(events[-1], Finished)
    without = [
        event for event in events if isinstance(event, Note) and "has no effect: training is on cpu" in event.message
    ]
    assert bool(without) == (device == "cpu")
    if device == "cuda":
        assert torch.cuda.get_per_process_memory_fraction() == 0.5
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_more_processes_than_shards_are_refused(text: Path, of_one: Path, tmp_path: Path) -> None:
    command = ("train", text, "--out", tmp_path / "run", "--steps", 5, *SMALL, "--streams", 2)
    with forked_together(*command, output=tmp_path / "output", count=3) as processes:
        assert ended(processes)[0] == 2
    assert "--streams 2 cannot be shared by 3 processes" in (tmp_path / "output" / "0" / "stderr").read_text()


@pytest.mark.slow
def test_torchrun_starts_a_killed_run_again_to_the_same_end(text: Path, of_one: Path, tmp_path: Path) -> None:
    """The real torchrun; the second process of the first try kills itself in the middle."""
    run, killer = tmp_path / "run", tmp_path / "killer.py"
    killer.write_text(
        "import os, signal, sys, threading, time\n"
        "from pathlib import Path\n"
        "from nextchar.cli import main\n"
        "def kill():\n"
        "    while not Path(sys.argv[1], 'resume', 'state.safetensors').exists():\n"
        "        time.sleep(0.005)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if os.environ['RANK'] == '1' and os.environ['TORCHELASTIC_RESTART_COUNT'] == '0':\n"
        "    threading.Thread(target=kill, daemon=True).start()\n"
        "sys.exit(main(sys.argv[2:]))\n"
    )
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--max-restarts", "3")
    command = ("train", text, "--out", run, *OPTIONS, "--threads", 2, "--resume", "auto")
    arguments = [sys.executable, *launcher, killer, run, *command]
    done = subprocess.run(
        [*map(str, arguments)], env=environment(), capture_output=True, timeout=4 * PATIENCE, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Continuing at step" in done.stderr
    assert_same_weights(of_one, run)


def test_the_same_command_begins_and_continues_and_others_are_refused(text: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ("train", text, "--out", run, "--steps", 20, *SMALL, "--resume", "auto")
    assert nextchar_forked(*command, output=tmp_path).status == 0
    again = nextchar_forked(*command, output=tmp_path)
    assert again.status == 0
    assert "Continuing at step 20 of 20" in again.stderr
    other = nextchar("train", text, "--out", run, "--steps", 21, *SMALL, "--resume", "auto")
    assert (other.status, "--steps is 20 in the run and 21 here" in other.stderr) == (2, True)
    lowered = nextchar("train", text, "--out", run, "--steps", 20, *SMALL, "--lowercase", "--resume", "auto")
    assert (lowered.status, "--lowercase is False in the run and True here" in lowered.stderr) == (2, True)
    moved = tmp_path / "other.txt"
    moved.write_text(made_up_text())
    elsewhere = nextchar("train", moved, "--out", run, "--steps", 20, *SMALL, "--resume", "auto")
    assert (elsewhere.status, str(text) in elsewhere.stderr) == (2, True)
    nowhere = nextchar("train", text, "--steps", 20, *SMALL, "--resume", "auto")
    assert (nowhere.status, "add --out RUN" in nowhere.stderr) == (2, True)
