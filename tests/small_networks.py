"""Networks for tests: small ones with random weights, and one whose probabilities are known."""

from dataclasses import replace
from typing import Any

import numpy as np

from nextchar.model.kept_text import KeptText
from nextchar.model.language_model import LanguageModel
from nextchar.model.model_file import ModelFile
from nextchar.model.provenance import Provenance
from nextchar.networks.architecture import Architecture, Floats, Ids, Network, Parameters, State
from nextchar.networks.blend import TextCounts
from nextchar.networks.engine import make_network
from nextchar.networks.kinds import blend_content
from nextchar.networks.line_counting import count_lines
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.numpy_network import NumpyNetwork
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import kinds_of
from nextchar.text.documents import PLAIN, SourceText, documents_of
from nextchar.text.tokenizer import Tokenizer
from nextchar.text.vocabulary import Vocabulary

ALPHABET = "\n abcdefghijklmnopqrstuvwxyz가나다é"


def random_parameters(architecture: Architecture, seed: int = 0, spread: float = 1.0) -> Parameters:
    """Return weights that mean nothing."""
    random = np.random.default_rng(seed)
    return {
        name: random.normal(0, spread, shape).astype(np.float32)
        for name, shape in architecture.parameter_shapes().items()
    }


def random_network(
    vocabulary_size: int = 9, seed: int = 0, hidden: tuple[int, ...] = (6, 4), forget_bias: float = 0.0
) -> NumpyNetwork:
    """Return a network whose weights mean nothing."""
    architecture = Architecture(vocabulary_size=vocabulary_size, embedding=3, hidden=hidden)
    parameters = random_parameters(architecture, seed)
    parameters["layer0.bias"][hidden[0] : 2 * hidden[0]] += forget_bias
    return NumpyNetwork(architecture, parameters)


def windowed_network(context_length: int, vocabulary_size: int = 9) -> Network[Any]:
    """Return a network that reads so many ids for each prediction, whose weights mean nothing."""
    architecture = Architecture(
        vocabulary_size=vocabulary_size, embedding=None, hidden=(5,), context_length=context_length
    )
    return make_network(architecture, random_parameters(architecture))


def random_model(characters: str = ALPHABET, seed: int = 0, **provenance: object) -> LanguageModel:
    """Return a language model whose weights mean nothing."""
    vocabulary = Vocabulary("".join(sorted(set(characters))))
    architecture = Architecture(vocabulary_size=vocabulary.size, embedding=4, hidden=(8,))
    parameters = random_parameters(architecture, seed)
    return LanguageModel(ModelFile(architecture, vocabulary, parameters, Provenance.model_validate(provenance)))


def random_text(characters: str, length: int, seed: int = 0) -> str:
    """Return a text of ``characters``, the first of which are frequent, with words that come again."""
    random = np.random.default_rng(seed)
    words = ["".join(random.choice(list(characters), random.integers(1, 6))) for _ in range(400)]
    ranks = np.minimum(random.zipf(1.3, length), len(words)) - 1
    return (characters + " ".join(words[rank] for rank in ranks))[:length]


def random_blend(
    text: str, order: int = 4, context_length: int | None = None, *, words: bool = False, is_list: bool = False
) -> ModelFile:
    """Return a blend of a network and the counts of ``text``, also of its ``words``, whose weights mean nothing."""
    vocabulary = Vocabulary("".join(sorted(set(text))))
    line_end = int(vocabulary.encode("\n")[0]) if is_list else None
    architecture = Architecture(
        vocabulary_size=vocabulary.size, embedding=4, hidden=(8,), context_length=context_length, line_end=line_end
    )
    ids, kinds = vocabulary.encode(text), kinds_of(vocabulary.token_texts(range(vocabulary.size)))
    of_words = count_words(ids, kinds) if words and kinds is not None else None
    if line_end is None:
        ngrams = count_text(ids, vocabulary.size, order)
    else:
        ngrams = count_lines(ids, vocabulary.size, order, line_end)
    counts = TextCounts(ngrams, of_words)
    weights = np.random.default_rng(0).uniform(0.2, 0.8, counts.weights_shape()).astype(np.float32)
    header, arrays = blend_content(architecture, random_parameters(architecture), counts, weights)
    return ModelFile(header, vocabulary, arrays)


class BigramNetwork:
    """Predicts from the last id alone, with the probabilities given: shape (V, V), rows are the id read."""

    context_length = 1

    def __init__(self, probabilities: np.ndarray) -> None:
        self.logits = np.log(probabilities).astype(np.float32)
        self.vocabulary_size = len(probabilities)

    def initial_state(self, batch: int) -> State:
        return State((), ())

    def forward(self, ids: Ids, state: State) -> tuple[Floats, State]:
        return self.logits[ids], state


def model_with_text(text: str, name: str = "fox.txt", seed: int = 0) -> LanguageModel:
    """Return a model whose weights mean nothing, with the training text in its file."""
    file = random_model(text, seed).file
    vocabulary = file.characters_for("A test")
    source = SourceText(vocabulary.encode(text), documents_of((name,), PLAIN), vocabulary)
    return LanguageModel(replace(file, text=KeptText.of(source)))


def model_of_tokens(tokens: Tokenizer, seed: int = 0, spread: float = 1.0, **provenance: object) -> LanguageModel:
    """Return a language model with these tokens whose weights mean nothing."""
    architecture = Architecture(vocabulary_size=tokens.size, embedding=4, hidden=(8,))
    parameters = random_parameters(architecture, seed, spread)
    return LanguageModel(ModelFile(architecture, tokens, parameters, Provenance.model_validate(provenance)))
