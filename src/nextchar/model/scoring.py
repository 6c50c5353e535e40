"""Scoring: the bits that a network needs for each id of a text, for any Network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from nextchar.model.sampling import log_normaliser
from nextchar.networks.architecture import Ids, Network
from nextchar.networks.lines import LineNetwork
from nextchar.networks.states import differing_rows, join_states, state_rows, with_rows
from nextchar.parallel import SERIAL, Executor
from nextchar.text.tokenizer import Tokenizer

CHUNK, LOGITS = 4096, 1 << 20
"""Ids read at once, and about the most logits at once: memory is in proportion, the result is the same."""
WARM_UP = 256
"""Ids read before a segment to get the state it begins with."""
SEGMENTS = 128
"""Most parts of a long text read side by side."""
SHORT, LONG, ENOUGH = 4, 16, 16
"""A part is at least `SHORT` times as long as its warm-up, and grows to `LONG` times that while there are `ENOUGH`
parts. A network trained from a base forgets its first state only after 1,000 to 3,000 ids, and all that it reads until
then is read twice."""
LINES = 128
"""Lines of a list that are read side by side."""
STEP = 16
"""Ids of a batch of texts that are read before the texts that have ended are left out."""

Scores = NDArray[np.float64]


@runtime_checkable
class ScoresTargets(Protocol):
    """A network that scores ids itself, as one on a GPU does, so that no logits are copied."""

    def score(self, ids: Ids, targets: Ids, state: Any) -> tuple[Scores, Any]:
        """Read ``ids`` (B, T) on from ``state``; return log2 p of ``targets`` (B, T) and the state after."""
        ...


class Scorer:
    """Scores a text piece by piece: each id is predicted once, from all ids before it."""

    def __init__(self, network: Network[Any], start: int, executor: Executor | None = SERIAL) -> None:
        """Begin a text; ``start`` is read before its first id, so that this is predicted too.

        A long piece is read in segments side by side, by ``executor``; the result is the same. Without one it is read
        from its beginning to its end, as a network that learns from it must.
        """
        self.network, self._executor = network, executor  # another network with the same states may take over
        self._state = network.initial_state(1)
        self._before = start

    def score(self, ids: Ids) -> Scores:
        """Return log2 p of each of the next ``ids`` (T,), shape (T,)."""
        if isinstance(self.network, LineNetwork) and self._executor is not None:
            return self._score_lines(ids, self.network.line_end, self._executor)
        # The state of a network whose context is n ids is exact after n ids.
        warm_up = max(WARM_UP, self.network.context_length or 0)
        least = max(SHORT * warm_up, min(LONG * warm_up, (len(ids) - warm_up) // ENOUGH))
        segments = min(SEGMENTS, (len(ids) - warm_up) // least)
        if segments < 2 or self._executor is None:
            return self._score_rest(ids)
        length = (len(ids) - warm_up) // segments
        end = warm_up + segments * length
        head = self._score_rest(ids[:warm_up])
        middle = self._score_segments(ids[:end], warm_up, length, self._executor)
        return np.concatenate([head, middle, self._score_rest(ids[end:])])

    def _score_lines(self, ids: Ids, line_end: int, executor: Executor) -> Scores:
        """Score ``ids`` (T,) for a network that begins each line anew: whole lines side by side, by length."""
        ends = np.flatnonzero(np.asarray(ids) == line_end) + 1  # (L,)
        if len(ends) < 2:
            return self._score_rest(ids)
        head = self._score_rest(ids[: ends[0]])  # it ends the line that was begun
        lengths, scores = np.diff(ends), np.empty(ends[-1] - ends[0])  # (L - 1,)
        longest_first = np.argsort(-lengths, kind="stable")
        batches = [longest_first[first : first + LINES] for first in range(0, len(lengths), LINES)]

        def score(shard: slice) -> None:
            for batch in batches[shard]:
                rows = score_batch(self.network, [ids[ends[line] : ends[line + 1]] for line in batch], line_end)
                for line, row in zip(batch, rows, strict=True):
                    scores[ends[line] - ends[0] : ends[line + 1] - ends[0]] = row[: lengths[line]]

        executor.map_shards(score, len(batches))
        # Whatever the state is, the line end before the rest is read from the beginning.
        self._before = line_end
        return np.concatenate([head, scores, self._score_rest(ids[ends[-1] :])])

    def _score_rest(self, ids: Ids) -> Scores:
        """Score ``ids`` (T,) one after another."""
        if len(ids) == 0:
            return np.empty(0)
        inputs = np.concatenate([[self._before], ids[:-1]]).astype(np.intp)  # (T,)
        scores, self._state = _read(self.network, inputs[None], np.asarray(ids, np.intp)[None], self._state)
        self._before = int(ids[-1])
        return scores[0]

    def _score_segments(self, ids: Ids, warm_up: int, length: int, executor: Executor) -> Scores:
        """Score ``ids`` from ``warm_up`` on, in segments of ``length`` side by side.

        Each segment but the first begins with the state after the ``warm_up`` ids before it. Afterwards this is
        compared with the state in which the segment before really ended; where they differ, the segment is read again
        from there, until its state is the one that it had before. So the result is exact, however long the memory of
        the network.
        """
        known = np.asarray(ids, np.intp)
        targets = known[warm_up:].reshape(-1, length)  # (B, length)
        inputs = known[warm_up - 1 : -1].reshape(-1, length)  # (B, length)
        starts = np.arange(1, len(inputs))[:, None] * length  # (B - 1, 1)
        before = known[starts + np.arange(warm_up) - 1]  # (B - 1, warm_up), up to where each segment but one begins
        _, warm = self._read_rows(before, None, self.network.initial_state(len(before)), executor)
        begun = state = join_states([self._state, warm])
        scores, reached = np.empty(targets.shape), list[Any]()  # the state of all segments after each stretch
        stretches = [slice(first, first + warm_up) for first in range(0, length, warm_up)]
        for stretch in stretches:
            scores[:, stretch], state = self._read_rows(inputs[:, stretch], targets[:, stretch], state, executor)
            reached.append(state)
        while True:
            truly = join_states([self._state, state_rows(reached[-1], slice(0, -1))])
            wrong = differing_rows(begun, truly)
            if len(wrong) == 0:
                break
            begun, state = truly, state_rows(truly, wrong)
            for number, stretch in enumerate(stretches):
                inputs_again, targets_again = inputs[wrong, stretch], targets[wrong, stretch]
                scores[wrong, stretch], state = self._read_rows(inputs_again, targets_again, state, executor)
                differ = differing_rows(state_rows(reached[number], wrong), state)
                reached[number] = with_rows(reached[number], wrong, state)
                wrong, state = wrong[differ], state_rows(state, differ)
                if len(wrong) == 0:
                    break
        self._state, self._before = state_rows(reached[-1], slice(-1, None)), int(ids[-1])
        return scores.ravel()

    def _read_rows(self, inputs: Ids, targets: Ids | None, state: Any, executor: Executor) -> tuple[Scores, Any]:
        """Read ``inputs`` (B, T) after ``state``, by ``executor``; return log2 p of ``targets`` (B, T) and the state
        after."""
        shards = executor.map_shards(
            lambda rows: _read(
                self.network, inputs[rows], None if targets is None else targets[rows], state_rows(state, rows)
            ),
            len(inputs),
        )
        return np.concatenate([scores for scores, _ in shards]), join_states([after for _, after in shards])


def _read(network: Network[Any], inputs: Ids, targets: Ids | None, state: Any) -> tuple[Scores, Any]:
    """Read ``inputs`` (B, T) after ``state``; return log2 p of ``targets`` (B, T), if given, and the state after."""
    scores = np.zeros(inputs.shape)
    step = max(1, min(CHUNK, LOGITS // network.vocabulary_size) // len(inputs))
    for first in range(0, inputs.shape[1], step):
        columns = slice(first, first + step)
        if targets is not None and isinstance(network, ScoresTargets):
            scores[:, columns], state = network.score(inputs[:, columns], targets[:, columns], state)
            continue
        logits, state = network.forward(inputs[:, columns], state)  # (B, t, V)
        if targets is not None:
            scores[:, columns] = log2_softmax(logits, targets[:, columns])
    return scores, state


def score_batch(network: Network[Any], texts: Sequence[Ids], start: int) -> Scores:
    """Return log2 p of each id of ``texts``, side by side: shape (B, T), and 0 where a text has ended.

    Args:
        network: the network.
        texts: the ids (t,) of each text, the longest, of T ids, first.
        start: the id read before the first of each.
    """
    if isinstance(network, LineNetwork) and start == network.line_end:
        # Each text begins a line: without another line end, the network within a line is enough, and much faster.
        network = network if any((ids[:-1] == start).any() for ids in texts) else network.within
    lengths = np.array([len(ids) for ids in texts])  # (B,)
    rows = np.full((len(texts), lengths[0] + 1), start, np.intp)  # (B, 1 + T)
    for row, ids in zip(rows, texts, strict=True):
        row[1 : 1 + len(ids)] = ids
    scores, state = np.zeros((len(texts), lengths[0])), network.initial_state(len(texts))  # (B, T)
    for first in range(0, int(lengths[0]), STEP):
        left, columns = slice(0, np.count_nonzero(lengths > first)), slice(first, first + STEP)
        inputs, targets = rows[left, :-1][:, columns], rows[left, 1:][:, columns]
        scores[left, columns], state = _read(network, inputs, targets, state_rows(state, left))
    scores[np.arange(lengths[0]) >= lengths[:, None]] = 0
    return scores


def log2_softmax(logits: NDArray[np.floating], targets: Ids) -> Scores:
    """Return log2 of the probability that ``logits`` (..., V) give to ``targets`` (...), shape (...)."""
    chosen = np.take_along_axis(logits, targets[..., None], -1)[..., 0]  # (...)
    return (chosen.astype(np.float64) - log_normaliser(logits)) / np.log(2)


class ScoresIds(Protocol):
    """Anything that scores a text piece by piece like `Scorer`."""

    def score(self, ids: Ids) -> Scores:
        """Return log2 p of each of the next ``ids`` (T,), shape (T,)."""
        ...


def character_scores(scorer: ScoresIds, ids: Ids, vocabulary: Tokenizer) -> Scores:
    """Return log2 p of each of the C characters that the next ``ids`` (T,) stand for, shape (C,).

    Unknown ones have their share of the probability of the id that stands for them. The log2 p of a token of several
    characters is divided evenly among them, so that the sum is that of the text.
    """
    return over_characters(scorer.score(ids) - vocabulary.unknown_cost(ids), ids, vocabulary)


def over_characters(scores: Scores, ids: Ids, vocabulary: Tokenizer) -> Scores:
    """Return ``scores`` (T,) of ``ids`` (T,), each divided evenly among the characters that it stands for: (C,).

    Those of several ids that spell one character are added up.
    """
    lengths = vocabulary.token_lengths(ids)  # (T,)
    if len(lengths) and not lengths.all():
        starts = np.flatnonzero(lengths)
        scores = np.add.reduceat(scores, np.union1d(starts, [0])) if len(starts) else scores[:0]
        if len(starts) and starts[0] > 0:  # the text begins within a character, which is not among those counted
            scores = np.concatenate([[scores[0] + scores[1]], scores[2:]])
        lengths = lengths[starts]
    return np.repeat(scores / lengths, lengths)


def bits_per_id(network: Network[Any], ids: Ids, start: int, executor: Executor = SERIAL) -> float:
    """Return the mean of -log2 p over ``ids`` (T,), at least one, the state carried through all of them."""
    return -float(Scorer(network, start, executor).score(ids).mean())
