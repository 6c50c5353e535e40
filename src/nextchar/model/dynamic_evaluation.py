"""Scoring by a network that learns from what it has scored (dynamic evaluation), in torch.

The text is read in segments. Each segment is scored first, with the current weights w. Then the weights make one step
on it, with g the gradient of its mean loss, and decay a little towards the first weights w0:

    w <- w + DECAY (w0 - w) - s g

The step size s differs between weights. It divides by the usual size of a weight's gradients: r, their root mean square
on a text that the network writes itself (so that no text has to be stored with a model), plus a floor:

    s = STEP / (|r / (r + floor)| (r + floor))          floor = FLOOR times the mean of r

|.| is the Euclidean norm over all weights. On text like the network's own a step is then about STEP long, whatever the
size of the network.

Source: Krause, Kahembwe, Murray and Renals, "Dynamic evaluation of neural sequence models" (2018), with r from the
network's own text instead of its training text, and the norm new. What was measured: docs/adaptation.md.
"""

# torch types numpy arrays and gradients as unknown.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from nextchar.model.generation import generate_ids
from nextchar.model.scoring import Scores, log2_softmax
from nextchar.networks.architecture import Architecture, Ids, Network, Parameters
from nextchar.networks.reading_along import ReadingAlong
from nextchar.networks.torch_network import LSTM, Dropout
from nextchar.networks.torch_threads import TorchThreads
from nextchar.randomness import random_stream
from nextchar.settings import SamplingSettings

SEGMENT = 16
"""Ids scored with the same weights and learned from in one step; also how far back in time gradients go."""
STEP = 0.3
"""Length of a step on text like the network's own."""
MAX_STEP = 2.0
"""Longer steps are shortened to this; on ordinary text there are none."""
DECAY = 0.001
"""Share of the way back to the first weights in each step."""
FLOOR = 0.3
"""Added to the usual size of a weight's gradients, as a share of the mean over all weights."""
OWN_TEXT = 2560
"""Ids that the network writes to measure those sizes."""

_MIN_FLOOR = 1e-12
"""Smallest floor, for a network that is certain of all it writes."""


