"""The LSTM network with compiled loops: the equations of the NumPy network, in numba."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextchar.networks import kernels
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import GATES, Architecture, Floats, Ids, Parameters, State
from nextchar.networks.numpy_network import ScaledLayer, input_table
from nextchar.networks.quantisation import levels, row_scale
from nextchar.settings import Weights

VECTOR = 16
"""float32 values in the widest registers: logits are padded to a multiple of it, so that loops need no remainder."""
FEW, SMALL = 8, 1_000_000
"""Most texts side by side for which a matrix is multiplied in our own loop, and the multiplications below which NumPy
is as fast: it rearranges a larger matrix first, at every step."""


class CompiledNetwork:
    """An LSTM network whose loops are compiled.

    Safe to use from several threads: no call changes the network.
    """

    context_length: int | None = None
    """The state depends on all ids before it."""

    def __init__(self, architecture: Architecture, parameters: Parameters, weights: Weights = "float32") -> None:
        """Prepare the network.

        Args:
            architecture: the sizes.
            parameters: an array for each name in ``architecture.parameter_shapes()``, of that shape.
            weights: how they are stored; for int8, ``parameters`` must come from `quantisation.quantised`.
        """
        self.architecture = architecture
        self.vocabulary_size = architecture.vocabulary_size
        self.layers = [ScaledLayer(parameters, layer, size) for layer, size in enumerate(architecture.hidden)]
        padding = -architecture.vocabulary_size % VECTOR
        self.output_weight = np.pad(parameters["output.weight"], ((0, padding), (0, 0))).T.copy()  # (H, P)
        matrices = [
            [*([layer.input_weight] if number else []), layer.hidden_weight]  # (H below, 4H), (H, 4H)
            for number, layer in enumerate(self.layers)
        ]
        kept = [_keep(group, weights) for group in [*matrices, [self.output_weight]]]
        self.packed = kernels.Packed(
            table=input_table(parameters),
            layers=np.concatenate([array.ravel() for arrays, _ in kept[:-1] for array in arrays]),
            scales=np.concatenate([scale for _, scale in kept[:-1]]),
            biases=np.concatenate([layer.bias for layer in self.layers]),
            sizes=np.array(architecture.hidden, np.int64),
            output_weight=kept[-1][0][0],
            output_scale=kept[-1][1],
            output_bias=np.pad(parameters["output.bias"], (0, padding)),
        )

    def initial_state(self, batch: int) -> State:
        """Return the zero state of ``batch`` texts."""
        return State.zero(self.architecture, batch)

    def forward(self, ids: Ids, state: State) -> tuple[Floats, State]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after."""
        logits, state = self.predict(ids, state)  # (T, B, P)
        return logits.transpose(1, 0, 2)[..., : self.vocabulary_size], state

    def score(self, ids: Ids, targets: Ids, state: State) -> tuple[NDArray[np.float64], State]:
        """Read ``ids`` (B, T) on from ``state``; return log2 p of ``targets`` (B, T) and the state after."""
        logits, state = self.predict(ids, state)  # (T, B, P)
        scores = np.empty(ids.shape)
        kernels.score_targets(logits, self.vocabulary_size, np.asarray(targets, np.int64), scores)
        return scores, state

    def predict(self, ids: Ids, state: State) -> tuple[Floats, State]:
        """Read ``ids`` (B, T) on from ``state``; return the logits as the loops have them, (T, B, P), and the state
        after."""
        if len(ids) == 1 and ids.size > 0:
            logits, state = self._read_one(ids[0], state, ids.size)  # (T, P)
            return logits[:, None], state
        outputs, state = self._read_many(ids, state)  # (T, B, H)
        return self._padded_logits(outputs), state

    def read(self, ids: Ids) -> Floats:
        """Return the logits (B, V) after the last of ``ids`` (B, T), read from the zero state."""
        state = self.initial_state(len(ids))
        if len(ids) == 1:
            logits, _ = self._read_one(ids[0], state, 1)  # (1, P)
            return logits[:, : self.vocabulary_size]
        _, state = self._read_many(ids, state)
        return self._logits(state.hidden[-1])

    def read_outputs(self, ids: Ids, state: State) -> tuple[Floats, Floats, State]:
        """Read the ids (T,) of one text on from ``state``; return the logits (T, V), the outputs (T, H) of the last
        layer, and the state after."""
        memory = self.memory(state)
        outputs = np.empty((len(ids), self.architecture.hidden[-1]), np.float32)
        kernels.read_outputs(np.asarray(ids, np.int64), self.packed, memory, outputs)
        return self._logits(outputs), outputs, self.state_of(memory)

    def write(
        self,
        logits: Floats,
        state: State,
        temperature: float,
        allowed: Allowed,
        uniforms: NDArray[np.float64],
    ) -> tuple[NDArray[np.int64], Floats, State]:
        """Draw an id for each of ``uniforms`` and read it back, in one compiled loop.

        Args:
            logits: of the next id of each text, shape (B, V).
            state: of the texts.
            temperature: 0 or more.
            allowed: which ids may be drawn.
            uniforms: one number in [0, 1) for each id, shape (T, B).

        Returns:
            The ids (T, B), and logits and state after the last of them.
        """
        padded = self.pad(logits)  # (B, P)
        draw = kernels.Draw(float(temperature), *allowed, np.empty(self.vocabulary_size))
        ids = np.empty(uniforms.shape, np.int64)
        if len(logits) == 1:
            memory = self.memory(state)
            kernels.write_ids(self.packed, memory, padded[0], draw, uniforms[:, 0], ids[:, 0])
            after = self.state_of(memory)
        else:
            after = self._write_many(padded, state, draw, uniforms, ids)
        return ids, padded[:, : self.vocabulary_size], after

    def pad(self, logits: Floats) -> Floats:
        """Return a copy of ``logits`` (B, V) as wide as the loops need them, (B, P)."""
        return np.pad(logits, ((0, 0), (0, len(self.packed.output_bias) - logits.shape[1])))

    def _write_many(
        self, logits: Floats, state: State, draw: kernels.Draw, uniforms: NDArray[np.float64], ids: NDArray[np.int64]
    ) -> State:
        """Draw ``ids`` (T, B) of texts side by side, which changes ``logits`` (B, P); return the state after."""
        texts = self.texts(state)
        for drawn, uniform in zip(ids, uniforms, strict=True):
            kernels.draw_rows(logits, draw, uniform, drawn)
            texts.read(drawn, logits)
        return texts.state

    def texts(self, state: State) -> Texts:
        """Return texts side by side to read id by id, from ``state`` on."""
        return Texts(self, state)

    def _read_one(self, ids: Ids, state: State, rows: int) -> tuple[Floats, State]:
        """Read the ids (T,) of one text; return the logits (``rows``, P) of its last steps and the state after."""
        memory = self.memory(state)
        logits = np.empty((rows, len(self.packed.output_bias)), np.float32)  # (rows, P)
        kernels.read_ids(np.asarray(ids, np.int64), self.packed, memory, logits)
        return logits, self.state_of(memory)

    def _read_many(self, ids: Ids, state: State) -> tuple[Floats, State]:
        """Read the ids (B, T) of texts side by side; return the outputs (T, B, H) of the last layer, and the state
        after."""
        batch, steps = ids.shape
        read = np.ascontiguousarray(ids.T, np.int64)  # (T, B)
        hidden: list[Floats] = []
        cell: list[Floats] = []
        outputs = np.empty((steps, batch, 0), np.float32)
        for number, (layer, size) in enumerate(zip(self.layers, self.architecture.hidden, strict=True)):
            inputs = outputs @ layer.input_weight + layer.bias if number else None  # (T, B, 4H)
            h, c = state.hidden[number].copy(), state.cell[number].copy()  # (B, H)
            outputs, gates = np.empty((steps, batch, size), np.float32), np.empty((batch, GATES * size), np.float32)
            for step in range(steps):
                _multiply(h, layer.hidden_weight, gates)  # (B, 4H)
                if inputs is None:
                    kernels.look_up_and_add(read[step], self.packed.table, gates)
                else:
                    np.add(gates, inputs[step], out=gates)
                kernels.update_cells(gates, h, c)
                outputs[step] = h
            hidden.append(h)
            cell.append(c)
        return outputs, State(tuple(hidden), tuple(cell))

    def _logits(self, outputs: Floats) -> Floats:
        """Return the logits (..., V) of the outputs (..., H) of the last layer."""
        return self._padded_logits(outputs)[..., : self.vocabulary_size]

    def _padded_logits(self, outputs: Floats) -> Floats:
        """Return the logits as wide as the loops need them, (..., P), of the outputs (..., H) of the last layer."""
        logits = outputs.reshape(-1, outputs.shape[-1]) @ self.output_weight  # (N, P)
        logits += self.packed.output_bias
        return logits.reshape(*outputs.shape[:-1], -1)

    def memory(self, state: State) -> kernels.Memory:
        """Return copies of h and c of one text, all layers in one array each."""
        h, c = (np.concatenate([layer[0] for layer in part]) for part in state)
        return kernels.Memory(h, c, np.empty(GATES * max(self.architecture.hidden), np.float32))

    def state_of(self, memory: kernels.Memory) -> State:
        """Return the state of one text."""
        bounds = np.cumsum(self.architecture.hidden)[:-1]
        # L × (1, H)
        hidden, cell = (tuple(piece[None] for piece in np.split(part, bounds)) for part in (memory.h, memory.c))
        return State(hidden, cell)


