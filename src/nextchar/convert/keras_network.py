"""The weights of a network in Keras's layout and in that of `nextchar.networks.architecture`.

Both have the gates in the same order: i f g o, where Keras calls g "c". Keras multiplies by its matrices from the
right, so they are ours transposed: ``kernel`` (inputs, 4H), ``recurrent_kernel`` (H, 4H), the ``kernel`` of Dense
(H, V).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from nextchar.convert.characters import Symbol
from nextchar.errors import ModelFileError, without_middle
from nextchar.networks.architecture import GATES, Architecture, Floats, Parameters
from nextchar.text.vocabulary import Vocabulary


@dataclass(frozen=True, eq=False)
class KerasNetwork:
    """An LSTM network in Keras's layout, with the indices of its author."""

    embedding: Floats | None
    """Shape (V, E); None if the input is one-hot."""
    layers: tuple[tuple[Floats, Floats, Floats], ...]
    """Kernel, recurrent kernel and bias of each layer."""
    output: tuple[Floats, Floats]
    """Kernel and bias of the Dense layer."""
    context_length: int | None = None

    def __repr__(self) -> str:
        return f"<KerasNetwork: {self.vocabulary_size:,} indices, {len(self.layers)} LSTM layers>"

    @property
    def vocabulary_size(self) -> int:
        """V: the number of indices that it predicts."""
        return len(self.output[1])

    def in_our_layout(self, symbols: Sequence[Symbol]) -> tuple[Architecture, Vocabulary, Parameters]:
        """Return the network in nextchar's layout, with its ids in the order of a vocabulary.

        Args:
            symbols: the character of each index, V of them, at most one None.

        Raises:
            ValueError: it is larger than nextchar's networks can be.
        """
        order = sorted(range(len(symbols)), key=lambda index: symbols[index] or "")  # "" is before every character
        vocabulary = Vocabulary("".join(symbols[index] or "" for index in order), None in symbols)
        parameters: Parameters = {}
        first = self.layers[0][0]  # (E or V, 4H)
        if self.embedding is None:
            first = first[order]  # (V, 4H)
        else:
            parameters["embedding"] = self.embedding[order]  # (V, E)
        for layer, (kernel, recurrent_kernel, bias) in enumerate(self.layers):
            parameters[f"layer{layer}.input_weight"] = (kernel if layer else first).T  # (4H, E or V or H)
            parameters[f"layer{layer}.hidden_weight"] = recurrent_kernel.T  # (4H, H)
            parameters[f"layer{layer}.bias"] = bias  # (4H,)
        parameters["output.weight"] = self.output[0].T[order]  # (V, H)
        parameters["output.bias"] = self.output[1][order]  # (V,)
        return self.architecture(), vocabulary, {name: np.ascontiguousarray(a) for name, a in parameters.items()}

    def architecture(self) -> Architecture:
        """Return the sizes.

        Raises:
            ValueError: they are larger than nextchar's networks can be.
        """
        try:
            return Architecture(
                vocabulary_size=self.vocabulary_size,
                embedding=None if self.embedding is None else self.embedding.shape[1],
                hidden=tuple(len(recurrent_kernel) for _, recurrent_kernel, _ in self.layers),
                context_length=self.context_length,
            )
        except ValidationError as error:
            wrong = error.errors()[0]
            raise ValueError(f"{wrong['loc'][0]}: {without_middle(wrong['msg'])}") from error


def keras_weights(architecture: Architecture, parameters: Parameters) -> list[list[Floats]]:
    """Return the arrays of each Keras layer that has weights, from the input to the output."""
    weights = [] if architecture.embedding is None else [[parameters["embedding"]]]
    for layer in range(architecture.layers):
        arrays = (parameters[f"layer{layer}.{name}"] for name in ("input_weight", "hidden_weight", "bias"))
        weights.append([array.T for array in arrays])
    return [*weights, [parameters["output.weight"].T, parameters["output.bias"]]]


def assemble(
    path: Path,
    embedding: Sequence[NDArray[Any]],
    layers: Sequence[Sequence[NDArray[Any]]],
    output: Sequence[NDArray[Any]],
    context_length: int | None,
) -> KerasNetwork:
    """Return the network of the arrays in a file; a missing bias is zero.

    Raises:
        ModelFileError: the arrays do not fit each other, or have entries that are not finite.
    """
    if any(not np.isfinite(_floats(array)).all() for group in (embedding, *layers, output) for array in group):
        raise ModelFileError(
            f"{path} has weights that are not finite numbers: its training failed, and it cannot generate text."
        )
    kernel, output_bias = _with_bias(output)
    network = KerasNetwork(
        embedding=_floats(embedding[0]) if embedding else None,
        layers=tuple((_floats(layer[0]), *_with_bias(layer[1:])) for layer in layers),
        output=(kernel, output_bias),
        context_length=context_length,
    )
    _check_shapes(path, network)
    return network


def _check_shapes(path: Path, network: KerasNetwork) -> None:
    read = len(network.layers[0][0] if network.embedding is None else network.embedding)
    if read != network.vocabulary_size:
        raise ModelFileError(
            f"{path} reads {read:,} different characters and predicts {network.vocabulary_size:,}: they must be the "
            "same, in the same order."
        )
    inputs = read if network.embedding is None else network.embedding.shape[1]
    for kernel, recurrent_kernel, bias in network.layers:
        hidden = len(recurrent_kernel)
        shapes = (kernel.shape, recurrent_kernel.shape, bias.shape)
        if shapes != ((inputs, GATES * hidden), (hidden, GATES * hidden), (GATES * hidden,)):
            raise ModelFileError(f"{path} is damaged: the arrays {shapes} of an LSTM layer do not fit each other.")
        inputs = hidden
    if network.output[0].shape != (inputs, network.vocabulary_size):
        raise ModelFileError(f"{path} is damaged: its Dense layer does not fit the LSTM layer below it.")


def _floats(array: NDArray[Any]) -> Floats:
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite and is refused
        return np.ascontiguousarray(array, np.float32)


def _with_bias(arrays: Sequence[NDArray[Any]]) -> tuple[Floats, Floats]:
    """Return a matrix and its bias, which is zero if there is none."""
    matrix = _floats(arrays[0])
    bias = _floats(arrays[1]) if len(arrays) > 1 else np.zeros(matrix.shape[1], np.float32)
    return matrix, bias