class AdaptiveScorer:
    """Scores a text piece by piece like `nextchar.model.scoring.Scorer`, with weights that learn from it.

    An id is scored before its segment is learned from; the result does not depend on the pieces.
    """

    def __init__(
        self,
        architecture: Architecture,
        parameters: Parameters,
        network: Network[Any],
        start: int,
        along: ReadingAlong | None = None,
    ) -> None:
        """Begin a text.

        Args:
            architecture: the sizes; the state is carried where ``context_length`` is None.
            parameters: the first weights, which are copied.
            network: the same network, alone or in a blend, which writes its own text.
            start: the id read before the first one.
            along: counts that read along, without outputs of a network, and have read nothing yet.
        """
        self._along = along
        self._module = LSTM(architecture, parameters)
        self._weights = list(self._module.tensors().values())
        self._first_weights = [weight.detach().clone() for weight in self._weights]
        self._reader = _Windows(self._module) if architecture.context_length else _Stream(self._module)
        own = np.fromiter(
            generate_ids(network, np.array([start]), SamplingSettings(temperature=1.0), random_stream(0, "evaluation")),
            np.int64,
            OWN_TEXT,
        )
        with _one_thread():
            self._step_sizes = step_sizes(self._gradient_sizes(own, start))
        self._context = self._reader.begin()
        self._inputs = [start]
        """The last id before the current segment, and the ids of the segment so far."""

    def score(self, ids: Ids) -> Scores:
        """Return log2 p of each of the next ``ids`` (T,), shape (T,)."""
        with _one_thread():
            return np.concatenate([np.empty(0), *self._score_parts(np.asarray(ids))])

    def _score_parts(self, ids: Ids) -> Iterator[Scores]:
        """Yield the scores of ``ids`` (T,) in parts that each lie in one segment."""
        first = 0
        while first < len(ids):
            part = ids[first : first + SEGMENT + 1 - len(self._inputs)].tolist()
            self._inputs += part
            yield self._score_segment(len(part))
            first += len(part)

    def _score_segment(self, new: int) -> Scores:
        """Return the scores of the last ``new`` ids of the current segment, shape (new,), and learn from it if it is
        whole."""
        segment = torch.tensor(self._inputs)  # (t + 1,)
        whole = len(segment) == SEGMENT + 1
        with torch.set_grad_enabled(whole):
            logits, after = self._reader.read(segment[:-1], self._context)  # (t, V)
        predicted = logits[-new:].detach().numpy()  # (new, V)
        if self._along is not None:
            predicted = self._along.read(segment[-1 - new : -1].numpy(), predicted, np.zeros((new, 0), np.float32))
        scores = log2_softmax(predicted, segment[-new:].numpy())
        if whole:
            self._learn(self._gradients(logits, segment[1:]))
            self._context, self._inputs = after, self._inputs[-1:]
        return scores

    def _gradients(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of the mean loss of ``targets`` (T,), in nats, given ``logits`` (T, V)."""
        return torch.autograd.grad(functional.cross_entropy(logits, targets), self._weights)

    @torch.no_grad()
    def _learn(self, gradients: Sequence[Tensor]) -> None:
        """Make one step of the weights."""
        steps = [size * gradient for size, gradient in zip(self._step_sizes, gradients, strict=True)]
        shrink = min(1.0, MAX_STEP / max(_norm(steps), _MIN_FLOOR))
        for weight, first, step in zip(self._weights, self._first_weights, steps, strict=True):
            weight.lerp_(first, DECAY).sub_(step, alpha=shrink)

    def _gradient_sizes(self, ids: Ids, start: int) -> list[Tensor]:
        """Return the root mean square of each weight's gradients over the segments of ``ids`` (n,)."""
        text = torch.tensor([start, *map(int, ids)])  # (n + 1,)
        count = len(ids) // SEGMENT
        squares = [torch.zeros_like(weight) for weight in self._first_weights]
        context = self._reader.begin()
        for first in range(0, count * SEGMENT, SEGMENT):
            segment = text[first : first + SEGMENT + 1]
            logits, context = self._reader.read(segment[:-1], context)  # (T, V)
            for square, gradient in zip(squares, self._gradients(logits, segment[1:]), strict=True):
                square.addcmul_(gradient, gradient)
        return [square.div_(count).sqrt_() for square in squares]


def step_sizes(gradient_sizes: Sequence[Tensor]) -> list[Tensor]:
    """Return the step size s of each weight for its usual gradient r, as in this module's docstring."""
    count = sum(size.numel() for size in gradient_sizes)
    mean = sum(float(size.sum(dtype=torch.float64)) for size in gradient_sizes) / count
    if mean == 0:  # nothing to learn, as with a single character
        return [torch.zeros_like(size) for size in gradient_sizes]
    floor = max(FLOOR * mean, _MIN_FLOOR)
    norm = _norm([size / (size + floor) for size in gradient_sizes])
    return [STEP / (norm * (size + floor)) for size in gradient_sizes]


def _norm(tensors: Sequence[Tensor]) -> float:
    """Return the Euclidean norm of ``tensors`` taken as one vector."""
    return math.sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors))


class _Stream:
    """Carries the state."""

    def __init__(self, module: LSTM) -> None:
        self._module = module

    def begin(self) -> Any:
        """Return the state before a text."""
        return self._module.initial_state(1)

    def read(self, ids: Tensor, before: Any) -> tuple[Tensor, Any]:
        """Read ``ids`` (T,) after ``before``; return the logits (T, V) and the state after, detached."""
        logits, after = self._module(ids[:, None], before)  # (T, 1, V)
        return logits[:, 0], tuple((h.detach(), c.detach()) for h, c in after)


class _Windows:
    """Reads the last ids from the zero state for each prediction."""

    def __init__(self, module: LSTM) -> None:
        self._module, self._length = module, module.architecture.context_length or 1
        self._dropout = Dropout(0.0, 0.0, torch.Generator())

    def begin(self) -> Tensor:
        """Return the ids before a text: none."""
        return torch.empty(0, dtype=torch.long)

    def read(self, ids: Tensor, before: Tensor) -> tuple[Tensor, Tensor]:
        """Read ``ids`` (T,) on from the ids before; return the logits (T, V) and the ids before the next."""
        known = torch.cat([before, ids])  # (K + T,)
        ends = range(len(before) + 1, len(known) + 1)
        short = [known[:end, None] for end in ends if end < self._length]  # each (t, 1): a text's beginning
        windows = known.unfold(0, self._length, 1).t() if len(short) < len(ids) else known[:0]  # (n, T - short)
        rows = [self._module.read_windows(window, self._dropout) for window in (*short, windows) if window.numel()]
        return torch.cat(rows), known[max(0, len(known) - self._length + 1) :]


@contextmanager
def _one_thread() -> Generator[None]:
    """Make torch compute with one thread: for so little work, several threads only wait for each other."""
    threads = TorchThreads(1)
    try:
        yield
    finally:
        threads.close()
