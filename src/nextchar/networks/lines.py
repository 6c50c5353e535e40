"""Networks of lists, in which each line is a text of its own: after a line end they begin anew.

A list has no order. So what stands in the line before says nothing about the next one, and a network that read on would
only be misled. Reading a line end, these networks first go back to the state before anything was read: the line end is
then the first id of the next line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from nextchar.networks.architecture import Floats, Ids, Network
from nextchar.networks.states import with_rows


class LineNetwork:
    """A `Network` that begins each line anew."""

    def __init__(self, within: Network[Any], line_end: int) -> None:
        """Prepare the network.

        Args:
            within: reads within a line.
            line_end: the id after which another line begins.
        """
        self.within, self.line_end = within, line_end
        self.vocabulary_size, self.context_length = within.vocabulary_size, within.context_length

    def initial_state(self, batch: int) -> Any:
        """Return the state of ``batch`` texts before anything is read."""
        return self.within.initial_state(batch)

    def forward(self, ids: Ids, state: Any) -> tuple[Floats, Any]:
        """Read ``ids`` (B, T) on from ``state``; return the logits (B, T, V) and the state after."""
        results = [*self.read_lines(self.within.forward, ids, state)]
        if len(results) == 1:
            return results[0]
        return np.concatenate([logits for logits, _ in results], axis=1), results[-1][1]

    def read_lines(self, read: Callable[[Ids, Any], Any], ids: Ids, state: Any) -> Iterator[Any]:
        """Yield what ``read`` returns, the state as its last part, for each stretch of the columns of ``ids`` (B, T) in
        which no text begins another line but in the first column."""
        ends = np.asarray(ids) == self.line_end  # (B, T)
        begun = np.flatnonzero(ends.any(axis=0)).tolist()
        for first, end in pairwise([*sorted({0, *begun}), ids.shape[1]]):
            rows = np.flatnonzero(ends[:, first])
            if len(rows) == len(ids):
                state = self.initial_state(len(ids))
            elif len(rows):
                state = with_rows(state, rows, self.initial_state(len(rows)))
            result = read(ids[:, first:end], state)
            state = result[-1]
            yield result


def in_lines(network: Network[Any], line_end: int | None) -> Network[Any]:
    """Return ``network`` as one that begins anew after each ``line_end``, or itself if that is None."""
    return network if line_end is None else LineNetwork(network, line_end)
