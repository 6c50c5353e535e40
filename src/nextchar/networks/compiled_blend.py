"""The blend with compiled loops, which also write."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nextchar.networks import blend_kernels, kernels
from nextchar.networks.allowed import Allowed
from nextchar.networks.architecture import Architecture, Floats, Ids
from nextchar.networks.blend import BlendNetwork, BlendState
from nextchar.networks.compiled_network import CompiledNetwork
from nextchar.networks.compiled_ngram_network import CompiledNgramNetwork
from nextchar.networks.compiled_word_network import CompiledWordNetwork, tables_of
from nextchar.networks.ngram_counting import count_text
from nextchar.networks.word_counting import count_words
from nextchar.networks.word_counts import BELONGS, SEPARATOR, SITUATIONS


class CompiledBlend(BlendNetwork):
    """A blend of compiled networks, with a loop of its own to write.

    Safe to use from several threads: no call changes the networks.
    """

    network: CompiledNetwork
    ngrams: CompiledNgramNetwork
    words: CompiledWordNetwork | None

    def write(
        self,
        logits: Floats,
        state: BlendState,
        temperature: float,
        allowed: Allowed,
        uniforms: NDArray[np.float64],
    ) -> tuple[NDArray[np.int64], Floats, BlendState]:
        """Draw an id for each of ``uniforms`` (T, B) and read it back, like `CompiledNetwork.write`."""
        network, counted = self.network, self._counted(state)
        draw = kernels.Draw(float(temperature), *allowed, np.empty(self.vocabulary_size))
        padded, ids = network.pad(logits), np.empty(uniforms.shape, np.int64)
        if len(logits) == 1:
            memory = network.memory(state[0])
            blend_kernels.write_ids(network.packed, memory, counted, padded[0], draw, uniforms[:, 0], ids[:, 0])
            after = network.state_of(memory)
        else:
            texts = network.texts(state[0])
            for drawn, uniform in zip(ids, uniforms, strict=True):
                kernels.draw_rows(padded, draw, uniform, drawn)
                texts.read(drawn, padded)
                blend_kernels.blend_rows(counted, drawn, padded)
            after = texts.state
        return ids, padded[:, : self.vocabulary_size], (after, *self._counts_after(state, ids.T, counted))

    def score(self, ids: Ids, targets: Ids, state: BlendState) -> tuple[NDArray[np.float64], BlendState]:
        """Read ``ids`` (B, T) on from ``state``; return log2 p of ``targets`` (B, T) and the state after."""
        ids, targets = np.ascontiguousarray(ids, np.int64), np.ascontiguousarray(targets, np.int64)
        logits, after = self.network.predict(ids, state[0])  # (T, B, P)
        counted, scores = self._counted(state), np.empty(ids.shape)
        blend_kernels.score_ids(counted, ids, logits, targets, scores)
        return scores, (after, *self._counts_after(state, ids, counted))

    def _counted(self, state: BlendState) -> blend_kernels.Counted:
        """Return what was counted, and where the texts of ``state`` are in it."""
        words = self.words
        return blend_kernels.Counted(
            tables=self.ngrams.tables,
            words=tables_of(None) if words is None else words.tables,
            weights=self.weights,
            contexts=self.ngrams.contexts(state[1]),
            places=np.zeros((len(state[1]), 3), np.int64) if words is None else state[2].copy(),
            room=np.empty((2, self.vocabulary_size), np.float32),
        )

    def _counts_after(self, state: BlendState, ids: Ids, counted: blend_kernels.Counted) -> BlendState:
        """Return the part of the state for the counts after ``ids`` (B, T), which ``counted`` has read."""
        last = self.ngrams.state_after(state[1], ids)
        return (last,) if self.words is None else (last, counted.places)


def compile_kernels() -> None:
    """Load every loop, or compile it, on a machine's first use."""
    architecture = Architecture(vocabulary_size=2, embedding=None, hidden=(1,))
    zeros = {name: np.zeros(shape, np.float32) for name, shape in architecture.parameter_shapes().items()}
    counts = count_text(np.array([0, 1]), 2, 1)
    words = count_words(np.array([0, 1]), np.array([BELONGS, SEPARATOR], np.uint8))
    blend = CompiledBlend(
        CompiledNetwork(architecture, zeros),
        CompiledNgramNetwork(counts),
        np.ones((2 * SITUATIONS, 3), np.float32),
        CompiledWordNetwork(words),
    )
    for batch in (1, 2):
        logits, state = blend.forward(np.zeros((batch, 1), np.int64), blend.initial_state(batch))
        blend.write(logits[:, 0], state, 1.0, Allowed.always(np.ones(2, np.bool_), batch), np.zeros((1, batch)))
        blend.score(np.zeros((batch, 1), np.int64), np.zeros((batch, 1), np.int64), state)
