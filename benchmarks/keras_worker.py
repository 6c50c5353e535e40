"""The classic Keras example in a process of its own, controlled by benchmarks/classic.py.

Each line of standard input is a command in JSON, each line of standard output its result. {"do": "steps", "count": N}
trains on N batches as `fit` does; {"do": "epoch"} trains one epoch and scores the held-out text; {"do": "write",
"count": N} writes N characters with the example's loop; {"do": "memory"} returns the peak so far.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import time
from typing import Any

import numpy as np

WINDOW, STRIDE, BATCH, HIDDEN, RATE = 60, 3, 128, 128, 0.01
QUIET: Any = 0
"""What Keras takes for `verbose`; the type it infers for it is that of its default, "auto"."""


class KerasExample:
    """The example with all windows one-hot in one array."""

    def __init__(self, text: str, validation: float) -> None:
        import keras
        from keras import layers

        self._keras = keras
        characters = sorted(set(text))
        index = {character: number for number, character in enumerate(characters)}
        self._ids = np.array([index[character] for character in text])
        self._size = len(characters)
        self._training = int(len(text) * (1 - validation))
        starts = np.arange(0, self._training - WINDOW, STRIDE)
        self._inputs = np.zeros((len(starts), WINDOW, self._size), dtype=bool)
        self._targets = np.zeros((len(starts), self._size), dtype=bool)
        for row, start in enumerate(starts):
            self._inputs[row, np.arange(WINDOW), self._ids[start : start + WINDOW]] = True
            self._targets[row, self._ids[start + WINDOW]] = True
        self._model = keras.Sequential(
            [
                keras.Input((WINDOW, self._size)),
                layers.LSTM(HIDDEN),
                layers.Dense(self._size, activation="softmax"),
            ]
        )
        optimizer = keras.optimizers.RMSprop(learning_rate=RATE)
        self._model.compile(loss="categorical_crossentropy", optimizer=optimizer)

    def steps(self, count: int) -> dict[str, float]:
        """Train on ``count`` batches."""
        rows = slice(0, count * BATCH)
        began = time.perf_counter()
        self._model.fit(self._inputs[rows], self._targets[rows], batch_size=BATCH, epochs=1, verbose=QUIET)
        return {"seconds": time.perf_counter() - began}

    def epoch(self) -> dict[str, float]:
        """Make one pass over all windows, and score every held-out character from the 60 before it."""
        began = time.perf_counter()
        self._model.fit(self._inputs, self._targets, batch_size=BATCH, epochs=1, verbose=QUIET)
        return {"seconds": time.perf_counter() - began, "bits": self._held_out_bits()}

    def _held_out_bits(self) -> float:
        windows = np.lib.stride_tricks.sliding_window_view(self._ids, WINDOW)[self._training - WINDOW : -1]  # (N, T)
        targets, total = self._ids[self._training :], 0.0
        for first in range(0, len(windows), 8192):
            rows = slice(first, first + 8192)
            inputs = np.eye(self._size, dtype=bool)[windows[rows]]  # (n, T, V)
            probabilities = self._model.predict(inputs, batch_size=1024, verbose=QUIET)  # (n, V)
            total -= float(np.log2(probabilities[np.arange(len(probabilities)), targets[rows]]).sum())
        return total / len(targets)

    def write(self, count: int) -> dict[str, float]:
        """Write ``count`` characters with the loop of the example."""
        random.seed(42)
        start = random.randint(0, len(self._ids) - WINDOW - 1)
        window = self._ids[start : start + WINDOW]
        self._predict(window)  # compiles
        began = time.perf_counter()
        for _ in range(count):
            prediction = self._predict(window).astype("float64")
            powers = np.exp(np.log(prediction) / 0.5)
            drawn = int(np.argmax(np.random.multinomial(1, powers / powers.sum(), 1)))
            window = np.append(window[1:], drawn)
        return {"characters_per_second": count / (time.perf_counter() - began)}

    def _predict(self, window: np.ndarray) -> np.ndarray:
        sampled = np.zeros((1, WINDOW, self._size))
        sampled[0, np.arange(WINDOW), window] = 1.0
        return self._model.predict(sampled, verbose=QUIET)[0]


def main() -> None:
    """Serve commands until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend", choices=("jax", "tensorflow", "torch"))
    parser.add_argument("text")
    parser.add_argument("--validation", type=float, default=0.1)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing else may write among the answers
    with open(arguments.text, encoding="utf-8") as file:  # noqa: PTH123 (as the example does)
        example = KerasExample(file.read().lower(), arguments.validation)
    serve(example, answers)


def serve(example: Any, answers: Any) -> None:
    """Run the commands of standard input on ``example``."""
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        name = asked.pop("do")
        if name == "memory":
            result = {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        else:
            result = getattr(example, name)(**asked)
        print(json.dumps(result), file=answers, flush=True)


if __name__ == "__main__":
    main()
