"""Weights in eight bits: each row of a layer's weights is rounded to 255 evenly spaced levels.

A row's scale is its largest absolute value divided by 127; its weights are the scale times whole numbers from -127 to
127. The input and hidden weights of a gate count as one row, so that their products can be summed before scaling.
Embedding, biases and the input table of the first layer stay in float32. This is faster if most of the
time goes into reading weights from memory, since they take a quarter of it.

Source: Jacob et al., "Quantization and training of neural networks for efficient integer-arithmetic-only inference"
(2018); here only for the weights, symmetric and per row.
"""

from __future__ import annotations

import numpy as np

from nextchar.networks.architecture import Architecture, Floats, Parameters

LEVELS = 127


def quantised(architecture: Architecture, parameters: Parameters) -> Parameters:
    """Return ``parameters`` rounded to eight bits, in float32: every engine computes with these."""
    rounded = dict(parameters)
    for number in range(architecture.layers):
        names = [f"layer{number}.hidden_weight", *([f"layer{number}.input_weight"] if number else [])]
        matrices = [parameters[name] for name in names]
        scale = row_scale(*matrices)
        rounded.update({name: _rounded(matrix, scale) for name, matrix in zip(names, matrices, strict=True)})
    output = parameters["output.weight"]
    return {**rounded, "output.weight": _rounded(output, row_scale(output))}


def row_scale(*matrices: Floats) -> Floats:
    """Return the scale of each row of ``matrices`` (R, N) side by side, shape (R,); 1 where a row is zero."""
    largest = np.max([np.abs(matrix).max(-1, initial=0) for matrix in matrices], axis=0)  # (R,)
    return np.where(largest == 0, 1, largest / LEVELS).astype(np.float32)


def levels(matrix: Floats, scale: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    """Return ``matrix`` (R, N) divided by ``scale`` (R,), rounded to whole numbers."""
    return np.rint(matrix / scale[:, None]).astype(np.int8)


def _rounded(matrix: Floats, scale: Floats) -> Floats:
    return levels(matrix, scale) * scale[:, None]
