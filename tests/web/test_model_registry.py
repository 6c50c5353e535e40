"""The models that are served: their names, and what happens when their files change."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from nextchar.errors import ModelFileError
from nextchar.web.errors import RefusedError
from nextchar.web.model_registry import CHECK_INTERVAL, ModelHandle, ModelRegistry
from tests.served import model_file
from tests.served_page import run_folder
from tests.small_networks import random_model


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def names(*paths: Path) -> list[str]:
    return [model.name for model in ModelRegistry.of(paths)]


def test_models_are_named_after_their_files_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fox, run = model_file(tmp_path), run_folder(tmp_path / "my run.2").path
    assert names(fox, run, run / "model.safetensors") == ["fox", "my run.2", "my run.2-2"]
    assert names(fox, fox, fox) == ["fox", "fox-2", "fox-3"]
    monkeypatch.chdir(run)
    assert names(Path(), Path("model.safetensors")) == ["my run.2", "my run.2-2"]
    strange = tmp_path / os.fsdecode(b"b\xe4r.safetensors")
    strange.touch()
    assert names(strange) == ["b?r"]


def test_a_model_is_looked_up_by_name_and_the_first_without(tmp_path: Path) -> None:
    registry = ModelRegistry.of([model_file(tmp_path, "a"), model_file(tmp_path, "b")])
    assert (registry.find(None).name, registry.find("b").name, len(registry)) == ("a", "b", 2)
    with pytest.raises(RefusedError, match="'a', 'b'"):
        registry.find("c")


def test_a_file_that_changes_is_loaded_anew_and_looked_at_once_a_second(tmp_path: Path) -> None:
    clock = Clock()
    served = ModelHandle("fox", model_file(tmp_path), clock)
    first = served.current()
    model_file(tmp_path, model=random_model(seed=1))
    assert served.current() is first
    clock.now = CHECK_INTERVAL
    second = served.current()
    assert second.fingerprint != first.fingerprint
    assert second.model.generate("a", seed=1) == random_model(seed=1).generate("a", seed=1)
    clock.now = 10 * CHECK_INTERVAL
    assert served.current() is second


def test_a_file_that_is_gone_or_damaged_leaves_the_model_as_it_was(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock, path = Clock(), model_file(tmp_path)
    served = ModelHandle("fox", path, clock)
    first = served.current()
    with caplog.at_level(logging.WARNING):
        for number, content in enumerate([b"damaged", None, b"damaged again"]):
            path.unlink() if content is None else path.write_bytes(content)
            clock.now += CHECK_INTERVAL
            assert served.current() is first
            assert len(caplog.records) == number + 1
    assert "The previous model is still served" in caplog.text
    model_file(tmp_path, model=random_model(seed=1))
    clock.now += CHECK_INTERVAL
    assert served.current() is not first


def test_what_is_no_model_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.safetensors").write_text("no model")
    for name in ("nothing.safetensors", "empty", "text.safetensors"):
        with pytest.raises(ModelFileError):
            ModelHandle("x", tmp_path / name).current()


def test_a_model_is_always_written_with_compiled_loops(tmp_path: Path) -> None:
    model = ModelHandle("fox", model_file(tmp_path)).current().model
    assert model.network_for(1) is model.compiled_network


def test_history_is_read_anew_when_there_is_more(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", finished=False)
    served = ModelHandle("run", folder.path)
    first, same = served.history(), served.history()
    assert first is not None
    assert same is not None
    assert first[1] is same[1]
    with (folder.path / "events.jsonl").open("a") as file:
        file.write('{"event":"eval')  # a line that is being written
    again = served.history()
    assert again is not None
    assert again == first
    assert ModelHandle("fox", model_file(tmp_path)).history() is None
