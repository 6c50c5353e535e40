"""Models as ONNX for tests, and a network that onnxruntime computes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from nextchar.convert import onnx_model
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture, Ids
from nextchar.text.vocabulary import Vocabulary

ALPHABET = "".join(map(chr, range(32, 127)))
LARGE = "".join(map(chr, range(0xAC00, 0xAC00 + 1499)))
MODELS = {
    "one-hot": (ALPHABET, None, (16,), None),
    "embedding": (ALPHABET, 5, (12, 7), None),
    "three layers": (ALPHABET, None, (8, 20, 5), None),
    "one unit": ("ab", 1, (1,), None),
    "many characters": (LARGE, None, (32,), None),
    "many characters, embedding": (LARGE, 6, (24, 10), None),
    "windows": (ALPHABET, None, (16,), 7),
    "windows, embedding": (ALPHABET, 3, (6, 9), 7),
}


def model(name: str = "embedding", has_unknown: bool = True, **provenance: object) -> ModelFile:
    """Return one of the models, with weights that mean nothing."""
    characters, embedding, hidden, context_length = MODELS[name]
    vocabulary = Vocabulary(characters, has_unknown)
    architecture = Architecture(
        vocabulary_size=vocabulary.size, embedding=embedding, hidden=hidden, context_length=context_length
    )
    random = np.random.default_rng(0)
    shapes = architecture.parameter_shapes()
    parameters = {name: random.normal(0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    return ModelFile(architecture, vocabulary, parameters, Provenance.model_validate(provenance))


def content(file: ModelFile) -> bytes:
    """Return the file of ONNX."""
    return onnx_model.write(file, Path("model.onnx")).files[Path("model.onnx")]


def session_of(written: bytes) -> Any:
    """Return onnxruntime, ready to compute; with one thread, and without a line of its own for an error expected."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(written, options, providers=["CPUExecutionProvider"])


class OnnxNetwork:
    """A `Network` that onnxruntime computes; its state is the tensors, in their order."""

    context_length = None

    def __init__(self, file: ModelFile) -> None:
        self.session = session_of(content(file))
        self.vocabulary_size = file.architecture.vocabulary_size
        self._states = self.session.get_inputs()[1:]

    def initial_state(self, batch: int) -> tuple[np.ndarray, ...]:
        return tuple(np.zeros((batch, state.shape[1]), np.float32) for state in self._states)

    def forward(self, ids: Ids, state: tuple[np.ndarray, ...]) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
        given = dict(zip([state.name for state in self._states], state, strict=True))
        logits, *after = self.session.run(None, {"ids": np.asarray(ids, np.int64), **given})
        return logits, tuple(after)


def some_ids(size: int, batch: int, time: int) -> np.ndarray:
    ids = np.random.default_rng(1).integers(0, size, (batch, time))
    ids[0, 0], ids[-1, -1] = 0, size - 1
    return ids
