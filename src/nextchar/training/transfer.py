"""The weights of a model as the first weights of another vocabulary: what is known of a character goes with it.

Characters are told apart by what they are, not by their ids. A character that both vocabularies have keeps its rows of
the embedding and of the output, unchanged. A new one begins with the rows of a known one: its look-alike (the other
case, the letter without its accent, another width), or else the one that is followed by the same characters in the
text. All other weights do not depend on characters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import Architecture, Ids, Parameters
from nextchar.randomness import random_stream
from nextchar.text.vocabulary import UNKNOWN_ID, Vocabulary
from nextchar.training.initial_weights import COUNTED, character_frequencies, neighbour_vectors

DIRECTIONS = 16
"""Values of the vectors by which characters are compared."""
ENOUGH = 8
"""Occurrences of a character from which what follows it says something."""


@dataclass(frozen=True)
class Transfer:
    """Weights for a new vocabulary, and where those of each character come from."""

    parameters: Parameters
    known: int
    """Characters that keep their rows."""
    new: tuple[tuple[str, str], ...]
    """Each new character, and the one whose rows it begins with; "" is the unknown symbol."""
    left_out: str
    """Characters of the model that the new vocabulary does not have."""


def transfer(
    architecture: Architecture, parameters: Parameters, known: Vocabulary, vocabulary: Vocabulary, ids: Ids
) -> Transfer:
    """Return the weights of a model for another vocabulary.

    The logits of the characters in both vocabularies stay as they are, for any text in such characters. The probability
    that a new character begins with is a share of that of the character whose rows it takes, by their frequencies in
    the text.

    Args:
        architecture: of the model.
        parameters: its weights.
        known: its vocabulary, with or without the unknown symbol.
        vocabulary: the new one.
        ids: a text in the new vocabulary, shape (n,), n at least 2.

    >>> import numpy as np
    >>> architecture = Architecture(vocabulary_size=3, embedding=2, hidden=(2,))
    >>> shapes = architecture.parameter_shapes()
    >>> parameters = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    >>> parameters["output.bias"][:] = [0.1, 0.2, 0.3]
    >>> found = transfer(architecture, parameters, Vocabulary("ae"), Vocabulary("eé"), np.array([1, 2, 1, 1]))
    >>> found.known, found.new, found.left_out
    (1, (('é', 'e'),), 'a')
    >>> print(found.parameters["output.bias"].round(1))
    [ 0.1  0.3 -0.9]
    """
    counted = np.asarray(ids[:COUNTED], np.int64)
    frequencies = character_frequencies(counted, vocabulary.size)
    rarest = UNKNOWN_ID if known.has_unknown else int(np.argmin(parameters["output.bias"]))
    exact = _same_ids(known, vocabulary)
    sources = exact.copy()
    nearest = _nearest(exact, counted, frequencies, rarest) if (exact < 0).any() else exact
    for id_ in np.flatnonzero(exact < 0).tolist():
        alike = "" if id_ in vocabulary.never_drawn else known.fold(vocabulary.decode([id_]))[0]
        sources[id_] = known.encode(alike[0])[0] if alike else nearest[id_]
    moved = dict(parameters)
    for name in ("embedding", "output.weight", "output.bias"):
        if name in moved:
            moved[name] = parameters[name][sources]
    if architecture.embedding is None:
        moved["layer0.input_weight"] = parameters["layer0.input_weight"][:, sources]
    moved["output.bias"] = moved["output.bias"] + np.where(exact < 0, np.log(_shares(sources, frequencies)), 0)
    new = [id_ for id_ in np.flatnonzero(exact < 0).tolist() if id_ not in vocabulary.never_drawn]
    return Transfer(
        {name: np.ascontiguousarray(values, np.float32) for name, values in moved.items()},
        known=len(vocabulary.characters) - len(new),
        new=tuple((vocabulary.decode([id_]), _character(known, int(sources[id_]))) for id_ in new),
        left_out="".join(sorted(set(known.characters) - set(vocabulary.characters))),
    )


def _same_ids(known: Vocabulary, vocabulary: Vocabulary) -> NDArray[np.intp]:
    """Return the id in ``known`` of each token of ``vocabulary``, shape (V,); -1 where there is none."""
    ids = {character: id_ for id_, character in enumerate(known.characters, known.has_unknown)}
    found = [ids.get(character, -1) for character in vocabulary.characters]
    unknown = [UNKNOWN_ID if known.has_unknown else -1] if vocabulary.has_unknown else []
    return np.array([*unknown, *found], np.intp)


def _nearest(exact: NDArray[np.intp], ids: Ids, frequencies: NDArray[np.float64], rarest: int) -> NDArray[np.intp]:
    """Return for each token the id of the known one that is followed by the most similar tokens in ``ids``, shape (V,);
    ``rarest`` for tokens that occur too seldom to tell."""
    often = frequencies >= ENOUGH
    candidates = np.flatnonzero(often & (exact >= 0))
    if len(candidates) == 0:
        return np.full(len(exact), rarest, np.intp)
    size = max(1, min(DIRECTIONS, len(frequencies) // 4))  # the last directions of few tokens are noise
    vectors = neighbour_vectors(ids, frequencies, size, random_stream(0, "weights"))
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    best = np.argmax(vectors @ vectors[candidates].T, axis=1)
    return np.where(often, exact[candidates[best]], rarest)


def _shares(sources: NDArray[np.intp], frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each token in the frequency of all tokens with the same source, shape (V,)."""
    return frequencies / np.bincount(sources, frequencies)[sources]


def _character(known: Vocabulary, id_: int) -> str:
    """Return the character of ``id_``; "" for the unknown symbol."""
    return "" if id_ in known.never_drawn else known.decode([id_])