class Texts:
    """Texts side by side that are read id by id."""

    def __init__(self, network: CompiledNetwork, state: State) -> None:
        self._network = network
        self._h, self._c = ([layer.copy() for layer in part] for part in state)  # L × (B, H)
        batch, sizes = len(self._h[0]), network.architecture.hidden
        self._room = [np.empty((batch, GATES * size), np.float32) for size in sizes]  # L × (B, 4H)

    def read(self, ids: NDArray[np.int64], logits: Floats) -> None:
        """Read the next of ``ids`` (B,); fill ``logits`` (B, P)."""
        h, c, network = self._h, self._c, self._network
        for number, layer in enumerate(network.layers):
            gates = _multiply(h[number], layer.hidden_weight, self._room[number])  # (B, 4H)
            if number == 0:
                kernels.look_up_and_add(ids, network.packed.table, gates)
            else:
                gates += h[number - 1] @ layer.input_weight + layer.bias
            kernels.update_cells(gates, h[number], c[number])
        _multiply(h[-1], network.output_weight, logits)
        logits += network.packed.output_bias

    @property
    def state(self) -> State:
        """The state after what was read."""
        return State(tuple(self._h), tuple(self._c))


def _multiply(vectors: Floats, matrix: Floats, out: Floats) -> Floats:
    """Fill ``out`` (B, N) with ``vectors`` (B, K) @ ``matrix`` (K, N), and return it."""
    if len(vectors) > FEW or len(vectors) * matrix.size < SMALL:
        return np.dot(vectors, matrix, out=out)
    kernels.multiply_few(vectors, matrix, out)
    return out


