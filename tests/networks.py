"""Networks for tests: small ones with random weights, and one whose probabilities are known."""

import numpy as np

from nextchar.architecture import Architecture, Floats, Ids, State
from nextchar.engine import NumpyNetwork
from nextchar.language_model import LanguageModel
from nextchar.model_file import ModelFile, Provenance
from nextchar.vocabulary import Vocabulary

ALPHABET = "\n abcdefghijklmnopqrstuvwxyz가나다é"


def random_network(vocabulary_size: int = 9, seed: int = 0, hidden: tuple[int, ...] = (6, 4)) -> NumpyNetwork:
    """Return a network whose weights mean nothing."""
    architecture = Architecture(vocabulary_size=vocabulary_size, embedding=3, hidden=hidden)
    random = np.random.default_rng(seed)
    return NumpyNetwork(
        architecture,
        {
            name: random.normal(0, 1, shape).astype(np.float32)
            for name, shape in architecture.parameter_shapes().items()
        },
    )


def random_model(characters: str = ALPHABET, seed: int = 0, **provenance: object) -> LanguageModel:
    """Return a language model whose weights mean nothing."""
    vocabulary = Vocabulary("".join(sorted(set(characters))))
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=4, hidden=(8,))
    random = np.random.default_rng(seed)
    parameters = {
        name: random.normal(0, 1, shape).astype(np.float32) for name, shape in architecture.parameter_shapes().items()
    }
    return LanguageModel(ModelFile(architecture, vocabulary, parameters, Provenance.model_validate(provenance)))


class BigramNetwork:
    """Predicts from the last id alone, with the probabilities given: shape (V, V), rows are the id read."""

    def __init__(self, probabilities: np.ndarray) -> None:
        self.logits = np.log(probabilities).astype(np.float32)
        self.vocabulary_size = len(probabilities)

    def initial_state(self, batch: int) -> State:
        return State((), ())

    def forward(self, ids: Ids, state: State) -> tuple[Floats, State]:
        return self.logits[ids], state
