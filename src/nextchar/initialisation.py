"""The weights that training begins with."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.architecture import GATES, Architecture, Parameters


def initial_parameters(
    architecture: Architecture, random: np.random.Generator, frequencies: NDArray[np.floating]
) -> Parameters:
    """Return the weights that the default recipe begins with.

    Weights are uniform in ±1/√H of their layer, the embedding is standard normal, biases are zero, but for the forget
    gate, where they are 1, and the output, where they are the logarithm of each id's frequency in the training text:
    before it has learned anything else the network predicts every character as often as it occurs. (That alone is
    worth 0.3 bits per character after ten seconds; see docs/learning.md.)

    Source: Jozefowicz et al., "An empirical exploration of recurrent network architectures" (2015), for the 1.

    Args:
        architecture: the sizes.
        random: where the weights are drawn from.
        frequencies: positive, shape (V,).
    """
    parameters: Parameters = {}
    for name, shape in architecture.parameter_shapes().items():
        if name == "embedding":
            values = random.standard_normal(shape)
        elif name == "output.bias":
            values = np.log(frequencies / frequencies.sum())
        elif name.endswith(".bias"):
            values = _forget_bias(shape[0])
        else:
            hidden = shape[1] if name == "output.weight" else shape[0] // GATES
            values = random.uniform(-(hidden**-0.5), hidden**-0.5, shape)
        parameters[name] = values.astype(np.float32)
    return parameters


def keras_initial_parameters(architecture: Architecture, random: np.random.Generator) -> Parameters:
    """Return weights from the distributions that Keras draws from where nobody says otherwise.

    Input and output weights are uniform in ±√(6 / (fan in + fan out)), the four gates of a layer counting as one
    matrix; hidden weights are a random orthogonal matrix; the embedding is uniform in ±0.05; biases are zero, but for
    the forget gate, where they are 1.

    Source: Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010);
    Saxe, McClelland and Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks"
    (2014); keras.layers.LSTM, keras.initializers.

    Args:
        architecture: the sizes.
        random: where the weights are drawn from.
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


def _forget_bias(size: int) -> NDArray[np.float64]:
    """Return biases (4H,) that are 1 for the forget gate and 0 for the others."""
    bias = np.zeros((GATES, size // GATES))
    bias[1] = 1
    return bias.ravel()


def _orthogonal(shape: tuple[int, ...], random: np.random.Generator) -> NDArray[np.float64]:
    """Return a matrix of ``shape`` (4H, H) with orthonormal columns, uniform among all there are."""
    q, r = np.linalg.qr(random.standard_normal(shape))
    return q * np.sign(np.diagonal(r))