def _keep(matrices: list[Floats], weights: Weights) -> tuple[list[NDArray[Any]], Floats]:
    """Return ``matrices`` (K, N) as they are stored, and the scale of their columns, shape (N,)."""
    if weights == "float32":
        return [*matrices], np.full(len(matrices[0].T), 1, np.float32)
    scale = row_scale(*(matrix.T for matrix in matrices))
    return [np.ascontiguousarray(levels(matrix.T, scale).T) for matrix in matrices], scale


def compile_kernels(weights: Weights = "float32") -> None:
    """Load every loop, in a few tenths of a second, or compile it, in about ten seconds, on a machine's first use."""
    architecture = Architecture(vocabulary_size=2, embedding=None, hidden=(1, 1))
    zeros = {name: np.zeros(shape, np.float32) for name, shape in architecture.parameter_shapes().items()}
    network = CompiledNetwork(architecture, zeros, weights)
    for batch in (1, 2):
        logits, state = network.forward(np.zeros((batch, 1), np.int64), network.initial_state(batch))
        network.write(logits[:, 0], state, 1.0, Allowed.always(np.ones(2, np.bool_), batch), np.zeros((1, batch)))
    network.score(np.zeros((2, 1), np.int64), np.zeros((2, 1), np.int64), network.initial_state(2))
    kernels.multiply_few(*(np.zeros((1, 1), np.float32) for _ in range(3)))
    network.read_outputs(np.zeros(1, np.int64), network.initial_state(1))
