"""The page in its two lives, served and exported, with a small model and a run that it grew up in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nextchar.convert.conversion import convert
from nextchar.model.language_model import LanguageModel
from nextchar.runs.folder import RunFolder, RunSettings
from nextchar.settings import ServeSettings, TextSettings, TrainingSettings
from nextchar.training.events import Evaluated, Event, Finished, Sampled
from nextchar.training.feeding import Streams
from nextchar.training.plan import Plan
from tests.small_networks import ALPHABET as LETTERS
from tests.small_networks import random_model

ALPHABET = LETTERS + "\u0301"
EVALUATIONS = 4
BITS = 2.6
PLAN = Plan(
    hidden=(8,), embedding=4, input_dropout=0, dropout=0, feeding=Streams(batch=2, window=4), shards=1, steps=40,
    learning_rate=0.01, warm_up=1, weight_decay=0, clip=1, checkpoint_every=10,
)  # fmt: skip
SETTINGS = RunSettings(
    corpus=("fox.txt",), names=("fox.txt",), corpus_key="k", text=TextSettings(), training=TrainingSettings(),
    plan=PLAN, device="cpu", threads=1, evaluations=EVALUATIONS, prompt="the fox",
)  # fmt: skip


def model_of(characters: str = ALPHABET, seed: int = 0, **provenance: object) -> LanguageModel:
    """Return a model whose weights mean nothing, and which tells where it comes from.

    Its weights are the same in float16, so that the exported page has the very same.
    """
    defaults = {"corpus": ("fox.txt",), "training_seconds": 41, "validation_bits_per_character": BITS}
    file = random_model(characters, seed, **{**defaults, **provenance}).file
    parameters = {name: array.astype(np.float16).astype(np.float32) for name, array in file.parameters.items()}
    return LanguageModel(replace(file, parameters=parameters))


MODEL = model_of()


def evaluation_events(number: int) -> list[Event]:
    """Return what a run tells when it is scored for the ``number``-th time, from 0."""
    step = number + 1
    evaluated = Evaluated(
        step=step, epoch=step / 10, seconds=10.25 * step, training_bits_per_character=3.1 - step / 10,
        validation_bits_per_character=3 - step / 10, learning_rate=0.01, best=True,
    )  # fmt: skip
    texts = [
        Sampled(step=step, epoch=step / 10, temperature=t, prompt="the fox", text=f" at {t}, step {step}")
        for t in (0.2, 1.2)
    ]
    return [evaluated, *texts]


def finished_event() -> Event:
    """Return what a run tells at its end."""
    return Finished(step=40, seconds=41, best_step=40, validation_bits_per_character=BITS, interrupted=False)


def run_folder(path: Path, model: LanguageModel = MODEL, *, finished: bool = True) -> RunFolder:
    """Make the folder of a run with `EVALUATIONS` evaluations."""
    folder = RunFolder(path)
    with folder.lock():
        folder.create(SETTINGS)
        for number in range(EVALUATIONS):
            folder.append(evaluation_events(number))
        folder.append([finished_event()] if finished else [])
        folder.save_model(model.file)
    return folder


@contextlib.contextmanager
def serving(*models: Path, **options: Any) -> Iterator[str]:
    """Serve ``models`` from a thread of this process and yield the address of the page.

    ``options`` are those of `ServeSettings`.
    """
    # Tests of other things work where the server is not installed.
    from nextchar.web.model_registry import ModelRegistry
    from nextchar.web.server import Server

    settings = ServeSettings(**{"port": 0, "cores": 2, "max_characters": 100_000, **options})
    server = Server(ModelRegistry.of(models), settings)
    server.start()
    try:
        yield server.address
    finally:
        server.close()


@dataclass(frozen=True)
class Pages:
    """The addresses of the page in its two lives, and where they are of."""

    folder: Path
    """Holds the run folder fox and the page fox.html."""
    model: Path
    """A model file, without its run."""
    served: str
    exported: str

    def __getitem__(self, life: str) -> str:
        return {"served": self.served, "exported": self.exported}[life]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    """The page, served and exported, of the same run."""
    path = tmp_path_factory.mktemp("page")
    folder = run_folder(path / "fox")
    exported, model = path / "fox.html", path / "alone.safetensors"
    MODEL.save(model)
    convert(folder.path, exported)
    with serving(folder.path) as address:
        yield Pages(path, model, address, exported.as_uri())


@pytest.fixture(params=["served", "exported"])
def life(request: pytest.FixtureRequest) -> str:
    """Each of the two lives in turn."""
    return str(request.param)
