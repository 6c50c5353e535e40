"""Run folders that older versions wrote, and those of newer ones.

Those in tests/data/runs were interrupted halfway by the version that wrote them; `ended.safetensors` is the state that
the same version ended in.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from nextchar.errors import RunFolderError, UsageError
from nextchar.files import tensor_file
from nextchar.model.model_file import ModelFile
from nextchar.runs.agreement import check_agreement
from nextchar.runs.folder import RunFolder
from nextchar.runs.record import RunRecord
from nextchar.runs.run import Run
from nextchar.runs.texts import Texts
from nextchar.training.checkpoint import Checkpoint
from nextchar.training.events import Evaluated, Finished, Planned

RUNS = Path(__file__).parents[1] / "data" / "runs"
OLD = sorted(path.relative_to(RUNS).as_posix() for path in RUNS.glob("format-*/*/"))


def copied(name: str, place: Path) -> RunFolder:
    """Return a copy of a run, its text beside it."""
    shutil.copytree(RUNS / name, place / "run")
    shutil.copy((RUNS / name).parent / "book.txt", place)
    path = place / "run" / "settings.json"
    settings = json.loads(path.read_text())
    path.write_text(json.dumps({**settings, "corpus": [str(place / "book.txt")]}))
    return RunFolder(place / "run")


@pytest.mark.parametrize("name", OLD)
def test_a_run_of_an_older_version_ends_as_it_would_have(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    before = folder.checkpoint()
    assert before is not None
    *_, finished = Run.resume(folder, cache=tmp_path / "cache").events()
    ended, expected = folder.checkpoint(), Checkpoint.from_bytes((folder.path / "ended.safetensors").read_bytes())
    assert ended is not None
    assert isinstance(finished, Finished)
    assert 0 < before.state.step < ended.state.step == finished.step == expected.state.step
    assert ended.arrays.keys() == expected.arrays.keys()
    for array_name, array in expected.arrays.items():
        # On the machine that wrote them they are the same bit for bit; another adds up in another order.
        np.testing.assert_allclose(ended.arrays[array_name], array, atol=1e-5, err_msg=array_name)
    assert replace(ended.state, seconds=0, lowest_loss=0, best_bits=0, temperature=0) == replace(
        expected.state, seconds=0, lowest_loss=0, best_bits=0, temperature=0
    )
    ModelFile.load(folder.model_path)


@pytest.mark.parametrize("name", OLD)
def test_a_run_of_an_older_version_can_be_reported(name: str, tmp_path: Path) -> None:
    record = RunRecord.read(copied(name, tmp_path))
    assert record.planned is not None
    assert record.planned.plan == record.settings.plan
    assert record.evaluations
    assert record.last_samples


def test_what_is_written_says_its_format_and_version(tmp_path: Path) -> None:
    folder = copied(OLD[0], tmp_path)
    list(Run.resume(folder, cache=tmp_path / "cache").events())
    folder.save_settings(folder.settings())
    log = (folder.path / "events.jsonl").read_text().splitlines()
    header, _ = tensor_file.from_bytes((folder.path / "resume" / "state.safetensors").read_bytes())
    for stamp in (json.loads(log[0]), json.loads((folder.path / "settings.json").read_text()), header):
        assert (stamp["format"], stamp["written_by"].split()[0]) == (2, "nextchar")
    assert sum('"event": "log"' in line for line in log) == 1
    assert any(isinstance(event, Planned) for event in folder.events())
    folder.append([event for event in folder.events() if isinstance(event, Evaluated)][:1])
    assert len((folder.path / "events.jsonl").read_text().splitlines()) == len(log) + 1


NEWER = {"format": 3, "written_by": "nextchar 0.9.0"}
WORDS = r"was written by nextchar 0\.9\.0, format 3; this is nextchar .*, which reads up to 2: update nextchar"


def test_newer_settings_are_refused(tmp_path: Path) -> None:
    folder = copied(OLD[0], tmp_path)
    (folder.path / "settings.json").write_text(json.dumps({**NEWER, "unheard_of": 1}))
    with pytest.raises(RunFolderError, match=WORDS):
        folder.settings()


def test_a_newer_state_is_refused(tmp_path: Path) -> None:
    folder = copied(OLD[0], tmp_path)
    state = folder.path / "resume" / "state.safetensors"
    state.write_bytes(tensor_file.to_bytes(NEWER, {"x": np.zeros(1)}))
    before = state.read_bytes()
    with pytest.raises(RunFolderError, match=WORDS):
        list(Run.resume(folder, cache=tmp_path / "cache").events())
    assert state.read_bytes() == before


def test_a_newer_log_is_refused_and_kept(tmp_path: Path) -> None:
    folder = copied(OLD[0], tmp_path)
    log = folder.path / "events.jsonl"
    content = json.dumps({"event": "log", **NEWER}) + '\n{"event": "unheard_of"}\n'
    log.write_text(content)
    for read in (folder.events, lambda: list(Run.resume(folder, cache=tmp_path / "cache").events())):
        with pytest.raises(RunFolderError, match=WORDS):
            read()
    assert log.read_text() == content


@pytest.mark.parametrize("name", OLD)
def test_the_command_that_began_a_run_of_an_older_version_agrees_with_it(name: str, tmp_path: Path) -> None:
    folder = copied(name, tmp_path)
    recorded = folder.settings()
    texts = Texts((str(tmp_path / "book.txt"),), recorded.text)
    check_agreement(recorded, texts, recorded.training)
    check_agreement(recorded, texts, recorded.training.model_copy(update={"memory": False}))
    with pytest.raises(UsageError, match="--memory is not given in the run and True here"):
        check_agreement(recorded, texts, recorded.training.model_copy(update={"memory": True}))
