"""The initial weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks.architecture import GATES, Architecture, Ids, Parameters

COUNTED = 1 << 24
"""Most ids at the beginning of a text that are counted: more would hardly change the weights."""
FREQUENT = 2048
"""Neighbours are counted for this many of the most frequent ids."""
SMOOTHING = 5.0
"""Neighbours added to the counts of every id, in proportion to their frequency."""
MAX_VALUE = 4.0
"""Largest value of a vector made from neighbours; those of rare ids would be larger."""


def initial_parameters(architecture: Architecture, random: np.random.Generator, training: Ids) -> Parameters:
    """Return the initial weights of the default recipe.

    Weights are uniform in ±1/√H of their layer, and the embedding consists of `neighbour_vectors`. Biases are 1 in the
    forget gate, the logarithm of each id's frequency in the training text in the output, and 0 elsewhere. So the
    untrained network predicts every character as often as it occurs, and treats characters alike that are followed by
    the same characters. (docs/learning.md shows what each of these gains.)

    Source: Jozefowicz et al., "An empirical exploration of recurrent network architectures" (2015), for the 1.

    Args:
        architecture: the sizes.
        random: source of the weights.
        training: ids to learn from, shape (n,), n at least 2; may be memory-mapped.
    """
    counted = np.asarray(training[:COUNTED], np.int64)
    frequencies = character_frequencies(counted, architecture.vocabulary_size)
    parameters: Parameters = {}
    for name, shape in architecture.parameter_shapes().items():
        if name == "embedding":
            values = neighbour_vectors(counted, frequencies, shape[1], random)
        elif name == "output.bias":
            values = np.log(frequencies / frequencies.sum())
        elif name.endswith(".bias"):
            values = _forget_bias(shape[0])
        else:
            hidden = shape[1] if name == "output.weight" else shape[0] // GATES
            values = random.uniform(-(hidden**-0.5), hidden**-0.5, shape)
        parameters[name] = values.astype(np.float32)
    return parameters


def character_frequencies(ids: Ids, vocabulary_size: int) -> NDArray[np.float64]:
    """Return how often each id occurs in ``ids`` (n,), plus one half, shape (V,); never zero."""
    return np.bincount(ids, minlength=vocabulary_size).astype(np.float64) + 0.5


def neighbour_vectors(
    ids: Ids, frequencies: NDArray[np.float64], size: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """Return a vector for each id, shape (V, ``size``), similar for ids that are followed by the same ids.

    Let p(y | x) be the share of y among the ids that follow x, and p(y) its share in the text. The matrix of
    √p(x) log(p(y | x) / p(y)) √p(y) is factored into U S Vᵀ. The vector of x is its row of U divided by √p(x), so that
    every value has a mean square of 1 over the text. Values are standard normal for ids that are not among the
    `FREQUENT`, and where there are fewer directions than ``size``.

    Source: Levy and Goldberg, "Neural word embedding as implicit matrix factorization" (2014), for words.

    Args:
        ids: shape (n,).
        frequencies: the frequency of each id, positive, shape (V,).
        size: values of a vector.
        random: source of the random values and of the directions that the factorisation starts from.
    """
    vectors = random.standard_normal((len(frequencies), size))
    frequent = np.sort(np.argsort(-frequencies, kind="stable")[:FREQUENT])
    count = len(frequent)
    place = np.full(len(frequencies), -1)
    place[frequent] = np.arange(count)
    before, after = place[ids[:-1]], place[ids[1:]]
    pairs = (before * count + after)[(before >= 0) & (after >= 0)]
    counts = np.bincount(pairs, minlength=count * count).reshape(count, count)  # of x followed by y
    share = frequencies[frequent] / frequencies[frequent].sum()
    following = (counts + SMOOTHING * share) / (counts.sum(1, keepdims=True) + SMOOTHING)
    weight = np.sqrt(share)
    matrix = weight[:, None] * np.log(following / share) * weight
    directions = _left_singular_vectors(matrix, size, random)  # (count, at most size)
    vectors[frequent, : directions.shape[1]] = np.clip(directions / weight[:, None], -MAX_VALUE, MAX_VALUE)
    return vectors


def _left_singular_vectors(matrix: NDArray[np.float64], count: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Return the first ``count`` left singular vectors of a square matrix (n, n), or all, as columns, nearly exact.

    Source: Halko, Martinsson and Tropp, "Finding structure with randomness" (2011), algorithm 4.4.
    """
    basis = random.standard_normal((len(matrix), min(len(matrix), count + 16)))
    for _ in range(4):
        basis, _ = np.linalg.qr(matrix @ (matrix.T @ basis))
    small, _, _ = np.linalg.svd(basis.T @ matrix, full_matrices=False)
    return (basis @ small)[:, :count]


def keras_initial_parameters(architecture: Architecture, random: np.random.Generator) -> Parameters:
    """Return weights from the default distributions of Keras.

    Input and output weights are uniform in ±√(6 / (fan in + fan out)); the four gates of a layer count as one matrix.
    Hidden weights are a random orthogonal matrix, and the embedding is uniform in ±0.05. Biases are 1 in the forget
    gate and 0 elsewhere.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010);
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"
    (2014); keras.layers.LSTM, keras.initializers.

    Args:
        architecture: the sizes.
        random: source of the weights.
    """
    parameters: Parameters = {}
    for name, shape in architecture.parameter_shapes().items():
        if name == "embedding":
            values = random.uniform(-0.05, 0.05, shape)
        elif name == "output.bias":
            values = np.zeros(shape)
        elif name.endswith(".bias"):
            values = _forget_bias(shape[0])
        elif name.endswith(".hidden_weight"):
            values = _orthogonal(shape, random)
        else:
            limit = np.sqrt(6 / sum(shape))
            values = random.uniform(-limit, limit, shape)
        parameters[name] = values.astype(np.float32)
    return parameters


def uniform_parameters(architecture: Architecture, random: np.random.Generator) -> Parameters:
    """Return weights uniform in ±0.05, which take no time to make, for a network of which only the speed matters.

    Args:
        architecture: the sizes.
        random: source of the weights.
    """
    shapes = architecture.parameter_shapes()
    return {name: random.uniform(-0.05, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}


def _forget_bias(size: int) -> NDArray[np.float64]:
    """Return biases (4H,) that are 1 for the forget gate and 0 for the others."""
    bias = np.zeros((GATES, size // GATES))
    bias[1] = 1
    return bias.ravel()


def _orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """Return a matrix of ``shape`` (4H, H) with orthonormal columns, uniform among all such matrices."""
    q, r = np.linalg.qr(random.standard_normal(shape))
    return q * np.sign(np.diagonal(r))
