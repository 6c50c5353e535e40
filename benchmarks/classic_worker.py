"""nextchar's classic recipe in a process of its own, with the commands of keras_worker.py."""

from __future__ import annotations

import argparse
import sys
import time
from itertools import islice
from pathlib import Path

from keras_worker import serve

from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.runs.preparation import prepare
from nextchar.runs.texts import Texts
from nextchar.settings import TextSettings, TrainingSettings
from nextchar.text.corpus_cache import default_cache_folder
from nextchar.training.events import Evaluated


class ClassicRecipe:
    """The recipe as `nextchar train` prepares it."""

    def __init__(self, text: str) -> None:
        settings = TextSettings(lowercase=True, validation=0.1)
        training = TrainingSettings(recipe="classic", epochs=100)
        preparing = prepare(Texts((text,), settings), training, default_cache_folder())
        while True:
            try:
                next(preparing)
            except StopIteration as done:
                prepared = done.value
                break
        self._trainer, self._corpus = prepared.trainer, prepared.corpus
        self._prompt = prepared.settings.prompt
        self._events = self._trainer.run()
        self._step = 0

    def steps(self, count: int) -> dict[str, float]:
        """Train on ``count`` batches."""
        began = time.perf_counter()
        for step in range(self._step, self._step + count):
            self._trainer._updates.update(step, self._trainer.learning_rate(step))
        self._step += count
        return {"seconds": time.perf_counter() - began}

    def epoch(self) -> dict[str, float]:
        """Make one pass over all windows, as a run does, and score the held-out text."""
        before = self._trainer.state.seconds
        evaluated = next(event for event in self._events if isinstance(event, Evaluated))
        assert evaluated.validation_bits_per_character is not None
        return {"seconds": evaluated.seconds - before, "bits": evaluated.validation_bits_per_character}

    def write(self, count: int) -> dict[str, float]:
        """Write ``count`` characters."""
        model = LanguageModel(
            ModelFile(self._trainer.architecture, self._corpus.vocabulary, self._trainer.parameters())
        )
        stream = model.stream(self._prompt, length=count + 1, temperature=0.5, seed=0)
        next(stream)  # compiles
        began = time.perf_counter()
        written = sum(1 for _ in islice(stream, count))
        return {"characters_per_second": written / (time.perf_counter() - began)}


def main() -> None:
    """Serve commands until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("text", type=Path)
    answers, sys.stdout = sys.stdout, sys.stderr
    serve(ClassicRecipe(str(parser.parse_args().text)), answers)


if __name__ == "__main__":
    main()
