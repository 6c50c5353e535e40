"""The LSTM network in NumPy: readable, the reference for faster engines, and fast enough for short texts."""

from __future__ import annotations

import numpy as np

from nextchar.networks.architecture import GATES, Architecture, Floats, Ids, Parameters, State

HALF = np.float32(0.5)


class NumpyNetwork:
    """An LSTM network over NumPy arrays, following the equations of `nextchar.networks.architecture`."""

    context_length: int | None = None
    """The state depends on all ids before it."""

    def __init__(self, architecture: Architecture, parameters: Parameters) -> None:
        """Prepare the network.

        Args:
            architecture: the sizes.
            parameters: an array for each name in ``architecture.parameter_shapes()``, of that shape.
        """
        self.architecture = architecture
        self.vocabulary_size = architecture.vocabulary_size
        self._layers = [_Layer(parameters, layer, size) for layer, size in enumerate(architecture.hidden)]
        self._first_inputs = input_table(parameters)  # (V, 4H)
        self._output_weight = np.ascontiguousarray(parameters["output.weight"].T)  # (H, V)
        self._output_bias = parameters["output.bias"]  # (V,)

    def initial_state(self, batch: int) -> State:
        """Return the zero state of ``batch`` texts."""
        return State.zero(self.architecture, batch)

    def forward(self, ids: Ids, state: State) -> tuple[Floats, State]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after."""
        outputs, state = self._run(ids, state)  # (B, T, H)
        return outputs @ self._output_weight + self._output_bias, state  # (B, T, V)

    def read_outputs(self, ids: Ids, state: State) -> tuple[Floats, Floats, State]:
        """Read the ids (T,) of one text on from ``state``; return the logits (T, V), the outputs (T, H) of the last
        layer, and the state after."""
        outputs, state = self._run(np.asarray(ids)[None], state)  # (1, T, H)
        return outputs[0] @ self._output_weight + self._output_bias, outputs[0], state

    def read(self, ids: Ids) -> Floats:
        """Return the logits (B, V) after the last of ``ids`` (B, T), read from the zero state."""
        _, state = self._run(ids, self.initial_state(len(ids)))
        return state.hidden[-1] @ self._output_weight + self._output_bias  # (B, V)

    def _run(self, ids: Ids, state: State) -> tuple[Floats, State]:
        """Return the outputs (B, T, H) of the last layer for ``ids`` (B, T), and the state after."""
        inputs = self._first_inputs[ids]  # (B, T, 4H)
        hidden: list[Floats] = []
        cell: list[Floats] = []
        outputs = np.empty(0, np.float32)
        for layer, h, c in zip(self._layers, state.hidden, state.cell, strict=True):
            if hidden:
                inputs = np.add(outputs @ layer.input_weight, layer.bias, dtype=np.float32)  # (B, T, 4H)
            outputs, h_end, c_end = layer.run(inputs, h, c)  # (B, T, H)
            hidden.append(h_end)
            cell.append(c_end)
        return outputs, State(tuple(hidden), tuple(cell))


class ScaledLayer:
    """The parameters of a layer, transposed and scaled for the forward pass.

    sigmoid(x) = (1 + tanh(x / 2)) / 2 lets one tanh over all 4H rows serve the four gates, so the rows of i, f and o
    are stored halved. It also never overflows.
    """

    def __init__(self, parameters: Parameters, layer: int, size: int) -> None:
        self.size = size
        self.scale = np.full(GATES * size, 0.5, np.float32)  # (4H,)
        self.scale[2 * size : 3 * size] = 1.0
        scaled = {
            name: parameters[f"layer{layer}.{name}"] * (self.scale[:, None] if name != "bias" else self.scale)
            for name in ("input_weight", "hidden_weight", "bias")
        }
        self.input_weight = np.ascontiguousarray(scaled["input_weight"].T)  # (E or H, 4H)
        self.hidden_weight = np.ascontiguousarray(scaled["hidden_weight"].T)  # (H, 4H)
        self.bias = scaled["bias"]  # (4H,)


def input_table(parameters: Parameters) -> Floats:
    """Return the input products of the first layer, its bias added, shape (V, 4H).

    The layer has only V different inputs, so that their products with the weights fit in a table.
    """
    first = ScaledLayer(parameters, 0, len(parameters["layer0.bias"]) // GATES)
    embedding = parameters.get("embedding")
    product: Floats = first.input_weight if embedding is None else embedding @ first.input_weight  # (V, 4H)
    return np.add(product, first.bias, dtype=np.float32)


class _Layer(ScaledLayer):
    """One LSTM layer."""

    def run(self, inputs: Floats, h: Floats, c: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the outputs (B, T, H) for the scaled input products (B, T, 4H), and the state after."""
        batch, steps, _ = inputs.shape
        size = self.size
        outputs = np.empty((batch, steps, size), np.float32)
        for step in range(steps):
            gates: Floats = np.tanh(inputs[:, step] + h @ self.hidden_weight)  # (B, 4H)
            i, f, o = (gates[:, g * size : (g + 1) * size] * HALF + HALF for g in (0, 1, 3))
            c = np.multiply(f, c, dtype=np.float32) + i * gates[:, 2 * size : 3 * size]  # (B, H)
            h = np.multiply(o, np.tanh(c), dtype=np.float32)  # (B, H)
            outputs[:, step] = h
        return outputs, h, c
